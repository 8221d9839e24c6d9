"""Makes stacks: what CloudFormation would do with the resources of our templates, by S3's and IAM's
own calls, into the stores of the tests.

    deploy.py < stacks.json

Reads a list of {"endpoint", "region", "access_key_id", "secret_access_key", "resources"}, where the
functions in `resources` are evaluated already. Only what our templates use is known here; anything
else is an error, so that no property can go by unseen.
"""

import json
import sys

import boto3
from botocore.config import Config



def main():
    for stack in json.load(sys.stdin):
        make(stack)


def make(stack):
    settings = Config(s3={"addressing_style": "path"}, request_checksum_calculation="when_required")
    s3, iam = (
        boto3.client(
            service,
            region_name=stack["region"],
            endpoint_url=stack["endpoint"],
            aws_access_key_id=stack["access_key_id"],
            aws_secret_access_key=stack["secret_access_key"],
            config=settings,
        )
        for service in ("s3", "iam")
    )
    resources, done = stack["resources"], set()
    # A policy refers to its bucket.
    owners = {resource["Properties"].get("BucketName"): name for name, resource in resources.items()}

    def one(name):
        resource = dict(resources[name])
        if name in done:
            return
        done.add(name)
        if before := resource.pop("DependsOn", None):
            one(before)
        kind, properties = resource.pop("Type"), Taken(resource.pop("Properties"))
        if kind == "AWS::S3::BucketPolicy":
            one(owners[properties["Bucket"]])
        for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
            assert resource.pop(policy, "Retain") == "Retain"
        assert not resource, resource
        {
            "AWS::S3::Bucket": lambda: bucket(s3, stack["region"], properties),
            "AWS::S3::BucketPolicy": lambda: bucket_policy(s3, properties),
            "AWS::IAM::Role": lambda: role(iam, properties),
            # No store that the tests run has networks.
            "AWS::EC2::VPCEndpoint": properties.clear,
        }[kind]()
        assert not properties, properties

    for name in resources:
        one(name)


class Taken(dict):
    """Properties, each of which has to be taken."""

    def take(self, name, default=None):
        return self.pop(name, default)


def bucket(s3, region, properties):
    name = properties.take("BucketName")
    where = {} if region == "us-east-1" else {"LocationConstraint": region}
    s3.create_bucket(
        Bucket=name,
        **given(
            CreateBucketConfiguration=where,
            ObjectLockEnabledForBucket=properties.take("ObjectLockEnabled"),
            BucketNamespace=properties.take("BucketNamespace"),
        ),
    )

    def put(property, call, argument, change=lambda value: value):
        if (value := properties.take(property)) is not None:
            call(Bucket=name, **{argument: change(value)})

    put("Tags", s3.put_bucket_tagging, "Tagging", lambda tags: {"TagSet": tags})
    put("PublicAccessBlockConfiguration", s3.put_public_access_block, "PublicAccessBlockConfiguration")
    put("OwnershipControls", s3.put_bucket_ownership_controls, "OwnershipControls")
    put("VersioningConfiguration", s3.put_bucket_versioning, "VersioningConfiguration")
    put("BucketEncryption", s3.put_bucket_encryption, "ServerSideEncryptionConfiguration", encryption)
    put("ObjectLockConfiguration", s3.put_object_lock_configuration, "ObjectLockConfiguration")
    put("CorsConfiguration", s3.put_bucket_cors, "CORSConfiguration", cors)
    put("LoggingConfiguration", s3.put_bucket_logging, "BucketLoggingStatus", logging)
    put(
        "NotificationConfiguration",
        s3.put_bucket_notification_configuration,
        "NotificationConfiguration",
        notifications,
    )
    if lifecycle := properties.take("LifecycleConfiguration"):
        s3.put_bucket_lifecycle_configuration(
            Bucket=name,
            LifecycleConfiguration={"Rules": [lifecycle_rule(Taken(rule)) for rule in lifecycle.pop("Rules")]},
            **lifecycle,
        )
    for inventory in properties.take("InventoryConfigurations", []):
        s3.put_bucket_inventory_configuration(
            Bucket=name, Id=inventory["Id"], InventoryConfiguration=inventory_of(Taken(inventory))
        )


def encryption(value):
    (rule,) = value["ServerSideEncryptionConfiguration"]
    rule = Taken(rule)
    wanted = given(
        ApplyServerSideEncryptionByDefault=rule.take("ServerSideEncryptionByDefault"),
        BucketKeyEnabled=rule.take("BucketKeyEnabled"),
        BlockedEncryptionTypes=rule.take("BlockedEncryptionTypes"),
    )
    assert not rule, rule
    return {"Rules": [wanted]}


def cors(value):
    names = {
        "Id": "ID",
        "AllowedOrigins": "AllowedOrigins",
        "AllowedMethods": "AllowedMethods",
        "AllowedHeaders": "AllowedHeaders",
        "ExposedHeaders": "ExposeHeaders",
        "MaxAge": "MaxAgeSeconds",
    }
    return {"CORSRules": [{names[name]: value for name, value in rule.items()} for rule in value["CorsRules"]]}


def logging(value):
    names = {
        "DestinationBucketName": "TargetBucket",
        "LogFilePrefix": "TargetPrefix",
        "TargetObjectKeyFormat": "TargetObjectKeyFormat",
    }
    return {"LoggingEnabled": {names[name]: value for name, value in value.items()}}


def notifications(value):
    assert value == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}, value
    return {"EventBridgeConfiguration": {}}


def lifecycle_rule(rule):
    conditions = given(
        Prefix=rule.take("Prefix"),
        ObjectSizeGreaterThan=number(rule.take("ObjectSizeGreaterThan")),
        ObjectSizeLessThan=number(rule.take("ObjectSizeLessThan")),
    )
    tags = rule.take("TagFilters", [])
    if len(conditions) + len(tags) > 1:
        filter = {"And": given(Tags=tags, **conditions)}
    elif tags:
        filter = {"Tag": tags[0]}
    else:
        filter = conditions or {"Prefix": ""}
    expiration = given(
        Days=rule.take("ExpirationInDays"), ExpiredObjectDeleteMarker=rule.take("ExpiredObjectDeleteMarker")
    )
    wanted = given(
        ID=rule.take("Id"),
        Status=rule.take("Status"),
        Filter=filter,
        AbortIncompleteMultipartUpload=rule.take("AbortIncompleteMultipartUpload"),
        Expiration=expiration,
        NoncurrentVersionExpiration=rule.take("NoncurrentVersionExpiration"),
        Transitions=[transition(one, "Days") for one in rule.take("Transitions", [])],
        NoncurrentVersionTransitions=[
            transition(one, "NoncurrentDays") for one in rule.take("NoncurrentVersionTransitions", [])
        ],
    )
    assert not rule, rule
    return wanted


def transition(one, days):
    assert set(one) == {"StorageClass", "TransitionInDays"}, one
    return {days: one["TransitionInDays"], "StorageClass": one["StorageClass"]}


def inventory_of(inventory):
    target = inventory.take("Destination")
    names = {"BucketArn": "Bucket", "BucketAccountId": "AccountId", "Prefix": "Prefix", "Format": "Format"}
    target = {names[name]: value for name, value in target.items()}
    prefix = inventory.take("Prefix")
    wanted = given(
        Id=inventory.take("Id"),
        IsEnabled=inventory.take("Enabled"),
        Destination={"S3BucketDestination": given(**target)},
        IncludedObjectVersions=inventory.take("IncludedObjectVersions"),
        Schedule={"Frequency": inventory.take("ScheduleFrequency")},
        Filter=prefix and {"Prefix": prefix},
        OptionalFields=inventory.take("OptionalFields"),
    )
    assert not inventory, inventory
    return wanted


def bucket_policy(s3, properties):
    s3.put_bucket_policy(Bucket=properties.take("Bucket"), Policy=json.dumps(properties.take("PolicyDocument")))


def role(iam, properties):
    name = properties.take("RoleName")
    iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps(properties.take("AssumeRolePolicyDocument")),
        **given(
            Path=properties.take("Path"),
            Description=properties.take("Description"),
            MaxSessionDuration=properties.take("MaxSessionDuration"),
            PermissionsBoundary=properties.take("PermissionsBoundary"),
            Tags=properties.take("Tags"),
        ),
    )
    for policy in properties.take("Policies", []):
        document = json.dumps(policy["PolicyDocument"])
        iam.put_role_policy(RoleName=name, PolicyName=policy["PolicyName"], PolicyDocument=document)


def given(**values):
    """The values that say something."""
    return {name: value for name, value in values.items() if value not in (None, "", [], {})}


def number(text):
    """Sizes are texts in templates."""
    return None if text is None else int(text)


if __name__ == "__main__":
    main()
