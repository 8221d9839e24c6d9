"""A provider `hashicorp/aws` for the tests: Terraform speaks plugin protocol 6 to it, and it speaks
S3, IAM and STS to whatever store stands at AWS_ENDPOINT_URL.

    server.py --schema schema.json --socket provider.sock [--log calls.jsonl]

One line on stdout is the value for TF_REATTACH_PROVIDERS. It ends when its standard input does, so
that it never outlives the test that started it.

It is no copy of the real provider: what that one validates or waits for is not here. It knows the
attributes and blocks of the real schema, and it shows whether the modules, applied, leave the
state that they should.
"""

import argparse
import json
import os
import sys
import threading
import traceback
from concurrent import futures

import boto3
import grpc
from botocore.config import Config
from botocore.exceptions import ClientError

import buckets
import delivery
import protocol
import roles
from protocol import make
from values import UNKNOWN, conform, decode, encode, same, settle

KINDS = buckets.KINDS | delivery.KINDS | roles.KINDS
NAMES = ["registry.terraform.io/hashicorp/aws"]
# Optional attributes of data sources that the provider fills in.
COMPUTED_DATA = {"aws_region": {"endpoint", "name", "region"}}


class Aws:
    """The store, as one caller in one region sees it."""

    def __init__(self, region, endpoint):
        settings = Config(
            s3={"addressing_style": "path"},
            retries={"total_max_attempts": 3, "mode": "standard"},
            request_checksum_calculation="when_required",
        )
        self.region = region
        self.s3, self.iam, self.sts = (
            boto3.client(service, region_name=region, endpoint_url=endpoint, config=settings)
            for service in ("s3", "iam", "sts")
        )
        self.caller = self.sts.get_caller_identity()
        self.account = self.caller["Account"]
        self.partition = {"cn": "aws-cn", "us-gov": "aws-us-gov"}.get(region.rsplit("-", 2)[0], "aws")


class Provider:
    """The protocol's methods, one for each."""

    def __init__(self, schema, log):
        self.schema = schema
        self.log = log
        self.aws = None
        self.lock = threading.Lock()

    def block(self, kind):
        return self.schema["resources"][kind]

    def GetProviderSchema(self, _):
        return make(
            "SchemaResponse",
            provider=schema_of(self.schema["provider"]),
            resource_schemas={
                name: schema_of(block, KINDS[name].computed) for name, block in self.schema["resources"].items()
            },
            data_source_schemas={
                name: schema_of(block, COMPUTED_DATA.get(name, ())) for name, block in self.schema["data"].items()
            },
        )

    def ValidateProviderConfig(self, _):
        return make("ProviderConfigResponse")

    def ValidateResourceConfig(self, _):
        return make("Diagnostics")

    def ValidateDataResourceConfig(self, _):
        return make("Diagnostics")

    def UpgradeResourceState(self, request):
        state = json.loads(request.raw_state.json)
        return make("UpgradeResponse", upgraded_state=dynamic(conform(state, self.block(request.type_name))))

    def ConfigureProvider(self, request):
        config = decode(request.config)
        region = config.get("region") or os.environ.get("AWS_REGION")
        if not region:
            return make("Diagnostics", diagnostics=[problem("region is missing", "set it in the provider block")])
        if self.aws is None or self.aws.region != region:
            self.aws = Aws(region, os.environ["AWS_ENDPOINT_URL"])
        allowed = config.get("allowed_account_ids")
        if allowed and self.aws.account not in allowed:
            return make("Diagnostics", diagnostics=[problem("AWS account ID not allowed", self.aws.account)])
        return make("Diagnostics")

    def ReadResource(self, request):
        state = decode(request.current_state)
        found = self.read(request.type_name, state)
        return make("ReadResponse", new_state=dynamic(found), private=request.private)

    def PlanResourceChange(self, request):
        kind, block = KINDS[request.type_name], self.block(request.type_name)
        prior, proposed = decode(request.prior_state), decode(request.proposed_new_state)
        response = make("PlanResponse", legacy_type_system=True)
        if proposed is None:
            response.planned_state.CopyFrom(request.proposed_new_state)
            return response
        planned = settle_config(proposed, prior, kind) if prior else dict(proposed)
        changed = prior is None or not same(planned, prior)
        for name, spec in block["attributes"].items():
            computed = spec.get("computed") or name in kind.computed
            if computed and planned[name] is None and (prior is None or name not in prior):
                planned[name] = UNKNOWN
        if prior is not None:
            if changed and not same(planned.get("tags"), prior.get("tags")):
                planned["tags_all"] = UNKNOWN
            for name in sorted(kind.replace):
                if not same(planned.get(name), prior.get(name)):
                    response.requires_replace.append(
                        make("AttributePath", steps=[make("AttributeStep", attribute_name=name)])
                    )
        response.planned_state.CopyFrom(dynamic(planned if changed else prior))
        return response

    def ApplyResourceChange(self, request):
        kind = KINDS[request.type_name]
        prior, planned = decode(request.prior_state), decode(request.planned_state)
        response = make("ApplyResponse", legacy_type_system=True)
        if planned is None:
            kind.delete(self.aws, prior)
            self.note("delete", request.type_name, prior)
            response.new_state.CopyFrom(dynamic(None))
            return response
        wanted = {name: None if value is UNKNOWN else value for name, value in planned.items()}
        kind.write(self.aws, wanted, prior)
        self.note("create" if prior is None else "update", request.type_name, wanted)
        wanted["id"] = kind.identity(wanted)
        response.new_state.CopyFrom(dynamic(self.read(request.type_name, wanted)))
        return response

    def ImportResourceState(self, request):
        state = conform(KINDS[request.type_name].imported(request.id), self.block(request.type_name))
        return make("ImportResponse", imported_resources=[make("Imported", type_name=request.type_name, state=dynamic(state))])

    def ReadDataSource(self, request):
        aws, config = self.aws, decode(request.config)
        found = {
            "aws_caller_identity": {
                "id": aws.account,
                "account_id": aws.account,
                "arn": aws.caller["Arn"],
                "user_id": aws.caller["UserId"],
            },
            "aws_partition": {
                "id": aws.partition,
                "partition": aws.partition,
                "dns_suffix": "amazonaws.com.cn" if aws.partition == "aws-cn" else "amazonaws.com",
            },
            "aws_region": {"id": aws.region, "region": aws.region, "name": aws.region},
        }[request.type_name]
        block = self.schema["data"][request.type_name]
        return make("DataResponse", state=dynamic(conform(config | found, block)))

    def StopProvider(self, _):
        return make("StopResponse")

    def read(self, name, state):
        """What the store has, in the words of `state`; None when it has nothing."""
        kind = KINDS[name]
        found = kind.read(self.aws, {key: value for key, value in state.items() if value is not UNKNOWN})
        if found is None:
            return None
        for attribute in kind.kept:
            found[attribute] = state.get(attribute)
        return settle(state, conform(found, self.block(name)))

    def note(self, what, name, state):
        if self.log:
            subject = state.get("bucket") or state.get("role") or state.get("name")
            with self.lock, open(self.log, "a", encoding="utf-8") as out:
                out.write(json.dumps({"what": what, "type": name, "subject": subject}) + "\n")


def settle_config(proposed, prior, kind):
    """The proposed state, with what the configuration leaves to the store as the store has it."""
    planned = {
        name: prior.get(name) if name in kind.computed and value is None else settle_one(value, prior.get(name))
        for name, value in proposed.items()
    }
    for block, attribute in kind.left_alone:
        for ours, theirs in zip(planned.get(block) or [], prior.get(block) or []):
            if ours.get(attribute) is None:
                ours[attribute] = theirs.get(attribute)
    return planned


def settle_one(proposed, prior):
    return prior if same(proposed, prior) else proposed


def schema_of(block, computed=()):
    return make("Schema", block=block_of(block, computed))


def block_of(block, computed=()):
    attributes = [
        make(
            "Attribute",
            name=name,
            type=json.dumps(spec["type"]).encode(),
            required=spec.get("required", False),
            optional=spec.get("optional", False),
            computed=spec.get("computed", False) or name in computed,
        )
        for name, spec in sorted(block["attributes"].items())
    ]
    nested = [
        make(
            "NestedBlock",
            type_name=name,
            block=block_of(spec["block"]),
            nesting=protocol.NESTING[spec["nesting"]],
            min_items=1 if spec["required"] and spec["nesting"] != "single" else 0,
        )
        for name, spec in sorted(block["blocks"].items())
    ]
    return make("Block", attributes=attributes, block_types=nested)


def dynamic(value):
    return make("DynamicValue", msgpack=encode(value))


def problem(summary, detail):
    return make("Diagnostic", severity=protocol.ERROR, summary=summary, detail=detail)


def guarded(method, response_name):
    """A method that tells Terraform of its errors instead of breaking the connection."""

    def call(request, _context):
        try:
            return method(request)
        except ClientError as error:
            summary, detail = str(error), json.dumps(error.response.get("Error"))
        except Exception as error:  # pylint: disable=broad-except
            summary, detail = repr(error), traceback.format_exc()
        return make(response_name, diagnostics=[problem(summary, detail)])

    return call


def serve(provider, socket):
    handlers = {
        name: grpc.unary_unary_rpc_method_handler(
            guarded(getattr(provider, name), response),
            request_deserializer=protocol.CLASSES[request].FromString,
            response_serializer=lambda message: message.SerializeToString(),
        )
        for name, (request, response) in protocol.METHODS.items()
    }
    server = grpc.server(
        futures.ThreadPoolExecutor(max_workers=16),
        options=[("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)],
    )
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler(f"{protocol.PACKAGE}.Provider", handlers)]
    )
    server.add_insecure_port(f"unix:{socket}")
    server.start()
    return server


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--schema", required=True)
    arguments.add_argument("--socket", required=True)
    arguments.add_argument("--log")
    options = arguments.parse_args()
    with open(options.schema, encoding="utf-8") as file:
        schema = json.load(file)
    socket = os.path.abspath(options.socket)
    server = serve(Provider(schema, options.log), socket)
    address = {"Network": "unix", "String": socket}
    attach = {"Protocol": "grpc", "ProtocolVersion": 6, "Pid": os.getpid(), "Test": True, "Addr": address}
    print(json.dumps({name: attach for name in NAMES}), flush=True)
    sys.stdin.read()
    server.stop(grace=0)


if __name__ == "__main__":
    main()
