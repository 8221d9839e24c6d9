//! Inventories: several per bucket, each with its own id.

use super::bucket::value_of;
use super::{Draft, Standing, change};
use crate::model::{DesiredBucket, OUR_ID_PREFIX};
use crate::plan::change::{Action, FindingKind, Resource};
use crate::plan::observed::ObservedBucket;
use crate::plan::same;
use crate::plan::setting::{Field, InventoryDoc, Setting};
use crate::plan::step::Step;
use crate::plan::wanted::{self, Origin};
use types::Partition;

pub(super) fn diff(
    draft: &mut Draft<'_>,
    bucket: &DesiredBucket,
    resource: &Resource,
    observed: Option<&ObservedBucket>,
    standing: &Standing,
) {
    let partition = draft
        .desired
        .aws()
        .map_or(Partition::Aws, |(partition, _)| partition);
    let there: &[InventoryDoc] = observed
        .and_then(|o| o.inventories.known())
        .map_or(&[], Vec::as_slice);
    for wanted in &bucket.inventories {
        let after = wanted::inventory(wanted, partition);
        let before = there.iter().find(|doc| doc.id == after.id).cloned();
        put_inventory(draft, bucket, resource, before, after, observed.is_some());
    }
    for doc in there {
        if bucket.inventories.iter().any(|wanted| wanted.id == doc.id) {
            continue;
        }
        if doc.id.starts_with(OUR_ID_PREFIX) && standing.origin == Origin::Created {
            remove_inventory(draft, bucket, resource, doc);
        } else {
            let message = format!("beside ours stands: {}", doc.id);
            draft.find(resource, Field::Inventory, FindingKind::Unmanaged, message);
        }
    }
}

fn put_inventory(
    draft: &mut Draft<'_>,
    bucket: &DesiredBucket,
    resource: &Resource,
    before: Option<InventoryDoc>,
    after: InventoryDoc,
    bucket_was_there: bool,
) {
    let wrap = |doc: &InventoryDoc| Setting::Inventory(Box::new(doc.clone()));
    let after_setting = wrap(&after);
    if before
        .as_ref()
        .is_some_and(|before| same::settings(&after_setting, &wrap(before)))
    {
        return;
    }
    let name = bucket.name.to_string();
    let action = if before.is_some() {
        Action::Update
    } else {
        Action::Create
    };
    let part = format!("inventory.{}", after.id);
    let mut change = change(
        resource,
        part,
        action,
        Step::PutSetting {
            bucket: name.clone(),
            setting: after_setting.clone(),
        },
    );
    if bucket_was_there {
        change.inverse = vec![match &before {
            Some(before) => Step::PutSetting {
                bucket: name,
                setting: wrap(before),
            },
            None => Step::RemoveSetting {
                bucket: name,
                field: Field::Inventory,
                id: Some(after.id.clone()),
            },
        }];
    }
    change.before = before.as_ref().map(|b| value_of(&wrap(b)));
    change.after = Some(value_of(&after_setting));
    draft.changes.push(change);
}

fn remove_inventory(
    draft: &mut Draft<'_>,
    bucket: &DesiredBucket,
    resource: &Resource,
    doc: &InventoryDoc,
) {
    let setting = Setting::Inventory(Box::new(doc.clone()));
    let mut change = change(
        resource,
        format!("inventory.{}", doc.id),
        Action::Delete,
        Step::RemoveSetting {
            bucket: bucket.name.to_string(),
            field: Field::Inventory,
            id: Some(doc.id.clone()),
        },
    );
    change.before = Some(value_of(&setting));
    change.inverse = vec![Step::PutSetting {
        bucket: bucket.name.to_string(),
        setting,
    }];
    draft.changes.push(change);
}
