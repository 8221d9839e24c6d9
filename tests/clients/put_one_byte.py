"""Puts one byte with boto3's defaults: prints `stored`, or the error's code and HTTP status.

    put_one_byte.py BUCKET KEY
"""

import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

bucket, key = sys.argv[1:]
# Only the number of tries differs from the defaults: a refusal must not cost seconds.
s3 = boto3.client("s3", config=Config(retries={"total_max_attempts": 1}))
try:
    s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    print("stored")
except ClientError as error:
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    print(error.response["Error"]["Code"], status)
