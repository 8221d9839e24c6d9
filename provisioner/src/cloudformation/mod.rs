//! The CloudFormation way: one template for one tenant, with the external id and the vendor's role
//! written into it.
//!
//! They are no parameters, because whoever makes the stack can edit every parameter, and an
//! external id that a customer chooses protects nobody. What CloudFormation cannot hold as the
//! model says it is refused, never left out.

mod bucket;
mod link;
mod role;

pub use link::{LinkError, quick_create_link, stack_name};

use crate::model::{Desired, DesiredBucket, Documents, ORIGIN_TAG, Purpose};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What the person who makes the stack has to acknowledge: the role has a name.
pub const CAPABILITY: &str = "CAPABILITY_NAMED_IAM";
/// The largest template that can be given in the call itself; a larger one has to lie in S3.
/// Source: CloudFormation user guide, "Quotas".
pub const MAX_BODY_BYTES: usize = 51_200;
/// The largest template that can lie in S3. Source: CloudFormation user guide, "Quotas".
pub const MAX_TEMPLATE_BYTES: usize = 1_000_000;

/// Why no template can be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CloudFormationError {
    /// CloudFormation makes resources of AWS.
    #[error(
        "only AWS can be set up through CloudFormation\nhint: \"provisioner apply\" sets S3-compatible stores up directly"
    )]
    NotAws,
    /// A setting that CloudFormation cannot hold as it is asked for.
    #[error("{field}: CloudFormation {reason}\nhint: {hint}")]
    Unsupported {
        /// The field of the specification.
        field: String,
        /// What it lacks.
        reason: &'static str,
        /// What to do instead.
        hint: &'static str,
    },
    /// A document is missing that the model asks for.
    #[error("the policy documents do not belong to this set-up")]
    Documents,
    /// A text that CloudFormation would replace by a parameter or a secret of the account.
    #[error(
        "{place}: CloudFormation would replace the \"{DYNAMIC}...\" in it by something else\nhint: change that text in the specification"
    )]
    Dynamic {
        /// Where in the template.
        place: String,
    },
    /// It would be refused.
    #[error(
        "the template has {0} bytes, and CloudFormation takes {MAX_TEMPLATE_BYTES}\nhint: use fewer lifecycle rules, or Terraform"
    )]
    TooLong(usize),
}

/// The template of `desired`, as JSON.
///
/// # Errors
/// For a store that is not AWS, and for what CloudFormation cannot hold.
pub fn render(desired: &Desired, documents: &Documents) -> Result<String, CloudFormationError> {
    if desired.aws().is_none() {
        return Err(CloudFormationError::NotAws);
    }
    let mut resources = Map::new();
    for bucket in &desired.buckets {
        let name = logical_name(bucket.purpose);
        resources.insert(name.clone(), bucket::resource(bucket)?);
        let policy = documents
            .bucket_policy(bucket.purpose)
            .ok_or(CloudFormationError::Documents)?;
        resources.insert(policy_name(bucket.purpose), bucket::policy(&name, policy));
    }
    role::add(&mut resources, desired, documents)?;
    let template = json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": format!("Storage of {}: two buckets and a role", desired.owner),
        "Metadata": metadata(desired),
        "Resources": resources,
        "Outputs": outputs(desired),
    });
    refuse_dynamic(&template, "")?;
    let text = format!("{template:#}\n");
    match text.len() {
        fits if fits <= MAX_TEMPLATE_BYTES => Ok(text),
        size => Err(CloudFormationError::TooLong(size)),
    }
}

/// What opens a dynamic reference. Source: CloudFormation user guide, "Dynamic references".
const DYNAMIC: &str = "{{resolve:";

/// Dynamic references work in every text, and we write none.
fn refuse_dynamic(value: &Value, place: &str) -> Result<(), CloudFormationError> {
    let below = |name: &dyn std::fmt::Display| match place {
        "" => name.to_string(),
        place => format!("{place}.{name}"),
    };
    match value {
        Value::String(text) if text.contains(DYNAMIC) => Err(CloudFormationError::Dynamic {
            place: place.to_string(),
        }),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .try_for_each(|(at, item)| refuse_dynamic(item, &below(&at))),
        Value::Object(fields) => fields
            .iter()
            .try_for_each(|(name, field)| refuse_dynamic(field, &below(name))),
        _ => Ok(()),
    }
}

/// For whoever reads the template before they make a stack of it.
fn metadata(desired: &Desired) -> Value {
    json!({
        "Byos": {
            "Tenant": desired.tenant,
            "Account": desired.aws().map(|(_, account)| account),
            "Region": desired.region,
            "Capabilities": [CAPABILITY],
            "Deletion": "The buckets, their policies and what is in them stay when the stack is deleted.",
        }
    })
}

/// The same values as `provisioner apply` prints.
fn outputs(desired: &Desired) -> Value {
    let mut outputs = Map::new();
    let mut add = |name: &str, description: &str, value: Value| {
        outputs.insert(
            name.to_string(),
            json!({ "Description": description, "Value": value }),
        );
    };
    for (purpose, description) in [
        (Purpose::Data, "The bucket that the role reads"),
        (
            Purpose::Results,
            "The bucket that the role reads and writes",
        ),
        (
            Purpose::Logs,
            "The bucket that receives logs and inventories",
        ),
    ] {
        if desired.bucket(purpose).is_some() {
            let name = logical_name(purpose);
            add(&name, description, reference(&name));
            add(&format!("{name}Arn"), "Its ARN", attribute(&name, "Arn"));
        }
    }
    add("Region", "Where the buckets stand", json!(desired.region));
    add(
        "KeyPrefix",
        "What every key of the tenant begins with",
        json!(desired.key_prefix),
    );
    add("RoleArn", "The role", attribute(role::NAME, "Arn"));
    add("RoleName", "Its name", reference(role::NAME));
    add(
        "ExternalId",
        "What the gateway presents to take the role",
        json!(desired.external_id),
    );
    Value::Object(outputs)
}

fn logical_name(purpose: Purpose) -> String {
    match purpose {
        Purpose::Logs => "LogsBucket",
        Purpose::Data => "DataBucket",
        Purpose::Results => "ResultsBucket",
    }
    .to_string()
}

fn policy_name(purpose: Purpose) -> String {
    format!("{}Policy", logical_name(purpose))
}

fn reference(name: &str) -> Value {
    json!({ "Ref": name })
}

fn attribute(name: &str, attribute: &str) -> Value {
    json!({ "Fn::GetAtt": [name, attribute] })
}

/// Ours and theirs, with the mark of what is made here.
fn tags(tags: &BTreeMap<String, String>) -> Value {
    let mut tags = tags.clone();
    tags.insert(ORIGIN_TAG.to_string(), "created".to_string());
    tags.iter()
        .map(|(key, value)| json!({ "Key": key, "Value": value }))
        .collect()
}

/// Properties that say something.
#[derive(Debug, Default)]
struct Properties(Map<String, Value>);

impl Properties {
    fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_string(), value.into());
        self
    }

    fn with_some(self, name: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    fn with_list(self, name: &str, items: Vec<Value>) -> Self {
        match items.is_empty() {
            true => self,
            false => self.with(name, items),
        }
    }
}

impl From<Properties> for Value {
    fn from(properties: Properties) -> Self {
        Value::Object(properties.0)
    }
}

/// The path of a bucket's field in the specification.
fn field(bucket: &DesiredBucket, name: &str) -> String {
    format!("{}.{name}", bucket.purpose)
}
