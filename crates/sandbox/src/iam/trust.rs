//! The principals of a trust policy: they must exist, and they are meant for good.
//!
//! IAM keeps a user or role in a trust policy by its unique id. Deleting it and making another of
//! the same name therefore breaks the trust, and the document shows the id in place of the ARN.

use super::directory::Accounts;
use super::principals::{self, Found, identify};
use crate::document::Document;
use crate::query::{QueryError, QueryResult};
use policies::PolicyKind;
use serde_json::Value;
use std::collections::BTreeMap;

/// The users and roles that a trust policy names: ARN to unique id.
pub(crate) type Pins = BTreeMap<String, String>;

/// Parses a trust policy and finds everyone whom it names.
pub(crate) fn parse(text: &str, accounts: &Accounts) -> QueryResult<(Document, Pins)> {
    let document =
        Document::parse(PolicyKind::Trust, text).map_err(QueryError::malformed_policy)?;
    let value: Value = serde_json::from_str(text).map_err(QueryError::malformed_policy)?;
    let mut pins = Pins::new();
    for principal in principals::named(&value) {
        match identify(&principal, accounts) {
            Found::Nobody => {
                return Err(QueryError::malformed_policy(format_args!(
                    "Invalid principal in policy: \"AWS\":\"{principal}\""
                )));
            }
            Found::Entity(id) => {
                pins.insert(principal, id);
            }
            Found::NotPinned => {}
        }
    }
    Ok((document, pins))
}

/// The document as IAM shows and judges it: principals that are gone stand there by their ids.
pub(crate) fn effective(document: &Document, pins: &Pins, accounts: &Accounts) -> Document {
    let gone: BTreeMap<&str, &str> = pins
        .iter()
        .filter(|(arn, id)| !matches!(identify(arn, accounts), Found::Entity(now) if now == **id))
        .map(|(arn, id)| (arn.as_str(), id.as_str()))
        .collect();
    if gone.is_empty() {
        return document.clone();
    }
    let Ok(mut value) = serde_json::from_str::<Value>(document.text()) else {
        return document.clone();
    };
    principals::for_each(&mut value, &mut |text| {
        if let Some(id) = gone.get(text.as_str()) {
            *text = (*id).to_string();
        }
    });
    Document::parse(PolicyKind::Trust, &value.to_string()).unwrap_or_else(|_| document.clone())
}
