//! The deployer's policy on the whole way: made, changed, repaired, undone, proven, emptied, taken
//! down. It is enough for each kind of set-up, and each action in it is missed when it is gone.

use crate::aws::{Aws, Ended, VENDOR_ROLE};
use crate::cycle::sandboxed;
use sandbox::{KeyPair, SandboxOptions};
use serde_json::{Value, json};
use types::{AccountId, Region};

const DATA: &str = "byos-prod-acme-data";

fn account() -> AccountId {
    AccountId::parse(SandboxOptions::CUSTOMER).unwrap()
}

/// One kind of set-up.
struct Journey {
    name: &'static str,
    role: &'static str,
    text: String,
    /// Added to it: something changed that can be put back. `TAG` stands for a tag that is new.
    change: &'static str,
    /// Whether the role can be proven.
    is_proven: bool,
}

fn minimal() -> Journey {
    let text = format!(
        "org_id = \"acme\"\nregion = \"eu-central-1\"\naccount = \"222222222222\"\nrole.vendor_role = \"{VENDOR_ROLE}\"\n"
    );
    Journey {
        name: "minimal",
        role: "byos-prod-acme-gateway",
        change: "role.description = \"another\"\ntags = { TAG = \"b\" }\n",
        text,
        is_proven: true,
    }
}

/// With everything that has a setting of its own.
async fn rich(aws: &Aws) -> Journey {
    let region = Region::parse("eu-central-1").unwrap();
    let key = || {
        aws.sandbox
            .create_kms_key(&account(), &region, None)
            .unwrap()
    };
    let iam = aws.iam(&aws.customer);
    let everything = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]});
    let made = iam
        .create_policy()
        .policy_name("edge")
        .policy_document(everything.to_string())
        .send()
        .await;
    assert!(made.is_ok());
    let text = format!(
        r#"
            org_id = "acme"
            region = "eu-central-1"
            account = "222222222222"
            role.vendor_role = "{VENDOR_ROLE}"
            role.policy = "managed"
            role.boundary = "arn:aws:iam::222222222222:policy/edge"
            data.versioning = "enabled"
            data.encryption = {{ kind = "sse_kms", key = "{}" }}
            data.cors = [{{ origins = ["https://app.example.com"], methods = ["GET"] }}]
            data.logging = {{}}
            data.notifications = {{ event_bridge = true }}
            results.encryption = {{ kind = "sse_kms", key = "{}" }}
            results.inventory = [{{ id = "weekly" }}]
        "#,
        key(),
        key()
    );
    Journey {
        name: "rich",
        role: "byos-prod-acme-gateway",
        change: "role.description = \"another\"\ntags = { TAG = \"b\" }\nlist_uploads = true\n",
        text,
        is_proven: true,
    }
}

fn compute() -> Journey {
    let text = "org_id = \"acme\"\nregion = \"eu-central-1\"\naccount = \"222222222222\"\nrole.compute = [\"ec2\", \"ecs_tasks\"]\n";
    Journey {
        name: "compute",
        role: "byos-prod-acme-compute",
        text: text.to_string(),
        change: "tags = { TAG = \"b\" }\n",
        is_proven: false,
    }
}

const FLAGS: [&str; 3] = ["--with-destroy", "--with-prove", "--with-empty-buckets"];

impl Journey {
    fn file(&self, aws: &Aws, text: &str) -> String {
        aws.write(&format!("{}.toml", self.name), text)
            .display()
            .to_string()
    }

    fn changed(&self, tag: &str) -> String {
        format!("{}{}", self.text, self.change.replace("TAG", tag))
    }

    fn policy(&self, aws: &Aws) -> Value {
        let file = self.file(aws, &self.text);
        let ended = aws.run(&[&["deployer-policy", "--file", &file], &FLAGS[..]].concat());
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        ended.result().clone()
    }

    /// The whole way with these keys; the first command that fails, and how.
    async fn walk(&self, aws: &Aws, keys: &KeyPair) -> Result<(), String> {
        let file = self.file(aws, &self.text);
        let run = |command: &[&str]| {
            let arguments = [command, &["--file", &file, "--json", "--quiet"]].concat();
            let mut started = aws.command_as(keys, &arguments);
            started.env("BYOS_PATIENCE_MILLISECONDS", "200");
            crate::aws::wait(started.spawn().unwrap())
        };
        let ok = |command: &[&str]| good(command, run(command));
        ok(&["apply", "--yes"])?;
        ok(&["drift"])?;
        self.file(aws, &self.changed("first"));
        ok(&["apply", "--yes"])?;
        ok(&["rollback", "--yes"])?;
        self.file(aws, &self.text);
        ok(&["drift"])?;
        // More versions of the managed policy than there is room for.
        for tag in ["second", "third", "fourth"] {
            self.file(aws, &self.changed(tag));
            ok(&["apply", "--yes"])?;
            self.file(aws, &self.text);
            ok(&["apply", "--yes"])?;
        }
        if self.is_proven {
            ok(&["prove"])?;
        }
        self.spoil(aws).await;
        ok(&["apply", "--yes"])?;
        self.fill(aws).await;
        ok(&["destroy", "--yes", "--empty-buckets", "--confirm", "acme"])
    }

    /// What somebody changes by hand.
    async fn spoil(&self, aws: &Aws) {
        let iam = aws.iam(&aws.customer);
        let wide = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]});
        let put = iam
            .put_role_policy()
            .role_name(self.role)
            .policy_name("by-hand");
        put.policy_document(wide.to_string()).send().await.unwrap();
        let arn = "arn:aws:iam::222222222222:policy/by-hand";
        let made = iam
            .create_policy()
            .policy_name("by-hand")
            .policy_document(wide.to_string())
            .send()
            .await;
        drop(made);
        iam.attach_role_policy()
            .role_name(self.role)
            .policy_arn(arn)
            .send()
            .await
            .unwrap();
        if self.name == "rich" {
            let gone = iam.delete_role_permissions_boundary().role_name(self.role);
            gone.send().await.unwrap();
        }
        let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Principal": {"AWS": "222222222222"}, "Action": "sts:AssumeRole"}]});
        let update = iam.update_assume_role_policy().role_name(self.role);
        update
            .policy_document(trust.to_string())
            .send()
            .await
            .unwrap();
        let s3 = aws.s3(&aws.customer);
        s3.delete_public_access_block()
            .bucket(DATA)
            .send()
            .await
            .unwrap();
        s3.delete_bucket_policy().bucket(DATA).send().await.unwrap();
    }

    /// Objects, versions and an upload that goes on.
    async fn fill(&self, aws: &Aws) {
        let s3 = aws.s3(&aws.customer);
        let body = || aws_sdk_s3::primitives::ByteStream::from_static(b"x");
        for _ in 0..2 {
            s3.put_object()
                .bucket(DATA)
                .key("a")
                .body(body())
                .send()
                .await
                .unwrap();
        }
        s3.delete_object()
            .bucket(DATA)
            .key("a")
            .send()
            .await
            .unwrap();
        s3.put_object()
            .bucket(DATA)
            .key("c")
            .body(body())
            .send()
            .await
            .unwrap();
        s3.create_multipart_upload()
            .bucket(DATA)
            .key("b")
            .send()
            .await
            .unwrap();
    }

    /// Back to nothing, by somebody who may do everything.
    fn reset(&self, aws: &Aws) {
        let file = self.file(aws, &self.text);
        let ended = aws.run(&[
            "destroy",
            "--yes",
            "--empty-buckets",
            "--confirm",
            "acme",
            "--quiet",
            "--file",
            &file,
        ]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    }

    /// Takes every action of the table away, for the command that is said to miss it; those that
    /// it does not miss.
    async fn not_missed(&self, aws: &Aws, table: &[(&'static str, Phase)]) -> Vec<&'static str> {
        let whole = self.policy(aws);
        let mut spare = Vec::new();
        for (number, (action, phase)) in table.iter().enumerate() {
            let mut less = whole.clone();
            for statement in less["Statement"].as_array_mut().unwrap() {
                statement["Action"]
                    .as_array_mut()
                    .unwrap()
                    .retain(|a| a != action);
            }
            less["Statement"]
                .as_array_mut()
                .unwrap()
                .retain(|s| s["Action"] != json!([]));
            assert_ne!(less, whole, "{action} is in the policy");
            let name = format!("{}{number}", self.name);
            let keys = aws
                .sandbox
                .create_user(&account(), &name, &[("p", &less)])
                .unwrap();
            if self.succeeds(aws, *phase, &keys, &name).await {
                spare.push(*action);
            }
        }
        self.reset(aws);
        spare
    }

    /// One command, with everything before it done by somebody who may do everything.
    async fn succeeds(&self, aws: &Aws, phase: Phase, keys: &KeyPair, tag: &str) -> bool {
        let file = self.file(aws, &self.text);
        let admin = |command: &[&str]| {
            let ended = aws.run(&[command, &["--file", &file, "--quiet"]].concat());
            assert_eq!(ended.code, Some(0), "{phase:?}: {}", ended.stderr);
        };
        let command: &[&str] = match phase {
            Phase::Make => {
                self.reset(aws);
                &["apply", "--yes"]
            }
            _ => {
                admin(&["apply", "--yes"]);
                match phase {
                    Phase::Look => &["drift"],
                    Phase::Prove => &["prove"],
                    Phase::Change => {
                        self.file(aws, &self.changed(tag));
                        &["apply", "--yes"]
                    }
                    Phase::Undo => {
                        self.file(aws, &self.changed(tag));
                        admin(&["apply", "--yes"]);
                        &["rollback", "--yes"]
                    }
                    Phase::Repair => {
                        self.spoil(aws).await;
                        &["apply", "--yes"]
                    }
                    Phase::Make | Phase::TakeDown => {
                        self.fill(aws).await;
                        &["destroy", "--yes", "--empty-buckets", "--confirm", "acme"]
                    }
                }
            }
        };
        let arguments = [command, &["--file", &file, "--json", "--quiet"]].concat();
        let mut started = aws.command_as(keys, &arguments);
        started.env("BYOS_PATIENCE_MILLISECONDS", "200");
        good(command, crate::aws::wait(started.spawn().unwrap())).is_ok()
    }
}

/// A part of the way.
#[derive(Debug, Clone, Copy)]
enum Phase {
    Look,
    Prove,
    Change,
    Undo,
    Repair,
    Make,
    TakeDown,
}

fn good(command: &[&str], ended: Ended) -> Result<(), String> {
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    match ended.code {
        Some(0) => Ok(()),
        _ => Err(format!("{command:?}: {} {}", ended.stderr, ended.json)),
    }
}

fn actions(policy: &Value) -> Vec<String> {
    let statements = policy["Statement"].as_array().unwrap().iter();
    let lists = statements.flat_map(|statement| statement["Action"].as_array().unwrap());
    let mut all: Vec<String> = lists
        .map(|action| action.as_str().unwrap().to_string())
        .collect();
    all.sort();
    all.dedup();
    all
}

sandboxed! {
    async fn it_is_enough_for_every_kind_of_set_up_from_the_first_apply_to_the_last(aws) {
        for journey in [minimal(), rich(&aws).await, compute()] {
            let policy = journey.policy(&aws);
            let text = policy.to_string();
            assert!(!text.contains(":*\"") && !text.contains("\"Resource\":\"*\""), "{text}");
            let keys = aws.sandbox.create_user(&account(), journey.name, &[("p", &policy)]).unwrap();
            let walked = journey.walk(&aws, &keys).await;
            assert_eq!(walked, Ok(()), "{}", journey.name);
            journey.reset(&aws);
        }
    }
}

use Phase::{Change, Look, Make, Prove, Repair, TakeDown, Undo};

/// Which command misses which action of a rich set-up. What a first set-up of buckets and of an
/// inline policy needs is tried in `deployer`.
const RICH: [(&str, Phase); 31] = [
    ("iam:CreatePolicy", Make),
    ("iam:AttachRolePolicy", Make),
    ("iam:CreateRole", Make),
    ("iam:GetPolicy", Look),
    ("iam:GetPolicyVersion", Look),
    ("iam:ListPolicyVersions", Look),
    ("iam:GetRole", Look),
    ("iam:ListAttachedRolePolicies", Look),
    ("iam:ListRolePolicies", Look),
    ("iam:CreatePolicyVersion", Change),
    ("iam:TagPolicy", Change),
    ("iam:TagRole", Change),
    ("iam:UpdateRole", Change),
    ("iam:SetDefaultPolicyVersion", Undo),
    ("iam:DeletePolicyVersion", Undo),
    ("iam:UntagPolicy", Undo),
    ("iam:UntagRole", Undo),
    ("iam:DeleteRolePolicy", Repair),
    ("iam:DetachRolePolicy", Repair),
    ("iam:PutRolePermissionsBoundary", Repair),
    ("iam:UpdateAssumeRolePolicy", Repair),
    ("kms:GenerateDataKey", Prove),
    ("s3:PutObject", Prove),
    ("s3:GetBucketObjectLockConfiguration", Prove),
    ("s3:ListBucketVersions", TakeDown),
    ("s3:ListBucketMultipartUploads", TakeDown),
    ("s3:AbortMultipartUpload", TakeDown),
    ("s3:DeleteObjectVersion", TakeDown),
    ("s3:DeleteBucket", TakeDown),
    ("iam:DeleteRole", TakeDown),
    ("iam:DeletePolicy", TakeDown),
];

const COMPUTE: [(&str, Phase); 10] = [
    ("iam:PutRolePolicy", Make),
    ("iam:CreateInstanceProfile", Make),
    ("iam:AddRoleToInstanceProfile", Make),
    ("iam:PassRole", Make),
    ("iam:GetInstanceProfile", Look),
    ("iam:TagInstanceProfile", Change),
    ("iam:UntagInstanceProfile", Undo),
    ("iam:RemoveRoleFromInstanceProfile", TakeDown),
    ("iam:DeleteInstanceProfile", TakeDown),
    ("s3:DeleteObjectVersion", TakeDown),
];

/// What is asked for and yet not missed by any command here, and why it stays.
const NOT_MISSED: [&str; 5] = [
    // Without it the tags tell whose a bucket is.
    "s3:ListBucket",
    // AWS asks for it when a bucket is made with tags; the sandbox does not.
    "s3:TagResource",
    // Undoing the policy of a bucket that had none.
    "s3:DeleteBucketPolicy",
    // A profile that somebody else put the role into.
    "iam:ListInstanceProfilesForRole",
    // An inline policy that somebody else put there.
    "iam:GetRolePolicy",
];

sandboxed! {
    async fn no_action_of_a_rich_set_up_is_superfluous(aws) {
        let journey = rich(&aws).await;
        assert_eq!(journey.not_missed(&aws, &RICH).await, [""; 0]);
        let known: Vec<&str> = RICH.iter().chain(&COMPUTE).map(|(action, _)| *action).collect();
        let settings = |action: &str| action.starts_with("s3:Get") || action.starts_with("s3:Put") || action == "s3:CreateBucket";
        for action in actions(&journey.policy(&aws)).iter().chain(&actions(&compute().policy(&aws))) {
            let tried = known.contains(&action.as_str()) || NOT_MISSED.contains(&action.as_str());
            assert!(tried || settings(action), "{action} is tried nowhere");
        }
    }
}

sandboxed! {
    async fn no_action_of_a_compute_set_up_is_superfluous(aws) {
        assert_eq!(compute().not_missed(&aws, &COMPUTE).await, [""; 0]);
    }
}

sandboxed! {
    async fn who_cannot_prove_gets_no_rights_to_prove(aws) {
        let file = compute().file(&aws, &compute().text);
        let with = aws.run(&["deployer-policy", "--file", &file, "--with-prove"]);
        let without = aws.run(&["deployer-policy", "--file", &file]);
        assert_eq!(with.result(), without.result());
    }
}
