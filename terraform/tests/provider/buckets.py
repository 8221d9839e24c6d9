"""Buckets and their settings: Terraform's words to S3's and back.

Every kind has `read` (None when it is not there), `write` (create or change) and `delete`.
"""

from kinds import Kind, absent, first, only_given

NO_SUCH = (
    "404",
    "NoSuchBucket",
    "NoSuchBucketPolicy",
    "NoSuchCORSConfiguration",
    "NoSuchConfiguration",
    "NoSuchLifecycleConfiguration",
    "NoSuchPublicAccessBlockConfiguration",
    "NoSuchTagSet",
    "ObjectLockConfigurationNotFoundError",
    "OwnershipControlsNotFoundError",
    "ServerSideEncryptionConfigurationNotFoundError",
)


class Bucket(Kind):
    replace = {"bucket", "object_lock_enabled", "bucket_namespace"}
    computed = {"region", "tags_all", "bucket_namespace"}

    def identity(self, state):
        return state["bucket"]

    def read(self, aws, state):
        name = self.name(state)
        if absent(NO_SUCH, aws.s3.head_bucket, Bucket=name):
            return None
        tags = absent_or(aws.s3.get_bucket_tagging, "TagSet", name) or []
        lock = absent_or(aws.s3.get_object_lock_configuration, "ObjectLockConfiguration", name) or {}
        tags = {tag["Key"]: tag["Value"] for tag in tags}
        return {
            "id": name,
            "bucket": name,
            "arn": f"arn:{aws.partition}:s3:::{name}",
            "region": aws.region,
            "bucket_region": aws.region,
            "object_lock_enabled": lock.get("ObjectLockEnabled") == "Enabled",
            # The name says it: nobody can have such a name in the global namespace.
            "bucket_namespace": "account-regional" if name.endswith(f"-{aws.account}-{aws.region}-an") else "global",
            "tags": tags,
            "tags_all": tags,
        }

    def write(self, aws, state, prior):
        name = state["bucket"]
        if prior is None:
            place = {} if aws.region == "us-east-1" else {"LocationConstraint": aws.region}
            aws.s3.create_bucket(
                Bucket=name,
                **only_given(
                    CreateBucketConfiguration=place or None,
                    ObjectLockEnabledForBucket=state["object_lock_enabled"],
                    BucketNamespace=state.get("bucket_namespace"),
                ),
            )
        tags = [{"Key": key, "Value": value} for key, value in sorted((state["tags"] or {}).items())]
        aws.s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tags})

    def delete(self, aws, state):
        aws.s3.delete_bucket(Bucket=self.name(state))

    def name(self, state):
        return state.get("bucket") or state["id"]


class Setting(Kind):
    """A setting of a bucket, which is all that identifies it."""

    replace = {"bucket"}
    computed = {"region"}

    def identity(self, state):
        return state["bucket"]

    def read(self, aws, state):
        bucket = state.get("bucket") or state["id"]
        there = self.get(aws, bucket)
        if there is None:
            return None
        return {"id": bucket, "bucket": bucket, "region": aws.region, **there}


class PublicAccessBlock(Setting):
    switches = {
        "block_public_acls": "BlockPublicAcls",
        "block_public_policy": "BlockPublicPolicy",
        "ignore_public_acls": "IgnorePublicAcls",
        "restrict_public_buckets": "RestrictPublicBuckets",
    }
    # How Terraform is to treat the resource, not what S3 holds.
    kept = {"skip_destroy"}

    def get(self, aws, bucket):
        there = absent_or(aws.s3.get_public_access_block, "PublicAccessBlockConfiguration", bucket)
        return there and {ours: there[theirs] for ours, theirs in self.switches.items()}

    def write(self, aws, state, prior):
        wanted = {theirs: bool(state[ours]) for ours, theirs in self.switches.items()}
        aws.s3.put_public_access_block(Bucket=state["bucket"], PublicAccessBlockConfiguration=wanted)

    def delete(self, aws, state):
        if not state["skip_destroy"]:
            aws.s3.delete_public_access_block(Bucket=state["bucket"])


class Policy(Setting):
    def get(self, aws, bucket):
        there = absent_or(aws.s3.get_bucket_policy, "Policy", bucket)
        return there and {"policy": there}

    def write(self, aws, state, prior):
        aws.s3.put_bucket_policy(Bucket=state["bucket"], Policy=state["policy"])

    def delete(self, aws, state):
        aws.s3.delete_bucket_policy(Bucket=state["bucket"])


class OwnershipControls(Setting):
    def get(self, aws, bucket):
        there = absent_or(aws.s3.get_bucket_ownership_controls, "OwnershipControls", bucket)
        return there and {"rule": [{"object_ownership": there["Rules"][0]["ObjectOwnership"]}]}

    def write(self, aws, state, prior):
        rules = [{"ObjectOwnership": rule["object_ownership"]} for rule in state["rule"]]
        aws.s3.put_bucket_ownership_controls(Bucket=state["bucket"], OwnershipControls={"Rules": rules})

    def delete(self, aws, state):
        aws.s3.delete_bucket_ownership_controls(Bucket=state["bucket"])


class Versioning(Setting):
    def get(self, aws, bucket):
        there = absent_or(aws.s3.get_bucket_versioning, "Status", bucket)
        return there and {"versioning_configuration": [{"status": there}]}

    def write(self, aws, state, prior):
        status = state["versioning_configuration"][0]["status"]
        aws.s3.put_bucket_versioning(Bucket=state["bucket"], VersioningConfiguration={"Status": status})

    def delete(self, aws, state):
        if state["versioning_configuration"][0]["status"] == "Enabled":
            aws.s3.put_bucket_versioning(Bucket=state["bucket"], VersioningConfiguration={"Status": "Suspended"})


class Encryption(Setting):
    # Blocked types that are not configured stay as S3 has them.
    left_alone = {("rule", "blocked_encryption_types")}

    def get(self, aws, bucket):
        there = absent_or(aws.s3.get_bucket_encryption, "ServerSideEncryptionConfiguration", bucket)
        if not there:
            return None
        rule = there["Rules"][0]
        default = rule.get("ApplyServerSideEncryptionByDefault", {})
        return {
            "rule": [
                {
                    "apply_server_side_encryption_by_default": [
                        {
                            "sse_algorithm": default.get("SSEAlgorithm"),
                            "kms_master_key_id": default.get("KMSMasterKeyID"),
                        }
                    ],
                    "bucket_key_enabled": rule.get("BucketKeyEnabled", False),
                    "blocked_encryption_types": rule.get("BlockedEncryptionTypes", {}).get("EncryptionType"),
                }
            ]
        }

    def write(self, aws, state, prior):
        rule = state["rule"][0]
        default = rule["apply_server_side_encryption_by_default"][0]
        blocked = rule["blocked_encryption_types"]
        wanted = only_given(
            ApplyServerSideEncryptionByDefault=only_given(
                SSEAlgorithm=default["sse_algorithm"], KMSMasterKeyID=default["kms_master_key_id"]
            ),
            BucketKeyEnabled=rule["bucket_key_enabled"],
            BlockedEncryptionTypes={"EncryptionType": blocked} if blocked else None,
        )
        aws.s3.put_bucket_encryption(
            Bucket=state["bucket"], ServerSideEncryptionConfiguration={"Rules": [wanted]}
        )

    def delete(self, aws, state):
        aws.s3.delete_bucket_encryption(Bucket=state["bucket"])


class ObjectLock(Setting):
    computed = {"region", "object_lock_enabled"}

    def get(self, aws, bucket):
        there = absent_or(aws.s3.get_object_lock_configuration, "ObjectLockConfiguration", bucket)
        if not there or "Rule" not in there:
            return None
        retention = there["Rule"]["DefaultRetention"]
        retention = {"mode": retention["Mode"], "days": retention.get("Days"), "years": retention.get("Years")}
        return {"object_lock_enabled": "Enabled", "rule": [{"default_retention": [retention]}]}

    def write(self, aws, state, prior):
        retention = state["rule"][0]["default_retention"][0]
        rule = {"DefaultRetention": only_given(Mode=retention["mode"], Days=retention["days"])}
        self.put(aws, state, {"ObjectLockEnabled": "Enabled", "Rule": rule})

    def delete(self, aws, state):
        self.put(aws, state, {"ObjectLockEnabled": "Enabled"})

    def put(self, aws, state, wanted):
        aws.s3.put_object_lock_configuration(Bucket=state["bucket"], ObjectLockConfiguration=wanted)


class Cors(Setting):
    words = {
        "id": "ID",
        "allowed_headers": "AllowedHeaders",
        "allowed_methods": "AllowedMethods",
        "allowed_origins": "AllowedOrigins",
        "expose_headers": "ExposeHeaders",
        "max_age_seconds": "MaxAgeSeconds",
    }

    def get(self, aws, bucket):
        there = absent_or(aws.s3.get_bucket_cors, "CORSRules", bucket)
        return there and {"cors_rule": [{ours: rule.get(theirs) for ours, theirs in self.words.items()} for rule in there]}

    def write(self, aws, state, prior):
        rules = [only_given(**{theirs: rule[ours] for ours, theirs in self.words.items()}) for rule in state["cors_rule"]]
        aws.s3.put_bucket_cors(Bucket=state["bucket"], CORSConfiguration={"CORSRules": rules})

    def delete(self, aws, state):
        aws.s3.delete_bucket_cors(Bucket=state["bucket"])


class Logging(Setting):
    def get(self, aws, bucket):
        there = absent_or(aws.s3.get_bucket_logging, "LoggingEnabled", bucket)
        if not there:
            return None
        format = there.get("TargetObjectKeyFormat", {})
        partitioned = format.get("PartitionedPrefix")
        by = {"partition_date_source": partitioned.get("PartitionDateSource")} if partitioned else None
        return {
            "target_bucket": there["TargetBucket"],
            "target_prefix": there.get("TargetPrefix", ""),
            "target_object_key_format": [
                {"partitioned_prefix": [by] if by else [], "simple_prefix": [] if by else [{}]}
            ],
        }

    def write(self, aws, state, prior):
        format = first(state["target_object_key_format"]) or {}
        partitioned = first(format.get("partitioned_prefix"))
        enabled = {
            "TargetBucket": state["target_bucket"],
            "TargetPrefix": state["target_prefix"],
            "TargetObjectKeyFormat": {"SimplePrefix": {}}
            if not partitioned
            else {"PartitionedPrefix": {"PartitionDateSource": partitioned["partition_date_source"]}},
        }
        aws.s3.put_bucket_logging(Bucket=state["bucket"], BucketLoggingStatus={"LoggingEnabled": enabled})

    def delete(self, aws, state):
        aws.s3.put_bucket_logging(Bucket=state["bucket"], BucketLoggingStatus={})


def absent_or(call, key, bucket, **more):
    """What stands under `key` of the answer; None when there is none."""
    answer = absent(NO_SUCH, call, Bucket=bucket, keep=True, **more)
    return None if answer is None else answer.get(key)


KINDS = {
    "aws_s3_bucket": Bucket(),
    "aws_s3_bucket_public_access_block": PublicAccessBlock(),
    "aws_s3_bucket_policy": Policy(),
    "aws_s3_bucket_ownership_controls": OwnershipControls(),
    "aws_s3_bucket_versioning": Versioning(),
    "aws_s3_bucket_server_side_encryption_configuration": Encryption(),
    "aws_s3_bucket_object_lock_configuration": ObjectLock(),
    "aws_s3_bucket_cors_configuration": Cors(),
    "aws_s3_bucket_logging": Logging(),
}
