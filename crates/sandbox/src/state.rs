//! What an account holds, as one value that can be compared.
//!
//! Whatever differs between two sandboxes that were set up alike is left out: unique ids, dates,
//! keys. Order is left out too, where AWS gives it no meaning.

use crate::disk::{BucketRecord, Store};
use crate::document::Document;
use crate::iam::Account;
use crate::node::Node;
use serde_json::{Map, Value, json};

/// The state of `account`.
pub(crate) fn of(account: &Account, store: &Store) -> Value {
    let buckets = store.buckets();
    let own = buckets.iter().filter(|bucket| bucket.owner == account.id);
    json!({
        "buckets": own.map(|record| (record.name.clone(), bucket(record))).collect::<Map<_, _>>(),
        "roles": account.roles.values().map(|role| (
            role.arn.name().to_string(),
            json!({
                "path": role.arn.path(),
                "trust": document(&role.trust),
                "description": role.description,
                "max_session": role.max_session,
                "inline": role.permissions.inline.iter()
                    .map(|(name, policy)| (name.clone(), document(policy)))
                    .collect::<Map<_, _>>(),
                "attached": role.permissions.attached,
                "boundary": role.permissions.boundary,
                "tags": role.tags,
            }),
        )).collect::<Map<_, _>>(),
        "policies": account.policies.values().map(|policy| (
            policy.name.clone(),
            json!({
                "path": policy.path,
                "document": policy.versions.get(&policy.default)
                    .map(|version| document(&version.document)),
                "description": policy.description,
                "tags": policy.tags,
            }),
        )).collect::<Map<_, _>>(),
        "instance_profiles": account.profiles.values().map(|profile| (
            profile.name.clone(),
            json!({"path": profile.path, "role": profile.role, "tags": profile.tags}),
        )).collect::<Map<_, _>>(),
    })
}

fn bucket(bucket: &BucketRecord) -> Value {
    let settings = bucket
        .settings
        .iter()
        .map(|(name, node)| (name.clone(), tree(node)))
        .collect::<Map<_, _>>();
    let numbered = bucket
        .numbered
        .iter()
        .filter(|(_, by_id)| !by_id.is_empty())
        .map(|(name, by_id)| {
            let by_id = by_id.iter().map(|(id, node)| (id.clone(), tree(node)));
            (name.clone(), Value::Object(by_id.collect()))
        })
        .collect::<Map<_, _>>();
    json!({
        "region": bucket.region,
        "object_lock": bucket.object_lock,
        "policy": bucket.policy.as_ref().map(document),
        "settings": settings,
        "numbered": numbered,
    })
}

fn document(document: &Document) -> Value {
    serde_json::from_str(document.text()).unwrap_or(Value::Null)
}

/// A text, or the children by name, each name's children sorted.
fn tree(node: &Node) -> Value {
    if node.children.is_empty() {
        return Value::String(node.text.clone());
    }
    let mut by_name = Map::new();
    for child in &node.children {
        let list = by_name
            .entry(child.name.clone())
            .or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(list) = list {
            list.push(tree(child));
        }
    }
    for list in by_name.values_mut() {
        if let Value::Array(list) = list {
            list.sort_by_key(Value::to_string);
        }
    }
    Value::Object(by_name)
}

#[cfg(test)]
mod tests {
    use super::tree;
    use crate::node::Node;

    #[test]
    fn the_order_of_elements_does_not_matter() {
        let of = |text: &str| tree(&Node::parse(text.as_bytes()).unwrap());
        let one = of("<A><T><K>1</K><V>x</V></T><T><K>2</K></T><S>on</S></A>");
        let other = of("<A><S>on</S><T><K>2</K></T><T><V>x</V><K>1</K></T></A>");
        assert_eq!(one, other);
        assert_ne!(
            one,
            of("<A><S>on</S><T><K>2</K></T><T><V>y</V><K>1</K></T></A>")
        );
    }
}
