"""Reads the schema of hashicorp/aws out of the npm package @cdktf/provider-aws, which is generated
from it, and writes what the modules use as JSON.

    schema.py provider-aws.tgz schema.json

The package carries no schema as such, but classes: which attributes and blocks there are, of which
type, and (in the declarations) which are required. What it does not carry is which optional
attributes the provider also computes: see `computed` of the kinds.
"""

import json
import re
import sys
import tarfile

RESOURCES = [
    "iam_instance_profile",
    "iam_policy",
    "iam_role",
    "iam_role_policy",
    "iam_role_policy_attachment",
    "s3_bucket",
    "s3_bucket_cors_configuration",
    "s3_bucket_inventory",
    "s3_bucket_lifecycle_configuration",
    "s3_bucket_logging",
    "s3_bucket_notification",
    "s3_bucket_object_lock_configuration",
    "s3_bucket_ownership_controls",
    "s3_bucket_policy",
    "s3_bucket_public_access_block",
    "s3_bucket_server_side_encryption_configuration",
    "s3_bucket_versioning",
    "vpc_endpoint",
]
DATA_SOURCES = ["caller_identity", "partition", "region"]

# The package stopped at 6.25; these came later.
LATER = {
    # 6.37
    "s3_bucket": {"bucket_namespace": {"type": "string", "optional": True, "computed": True}},
}

SCALARS = {"string": "string", "number": "number", "boolean": "bool"}
MEMBERS = re.compile(r"const attrs = \{(?:\};|(?P<members>.*?)\n    (?:    )?\};)", re.DOTALL)
MEMBER = re.compile(
    r"^\s+(?P<name>\w+): \{\n"
    r"\s+value: (?P<value>.*),\n"
    r"\s+isBlock: (?P<block>true|false),\n"
    r'\s+type: "(?P<kind>\w+)",\n'
    r'\s+storageClassType: "(?P<storage>\w+)",',
    re.MULTILINE,
)
COMPUTED_ONLY = re.compile(
    r"// (?P<name>\w+) - computed: true, optional: false, required: false\n"
    r"\s+get \w+\(\) \{\n\s+return (?P<getter>.*);"
)
DECLARED = re.compile(r"#(?P<name>\w+) [^\n]*\n(?:\s+\*[^\n]*\n)*?\s+\*/\n\s+readonly \w+(?P<optional>\??):")


class Source:
    """The two files of one resource: the code and the declarations."""

    def __init__(self, files, folder):
        self.code = files[f"{folder}/index.js"]
        self.declarations = files[f"{folder}/index.d.ts"]

    def resource(self, with_meta=True):
        start = self.code.index("synthesizeHclAttributes()")
        own_class = self.code[self.code.rindex("\nclass ") :]
        config = re.search(r"export interface (\w+Config)\b", self.declarations).group(1)
        block = self.block(self.code[start:], config)
        for found in COMPUTED_ONLY.finditer(own_class):
            kind = getter_type(found["getter"])
            if kind:
                block["attributes"][found["name"]] = {"type": kind, "computed": True}
        if with_meta:
            block["attributes"]["id"] = {"type": "string", "optional": True, "computed": True}
        return block

    def block(self, code, interface):
        required = self.required(interface)
        block = {"attributes": {}, "blocks": {}}
        for member in MEMBER.finditer(MEMBERS.search(code)["members"] or ""):
            name = member["name"]
            if member["block"] == "true":
                block["blocks"][name] = self.nested(member, name in required)
            else:
                mode = "required" if name in required else "optional"
                block["attributes"][name] = {"type": attribute_type(member), mode: True}
        return block

    def nested(self, member, required):
        function = re.search(r"\b(?!cdktf)(\w+)ToHclTerraform\b", member["value"].replace("cdktf.", "")).group(1)
        code = self.code[self.code.index(f"function {function}ToHclTerraform(") :]
        interface = function[0].upper() + function[1:]
        nesting = {"list": "list", "set": "set", "struct": "single"}[member["kind"]]
        return {"nesting": nesting, "required": required, "block": self.block(code, interface)}

    def required(self, interface):
        start = re.search(rf"export interface {interface}\b[^{{]*\{{", self.declarations)
        body = self.declarations[start.end() : self.declarations.index("\n}", start.end())]
        return {found["name"] for found in DECLARED.finditer(body) if not found["optional"]}


def attribute_type(member):
    storage, kind = member["storage"], member["kind"]
    if kind == "simple":
        return SCALARS[storage]
    scalar = SCALARS[re.sub("(List|Map)$", "", storage)]
    return [kind, scalar]


def getter_type(getter):
    kind = re.search(r"this\.get(String|Number|Boolean|List|StringMap)Attribute\(", getter)
    if not kind:
        return None
    if kind[1] == "List":
        return ["set" if "tolist" in getter else "list", "string"]
    if kind[1] == "StringMap":
        return ["map", "string"]
    return {"String": "string", "Number": "number", "Boolean": "bool"}[kind[1]]


def resource_folder(name):
    return name.replace("_", "-")


def data_folder(name):
    return f"data-aws-{resource_folder(name)}"


def read(package, folders):
    """The files of the folders, in one pass: going back in a compressed archive is slow."""
    wanted = {f"package/lib/{folder}/{file}" for folder in folders for file in ("index.js", "index.d.ts")}
    files = {}
    with tarfile.open(package, "r|gz") as archive:
        for member in archive:
            if member.name in wanted:
                name = member.name.removeprefix("package/lib/")
                files[name] = archive.extractfile(member).read().decode()
    return files


def extract(package):
    resources = {f"aws_{name}": resource_folder(name) for name in RESOURCES}
    data = {f"aws_{name}": data_folder(name) for name in DATA_SOURCES}
    files = read(package, ["provider", *resources.values(), *data.values()])
    schema = {
        "provider": Source(files, "provider").resource(with_meta=False),
        "resources": {name: Source(files, folder).resource() for name, folder in resources.items()},
        "data": {name: Source(files, folder).resource() for name, folder in data.items()},
    }
    for name, attributes in LATER.items():
        schema["resources"][f"aws_{name}"]["attributes"].update(attributes)
    return schema


if __name__ == "__main__":
    with open(sys.argv[2], "w", encoding="utf-8") as out:
        json.dump(extract(sys.argv[1]), out, indent=1, sort_keys=True)
