//! The principals of a trust policy: they must exist, and they are meant for good.
//!
//! IAM keeps a user or role in a trust policy by its unique id. Deleting it and making another of
//! the same name therefore breaks the trust, and the document shows the id in place of the ARN.

use super::directory::Accounts;
use super::document::Document;
use crate::query::{QueryError, QueryResult};
use policies::PolicyKind;
use serde_json::Value;
use std::collections::BTreeMap;
use types::{AccountId, RoleArn};

/// The users and roles that a trust policy names: ARN to unique id.
pub(crate) type Pins = BTreeMap<String, String>;

/// Parses a trust policy and finds everyone whom it names.
pub(crate) fn parse(text: &str, accounts: &Accounts) -> QueryResult<(Document, Pins)> {
    let document =
        Document::parse(PolicyKind::Trust, text).map_err(QueryError::malformed_policy)?;
    let value: Value = serde_json::from_str(text).map_err(QueryError::malformed_policy)?;
    let mut pins = Pins::new();
    for principal in named(&value) {
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
    for_each_principal(&mut value, &mut |text| {
        if let Some(id) = gone.get(text.as_str()) {
            *text = (*id).to_string();
        }
    });
    Document::parse(PolicyKind::Trust, &value.to_string()).unwrap_or_else(|_| document.clone())
}

enum Found {
    Nobody,
    /// An account, a wildcard, a unique id: nothing to pin.
    NotPinned,
    Entity(String),
}

fn identify(principal: &str, accounts: &Accounts) -> Found {
    let exists = |account: &str| match AccountId::parse(account) {
        Ok(id) if accounts.account(&id).is_some() => Found::NotPinned,
        _ => Found::Nobody,
    };
    let fields: Vec<&str> = principal.splitn(6, ':').collect();
    match fields[..] {
        ["*"] => Found::NotPinned,
        [id] if id.starts_with("AROA") || id.starts_with("AIDA") => Found::NotPinned,
        [account] => exists(account),
        ["arn", _, "iam", "", account, "root"] => exists(account),
        ["arn", _, "iam", "", account, resource] => AccountId::parse(account)
            .ok()
            .and_then(|account| entity(principal, &account, resource, accounts))
            .map_or(Found::Nobody, Found::Entity),
        // A session of a role may be named before it exists.
        ["arn", _, "sts", "", account, _] => exists(account),
        _ => Found::Nobody,
    }
}

fn entity(arn: &str, account: &AccountId, resource: &str, accounts: &Accounts) -> Option<String> {
    if let Some(path_and_name) = resource.strip_prefix("user/") {
        let name = path_and_name.rsplit('/').next()?;
        let user = accounts.account(account)?.user(name)?;
        let same_path = format!("{}{}", &user.path[1..], user.name) == path_and_name;
        return same_path.then(|| user.id.clone());
    }
    let role = RoleArn::parse(arn).ok()?;
    Some(accounts.role(&role)?.id.clone())
}

fn named(value: &Value) -> Vec<String> {
    let mut names = Vec::new();
    for_each_principal(&mut value.clone(), &mut |text| names.push(text.clone()));
    names
}

fn for_each_principal(value: &mut Value, visit: &mut dyn FnMut(&mut String)) {
    let statements = match value.get_mut("Statement") {
        Some(Value::Array(list)) => list.iter_mut().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    };
    for statement in statements {
        for element in ["Principal", "NotPrincipal"] {
            match statement
                .get_mut(element)
                .and_then(|clause| clause.get_mut("AWS"))
            {
                Some(Value::String(text)) => visit(text),
                Some(Value::Array(list)) => list.iter_mut().for_each(|item| {
                    if let Value::String(text) = item {
                        visit(text)
                    }
                }),
                _ => {}
            }
        }
    }
}
