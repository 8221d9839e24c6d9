"""IAM's entities: their documents, versions, quotas, and the order in which they go."""

import json

from harness import (CUSTOMER, VENDOR, allow, bucket, client, iam, policy, refused, root, run, s3,
                     user)

IAM = iam()
S3 = s3()
EC2 = policy({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"},
              "Action": "sts:AssumeRole"})
READ = policy(allow("s3:GetObject", "*"))
NUMBER = iter(range(10_000))


def _role(trust=EC2, **arguments):
    name = f"role-{next(NUMBER)}"
    return IAM.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust),
                           **arguments)["Role"]


def _policy(document=READ, **arguments):
    name = f"policy-{next(NUMBER)}"
    return IAM.create_policy(PolicyName=name, PolicyDocument=json.dumps(document),
                             **arguments)["Policy"]


def a_role_comes_back_as_it_was_made():
    made = _role(Path="/byos/tenants/", Description="Zugriff für den Mieter",
                 MaxSessionDuration=7200, Tags=[{"Key": "owner", "Value": "byos"}])
    name = made["RoleName"]
    assert made["Arn"] == f"arn:aws:iam::{CUSTOMER}:role/byos/tenants/{name}"
    assert made["RoleId"].startswith("AROA")
    got = IAM.get_role(RoleName=name)["Role"]
    assert got["AssumeRolePolicyDocument"] == EC2 and got["MaxSessionDuration"] == 7200
    assert got["Tags"] == [{"Key": "owner", "Value": "byos"}]
    assert got["Description"] == "Zugriff für den Mieter"
    IAM.tag_role(RoleName=name, Tags=[{"Key": "owner", "Value": "us"}, {"Key": "b", "Value": ""}])
    IAM.untag_role(RoleName=name, TagKeys=["b", "never"])
    assert IAM.list_role_tags(RoleName=name)["Tags"] == [{"Key": "owner", "Value": "us"}]
    IAM.update_role(RoleName=name, MaxSessionDuration=3600, Description="x")
    assert IAM.get_role(RoleName=name)["Role"]["MaxSessionDuration"] == 3600
    listed = IAM.list_roles(PathPrefix="/byos/")["Roles"]
    assert [role["RoleName"] for role in listed] == [name]
    refused("EntityAlreadyExists", IAM.create_role, RoleName=name.upper(), status=409,
            AssumeRolePolicyDocument=json.dumps(EC2))
    refused("NoSuchEntity", IAM.get_role, RoleName="absent", status=404)


def names_and_numbers_are_checked():
    trust = json.dumps(EC2)
    for name in ("x" * 65, "with space", "slash/inside", "ä"):
        refused("ValidationError", IAM.create_role, RoleName=name, AssumeRolePolicyDocument=trust)
    for seconds in (3599, 43201):
        refused("ValidationError", IAM.create_role, RoleName="r", AssumeRolePolicyDocument=trust,
                MaxSessionDuration=seconds)
    for path in ("no/slash", "/no-end", "//"):
        refused("ValidationError", IAM.create_role, RoleName="r", AssumeRolePolicyDocument=trust,
                Path=path)
    many = [{"Key": str(number), "Value": ""} for number in range(51)]
    refused("LimitExceeded", IAM.create_role, RoleName="r", AssumeRolePolicyDocument=trust,
            Tags=many)
    refused("ValidationError", IAM.create_role, RoleName="r", AssumeRolePolicyDocument=trust,
            Tags=[{"Key": "aws:x", "Value": ""}])


def trust_policies_are_read_before_they_are_taken():
    def put(trust):
        text = trust if isinstance(trust, str) else json.dumps(trust)
        return IAM.create_role(RoleName=f"role-{next(NUMBER)}", AssumeRolePolicyDocument=text)

    statement = EC2["Statement"][0]
    for wrong in (
        "not json", "{}", policy({**statement, "Action": "s3:GetObject"}),
        policy({**statement, "Resource": "*"}),
        policy({"Effect": "Allow", "Action": "sts:AssumeRole"}),
        policy({**statement, "Principal": {"AWS": f"arn:aws:iam::{VENDOR}:role/not-there"}}),
        policy({**statement, "Principal": {"AWS": "arn:aws:iam::999999999999:root"}}),
    ):
        refused("MalformedPolicyDocument", put, wrong, status=400)
    long = policy(*[{**statement, "Sid": f"s{n}"} for n in range(40)])
    refused("LimitExceeded", put, long)


def permission_policies_are_read_before_they_are_taken():
    name = _role()["RoleName"]

    def put(document, policy_name="p"):
        text = document if isinstance(document, str) else json.dumps(document)
        IAM.put_role_policy(RoleName=name, PolicyName=policy_name, PolicyDocument=text)

    for wrong in (
        "{", policy(allow("nosuchservice:Do", "*")), policy(allow("s3:GetObject", "not-an-arn")),
        policy({"Effect": "Allow", "Action": "s3:GetObject"}), EC2,
        policy(allow("s3:GetObject", "*", Condition={"StringEqual": {"a": "b"}})),
        json.dumps(READ).replace('"Effect"', '"Effect": "Allow", "Effect"'),
    ):
        refused("MalformedPolicyDocument", put, wrong)
    big = policy(allow("s3:GetObject", [f"arn:aws:s3:::b/{'x' * 480}{n}" for n in range(10)]))
    put(big, "one")
    spaced = json.dumps(big, indent=8)  # white space is not counted
    put(spaced, "one")
    refused("LimitExceeded", put, policy(allow("s3:GetObject", [
        f"arn:aws:s3:::b/{'x' * 480}{n}" for n in range(11)])), "two")
    assert IAM.list_role_policies(RoleName=name)["PolicyNames"] == ["one"]
    assert IAM.get_role_policy(RoleName=name, PolicyName="one")["PolicyDocument"] == big
    refused("NoSuchEntity", IAM.get_role_policy, RoleName=name, PolicyName="two")
    refused("NoSuchEntity", IAM.delete_role_policy, RoleName=name, PolicyName="two")


def managed_policies_rotate_within_five_versions():
    made = _policy(Path="/byos/", Description="d", Tags=[{"Key": "k", "Value": "v"}])
    arn = made["Arn"]
    assert arn == f"arn:aws:iam::{CUSTOMER}:policy/byos/{made['PolicyName']}"

    def add(**arguments):
        return IAM.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(READ),
                                         **arguments)["PolicyVersion"]["VersionId"]

    assert [add() for _ in range(4)] == ["v2", "v3", "v4", "v5"]
    refused("LimitExceeded", add, status=409, words="5 versions")
    assert IAM.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v1"
    refused("DeleteConflict", IAM.delete_policy_version, PolicyArn=arn, VersionId="v1")
    IAM.delete_policy_version(PolicyArn=arn, VersionId="v2")
    assert add(SetAsDefault=True) == "v6"
    versions = IAM.list_policy_versions(PolicyArn=arn)["Versions"]
    assert [version["VersionId"] for version in versions] == ["v6", "v5", "v4", "v3", "v1"]
    assert [version["IsDefaultVersion"] for version in versions] == [True] + [False] * 4
    got = IAM.get_policy_version(PolicyArn=arn, VersionId="v6")["PolicyVersion"]
    assert got["Document"] == READ
    refused("NoSuchEntity", IAM.get_policy_version, PolicyArn=arn, VersionId="v2")
    refused("DeleteConflict", IAM.delete_policy, PolicyArn=arn, words="more than one version")
    IAM.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    for version in ("v6", "v5", "v4", "v3"):
        IAM.delete_policy_version(PolicyArn=arn, VersionId=version)
    IAM.delete_policy(PolicyArn=arn)
    refused("NoSuchEntity", IAM.get_policy, PolicyArn=arn)
    large = policy(allow("s3:GetObject", [f"arn:aws:s3:::b/{'x' * 1000}{n}" for n in range(6)]))
    refused("LimitExceeded", _policy, large)


def attached_policies_work_and_hold_what_they_are_on():
    role = _role()
    made = _policy()
    IAM.attach_role_policy(RoleName=role["RoleName"], PolicyArn=made["Arn"])
    IAM.attach_role_policy(RoleName=role["RoleName"], PolicyArn=made["Arn"])
    attached = IAM.list_attached_role_policies(RoleName=role["RoleName"])["AttachedPolicies"]
    assert attached == [{"PolicyName": made["PolicyName"], "PolicyArn": made["Arn"]}]
    assert IAM.get_policy(PolicyArn=made["Arn"])["Policy"]["AttachmentCount"] == 1
    entities = IAM.list_entities_for_policy(PolicyArn=made["Arn"])
    assert [entry["RoleName"] for entry in entities["PolicyRoles"]] == [role["RoleName"]]
    refused("DeleteConflict", IAM.delete_policy, PolicyArn=made["Arn"], status=409)
    refused("DeleteConflict", IAM.delete_role, RoleName=role["RoleName"], words="detach all")
    for _ in range(9):
        IAM.attach_role_policy(RoleName=role["RoleName"], PolicyArn=_policy()["Arn"])
    refused("LimitExceeded", IAM.attach_role_policy, RoleName=role["RoleName"],
            PolicyArn=_policy()["Arn"], words="PoliciesPerRole: 10")
    refused("NoSuchEntity", IAM.attach_role_policy, RoleName=role["RoleName"],
            PolicyArn=made["Arn"] + "-absent")
    IAM.detach_role_policy(RoleName=role["RoleName"], PolicyArn=made["Arn"])
    refused("NoSuchEntity", IAM.detach_role_policy, RoleName=role["RoleName"],
            PolicyArn=made["Arn"])
    IAM.delete_policy(PolicyArn=made["Arn"])


def an_attached_policy_grants_and_a_boundary_takes_away():
    name = bucket(S3)
    S3.put_object(Bucket=name, Key="k", Body=b"")
    everything, reading = _policy(policy(allow("s3:*", "*"))), _policy()
    keys = user("bounded", account=CUSTOMER)
    bounded = client("s3", keys)
    refused("AccessDenied", bounded.get_object, Bucket=name, Key="k")
    IAM.attach_user_policy(UserName="bounded", PolicyArn=everything["Arn"])
    bounded.put_object(Bucket=name, Key="k", Body=b"")
    IAM.put_user_permissions_boundary(UserName="bounded", PermissionsBoundary=reading["Arn"])
    boundary = IAM.get_user(UserName="bounded")["User"]["PermissionsBoundary"]
    assert boundary["PermissionsBoundaryArn"] == reading["Arn"]
    bounded.get_object(Bucket=name, Key="k")
    refused("AccessDenied", bounded.put_object, Bucket=name, Key="k",
            words="no permissions boundary allows")
    refused("DeleteConflict", IAM.delete_policy, PolicyArn=reading["Arn"])
    IAM.delete_user_permissions_boundary(UserName="bounded")
    bounded.put_object(Bucket=name, Key="k", Body=b"")
    refused("NoSuchEntity", IAM.delete_user_permissions_boundary, UserName="bounded")
    refused("NoSuchEntity", _role, PermissionsBoundary=reading["Arn"] + "x")
    role = _role(PermissionsBoundary=reading["Arn"])
    got = IAM.get_role(RoleName=role["RoleName"])["Role"]["PermissionsBoundary"]
    assert got["PermissionsBoundaryArn"] == reading["Arn"]


def managed_policies_can_limit_a_session():
    name = bucket(S3)
    S3.put_object(Bucket=name, Key="k", Body=b"")
    trust = policy({"Effect": "Allow", "Principal": {"AWS": VENDOR}, "Action": "sts:AssumeRole"})
    role = _role(trust)
    IAM.put_role_policy(RoleName=role["RoleName"], PolicyName="p",
                        PolicyDocument=json.dumps(policy(allow("s3:*", "*"))))
    keys = user("caller", policy(allow("sts:AssumeRole", "*")))
    sts = client("sts", keys)
    answer = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="limited",
                             PolicyArns=[{"arn": _policy()["Arn"]}])
    credentials = answer["Credentials"]
    limited = client("s3", (credentials["AccessKeyId"], credentials["SecretAccessKey"]),
                     token=credentials["SessionToken"])
    limited.get_object(Bucket=name, Key="k")
    refused("AccessDenied", limited.put_object, Bucket=name, Key="k", words="session policy")
    refused("MalformedPolicyDocument", sts.assume_role, RoleArn=role["Arn"],
            RoleSessionName="limited", PolicyArns=[{"arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}])


def an_instance_profile_carries_one_role():
    role, other = _role()["RoleName"], _role()["RoleName"]
    name = f"profile-{next(NUMBER)}"
    made = IAM.create_instance_profile(InstanceProfileName=name, Path="/byos/",
                                       Tags=[{"Key": "k", "Value": "v"}])["InstanceProfile"]
    assert made["Arn"] == f"arn:aws:iam::{CUSTOMER}:instance-profile/byos/{name}"
    refused("EntityAlreadyExists", IAM.create_instance_profile, InstanceProfileName=name)
    IAM.add_role_to_instance_profile(InstanceProfileName=name, RoleName=role)
    refused("LimitExceeded", IAM.add_role_to_instance_profile, InstanceProfileName=name,
            RoleName=other)
    got = IAM.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
    assert [entry["RoleName"] for entry in got["Roles"]] == [role]
    of_role = IAM.list_instance_profiles_for_role(RoleName=role)["InstanceProfiles"]
    assert [entry["InstanceProfileName"] for entry in of_role] == [name]
    refused("DeleteConflict", IAM.delete_role, RoleName=role, words="instance profile")
    refused("DeleteConflict", IAM.delete_instance_profile, InstanceProfileName=name)
    IAM.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=role)
    refused("NoSuchEntity", IAM.remove_role_from_instance_profile, InstanceProfileName=name,
            RoleName=role)
    IAM.delete_instance_profile(InstanceProfileName=name)
    IAM.delete_role(RoleName=role)
    refused("NoSuchEntity", IAM.get_instance_profile, InstanceProfileName=name)


def a_role_with_inline_policies_does_not_go():
    name = _role()["RoleName"]
    IAM.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(READ))
    refused("DeleteConflict", IAM.delete_role, RoleName=name, words="delete policies")
    IAM.delete_role_policy(RoleName=name, PolicyName="p")
    IAM.delete_role(RoleName=name)
    refused("NoSuchEntity", IAM.delete_role, RoleName=name)


def keys_can_be_switched_off_and_are_two():
    keys = user("keyed", policy(allow("s3:*", "*")), account=CUSTOMER)
    second = IAM.create_access_key(UserName="keyed")["AccessKey"]
    refused("LimitExceeded", IAM.create_access_key, UserName="keyed")
    S3_of = client("s3", keys)
    S3_of.list_buckets()
    IAM.update_access_key(UserName="keyed", AccessKeyId=keys[0], Status="Inactive")
    refused("InvalidAccessKeyId", S3_of.list_buckets)
    listed = IAM.list_access_keys(UserName="keyed")["AccessKeyMetadata"]
    assert {key["AccessKeyId"]: key["Status"] for key in listed} == {
        keys[0]: "Inactive", second["AccessKeyId"]: "Active"}
    refused("DeleteConflict", IAM.delete_user, UserName="keyed")


def iam_itself_is_guarded():
    deployer = policy(
        allow(["iam:CreateRole", "iam:GetRole"], f"arn:aws:iam::{CUSTOMER}:role/byos/*"),
        allow("iam:AddRoleToInstanceProfile", "*"),
        allow("iam:AttachRolePolicy", "*", Condition={"ArnEquals": {
            "iam:PolicyARN": f"arn:aws:iam::{CUSTOMER}:policy/only-this"}}))
    limited = client("iam", user("deployer", deployer, account=CUSTOMER))
    trust = json.dumps(EC2)
    limited.create_role(RoleName="inside", Path="/byos/", AssumeRolePolicyDocument=trust)
    limited.get_role(RoleName="inside")
    refused("AccessDenied", limited.create_role, RoleName="outside", AssumeRolePolicyDocument=trust,
            status=403, words="is not authorized to perform: iam:CreateRole")
    refused("AccessDenied", limited.delete_role, RoleName="inside")
    refused("AccessDenied", limited.attach_role_policy, RoleName="inside",
            PolicyArn=f"arn:aws:iam::{CUSTOMER}:policy/another")
    IAM.create_instance_profile(InstanceProfileName="guarded")
    refused("AccessDenied", limited.add_role_to_instance_profile, InstanceProfileName="guarded",
            RoleName="inside", words="iam:PassRole")
    refused("NoSuchEntity", iam(VENDOR).get_role, RoleName="inside")
    refused("InvalidClientTokenId", client("iam", ("AKIA" + "A" * 16, "x")).list_roles)


def listings_go_page_by_page():
    made = {_role(Path="/paged/")["RoleName"] for _ in range(7)}
    got, pages = [], 0
    for page in IAM.get_paginator("list_roles").paginate(
            PathPrefix="/paged/", PaginationConfig={"PageSize": 3}):
        got += [role["RoleName"] for role in page["Roles"]]
        pages += 1
    assert set(got) == made and len(got) == 7 and pages == 3


def what_iam_has_and_the_sandbox_has_not_is_said():
    refused("NotImplemented", IAM.list_groups, status=501)
    refused("NotImplemented", IAM.create_saml_provider, Name="n", SAMLMetadataDocument="x" * 1000)
    refused("NotImplemented", client("sts", root(CUSTOMER)).get_session_token)


run(globals())
