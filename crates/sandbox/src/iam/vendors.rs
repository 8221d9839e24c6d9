//! The services that policies may name.
//!
//! IAM refuses actions of services that do not exist ("Vendor x is not valid"). The list is not
//! whole: it has what a storage set-up and its surroundings can meet.

use super::principals::{statements, texts};
use crate::query::{QueryError, QueryResult};
use serde_json::Value;

const VENDORS: [&str; 64] = [
    "access-analyzer",
    "acm",
    "apigateway",
    "athena",
    "autoscaling",
    "aws-portal",
    "backup",
    "batch",
    "bedrock",
    "cloudformation",
    "cloudfront",
    "cloudtrail",
    "cloudwatch",
    "codebuild",
    "cognito-identity",
    "cognito-idp",
    "config",
    "dynamodb",
    "ebs",
    "ec2",
    "ec2messages",
    "ecr",
    "ecs",
    "eks",
    "elasticfilesystem",
    "elasticloadbalancing",
    "es",
    "events",
    "execute-api",
    "firehose",
    "glacier",
    "glue",
    "guardduty",
    "health",
    "iam",
    "kinesis",
    "kms",
    "lakeformation",
    "lambda",
    "logs",
    "macie2",
    "organizations",
    "pricing",
    "ram",
    "rds",
    "redshift",
    "resource-groups",
    "route53",
    "s3",
    "s3-object-lambda",
    "s3-outposts",
    "s3express",
    "s3tables",
    "sagemaker",
    "scheduler",
    "secretsmanager",
    "securityhub",
    "sns",
    "sqs",
    "ssm",
    "states",
    "sts",
    "tag",
    "textract",
];

/// Refuses actions of services that do not exist.
pub(super) fn check(text: &str) -> QueryResult<()> {
    let value: Value = serde_json::from_str(text).map_err(QueryError::malformed_policy)?;
    for statement in statements(&value) {
        for element in ["Action", "NotAction"] {
            for action in texts(statement.get(element)) {
                let vendor = action.split_once(':').map_or("*", |(vendor, _)| vendor);
                let known = vendor.contains(['*', '?'])
                    || VENDORS.contains(&vendor.to_ascii_lowercase().as_str());
                if !known {
                    return Err(QueryError::malformed_policy(format_args!(
                        "Vendor {vendor} is not valid"
                    )));
                }
            }
        }
    }
    Ok(())
}
