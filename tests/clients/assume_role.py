"""Assumes a role with boto3: prints `assumed`, or the error's code.

    assume_role.py ROLE_ARN [EXTERNAL_ID]
"""

import sys

import boto3
from botocore.exceptions import ClientError

arguments = {"RoleArn": sys.argv[1], "RoleSessionName": "tests"}
if len(sys.argv) > 2:
    arguments["ExternalId"] = sys.argv[2]
try:
    boto3.client("sts").assume_role(**arguments)
    print("assumed")
except ClientError as error:
    print(error.response["Error"]["Code"])
