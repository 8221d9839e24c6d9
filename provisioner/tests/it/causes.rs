//! Why there is a difference: somebody changed something by hand, or the specification changed.

use crate::aws::{Aws, Ended};
use crate::cycle::sandboxed;
use aws_sdk_s3::types::{
    BucketLifecycleConfiguration, ExpirationStatus, LifecycleExpiration, LifecycleRule,
    LifecycleRuleFilter, Tag, Tagging,
};
use serde_json::{Value, json};

const DATA: &str = "byos-prod-acme-data";

/// Part and cause of every change.
fn causes(ended: &Ended) -> Vec<(String, String)> {
    let text = |change: &Value, name: &str| change[name].as_str().unwrap().to_string();
    let changes = ended.result()["plan"]["changes"].as_array().unwrap();
    changes
        .iter()
        .map(|change| (text(change, "part"), text(change, "cause")))
        .collect()
}

fn pair(part: &str, cause: &str) -> Vec<(String, String)> {
    vec![(part.to_string(), cause.to_string())]
}

async fn tag(aws: &Aws, tags: &[(&str, &str)]) {
    let tags = tags
        .iter()
        .map(|(key, value)| Tag::builder().key(*key).value(*value).build().unwrap());
    let tagging = Tagging::builder().set_tag_set(Some(tags.collect())).build();
    let s3 = aws.s3(&aws.customer);
    let request = s3.put_bucket_tagging().bucket(DATA);
    request.tagging(tagging.unwrap()).send().await.unwrap();
}

sandboxed! {
    async fn tags_changed_by_hand_are_said_to_be_whatever_stands_beside_ours(aws) {
        aws.applied(&["--set", "tags.team=storage"]);
        let ours = [("byos:origin", "created"), ("byos:owner", "byos/prod/acme")];
        for by_hand in [
            &[("team", "other")][..],
            &[("team", "other"), ("of somebody", "else")],
            &[],
        ] {
            tag(&aws, &[&ours[..], by_hand].concat()).await;
            let drift = aws.acme("drift", &["--set", "tags.team=storage"]);
            assert_eq!(causes(&drift), pair("tags", "changed_by_hand"), "{by_hand:?}");
        }
    }
}

sandboxed! {
    async fn a_new_tag_in_the_specification_is_no_change_by_hand(aws) {
        aws.applied(&["--set", "data.tags.team=storage"]);
        let plan = aws.acme("plan", &["--set", "data.tags.team=another"]);
        assert_eq!(causes(&plan), pair("tags", "specification_changed"));
    }
}

sandboxed! {
    async fn another_vendor_in_the_specification_is_no_change_by_hand(aws) {
        aws.applied(&[]);
        let other = "arn:aws:iam::111111111111:role/another";
        let plan = aws.run(&["plan", "--org", "acme", "--vendor-role", other]);
        assert_eq!(causes(&plan), pair("trust", "specification_changed"));
        let plan = aws.acme("plan", &["--set", "role.description=another"]);
        assert_eq!(causes(&plan), pair("attributes", "specification_changed"));
    }
}

async fn expire_everything(aws: &Aws) {
    let rule = LifecycleRule::builder()
        .id("somebody-elses")
        .status(ExpirationStatus::Enabled)
        .filter(LifecycleRuleFilter::builder().prefix("").build())
        .expiration(LifecycleExpiration::builder().days(1).build())
        .build()
        .unwrap();
    let rules = BucketLifecycleConfiguration::builder()
        .rules(rule)
        .build()
        .unwrap();
    let s3 = aws.s3(&aws.customer);
    let request = s3.put_bucket_lifecycle_configuration().bucket(DATA);
    request.lifecycle_configuration(rules).send().await.unwrap();
}

sandboxed! {
    async fn what_is_going_to_be_removed_is_not_called_unmanaged(aws) {
        aws.applied(&[]);
        expire_everything(&aws).await;
        let s3 = aws.s3(&aws.customer);
        let open = json!({"Version": "2012-10-17", "Statement": [{"Sid": "Mine", "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::222222222222:root"}, "Action": "s3:GetObject",
            "Resource": format!("arn:aws:s3:::{DATA}/*")}]});
        let request = s3.put_bucket_policy().bucket(DATA).policy(open.to_string());
        request.send().await.unwrap();
        let drift = aws.acme("drift", &[]);
        let hand = |part: &str| pair(part, "changed_by_hand").remove(0);
        assert_eq!(causes(&drift), [hand("policy"), hand("lifecycle")]);
        let findings = drift.result()["plan"]["findings"].to_string();
        assert!(!findings.contains("beside ours"), "{findings}");
    }
}
