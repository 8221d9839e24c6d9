"""Uploads in parts."""

import hashlib
import io
import os

from harness import bucket, refused, run, s3

S3 = s3()
BUCKET = bucket(S3)
PART = 5 << 20


def _begin(key, **arguments):
    return S3.create_multipart_upload(Bucket=BUCKET, Key=key, **arguments)["UploadId"]


def _part(key, upload, number, body, **arguments):
    etag = S3.upload_part(Bucket=BUCKET, Key=key, UploadId=upload, PartNumber=number, Body=body,
                          **arguments)["ETag"]
    return {"PartNumber": number, "ETag": etag}


def _complete(key, upload, parts, **arguments):
    return S3.complete_multipart_upload(Bucket=BUCKET, Key=key, UploadId=upload,
                                        MultipartUpload={"Parts": parts}, **arguments)


def parts_become_one_object():
    bodies = [os.urandom(PART), os.urandom(PART + 1), b"tail"]
    upload = _begin("whole", ContentType="a/b", Metadata={"m": "1"})
    parts = [_part("whole", upload, number * 7 + 1, body) for number, body in enumerate(bodies)]
    answer = _complete("whole", upload, parts)
    digest = hashlib.md5(b"".join(hashlib.md5(body).digest() for body in bodies)).hexdigest()
    assert answer["ETag"] == f'"{digest}-3"'
    got = S3.get_object(Bucket=BUCKET, Key="whole")
    assert got["Body"].read() == b"".join(bodies)
    assert got["ContentType"] == "a/b" and got["Metadata"] == {"m": "1"}
    second = S3.get_object(Bucket=BUCKET, Key="whole", PartNumber=2)
    assert second["Body"].read() == bodies[1] and second["PartsCount"] == 3
    refused("InvalidPartNumber", S3.get_object, Bucket=BUCKET, Key="whole", PartNumber=4,
            status=416)
    refused("NoSuchUpload", _complete, "whole", upload, parts)


def a_part_that_is_sent_again_replaces_the_first():
    upload = _begin("again")
    old = _part("again", upload, 1, b"old")
    new = _part("again", upload, 1, b"new")
    refused("InvalidPart", _complete, "again", upload, [old])
    _complete("again", upload, [new])
    assert S3.get_object(Bucket=BUCKET, Key="again")["Body"].read() == b"new"


def a_wrong_completion_changes_nothing():
    upload = _begin("wrong")
    small, last = _part("wrong", upload, 1, b"small"), _part("wrong", upload, 2, b"last")
    refused("EntityTooSmall", _complete, "wrong", upload, [small, last])
    refused("InvalidPartOrder", _complete, "wrong", upload, [last, small])
    refused("InvalidPartOrder", _complete, "wrong", upload, [small, small])
    refused("InvalidPart", _complete, "wrong", upload, [{"PartNumber": 9, "ETag": small["ETag"]}])
    refused("InvalidPart", _complete, "wrong", upload, [{"PartNumber": 1, "ETag": '"x"'}])
    refused("MalformedXML", _complete, "wrong", upload, [])
    refused("BadDigest", _complete, "wrong", upload, [small], ChecksumCRC64NVME="AAAAAAAAAAA=")
    refused("NoSuchUpload", _complete, "wrong", "nope", [small])
    refused("404", S3.head_object, Bucket=BUCKET, Key="wrong")
    S3.put_object(Bucket=BUCKET, Key="wrong", Body=b"there")
    refused("PreconditionFailed", _complete, "wrong", upload, [small], IfNoneMatch="*")
    _complete("wrong", upload, [small])
    assert S3.get_object(Bucket=BUCKET, Key="wrong")["Body"].read() == b"small"


def part_numbers_have_their_limits():
    upload = _begin("limits")
    for number in (0, -1, 10001):
        refused("InvalidArgument", _part, "limits", upload, number, b"")
    refused("NoSuchUpload", _part, "limits", "unknown", 1, b"")
    refused("NoSuchUpload", _part, "other key", upload, 1, b"")
    refused("BadDigest", _part, "limits", upload, 1, b"x", ContentMD5="1B2M2Y8AsgTpgAmY7PhCfg==")
    assert "Parts" not in S3.list_parts(Bucket=BUCKET, Key="limits", UploadId=upload)


def uploads_and_parts_are_listed_in_pages():
    keys = ["l/a", "l/b/1", "l/b/2", "l/c"]
    uploads = {(key, _begin(key)) for key in keys for _ in range(2)}
    got, arguments = set(), {}
    while True:
        page = S3.list_multipart_uploads(Bucket=BUCKET, Prefix="l/", MaxUploads=3, **arguments)
        got |= {(entry["Key"], entry["UploadId"]) for entry in page["Uploads"]}
        if not page["IsTruncated"]:
            break
        arguments = {"KeyMarker": page["NextKeyMarker"],
                     "UploadIdMarker": page["NextUploadIdMarker"]}
    assert got == uploads
    page = S3.list_multipart_uploads(Bucket=BUCKET, Prefix="l/", Delimiter="/")
    assert [entry["Prefix"] for entry in page["CommonPrefixes"]] == ["l/b/"]
    assert len(page["Uploads"]) == 4
    key, upload = sorted(uploads)[0]
    for number in range(1, 6):
        _part(key, upload, number, b"p" * number)
    first = S3.list_parts(Bucket=BUCKET, Key=key, UploadId=upload, MaxParts=2)
    assert [part["PartNumber"] for part in first["Parts"]] == [1, 2] and first["IsTruncated"]
    rest = S3.list_parts(Bucket=BUCKET, Key=key, UploadId=upload,
                         PartNumberMarker=first["NextPartNumberMarker"])
    assert [part["Size"] for part in rest["Parts"]] == [3, 4, 5] and not rest["IsTruncated"]


def an_aborted_upload_is_gone():
    upload = _begin("abort")
    _part("abort", upload, 1, b"x")
    S3.abort_multipart_upload(Bucket=BUCKET, Key="abort", UploadId=upload)
    refused("NoSuchUpload", S3.abort_multipart_upload, Bucket=BUCKET, Key="abort", UploadId=upload)
    refused("NoSuchUpload", S3.list_parts, Bucket=BUCKET, Key="abort", UploadId=upload)


def parts_can_be_copied():
    body = os.urandom(PART + 100)
    S3.put_object(Bucket=BUCKET, Key="source", Body=body)
    source = {"Bucket": BUCKET, "Key": "source"}
    upload = _begin("copied")

    def copy(number, **arguments):
        result = S3.upload_part_copy(Bucket=BUCKET, Key="copied", UploadId=upload,
                                     PartNumber=number, CopySource=source, **arguments)
        return {"PartNumber": number, "ETag": result["CopyPartResult"]["ETag"]}

    parts = [copy(1), copy(2, CopySourceRange="bytes=10-19")]
    _complete("copied", upload, parts)
    assert S3.get_object(Bucket=BUCKET, Key="copied")["Body"].read() == body + body[10:20]
    upload = _begin("copied")
    refused("InvalidArgument", copy, 1, CopySourceRange=f"bytes=0-{len(body)}")
    refused("InvalidArgument", copy, 1, CopySourceRange="bytes=5-")


def composite_and_full_checksums_are_what_they_say():
    bodies = [os.urandom(PART), b"tail"]
    for algorithm, kind in (("CRC32", "COMPOSITE"), ("SHA256", "COMPOSITE"),
                            ("CRC32", "FULL_OBJECT")):
        upload = _begin("sums", ChecksumAlgorithm=algorithm, ChecksumType=kind)
        parts = []
        for number, body in enumerate(bodies, 1):
            sent = S3.upload_part(Bucket=BUCKET, Key="sums", UploadId=upload, PartNumber=number,
                                  Body=body, ChecksumAlgorithm=algorithm)
            field = f"Checksum{algorithm}"
            parts.append({"PartNumber": number, "ETag": sent["ETag"], field: sent[field]})
        done = _complete("sums", upload, parts)
        assert done["ChecksumType"] == kind
        assert done[field].endswith("-2") == (kind == "COMPOSITE")
        whole = S3.put_object(Bucket=BUCKET, Key="one", Body=b"".join(bodies),
                              ChecksumAlgorithm=algorithm)[field]
        assert (done[field] == whole) == (kind == "FULL_OBJECT")
        assert S3.get_object(Bucket=BUCKET, Key="sums", ChecksumMode="ENABLED")["Body"].read()
    refused("InvalidRequest", _begin, "sums", ChecksumAlgorithm="SHA256",
            ChecksumType="FULL_OBJECT")
    upload = _begin("sums", ChecksumAlgorithm="SHA256")
    refused("InvalidRequest", _part, "sums", upload, 1, b"x", ChecksumAlgorithm="CRC32")


def the_transfer_manager_moves_64_mib():
    body = os.urandom(64 << 20)
    S3.upload_fileobj(io.BytesIO(body), BUCKET, "large")
    back = io.BytesIO()
    S3.download_fileobj(BUCKET, "large", back)
    assert back.getvalue() == body


def a_bucket_with_an_open_upload_is_not_empty():
    name = bucket(S3)
    upload = S3.create_multipart_upload(Bucket=name, Key="k")["UploadId"]
    refused("BucketNotEmpty", S3.delete_bucket, Bucket=name, status=409)
    S3.abort_multipart_upload(Bucket=name, Key="k", UploadId=upload)
    S3.delete_bucket(Bucket=name)
    refused("NoSuchBucket", S3.list_objects_v2, Bucket=name)


run(globals())
