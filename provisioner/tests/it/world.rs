//! A world in memory that steps change: the simplest thing that a plan can be tried against.

use provisioner::model::{
    Desired, Documents, FileFormat, Purpose, TenantSpec, compile, read_tenants,
};
use provisioner::plan::{
    BucketState, DiffOptions, Field, IamResource, Observed, ObservedBucket, ObservedPolicy,
    ObservedProfile, ObservedRole, Plan, Read, Setting, Step, diff,
};
use serde_json::json;
use std::collections::BTreeMap;

pub(crate) const MINIMAL: &str = r#"
    org_id = "acme"
    project = "pulse"
    region = "eu-central-1"
    account = "222222222222"
    role.vendor_role = "arn:aws:iam::111111111111:role/byos-gateway"
"#;

pub(crate) fn spec(extra: &str) -> TenantSpec {
    let text = format!("{MINIMAL}\n{extra}");
    read_tenants(&text, FileFormat::Toml).unwrap().remove(0)
}

pub(crate) fn desired(extra: &str) -> Desired {
    compile(&spec(extra), None).unwrap()
}

/// Documents of the right shape; their content is the business of the crate `policies`.
pub(crate) fn documents(desired: &Desired) -> Documents {
    let statement = |sid: &str| json!([{"Sid": sid, "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}]);
    Documents {
        trust: Some(json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": desired.external_id.as_str()}}}]})),
        permission: Some(json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": "s3:GetObject", "Resource": format!("arn:aws:s3:::{}/*", desired.data().name)}]})),
        buckets: desired
            .buckets
            .iter()
            .map(|b| (b.purpose, json!({"Version": "2012-10-17", "Statement": statement("DenyInsecureTransport")})))
            .collect(),
    }
}

pub(crate) fn plan(desired: &Desired, world: &Observed) -> Plan {
    plan_with(desired, world, &DiffOptions::default())
}

pub(crate) fn plan_with(desired: &Desired, world: &Observed, options: &DiffOptions) -> Plan {
    diff(desired, &documents(desired), world, options)
}

/// The world after everything was applied once.
pub(crate) fn applied(desired: &Desired) -> Observed {
    let mut world = Observed::default();
    run(
        desired,
        &mut world,
        plan(desired, &Observed::default())
            .changes
            .iter()
            .map(|c| &c.step),
    );
    world
}

pub(crate) fn run<'a>(
    desired: &Desired,
    world: &mut Observed,
    steps: impl Iterator<Item = &'a Step>,
) {
    for step in steps {
        step_into(desired, world, step);
    }
}

pub(crate) fn bucket(world: &mut Observed, purpose: Purpose) -> &mut ObservedBucket {
    match world.buckets.get_mut(&purpose) {
        Some(BucketState::Present(bucket)) => bucket,
        other => panic!("no {purpose} bucket, but {other:?}"),
    }
}

fn purpose_of(desired: &Desired, name: &str) -> Purpose {
    desired
        .buckets
        .iter()
        .find(|b| b.name.as_str() == name)
        .unwrap()
        .purpose
}

pub(crate) fn step_into(desired: &Desired, world: &mut Observed, step: &Step) {
    match step {
        Step::CreateBucket {
            bucket,
            tags,
            object_lock,
            ..
        } => {
            let fresh = ObservedBucket {
                tags: Read::Known(tags.clone()),
                object_lock: Read::Known(object_lock.then_some(None)),
                ..ObservedBucket::default()
            };
            world.buckets.insert(
                purpose_of(desired, bucket),
                BucketState::Present(Box::new(fresh)),
            );
        }
        Step::PutSetting { bucket, setting } => {
            put(self::bucket(world, purpose_of(desired, bucket)), setting);
        }
        Step::RemoveSetting { bucket, field, id } => {
            remove(
                self::bucket(world, purpose_of(desired, bucket)),
                *field,
                id.as_deref(),
            );
        }
        Step::EmptyBucket { .. } => {}
        Step::DeleteBucket { bucket } => {
            world
                .buckets
                .insert(purpose_of(desired, bucket), BucketState::Absent);
        }
        _ => iam_step(world, step),
    }
}

fn put(bucket: &mut ObservedBucket, setting: &Setting) {
    match setting.clone() {
        Setting::PublicAccessBlock(v) => bucket.public_access = Read::Known(Some(v)),
        Setting::Tags(v) => bucket.tags = Read::Known(v),
        Setting::Policy(v) => {
            assert!(
                matches!(bucket.public_access, Read::Known(Some(_))),
                "a policy is put before public access is blocked"
            );
            bucket.policy = Read::Known(Some(v));
        }
        Setting::Ownership(v) => bucket.ownership = Read::Known(Some(v)),
        Setting::Versioning(v) => bucket.versioning = Read::Known(Some(v)),
        Setting::Encryption(v) => bucket.encryption = Read::Known(Some(v)),
        Setting::ObjectLock(v) => bucket.object_lock = Read::Known(Some(v)),
        Setting::Lifecycle(v) => bucket.lifecycle = Read::Known(Some(v)),
        Setting::Cors(v) => bucket.cors = Read::Known(Some(v)),
        Setting::Logging(v) => bucket.logging = Read::Known(Some(v)),
        Setting::Notifications(v) => bucket.notifications = Read::Known(v),
        Setting::Inventory(v) => {
            let mut all = bucket.inventories.known().unwrap().clone();
            all.retain(|i| i.id != v.id);
            all.push(*v);
            bucket.inventories = Read::Known(all);
        }
    }
}

fn remove(bucket: &mut ObservedBucket, field: Field, id: Option<&str>) {
    match field {
        Field::PublicAccessBlock => panic!("public access may never be unblocked"),
        Field::Encryption => panic!("default encryption may never be deleted"),
        Field::Tags => bucket.tags = Read::default(),
        Field::Policy => bucket.policy = Read::default(),
        Field::Ownership => bucket.ownership = Read::default(),
        Field::Versioning => bucket.versioning = Read::default(),
        Field::ObjectLock => panic!("object lock cannot be removed"),
        Field::Lifecycle => bucket.lifecycle = Read::default(),
        Field::Cors => bucket.cors = Read::default(),
        Field::Logging => bucket.logging = Read::default(),
        Field::Notifications => bucket.notifications = Read::default(),
        Field::Inventory => {
            let mut all = bucket.inventories.known().unwrap().clone();
            all.retain(|i| Some(i.id.as_str()) != id);
            bucket.inventories = Read::Known(all);
        }
    }
}

fn iam_step(world: &mut Observed, step: &Step) {
    match step.clone() {
        Step::CreateRole {
            role,
            path,
            trust,
            description,
            max_session_seconds,
            boundary,
            tags,
        } => {
            assert!(world.role.is_none(), "EntityAlreadyExists");
            world.role = Some(ObservedRole {
                arn: format!("arn:aws:iam::222222222222:role{path}{role}"),
                id: "AROAEXAMPLE".to_string(),
                trust,
                max_session_seconds,
                description,
                boundary,
                tags: Read::Known(tags),
                inline: Read::default(),
                attached: Read::default(),
                profiles: Read::default(),
            });
        }
        Step::CreatePolicy {
            arn,
            document,
            tags,
            ..
        } => {
            assert!(world.policy.is_none(), "EntityAlreadyExists");
            world.policy = Some(ObservedPolicy {
                arn,
                default_version: "v1".to_string(),
                document,
                versions: vec!["v1".to_string()],
                tags: Read::Known(tags),
            });
        }
        Step::CreatePolicyVersion { document, .. } => {
            let policy = world.policy.as_mut().unwrap();
            assert!(policy.versions.len() < 5, "LimitExceeded");
            let next = policy
                .versions
                .iter()
                .map(|v| v[1..].parse::<u32>().unwrap())
                .max()
                .unwrap()
                + 1;
            policy.versions.push(format!("v{next}"));
            policy.default_version = format!("v{next}");
            policy.document = document;
        }
        Step::SetDefaultPolicyVersion { version, .. } => {
            world.policy.as_mut().unwrap().default_version = version
        }
        Step::DeletePolicyVersion { version, .. } => {
            let policy = world.policy.as_mut().unwrap();
            let version = version.unwrap_or_else(|| policy.versions.last().unwrap().clone());
            assert_ne!(policy.default_version, version, "DeleteConflict");
            policy.versions.retain(|v| *v != version);
        }
        Step::DeletePolicy { arn } => {
            assert_eq!(
                world.policy.as_ref().unwrap().versions.len(),
                1,
                "DeleteConflict"
            );
            let attached = world
                .role
                .as_ref()
                .and_then(|r| r.attached.known())
                .is_some_and(|a| a.contains(&arn));
            assert!(!attached, "DeleteConflict");
            world.policy = None;
        }
        Step::CreateInstanceProfile { name, tags, .. } => {
            world.instance_profile = Some(ObservedProfile {
                name,
                role: None,
                tags: Read::Known(tags),
            });
        }
        Step::AddRoleToProfile { name, role } => {
            let profile = world.instance_profile.as_mut().unwrap();
            assert!(profile.role.is_none(), "LimitExceeded");
            profile.role = Some(role);
            world.role.as_mut().unwrap().profiles = Read::Known(vec![name]);
        }
        Step::RemoveRoleFromProfile { .. } => {
            world.instance_profile.as_mut().unwrap().role = None;
            if let Some(role) = &mut world.role {
                role.profiles = Read::default();
            }
        }
        Step::DeleteInstanceProfile { .. } => {
            assert!(
                world.instance_profile.as_ref().unwrap().role.is_none(),
                "DeleteConflict"
            );
            world.instance_profile = None;
        }
        Step::Tag { resource, tags } => {
            change_tags(world, &resource, |all| all.extend(tags.clone()))
        }
        Step::Untag { resource, keys } => {
            change_tags(world, &resource, |all| all.retain(|k, _| !keys.contains(k)))
        }
        Step::DeleteRole { .. } => {
            let role = world.role.take().unwrap();
            assert!(
                role.inline.known().unwrap().is_empty(),
                "DeleteConflict: inline"
            );
            assert!(
                role.attached.known().unwrap().is_empty(),
                "DeleteConflict: attached"
            );
            assert!(
                role.profiles.known().unwrap().is_empty(),
                "DeleteConflict: profile"
            );
        }
        other => role_step(world.role.as_mut().unwrap(), other),
    }
}

fn role_step(there: &mut ObservedRole, step: Step) {
    let mut inline = there.inline.known().unwrap().clone();
    let mut attached = there.attached.known().unwrap().clone();
    match step {
        Step::UpdateTrust { trust, .. } => there.trust = trust,
        Step::UpdateRole {
            description,
            max_session_seconds,
            ..
        } => {
            there.description = description;
            there.max_session_seconds = max_session_seconds;
        }
        Step::PutBoundary { boundary, .. } => there.boundary = Some(boundary),
        Step::DeleteBoundary { .. } => there.boundary = None,
        Step::PutInlinePolicy { name, document, .. } => drop(inline.insert(name, document)),
        Step::DeleteInlinePolicy { name, .. } => drop(inline.remove(&name).unwrap()),
        Step::AttachPolicy { arn, .. } => attached.push(arn),
        Step::DetachPolicy { arn, .. } => attached.retain(|a| *a != arn),
        other => panic!("no step of a role: {other:?}"),
    }
    there.inline = Read::Known(inline);
    there.attached = Read::Known(attached);
}

fn change_tags(
    world: &mut Observed,
    resource: &IamResource,
    change: impl FnOnce(&mut BTreeMap<String, String>),
) {
    let tags = match resource {
        IamResource::Role(_) => &mut world.role.as_mut().unwrap().tags,
        IamResource::Policy(_) => &mut world.policy.as_mut().unwrap().tags,
        IamResource::InstanceProfile(_) => &mut world.instance_profile.as_mut().unwrap().tags,
    };
    let mut all = tags.known().unwrap().clone();
    change(&mut all);
    *tags = Read::Known(all);
}
