"""boto3 with its defaults, as an application uses it; any surprise is an AssertionError.

    boto3_client.py sizes BUCKET PREFIX SIZE...    put, head, get, list, delete
    boto3_client.py keys BUCKET PREFIX KEY...      the same with names that are hard to carry
    boto3_client.py listing BUCKET                 the many keys of tests/src/listing.rs
    boto3_client.py presign METHOD BUCKET KEY SECONDS [sigv2]   prints a URL
    boto3_client.py verdict OPERATION BUCKET KEY   prints `ok`, or the error's code and status
"""

import hashlib
import io
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

# Only the number of tries differs from the defaults: a failure must show, not be tried again.
s3 = boto3.client("s3", config=Config(retries={"total_max_attempts": 1}))

# Where boto3 itself begins to upload in parts.
MULTIPART_THRESHOLD = 8 << 20


def names_under(bucket, prefix):
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return {found["Key"]: found["Size"] for page in pages for found in page.get("Contents", [])}


def is_missing(bucket, key):
    try:
        s3.get_object(Bucket=bucket, Key=key)
    except s3.exceptions.NoSuchKey:
        return True
    return False


def content(size):
    block = hashlib.sha256(str(size).encode()).digest()
    return (block * (size // len(block) + 1))[:size]


def sizes(bucket, prefix, *wanted):
    expected = {}
    for size in map(int, wanted):
        key, body = f"{prefix}{size}", content(size)
        expected[key] = size
        if size < MULTIPART_THRESHOLD:
            answer = s3.put_object(Bucket=bucket, Key=key, Body=body)
            assert answer["ETag"] == f'"{hashlib.md5(body).hexdigest()}"', answer
        else:
            s3.upload_fileobj(io.BytesIO(body), bucket, key)
        head = s3.head_object(Bucket=bucket, Key=key)
        assert head["ContentLength"] == size, head
        assert "ContentEncoding" not in head, head
        got = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        assert got == body, f"{size} bytes came back as {len(got)}"
        into = io.BytesIO()
        s3.download_fileobj(bucket, key, into)
        assert into.getvalue() == body, "a download in ranges differs"
    found = names_under(bucket, prefix)
    assert found == expected, found
    for key in expected:
        s3.delete_object(Bucket=bucket, Key=key)
        assert is_missing(bucket, key), key
    assert names_under(bucket, prefix) == {}


def keys(bucket, prefix, *names):
    full = [prefix + name for name in names]
    for key in full:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode(), Metadata={"origin": "boto3"})
    assert set(names_under(bucket, prefix)) == set(full), names_under(bucket, prefix)
    for key in full:
        got = s3.get_object(Bucket=bucket, Key=key)
        assert got["Body"].read() == key.encode(), key
        assert got["Metadata"] == {"origin": "boto3"}, got["Metadata"]
        part = s3.get_object(Bucket=bucket, Key=key, Range="bytes=1-2")["Body"].read()
        assert part == key.encode()[1:3], key
        copy = prefix + "copy of " + key
        s3.copy_object(Bucket=bucket, Key=copy, CopySource={"Bucket": bucket, "Key": key})
        assert s3.get_object(Bucket=bucket, Key=copy)["Body"].read() == key.encode(), copy
    everything = [{"Key": key} for key in names_under(bucket, prefix)]
    assert len(everything) == 2 * len(full), everything
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": everything})
    assert "Errors" not in answer, answer
    deleted = {gone["Key"] for gone in answer["Deleted"]}
    assert deleted == {gone["Key"] for gone in everything}, deleted
    assert names_under(bucket, prefix) == {}


def many():
    for number in range(1200):
        if number % 30 == 0:
            yield f"many/plain {number:04}&<é>"
        else:
            yield f"many/folder {number % 30:02}/key+{number:04}"


def listing(bucket):
    expected = set(many())
    assert set(names_under(bucket, "many/")) == expected
    first = s3.list_objects_v2(Bucket=bucket, Prefix="many/")
    assert (first["KeyCount"], first["IsTruncated"]) == (1000, True), first["KeyCount"]
    order = [found["Key"] for found in first["Contents"]]
    assert order == sorted(expected, key=str.encode)[:1000]
    after = s3.list_objects_v2(Bucket=bucket, Prefix="many/", StartAfter=order[499], MaxKeys=7)
    assert [found["Key"] for found in after["Contents"]] == order[500:507]

    for operation in ("list_objects_v2", "list_objects"):
        folders, plain = set(), set()
        pages = s3.get_paginator(operation).paginate(
            Bucket=bucket, Prefix="many/", Delimiter="/", PaginationConfig={"PageSize": 13}
        )
        for page in pages:
            assert page["Prefix"] == "many/", page["Prefix"]
            folders |= {found["Prefix"] for found in page.get("CommonPrefixes", [])}
            plain |= {found["Key"] for found in page.get("Contents", [])}
        assert plain == {key for key in expected if key.count("/") == 1}, (operation, plain)
        assert folders == {key[: key.rindex("/") + 1] for key in expected - plain}, operation

    one = s3.list_objects_v2(Bucket=bucket, Prefix="many/folder 01/", Delimiter="/")
    assert one["KeyCount"] == 40 and "CommonPrefixes" not in one, one
    assert s3.list_objects_v2(Bucket=bucket, Prefix="many/nothing")["KeyCount"] == 0


def presign(method, bucket, key, seconds, version="sigv4"):
    if version == "sigv4":
        client = boto3.client("s3", config=Config(signature_version="s3v4"))
    else:
        client = boto3.client("s3", config=Config(signature_version="s3"))
    arguments = {"Bucket": bucket, "Key": key}
    print(client.generate_presigned_url(method, Params=arguments, ExpiresIn=int(seconds)), end="")


def verdict(operation, bucket, key):
    arguments = {"Bucket": bucket}
    if operation in ("put_object", "get_object", "delete_object", "head_object"):
        arguments["Key"] = key
    try:
        getattr(s3, operation)(**arguments)
        print("ok", end="")
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        print(status, error.response["Error"]["Code"], end="")


if __name__ == "__main__":
    {f.__name__: f for f in (sizes, keys, listing, presign, verdict)}[sys.argv[1]](*sys.argv[2:])
