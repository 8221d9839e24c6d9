//! What is asked for and comes to nothing: an empty list, an empty text.

use crate::world::{applied, desired, plan};
use provisioner::model::{Documents, Purpose, companions};
use provisioner::plan::Observed;
use serde_json::Value;

#[test]
fn what_is_empty_is_not_written_where_nothing_stands() {
    for empty in [
        "data.notifications = {}",
        "data.cors = []",
        "role.description = \"\"",
    ] {
        let wanted = desired(empty);
        let first = plan(&wanted, &Observed::default());
        let parts = first.changes.iter().map(|change| change.part.as_str());
        assert!(
            !parts
                .clone()
                .any(|part| ["notifications", "cors"].contains(&part)),
            "{empty}: {:?}",
            parts.collect::<Vec<_>>()
        );
        let second = plan(&wanted, &applied(&wanted));
        assert_eq!(second.changes, [], "{empty}");
    }
}

/// Source: S3 user guide, "Inventory list": without a prefix lists begin with the bucket's name.
#[test]
fn an_inventory_without_a_prefix_may_be_written_at_the_top_of_its_bucket() {
    let ours = desired(r#"data.inventory = [{ id = "a", destination_prefix = "" }]"#);
    let documents = Documents::render(&ours).unwrap();
    let logs = documents.bucket_policy(Purpose::Logs).unwrap();
    assert_eq!(allowed(logs), [format!("{}/*", logs_arn(&ours))]);

    let theirs = desired(
        r#"data.inventory = [{ id = "a", destination_prefix = "", destination = "lists" }]"#,
    );
    let companion = companions(&theirs).unwrap().remove(0);
    assert_eq!(allowed(&companion.document), ["arn:aws:s3:::lists/*"]);
}

fn logs_arn(desired: &provisioner::model::Desired) -> String {
    format!(
        "arn:aws:s3:::{}",
        desired.bucket(Purpose::Logs).unwrap().name
    )
}

/// The resources of the statements that allow.
fn allowed(policy: &Value) -> Vec<String> {
    let statements = policy["Statement"].as_array().unwrap();
    let allowing = statements.iter().filter(|s| s["Effect"] == "Allow");
    allowing
        .map(|s| s["Resource"].as_str().unwrap().to_string())
        .collect()
}
