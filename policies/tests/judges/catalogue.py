"""Prints parliament's copy of the service authorization reference, one action per line:
service, action, access level, resource types, condition keys, as JSON."""

import importlib.util
import json
import pathlib

WANTED = {"s3", "sts", "kms", "iam"}

spec = importlib.util.find_spec("parliament")
definition = pathlib.Path(spec.origin).with_name("iam_definition.json")
for service in json.loads(definition.read_text()):
    if service["prefix"] not in WANTED:
        continue
    for privilege in service["privileges"]:
        types = privilege["resource_types"]
        print(
            json.dumps(
                {
                    "service": service["prefix"],
                    "action": privilege["privilege"],
                    "access": privilege["access_level"],
                    "resources": sorted({t["resource_type"].rstrip("*") for t in types} - {""}),
                    "keys": sorted({key for t in types for key in t["condition_keys"]}),
                }
            )
        )
