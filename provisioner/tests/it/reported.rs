//! What is found beside what was asked for: told by its kind, kept where it is not ours, and
//! never taken for something else.

use crate::aws::{Aws, VENDOR_ROLE};
use crate::cycle::sandboxed;
use crate::hands::{DATA, RESULTS, customer, vendor};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BucketVersioningStatus, CorsConfiguration, CorsRule, Event, EventBridgeConfiguration,
    NotificationConfiguration, QueueConfiguration, TopicConfiguration, VersioningConfiguration,
};
use sandbox::{Fault, FaultEffect, FaultOn, KeyPair};
use serde_json::{Value, json};

sandboxed! {
    async fn drift_by_hand_of_aws_unreadable_and_unmanaged_are_told_apart(aws) {
        let settings = ["--set", "data.versioning=enabled"];
        aws.applied(&settings);
        let client = aws.s3(&aws.customer);
        let suspended = VersioningConfiguration::builder().status(BucketVersioningStatus::Suspended).build();
        client.put_bucket_versioning().bucket(DATA).versioning_configuration(suspended).send().await.unwrap();
        let rule = CorsRule::builder().allowed_methods("GET").allowed_origins("https://theirs").build().unwrap();
        let cors = CorsConfiguration::builder().cors_rules(rule).build().unwrap();
        client.put_bucket_cors().bucket(RESULTS).cors_configuration(cors).send().await.unwrap();
        aws.refuse("GetBucketLifecycleConfiguration", 403, "AccessDenied");
        let ended = aws.acme("drift", &settings);
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        let changes = &ended.result()["plan"]["changes"];
        assert_eq!(changes.as_array().unwrap().len(), 1, "{changes}");
        assert_eq!((&changes[0]["part"], &changes[0]["cause"]), (&json!("versioning"), &json!("changed_by_hand")));
        let kind = |part: &str| {
            let findings = ended.result()["plan"]["findings"].as_array().unwrap();
            let of = findings.iter().filter(|finding| finding["part"] == part);
            of.map(|finding| finding["kind"].as_str().unwrap().to_string()).collect::<Vec<_>>()
        };
        assert_eq!(kind("encryption"), ["aws_default", "aws_default"]);
        assert_eq!(kind("cors"), ["unmanaged"]);
        assert_eq!(kind("lifecycle"), ["unreadable", "unreadable"]);
    }
}

fn direct_trust() -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": VENDOR_ROLE},
        "Action": "sts:AssumeRole", "Condition": {"StringEquals": {"sts:ExternalId": "pulse-org-acme"}}}]})
}

sandboxed! {
    async fn a_principal_that_was_deleted_and_made_again_is_named_and_put_right(aws) {
        aws.applied(&[]);
        // Somebody pins the vendor's role itself; then the vendor makes it again.
        aws.sandbox.create_role(&customer(), "byos-prod-acme-gateway", &direct_trust(), &[]).unwrap();
        let iam = aws.iam(&aws.vendor);
        iam.delete_role_policy().role_name("byos-gateway").policy_name("all").send().await.unwrap();
        iam.delete_role().role_name("byos-gateway").send().await.unwrap();
        let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::111111111111:root"}, "Action": "sts:AssumeRole"}]});
        let all = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]});
        aws.sandbox.create_role(&vendor(), "byos-gateway", &trust, &[("all", &all)]).unwrap();
        let drift = aws.acme("drift", &[]);
        assert_eq!(drift.code, Some(2));
        let notes = drift.result()["plan"]["changes"][0]["notes"].to_string();
        assert!(notes.contains("AROA") && notes.contains("deleted"), "{notes}");
        aws.applied(&[]);
        assert_eq!(aws.acme("test", &[]).code, Some(0), "the new role of that name gets in again");
    }
}

sandboxed! {
    /// S3 shows the unique id of a user that was deleted.
    async fn a_dead_principal_in_a_statement_of_others_is_named_too(aws) {
        aws.bucket_of(&customer(), DATA, "eu-central-1");
        let theirs = json!({"Version": "2012-10-17", "Statement": [{"Sid": "Theirs", "Effect": "Allow",
            "Principal": {"AWS": "AIDAEXAMPLE1234567890"}, "Action": "s3:GetObject",
            "Resource": format!("arn:aws:s3:::{DATA}/*")}]});
        let client = aws.s3(&aws.customer);
        client.put_bucket_policy().bucket(DATA).policy(theirs.to_string()).send().await.unwrap();
        assert_eq!(aws.acme("adopt", &["--yes"]).code, Some(0));
        let drift = aws.acme("drift", &[]);
        let findings = drift.result()["plan"]["findings"].to_string();
        assert!(findings.contains("AIDAEXAMPLE1234567890 is the id") && findings.contains("deleted"), "{findings}");
        assert_eq!(drift.result()["plan"]["changes"], json!([]), "it is not ours to change");
    }
}

sandboxed! {
    async fn notifications_of_others_survive_every_change_of_ours(aws) {
        let (theirs, topic, ours) = (
            "arn:aws:sqs:eu-central-1:222222222222:theirs",
            "arn:aws:sns:eu-central-1:222222222222:theirs",
            "arn:aws:sqs:eu-central-1:222222222222:ours",
        );
        for arn in [theirs, topic, ours] {
            let action = if arn == topic { "sns:Publish" } else { "sqs:SendMessage" };
            let admits = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
                "Principal": {"Service": "s3.amazonaws.com"}, "Action": action, "Resource": arn}]});
            aws.sandbox.put_destination(arn, Some(&admits)).unwrap();
        }
        aws.applied(&[]);
        let queue = QueueConfiguration::builder().id("theirs-1").queue_arn(theirs).events(Event::from("s3:ObjectRemoved:Delete")).build().unwrap();
        let told = TopicConfiguration::builder().id("theirs-2").topic_arn(topic).events(Event::from("s3:ObjectRestore:Post")).build().unwrap();
        let whole = NotificationConfiguration::builder().queue_configurations(queue).topic_configurations(told)
            .event_bridge_configuration(EventBridgeConfiguration::builder().build()).build();
        let client = aws.s3(&aws.customer);
        client.put_bucket_notification_configuration().bucket(RESULTS).notification_configuration(whole).send().await.unwrap();
        let foreign = async || {
            let all = client.get_bucket_notification_configuration().bucket(RESULTS).send().await.unwrap();
            let queues: Vec<_> = all.queue_configurations().iter().filter(|q| q.queue_arn() == theirs).cloned().collect();
            (queues, all.topic_configurations().to_vec(), all.event_bridge_configuration().is_some())
        };
        let before = foreign().await;
        for entries in [
            format!("[{{ id = \"made\", destination = \"{ours}\", events = [\"s3:ObjectCreated:*\"] }}]"),
            format!("[{{ id = \"made\", destination = \"{ours}\", events = [\"s3:ObjectCreated:Put\"], prefix = \"orgs/\" }}]"),
            "[]".to_string(),
        ] {
            aws.applied(&["--set", &format!("results.notifications.entries={entries}")]);
            assert_eq!(foreign().await, before, "{entries}");
        }
        let all = client.get_bucket_notification_configuration().bucket(RESULTS).send().await.unwrap();
        assert_eq!(all.queue_configurations().len(), 1, "ours is gone, theirs is not");
    }
}

sandboxed! {
    async fn a_policy_version_that_cannot_be_made_leaves_the_default_as_it_is(aws) {
        let change = |number: u32| {
            let prefix = format!("base{number}/");
            aws.acme("apply", &["--yes", "--set", "role.policy=managed", "--base-path", &prefix])
        };
        for number in 1..=5 {
            assert_eq!(change(number).code, Some(0));
        }
        let before = aws.held()["policies"].clone();
        aws.refuse("CreatePolicyVersion", 403, "AccessDenied");
        assert_eq!(change(6).code, Some(1));
        assert_eq!(aws.calls_of("DeletePolicyVersion").len(), 1, "room was made first");
        assert_eq!(aws.held()["policies"], before);
        aws.sandbox.clear_faults();
        // The answer gets lost when the last place is taken.
        let on = FaultOn::Api("CreatePolicyVersion".to_string());
        aws.sandbox.inject(Fault::once(on, 1, FaultEffect::CutAfter));
        let ended = change(6);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert_ne!(aws.held()["policies"], before);
    }
}

sandboxed! {
    async fn a_bucket_name_that_another_account_took_gets_no_data_even_when_its_owner_invites(aws) {
        aws.applied(&[]);
        let client = aws.s3(&aws.customer);
        client.delete_bucket().bucket(RESULTS).send().await.unwrap();
        aws.bucket_of(&vendor(), RESULTS, "eu-central-1");
        let invites = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::222222222222:role/byos-prod-acme-gateway"},
            "Action": "s3:*", "Resource": [format!("arn:aws:s3:::{RESULTS}"), format!("arn:aws:s3:::{RESULTS}/*")]}]});
        let theirs = aws.s3(&aws.vendor);
        theirs.put_bucket_policy().bucket(RESULTS).policy(invites.to_string()).send().await.unwrap();
        let ended = aws.acme("test", &[]);
        assert_eq!(ended.code, Some(1), "{}", ended.json);
        let put = |bucket: &'static str, keys: KeyPair| {
            let client = aws.s3(&keys);
            async move {
                let body = ByteStream::from_static(b"x");
                client.put_object().bucket(bucket).key("orgs/acme/k").expected_bucket_owner("222222222222").body(body).send().await
            }
        };
        let refused = put(RESULTS, aws.customer.clone()).await.unwrap_err();
        assert_eq!(refused.raw_response().unwrap().status().as_u16(), 403);
        let listed = theirs.list_objects_v2().bucket(RESULTS).send().await.unwrap();
        assert_eq!(listed.contents().len(), 0, "nothing was written there");
        // The control: the same test in the same role works where the bucket is the customer's.
        let stages = ended.result()["stages"].as_array().unwrap();
        assert!(stages.iter().any(|s| s["name"] == "list the data bucket below the prefix" && s["ok"] == true), "{stages:?}");
        let last = stages.last().unwrap();
        assert_eq!((&last["name"], &last["ok"]), (&json!("find the results bucket"), &json!(false)), "{last}");
    }
}

sandboxed! {
    async fn after_an_apply_every_bucket_is_closed_owned_encrypted_and_cleaned(aws) {
        aws.applied(&["--set", "results.versioning=enabled"]);
        let client = aws.s3(&aws.customer);
        for bucket in [DATA, RESULTS] {
            let block = client.get_public_access_block().bucket(bucket).send().await.unwrap();
            let block = block.public_access_block_configuration().unwrap().clone();
            let all = [block.block_public_acls(), block.ignore_public_acls(), block.block_public_policy(), block.restrict_public_buckets()];
            assert_eq!(all, [Some(true); 4], "{bucket}");
            let owned = client.get_bucket_ownership_controls().bucket(bucket).send().await.unwrap();
            assert_eq!(owned.ownership_controls().unwrap().rules()[0].object_ownership().as_str(), "BucketOwnerEnforced");
            let policy = client.get_bucket_policy().bucket(bucket).send().await.unwrap();
            let policy: Value = serde_json::from_str(policy.policy().unwrap()).unwrap();
            let tls = policy["Statement"].as_array().unwrap().iter().any(|s| {
                s["Effect"] == "Deny" && s["Principal"] == "*" && s["Condition"]["Bool"]["aws:SecureTransport"] == "false"
            });
            assert!(tls, "{policy}");
            let sse = client.get_bucket_encryption().bucket(bucket).send().await.unwrap();
            assert_eq!(sse.server_side_encryption_configuration().unwrap().rules().len(), 1);
            let rules = client.get_bucket_lifecycle_configuration().bucket(bucket).send().await.unwrap();
            let aborts = rules.rules().iter().filter(|rule| rule.abort_incomplete_multipart_upload().is_some());
            assert_eq!(aborts.count(), 1, "{bucket}");
            assert!(rules.rules().iter().all(|rule| rule.filter().is_some()), "{bucket}");
        }
        let versioning = client.get_bucket_versioning().bucket(RESULTS).send().await.unwrap();
        assert_eq!(versioning.status(), Some(&BucketVersioningStatus::Enabled));
    }
}

sandboxed! {
    async fn a_store_without_any_one_setting_is_set_up_all_the_same(aws) {
        let text = format!(
            "org_id = \"acme\"\nregion = \"us-east-1\"\ncompatible = {{ endpoint = \"{}\" }}\nresults.versioning = \"enabled\"\n",
            aws.sandbox.endpoint()
        );
        let file = aws.write("compatible.toml", &text).display().to_string();
        let made = aws.run(&["apply", "--file", &file, "--yes"]);
        assert_eq!(made.code, Some(0), "{}", made.stderr);
        for api in [
            "GetPublicAccessBlock", "GetBucketTagging", "GetBucketPolicy", "GetBucketOwnershipControls",
            "GetBucketVersioning", "GetBucketEncryption", "GetObjectLockConfiguration",
            "GetBucketLifecycleConfiguration", "GetBucketCors", "GetBucketLogging",
            "GetBucketNotificationConfiguration", "ListBucketInventoryConfigurations",
        ] {
            for (status, code) in [(501, "NotImplemented"), (405, "MethodNotAllowed")] {
                aws.refuse(api, status, code);
                let ended = aws.run(&["drift", "--file", &file]);
                assert_eq!(ended.code, Some(0), "{api} {status}: {}{}", ended.json, ended.stderr);
                aws.sandbox.clear_faults();
            }
        }
    }
}

sandboxed! {
    async fn a_bucket_with_nothing_but_uploads_is_emptied_page_by_page_without_an_empty_batch(aws) {
        aws.applied(&[]);
        let client = aws.s3(&aws.customer);
        for number in 0..1_003 {
            client.create_multipart_upload().bucket(RESULTS).key(format!("k{number:04}")).send().await.unwrap();
        }
        let ended = aws.acme("destroy", &["--yes", "--empty-buckets", "--confirm", "acme"]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert_eq!(aws.calls_of("DeleteObjects").len(), 0, "an empty list is malformed");
        assert_eq!(aws.calls_of("AbortMultipartUpload").len(), 1_003);
    }
}
