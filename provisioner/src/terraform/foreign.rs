//! What Terraform would take away from others. The direct way merges with what they have set;
//! Terraform replaces it, and marks as made here what was taken over.

use super::bucket::told;
use crate::model::{Desired, DesiredBucket, ORIGIN_TAG, Purpose, is_our_tag};
use crate::plan::{
    Blocker, BucketState, Field, Finding, FindingKind, Observed, ObservedBucket, Plan, Read,
    Resource,
};
use std::collections::BTreeMap;

type Tags = BTreeMap<String, String>;

/// Why Terraform is not to work on what is there. `direct` is the plan of the direct way, whose
/// findings say what stays; `held` whether Terraform has this set-up in its state already.
pub fn in_the_way(
    desired: &Desired,
    observed: &Observed,
    direct: &Plan,
    held: bool,
) -> Vec<Blocker> {
    let mut blockers = Vec::new();
    for bucket in &desired.buckets {
        let Some(BucketState::Present(there)) = observed.buckets.get(&bucket.purpose) else {
            continue;
        };
        let resource = Resource::Bucket {
            purpose: bucket.purpose,
            name: bucket.name.to_string(),
        };
        of_tags(&mut blockers, &resource, &there.tags, &bucket.tags, held);
        blockers.extend(beside_ours(bucket, direct));
        blockers.extend(event_bridge(bucket, there).map(|what| replaced(&resource, what)));
    }
    if let (Some(role), Some(there)) = (&desired.role, &observed.role) {
        let name = role.arn.name().to_string();
        let resource = Resource::Role { name };
        of_tags(&mut blockers, &resource, &there.tags, &role.tags, held);
    }
    blockers
}

fn of_tags(
    blockers: &mut Vec<Blocker>,
    resource: &Resource,
    there: &Read<Tags>,
    wanted: &Tags,
    held: bool,
) {
    let Read::Known(there) = there else { return };
    if there
        .get(ORIGIN_TAG)
        .is_some_and(|origin| origin == "adopted")
    {
        blockers.push(Blocker {
            resource: resource.clone(),
            message: "it was taken over, and Terraform would replace what its owner has set, and delete it with the rest".to_string(),
            hint: "leave --via terraform out".to_string(),
        });
        return;
    }
    let foreign: Vec<&str> = there
        .keys()
        .map(String::as_str)
        .filter(|key| !is_our_tag(key) && !key.starts_with("aws:") && !wanted.contains_key(*key))
        .collect();
    // What Terraform has made itself, it may remove.
    if !foreign.is_empty() && !held {
        blockers.push(Blocker {
            resource: resource.clone(),
            message: format!("Terraform would remove the tags {}", foreign.join(", ")),
            hint: "write them into `tags` of the specification, or leave --via terraform out"
                .to_string(),
        });
    }
}

/// Denials and notifications of others, which the direct way keeps.
fn beside_ours(bucket: &DesiredBucket, direct: &Plan) -> Vec<Blocker> {
    let replaces = |finding: &&Finding| {
        let part = finding.part.as_str();
        finding.kind == FindingKind::Unmanaged
            && is_of(&finding.resource, bucket.purpose)
            && (part == Field::Policy.as_str()
                || part == Field::Notifications.as_str() && told(bucket).is_some())
    };
    let findings = direct.findings.iter().filter(replaces);
    findings
        .map(|finding| {
            replaced(
                &finding.resource,
                format!("{} ({})", finding.part, finding.message),
            )
        })
        .collect()
}

fn is_of(resource: &Resource, wanted: Purpose) -> bool {
    matches!(resource, Resource::Bucket { purpose, .. } if *purpose == wanted)
}

/// Somebody has switched it on, and a configuration without it switches it off.
fn event_bridge(bucket: &DesiredBucket, there: &ObservedBucket) -> Option<String> {
    let wanted = told(bucket)?;
    let Read::Known(there) = &there.notifications else {
        return None;
    };
    (there.event_bridge && !wanted.event_bridge)
        .then(|| "notifications (EventBridge is on)".to_string())
}

fn replaced(resource: &Resource, what: String) -> Blocker {
    Blocker {
        resource: resource.clone(),
        message: format!("Terraform would remove what others have set: {what}"),
        hint: "write it into the specification, or leave --via terraform out".to_string(),
    }
}
