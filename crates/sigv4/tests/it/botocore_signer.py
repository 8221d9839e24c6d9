"""Lets botocore write S3 requests and prints them, one JSON object per line, instead of sending.

Arguments: how many requests, and the seed of the random keys, values and bodies.
"""

import io
import json
import random
import sys
from urllib.parse import urlsplit

import botocore.session
from botocore.config import Config

ACCESS_KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
TOKEN = "FwoGZXIvYXdzE//+=token"

PIECES = list(" +%&=?#/;:,@!$'()*~\"<>[]{}|\\^`-._aZ09äß漢😀") + ["%2F", "%20", "%", "//", "a/", "%zz"]


class Captured(Exception):
    def __init__(self, request):
        super().__init__()
        self.request = request


def capture(request, **_):
    raise Captured(request)


def client(tls, style, token):
    made = botocore.session.Session().create_client(
        "s3",
        endpoint_url="https://gw.example.com" if tls else "http://gw.example.com:9000",
        region_name="eu-central-1" if tls else "us-east-1",
        aws_access_key_id=ACCESS_KEY_ID,
        aws_secret_access_key=SECRET,
        aws_session_token=TOKEN if token else None,
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": style},
            retries={"total_max_attempts": 1},
        ),
    )
    made.meta.events.register_last("before-send.s3", capture)
    return made


def text(most=12):
    return "".join(random.choice(PIECES) for _ in range(random.randint(1, most)))


def metadata():
    words = (" " * random.randint(1, 3)).join(["one", "two", "x=y;z,w"])
    return {"Name": words, "other-name": "1"}


def call(s3, plain):
    """One request; returns what a presigned URL is used with, or None after a captured call."""
    where = {"Bucket": "results", "Key": text()}
    body = io.BytesIO(plain)
    name = random.choice(sorted(CALLS))
    return CALLS[name](s3, where, body)


CALLS = {
    "get": lambda s3, where, body: s3.get_object(**where, Range="bytes=0-9"),
    "get_version": lambda s3, where, body: s3.get_object(
        **where, VersionId=text(), ResponseContentDisposition='attachment; filename="ä b.pdf"'
    ),
    "head": lambda s3, where, body: s3.head_object(**where),
    "put": lambda s3, where, body: s3.put_object(**where, Body=body, Metadata=metadata()),
    "put_sha1": lambda s3, where, body: s3.put_object(
        **where, Body=body, ChecksumAlgorithm="SHA1", ContentType="text/plain; charset=utf-8"
    ),
    "put_encoded": lambda s3, where, body: s3.put_object(
        **where, Body=body, ContentEncoding="gzip", Tagging="a=b%20c&d=e"
    ),
    "part": lambda s3, where, body: s3.upload_part(
        **where, Body=body, UploadId=text(), PartNumber=random.randint(1, 10000)
    ),
    "create": lambda s3, where, body: s3.create_multipart_upload(**where),
    "complete": lambda s3, where, body: s3.complete_multipart_upload(
        **where, UploadId=text(), MultipartUpload={"Parts": [{"ETag": '"a"', "PartNumber": 1}]}
    ),
    "delete": lambda s3, where, body: s3.delete_object(**where),
    "delete_many": lambda s3, where, body: s3.delete_objects(
        Bucket="results", Delete={"Objects": [{"Key": text()}, {"Key": text()}]}
    ),
    "copy": lambda s3, where, body: s3.copy_object(
        **where, CopySource={"Bucket": "data", "Key": text()}
    ),
    "list": lambda s3, where, body: s3.list_objects_v2(
        Bucket="results", Prefix=text(), Delimiter="/", StartAfter=text(), MaxKeys=7
    ),
    "list_old": lambda s3, where, body: s3.list_objects(Bucket="results", Marker=text()),
    "buckets": lambda s3, where, body: s3.list_buckets(),
    "location": lambda s3, where, body: s3.get_bucket_location(Bucket="results"),
    "presign_get": lambda s3, where, body: (
        "GET",
        s3.generate_presigned_url(
            "get_object",
            Params={**where, "ResponseContentType": text()},
            ExpiresIn=random.randint(1, 604800),
        ),
        {},
    ),
    "presign_put": lambda s3, where, body: (
        "PUT",
        s3.generate_presigned_url("put_object", Params={**where, "ContentType": "text/x"}),
        {"Content-Type": "text/x"},
    ),
}


def line(method, url, headers, body, plain):
    parts = urlsplit(url)
    target = (parts.path or "/") + ("?" + parts.query if parts.query else "")
    pairs = [[name, value.decode() if isinstance(value, bytes) else str(value)]
             for name, value in headers.items()]
    if "host" not in [name.lower() for name, _ in pairs]:
        pairs.append(["Host", parts.netloc])
    if hasattr(body, "read"):
        body = body.read()
    if isinstance(body, str):
        body = body.encode()
    return {
        "method": method,
        "target": target,
        "headers": pairs,
        "wire": (body or b"").hex(),
        "plain": plain.hex(),
    }


def main():
    count, seed = int(sys.argv[1]), int(sys.argv[2])
    random.seed(seed)
    clients = [client(tls, style, token)
               for tls in (True, False)
               for style in ("path", "virtual")
               for token in (True, False)]
    for _ in range(count):
        plain = random.randbytes(random.choice([0, 1, 10, 5000]))
        try:
            method, url, headers = call(random.choice(clients), plain)
            print(json.dumps(line(method, url, headers, b"", b"")))
        except Captured as captured:
            sent = captured.request
            print(json.dumps(line(sent.method, sent.url, sent.headers, sent.body, plain)))


main()
