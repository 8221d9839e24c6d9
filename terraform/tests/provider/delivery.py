"""Lifecycle, notifications and inventories: the settings that have a grammar of their own."""

from buckets import NO_SUCH, Setting, absent_or
from kinds import absent, first, only_given


class Lifecycle(Setting):
    computed = {"region", "transition_default_minimum_object_size"}

    def get(self, aws, bucket):
        there = absent(NO_SUCH, aws.s3.get_bucket_lifecycle_configuration, Bucket=bucket, keep=True)
        if there is None:
            return None
        return {
            "rule": [rule_from_s3(rule) for rule in there.get("Rules", [])],
            "transition_default_minimum_object_size": there.get("TransitionDefaultMinimumObjectSize"),
        }

    def write(self, aws, state, prior):
        minimum = state["transition_default_minimum_object_size"]
        aws.s3.put_bucket_lifecycle_configuration(
            Bucket=state["bucket"],
            LifecycleConfiguration={"Rules": [rule_to_s3(rule) for rule in state["rule"]]},
            **only_given(TransitionDefaultMinimumObjectSize=minimum if isinstance(minimum, str) else None),
        )

    def delete(self, aws, state):
        aws.s3.delete_bucket_lifecycle(Bucket=state["bucket"])


CONDITIONS = {
    "prefix": "Prefix",
    "object_size_greater_than": "ObjectSizeGreaterThan",
    "object_size_less_than": "ObjectSizeLessThan",
}
EXPIRATION = {"days": "Days", "date": "Date", "expired_object_delete_marker": "ExpiredObjectDeleteMarker"}
NONCURRENT = {"noncurrent_days": "NoncurrentDays", "newer_noncurrent_versions": "NewerNoncurrentVersions"}
TRANSITION = {"days": "Days", "date": "Date", "storage_class": "StorageClass"}
ABORT = {"days_after_initiation": "DaysAfterInitiation"}
# Block, S3's name, words, whether there can be several.
PARTS = [
    ("abort_incomplete_multipart_upload", "AbortIncompleteMultipartUpload", ABORT, False),
    ("expiration", "Expiration", EXPIRATION, False),
    ("noncurrent_version_expiration", "NoncurrentVersionExpiration", NONCURRENT, False),
    ("transition", "Transitions", TRANSITION, True),
    ("noncurrent_version_transition", "NoncurrentVersionTransitions", NONCURRENT | {"storage_class": "StorageClass"}, True),
]


def rule_to_s3(rule):
    wanted = {"ID": rule["id"], "Status": rule["status"], "Filter": filter_to_s3(first(rule["filter"]) or {})}
    for block, theirs, words, several in PARTS:
        parts = [only_given(**{name: part[ours] for ours, name in words.items()}) for part in rule[block]]
        if parts:
            wanted[theirs] = parts if several else parts[0]
    return wanted


def rule_from_s3(rule):
    found = {"id": rule["ID"], "status": rule["Status"], "filter": [filter_from_s3(rule.get("Filter", {}))]}
    for block, theirs, words, several in PARTS:
        parts = rule.get(theirs, [])
        parts = parts if several else [parts] if parts else []
        found[block] = [{ours: part.get(name) for ours, name in words.items()} for part in parts]
    return found


def filter_to_s3(filter):
    both = first(filter.get("and"))
    tag = first(filter.get("tag"))
    if both:
        tags = [{"Key": key, "Value": value} for key, value in sorted((both["tags"] or {}).items())]
        return {"And": only_given(Tags=tags, **{theirs: both[ours] for ours, theirs in CONDITIONS.items()})}
    if tag:
        return {"Tag": {"Key": tag["key"], "Value": tag["value"]}}
    return only_given(**{theirs: filter.get(ours) for ours, theirs in CONDITIONS.items()}) or {"Prefix": ""}


def filter_from_s3(filter):
    found = {ours: filter.get(theirs) for ours, theirs in CONDITIONS.items()}
    if "Tag" in filter:
        found["tag"] = [{"key": filter["Tag"]["Key"], "value": filter["Tag"]["Value"]}]
    if "And" in filter:
        both = {ours: filter["And"].get(theirs) for ours, theirs in CONDITIONS.items()}
        both["tags"] = {tag["Key"]: tag["Value"] for tag in filter["And"].get("Tags", [])}
        found["and"] = [both]
    return found


class Notification(Setting):
    # Block, its ARN, and S3's names for both.
    destinations = [
        ("queue", "queue_arn", "QueueConfigurations", "QueueArn"),
        ("topic", "topic_arn", "TopicConfigurations", "TopicArn"),
        ("lambda_function", "lambda_function_arn", "LambdaFunctionConfigurations", "LambdaFunctionArn"),
    ]

    def get(self, aws, bucket):
        there = absent(NO_SUCH, aws.s3.get_bucket_notification_configuration, Bucket=bucket, keep=True)
        if there is None:
            return None
        found = {"eventbridge": "EventBridgeConfiguration" in there}
        for block, arn, theirs, their_arn in self.destinations:
            found[block] = [
                {"id": entry["Id"], arn: entry[their_arn], "events": entry["Events"], **filters(entry)}
                for entry in there.get(theirs, [])
            ]
        return found

    def write(self, aws, state, prior):
        wanted = {"EventBridgeConfiguration": {}} if state["eventbridge"] else {}
        for block, arn, theirs, their_arn in self.destinations:
            entries = [self.entry(entry, arn, their_arn) for entry in state[block]]
            if entries:
                wanted[theirs] = entries
        self.put(aws, state, wanted)

    def entry(self, entry, arn, their_arn):
        rules = [
            {"Name": name, "Value": entry[f"filter_{name}"]} for name in ("prefix", "suffix") if entry[f"filter_{name}"]
        ]
        return only_given(
            Id=entry["id"],
            Events=sorted(entry["events"]),
            Filter={"Key": {"FilterRules": rules}} if rules else None,
            **{their_arn: entry[arn]},
        )

    def delete(self, aws, state):
        self.put(aws, state, {})

    def put(self, aws, state, wanted):
        aws.s3.put_bucket_notification_configuration(Bucket=state["bucket"], NotificationConfiguration=wanted)


def filters(entry):
    rules = entry.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    by_name = {rule["Name"].lower(): rule["Value"] for rule in rules}
    return {"filter_prefix": by_name.get("prefix"), "filter_suffix": by_name.get("suffix")}


class Inventory(Setting):
    replace = {"bucket", "name"}
    # Not a resource with a region of its own.
    computed = {"region"}

    def identity(self, state):
        return f"{state['bucket']}:{state['name']}"

    def imported(self, identifier):
        bucket, name = identifier.split(":", 1)
        return {"id": identifier, "bucket": bucket, "name": name}

    def read(self, aws, state):
        there = absent_or(
            aws.s3.get_bucket_inventory_configuration, "InventoryConfiguration", state["bucket"], Id=state["name"]
        )
        if not there:
            return None
        target = there["Destination"]["S3BucketDestination"]
        prefix = there.get("Filter", {}).get("Prefix")
        return {
            "id": self.identity(state),
            "bucket": state["bucket"],
            "name": there["Id"],
            "region": aws.region,
            "enabled": there["IsEnabled"],
            "included_object_versions": there["IncludedObjectVersions"],
            "optional_fields": there.get("OptionalFields", []),
            "schedule": [{"frequency": there["Schedule"]["Frequency"]}],
            "filter": [{"prefix": prefix}] if prefix else [],
            "destination": [
                {
                    "bucket": [
                        {
                            "bucket_arn": target["Bucket"],
                            "account_id": target.get("AccountId"),
                            "prefix": target.get("Prefix"),
                            "format": target["Format"],
                        }
                    ]
                }
            ],
        }

    def write(self, aws, state, prior):
        target = state["destination"][0]["bucket"][0]
        filter = first(state["filter"])
        wanted = only_given(
            Id=state["name"],
            IsEnabled=bool(state["enabled"]),
            IncludedObjectVersions=state["included_object_versions"],
            OptionalFields=sorted(state["optional_fields"] or []),
            Schedule={"Frequency": state["schedule"][0]["frequency"]},
            Filter={"Prefix": filter["prefix"]} if filter else None,
            Destination={
                "S3BucketDestination": only_given(
                    Bucket=target["bucket_arn"],
                    AccountId=target["account_id"],
                    Prefix=target["prefix"],
                    Format=target["format"],
                )
            },
        )
        aws.s3.put_bucket_inventory_configuration(
            Bucket=state["bucket"], Id=state["name"], InventoryConfiguration=wanted
        )

    def delete(self, aws, state):
        aws.s3.delete_bucket_inventory_configuration(Bucket=state["bucket"], Id=state["name"])


KINDS = {
    "aws_s3_bucket_lifecycle_configuration": Lifecycle(),
    "aws_s3_bucket_notification": Notification(),
    "aws_s3_bucket_inventory": Inventory(),
}
