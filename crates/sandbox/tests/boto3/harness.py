"""What every script needs: clients, refusals, and a loop over its checks."""

import json
import os
import sys
import traceback
import uuid

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

INFO = json.loads(os.environ["SANDBOX"])
VENDOR = "111111111111"
CUSTOMER = "222222222222"


def root(account):
    return tuple(INFO["roots"][account])


def client(service, keys, region="us-east-1", token=None, **config):
    s3 = config.pop("s3", {"addressing_style": "path"})
    return boto3.client(
        service,
        endpoint_url=INFO["endpoint"],
        region_name=region,
        aws_access_key_id=keys[0],
        aws_secret_access_key=keys[1],
        aws_session_token=token,
        config=Config(
            retries={"max_attempts": 1},
            s3=s3,
            parameter_validation=False,
            signature_version="v4" if service != "s3" else "s3v4",
            **config,
        ),
    )


def s3(account=CUSTOMER, **arguments):
    return client("s3", root(account), **arguments)


def iam(account=CUSTOMER):
    return client("iam", root(account))


def bucket(s3, **arguments):
    name = "b-" + uuid.uuid4().hex[:20]
    s3.create_bucket(Bucket=name, **arguments)
    return name


def user(name, *policies, account=VENDOR):
    """Makes a user with these inline policies; gives its keys."""
    admin = iam(account)
    admin.create_user(UserName=name)
    for number, policy in enumerate(policies):
        admin.put_user_policy(
            UserName=name, PolicyName=f"p{number}", PolicyDocument=json.dumps(policy)
        )
    key = admin.create_access_key(UserName=name)["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"]


def policy(*statements):
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(action, resource, **rest):
    return {"Effect": "Allow", "Action": action, "Resource": resource, **rest}


def refused(code, call, *arguments, status=None, words=None, **named):
    """The call must fail with this code (and status, and words in the message)."""
    try:
        answer = call(*arguments, **named)
    except ClientError as error:
        got = error.response["Error"].get("Code")
        got_status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        message = error.response["Error"].get("Message", "")
        assert got == code, f"expected {code}, got {got}: {message}"
        assert status is None or got_status == status, f"{code} came with {got_status}"
        assert words is None or words in message, f"{words!r} is not in {message!r}"
        return error.response
    raise AssertionError(f"expected {code}, but the call worked: {answer}")


def run(checks):
    """Runs every public function of the script; ends the process."""
    failures = 0
    for name, check in list(checks.items()):
        if not callable(check) or name.startswith("_") or check.__module__ != "__main__":
            continue
        try:
            check()
        except Exception:
            failures += 1
            print(f"FAILED {name}\n{traceback.format_exc()}", file=sys.stderr)
    sys.exit(1 if failures else 0)
