"""Sets accounts up in MiniStack and prints what the tests need to know as one JSON object.

    ministack.py gateway-user NAME
    ministack.py vendor-role NAME
    ministack.py user NAME POLICY...
    ministack.py customer ORG GATEWAY_USER EXTERNAL_ID PREFIX
"""

import json
import sys

import boto3

VENDOR = "111111111111"


def document(statements):
    """A policy of these statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def user(name, *policies):
    """An IAM user with inline policies, and a key for it."""
    iam = boto3.client("iam")
    iam.create_user(UserName=name)
    for number, policy in enumerate(policies):
        iam.put_user_policy(UserName=name, PolicyName=f"tests{number}", PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {"access_key_id": key["AccessKeyId"], "secret_access_key": key["SecretAccessKey"]}


# Both halves of a cross-account AssumeRole are checked; this is the caller's half.
MAY_ASSUME = document(
    [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "arn:aws:iam::*:role/*"}]
)


def gateway_user(name):
    """A gateway that signs with a user's keys."""
    return user(name, MAY_ASSUME)


def vendor_role(name):
    """A gateway's role, and a user who may take it."""
    keys = user(f"{name}-user", MAY_ASSUME)
    iam = boto3.client("iam")
    admitted = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{VENDOR}:user/{name}-user"},
        "Action": "sts:AssumeRole",
    }
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=document([admitted]))
    iam.put_role_policy(RoleName=name, PolicyName="tests", PolicyDocument=MAY_ASSUME)
    return keys


def customer(org, gateway, external_id, prefix):
    """Buckets and role in the customer's account, and a user who owns the account's storage."""
    s3, iam = boto3.client("s3"), boto3.client("iam")
    data, results = f"real-{org}-data-7f3a", f"real-{org}-results-7f3a"
    for bucket in (data, results):
        s3.create_bucket(Bucket=bucket)
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{VENDOR}:user/{gateway}"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"sts:ExternalId": external_id}},
            }
        ],
    }
    name = f"byos-{org}-role"
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    both = [f"arn:aws:s3:::{data}", f"arn:aws:s3:::{results}"]
    read = ["s3:GetObject", "s3:GetObjectVersion"]
    write = [
        "s3:PutObject",
        "s3:DeleteObject",
        "s3:AbortMultipartUpload",
        "s3:ListMultipartUploadParts",
    ]
    statements = [
        {
            "Effect": "Allow",
            "Action": ["s3:ListBucket", "s3:ListBucketMultipartUploads", "s3:GetBucketLocation"],
            "Resource": both,
        },
        {"Effect": "Allow", "Action": read, "Resource": [f"{arn}/{prefix}*" for arn in both]},
        {"Effect": "Allow", "Action": write, "Resource": f"{both[1]}/{prefix}*"},
    ]
    policy = {"Version": "2012-10-17", "Statement": statements}
    iam.put_role_policy(RoleName=name, PolicyName="byos", PolicyDocument=json.dumps(policy))
    everything = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    owner = user(f"owner-{org}", document([everything]))
    return owner | {"role_arn": role["Arn"], "data_bucket": data, "results_bucket": results}


COMMANDS = {
    "gateway-user": gateway_user,
    "vendor-role": vendor_role,
    "user": user,
    "customer": customer,
}

if __name__ == "__main__":
    print(json.dumps(COMMANDS[sys.argv[1]](*sys.argv[2:])))
