"""Listings: the order of bytes, pages that lose nothing, groups, encodings."""

from concurrent.futures import ThreadPoolExecutor

from harness import bucket, refused, run, s3

S3 = s3(max_pool_connections=16)
BUCKET = bucket(S3)
KEYS = (
    [f"dir{d}/sub{s}/f{f:02}" for d in range(10) for s in range(10) for f in range(12)]
    + ["A", "Z", "a", "z", "a-b", "a/b", "a/b/c", "a.b", "ä", "~", "é/é", "x\u20ac", "😀", "plus+ x"]
)
with ThreadPoolExecutor(12) as pool:
    list(pool.map(lambda key: S3.put_object(Bucket=BUCKET, Key=key, Body=b""), KEYS))


def _model(prefix="", delimiter=None, after=""):
    entries = []
    for key in sorted(KEYS, key=lambda key: key.encode()):
        if not key.startswith(prefix):
            continue
        entry = key
        if delimiter and delimiter in key[len(prefix):]:
            entry = prefix + key[len(prefix):].split(delimiter)[0] + delimiter
        if entry not in entries and entry.encode() > after.encode():
            entries.append(entry)
    return entries


def _entries(page):
    keys = [entry["Key"] for entry in page.get("Contents", [])]
    groups = [entry["Prefix"] for entry in page.get("CommonPrefixes", [])]
    return keys + groups


def _pages(method, **arguments):
    got = []
    for page in S3.get_paginator(method).paginate(Bucket=BUCKET, **arguments):
        got += _entries(page)
    return sorted(got, key=lambda key: key.encode())


def every_page_size_gives_the_whole_in_the_order_of_bytes():
    for method in ("list_objects_v2", "list_objects"):
        for size in (1000, 999, 37):
            assert _pages(method, PaginationConfig={"PageSize": size}) == _model(), (method, size)


def groups_are_counted_once_and_cut_by_pages():
    for method in ("list_objects_v2", "list_objects"):
        for prefix in ("", "dir1/", "a", "nothing", "é"):
            for delimiter in ("/", "b/"):
                entries = len(_model(prefix, delimiter))
                for size in (1000, max(3, entries // 20), max(1, entries // 60)):
                    got = _pages(method, Prefix=prefix, Delimiter=delimiter,
                                 PaginationConfig={"PageSize": size})
                    assert got == _model(prefix, delimiter), (method, prefix, delimiter, size)


def a_listing_begins_behind_the_key_it_is_told():
    for after in ("a", "a/b", "dir3/", "dir3/sub4/f05", "zzz", "😀"):
        got = _entries(S3.list_objects_v2(Bucket=BUCKET, StartAfter=after))
        assert got == _model(after=after)[:1000], after
        got = _entries(S3.list_objects(Bucket=BUCKET, Marker=after))
        assert got == _model(after=after)[:1000], after


def an_answer_says_what_was_asked():
    page = S3.list_objects_v2(Bucket=BUCKET, Prefix="dir1/", Delimiter="/", MaxKeys=2)
    assert page["Prefix"] == "dir1/" and page["Delimiter"] == "/" and page["MaxKeys"] == 2
    assert page["KeyCount"] == 2 and page["IsTruncated"] and page["NextContinuationToken"]
    assert S3.list_objects_v2(Bucket=BUCKET, MaxKeys=0)["KeyCount"] == 0
    assert S3.list_objects_v2(Bucket=BUCKET, MaxKeys=5000)["MaxKeys"] == 1000
    owner = S3.list_objects_v2(Bucket=BUCKET, MaxKeys=1, FetchOwner=True)["Contents"][0]["Owner"]
    assert len(owner["ID"]) == 64
    plain = S3.list_objects_v2(Bucket=BUCKET, Prefix="x")["Contents"][0]
    assert plain["Key"] == "x\u20ac" and plain["StorageClass"] == "STANDARD" and plain["Size"] == 0
    refused("InvalidArgument", S3.list_objects_v2, Bucket=BUCKET, ContinuationToken="nonsense")
    refused("InvalidArgument", S3.list_objects_v2, Bucket=BUCKET, EncodingType="base64")


def buckets_are_listed_to_their_owner_only():
    names = [entry["Name"] for entry in S3.list_buckets()["Buckets"]]
    assert BUCKET in names
    other = s3("111111111111")
    assert BUCKET not in [entry["Name"] for entry in other.list_buckets()["Buckets"]]


run(globals())
