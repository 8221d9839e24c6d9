//! The principals that a policy names, looked up.

use super::directory::Accounts;
use serde_json::Value;
use types::{AccountId, RoleArn};

/// What a principal turns out to be.
pub(crate) enum Found {
    /// It does not exist.
    Nobody,
    /// An account, a wildcard, a unique id: nothing that could be made anew under the same name.
    NotPinned,
    /// A user or role, by its unique id.
    Entity(String),
}

/// Looks up the value of an `AWS` principal.
pub(crate) fn identify(principal: &str, accounts: &Accounts) -> Found {
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

/// The first principal that does not exist.
pub(crate) fn first_unknown(policy: &Value, accounts: &Accounts) -> Option<String> {
    named(policy)
        .into_iter()
        .find(|principal| matches!(identify(principal, accounts), Found::Nobody))
}

/// Every value of an `AWS` principal.
pub(crate) fn named(policy: &Value) -> Vec<String> {
    let mut names = Vec::new();
    for_each(&mut policy.clone(), &mut |text| names.push(text.clone()));
    names
}

/// Visits every value of an `AWS` principal.
pub(crate) fn for_each(policy: &mut Value, visit: &mut dyn FnMut(&mut String)) {
    let statements = match policy.get_mut("Statement") {
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
                Some(Value::Array(list)) => {
                    for item in list {
                        if let Value::String(text) = item {
                            visit(text);
                        }
                    }
                }
                _ => {}
            }
        }
    }
}

/// The statements of a policy, of which there may be one without a list.
pub(crate) fn statements(policy: &Value) -> impl Iterator<Item = &Value> {
    match policy.get("Statement") {
        Some(Value::Array(list)) => list.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    }
    .iter()
}

/// The texts of a value that is one text or a list of them.
pub(crate) fn texts(value: Option<&Value>) -> Vec<&str> {
    match value {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
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
