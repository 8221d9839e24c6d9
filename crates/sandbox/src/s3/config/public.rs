//! Whether S3 calls a bucket policy public.
//!
//! It does when a statement allows anyone, and no condition pins the caller to fixed values.
//! Source: S3 user guide, "The meaning of public".

use crate::iam::principals::{statements, texts};
use serde_json::Value;

/// Conditions on these keys, with fixed values, make a statement non-public.
const PINNING_KEYS: [&str; 16] = [
    "aws:sourceip",
    "aws:sourcearn",
    "aws:sourceaccount",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:sourceowner",
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:userid",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "s3:dataaccesspointaccount",
    "s3:dataaccesspointarn",
];

/// Whether a statement of `policy` lets in people whom it does not name.
pub(super) fn is_public(policy: &Value) -> bool {
    statements(policy).any(|statement| {
        let allows = statement.get("Effect").and_then(Value::as_str) == Some("Allow");
        allows && names_anyone(statement) && !is_pinned(statement)
    })
}

fn names_anyone(statement: &Value) -> bool {
    if statement.get("NotPrincipal").is_some() {
        return true;
    }
    match statement.get("Principal") {
        Some(Value::String(text)) => text == "*",
        Some(Value::Object(kinds)) => kinds
            .values()
            .any(|value| texts(Some(value)).contains(&"*")),
        _ => false,
    }
}

fn is_pinned(statement: &Value) -> bool {
    let Some(Value::Object(operators)) = statement.get("Condition") else {
        return false;
    };
    operators.iter().any(|(operator, keys)| {
        let operator = operator.to_ascii_lowercase();
        let positive =
            !operator.contains("not") && !operator.ends_with("ifexists") && operator != "null";
        let Value::Object(keys) = keys else {
            return false;
        };
        positive
            && keys.iter().any(|(key, values)| {
                let key = key.to_ascii_lowercase();
                PINNING_KEYS.contains(&key.as_str())
                    && texts(Some(values))
                        .iter()
                        .all(|value| is_fixed(&key, value))
            })
    })
}

/// A value without wildcards or variables; of networks, not the whole internet.
fn is_fixed(key: &str, value: &str) -> bool {
    if key == "aws:sourceip" {
        return !matches!(value, "0.0.0.0/0" | "::/0");
    }
    // An ARN pattern pins as soon as it names the account.
    if key.ends_with("arn") {
        let account = value.split(':').nth(4).unwrap_or_default();
        return account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    }
    !value.contains(['*', '?', '$'])
}

#[cfg(test)]
mod tests {
    use super::is_public;
    use serde_json::json;

    #[test]
    fn a_policy_is_public_unless_it_names_or_pins_its_callers() {
        let of = |principal: serde_json::Value, condition: serde_json::Value| {
            is_public(&json!({"Statement": {
                "Effect": "Allow", "Principal": principal, "Action": "s3:GetObject",
                "Resource": "arn:aws:s3:::b/*", "Condition": condition,
            }}))
        };
        assert!(of(json!("*"), json!({})));
        assert!(of(json!({"AWS": ["*"]}), json!({})));
        assert!(of(
            json!("*"),
            json!({"Bool": {"aws:SecureTransport": "true"}})
        ));
        assert!(of(
            json!("*"),
            json!({"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}})
        ));
        assert!(of(
            json!("*"),
            json!({"StringNotEquals": {"aws:PrincipalAccount": "111111111111"}})
        ));
        assert!(of(
            json!("*"),
            json!({"StringLike": {"aws:PrincipalAccount": "*"}})
        ));
        assert!(!of(
            json!("*"),
            json!({"StringEquals": {"aws:PrincipalAccount": "111111111111"}})
        ));
        assert!(!of(
            json!("*"),
            json!({"IpAddress": {"aws:SourceIp": ["10.0.0.0/8"]}})
        ));
        assert!(!of(json!({"AWS": "111111111111"}), json!({})));
        assert!(!is_public(
            &json!({"Statement": [{"Effect": "Deny", "Principal": "*"}]})
        ));
    }
}
