//! A file with one or many tenants, TOML or JSON, with defaults that each tenant overrides.
//!
//! ```toml
//! [defaults]
//! project = "pulse"
//! region = "eu-central-1"
//! role.vendor_role = "arn:aws:iam::111111111111:role/byos-gateway"
//!
//! [[tenants]]
//! org_id = "acme"
//! results.versioning = "enabled"
//! ```

use crate::model::culprit::culprit;
use crate::model::spec::TenantSpec;
use serde::Deserialize;
use serde_json::{Map, Value};

/// A file of more than this is refused: 10,000 tenants take about 3 MiB.
pub const MAX_FILE_BYTES: usize = 64 << 20;

/// Why a file is not a list of tenants.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Larger than [`MAX_FILE_BYTES`].
    #[error("the file is larger than {} MiB", MAX_FILE_BYTES >> 20)]
    TooLarge,
    /// Not TOML.
    #[error("the file is not valid TOML{}: {message}", at(*.line))]
    Toml {
        /// Where, counted from 1.
        line: Option<usize>,
        /// What is wrong there, without the text that stands there: it may be a secret in the
        /// wrong place.
        message: String,
    },
    /// Not JSON.
    #[error("the file is not valid JSON")]
    Json(#[source] serde_json::Error),
    /// Neither a tenant nor a list of tenants.
    #[error("the file has neither 'org_id' nor 'tenants'")]
    NoTenants,
    /// A table of the file has a key that is not known, or a value of the wrong kind.
    #[error("{place}: {reason}")]
    Shape {
        /// `tenants[3]`, or `defaults`.
        place: String,
        /// What is wrong there.
        reason: String,
    },
}

fn at(line: Option<usize>) -> String {
    line.map_or_else(String::new, |line| format!(" at line {line}"))
}

fn not_toml(text: &str, error: &toml::de::Error) -> FileError {
    let before = error.span().and_then(|span| text.get(..span.start));
    FileError::Toml {
        line: before.map(|text| text.matches('\n').count() + 1),
        message: error.message().to_string(),
    }
}

/// How the text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFormat {
    /// TOML.
    Toml,
    /// JSON.
    Json,
}

impl FileFormat {
    /// By the end of the file's name; TOML unless it is `.json`.
    pub fn of_name(name: &str) -> Self {
        if name.to_ascii_lowercase().ends_with(".json") {
            Self::Json
        } else {
            Self::Toml
        }
    }
}

/// Reads the tenants of a file.
///
/// # Errors
/// When the text does not parse, or a key is unknown. Values are checked by
/// [`crate::model::compile`].
pub fn read_tenants(text: &str, format: FileFormat) -> Result<Vec<TenantSpec>, FileError> {
    read_tenants_with(text, format, &Value::Object(Map::new()))
}

/// Reads the tenants of a file; what stands in `overrides` replaces what the file says.
///
/// # Errors
/// As [`read_tenants`].
pub fn read_tenants_with(
    text: &str,
    format: FileFormat,
    overrides: &Value,
) -> Result<Vec<TenantSpec>, FileError> {
    if text.len() > MAX_FILE_BYTES {
        return Err(FileError::TooLarge);
    }
    let root: Value = match format {
        FileFormat::Toml => toml::from_str(text).map_err(|e| not_toml(text, &e))?,
        FileFormat::Json => serde_json::from_str(text).map_err(FileError::Json)?,
    };
    let Value::Object(mut root) = root else {
        return Err(FileError::NoTenants);
    };
    if root.contains_key("org_id") {
        let mut tenant = Value::Object(root);
        merge(&mut tenant, overrides.clone());
        return Ok(vec![one(tenant, "the tenant")?]);
    }
    let defaults = root.remove("defaults").unwrap_or(Value::Object(Map::new()));
    let Some(Value::Array(tenants)) = root.remove("tenants") else {
        return Err(FileError::NoTenants);
    };
    if let Some(key) = root.keys().next() {
        return Err(FileError::Shape {
            place: "the file".to_string(),
            reason: format!("unknown key {key:?}: expected 'defaults' and 'tenants'"),
        });
    }
    tenants
        .into_iter()
        .enumerate()
        .map(|(at, tenant)| {
            let mut merged = defaults.clone();
            merge(&mut merged, tenant);
            merge(&mut merged, overrides.clone());
            one(merged, &format!("tenants[{at}]"))
        })
        .collect()
}

/// One tenant out of flags alone.
///
/// # Errors
/// When a key is unknown, or a value of the wrong kind.
pub fn tenant_of(flags: Value) -> Result<TenantSpec, FileError> {
    one(flags, "the tenant")
}

/// Puts `text`, a TOML value or else plain text, at `path` (`results.versioning`).
///
/// # Errors
/// When the path is empty or leads through a value that is no table.
pub fn set_field(root: &mut Value, path: &str, text: &str) -> Result<(), FileError> {
    let shape = |reason: &str| FileError::Shape {
        place: format!("--set {path}"),
        reason: reason.to_string(),
    };
    let value = toml::from_str::<Map<String, Value>>(&format!("value = {text}"))
        .ok()
        .filter(|table| table.len() == 1)
        .and_then(|mut table| table.remove("value"))
        .unwrap_or_else(|| Value::String(text.to_string()));
    let mut slot = root;
    for key in path.split('.') {
        if key.is_empty() {
            return Err(shape("the field has an empty part"));
        }
        if slot.is_null() {
            *slot = Value::Object(Map::new());
        }
        let Value::Object(table) = slot else {
            return Err(shape("a part of the field is no table"));
        };
        slot = table.entry(key.to_string()).or_insert(Value::Null);
    }
    *slot = value;
    Ok(())
}

fn one(value: Value, place: &str) -> Result<TenantSpec, FileError> {
    TenantSpec::deserialize(&value).map_err(|error| {
        let reason = error.to_string();
        let place = match culprit(&value, &reason) {
            // Who gives one tenant only knows which.
            Some(field) if place == "the tenant" => field,
            Some(field) => format!("{place}.{field}"),
            None => place.to_string(),
        };
        FileError::Shape { place, reason }
    })
}

/// Tables are merged, everything else is replaced.
fn merge(below: &mut Value, above: Value) {
    match (below, above) {
        (Value::Object(below), Value::Object(above)) => {
            for (key, value) in above {
                match below.get_mut(&key) {
                    Some(slot) => merge(slot, value),
                    None => {
                        below.insert(key, value);
                    }
                }
            }
        }
        (slot, above) => *slot = above,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::bucket::Versioning;

    #[test]
    fn a_tenant_overrides_the_defaults_field_by_field() {
        let text = r#"
            [defaults]
            region = "eu-central-1"
            results.versioning = "enabled"
            results.abort_incomplete_days = 3
            [[tenants]]
            org_id = "acme"
            results.abort_incomplete_days = 9
            [[tenants]]
            org_id = "globex"
        "#;
        let tenants = read_tenants(text, FileFormat::Toml).unwrap();
        assert_eq!(tenants[0].results.versioning, Some(Versioning::Enabled));
        assert_eq!(tenants[0].results.abort_incomplete_days, Some(9));
        assert_eq!(tenants[1].results.abort_incomplete_days, Some(3));
    }

    #[test]
    fn a_flag_sets_any_field_as_toml_or_as_text() {
        let mut root = Value::Null;
        set_field(&mut root, "results.versioning", "enabled").unwrap();
        set_field(&mut root, "results.abort_incomplete_days", "3").unwrap();
        set_field(&mut root, "role.compute", "[\"ec2\"]").unwrap();
        set_field(&mut root, "role.description", "a\nb = 1").unwrap();
        let spec = tenant_of(root.clone()).unwrap();
        assert_eq!(spec.results.versioning, Some(Versioning::Enabled));
        assert_eq!(spec.results.abort_incomplete_days, Some(3));
        assert_eq!(spec.role.description.as_deref(), Some("a\nb = 1"));
        assert!(set_field(&mut root, "results.versioning.x", "1").is_err());
        assert!(set_field(&mut root, "", "1").is_err());
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_place() {
        let text = "[[tenants]]\norg_id = \"a\"\n[[tenants]]\norg_id = \"b\"\nregoin = \"x\"";
        let error = read_tenants(text, FileFormat::Toml)
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("tenants[1].regoin: unknown field `regoin`"),
            "{error}"
        );
    }

    #[test]
    fn public_access_has_no_key_in_a_file() {
        for key in [
            "public_access_block",
            "block_public_acls",
            "acl",
            "ownership",
        ] {
            let text = format!(r#"{{"org_id": "a", "data": {{"{key}": false}}}}"#);
            assert!(read_tenants(&text, FileFormat::Json).is_err(), "{key}");
        }
    }
}
