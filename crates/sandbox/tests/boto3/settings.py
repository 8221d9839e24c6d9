"""Settings of buckets: AWS's defaults, round trips, and what AWS refuses."""

import json

from harness import (CUSTOMER, VENDOR, INFO, allow, bucket, client, policy, refused, root, run, s3,
                     user)

S3 = s3()
IRELAND = s3(region="eu-west-1")


def _xml_free(answer):
    answer.pop("ResponseMetadata")
    return answer


def a_new_bucket_has_the_defaults_of_aws():
    name = bucket(S3)
    block = S3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    assert block == dict.fromkeys(
        ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
    rules = S3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert rules[0]["BucketKeyEnabled"] is False
    assert rules[0]["BlockedEncryptionTypes"] == {"EncryptionType": ["SSE-C"]}
    ownership = S3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]
    assert ownership == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert _xml_free(S3.get_bucket_versioning(Bucket=name)) == {}
    assert _xml_free(S3.get_bucket_logging(Bucket=name)) == {}
    assert _xml_free(S3.get_bucket_notification_configuration(Bucket=name)) == {}
    assert _xml_free(S3.get_bucket_accelerate_configuration(Bucket=name)) == {}
    assert S3.get_bucket_request_payment(Bucket=name)["Payer"] == "BucketOwner"
    grants = S3.get_bucket_acl(Bucket=name)["Grants"]
    assert [grant["Permission"] for grant in grants] == ["FULL_CONTROL"]
    for code, call in {
        "NoSuchBucketPolicy": S3.get_bucket_policy,
        "NoSuchLifecycleConfiguration": S3.get_bucket_lifecycle_configuration,
        "NoSuchCORSConfiguration": S3.get_bucket_cors,
        "NoSuchTagSet": S3.get_bucket_tagging,
        "ObjectLockConfigurationNotFoundError": S3.get_object_lock_configuration,
        "ReplicationConfigurationNotFoundError": S3.get_bucket_replication,
        "NoSuchWebsiteConfiguration": S3.get_bucket_website,
    }.items():
        refused(code, call, Bucket=name, status=404)
    refused("NoSuchBucketPolicy", S3.get_bucket_policy_status, Bucket=name)
    assert "InventoryConfigurationList" not in S3.list_bucket_inventory_configurations(Bucket=name)


def a_bucket_goes_where_endpoint_and_constraint_agree():
    name = bucket(S3)
    assert S3.get_bucket_location(Bucket=name)["LocationConstraint"] is None
    S3.create_bucket(Bucket=name)  # one's own again: 200 in the first region
    refused("BucketAlreadyExists", s3(VENDOR).create_bucket, Bucket=name, status=409)
    refused("403", s3(VENDOR).head_bucket, Bucket=name)
    for constraint in ("us-east-1", "No Where"):
        refused("InvalidLocationConstraint", S3.create_bucket, Bucket="new-bucket-1",
                CreateBucketConfiguration={"LocationConstraint": constraint})
    refused("IllegalLocationConstraintException", IRELAND.create_bucket, Bucket="new-bucket-1")
    refused("IllegalLocationConstraintException", IRELAND.create_bucket, Bucket="new-bucket-1",
            CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    ireland = bucket(IRELAND, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    assert IRELAND.get_bucket_location(Bucket=ireland)["LocationConstraint"] == "eu-west-1"
    refused("BucketAlreadyOwnedByYou", IRELAND.create_bucket, Bucket=ireland, status=409,
            CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    europe = bucket(IRELAND, CreateBucketConfiguration={"LocationConstraint": "EU"})
    assert IRELAND.head_bucket(Bucket=europe)["BucketRegion"] == "eu-west-1"
    from_afar = bucket(S3, CreateBucketConfiguration={"LocationConstraint": "eu-north-1"})
    assert s3(region="eu-north-1").head_bucket(Bucket=from_afar)["BucketRegion"] == "eu-north-1"


def names_of_the_account_namespace_belong_to_the_account():
    own, other = f"mine-{CUSTOMER}-us-east-1-an", f"mine-{VENDOR}-us-east-1-an"
    S3.create_bucket(Bucket=own, BucketNamespace="account-regional")
    refused("InvalidBucketName", S3.create_bucket, Bucket=other, BucketNamespace="account-regional")
    refused("InvalidBucketName", S3.create_bucket, Bucket=other)


def a_bucket_can_be_born_with_tags_and_lock():
    name = bucket(S3, CreateBucketConfiguration={"Tags": [{"Key": "k", "Value": "v"}]},
                  ObjectLockEnabledForBucket=True)
    assert S3.get_bucket_tagging(Bucket=name)["TagSet"] == [{"Key": "k", "Value": "v"}]
    assert S3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    lock = S3.get_object_lock_configuration(Bucket=name)["ObjectLockConfiguration"]
    assert lock == {"ObjectLockEnabled": "Enabled"}


def nothing_of_a_deleted_bucket_comes_back():
    name = bucket(S3)
    S3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": [{"Key": "k", "Value": "v"}]})
    S3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    S3.delete_bucket(Bucket=name)
    S3.create_bucket(Bucket=name)
    refused("NoSuchTagSet", S3.get_bucket_tagging, Bucket=name)
    assert "Status" not in S3.get_bucket_versioning(Bucket=name)


def versions_and_markers_are_kept_and_counted():
    name = bucket(S3)
    S3.put_object(Bucket=name, Key="k", Body=b"before")
    S3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    first = S3.put_object(Bucket=name, Key="k", Body=b"1")["VersionId"]
    second = S3.put_object(Bucket=name, Key="k", Body=b"2")["VersionId"]
    marker = S3.delete_object(Bucket=name, Key="k")
    assert marker["DeleteMarker"]
    gone = refused("NoSuchKey", S3.get_object, Bucket=name, Key="k")
    assert gone["ResponseMetadata"]["HTTPHeaders"]["x-amz-delete-marker"] == "true"
    assert S3.list_objects_v2(Bucket=name)["KeyCount"] == 0
    for version, body in ((first, b"1"), (second, b"2"), ("null", b"before")):
        got = S3.get_object(Bucket=name, Key="k", VersionId=version)
        assert got["Body"].read() == body and got["VersionId"] == version
    refused("MethodNotAllowed", S3.get_object, Bucket=name, Key="k", status=405,
            VersionId=marker["VersionId"])
    refused("NoSuchVersion", S3.get_object, Bucket=name, Key="k", VersionId="none")
    refused("BucketNotEmpty", S3.delete_bucket, Bucket=name)
    S3.delete_object(Bucket=name, Key="k", VersionId=marker["VersionId"])
    assert S3.get_object(Bucket=name, Key="k")["Body"].read() == b"2"
    S3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Suspended"})
    S3.put_object(Bucket=name, Key="k", Body=b"null again")
    got = []
    arguments = {}
    while True:
        page = S3.list_object_versions(Bucket=name, MaxKeys=1, **arguments)
        got += [entry["VersionId"] for entry in page.get("Versions", [])]
        if not page["IsTruncated"]:
            break
        arguments = {"KeyMarker": page["NextKeyMarker"],
                     "VersionIdMarker": page["NextVersionIdMarker"]}
    assert got == ["null", second, first]
    objects = [{"Key": "k", "VersionId": version} for version in got]
    deleted = S3.delete_objects(Bucket=name, Delete={"Objects": objects})["Deleted"]
    assert len(deleted) == 3
    S3.delete_bucket(Bucket=name)


def a_public_policy_is_blocked_until_the_block_is_lifted():
    name = bucket(S3)
    arn = f"arn:aws:s3:::{name}"
    public = json.dumps(policy({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
                                "Resource": arn + "/*"}))
    refused("AccessDenied", S3.put_bucket_policy, Bucket=name, Policy=public,
            words="BlockPublicPolicy")
    S3.delete_public_access_block(Bucket=name)
    refused("NoSuchPublicAccessBlockConfiguration", S3.get_public_access_block, Bucket=name)
    S3.put_bucket_policy(Bucket=name, Policy=public)
    assert S3.get_bucket_policy_status(Bucket=name)["PolicyStatus"]["IsPublic"] is True
    assert S3.get_bucket_policy(Bucket=name)["Policy"] == public
    stranger = client("s3", user("stranger", policy(allow("s3:GetObject", "*"))))
    S3.put_object(Bucket=name, Key="k", Body=b"")
    stranger.get_object(Bucket=name, Key="k")
    S3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration={
        "RestrictPublicBuckets": True})
    refused("AccessDenied", stranger.get_object, Bucket=name, Key="k")
    block = S3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    assert block["RestrictPublicBuckets"] and not block["BlockPublicPolicy"]


def bucket_policies_are_read_before_they_are_taken():
    name = bucket(S3)
    arn = f"arn:aws:s3:::{name}"

    def put(document):
        text = document if isinstance(document, str) else json.dumps(document)
        return S3.put_bucket_policy(Bucket=name, Policy=text)

    grant = {"Effect": "Allow", "Principal": {"AWS": VENDOR}, "Action": "s3:GetObject",
             "Resource": arn + "/*"}
    put(policy(grant))
    for wrong in (
        "{", "[]", "", policy({**grant, "Resource": "arn:aws:s3:::other/*"}),
        policy({**grant, "Resource": arn + "x/*"}), policy({**grant, "Effect": "Permit"}),
        policy({**grant, "Principal": {"AWS": f"arn:aws:iam::{VENDOR}:role/nobody"}}),
        policy({**grant, "Principal": {"AWS": "999999999999"}}),
        policy({key: value for key, value in grant.items() if key != "Principal"}),
    ):
        refused("MalformedPolicy", put, wrong)
    assert json.loads(S3.get_bucket_policy(Bucket=name)["Policy"]) == policy(grant)
    padded = policy({**grant, "Sid": "a", "Resource": [arn + "/" + "x" * 500 + str(n) for n in range(50)]})
    refused("InvalidArgument", put, padded)
    assert S3.get_bucket_policy_status(Bucket=name)["PolicyStatus"]["IsPublic"] is False


def encryption_goes_round_and_keeps_what_is_left_out():
    name = bucket(S3)

    def put(rule):
        S3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})

    def rule():
        return S3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"][0]

    kms = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": f"arn:aws:kms:us-east-1:{CUSTOMER}:key/1"}
    put({"ApplyServerSideEncryptionByDefault": kms, "BucketKeyEnabled": True})
    assert rule()["ApplyServerSideEncryptionByDefault"] == kms and rule()["BucketKeyEnabled"]
    assert rule()["BlockedEncryptionTypes"] == {"EncryptionType": ["SSE-C"]}
    put({"BlockedEncryptionTypes": {"EncryptionType": ["NONE"]}})
    assert rule()["BlockedEncryptionTypes"] == {"EncryptionType": ["NONE"]}
    assert rule()["ApplyServerSideEncryptionByDefault"] == kms
    refused("MalformedXML", put, {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "rot13"}})
    refused("InvalidArgument", put, {"ApplyServerSideEncryptionByDefault": {
        "SSEAlgorithm": "AES256", "KMSMasterKeyID": "k"}})
    S3.delete_bucket_encryption(Bucket=name)
    assert rule()["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}


def a_kms_key_is_asked_for_on_every_use():
    name, key = bucket(S3), INFO["kms_key"]
    S3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [{
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key},
        "BucketKeyEnabled": True}]})
    put = S3.put_object(Bucket=name, Key="k", Body=b"1")
    assert put["ServerSideEncryption"] == "aws:kms" and put["SSEKMSKeyId"] == key
    assert put["BucketKeyEnabled"] and put["ETag"] != '"c4ca4238a0b923820dcc509a6f75849b"'
    assert S3.get_object(Bucket=name, Key="k")["SSEKMSKeyId"] == key
    files = allow("s3:*", [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"])
    via = {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com",
                            "kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{name}"}}
    reader = client("s3", user("reads-kms", policy(files, allow("kms:Decrypt", key, Condition=via)),
                               account=CUSTOMER))
    writer = client("s3", user("writes-kms", policy(files, allow("kms:GenerateDataKey", key)),
                               account=CUSTOMER))
    neither = client("s3", user("no-kms", policy(files), account=CUSTOMER))
    reader.get_object(Bucket=name, Key="k")
    refused("AccessDenied", reader.put_object, Bucket=name, Key="k", words="kms:GenerateDataKey")
    writer.put_object(Bucket=name, Key="k", Body=b"2")
    refused("AccessDenied", writer.get_object, Bucket=name, Key="k", words="kms:Decrypt")
    upload = writer.create_multipart_upload(Bucket=name, Key="m")["UploadId"]
    refused("AccessDenied", writer.upload_part, Bucket=name, Key="m", UploadId=upload, PartNumber=1,
            Body=b"", words="kms:Decrypt")
    neither.head_object(Bucket=name, Key="k")
    neither.put_object(Bucket=name, Key="plain", Body=b"", ServerSideEncryption="AES256")
    refused("AccessDenied", neither.get_object, Bucket=name, Key="k")
    refused("KMS.NotFoundException", S3.put_object, Bucket=name, Key="x",
            ServerSideEncryption="aws:kms", SSEKMSKeyId=key[:-1] + "_")
    S3.put_object(Bucket=name, Key="managed", ServerSideEncryption="aws:kms")


def access_control_lists_are_off():
    name = bucket(S3)
    S3.put_object(Bucket=name, Key="k", Body=b"")
    for call, arguments in ((S3.put_bucket_acl, {}), (S3.put_object_acl, {"Key": "k"})):
        refused("AccessControlListNotSupported", call, Bucket=name, ACL="private", status=400,
                **arguments)
    S3.put_bucket_ownership_controls(Bucket=name, OwnershipControls={
        "Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    refused("NotImplemented", S3.put_bucket_acl, Bucket=name, ACL="private")
    S3.delete_bucket_ownership_controls(Bucket=name)
    refused("OwnershipControlsNotFoundError", S3.get_bucket_ownership_controls, Bucket=name)


def lifecycle_rules_go_round():
    name = bucket(S3)
    rules = [
        {"ID": "one", "Status": "Enabled", "Filter": {"Prefix": ""},
         "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}},
        {"ID": "two", "Status": "Disabled", "Filter": {"And": {
            "Prefix": "logs/", "Tags": [{"Key": "a", "Value": "b"}],
            "ObjectSizeGreaterThan": 500, "ObjectSizeLessThan": 64000}},
         "Expiration": {"Days": 400},
         "Transitions": [{"Days": 30, "StorageClass": "STANDARD_IA"},
                         {"Days": 90, "StorageClass": "GLACIER"}]},
        {"ID": "three", "Status": "Enabled", "Filter": {"ObjectSizeGreaterThan": 1},
         "NoncurrentVersionExpiration": {"NoncurrentDays": 3, "NewerNoncurrentVersions": 2}},
    ]
    S3.put_bucket_lifecycle_configuration(
        Bucket=name, LifecycleConfiguration={"Rules": rules},
        TransitionDefaultMinimumObjectSize="varies_by_storage_class")
    got = S3.get_bucket_lifecycle_configuration(Bucket=name)
    assert got["Rules"] == rules
    assert got["TransitionDefaultMinimumObjectSize"] == "varies_by_storage_class"
    S3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": [
        {"Status": "Enabled", "Filter": {}, "Expiration": {"Days": 1}}]})
    got = S3.get_bucket_lifecycle_configuration(Bucket=name)
    assert got["Rules"][0]["ID"]
    assert got["TransitionDefaultMinimumObjectSize"] == "all_storage_classes_128K"
    S3.delete_bucket_lifecycle(Bucket=name)
    refused("NoSuchLifecycleConfiguration", S3.get_bucket_lifecycle_configuration, Bucket=name)


def lifecycle_rules_that_make_no_sense_are_refused():
    name = bucket(S3)
    base = {"ID": "r", "Status": "Enabled", "Filter": {"Prefix": "a"}, "Expiration": {"Days": 10}}

    def put(*rules):
        S3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": rules})

    transition = {"Days": 40, "StorageClass": "GLACIER"}
    tags = {"Tag": {"Key": "a", "Value": "b"}}
    for code, rules in (
        ("InvalidArgument", [base, base]),
        ("InvalidArgument", [{**base, "Transitions": [transition]}]),
        ("InvalidArgument", [{**base, "Expiration": {"Days": 0}}]),
        ("InvalidArgument", [{**base, "Expiration": {"Days": 99}, "Transitions": [
            {"Days": 29, "StorageClass": "STANDARD_IA"}]}]),
        ("InvalidArgument", [{**base, "ID": "x" * 256}]),
        ("InvalidRequest", [{key: value for key, value in base.items() if key != "Expiration"}]),
        ("InvalidRequest", [{**base, "Filter": tags,
                             "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}}]),
        ("MalformedXML", [{**base, "Status": "On"}]),
        ("MalformedXML", [{key: value for key, value in base.items() if key != "Filter"}]),
        ("MalformedXML", [{**base, "Expiration": {"Days": 1, "ExpiredObjectDeleteMarker": True}}]),
        ("MalformedXML", [{**base, "Filter": {"Prefix": "a", **tags}}]),
        ("MalformedXML", []),
    ):
        refused(code, put, *rules)


def cors_rules_go_round():
    name = bucket(S3)
    rules = [{"ID": "r", "AllowedMethods": ["GET", "PUT"], "AllowedOrigins": ["https://*.example.com"],
              "AllowedHeaders": ["*"], "ExposeHeaders": ["ETag"], "MaxAgeSeconds": 60}]
    S3.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": rules})
    assert S3.get_bucket_cors(Bucket=name)["CORSRules"] == rules
    for code, rule in (
        ("InvalidRequest", {**rules[0], "AllowedMethods": ["OPTIONS"]}),
        ("InvalidRequest", {**rules[0], "AllowedOrigins": ["https://*.*"]}),
        ("MalformedXML", {**rules[0], "AllowedMethods": []}),
    ):
        refused(code, S3.put_bucket_cors, Bucket=name, CORSConfiguration={"CORSRules": [rule]})
    refused("MalformedXML", S3.put_bucket_cors, Bucket=name,
            CORSConfiguration={"CORSRules": rules * 101})
    S3.delete_bucket_cors(Bucket=name)


def logs_go_only_where_they_are_let_in():
    source, target = bucket(S3), bucket(S3)
    elsewhere = bucket(IRELAND, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    foreign = bucket(s3(VENDOR))

    def put(to, **rest):
        S3.put_bucket_logging(Bucket=source, BucketLoggingStatus={
            "LoggingEnabled": {"TargetBucket": to, "TargetPrefix": "logs/", **rest}})

    refused("InvalidTargetBucketForLogging", put, "does-not-exist-at-all")
    refused("InvalidTargetBucketForLogging", put, foreign)
    refused("CrossLocationLoggingProhibited", put, elsewhere)
    refused("InvalidTargetBucketForLogging", put, target, words="log-delivery")
    grant = {"Effect": "Allow", "Principal": {"Service": "logging.s3.amazonaws.com"},
             "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{target}/logs/*",
             "Condition": {"StringEquals": {"aws:SourceAccount": CUSTOMER},
                           "ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{source}"}}}
    S3.put_bucket_policy(Bucket=target, Policy=json.dumps(policy(grant)))
    key_format = {"PartitionedPrefix": {"PartitionDateSource": "EventTime"}}
    put(target, TargetObjectKeyFormat=key_format)
    got = S3.get_bucket_logging(Bucket=source)["LoggingEnabled"]
    assert got["TargetObjectKeyFormat"] == key_format and got["TargetPrefix"] == "logs/"
    S3.put_bucket_logging(Bucket=source, BucketLoggingStatus={})
    assert "LoggingEnabled" not in S3.get_bucket_logging(Bucket=source)


def notifications_need_destinations_that_let_s3_in():
    name = bucket(S3)
    queue, mute = INFO["queue"], INFO["mute_queue"]

    def put(*queues, **rest):
        S3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration={
            "QueueConfigurations": list(queues), **rest})

    created = {"Id": "q", "QueueArn": queue, "Events": ["s3:ObjectCreated:*"],
               "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "in/"}]}}}
    for wrong in (mute, queue + "-absent", queue.replace("sqs", "sns")):
        refused("InvalidArgument", put, {**created, "QueueArn": wrong})
    put(created, EventBridgeConfiguration={})
    got = _xml_free(S3.get_bucket_notification_configuration(Bucket=name))
    assert got["EventBridgeConfiguration"] == {}
    expected = json.loads(json.dumps(created).replace('"prefix"', '"Prefix"'))
    assert got["QueueConfigurations"] in ([created], [expected])
    put(created, {**created, "Id": "r", "Events": ["s3:ObjectRemoved:*"]})
    refused("InvalidArgument", put, created, {**created, "Id": "r",
                                              "Events": ["s3:ObjectCreated:Put"]},
            words="overlap")
    refused("InvalidArgument", put, {**created, "Events": ["s3:Nothing"]})
    put()
    assert _xml_free(S3.get_bucket_notification_configuration(Bucket=name)) == {}


def inventories_tierings_and_metrics_go_round():
    name = bucket(S3)
    inventory = {
        "Id": "i", "IsEnabled": True, "IncludedObjectVersions": "Current",
        "Schedule": {"Frequency": "Weekly"}, "OptionalFields": ["Size", "ETag"],
        "Destination": {"S3BucketDestination": {
            "AccountId": CUSTOMER, "Bucket": f"arn:aws:s3:::{name}", "Format": "CSV",
            "Prefix": "inventory", "Encryption": {"SSES3": {}}}}}
    S3.put_bucket_inventory_configuration(Bucket=name, Id="i", InventoryConfiguration=inventory)
    got = S3.get_bucket_inventory_configuration(Bucket=name, Id="i")["InventoryConfiguration"]
    assert got == inventory
    listed = S3.list_bucket_inventory_configurations(Bucket=name)
    assert listed["InventoryConfigurationList"] == [inventory] and not listed["IsTruncated"]
    refused("MalformedXML", S3.put_bucket_inventory_configuration, Bucket=name, Id="other",
            InventoryConfiguration=inventory)
    S3.delete_bucket_inventory_configuration(Bucket=name, Id="i")
    refused("NoSuchConfiguration", S3.get_bucket_inventory_configuration, Bucket=name, Id="i")
    tiering = {"Id": "t", "Status": "Enabled", "Filter": {"Prefix": "a"},
               "Tierings": [{"Days": 90, "AccessTier": "ARCHIVE_ACCESS"}]}
    S3.put_bucket_intelligent_tiering_configuration(
        Bucket=name, Id="t", IntelligentTieringConfiguration=tiering)
    got = S3.get_bucket_intelligent_tiering_configuration(Bucket=name, Id="t")
    assert got["IntelligentTieringConfiguration"] == tiering
    assert S3.list_bucket_intelligent_tiering_configurations(Bucket=name)[
        "IntelligentTieringConfigurationList"] == [tiering]
    metrics = {"Id": "m", "Filter": {"Prefix": "a"}}
    S3.put_bucket_metrics_configuration(Bucket=name, Id="m", MetricsConfiguration=metrics)
    assert S3.list_bucket_metrics_configurations(Bucket=name)["MetricsConfigurationList"] == [metrics]


def tags_have_their_rules():
    name = bucket(S3)

    def put(*tags):
        S3.put_bucket_tagging(Bucket=name, Tagging={
            "TagSet": [{"Key": key, "Value": value} for key, value in tags]})

    put(("a", "1"), ("b/c:d=e+f-g@h_i.j", ""))
    assert len(S3.get_bucket_tagging(Bucket=name)["TagSet"]) == 2
    for wrong in ([("a", "1"), ("a", "2")], [("aws:x", "1")], [("k" * 129, "")],
                  [("k", "v" * 257)], [("k", "<>")]):
        refused("InvalidTag", put, *wrong)
    refused("BadRequest", put, *[(str(number), "") for number in range(51)])
    S3.delete_bucket_tagging(Bucket=name)
    refused("NoSuchTagSet", S3.get_bucket_tagging, Bucket=name)
    S3.put_object(Bucket=name, Key="k", Body=b"", Tagging="a=1&b=zwei%20drei")
    tags = {tag["Key"]: tag["Value"] for tag in S3.get_object_tagging(Bucket=name, Key="k")["TagSet"]}
    assert tags == {"a": "1", "b": "zwei drei"}
    assert S3.get_object(Bucket=name, Key="k")["TagCount"] == 2
    S3.put_object_tagging(Bucket=name, Key="k", Tagging={"TagSet": [{"Key": "c", "Value": ""}]})
    assert S3.get_object_tagging(Bucket=name, Key="k")["TagSet"] == [{"Key": "c", "Value": ""}]
    S3.delete_object_tagging(Bucket=name, Key="k")
    assert S3.get_object_tagging(Bucket=name, Key="k")["TagSet"] == []


def a_lock_holds_until_its_time():
    name = bucket(S3)
    configuration = {"ObjectLockEnabled": "Enabled", "Rule": {
        "DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}}

    def put_rule(of):
        S3.put_object_lock_configuration(Bucket=of, ObjectLockConfiguration=configuration)

    refused("InvalidBucketState", put_rule, name, status=409)
    S3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    put_rule(name)
    refused("InvalidBucketState", S3.put_bucket_versioning, Bucket=name,
            VersioningConfiguration={"Status": "Suspended"})
    version = S3.put_object(Bucket=name, Key="k", Body=b"")["VersionId"]
    assert S3.head_object(Bucket=name, Key="k")["ObjectLockMode"] == "GOVERNANCE"
    retention = S3.get_object_retention(Bucket=name, Key="k")["Retention"]
    refused("AccessDenied", S3.delete_object, Bucket=name, Key="k", VersionId=version)
    marker = S3.delete_object(Bucket=name, Key="k")["VersionId"]  # hides, deletes nothing
    S3.delete_object(Bucket=name, Key="k", VersionId=marker)
    later = {**retention, "RetainUntilDate": "2099-01-01T00:00:00Z"}
    S3.put_object_retention(Bucket=name, Key="k", Retention=later)
    sooner = {**retention, "RetainUntilDate": "2098-01-01T00:00:00Z"}
    refused("AccessDenied", S3.put_object_retention, Bucket=name, Key="k", Retention=sooner)
    S3.put_object_retention(Bucket=name, Key="k", Retention=sooner, BypassGovernanceRetention=True)
    keeper = client("s3", user("keeper", policy(allow("s3:DeleteObjectVersion", "*")),
                               account=CUSTOMER))
    refused("AccessDenied", keeper.delete_object, Bucket=name, Key="k", VersionId=version,
            BypassGovernanceRetention=True)
    S3.put_object_legal_hold(Bucket=name, Key="k", LegalHold={"Status": "ON"})
    assert S3.get_object_legal_hold(Bucket=name, Key="k")["LegalHold"]["Status"] == "ON"
    refused("AccessDenied", S3.delete_object, Bucket=name, Key="k", VersionId=version,
            BypassGovernanceRetention=True)
    S3.put_object_legal_hold(Bucket=name, Key="k", LegalHold={"Status": "OFF"})
    S3.delete_object(Bucket=name, Key="k", VersionId=version, BypassGovernanceRetention=True)
    plain = bucket(S3)
    refused("InvalidRequest", S3.put_object, Bucket=plain, Key="k", ObjectLockMode="GOVERNANCE",
            ObjectLockRetainUntilDate="2099-01-01T00:00:00Z")


def each_setting_has_an_action_of_its_own():
    name = bucket(S3)
    arn = f"arn:aws:s3:::{name}"
    limited = client("s3", user("limited", policy(
        allow(["s3:GetLifecycleConfiguration", "s3:PutEncryptionConfiguration",
               "s3:GetBucketPublicAccessBlock"], arn)), account=CUSTOMER))
    refused("NoSuchLifecycleConfiguration", limited.get_bucket_lifecycle_configuration, Bucket=name)
    limited.delete_bucket_encryption(Bucket=name)
    limited.get_public_access_block(Bucket=name)
    for call in (limited.delete_bucket_lifecycle, limited.get_bucket_encryption,
                 limited.delete_public_access_block, limited.get_bucket_tagging,
                 limited.get_bucket_acl, limited.list_object_versions):
        refused("AccessDenied", call, Bucket=name)
    refused("AccessDenied", s3(VENDOR).get_bucket_versioning, Bucket=name)
    refused("AccessDenied", S3.get_bucket_versioning, Bucket=name, ExpectedBucketOwner=VENDOR)


def settings_that_the_sandbox_has_not_got_are_refused():
    name = bucket(S3)
    refused("NotImplemented", S3.put_bucket_website, Bucket=name,
            WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}})
    refused("NotImplemented", S3.get_bucket_analytics_configuration, Bucket=name, Id="a")
    refused("NotImplemented", S3.put_bucket_replication, Bucket=name, ReplicationConfiguration={
        "Role": "r", "Rules": []})
    refused("MalformedXML", S3.put_bucket_request_payment, Bucket=name,
            RequestPaymentConfiguration={"Payer": "Requester"})


run(globals())
