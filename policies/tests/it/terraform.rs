//! The Terraform module and this crate write the same documents, for generated inputs.

use crate::generate::Dice;
use crate::render::{account, key};
use policies::render::{
    BucketPolicy, CrossAccountTrust, CustomerKeys, EndpointPolicy, EventTarget, KeyUse,
    PermissionExtra, RequiredEncryption, ServiceTrust, SessionExtra, Source, TenantBucket,
    TenantPermissions, bucket_policy, endpoint_policy, key_policy, permission_policy, queue_policy,
    service_trust_policy, topic_policy, trust_policy,
};
use policies::{Document, RenderError};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use types::{BucketName, ExternalId, KeyPrefix, Partition, Region, RoleArn};

const CASES: usize = 60;

/// One module call: its arguments, and what it must write.
struct Case {
    arguments: Value,
    expected: Map<String, Value>,
}

fn text(document: Result<Document, RenderError>) -> Value {
    match document {
        Ok(document) => document.value().clone(),
        Err(RenderError::Empty) => Value::Null,
        Err(other) => panic!("{other}"),
    }
}

fn bucket(dice: &mut Dice) -> BucketName {
    let names = ["acme-data", "acme.results-1", "0rg", "b-b", "acme-logs"];
    BucketName::parse(*dice.pick(&names)).unwrap()
}

fn prefix(dice: &mut Dice) -> KeyPrefix {
    const SEGMENTS: [&str; 14] = [
        "orgs",
        "acme",
        "a*b",
        "what?",
        "$",
        "${aws:username}",
        "%{if true}",
        "quote\"",
        "back\\slash",
        "ümläut",
        "<&>",
        "{}",
        "$${x}",
        "a b'c",
    ];
    if dice.one_in(6) {
        return KeyPrefix::root();
    }
    let count = 1 + dice.below(4);
    let path: String = (0..count)
        .map(|_| format!("{}/", dice.pick(&SEGMENTS)))
        .collect();
    KeyPrefix::parse(path).unwrap()
}

fn maybe<T>(dice: &mut Dice, make: impl FnOnce(&mut Dice) -> T) -> Option<T> {
    (!dice.one_in(3)).then(|| make(dice))
}

fn sources(dice: &mut Dice, least: usize, avoid: &str) -> Vec<Source> {
    (0..least + dice.below(3))
        .map(|_| Source {
            bucket: BucketName::parse(format!("{avoid}-source")).unwrap(),
            account: account(),
            target_prefix: prefix(dice).as_str().to_string(),
        })
        .collect()
}

fn as_arguments(sources: &[Source]) -> Value {
    sources
        .iter()
        .map(|source| {
            json!({
                "bucket": source.bucket.as_str(),
                "account_id": source.account.as_str(),
                "prefix": source.target_prefix,
            })
        })
        .collect()
}

fn extras<T: Copy + Ord>(dice: &mut Dice, all: &[(T, &str)]) -> (BTreeSet<T>, Vec<String>) {
    let picked: Vec<_> = all.iter().filter(|_| dice.one_in(2)).collect();
    (
        picked.iter().map(|(extra, _)| *extra).collect(),
        picked.iter().map(|(_, name)| (*name).to_string()).collect(),
    )
}

fn draw(dice: &mut Dice) -> Case {
    let partition = *dice.pick(&[
        Partition::Aws,
        Partition::Aws,
        Partition::AwsCn,
        Partition::AwsUsGov,
    ]);
    let region = Region::parse("eu-central-1").unwrap();
    let mut arguments = Map::new();
    let mut expected = Map::new();
    arguments.insert("partition".into(), json!(partition.as_str()));
    arguments.insert("account_id".into(), json!(account().as_str()));
    arguments.insert("region".into(), json!(region.as_str()));
    tenant(dice, partition, &region, &mut arguments, &mut expected);
    vendor(dice, partition, &mut arguments, &mut expected);
    compute(partition, &region, &mut expected);
    buckets(dice, partition, &mut arguments, &mut expected);
    events(dice, partition, &mut arguments, &mut expected);
    Case {
        arguments: Value::Object(arguments),
        expected,
    }
}

type Object = Map<String, Value>;

fn tenant(
    dice: &mut Dice,
    partition: Partition,
    region: &Region,
    arguments: &mut Object,
    expected: &mut Object,
) {
    let with_key = |dice: &mut Dice| TenantBucket {
        bucket: bucket(dice),
        key: dice.one_in(2).then(key),
    };
    let (data, results) = (maybe(dice, with_key), maybe(dice, with_key));
    for (name, place) in [("data", &data), ("results", &results)] {
        if let Some(place) = place {
            arguments.insert(format!("{name}_bucket"), json!(place.bucket.as_str()));
            if let Some(key) = &place.key {
                arguments.insert(format!("{name}_key_arn"), json!(key.as_str()));
            }
        }
    }
    let (extras, names) = extras(
        dice,
        &[
            (PermissionExtra::ReadVersions, "read_versions"),
            (PermissionExtra::ListUploads, "list_uploads"),
            (PermissionExtra::DeleteProbeVersions, "probe"),
        ],
    );
    let permissions = TenantPermissions {
        partition,
        account: account(),
        prefix: prefix(dice),
        data,
        results,
        extras,
    };
    arguments.insert("permission_extras".into(), json!(names));
    arguments.insert("prefix".into(), json!(permissions.prefix.as_str()));
    expected.insert(
        "permission_policy".into(),
        text(permission_policy(&permissions)),
    );

    let role = RoleArn::new(partition, account(), "/byos/", "acme+1").unwrap();
    arguments.insert("tenant_role_arn".into(), json!(role.to_string()));
    let endpoint = EndpointPolicy {
        role: role.clone(),
        data: permissions.data.map(|place| place.bucket),
        results: permissions.results.map(|place| place.bucket),
    };
    expected.insert("endpoint_policy".into(), text(endpoint_policy(&endpoint)));

    let (event_sources, inventories) = (sources(dice, 0, "events"), sources(dice, 0, "lists"));
    arguments.insert("key_event_sources".into(), as_arguments(&event_sources));
    arguments.insert("key_inventories".into(), as_arguments(&inventories));
    let key_use = KeyUse {
        region: region.clone(),
        role,
        event_sources,
        inventories,
    };
    expected.insert("key_policy".into(), text(key_policy(&key_use)));
}

fn vendor(dice: &mut Dice, partition: Partition, arguments: &mut Object, expected: &mut Object) {
    let (extras, names) = extras(
        dice,
        &[
            (SessionExtra::Tags, "tag_session"),
            (SessionExtra::SourceIdentity, "source_identity"),
        ],
    );
    let path = *dice.pick(&["/", "/byos/", "/a/b/"]);
    let vendor = types::AccountId::parse("111111111111").unwrap();
    let trust = CrossAccountTrust {
        vendor: RoleArn::new(partition, vendor, path, "broker,x@y").unwrap(),
        external_id: ExternalId::parse(*dice.pick(&["pulse-org-acme", "a=b:c/d@e"])).unwrap(),
        extras,
    };
    arguments.insert("session_extras".into(), json!(names));
    arguments.insert("vendor_role_arn".into(), json!(trust.vendor.to_string()));
    arguments.insert("external_id".into(), json!(trust.external_id.as_str()));
    expected.insert("trust_policy".into(), text(trust_policy(&trust)));
}

fn compute(partition: Partition, region: &Region, expected: &mut Object) {
    let ec2 = ServiceTrust::Ec2 { partition };
    expected.insert("ec2_trust_policy".into(), text(service_trust_policy(&ec2)));
    let ecs = ServiceTrust::EcsTasks {
        partition,
        account: account(),
        region: region.clone(),
    };
    expected.insert(
        "ecs_tasks_trust_policy".into(),
        text(service_trust_policy(&ecs)),
    );
}

fn buckets(dice: &mut Dice, partition: Partition, arguments: &mut Object, expected: &mut Object) {
    let (mut given, mut written) = (Map::new(), Map::new());
    for number in 0..dice.below(3) {
        let encryption = match dice.below(3) {
            0 => None,
            1 => Some(RequiredEncryption::S3Managed),
            _ => Some(RequiredEncryption::Kms(key())),
        };
        let refused = dice.one_in(2);
        let policy = BucketPolicy {
            partition,
            bucket: bucket(dice),
            encryption: encryption.clone(),
            customer_keys: if refused {
                CustomerKeys::Refused
            } else {
                CustomerKeys::Unmentioned
            },
            access_logs: sources(dice, 0, "logged"),
            inventories: sources(dice, 0, "listed"),
        };
        let name = format!("bucket {number}");
        given.insert(
            name.clone(),
            json!({
                "bucket": policy.bucket.as_str(),
                "encryption": encryption.map(|wanted| match wanted {
                    RequiredEncryption::S3Managed => "AES256".to_string(),
                    RequiredEncryption::Kms(key) => key.as_str().to_string(),
                }),
                "refuse_customer_keys": refused,
                "access_logs": as_arguments(&policy.access_logs),
                "inventories": as_arguments(&policy.inventories),
            }),
        );
        written.insert(name, text(bucket_policy(&policy)));
    }
    arguments.insert("buckets".into(), Value::Object(given));
    expected.insert("bucket_policies".into(), Value::Object(written));
}

fn events(dice: &mut Dice, partition: Partition, arguments: &mut Object, expected: &mut Object) {
    let (mut given, mut written) = (Map::new(), Map::new());
    for (kind, service) in [("queue", "sqs"), ("topic", "sns")] {
        if dice.one_in(2) {
            continue;
        }
        let target = EventTarget {
            partition,
            destination: format!("arn:{partition}:{service}:eu-central-1:222222222222:events"),
            sources: sources(dice, 1, "sending"),
        };
        given.insert(
            kind.into(),
            json!({
                "kind": kind,
                "arn": target.destination,
                "sources": as_arguments(&target.sources),
            }),
        );
        let policy = if kind == "queue" {
            queue_policy(&target)
        } else {
            topic_policy(&target)
        };
        written.insert(kind.into(), text(policy));
    }
    arguments.insert("event_targets".into(), Value::Object(given));
    expected.insert("event_target_policies".into(), Value::Object(written));
}

const ARGUMENTS: [&str; 17] = [
    "partition",
    "account_id",
    "region",
    "prefix",
    "data_bucket",
    "data_key_arn",
    "results_bucket",
    "results_key_arn",
    "permission_extras",
    "vendor_role_arn",
    "external_id",
    "session_extras",
    "tenant_role_arn",
    "buckets",
    "event_targets",
    "key_event_sources",
    "key_inventories",
];

/// A root module that calls the module once for each case. The cases come as variables, whose
/// text Terraform takes literally.
fn root_module(source: &str) -> String {
    let lines: String = ARGUMENTS
        .iter()
        .map(|name| {
            let default = match *name {
                "prefix" => "\"\"",
                "buckets" | "event_targets" => "{}",
                "permission_extras" | "session_extras" | "key_event_sources"
                | "key_inventories" => "[]",
                _ => "null",
            };
            format!("  {name} = try(local.cases[each.key].{name}, {default})\n")
        })
        .collect();
    format!(
        "variable \"cases\" {{\n  type = string\n}}\n\nlocals {{\n  cases = jsondecode(var.cases)\n}}\n\n\
         module \"case\" {{\n  source = \"{source}\"\n  for_each = toset(keys(local.cases))\n\n{lines}}}\n\n\
         output \"cases\" {{\n  value = module.case\n}}\n"
    )
}

/// The way from one folder to another, as Terraform wants local modules to be named.
fn way(from: &Path, to: &Path) -> String {
    let up = from.components().count() - 1;
    let down = to.strip_prefix("/").unwrap().display().to_string();
    format!("{}{down}", "../".repeat(up))
}

fn terraform() -> PathBuf {
    std::env::var_os("BYOS_TERRAFORM").map_or_else(|| "terraform".into(), PathBuf::from)
}

fn call(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(terraform());
    command
        .args(arguments)
        .current_dir(folder)
        .env("TF_CLI_CONFIG_FILE", "/dev/null")
        .env("TF_DATA_DIR", folder.join("data"))
        .env("TF_IN_AUTOMATION", "1");
    crate::support::run(&mut command, "")
}

fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder.canonicalize().unwrap()
}

fn module() -> PathBuf {
    crate::support::in_repository("terraform/modules/policy-documents")
        .canonicalize()
        .unwrap()
}

/// The module's texts, parsed: they are JSON inside JSON.
fn parsed(value: &Value) -> Value {
    match value {
        Value::String(text) => serde_json::from_str(text).unwrap(),
        Value::Object(object) => object
            .iter()
            .map(|(name, value)| (name.clone(), parsed(value)))
            .collect::<Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}

#[test]
fn terraform_writes_the_same_documents_for_generated_inputs() {
    let mut dice = Dice::seeded(11);
    let cases: Vec<Case> = (0..CASES).map(|_| draw(&mut dice)).collect();
    let named: Map<String, Value> = cases
        .iter()
        .enumerate()
        .map(|(at, case)| (format!("case{at}"), case.arguments.clone()))
        .collect();
    let folder = scratch("policy-documents");
    std::fs::write(
        folder.join("main.tf"),
        root_module(&way(&folder, &module())),
    )
    .unwrap();
    std::fs::write(
        folder.join("terraform.tfvars.json"),
        json!({"cases": Value::Object(named).to_string()}).to_string(),
    )
    .unwrap();
    call(&folder, &["init", "-no-color", "-input=false"]);
    call(
        &folder,
        &["apply", "-no-color", "-input=false", "-auto-approve"],
    );
    let written: Value =
        serde_json::from_str(&call(&folder, &["output", "-json", "cases"])).unwrap();
    for (at, case) in cases.iter().enumerate() {
        for (name, expected) in &case.expected {
            let theirs = parsed(&written[format!("case{at}")][name]);
            assert_eq!(&theirs, expected, "{name} of {}", case.arguments);
        }
    }
}

#[test]
fn the_modules_own_tests_pass_and_its_files_are_formatted() {
    let folder = scratch("policy-documents-tests");
    let copied = folder.join("terraform/modules/policy-documents");
    copy(&module(), &copied);
    for part in [
        "bucket",
        "endpoint",
        "key",
        "permission",
        "delivery",
        "trust",
    ] {
        let from = crate::support::in_repository("policies").join(part);
        copy(&from, &folder.join("policies").join(part));
    }
    let manifest = crate::support::in_repository("policies/manifest.json");
    std::fs::copy(manifest, folder.join("policies/manifest.json")).unwrap();
    call(&copied, &["fmt", "-check", "-recursive"]);
    call(&copied, &["init", "-no-color", "-input=false"]);
    call(&copied, &["validate", "-no-color"]);
    let report = call(&copied, &["test", "-no-color"]);
    assert!(report.contains("0 failed"), "{report}");
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().unwrap().is_dir() {
            copy(&source, &target);
        } else {
            std::fs::copy(source, target).unwrap();
        }
    }
}
