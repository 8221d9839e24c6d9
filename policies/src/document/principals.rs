//! The `Principal` element.

use super::PrincipalElement;
use super::fields::texts;
use super::malformed::{Malformed, Reason};
use serde_json::Value;

/// The values of a `Principal` or `NotPrincipal`.
pub(super) fn principal_elements(
    path: &str,
    value: &Value,
) -> Result<Vec<PrincipalElement>, Malformed> {
    let object = match value {
        Value::String(star) if star == "*" => return Ok(vec![PrincipalElement::Anyone]),
        Value::String(other) => {
            return Err(Malformed::at(path, Reason::Principal(other.clone())));
        }
        Value::Object(object) if object.is_empty() => {
            return Err(Malformed::at(path, Reason::EmptyList));
        }
        Value::Object(object) => object,
        _ => return Err(Malformed::at(path, Reason::NotAnObject)),
    };
    let mut elements = Vec::new();
    for (kind, values) in object {
        let path = format!("{path}.{kind}");
        for text in texts(&path, values)? {
            let element = match kind.as_str() {
                "AWS" => aws_principal(text),
                "Service" => is_service(text).then(|| PrincipalElement::Service(text.to_string())),
                "Federated" => Some(PrincipalElement::Federated(text.to_string())),
                "CanonicalUser" => Some(PrincipalElement::CanonicalUser(text.to_string())),
                _ => {
                    return Err(Malformed::at(&path, Reason::UnknownElement(kind.clone())));
                }
            };
            match element {
                Some(element) => elements.push(element),
                None => return Err(Malformed::at(&path, Reason::Principal(text.to_string()))),
            }
        }
    }
    Ok(elements)
}

fn is_service(text: &str) -> bool {
    text.contains('.')
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-')
}

fn aws_principal(text: &str) -> Option<PrincipalElement> {
    let is_account = |text: &str| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
    if text == "*" {
        return Some(PrincipalElement::Anyone);
    }
    if is_account(text) {
        return Some(PrincipalElement::Account(text.to_string()));
    }
    if is_unique_id(text) {
        return Some(PrincipalElement::UniqueId(text.to_string()));
    }
    // A principal's ARN takes neither wildcards nor variables.
    if text.contains(['*', '?', '$']) {
        return None;
    }
    let fields: Vec<&str> = text.splitn(6, ':').collect();
    let ["arn", partition, service, "", account, resource] = fields[..] else {
        return None;
    };
    if partition.is_empty() || !is_account(account) {
        return None;
    }
    let names = |prefix: &str| {
        resource
            .strip_prefix(prefix)
            .is_some_and(|name| !name.is_empty())
    };
    match service {
        "iam" if resource == "root" => Some(PrincipalElement::Account(account.to_string())),
        "iam" if names("user/") || names("role/") => Some(PrincipalElement::Arn(text.to_string())),
        "sts" if names("assumed-role/") || names("federated-user/") => {
            Some(PrincipalElement::Arn(text.to_string()))
        }
        _ => None,
    }
}

/// `AROA...`, `AIDA...`: what stands in place of a principal that is gone.
pub(crate) fn is_unique_id(text: &str) -> bool {
    let alphabet = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit();
    (16..=128).contains(&text.len())
        && ["AROA", "AIDA", "AIPA", "ANPA"]
            .iter()
            .any(|prefix| text.starts_with(prefix))
        && text.bytes().all(alphabet)
}
