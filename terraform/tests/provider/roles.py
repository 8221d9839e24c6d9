"""Roles, their policies and profiles, and the VPC endpoint."""

import json

from kinds import Kind, absent, only_given

NO_SUCH = ("NoSuchEntity",)


def pairs(tags):
    return [{"Key": key, "Value": value} for key, value in sorted((tags or {}).items())]


def mapped(pairs):
    return {pair["Key"]: pair["Value"] for pair in pairs}


def document(value):
    """A policy document as text, whatever the client library made of it."""
    return value if isinstance(value, str) else json.dumps(value)


def retag(tag, untag, state, prior, **whose):
    """Ours are added or changed; what is no longer ours goes. Never all at once."""
    before, after = (prior or {}).get("tags") or {}, state["tags"] or {}
    if changed := {key: value for key, value in after.items() if before.get(key) != value}:
        tag(Tags=pairs(changed), **whose)
    if gone := sorted(before.keys() - after.keys()):
        untag(TagKeys=gone, **whose)


class Role(Kind):
    replace = {"name", "path"}
    computed = {"managed_policy_arns", "tags_all"}
    kept = {"force_detach_policies"}

    def identity(self, state):
        return state["name"]

    def read(self, aws, state):
        answer = absent(NO_SUCH, aws.iam.get_role, RoleName=state.get("name") or state["id"], keep=True)
        if answer is None:
            return None
        role = answer["Role"]
        tags = mapped(aws.iam.list_role_tags(RoleName=role["RoleName"])["Tags"])
        return {
            "id": role["RoleName"],
            "name": role["RoleName"],
            "path": role["Path"],
            "arn": role["Arn"],
            "unique_id": role["RoleId"],
            "description": role.get("Description"),
            "assume_role_policy": document(role["AssumeRolePolicyDocument"]),
            "max_session_duration": role.get("MaxSessionDuration"),
            "permissions_boundary": role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
            "tags": tags,
            "tags_all": tags,
        }

    def write(self, aws, state, prior):
        name, iam = state["name"], aws.iam
        if prior is None:
            iam.create_role(
                RoleName=name,
                AssumeRolePolicyDocument=state["assume_role_policy"],
                **only_given(
                    Path=state["path"],
                    Description=state["description"],
                    MaxSessionDuration=state["max_session_duration"],
                    PermissionsBoundary=state["permissions_boundary"],
                    Tags=pairs(state["tags"]),
                ),
            )
            return
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=state["assume_role_policy"])
        iam.update_role(
            RoleName=name, Description=state["description"] or "", MaxSessionDuration=state["max_session_duration"]
        )
        if state["permissions_boundary"]:
            iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=state["permissions_boundary"])
        elif prior["permissions_boundary"]:
            iam.delete_role_permissions_boundary(RoleName=name)
        retag(iam.tag_role, iam.untag_role, state, prior, RoleName=name)

    def delete(self, aws, state):
        aws.iam.delete_role(RoleName=state["name"])


class InlinePolicy(Kind):
    replace = {"name", "role"}

    def identity(self, state):
        return f"{state['role']}:{state['name']}"

    def imported(self, identifier):
        role, name = identifier.split(":", 1)
        return {"id": identifier, "role": role, "name": name}

    def read(self, aws, state):
        answer = absent(NO_SUCH, aws.iam.get_role_policy, RoleName=state["role"], PolicyName=state["name"], keep=True)
        if answer is None:
            return None
        return {
            "id": self.identity(state),
            "role": state["role"],
            "name": state["name"],
            "policy": document(answer["PolicyDocument"]),
        }

    def write(self, aws, state, prior):
        aws.iam.put_role_policy(RoleName=state["role"], PolicyName=state["name"], PolicyDocument=state["policy"])

    def delete(self, aws, state):
        aws.iam.delete_role_policy(RoleName=state["role"], PolicyName=state["name"])


class ManagedPolicy(Kind):
    replace = {"name", "path", "description"}
    computed = {"tags_all"}

    def identity(self, state):
        return state["arn"]

    def read(self, aws, state):
        arn = state.get("arn") or state["id"]
        answer = absent(NO_SUCH, aws.iam.get_policy, PolicyArn=arn, keep=True)
        if answer is None:
            return None
        policy = answer["Policy"]
        version = aws.iam.get_policy_version(PolicyArn=arn, VersionId=policy["DefaultVersionId"])["PolicyVersion"]
        tags = mapped(aws.iam.list_policy_tags(PolicyArn=arn)["Tags"])
        return {
            "id": arn,
            "arn": arn,
            "name": policy["PolicyName"],
            "path": policy["Path"],
            "policy": document(version["Document"]),
            "tags": tags,
            "tags_all": tags,
        }

    def write(self, aws, state, prior):
        if prior is None:
            answer = aws.iam.create_policy(
                PolicyName=state["name"],
                PolicyDocument=state["policy"],
                **only_given(Path=state["path"], Description=state["description"], Tags=pairs(state["tags"])),
            )
            state["arn"] = answer["Policy"]["Arn"]
            return
        versions = aws.iam.list_policy_versions(PolicyArn=state["arn"])["Versions"]
        if len(versions) >= 5:
            oldest = min((v for v in versions if not v["IsDefaultVersion"]), key=lambda v: int(v["VersionId"][1:]))
            aws.iam.delete_policy_version(PolicyArn=state["arn"], VersionId=oldest["VersionId"])
        aws.iam.create_policy_version(PolicyArn=state["arn"], PolicyDocument=state["policy"], SetAsDefault=True)
        retag(aws.iam.tag_policy, aws.iam.untag_policy, state, prior, PolicyArn=state["arn"])

    def delete(self, aws, state):
        for version in aws.iam.list_policy_versions(PolicyArn=state["arn"])["Versions"]:
            if not version["IsDefaultVersion"]:
                aws.iam.delete_policy_version(PolicyArn=state["arn"], VersionId=version["VersionId"])
        aws.iam.delete_policy(PolicyArn=state["arn"])


class Attachment(Kind):
    replace = {"role", "policy_arn"}

    def identity(self, state):
        return f"{state['role']}/{state['policy_arn']}"

    def imported(self, identifier):
        role, arn = identifier.split("/", 1)
        return {"id": identifier, "role": role, "policy_arn": arn}

    def read(self, aws, state):
        answer = absent(NO_SUCH, aws.iam.list_attached_role_policies, RoleName=state["role"], keep=True) or {}
        arns = [policy["PolicyArn"] for policy in answer.get("AttachedPolicies", [])]
        if state["policy_arn"] not in arns:
            return None
        return {"id": self.identity(state), "role": state["role"], "policy_arn": state["policy_arn"]}

    def write(self, aws, state, prior):
        aws.iam.attach_role_policy(RoleName=state["role"], PolicyArn=state["policy_arn"])

    def delete(self, aws, state):
        aws.iam.detach_role_policy(RoleName=state["role"], PolicyArn=state["policy_arn"])


class InstanceProfile(Kind):
    replace = {"name", "path"}
    computed = {"tags_all"}

    def identity(self, state):
        return state["name"]

    def read(self, aws, state):
        name = state.get("name") or state["id"]
        answer = absent(NO_SUCH, aws.iam.get_instance_profile, InstanceProfileName=name, keep=True)
        if answer is None:
            return None
        profile = answer["InstanceProfile"]
        roles = [role["RoleName"] for role in profile["Roles"]]
        tags = mapped(aws.iam.list_instance_profile_tags(InstanceProfileName=name)["Tags"])
        return {
            "id": name,
            "name": name,
            "path": profile["Path"],
            "arn": profile["Arn"],
            "unique_id": profile["InstanceProfileId"],
            "role": roles[0] if roles else None,
            "tags": tags,
            "tags_all": tags,
        }

    def write(self, aws, state, prior):
        name = state["name"]
        if prior is None:
            aws.iam.create_instance_profile(
                InstanceProfileName=name, **only_given(Path=state["path"], Tags=pairs(state["tags"]))
            )
        else:
            retag(
                aws.iam.tag_instance_profile,
                aws.iam.untag_instance_profile,
                state,
                prior,
                InstanceProfileName=name,
            )
        before = (prior or {}).get("role")
        if before and before != state["role"]:
            aws.iam.remove_role_from_instance_profile(InstanceProfileName=name, RoleName=before)
        if state["role"] and before != state["role"]:
            aws.iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=state["role"])

    def delete(self, aws, state):
        if state["role"]:
            aws.iam.remove_role_from_instance_profile(InstanceProfileName=state["name"], RoleName=state["role"])
        aws.iam.delete_instance_profile(InstanceProfileName=state["name"])


class VpcEndpoint(Kind):
    """Kept here: no store that the tests run has networks."""

    replace = {"vpc_id", "service_name", "vpc_endpoint_type"}
    computed = {
        "auto_accept",
        "ip_address_type",
        "policy",
        "private_dns_enabled",
        "region",
        "route_table_ids",
        "security_group_ids",
        "service_region",
        "subnet_ids",
        "tags_all",
    }

    def __init__(self):
        self.there = {}

    def identity(self, state):
        return state["id"]

    def read(self, aws, state):
        return self.there.get(state["id"])

    def write(self, aws, state, prior):
        if prior is None:
            state["id"] = f"vpce-{len(self.there):017x}"
        arn = f"arn:{aws.partition}:ec2:{aws.region}:{aws.account}:vpc-endpoint/{state['id']}"
        known = {key: value for key, value in state.items() if isinstance(value, (str, list, dict, bool))}
        self.there[state["id"]] = known | {"arn": arn, "region": aws.region, "tags_all": state["tags"]}

    def delete(self, aws, state):
        del self.there[state["id"]]


KINDS = {
    "aws_iam_role": Role(),
    "aws_iam_role_policy": InlinePolicy(),
    "aws_iam_policy": ManagedPolicy(),
    "aws_iam_role_policy_attachment": Attachment(),
    "aws_iam_instance_profile": InstanceProfile(),
    "aws_vpc_endpoint": VpcEndpoint(),
}
