//! The settings of one bucket.

use super::{Draft, Standing, assess, bucket_resource, change, inventory, marked, marked_new};
use crate::model::{DesiredBucket, OUR_ID_PREFIX, Versioning};
use crate::plan::change::{Action, Cause, FindingKind, Resource, Risk};
use crate::plan::observed::{BucketState, ObservedBucket, Read};
use crate::plan::setting::{EncryptionDoc, Field, OWNER_ENFORCED, PublicAccess, Setting};
use crate::plan::step::Step;
use crate::plan::wanted::{self, Origin};
use crate::plan::{policy, same};
use serde_json::Value;

pub(super) fn diff(draft: &mut Draft<'_>, bucket: &DesiredBucket, state: Option<&BucketState>) {
    let resource = bucket_resource(bucket.purpose, bucket.name.as_str());
    match state {
        None | Some(BucketState::Absent) => {
            create(draft, bucket, &resource);
            let fresh = Standing {
                origin: Origin::Created,
                unmanaged: Default::default(),
                untagged: true,
            };
            settings(draft, bucket, &resource, None, &fresh);
        }
        Some(BucketState::TakenByOther(refusal)) if draft.options.claimed.contains(bucket.name.as_str()) => draft.block(
            &resource,
            format!("it was made here, and now a policy keeps this caller out ({refusal})"),
            "look for a Deny in the bucket policy; ours refuses everything that comes without TLS, so it takes an https endpoint".to_string(),
        ),
        Some(BucketState::TakenByOther(refusal)) => draft.block(
            &resource,
            format!("somebody else has the name, or a policy keeps this caller out ({refusal})"),
            "choose another name, or namespace = \"account_regional\", where nobody else can take it".to_string(),
        ),
        Some(BucketState::Elsewhere(region)) => draft.block(
            &resource,
            format!("the bucket stands in {region}, not in {}", draft.desired.region),
            format!("set region = \"{region}\", or choose another name"),
        ),
        Some(BucketState::Present(observed)) => {
            let name = bucket.name.as_str();
            if let Some(standing) = draft.standing(&resource, name, &observed.tags) {
                settings(draft, bucket, &resource, Some(observed), &standing);
            }
        }
    }
}

fn create(draft: &mut Draft<'_>, bucket: &DesiredBucket, resource: &Resource) {
    let mut creation = change(
        resource,
        "itself",
        Action::Create,
        Step::CreateBucket {
            bucket: bucket.name.to_string(),
            region: draft.desired.region.to_string(),
            namespace: bucket.namespace,
            object_lock: bucket.object_lock.is_some(),
            tags: marked_new(&bucket.tags),
        },
    );
    creation.inverse = vec![Step::DeleteBucket {
        bucket: bucket.name.to_string(),
    }];
    draft.changes.push(creation);
}

fn settings(
    draft: &mut Draft<'_>,
    bucket: &DesiredBucket,
    resource: &Resource,
    observed: Option<&ObservedBucket>,
    standing: &Standing,
) {
    for field in Field::ALL {
        if let Some(observed) = observed {
            if let Some(reason) = observed.unreadable(field) {
                if is_wanted(draft, bucket, field) {
                    let message = format!("it cannot be read, so it was not touched: {reason}");
                    draft.find(resource, field, FindingKind::Unreadable, message);
                }
                continue;
            }
            if observed.unsupported(field) {
                if is_wanted(draft, bucket, field) {
                    let message = "this store does not have it".to_string();
                    draft.find(resource, field, FindingKind::Unsupported, message);
                }
                continue;
            }
        }
        if standing.unmanaged.contains(&field) {
            let message = "left as it is, as agreed when the bucket was taken over".to_string();
            draft.find(resource, field, FindingKind::Unmanaged, message);
            continue;
        }
        if field == Field::Inventory {
            inventory::diff(draft, bucket, resource, observed, standing);
        } else {
            one(draft, bucket, resource, field, observed, standing);
        }
    }
}

/// Whether the specification asks for anything in `field`.
fn is_wanted(draft: &Draft<'_>, bucket: &DesiredBucket, field: Field) -> bool {
    match field {
        Field::PublicAccessBlock | Field::Tags | Field::Ownership | Field::Lifecycle => true,
        Field::Policy => draft.documents.bucket_policy(bucket.purpose).is_some(),
        Field::Versioning => bucket.versioning.is_some(),
        Field::Encryption => wanted::encryption(bucket, None).is_some(),
        Field::ObjectLock => bucket.object_lock.is_some(),
        Field::Cors => bucket.cors.is_some(),
        Field::Logging => bucket.logging.is_some(),
        Field::Notifications => bucket.notifications.is_some(),
        Field::Inventory => !bucket.inventories.is_empty(),
    }
}

fn one(
    draft: &mut Draft<'_>,
    bucket: &DesiredBucket,
    resource: &Resource,
    field: Field,
    observed: Option<&ObservedBucket>,
    standing: &Standing,
) {
    let before = observed.and_then(|o| current(o, field));
    let Some(after) = target(draft, bucket, field, observed, standing) else {
        not_asked_for(draft, resource, field, before.as_ref());
        return;
    };
    report_foreign(draft, bucket, resource, field, observed, standing.origin);
    if field == Field::Policy && standing.origin == Origin::Adopted {
        report_open_doors(draft, resource, observed);
    }
    if before
        .as_ref()
        .is_some_and(|before| same::settings(&after, before))
    {
        return;
    }
    if before.is_none() && matches!(&after, Setting::Notifications(doc) if doc.is_empty()) {
        return;
    }
    if matches!(&after, Setting::Cors(rules) if rules.is_empty()) {
        remove(draft, resource, bucket, field, before);
        return;
    }
    let name = bucket.name.to_string();
    let action = if before.is_some() {
        Action::Update
    } else {
        Action::Create
    };
    let step = Step::PutSetting {
        bucket: name.clone(),
        setting: after.clone(),
    };
    let mut change = change(resource, field, action, step);
    if standing.untagged && standing.origin == Origin::Adopted {
        change.cause = Cause::Adopted;
    }
    assess::assess(
        &mut change.risk,
        &mut change.notes,
        before.as_ref(),
        &after,
        standing,
    );
    // A bucket that is made in the same run is undone as a whole.
    if observed.is_some() {
        change.inverse = inverse(&name, field, before.as_ref());
    }
    change.before = before.as_ref().map(value_of);
    change.asked = target(draft, bucket, field, None, standing)
        .filter(|asked| *asked != after)
        .map(|asked| value_of(&asked));
    change.after = Some(value_of(&after));
    draft.changes.push(change);
}

fn remove(
    draft: &mut Draft<'_>,
    resource: &Resource,
    bucket: &DesiredBucket,
    field: Field,
    before: Option<Setting>,
) {
    let Some(before) = before else { return };
    let step = Step::RemoveSetting {
        bucket: bucket.name.to_string(),
        field,
        id: None,
    };
    let mut change = change(resource, field, Action::Delete, step);
    change.risk = Risk::Medium;
    change.before = Some(value_of(&before));
    change.inverse = vec![Step::PutSetting {
        bucket: bucket.name.to_string(),
        setting: before,
    }];
    draft.changes.push(change);
}

/// What stands there, when something does.
pub(crate) fn current(observed: &ObservedBucket, field: Field) -> Option<Setting> {
    fn set<T: Clone>(read: &Read<Option<T>>) -> Option<T> {
        read.known().and_then(Clone::clone)
    }
    match field {
        Field::PublicAccessBlock => set(&observed.public_access).map(Setting::PublicAccessBlock),
        Field::Tags => observed
            .tags
            .known()
            .filter(|tags| !tags.is_empty())
            .cloned()
            .map(Setting::Tags),
        Field::Policy => set(&observed.policy).map(Setting::Policy),
        Field::Ownership => set(&observed.ownership).map(Setting::Ownership),
        Field::Versioning => set(&observed.versioning).map(Setting::Versioning),
        Field::Encryption => set(&observed.encryption).map(Setting::Encryption),
        Field::ObjectLock => set(&observed.object_lock).map(Setting::ObjectLock),
        Field::Lifecycle => set(&observed.lifecycle)
            .filter(|doc| !doc.rules.is_empty())
            .map(Setting::Lifecycle),
        Field::Cors => set(&observed.cors)
            .filter(|rules| !rules.is_empty())
            .map(Setting::Cors),
        Field::Logging => set(&observed.logging).map(Setting::Logging),
        Field::Notifications => observed
            .notifications
            .known()
            .filter(|doc| !doc.is_empty())
            .cloned()
            .map(Setting::Notifications),
        Field::Inventory => None,
    }
}

/// What shall stand there, with everything that must survive; `None` when nothing is asked for.
fn target(
    draft: &Draft<'_>,
    bucket: &DesiredBucket,
    field: Field,
    observed: Option<&ObservedBucket>,
    standing: &Standing,
) -> Option<Setting> {
    let known = |read: Option<&Read<Option<Value>>>| {
        read.and_then(Read::known).and_then(Option::as_ref).cloned()
    };
    match field {
        Field::PublicAccessBlock => {
            let there = observed.and_then(|o| *o.public_access.known()?);
            Some(Setting::PublicAccessBlock(public_access(
                draft, there, standing,
            )))
        }
        Field::Tags => {
            let mut tags = observed
                .and_then(|o| o.tags.known())
                .cloned()
                .unwrap_or_default();
            tags.extend(marked(&bucket.tags, standing));
            Some(Setting::Tags(tags))
        }
        Field::Policy => draft.documents.bucket_policy(bucket.purpose).map(|ours| {
            let there = known(observed.map(|o| &o.policy));
            let keeps_all = standing.origin == Origin::Adopted;
            Setting::Policy(policy::merged(ours, there.as_ref(), keeps_all))
        }),
        Field::Ownership => Some(Setting::Ownership(OWNER_ENFORCED.to_string())),
        Field::Versioning => bucket.versioning.map(Setting::Versioning),
        Field::Encryption => {
            let there = observed.and_then(|o| o.encryption.known());
            wanted::encryption(bucket, there.and_then(Option::as_ref)).map(Setting::Encryption)
        }
        Field::ObjectLock => bucket
            .object_lock
            .map(|lock| Setting::ObjectLock(Some(lock))),
        Field::Lifecycle => {
            let there = observed.and_then(|o| o.lifecycle.known());
            Some(Setting::Lifecycle(wanted::lifecycle(
                &bucket.lifecycle,
                there.and_then(Option::as_ref),
                standing.origin,
            )))
        }
        Field::Cors => bucket.cors.clone().map(Setting::Cors),
        Field::Logging => bucket
            .logging
            .as_ref()
            .map(|logging| Setting::Logging(wanted::logging(logging))),
        Field::Notifications => bucket.notifications.as_ref().map(|notifications| {
            let there = observed
                .and_then(|o| o.notifications.known())
                .cloned()
                .unwrap_or_default();
            Setting::Notifications(wanted::notifications(notifications, &there))
        }),
        Field::Inventory => None,
    }
}

/// What its owner blocks of an adopted bucket stays blocked.
fn public_access(
    draft: &Draft<'_>,
    there: Option<PublicAccess>,
    standing: &Standing,
) -> PublicAccess {
    match draft.desired.aws() {
        Some(_) => PublicAccess::BLOCKED,
        None => PublicAccess {
            block_public_acls: standing.origin == Origin::Adopted
                && there.is_some_and(|there| there.block_public_acls),
            ..PublicAccess::IGNORED
        },
    }
}

/// Something stands where the specification says nothing.
fn not_asked_for(
    draft: &mut Draft<'_>,
    resource: &Resource,
    field: Field,
    before: Option<&Setting>,
) {
    let (kind, message) = match before {
        None => return,
        Some(Setting::Encryption(doc)) if is_aws_default(doc) => (
            FindingKind::AwsDefault,
            "AWS encrypts with SSE-S3 by itself; that stays".to_string(),
        ),
        Some(_) => (
            FindingKind::Unmanaged,
            "it is set, the specification does not mention it, and it stays".to_string(),
        ),
    };
    draft.find(resource, field, kind, message);
}

fn is_aws_default(doc: &EncryptionDoc) -> bool {
    doc.algorithm == "AES256"
}

/// What others put beside ours, and stays: what goes is part of a change.
fn report_foreign(
    draft: &mut Draft<'_>,
    bucket: &DesiredBucket,
    resource: &Resource,
    field: Field,
    observed: Option<&ObservedBucket>,
    origin: Origin,
) {
    let Some(observed) = observed else { return };
    let keeps_all = origin == Origin::Adopted;
    let names: Vec<String> = match field {
        Field::Policy => {
            let there = observed.policy.known().and_then(Option::as_ref);
            draft
                .documents
                .bucket_policy(bucket.purpose)
                .map(|ours| policy::foreign_names(ours, there, keeps_all))
                .unwrap_or_default()
        }
        Field::Notifications => observed
            .notifications
            .known()
            .into_iter()
            .flat_map(|doc| &doc.entries)
            .map(|entry| entry.id.clone().unwrap_or_default())
            .filter(|id| !id.starts_with(OUR_ID_PREFIX))
            .collect(),
        Field::Lifecycle if keeps_all => observed
            .lifecycle
            .known()
            .and_then(Option::as_ref)
            .into_iter()
            .flat_map(|doc| &doc.rules)
            .map(|rule| rule.id.clone())
            .filter(|id| !id.starts_with(OUR_ID_PREFIX))
            .collect(),
        _ => Vec::new(),
    };
    if field == Field::Policy {
        let there = observed.policy.known().and_then(Option::as_ref);
        for id in there.map(policy::dead_principals).unwrap_or_default() {
            let message = format!(
                "{id} is the id of a principal that was deleted: if it was made again under its old name, what names it does not mean the new one"
            );
            draft.find(resource, field, FindingKind::Unmanaged, message);
        }
    }
    if !names.is_empty() {
        let message = format!("beside ours stands: {}", names.join(", "));
        draft.find(resource, field, FindingKind::Unmanaged, message);
    }
}

/// Statements of others that stay although they let anyone in.
fn report_open_doors(
    draft: &mut Draft<'_>,
    resource: &Resource,
    observed: Option<&ObservedBucket>,
) {
    let there = observed.and_then(|o| o.policy.known()?.as_ref());
    let owner = draft.desired.aws().map(|(_, account)| account.clone());
    for door in there
        .map(|t| policy::open_doors(t, owner.as_ref()))
        .unwrap_or_default()
    {
        draft.find(resource, Field::Policy, FindingKind::Attention, door);
    }
}

/// The calls that bring the old value back. Public access and ownership are only ever tightened,
/// default encryption is never deleted: a value that was never set stays as it is now.
fn inverse(bucket: &str, field: Field, before: Option<&Setting>) -> Vec<Step> {
    let bucket = bucket.to_string();
    if let Some(before) = before {
        return vec![Step::PutSetting {
            bucket,
            setting: before.clone(),
        }];
    }
    match field {
        Field::PublicAccessBlock | Field::Ownership | Field::Encryption | Field::ObjectLock => {
            Vec::new()
        }
        Field::Versioning => vec![Step::PutSetting {
            bucket,
            setting: Setting::Versioning(Versioning::Suspended),
        }],
        _ => vec![Step::RemoveSetting {
            bucket,
            field,
            id: None,
        }],
    }
}

/// The value of a setting alone, for people and machines that read plans.
pub(super) fn value_of(setting: &Setting) -> Value {
    let whole = serde_json::to_value(setting).expect("settings have string keys only");
    whole.get("value").cloned().unwrap_or(Value::Null)
}
