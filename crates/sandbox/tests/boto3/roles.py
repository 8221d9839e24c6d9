"""Roles, who may assume them, and what their sessions may do."""

import json

from harness import (CUSTOMER, VENDOR, allow, bucket, client, iam, policy, refused, root, run, s3,
                     user)

S3 = s3()
DATA, RESULTS, FOREIGN = bucket(S3), bucket(S3), bucket(S3)
IAM = iam()
PREFIX = "orgs/acme/"


def _trust(principal=f"arn:aws:iam::{VENDOR}:root", external_id="pulse-org-acme", **conditions):
    condition = {"StringEquals": {"sts:ExternalId": external_id}, **conditions}
    return {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole",
        "Condition": condition,
    }]}


PERMISSIONS = policy(
    allow("s3:ListBucket", [f"arn:aws:s3:::{DATA}", f"arn:aws:s3:::{RESULTS}"],
          Condition={"StringLike": {"s3:prefix": [PREFIX, PREFIX + "*"]}}),
    allow("s3:GetBucketLocation", [f"arn:aws:s3:::{DATA}", f"arn:aws:s3:::{RESULTS}"]),
    allow("s3:GetObject", f"arn:aws:s3:::{DATA}/{PREFIX}*"),
    allow(["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"],
          f"arn:aws:s3:::{RESULTS}/{PREFIX}*"),
)
ROLE = IAM.create_role(RoleName="tenant", AssumeRolePolicyDocument=json.dumps(_trust()))["Role"]
IAM.put_role_policy(RoleName="tenant", PolicyName="access", PolicyDocument=json.dumps(PERMISSIONS))
ASSUME = policy(allow("sts:AssumeRole", "arn:aws:iam::*:role/*"))
GATEWAY = user("gateway", ASSUME)


def _assume(keys=GATEWAY, token=None, role=ROLE["Arn"], **arguments):
    arguments.setdefault("RoleSessionName", "tenant-acme")
    arguments.setdefault("ExternalId", "pulse-org-acme")
    arguments = {name: value for name, value in arguments.items() if value is not None}
    sts = client("sts", keys, token=token)
    return sts.assume_role(RoleArn=role, **arguments)


def _session(**arguments):
    credentials = _assume(**arguments)["Credentials"]
    keys = (credentials["AccessKeyId"], credentials["SecretAccessKey"])
    return client("s3", keys, token=credentials["SessionToken"]), keys, credentials["SessionToken"]


def the_right_external_id_opens_the_role():
    answer = _assume()
    assert answer["AssumedRoleUser"]["Arn"] == (
        f"arn:aws:sts::{CUSTOMER}:assumed-role/tenant/tenant-acme")
    assert answer["Credentials"]["AccessKeyId"].startswith("ASIA")
    _, keys, token = _session()
    identity = client("sts", keys, token=token).get_caller_identity()
    assert identity["Account"] == CUSTOMER
    assert identity["Arn"] == answer["AssumedRoleUser"]["Arn"]
    assert identity["UserId"] == f"{ROLE['RoleId']}:tenant-acme"


def any_other_external_id_is_refused():
    for external_id in (None, "pulse-org-other", "pulse-org-acme2", "PULSE-ORG-ACME", "pulse-org-"):
        refused("AccessDenied", _assume, ExternalId=external_id, status=403)


def a_caller_needs_a_permission_of_its_own():
    refused("AccessDenied", _assume, keys=user("nobody"))
    elsewhere = policy(allow("sts:AssumeRole", f"arn:aws:iam::{CUSTOMER}:role/other"))
    refused("AccessDenied", _assume, keys=user("elsewhere", elsewhere))
    refused("AccessDenied", _assume, keys=root(VENDOR), words="root")


def a_stranger_is_refused_whatever_it_knows():
    stranger = user("stranger", ASSUME, account=CUSTOMER)
    refused("AccessDenied", _assume, keys=stranger)
    refused("AccessDenied", _assume, role=f"arn:aws:iam::{CUSTOMER}:role/does-not-exist")
    refused("AccessDenied", _assume, role=f"arn:aws:iam::{VENDOR}:role/tenant")


def a_pinned_principal_is_the_only_one():
    broker = user("broker", ASSUME)
    pinned = _trust(ArnEquals={"aws:PrincipalArn": f"arn:aws:iam::{VENDOR}:user/broker"})
    role = IAM.create_role(RoleName="pinned", AssumeRolePolicyDocument=json.dumps(pinned))["Role"]
    _assume(keys=broker, role=role["Arn"])
    refused("AccessDenied", _assume, role=role["Arn"])


def a_principal_that_is_made_anew_is_another_one():
    keys = user("replaced", ASSUME)
    admin, trust = iam(VENDOR), _trust(principal=f"arn:aws:iam::{VENDOR}:user/replaced")
    role = IAM.create_role(RoleName="by-user", AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    _assume(keys=keys, role=role["Arn"])
    admin.delete_user_policy(UserName="replaced", PolicyName="p0")
    admin.delete_access_key(UserName="replaced", AccessKeyId=keys[0])
    admin.delete_user(UserName="replaced")
    keys = user("replaced", ASSUME)
    refused("AccessDenied", _assume, keys=keys, role=role["Arn"])
    shown = IAM.get_role(RoleName="by-user")["Role"]["AssumeRolePolicyDocument"]
    assert shown["Statement"][0]["Principal"]["AWS"].startswith("AIDA")
    IAM.update_assume_role_policy(RoleName="by-user", PolicyDocument=json.dumps(trust))
    _assume(keys=keys, role=role["Arn"])


def a_session_does_what_the_role_may_and_no_more():
    session, _, _ = _session()
    S3.put_object(Bucket=DATA, Key=PREFIX + "in", Body=b"in")
    assert session.get_object(Bucket=DATA, Key=PREFIX + "in")["Body"].read() == b"in"
    session.put_object(Bucket=RESULTS, Key=PREFIX + "out", Body=b"out")
    session.delete_object(Bucket=RESULTS, Key=PREFIX + "out")
    assert session.list_objects_v2(Bucket=DATA, Prefix=PREFIX)["KeyCount"] == 1
    session.get_bucket_location(Bucket=DATA)
    for call, arguments in (
        (session.put_object, {"Bucket": DATA, "Key": PREFIX + "in"}),
        (session.delete_object, {"Bucket": DATA, "Key": PREFIX + "in"}),
        (session.put_object, {"Bucket": RESULTS, "Key": "orgs/other/out"}),
        (session.get_object, {"Bucket": RESULTS, "Key": "orgs/acme"}),
        (session.list_objects_v2, {"Bucket": DATA}),
        (session.list_objects_v2, {"Bucket": DATA, "Prefix": "orgs/"}),
        (session.list_objects_v2, {"Bucket": DATA, "Prefix": "orgs/other/"}),
        (session.list_objects_v2, {"Bucket": FOREIGN, "Prefix": PREFIX}),
        (session.list_multipart_uploads, {"Bucket": RESULTS}),
        (session.get_bucket_policy, {"Bucket": DATA}),
        (session.list_buckets, {}),
        (session.create_bucket, {"Bucket": "another-bucket"}),
    ):
        refused("AccessDenied", call, status=403, words="is not authorized to perform", **arguments)
    refused("403", session.head_bucket, Bucket=DATA)
    errors = session.delete_objects(Bucket=RESULTS, Delete={"Objects": [
        {"Key": PREFIX + "x"}, {"Key": "orgs/other/x"}]})
    assert [entry["Key"] for entry in errors["Deleted"]] == [PREFIX + "x"]
    assert [entry["Code"] for entry in errors["Errors"]] == ["AccessDenied"]


def what_is_not_there_is_hidden_from_who_may_not_list():
    reading = policy(allow("s3:GetObject", "*"))
    reader = client("s3", user("reader", reading, account=CUSTOMER))
    refused("AccessDenied", reader.get_object, Bucket=DATA, Key=PREFIX + "none")
    listing = policy(allow(["s3:ListBucket", "s3:GetObject"], "*"))
    lister = client("s3", user("lister", listing, account=CUSTOMER))
    refused("NoSuchKey", lister.get_object, Bucket=DATA, Key=PREFIX + "none")


def who_may_list_a_prefix_learns_what_is_not_there_under_it():
    session, _, _ = _session()
    refused("NoSuchKey", session.get_object, Bucket=DATA, Key=PREFIX + "missing", status=404)
    refused("404", session.head_object, Bucket=RESULTS, Key=PREFIX + "missing", status=404)


def a_copy_needs_both_ends():
    session, _, _ = _session()
    S3.put_object(Bucket=DATA, Key=PREFIX + "src", Body=b"1")
    S3.put_object(Bucket=FOREIGN, Key="src", Body=b"1")
    session.copy_object(Bucket=RESULTS, Key=PREFIX + "dst",
                        CopySource={"Bucket": DATA, "Key": PREFIX + "src"})
    refused("AccessDenied", session.copy_object, Bucket=RESULTS, Key=PREFIX + "dst",
            CopySource={"Bucket": FOREIGN, "Key": "src"})
    refused("AccessDenied", session.copy_object, Bucket=DATA, Key=PREFIX + "dst",
            CopySource={"Bucket": DATA, "Key": PREFIX + "src"})


def a_session_policy_only_takes_away():
    narrow = policy(allow("s3:*", f"arn:aws:s3:::{RESULTS}/{PREFIX}jobs/*"))
    session, _, _ = _session(Policy=json.dumps(narrow))
    session.put_object(Bucket=RESULTS, Key=PREFIX + "jobs/1", Body=b"")
    refused("AccessDenied", session.put_object, Bucket=RESULTS, Key=PREFIX + "x",
            words="no session policy allows")
    wide = policy(allow("s3:*", "*"))
    session, _, _ = _session(Policy=json.dumps(wide))
    refused("AccessDenied", session.put_object, Bucket=DATA, Key=PREFIX + "x",
            words="no identity-based policy allows")
    assert _assume(Policy=json.dumps(narrow))["PackedPolicySize"] > 0


def session_policies_have_their_limits():
    padding = policy(allow("s3:GetObject", "arn:aws:s3:::b/" + "x" * 2048))
    refused("ValidationError", _assume, Policy=json.dumps(padding), status=400)
    refused("MalformedPolicyDocument", _assume, Policy="{")
    refused("MalformedPolicyDocument", _assume, Policy=json.dumps(_trust()))


def durations_have_their_limits():
    for seconds in (899, 43201):
        refused("ValidationError", _assume, DurationSeconds=seconds)
    refused("ValidationError", _assume, DurationSeconds=3601, words="MaxSessionDuration")
    _assume(DurationSeconds=900)
    IAM.create_role(RoleName="long", MaxSessionDuration=43200,
                    AssumeRolePolicyDocument=json.dumps(_trust(principal="*")))
    long_role = f"arn:aws:iam::{CUSTOMER}:role/long"
    _assume(role=long_role, DurationSeconds=43200)
    chained = policy(allow("sts:AssumeRole", long_role))
    IAM.put_role_policy(RoleName="tenant", PolicyName="chain", PolicyDocument=json.dumps(chained))
    _, keys, token = _session()
    _assume(keys=keys, token=token, role=long_role, DurationSeconds=3600)
    refused("ValidationError", _assume, keys=keys, token=token, role=long_role,
            DurationSeconds=3601, words="role chaining")


def parameters_have_their_alphabets():
    for name in ("x", "has space", "slash/no", "n" * 65):
        refused("ValidationError", _assume, RoleSessionName=name)
    for external_id in ("x", "with space", "semi;colon"):
        refused("ValidationError", _assume, ExternalId=external_id)
    for parameter in ({"Tags": [{"Key": "k", "Value": "v"}]}, {"SourceIdentity": "someone"}):
        refused("NotImplemented", _assume, **parameter)


def a_token_belongs_to_its_key():
    _, keys, token = _session()
    refused("InvalidAccessKeyId", client("s3", ("ASIA" + "A" * 16, keys[1]), token=token)
            .list_objects_v2, Bucket=DATA, Prefix=PREFIX)
    refused("SignatureDoesNotMatch", client("s3", (keys[0], "wrong"), token=token).list_objects_v2,
            Bucket=DATA, Prefix=PREFIX)
    refused("InvalidToken", client("s3", keys, token="x" + token[1:]).list_objects_v2, Bucket=DATA,
            Prefix=PREFIX)
    refused("InvalidToken", client("s3", keys).list_objects_v2, Bucket=DATA, Prefix=PREFIX)
    refused("InvalidToken", client("s3", GATEWAY, token=token).list_objects_v2, Bucket=DATA)
    refused("InvalidClientTokenId", client("sts", keys, token="x" + token[1:]).get_caller_identity)
    refused("SignatureDoesNotMatch", client("sts", (keys[0], "wrong"), token=token)
            .get_caller_identity)


def a_policy_that_changes_is_felt_by_sessions_at_once():
    role = IAM.create_role(RoleName="changing", AssumeRolePolicyDocument=json.dumps(_trust()))
    session, _, _ = _session(role=role["Role"]["Arn"])
    refused("AccessDenied", session.list_objects_v2, Bucket=DATA)
    listing = policy(allow("s3:ListBucket", f"arn:aws:s3:::{DATA}"))
    IAM.put_role_policy(RoleName="changing", PolicyName="p", PolicyDocument=json.dumps(listing))
    session.list_objects_v2(Bucket=DATA)
    IAM.delete_role_policy(RoleName="changing", PolicyName="p")
    refused("AccessDenied", session.list_objects_v2, Bucket=DATA)
    IAM.delete_role(RoleName="changing")
    refused("InvalidAccessKeyId", session.list_objects_v2, Bucket=DATA)


def bucket_policies_open_and_close():
    shared = bucket(S3)
    reader_keys = user("reader", policy(allow("s3:GetObject", f"arn:aws:s3:::{shared}/*")))
    reader = client("s3", reader_keys)
    S3.put_object(Bucket=shared, Key="k", Body=b"1")
    refused("AccessDenied", reader.get_object, Bucket=shared, Key="k",
            words="no resource-based policy allows")
    grant = policy({"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{VENDOR}:user/reader"},
                    "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{shared}/*"})
    S3.put_bucket_policy(Bucket=shared, Policy=json.dumps(grant))
    reader.get_object(Bucket=shared, Key="k")
    owner = client("s3", user("owner", policy(allow("s3:*", "*")), account=CUSTOMER))
    owner.get_object(Bucket=shared, Key="k")
    deny = policy({"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject",
                   "Resource": f"arn:aws:s3:::{shared}/*"})
    S3.put_bucket_policy(Bucket=shared, Policy=json.dumps(deny))
    refused("AccessDenied", owner.get_object, Bucket=shared, Key="k",
            words="with an explicit deny in a resource-based policy")
    lockout = policy({"Effect": "Deny", "Principal": "*", "Action": "s3:*",
                      "Resource": [f"arn:aws:s3:::{shared}", f"arn:aws:s3:::{shared}/*"]})
    S3.put_bucket_policy(Bucket=shared, Policy=json.dumps(lockout))
    refused("AccessDenied", S3.list_objects_v2, Bucket=shared)
    S3.delete_bucket_policy(Bucket=shared)
    S3.list_objects_v2(Bucket=shared)


def tags_can_decide():
    S3.put_object(Bucket=DATA, Key="tagged", Body=b"", Tagging="team=ours")
    S3.put_object(Bucket=DATA, Key="untagged", Body=b"")
    ours = {"StringEquals": {"s3:ExistingObjectTag/team": "ours"}}
    marked = {"StringEquals": {"s3:RequestObjectTag/team": "ours"}}
    keys = user("tagger", policy(allow("s3:GetObject", "*", Condition=ours),
                                 allow("s3:PutObject*", "*", Condition=marked)), account=CUSTOMER)
    tagger = client("s3", keys)
    tagger.get_object(Bucket=DATA, Key="tagged")
    refused("AccessDenied", tagger.get_object, Bucket=DATA, Key="untagged")
    tagger.put_object(Bucket=DATA, Key="new", Tagging="team=ours")
    refused("AccessDenied", tagger.put_object, Bucket=DATA, Key="new", Tagging="team=theirs")
    refused("AccessDenied", tagger.put_object, Bucket=DATA, Key="new")


def expected_owners_and_resource_accounts_guard():
    S3.list_objects_v2(Bucket=DATA, ExpectedBucketOwner=CUSTOMER)
    refused("AccessDenied", S3.list_objects_v2, Bucket=DATA, ExpectedBucketOwner=VENDOR)
    guard = policy(allow("s3:*", "*", Condition={"StringEquals": {"aws:ResourceAccount": VENDOR}}))
    guarded = client("s3", user("guarded", guard, account=CUSTOMER))
    refused("AccessDenied", guarded.list_objects_v2, Bucket=DATA)


def tls_only_policies_do_not_lock_the_sandbox_up():
    only = bucket(S3)
    S3.put_bucket_policy(Bucket=only, Policy=json.dumps(policy(
        {"Effect": "Deny", "Principal": "*", "Action": "s3:*",
         "Resource": [f"arn:aws:s3:::{only}", f"arn:aws:s3:::{only}/*"],
         "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
        {"Effect": "Deny", "Principal": "*", "Action": "s3:*",
         "Resource": [f"arn:aws:s3:::{only}", f"arn:aws:s3:::{only}/*"],
         "Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}}})))
    S3.put_object(Bucket=only, Key="k", Body=b"")


run(globals())
