"""The part of Terraform's plugin protocol 6 that a provider of resources and data sources needs.

Names and numbers are the protocol's own, https://github.com/hashicorp/terraform/tree/main/docs/plugin-protocol;
the descriptors are built from this table when the module is loaded, so that no compiler is needed.
"""

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "tfplugin6"

# One line per message: its fields in the order name, number, type; a type that begins with "*" is
# repeated, one that begins with "%" is a map from text.
MESSAGES = {
    "DynamicValue": [("msgpack", 1, "bytes"), ("json", 2, "bytes")],
    "Diagnostic": [("severity", 1, "int32"), ("summary", 2, "string"), ("detail", 3, "string")],
    "AttributeStep": [("attribute_name", 1, "string")],
    "AttributePath": [("steps", 1, "*AttributeStep")],
    "RawState": [("json", 1, "bytes")],
    "Attribute": [
        ("name", 1, "string"),
        ("type", 2, "bytes"),
        ("required", 4, "bool"),
        ("optional", 5, "bool"),
        ("computed", 6, "bool"),
        ("sensitive", 7, "bool"),
    ],
    "NestedBlock": [
        ("type_name", 1, "string"),
        ("block", 2, "Block"),
        ("nesting", 3, "int32"),
        ("min_items", 4, "int64"),
        ("max_items", 5, "int64"),
    ],
    "Block": [("version", 1, "int64"), ("attributes", 2, "*Attribute"), ("block_types", 3, "*NestedBlock")],
    "Schema": [("version", 1, "int64"), ("block", 2, "Block")],
    "ServerCapabilities": [("plan_destroy", 1, "bool")],
    "Nothing": [],
    "SchemaResponse": [
        ("provider", 1, "Schema"),
        ("resource_schemas", 2, "%Schema"),
        ("data_source_schemas", 3, "%Schema"),
        ("diagnostics", 4, "*Diagnostic"),
        ("server_capabilities", 6, "ServerCapabilities"),
    ],
    "ProviderConfig": [("config", 1, "DynamicValue")],
    "ProviderConfigResponse": [("diagnostics", 2, "*Diagnostic")],
    "Config": [("type_name", 1, "string"), ("config", 2, "DynamicValue")],
    "Diagnostics": [("diagnostics", 1, "*Diagnostic")],
    "UpgradeRequest": [("type_name", 1, "string"), ("version", 2, "int64"), ("raw_state", 3, "RawState")],
    "UpgradeResponse": [("upgraded_state", 1, "DynamicValue"), ("diagnostics", 2, "*Diagnostic")],
    "ConfigureRequest": [("terraform_version", 1, "string"), ("config", 2, "DynamicValue")],
    "ReadRequest": [("type_name", 1, "string"), ("current_state", 2, "DynamicValue"), ("private", 3, "bytes")],
    "ReadResponse": [("new_state", 1, "DynamicValue"), ("diagnostics", 2, "*Diagnostic"), ("private", 3, "bytes")],
    "PlanRequest": [
        ("type_name", 1, "string"),
        ("prior_state", 2, "DynamicValue"),
        ("proposed_new_state", 3, "DynamicValue"),
        ("config", 4, "DynamicValue"),
    ],
    "PlanResponse": [
        ("planned_state", 1, "DynamicValue"),
        ("requires_replace", 2, "*AttributePath"),
        ("planned_private", 3, "bytes"),
        ("diagnostics", 4, "*Diagnostic"),
        ("legacy_type_system", 5, "bool"),
    ],
    "ApplyRequest": [
        ("type_name", 1, "string"),
        ("prior_state", 2, "DynamicValue"),
        ("planned_state", 3, "DynamicValue"),
        ("config", 4, "DynamicValue"),
    ],
    "ApplyResponse": [
        ("new_state", 1, "DynamicValue"),
        ("private", 2, "bytes"),
        ("diagnostics", 3, "*Diagnostic"),
        ("legacy_type_system", 4, "bool"),
    ],
    "ImportRequest": [("type_name", 1, "string"), ("id", 2, "string")],
    "Imported": [("type_name", 1, "string"), ("state", 2, "DynamicValue"), ("private", 3, "bytes")],
    "ImportResponse": [("imported_resources", 1, "*Imported"), ("diagnostics", 2, "*Diagnostic")],
    "DataResponse": [("state", 1, "DynamicValue"), ("diagnostics", 2, "*Diagnostic")],
    "StopResponse": [("Error", 1, "string")],
}

# What Terraform calls: request and response.
METHODS = {
    "GetProviderSchema": ("Nothing", "SchemaResponse"),
    "ValidateProviderConfig": ("ProviderConfig", "ProviderConfigResponse"),
    "ValidateResourceConfig": ("Config", "Diagnostics"),
    "ValidateDataResourceConfig": ("Config", "Diagnostics"),
    "UpgradeResourceState": ("UpgradeRequest", "UpgradeResponse"),
    "ConfigureProvider": ("ConfigureRequest", "Diagnostics"),
    "ReadResource": ("ReadRequest", "ReadResponse"),
    "PlanResourceChange": ("PlanRequest", "PlanResponse"),
    "ApplyResourceChange": ("ApplyRequest", "ApplyResponse"),
    "ImportResourceState": ("ImportRequest", "ImportResponse"),
    "ReadDataSource": ("Config", "DataResponse"),
    "StopProvider": ("Nothing", "StopResponse"),
}

NESTING = {"single": 1, "list": 2, "set": 3}
ERROR = 1

_FIELD = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "string": _FIELD.TYPE_STRING,
    "bytes": _FIELD.TYPE_BYTES,
    "bool": _FIELD.TYPE_BOOL,
    "int32": _FIELD.TYPE_INT32,
    "int64": _FIELD.TYPE_INT64,
}


def _build():
    file = descriptor_pb2.FileDescriptorProto(name="tfplugin6.proto", package=PACKAGE, syntax="proto3")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind in fields:
            _add_field(message, name, field, number, kind)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.{name}")) for name in MESSAGES
    }


def _add_field(message, owner, name, number, kind):
    repeated = kind[0] in "*%"
    member = kind.lstrip("*%")
    if kind[0] == "%":
        # A map is a repeated message of key and value.
        entry = message.nested_type.add(name="".join(part.title() for part in name.split("_")) + "Entry")
        entry.options.map_entry = True
        _add_field(entry, owner, "key", 1, "string")
        _add_field(entry, owner, "value", 2, member)
        member = f"{owner}.{entry.name}"
    field = message.field.add(
        name=name, number=number, label=_FIELD.LABEL_REPEATED if repeated else _FIELD.LABEL_OPTIONAL
    )
    if member in _SCALARS:
        field.type = _SCALARS[member]
    else:
        field.type = _FIELD.TYPE_MESSAGE
        field.type_name = f".{PACKAGE}.{member}"


CLASSES = _build()


def make(message, /, **fields):
    """A message of the table."""
    return CLASSES[message](**fields)
