//! ARNs of what a set-up points at: keys, queues, topics, functions, policies.

use std::fmt;
use types::{AccountId, ParseError, Partition, Region};

/// The ARN of a resource, taken apart; roles have [`types::RoleArn`].
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct Arn {
    text: String,
    partition: Partition,
    service: String,
    region: String,
    account: String,
    resource: String,
}

impl Arn {
    /// Parses `arn:{partition}:{service}:{region}:{account}:{resource}`.
    ///
    /// Only characters that can stand in IAM and HCL text as they are: no quote, no `$`, no `*`.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let refuse = |reason| Err(ParseError::new("ARN", text, reason));
        if text.len() > 2_048 || !text.bytes().all(is_arn_byte) {
            return refuse("only letters, digits and :/_+=,.@- are allowed");
        }
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", partition, service, region, account, resource] = parts[..] else {
            return refuse("it must look like arn:aws:service:region:account:resource");
        };
        let Some(partition) = [Partition::Aws, Partition::AwsCn, Partition::AwsUsGov]
            .into_iter()
            .find(|p| p.as_str() == partition)
        else {
            return refuse("the partition must be aws, aws-cn or aws-us-gov");
        };
        if !account.is_empty() && account != "aws" && AccountId::parse(account).is_err() {
            return refuse("the account id must have 12 digits");
        }
        if !region.is_empty() && Region::parse(region).is_err() {
            return refuse("the region is not one");
        }
        if service.is_empty() || resource.is_empty() {
            return refuse("the service and the resource may not be empty");
        }
        Ok(Self {
            text: text.to_string(),
            partition,
            service: service.to_string(),
            region: region.to_string(),
            account: account.to_string(),
            resource: resource.to_string(),
        })
    }

    /// Parses an ARN of `service`.
    pub fn of_service(service: &'static str, text: &str) -> Result<Self, ParseError> {
        let arn = Self::parse(text)?;
        if arn.service == service {
            Ok(arn)
        } else {
            Err(ParseError::new("ARN", text, wrong_service(service)))
        }
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The partition.
    pub fn partition(&self) -> Partition {
        self.partition
    }

    /// The service: `kms`, `sqs`.
    pub fn service(&self) -> &str {
        &self.service
    }

    /// The region; empty for global resources.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The account; empty for buckets, `aws` for AWS's own policies.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// What stands last: `key/1234`, `my-queue`.
    pub fn resource(&self) -> &str {
        &self.resource
    }
}

fn wrong_service(service: &str) -> &'static str {
    match service {
        "kms" => "it must be the ARN of a KMS key",
        "sqs" => "it must be the ARN of an SQS queue",
        "sns" => "it must be the ARN of an SNS topic",
        "lambda" => "it must be the ARN of a Lambda function",
        "iam" => "it must be an IAM ARN",
        _ => "it is the ARN of another service",
    }
}

fn is_arn_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b":/_+=,.@-".contains(&b)
}

impl fmt::Display for Arn {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

impl TryFrom<String> for Arn {
    type Error = ParseError;
    fn try_from(text: String) -> Result<Self, ParseError> {
        Self::parse(&text)
    }
}

impl From<Arn> for String {
    fn from(arn: Arn) -> String {
        arn.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_is_taken_apart() {
        let arn = Arn::of_service("kms", "arn:aws:kms:eu-central-1:123456789012:key/ab-1").unwrap();
        assert_eq!((arn.region(), arn.resource()), ("eu-central-1", "key/ab-1"));
        assert_eq!(arn.account(), "123456789012");
    }

    #[test]
    fn text_that_could_change_a_document_is_refused() {
        for text in [
            "",
            "arn:aws:sqs:eu-central-1:123456789012:",
            "arn:aws:sqs:eu-central-1:1234:q",
            "arn:aws:sqs:eu-central-1:123456789012:*",
            "arn:aws:sqs:eu-central-1:123456789012:${x}",
            "arn:aws:sqs:eu-central-1:123456789012:q\"",
            "arn:moon:sqs:eu-central-1:123456789012:q",
        ] {
            assert!(Arn::parse(text).is_err(), "{text}");
        }
        assert!(Arn::of_service("kms", "arn:aws:sqs:eu-central-1:123456789012:q").is_err());
    }
}
