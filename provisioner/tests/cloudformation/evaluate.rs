//! Makes of a template what CloudFormation would make of it: only what our templates use, and a
//! panic at anything else.

use crate::stores::Sandbox;
use provisioner::model::Desired;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Where stacks are made.
const ACCOUNT: &str = "222222222222";

/// A template, its functions evaluated.
pub(crate) struct Stack {
    pub(crate) resources: Map<String, Value>,
    pub(crate) outputs: BTreeMap<String, String>,
}

/// Evaluates `Ref`, `Fn::GetAtt` and `Fn::Sub` with pseudo parameters, in `region`.
pub(crate) fn stack(template: &str, region: &str) -> Stack {
    let template: Value = serde_json::from_str(template).unwrap();
    let raw = template["Resources"].as_object().unwrap();
    let resources = raw
        .iter()
        .map(|(name, resource)| (name.clone(), evaluated(resource, raw, region)))
        .collect();
    let outputs = template["Outputs"].as_object().unwrap();
    let outputs = outputs
        .iter()
        .map(|(name, output)| {
            let value = evaluated(&output["Value"], raw, region);
            (name.clone(), value.as_str().unwrap().to_string())
        })
        .collect();
    Stack { resources, outputs }
}

fn evaluated(value: &Value, resources: &Map<String, Value>, region: &str) -> Value {
    match value {
        Value::Object(object) => {
            if let Some(name) = object.get("Ref") {
                return json!(reference(name.as_str().unwrap(), resources));
            }
            if let Some(path) = object.get("Fn::GetAtt") {
                assert_eq!(path[1], "Arn");
                return json!(arn(path[0].as_str().unwrap(), resources));
            }
            if let Some(text) = object.get("Fn::Sub") {
                let text = text.as_str().unwrap();
                let text = text
                    .replace("${AWS::Partition}", "aws")
                    .replace("${AWS::Region}", region);
                assert!(!text.contains("${"), "{text}");
                return json!(text);
            }
            assert!(
                !object.keys().any(|key| key.starts_with("Fn::")),
                "{object:?}"
            );
            Value::Object(
                object
                    .iter()
                    .map(|(key, value)| (key.clone(), evaluated(value, resources, region)))
                    .collect(),
            )
        }
        Value::Array(items) => items
            .iter()
            .map(|item| evaluated(item, resources, region))
            .collect(),
        other => other.clone(),
    }
}

fn reference(name: &str, resources: &Map<String, Value>) -> String {
    let resource = &resources[name];
    let key = match resource["Type"].as_str().unwrap() {
        "AWS::S3::Bucket" => "BucketName",
        "AWS::IAM::Role" => "RoleName",
        other => panic!("a reference to {other}"),
    };
    resource["Properties"][key].as_str().unwrap().to_string()
}

fn arn(name: &str, resources: &Map<String, Value>) -> String {
    let properties = &resources[name]["Properties"];
    match resources[name]["Type"].as_str().unwrap() {
        "AWS::S3::Bucket" => format!("arn:aws:s3:::{}", reference(name, resources)),
        "AWS::IAM::Role" => format!(
            "arn:aws:iam::{ACCOUNT}:role{}{}",
            properties["Path"].as_str().unwrap(),
            reference(name, resources)
        ),
        other => panic!("an ARN of {other}"),
    }
}

/// Makes the stacks, each in its store, as CloudFormation would.
pub(crate) fn deploy(stacks: &[(&Stack, &Desired, &Sandbox)]) {
    let stacks: Vec<Value> = stacks
        .iter()
        .map(|(stack, desired, store)| {
            json!({
                "endpoint": store.endpoint,
                "region": desired.region,
                "access_key_id": store.access_key_id,
                "secret_access_key": store.secret,
                "resources": stack.resources,
            })
        })
        .collect();
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests");
    let mut child = Command::new(tests.join(".tools/venv/bin/python"))
        .arg("-B")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cloudformation/deploy.py"))
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .stdin(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{error}; hint: run tests/setup"));
    let stacks = serde_json::to_vec(&stacks).unwrap();
    child.stdin.take().unwrap().write_all(&stacks).unwrap();
    assert!(child.wait().unwrap().success(), "a stack cannot be made");
}
