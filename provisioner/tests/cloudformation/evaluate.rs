//! Makes of a template what CloudFormation would make of it, as a state that the plan can look at:
//! only what our templates use, and a panic at anything else.

use provisioner::model::{CorsRule, LockMode, LogKeyFormat, ObjectLock, Purpose, Versioning};
use provisioner::plan::{
    BucketState, EncryptionDoc, ExpirationDoc, FilterDoc, InventoryDoc, LifecycleDoc, LoggingDoc,
    NotificationsDoc, Observed, ObservedBucket, ObservedRole, PublicAccess, Read, RuleDoc,
    TransitionDoc,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Where the stack is made.
pub(crate) const ACCOUNT: &str = "222222222222";
pub(crate) const REGION: &str = "eu-central-1";

/// A template, its functions evaluated.
pub(crate) struct Stack {
    pub(crate) resources: Map<String, Value>,
    pub(crate) outputs: BTreeMap<String, String>,
}

/// Evaluates `Ref`, `Fn::GetAtt` and `Fn::Sub` with pseudo parameters.
pub(crate) fn stack(template: &str) -> Stack {
    let template: Value = serde_json::from_str(template).unwrap();
    let raw = template["Resources"].as_object().unwrap();
    let resources = raw
        .iter()
        .map(|(name, resource)| (name.clone(), evaluated(resource, raw)))
        .collect();
    let outputs = template["Outputs"].as_object().unwrap();
    let outputs = outputs
        .iter()
        .map(|(name, output)| {
            let value = evaluated(&output["Value"], raw);
            (name.clone(), value.as_str().unwrap().to_string())
        })
        .collect();
    Stack { resources, outputs }
}

fn evaluated(value: &Value, resources: &Map<String, Value>) -> Value {
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
                    .replace("${AWS::Region}", REGION);
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
                    .map(|(key, value)| (key.clone(), evaluated(value, resources)))
                    .collect(),
            )
        }
        Value::Array(items) => items
            .iter()
            .map(|item| evaluated(item, resources))
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

impl Stack {
    /// What would be there afterwards.
    pub(crate) fn observed(&self) -> Observed {
        let mut observed = Observed::default();
        for (name, purpose) in [
            ("LogsBucket", Purpose::Logs),
            ("DataBucket", Purpose::Data),
            ("ResultsBucket", Purpose::Results),
        ] {
            if let Some(resource) = self.resources.get(name) {
                let mut properties = Properties::of(resource);
                let mut bucket = bucket(&mut properties);
                let policy = &self.resources[&format!("{name}Policy")]["Properties"];
                assert_eq!(policy["Bucket"], properties.name);
                bucket.policy = Read::Known(Some(policy["PolicyDocument"].clone()));
                properties.finish();
                let state = BucketState::Present(Box::new(bucket));
                observed.buckets.insert(purpose, state);
            }
        }
        observed.role = Some(role(&self.resources["Role"], &self.outputs["RoleArn"]));
        observed
    }
}

/// Properties, each of which has to be taken.
struct Properties {
    name: String,
    rest: Map<String, Value>,
}

impl Properties {
    fn of(resource: &Value) -> Self {
        let mut rest = resource["Properties"].as_object().unwrap().clone();
        let name = match rest.remove("BucketName") {
            Some(Value::String(name)) => name,
            _ => String::new(),
        };
        Self { name, rest }
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        self.rest.remove(name)
    }

    fn finish(self) {
        assert!(
            self.rest.is_empty(),
            "not evaluated: {:?}",
            self.rest.keys()
        );
    }
}

fn bucket(properties: &mut Properties) -> ObservedBucket {
    let namespace = properties.take("BucketNamespace");
    assert_eq!(namespace.is_some(), properties.name.ends_with("-an"));
    let locked = properties.take("ObjectLockEnabled").is_some();
    let lock = properties.take("ObjectLockConfiguration").map(|lock| {
        let retention = &lock["Rule"]["DefaultRetention"];
        ObjectLock {
            mode: match retention["Mode"].as_str().unwrap() {
                "GOVERNANCE" => LockMode::Governance,
                "COMPLIANCE" => LockMode::Compliance,
                other => panic!("{other}"),
            },
            days: number(&retention["Days"]),
        }
    });
    ObservedBucket {
        tags: Read::Known(pairs(&properties.take("Tags").unwrap())),
        public_access: Read::Known(properties.take("PublicAccessBlockConfiguration").map(
            |switches| PublicAccess {
                block_public_acls: switches["BlockPublicAcls"] == true,
                ignore_public_acls: switches["IgnorePublicAcls"] == true,
                block_public_policy: switches["BlockPublicPolicy"] == true,
                restrict_public_buckets: switches["RestrictPublicBuckets"] == true,
            },
        )),
        policy: Read::Known(None),
        ownership: Read::Known(
            properties
                .take("OwnershipControls")
                .map(|controls| text(&controls["Rules"][0]["ObjectOwnership"])),
        ),
        versioning: Read::Known(
            properties
                .take("VersioningConfiguration")
                .map(|versioning| match versioning["Status"].as_str().unwrap() {
                    "Enabled" => Versioning::Enabled,
                    "Suspended" => Versioning::Suspended,
                    other => panic!("{other}"),
                }),
        ),
        encryption: Read::Known(Some(encryption(properties.take("BucketEncryption")))),
        object_lock: Read::Known(locked.then_some(lock)),
        lifecycle: Read::Known(properties.take("LifecycleConfiguration").map(lifecycle)),
        cors: Read::Known(
            properties
                .take("CorsConfiguration")
                .map(|cors| list(&cors["CorsRules"]).iter().map(cors_rule).collect()),
        ),
        logging: Read::Known(properties.take("LoggingConfiguration").map(logging)),
        notifications: Read::Known(match properties.take("NotificationConfiguration") {
            None => NotificationsDoc::default(),
            Some(all) => NotificationsDoc {
                event_bridge: all["EventBridgeConfiguration"]["EventBridgeEnabled"] == true,
                entries: Vec::new(),
            },
        }),
        inventories: Read::Known(
            properties
                .take("InventoryConfigurations")
                .map(|all| list(&all).iter().map(inventory).collect())
                .unwrap_or_default(),
        ),
    }
}

/// Without a configuration S3 encrypts by itself, and refuses keys of clients.
fn encryption(value: Option<Value>) -> EncryptionDoc {
    let Some(value) = value else {
        return EncryptionDoc {
            algorithm: "AES256".to_string(),
            key: None,
            bucket_key: false,
            blocked: Some(["SSE-C"].map(blocked).into()),
        };
    };
    let rule = &value["ServerSideEncryptionConfiguration"][0];
    let default = &rule["ServerSideEncryptionByDefault"];
    EncryptionDoc {
        algorithm: text(&default["SSEAlgorithm"]),
        key: default["KMSMasterKeyID"].as_str().map(String::from),
        bucket_key: rule["BucketKeyEnabled"] == true,
        blocked: Some(match rule.get("BlockedEncryptionTypes") {
            None => ["SSE-C"].map(blocked).into(),
            Some(types) => list(&types["EncryptionType"])
                .iter()
                .filter_map(Value::as_str)
                .filter(|name| *name != "NONE")
                .map(blocked)
                .collect(),
        }),
    }
}

fn blocked(name: &str) -> provisioner::model::BlockedEncryption {
    serde_json::from_value(json!(name)).unwrap()
}

fn lifecycle(value: Value) -> LifecycleDoc {
    LifecycleDoc {
        rules: list(&value["Rules"]).iter().map(rule).collect(),
        transition_minimum: Some(
            serde_json::from_value(match value.get("TransitionDefaultMinimumObjectSize") {
                Some(minimum) if minimum == "varies_by_storage_class" => {
                    json!("varies_by_storage_class")
                }
                _ => json!("all_storage_classes_128K"),
            })
            .unwrap(),
        ),
    }
}

fn rule(rule: &Value) -> RuleDoc {
    assert_eq!(rule["Status"], "Enabled");
    let transitions = |name: &str| {
        list(&rule[name])
            .iter()
            .map(|transition| TransitionDoc {
                days: Some(number(&transition["TransitionInDays"])),
                class: text(&transition["StorageClass"]),
                ..TransitionDoc::default()
            })
            .collect()
    };
    let expiration = ExpirationDoc {
        days: some_number(&rule["ExpirationInDays"]),
        date: None,
        delete_markers: rule["ExpiredObjectDeleteMarker"] == true,
    };
    let noncurrent = &rule["NoncurrentVersionExpiration"];
    RuleDoc {
        id: text(&rule["Id"]),
        enabled: true,
        filter: FilterDoc {
            prefix: rule["Prefix"].as_str().unwrap_or_default().to_string(),
            tags: pairs(&rule["TagFilters"]),
            larger_than: size(&rule["ObjectSizeGreaterThan"]),
            smaller_than: size(&rule["ObjectSizeLessThan"]),
        },
        expiration: (expiration != ExpirationDoc::default()).then_some(expiration),
        transitions: transitions("Transitions"),
        noncurrent_days: some_number(&noncurrent["NoncurrentDays"]),
        noncurrent_keep: some_number(&noncurrent["NewerNoncurrentVersions"]),
        noncurrent_transitions: transitions("NoncurrentVersionTransitions"),
        abort_days: some_number(&rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"]),
    }
}

fn cors_rule(rule: &Value) -> CorsRule {
    let texts = |name: &str| list(&rule[name]).iter().map(text).collect();
    CorsRule {
        id: rule["Id"].as_str().map(String::from),
        origins: texts("AllowedOrigins"),
        methods: texts("AllowedMethods"),
        headers: texts("AllowedHeaders"),
        expose_headers: texts("ExposedHeaders"),
        max_age_seconds: some_number(&rule["MaxAge"]),
    }
}

fn logging(value: Value) -> LoggingDoc {
    let source = &value["TargetObjectKeyFormat"]["PartitionedPrefix"]["PartitionDateSource"];
    LoggingDoc {
        target: text(&value["DestinationBucketName"]),
        prefix: text(&value["LogFilePrefix"]),
        key_format: match source.as_str() {
            None => LogKeyFormat::Simple,
            Some("EventTime") => LogKeyFormat::PartitionedByEventTime,
            Some(_) => LogKeyFormat::PartitionedByDeliveryTime,
        },
    }
}

fn inventory(value: &Value) -> InventoryDoc {
    let target = &value["Destination"];
    InventoryDoc {
        id: text(&value["Id"]),
        enabled: value["Enabled"] == true,
        destination: text(&target["BucketArn"]),
        account: target["BucketAccountId"].as_str().map(String::from),
        destination_prefix: text(&target["Prefix"]),
        format: serde_json::from_value(target["Format"].clone()).unwrap(),
        frequency: serde_json::from_value(json!(text(&value["ScheduleFrequency"]).to_lowercase()))
            .unwrap(),
        all_versions: value["IncludedObjectVersions"] == "All",
        prefix: value["Prefix"].as_str().unwrap_or_default().to_string(),
        fields: list(&value["OptionalFields"]).iter().map(text).collect(),
    }
}

fn role(resource: &Value, arn: &str) -> ObservedRole {
    let mut properties = Properties::of(resource);
    let mut take = |name: &str| properties.take(name).unwrap();
    let name = take("RoleName");
    take("Path");
    assert!(arn.ends_with(name.as_str().unwrap()));
    let role = ObservedRole {
        arn: arn.to_string(),
        id: String::new(),
        trust: take("AssumeRolePolicyDocument"),
        max_session_seconds: number(&take("MaxSessionDuration")),
        description: text(&take("Description")),
        boundary: None,
        tags: Read::Known(pairs(&take("Tags"))),
        inline: Read::Known(
            list(&take("Policies"))
                .iter()
                .map(|policy| {
                    (
                        text(&policy["PolicyName"]),
                        policy["PolicyDocument"].clone(),
                    )
                })
                .collect(),
        ),
        attached: Read::default(),
        profiles: Read::default(),
    };
    let boundary = properties.take("PermissionsBoundary");
    properties.finish();
    ObservedRole {
        boundary: boundary.map(|arn| text(&arn)),
        ..role
    }
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no text"))
        .to_string()
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

fn pairs(value: &Value) -> BTreeMap<String, String> {
    list(value)
        .iter()
        .map(|pair| (text(&pair["Key"]), text(&pair["Value"])))
        .collect()
}

fn number<T: TryFrom<i64>>(value: &Value) -> T {
    some_number(value).unwrap_or_else(|| panic!("{value} is no number"))
}

fn some_number<T: TryFrom<i64>>(value: &Value) -> Option<T> {
    T::try_from(value.as_i64()?).ok()
}

/// Sizes are texts in templates.
fn size(value: &Value) -> Option<i64> {
    value.as_str().map(|text| text.parse().unwrap())
}
