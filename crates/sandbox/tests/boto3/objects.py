"""Objects: what is written comes back, under conditions, in ranges, with checksums."""

import hashlib
import os

from botocore.exceptions import ClientError
from harness import bucket, refused, run, s3

S3 = s3()
BUCKET = bucket(S3)


def any_key_holds_its_own_object():
    keys = [
        "a", "a/", "a//b", "/lead", "..", "../up", "./here", "a/../b", "with space", "plus+plus",
        "percent%2Fx", "ünïcödé/ключ/鍵", "tab\tkey", "question?mark", "hash#mark", "amp&eq=1",
        "quote'\"", "<xml>&amp;", "k" * 1024, "é" * 512, "~tilde", "a\u00a0b", "😀",
    ]
    for number, key in enumerate(keys):
        S3.put_object(Bucket=BUCKET, Key="k/" + key if key == "/lead" else key, Body=str(number))
    for number, key in enumerate(keys):
        got = S3.get_object(Bucket=BUCKET, Key="k/" + key if key == "/lead" else key)
        assert got["Body"].read() == str(number).encode(), key
    refused("KeyTooLongError", S3.put_object, Bucket=BUCKET, Key="k" * 1025, Body=b"")


def sizes_around_every_boundary_come_back():
    for size in (0, 1, 8191, 8192, 8193, (256 << 10) + 1, (1 << 20) - 1, 1 << 20, (5 << 20) + 7):
        body = os.urandom(size)
        etag = S3.put_object(Bucket=BUCKET, Key=f"size/{size}", Body=body)["ETag"]
        assert etag == f'"{hashlib.md5(body).hexdigest()}"'
        got = S3.get_object(Bucket=BUCKET, Key=f"size/{size}", ChecksumMode="ENABLED")
        assert got["ContentLength"] == size and got["Body"].read() == body


def headers_and_metadata_come_back_as_they_were():
    S3.put_object(
        Bucket=BUCKET, Key="meta", Body=b"x", ContentType="text/plain; charset=utf-8",
        CacheControl="no-store", ContentDisposition='attachment; filename="a.txt"',
        ContentEncoding="gzip", ContentLanguage="de", Metadata={"one": "1", "two": "zwei"},
        StorageClass="STANDARD_IA",
    )
    head = S3.head_object(Bucket=BUCKET, Key="meta")
    assert head["ContentType"] == "text/plain; charset=utf-8"
    assert head["CacheControl"] == "no-store" and head["ContentEncoding"] == "gzip"
    assert head["ContentDisposition"] == 'attachment; filename="a.txt"'
    assert head["ContentLanguage"] == "de" and head["StorageClass"] == "STANDARD_IA"
    assert head["Metadata"] == {"one": "1", "two": "zwei"}
    assert head["ServerSideEncryption"] == "AES256"
    got = S3.get_object(
        Bucket=BUCKET, Key="meta", ResponseContentType="x/y", ResponseCacheControl="max-age=1"
    )
    assert got["ContentType"] == "x/y" and got["CacheControl"] == "max-age=1"
    refused("MetadataTooLarge", S3.put_object, Bucket=BUCKET, Key="m", Metadata={"k": "v" * 2048})


def ranges_give_the_bytes_they_name():
    body = bytes(range(256)) * 4096
    S3.put_object(Bucket=BUCKET, Key="range", Body=body)
    for header, expected in {
        "bytes=0-0": body[:1], "bytes=10-19": body[10:20], "bytes=-5": body[-5:],
        f"bytes={len(body) - 3}-": body[-3:], "bytes=5-99999999": body[5:],
        "bytes=300000-900000": body[300000:900001],
    }.items():
        got = S3.get_object(Bucket=BUCKET, Key="range", Range=header)
        assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
        assert got["Body"].read() == expected, header
        assert got["ContentRange"].endswith(f"/{len(body)}")
    refused("InvalidRange", S3.get_object, Bucket=BUCKET, Key="range", status=416,
            Range=f"bytes={len(body)}-")


def reads_obey_their_conditions():
    etag = S3.put_object(Bucket=BUCKET, Key="cond", Body=b"1")["ETag"]
    modified = S3.head_object(Bucket=BUCKET, Key="cond")["LastModified"]
    S3.get_object(Bucket=BUCKET, Key="cond", IfMatch=etag)
    S3.get_object(Bucket=BUCKET, Key="cond", IfNoneMatch='"other"')
    S3.get_object(Bucket=BUCKET, Key="cond", IfUnmodifiedSince=modified)
    refused("PreconditionFailed", S3.get_object, Bucket=BUCKET, Key="cond", IfMatch='"other"')
    refused("304", S3.get_object, Bucket=BUCKET, Key="cond", IfNoneMatch=etag, status=304)
    refused("304", S3.head_object, Bucket=BUCKET, Key="cond", IfModifiedSince=modified)


def writes_obey_their_conditions():
    S3.put_object(Bucket=BUCKET, Key="once", Body=b"first", IfNoneMatch="*")
    refused("PreconditionFailed", S3.put_object, Bucket=BUCKET, Key="once", Body=b"second",
            IfNoneMatch="*", status=412)
    etag = S3.head_object(Bucket=BUCKET, Key="once")["ETag"]
    refused("PreconditionFailed", S3.put_object, Bucket=BUCKET, Key="once", IfMatch='"no"')
    refused("NoSuchKey", S3.put_object, Bucket=BUCKET, Key="never", IfMatch=etag)
    assert S3.get_object(Bucket=BUCKET, Key="once")["Body"].read() == b"first"
    S3.put_object(Bucket=BUCKET, Key="once", Body=b"third", IfMatch=etag)
    refused("PreconditionFailed", S3.delete_object, Bucket=BUCKET, Key="once", IfMatch=etag)


def every_checksum_is_verified_and_shown():
    for algorithm in ("CRC32", "SHA1", "SHA256"):
        field = f"Checksum{algorithm}"
        put = S3.put_object(Bucket=BUCKET, Key="sum", Body=b"hello", ChecksumAlgorithm=algorithm)
        head = S3.head_object(Bucket=BUCKET, Key="sum", ChecksumMode="ENABLED")
        assert put[field] == head[field] and head["ChecksumType"] == "FULL_OBJECT"
        assert field not in S3.head_object(Bucket=BUCKET, Key="sum")
    wrong = {
        "ChecksumCRC32": "AAAAAA==", "ChecksumCRC32C": "AAAAAA==",
        "ChecksumCRC64NVME": "AAAAAAAAAAA=", "ChecksumSHA1": "A" * 27 + "=",
        "ChecksumSHA256": "A" * 43 + "=",
    }
    for field, value in wrong.items():
        refused("BadDigest", S3.put_object, Bucket=BUCKET, Key="bad", Body=b"hello",
                **{field: value})
    refused("InvalidRequest", S3.put_object, Bucket=BUCKET, Key="bad", Body=b"hello",
            ChecksumSHA256="short")
    refused("BadDigest", S3.put_object, Bucket=BUCKET, Key="bad", Body=b"hello",
            ContentMD5="1B2M2Y8AsgTpgAmY7PhCfg==")
    refused("InvalidDigest", S3.put_object, Bucket=BUCKET, Key="bad", Body=b"", ContentMD5="x")
    refused("404", S3.head_object, Bucket=BUCKET, Key="bad")


def copies_keep_or_replace_what_they_should():
    S3.put_object(Bucket=BUCKET, Key="src/ä b", Body=b"body", ContentType="a/b",
                  Metadata={"m": "1"}, Tagging="t=1")
    source = {"Bucket": BUCKET, "Key": "src/ä b"}
    S3.copy_object(Bucket=BUCKET, Key="dst", CopySource=source)
    head = S3.head_object(Bucket=BUCKET, Key="dst")
    assert head["ContentType"] == "a/b" and head["Metadata"] == {"m": "1"}
    assert S3.get_object_tagging(Bucket=BUCKET, Key="dst")["TagSet"] == [{"Key": "t", "Value": "1"}]
    S3.copy_object(Bucket=BUCKET, Key="dst", CopySource=source, MetadataDirective="REPLACE",
                   ContentType="c/d", TaggingDirective="REPLACE", Tagging="")
    head = S3.head_object(Bucket=BUCKET, Key="dst")
    assert head["ContentType"] == "c/d" and head["Metadata"] == {}
    assert S3.get_object(Bucket=BUCKET, Key="dst")["Body"].read() == b"body"
    refused("InvalidRequest", S3.copy_object, Bucket=BUCKET, Key="src/ä b", CopySource=source)
    refused("PreconditionFailed", S3.copy_object, Bucket=BUCKET, Key="dst", CopySource=source,
            CopySourceIfMatch='"no"')
    refused("NoSuchKey", S3.copy_object, Bucket=BUCKET, Key="dst",
            CopySource={"Bucket": BUCKET, "Key": "none"})


def deleting_is_idempotent_and_in_batches():
    S3.delete_object(Bucket=BUCKET, Key="was never there")
    for number in range(3):
        S3.put_object(Bucket=BUCKET, Key=f"batch/{number}", Body=b"")
    objects = [{"Key": f"batch/{number}"} for number in range(4)]
    answer = S3.delete_objects(Bucket=BUCKET, Delete={"Objects": objects})
    assert sorted(entry["Key"] for entry in answer["Deleted"]) == [f"batch/{n}" for n in range(4)]
    assert S3.list_objects_v2(Bucket=BUCKET, Prefix="batch/")["KeyCount"] == 0
    quiet = S3.delete_objects(Bucket=BUCKET, Delete={"Objects": objects, "Quiet": True})
    assert "Deleted" not in quiet
    many = [{"Key": str(number)} for number in range(1001)]
    refused("MalformedXML", S3.delete_objects, Bucket=BUCKET, Delete={"Objects": many})
    refused("MalformedXML", S3.delete_objects, Bucket=BUCKET, Delete={"Objects": []})


def what_is_not_there_is_named():
    refused("NoSuchKey", S3.get_object, Bucket=BUCKET, Key="none", status=404)
    refused("404", S3.head_object, Bucket=BUCKET, Key="none", status=404)
    refused("NoSuchBucket", S3.get_object, Bucket="no-such-bucket-here", Key="k", status=404)
    refused("InvalidBucketName", S3.create_bucket, Bucket="xn--bad")


def what_the_sandbox_has_not_got_is_said():
    key = b"k" * 32
    refused("NotImplemented", S3.put_object, Bucket=BUCKET, Key="k", Body=b"", SSECustomerKey=key,
            SSECustomerAlgorithm="AES256")
    refused("NotImplemented", S3.put_object, Bucket=BUCKET, Key="k", WebsiteRedirectLocation="/x")
    refused("NotImplemented", S3.restore_object, Bucket=BUCKET, Key="k", RestoreRequest={"Days": 1})
    refused("AccessControlListNotSupported", S3.put_object, Bucket=BUCKET, Key="k",
            ACL="public-read")
    refused("AccessControlListNotSupported", S3.put_object_acl, Bucket=BUCKET, Key="meta",
            ACL="public-read")


run(globals())
