//! What a plan does, tried against a world in memory.

use crate::world::{applied, bucket, desired, plan, plan_with, run};
use proptest::prelude::*;
use provisioner::model::{OWNER_TAG, Purpose};
use provisioner::plan::{
    Adoption, BucketState, Cause, Contents, DestinationKind, DestroyOptions, DiffOptions,
    EncryptionDoc, Field, FindingKind, LifecycleDoc, NotificationDoc, NotificationsDoc, Observed,
    ObservedBucket, PublicAccess, Read, Risk, RuleDoc, Setting, Step, destroy,
};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

const RICH: &str = r#"
    tags = { team = "storage" }
    data.versioning = "enabled"
    data.encryption = { kind = "sse_kms", key = "arn:aws:kms:eu-central-1:222222222222:key/k1" }
    data.cors = [{ origins = ["https://app.example.com"], methods = ["GET"] }]
    data.logging = {}
    data.inventory = [{ id = "weekly", frequency = "weekly" }]
    data.lifecycle = [{ id = "old", expire_days = 90, transitions = [{ days = 30, class = "STANDARD_IA" }] }]
    results.versioning = "enabled"
    results.object_lock = { mode = "governance", days = 7 }
    results.notifications.entries = [{ id = "made", destination = "arn:aws:sqs:eu-central-1:222222222222:q", events = ["s3:ObjectCreated:*"] }]
    role.policy = "managed"
    role.boundary = "arn:aws:iam::222222222222:policy/b"
"#;

const COMPUTE: &str = "role.compute = [\"ec2\", \"ecs_tasks\"]\nrole.policy = \"managed\"";

fn compute() -> provisioner::model::Desired {
    let mut spec = crate::world::spec(COMPUTE);
    spec.role.vendor_role = None;
    provisioner::model::compile(&spec, None).unwrap()
}

fn adopting() -> DiffOptions {
    DiffOptions {
        adoption: Adoption::Take {
            leave: BTreeSet::new(),
        },
        ..DiffOptions::default()
    }
}

#[test]
fn a_second_plan_has_no_changes() {
    for wanted in [desired(""), desired(RICH), compute()] {
        let second = plan(&wanted, &applied(&wanted));
        assert_eq!(second.changes, []);
        assert!(second.is_settled(), "{:?}", second.findings);
    }
}

#[test]
fn an_interruption_after_any_step_converges_on_the_next_run() {
    for wanted in [desired(""), desired(RICH), compute()] {
        let first = plan(&wanted, &Observed::default());
        for cut in 0..=first.changes.len() {
            let mut world = Observed::default();
            run(
                &wanted,
                &mut world,
                first.changes[..cut].iter().map(|c| &c.step),
            );
            let rest = plan(&wanted, &world);
            assert_eq!(rest.blockers, [], "after {cut} steps");
            run(&wanted, &mut world, rest.changes.iter().map(|c| &c.step));
            assert_eq!(world, applied(&wanted), "after {cut} steps");
        }
    }
}

#[test]
fn undoing_every_step_in_reverse_leaves_nothing_behind() {
    for wanted in [desired(""), desired(RICH), compute()] {
        let first = plan(&wanted, &Observed::default());
        for cut in 0..=first.changes.len() {
            let mut world = Observed::default();
            run(
                &wanted,
                &mut world,
                first.changes[..cut].iter().map(|c| &c.step),
            );
            for change in first.changes[..cut].iter().rev() {
                run(&wanted, &mut world, change.inverse.iter());
            }
            world
                .buckets
                .retain(|_, state| *state != BucketState::Absent);
            assert_eq!(world, Observed::default(), "after {cut} steps");
        }
    }
}

#[test]
fn public_access_is_blocked_before_a_policy_is_put_and_versioning_precedes_lifecycle() {
    let wanted = desired(RICH);
    let first = plan(&wanted, &Observed::default());
    for one in &wanted.buckets {
        let order: Vec<String> = first
            .changes
            .iter()
            .filter(|c| c.step.bucket() == Some(one.name.as_str()))
            .map(|c| c.part.clone())
            .collect();
        let at = |part: &str| order.iter().position(|p| p == part).unwrap();
        assert_eq!(at("itself"), 0);
        assert_eq!(at("public_access_block"), 1);
        assert!(at("public_access_block") < at("policy"));
        assert!(at("policy") < at("ownership"));
        if order.contains(&"versioning".to_string()) {
            assert!(at("versioning") < at("lifecycle"));
        }
    }
}

#[test]
fn the_logs_bucket_stands_before_anything_is_delivered_to_it() {
    let first = plan(&desired(RICH), &Observed::default());
    let at = |wanted: &dyn Fn(&Step) -> bool| {
        first.changes.iter().position(|c| wanted(&c.step)).unwrap()
    };
    let policy = at(
        &|s| matches!(s, Step::PutSetting { bucket, setting: Setting::Policy(_) } if bucket.ends_with("-logs")),
    );
    assert!(
        policy
            < at(&|s| matches!(
                s,
                Step::PutSetting {
                    setting: Setting::Logging(_),
                    ..
                }
            ))
    );
    assert!(
        policy
            < at(&|s| matches!(
                s,
                Step::PutSetting {
                    setting: Setting::Inventory(_),
                    ..
                }
            ))
    );
}

#[test]
fn a_bucket_without_our_tag_blocks_the_plan_until_it_is_adopted() {
    let wanted = desired("");
    let mut world = applied(&wanted);
    bucket(&mut world, Purpose::Data).tags = Read::default();
    let refused = plan(&wanted, &world);
    assert_eq!(refused.blockers.len(), 1);
    assert!(refused.blockers[0].hint.contains("adopt"));
    let taken = plan_with(&wanted, &world, &adopting());
    assert_eq!(taken.blockers, []);
    assert_eq!(taken.changes.len(), 1, "only the tags: {:?}", taken.changes);
}

#[test]
fn a_bucket_of_another_tenant_is_never_taken_even_with_consent() {
    let wanted = desired("");
    let mut world = applied(&wanted);
    bucket(&mut world, Purpose::Data).tags = Read::Known(BTreeMap::from([(
        OWNER_TAG.to_string(),
        "pulse/prod/globex".to_string(),
    )]));
    assert_eq!(plan_with(&wanted, &world, &adopting()).blockers.len(), 1);
}

#[test]
fn a_change_by_hand_is_told_apart_from_a_new_specification_beside_what_belongs_to_others() {
    let wanted = desired(RICH);
    let first = plan(&wanted, &Observed::default());
    let remembered: BTreeMap<String, String> = first.applied().collect();
    let foreign = json!({"Sid": "Theirs", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
        "Resource": "arn:aws:s3:::pulse-prod-acme-data/*"});
    let mut world = applied(&wanted);
    let data = bucket(&mut world, Purpose::Data);
    let Read::Known(tags) = &mut data.tags else {
        panic!("no tags");
    };
    tags.remove("team");
    tags.insert("theirs".to_string(), "x".to_string());
    data.policy = Read::Known(Some(
        json!({"Version": "2012-10-17", "Statement": [foreign]}),
    ));
    let role = world.role.as_mut().unwrap();
    role.max_session_seconds = 7_200;
    role.trust = json!({"Version": "2012-10-17", "Statement": []});
    let causes = |wanted| {
        let mut second = plan(wanted, &world);
        second.tell_causes(&remembered);
        let causes = second.changes.into_iter().map(|c| (c.key(), c.cause));
        causes.collect::<BTreeMap<String, Cause>>()
    };
    let by_hand = causes(&wanted);
    assert_eq!(by_hand.len(), 4);
    assert!(
        by_hand.values().all(|cause| *cause == Cause::ChangedByHand),
        "{by_hand:?}"
    );
    let other = RICH
        .replace("team = \"storage\"", "team = \"other\"")
        .replace("days = 7 }", "days = 8 }")
        .replace("policy/b\"", "policy/c\"")
        + "role.description = \"new\"";
    let mut spec = crate::world::spec(&other);
    spec.external_id_prefix = Some("other-".to_string());
    let mut by_specification = causes(&provisioner::model::compile(&spec, None).unwrap());
    let still_by_hand = by_specification.remove("data bucket pulse-prod-acme-data/policy");
    assert_eq!(still_by_hand, Some(Cause::ChangedByHand));
    assert!(by_specification.len() > 8, "{by_specification:?}");
    assert!(
        by_specification
            .values()
            .all(|cause| *cause == Cause::SpecificationChanged),
        "{by_specification:?}"
    );
}

#[test]
fn rules_for_browsers_may_stand_in_any_order_unless_two_answer_the_same_request() {
    let rules = |second: &str| {
        let text = format!(
            r#"data.cors = [
                {{ origins = ["https://a.example.com"], methods = ["GET"] }},
                {{ origins = ["{second}"], methods = ["GET"] }},
            ]"#
        );
        let wanted = desired(&text);
        let mut world = applied(&wanted);
        let bucket = bucket(&mut world, Purpose::Data);
        let Read::Known(Some(rules)) = &mut bucket.cors else {
            panic!("no rules");
        };
        rules.reverse();
        plan(&wanted, &world).changes.len()
    };
    assert_eq!(rules("https://b.example.com"), 0);
    assert_eq!(rules("*"), 1);
}

#[test]
fn adopting_keeps_what_the_customer_had() {
    let wanted = desired("");
    let foreign_rule = RuleDoc {
        id: "theirs".to_string(),
        enabled: true,
        abort_days: Some(3),
        ..RuleDoc::default()
    };
    let theirs = json!({"Version": "2012-10-17", "Statement": [
        {"Sid": "Theirs", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::222222222222:role/x"}, "Action": "s3:GetObject", "Resource": "*"}]});
    let cors = vec![provisioner::model::CorsRule {
        origins: vec!["https://theirs".to_string()],
        methods: vec!["GET".to_string()],
        ..Default::default()
    }];
    let there = ObservedBucket {
        tags: Read::Known(BTreeMap::from([("cost".to_string(), "7".to_string())])),
        policy: Read::Known(Some(theirs)),
        lifecycle: Read::Known(Some(LifecycleDoc {
            rules: vec![foreign_rule.clone()],
            transition_minimum: None,
        })),
        cors: Read::Known(Some(cors.clone())),
        ..ObservedBucket::default()
    };
    let mut world = Observed::default();
    world
        .buckets
        .insert(Purpose::Data, BucketState::Present(Box::new(there)));
    let first = plan_with(&wanted, &world, &adopting());
    run(&wanted, &mut world, first.changes.iter().map(|c| &c.step));
    let after = bucket(&mut world, Purpose::Data);
    assert_eq!(after.tags.known().unwrap()["cost"], "7");
    assert_eq!(after.tags.known().unwrap()["byos:origin"], "adopted");
    assert!(
        after
            .lifecycle
            .known()
            .unwrap()
            .as_ref()
            .unwrap()
            .rules
            .contains(&foreign_rule)
    );
    assert_eq!(after.cors, Read::Known(Some(cors)));
    let policy = after.policy.known().unwrap().as_ref().unwrap().to_string();
    assert!(
        policy.contains("Theirs") && policy.contains("DenyInsecureTransport"),
        "{policy}"
    );
    assert_eq!(plan(&wanted, &world).changes, []);
}

#[test]
fn a_door_that_others_left_open_in_an_adopted_bucket_is_named_as_long_as_it_is_open() {
    let wanted = desired("");
    let public = json!({"Version": "2012-10-17", "Statement": [
        {"Sid": "Open", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::pulse-prod-acme-data/*"}]});
    let there = ObservedBucket {
        policy: Read::Known(Some(public)),
        ..ObservedBucket::default()
    };
    let mut world = Observed::default();
    world
        .buckets
        .insert(Purpose::Data, BucketState::Present(Box::new(there)));
    let first = plan_with(&wanted, &world, &adopting());
    run(&wanted, &mut world, first.changes.iter().map(|c| &c.step));
    let second = plan(&wanted, &world);
    assert_eq!(second.changes, []);
    assert!(!second.is_settled());
    assert!(
        second
            .findings
            .iter()
            .any(|f| f.kind == FindingKind::Attention && f.message.contains("Open"))
    );
}

#[test]
fn settings_left_to_their_owner_are_remembered_on_the_bucket() {
    let wanted = desired("data.versioning = \"enabled\"");
    let mut world = Observed::default();
    world
        .buckets
        .insert(Purpose::Data, BucketState::Present(Box::default()));
    let options = DiffOptions {
        adoption: Adoption::Take {
            leave: [Field::Versioning, Field::PublicAccessBlock].into(),
        },
        ..DiffOptions::default()
    };
    let first = plan_with(&wanted, &world, &options);
    run(&wanted, &mut world, first.changes.iter().map(|c| &c.step));
    assert_eq!(
        bucket(&mut world, Purpose::Data).versioning,
        Read::Known(None)
    );
    assert_eq!(
        bucket(&mut world, Purpose::Data).public_access,
        Read::Known(Some(PublicAccess::BLOCKED)),
        "consent cannot leave public access open"
    );
    let second = plan(&wanted, &world);
    assert_eq!(second.changes, []);
    assert!(
        second
            .findings
            .iter()
            .any(|f| f.kind == FindingKind::Unmanaged && f.part == "versioning")
    );
}

#[test]
fn notifications_of_others_survive_byte_for_byte() {
    let wanted = desired(RICH);
    let mut world = applied(&wanted);
    let foreign = NotificationDoc {
        id: Some("theirs".to_string()),
        kind: DestinationKind::Topic,
        arn: "arn:aws:sns:eu-central-1:222222222222:t".to_string(),
        events: vec!["s3:ObjectRemoved:*".to_string()],
        filters: vec![("Suffix".to_string(), ".x".to_string())],
    };
    bucket(&mut world, Purpose::Results).notifications = Read::Known(NotificationsDoc {
        event_bridge: true,
        entries: vec![foreign.clone()],
    });
    let repair = plan(&wanted, &world);
    assert_eq!(repair.changes.len(), 1);
    run(&wanted, &mut world, repair.changes.iter().map(|c| &c.step));
    let after = bucket(&mut world, Purpose::Results)
        .notifications
        .known()
        .unwrap()
        .clone();
    assert_eq!(after.entries[0], foreign);
    assert_eq!(after.entries.len(), 2);
    assert!(after.event_bridge);
}

#[test]
fn tags_of_others_stay_and_the_ownership_tag_is_in_every_write() {
    let wanted = desired("");
    let mut world = applied(&wanted);
    let mut tags = bucket(&mut world, Purpose::Data)
        .tags
        .known()
        .unwrap()
        .clone();
    tags.insert("theirs".to_string(), "1".to_string());
    tags.insert("aws:cloudformation:stack-name".to_string(), "s".to_string());
    tags.insert("byos:origin".to_string(), "nonsense".to_string());
    bucket(&mut world, Purpose::Data).tags = Read::Known(tags);
    let repair = plan(&wanted, &world);
    let Step::PutSetting {
        setting: Setting::Tags(written),
        ..
    } = &repair.changes[0].step
    else {
        panic!("{:?}", repair.changes)
    };
    assert_eq!(written["theirs"], "1");
    assert_eq!(written["aws:cloudformation:stack-name"], "s");
    assert_eq!(written[OWNER_TAG], "pulse/prod/acme");
}

#[test]
fn encryption_off_leaves_the_default_of_aws_alone() {
    let wanted = desired("");
    let mut world = applied(&wanted);
    bucket(&mut world, Purpose::Data).encryption = Read::Known(Some(EncryptionDoc {
        algorithm: "AES256".to_string(),
        key: None,
        bucket_key: false,
        blocked: Some([provisioner::model::BlockedEncryption::SseC].into()),
    }));
    let second = plan(&wanted, &world);
    assert_eq!(second.changes, []);
    assert!(second.is_settled());
    assert!(
        second
            .findings
            .iter()
            .any(|f| f.kind == FindingKind::AwsDefault)
    );
}

#[test]
fn an_encryption_type_that_aws_blocks_by_default_is_no_drift_and_is_kept() {
    let wanted = desired("data.encryption = { kind = \"sse_s3\" }");
    let blocked = Some([provisioner::model::BlockedEncryption::SseC].into());
    let doc = |algorithm: &str| EncryptionDoc {
        algorithm: algorithm.to_string(),
        key: None,
        bucket_key: false,
        blocked: blocked.clone(),
    };
    let mut world = applied(&wanted);
    bucket(&mut world, Purpose::Data).encryption = Read::Known(Some(doc("AES256")));
    assert_eq!(plan(&wanted, &world).changes, []);
    bucket(&mut world, Purpose::Data).encryption = Read::Known(Some(doc("aws:kms")));
    let repair = plan(&wanted, &world);
    let Step::PutSetting {
        setting: Setting::Encryption(written),
        ..
    } = &repair.changes[0].step
    else {
        panic!("{:?}", repair.changes)
    };
    assert_eq!(*written, doc("AES256"));
}

#[test]
fn a_sixth_policy_version_takes_the_oldest_that_does_not_count_first() {
    let wanted = desired(RICH);
    let mut world = applied(&wanted);
    let policy = world.policy.as_mut().unwrap();
    policy.versions = ["v1", "v2", "v3", "v4", "v5"].map(str::to_string).to_vec();
    policy.default_version = "v1".to_string();
    policy.document = json!({"Statement": []});
    let repair = plan(&wanted, &world);
    let calls: Vec<_> = repair.changes.iter().map(|c| &c.step).collect();
    assert!(matches!(calls[0], Step::DeletePolicyVersion { version: Some(v), .. } if v == "v2"));
    assert!(matches!(calls[1], Step::CreatePolicyVersion { .. }));
    run(&wanted, &mut world, calls.into_iter());
    assert_eq!(plan(&wanted, &world).changes, []);
}

#[test]
fn policies_that_others_gave_our_role_go_with_high_risk() {
    let wanted = desired("");
    let mut world = applied(&wanted);
    let role = world.role.as_mut().unwrap();
    role.attached = Read::Known(vec![
        "arn:aws:iam::aws:policy/AdministratorAccess".to_string(),
    ]);
    let repair = plan(&wanted, &world);
    assert!(matches!(&repair.changes[0].step, Step::DetachPolicy { .. }));
    assert_eq!(repair.max_risk(), Risk::High);
}

#[test]
fn what_cannot_be_read_is_named_and_never_written() {
    let wanted = desired("");
    let mut world = applied(&wanted);
    bucket(&mut world, Purpose::Data).lifecycle =
        Read::Unreadable("AccessDenied".to_string().into());
    let second = plan(&wanted, &world);
    assert_eq!(second.changes, []);
    assert!(!second.is_settled());
    assert_eq!(second.findings[0].kind, FindingKind::Unreadable);
}

#[test]
fn what_a_store_does_not_have_is_reported_and_no_failure() {
    let wanted = desired("");
    let mut world = applied(&wanted);
    bucket(&mut world, Purpose::Data).ownership = Read::Unsupported;
    let second = plan(&wanted, &world);
    assert_eq!(second.changes, []);
    assert!(second.is_settled());
    assert_eq!(second.findings[0].kind, FindingKind::Unsupported);
}

#[test]
fn a_full_bucket_stops_the_whole_take_down() {
    let wanted = desired("");
    let world = applied(&wanted);
    let contents = BTreeMap::from([(
        Purpose::Data,
        Contents {
            objects: 3,
            markers: 2,
            ..Contents::default()
        },
    )]);
    let refused = destroy(&wanted, &world, &contents, &DestroyOptions::default());
    assert!(
        refused.blockers[0]
            .message
            .contains("3 objects, 0 old versions, 2 delete markers")
    );
    let options = DestroyOptions {
        empty_buckets: true,
        ..DestroyOptions::default()
    };
    let agreed = destroy(&wanted, &world, &contents, &options);
    assert_eq!(agreed.blockers, []);
    assert_eq!(agreed.max_risk(), Risk::Severe);
}

#[test]
fn a_take_down_leaves_nothing_of_ours_and_everything_adopted() {
    for wanted in [desired(""), desired(RICH), compute()] {
        let mut world = applied(&wanted);
        let tags = bucket(&mut world, Purpose::Data)
            .tags
            .known()
            .unwrap()
            .clone();
        let mut adopted = tags.clone();
        adopted.insert("byos:origin".to_string(), "adopted".to_string());
        adopted.insert("theirs".to_string(), "1".to_string());
        bucket(&mut world, Purpose::Data).tags = Read::Known(adopted);
        let down = destroy(
            &wanted,
            &world,
            &BTreeMap::new(),
            &DestroyOptions::default(),
        );
        run(&wanted, &mut world, down.changes.iter().map(|c| &c.step));
        assert!(world.role.is_none() && world.policy.is_none() && world.instance_profile.is_none());
        assert_eq!(world.buckets[&Purpose::Results], BucketState::Absent);
        let tags = bucket(&mut world, Purpose::Data).tags.known().unwrap();
        assert_eq!(tags.keys().filter(|k| k.starts_with("byos:")).count(), 0);
        assert!(tags.contains_key("theirs"));
    }
}

#[test]
fn a_role_under_another_path_blocks_the_plan() {
    let mut world = applied(&desired(""));
    world.role.as_mut().unwrap().arn =
        "arn:aws:iam::222222222222:role/other/pulse-prod-acme-gateway".to_string();
    assert_eq!(plan(&desired(""), &world).blockers.len(), 1);
}

#[test]
fn the_fingerprint_follows_every_read() {
    let wanted = desired("");
    let world = applied(&wanted);
    let mut other = world.clone();
    bucket(&mut other, Purpose::Data).versioning = Read::Unsupported;
    assert_ne!(world.fingerprint(), other.fingerprint());
    assert_eq!(world.fingerprint(), world.clone().fingerprint());
}

/// Forty things that a hand can change, each found.
#[test]
fn drift_made_by_hand_is_found_wherever_it_is() {
    type Hand = fn(&mut Observed);
    let hands: Vec<(&str, Hand)> = vec![
        ("public access 1", |w| {
            public(w, |p| p.block_public_acls = false)
        }),
        ("public access 2", |w| {
            public(w, |p| p.ignore_public_acls = false)
        }),
        ("public access 3", |w| {
            public(w, |p| p.block_public_policy = false)
        }),
        ("public access 4", |w| {
            public(w, |p| p.restrict_public_buckets = false)
        }),
        ("public access gone", |w| {
            bucket(w, Purpose::Data).public_access = Read::default()
        }),
        ("policy gone", |w| {
            bucket(w, Purpose::Data).policy = Read::default()
        }),
        ("policy weakened", |w| {
            bucket(w, Purpose::Data).policy = Read::Known(Some(json!({"Statement": []})))
        }),
        ("policy widened", |w| {
            bucket(w, Purpose::Data).policy = Read::Known(Some(json!({"Statement": [
            {"Sid": "DenyInsecureTransport", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"},
            {"Sid": "Public", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}]})))
        }),
        ("ownership", |w| {
            bucket(w, Purpose::Data).ownership = Read::Known(Some("ObjectWriter".to_string()))
        }),
        ("versioning", |w| {
            bucket(w, Purpose::Data).versioning =
                Read::Known(Some(provisioner::model::Versioning::Suspended))
        }),
        ("encryption gone", |w| {
            bucket(w, Purpose::Data).encryption = Read::default()
        }),
        ("lifecycle gone", |w| {
            bucket(w, Purpose::Data).lifecycle = Read::default()
        }),
        ("lifecycle rule off", |w| rules(w, |r| r[0].enabled = false)),
        ("lifecycle rule added", |w| {
            rules(w, |r| {
                r.push(RuleDoc {
                    id: "x".to_string(),
                    ..RuleDoc::default()
                })
            })
        }),
        ("lifecycle days", |w| {
            rules(w, |r| r[0].abort_days = Some(99))
        }),
        ("cors", |w| bucket(w, Purpose::Data).cors = Read::default()),
        ("logging", |w| {
            bucket(w, Purpose::Data).logging = Read::default()
        }),
        ("inventory", |w| {
            bucket(w, Purpose::Data).inventories = Read::default()
        }),
        ("object lock", |w| {
            bucket(w, Purpose::Results).object_lock = Read::Known(Some(None))
        }),
        ("notifications", |w| {
            bucket(w, Purpose::Results).notifications = Read::default()
        }),
        ("origin tag", |w| untag(w, "byos:origin")),
        ("our tag", |w| untag(w, "team")),
        ("bucket gone", |w| drop(w.buckets.remove(&Purpose::Results))),
        ("role gone", |w| w.role = None),
        ("trust", |w| {
            w.role.as_mut().unwrap().trust = json!({"Statement": []})
        }),
        ("description", |w| {
            w.role.as_mut().unwrap().description.clear()
        }),
        ("session", |w| {
            w.role.as_mut().unwrap().max_session_seconds = 43_200
        }),
        ("boundary", |w| w.role.as_mut().unwrap().boundary = None),
        ("inline added", |w| {
            w.role.as_mut().unwrap().inline =
                Read::Known(BTreeMap::from([("x".to_string(), json!({}))]))
        }),
        ("detached", |w| {
            w.role.as_mut().unwrap().attached = Read::default()
        }),
        ("role tags", |w| {
            w.role.as_mut().unwrap().tags = Read::Known(BTreeMap::from([(
                OWNER_TAG.to_string(),
                "pulse/prod/acme".to_string(),
            )]))
        }),
        ("policy document", |w| {
            w.policy.as_mut().unwrap().document = json!({"Statement": []})
        }),
        ("managed policy gone", |w| w.policy = None),
    ];
    let wanted = desired(RICH);
    for (name, hand) in hands {
        let mut world = applied(&wanted);
        hand(&mut world);
        assert!(!plan(&wanted, &world).is_settled(), "{name} was not found");
    }
}

fn public(world: &mut Observed, hand: fn(&mut PublicAccess)) {
    let mut access = PublicAccess::BLOCKED;
    hand(&mut access);
    bucket(world, Purpose::Data).public_access = Read::Known(Some(access));
}

fn rules(world: &mut Observed, hand: fn(&mut Vec<RuleDoc>)) {
    let mut doc = bucket(world, Purpose::Data)
        .lifecycle
        .known()
        .unwrap()
        .clone()
        .unwrap();
    hand(&mut doc.rules);
    bucket(world, Purpose::Data).lifecycle = Read::Known(Some(doc));
}

fn untag(world: &mut Observed, key: &str) {
    let mut tags = bucket(world, Purpose::Data).tags.known().unwrap().clone();
    tags.remove(key);
    bucket(world, Purpose::Data).tags = Read::Known(tags);
}

/// A specification out of switches: whatever is switched, public access is blocked.
fn any_spec() -> impl Strategy<Value = String> {
    let versioning = prop_oneof![
        Just(""),
        Just("data.versioning = \"enabled\"\n"),
        Just("data.versioning = \"suspended\"\n")
    ];
    let encryption = prop_oneof![
        Just(""),
        Just("data.encryption = { kind = \"sse_s3\" }\n"),
        Just(
            "data.encryption = { kind = \"sse_kms\", key = \"arn:aws:kms:eu-central-1:222222222222:key/k\" }\n"
        ),
    ];
    let logging = prop_oneof![
        Just(""),
        Just("results.logging = {}\n"),
        Just("results.logging = { target = \"other-logs\" }\n")
    ];
    let policy = prop_oneof![Just(""), Just("role.policy = \"managed\"\n")];
    let cors = prop_oneof![
        Just(""),
        Just("data.cors = []\n"),
        Just("data.cors = [{ origins = [\"*\"], methods = [\"GET\"] }]\n")
    ];
    (versioning, encryption, logging, policy, cors, 1u32..30).prop_map(|(a, b, c, d, e, days)| {
        format!("{a}{b}{c}{d}{e}results.abort_incomplete_days = {days}\n")
    })
}

proptest! {
    #[test]
    fn no_specification_leaves_public_access_open(extra in any_spec()) {
        let wanted = desired(&extra);
        let mut world = applied(&wanted);
        for one in &wanted.buckets {
            let access = bucket(&mut world, one.purpose).public_access.clone();
            prop_assert_eq!(access, Read::Known(Some(PublicAccess::BLOCKED)));
        }
        prop_assert_eq!(plan(&wanted, &world).changes.len(), 0);
    }

    #[test]
    fn any_specification_can_replace_any_other(from in any_spec(), to in any_spec()) {
        let (from, to) = (desired(&from), desired(&to));
        let mut world = applied(&from);
        let change = plan(&to, &world);
        prop_assert_eq!(change.blockers.len(), 0);
        run(&to, &mut world, change.changes.iter().map(|c| &c.step));
        let second = plan(&to, &world);
        prop_assert!(second.changes.is_empty(), "{:?}", second.changes);
        let deletes_a_bucket = change.changes.iter().any(|c| c.step.call() == "s3:DeleteBucket");
        prop_assert!(!deletes_a_bucket, "a new specification never deletes a bucket");
    }
}
