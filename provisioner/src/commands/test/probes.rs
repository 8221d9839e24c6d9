//! The calls of `test`, as the gateway makes them, and why one is refused.

use super::{Stage, documents, failed, passed, untold};
use crate::aws::Cloud;
use crate::commands::context::Tenant;
use crate::failure::Failure;
use crate::model::Purpose;
use crate::prove::{Attempt, Cause, Denial, Refused, from_documents, from_words};
use crate::runner::Watch;
use std::time::Duration;
use tokio::time::Instant;

/// The codes of S3 and of its imitators.
fn is_unknown_session(failure: &Failure) -> bool {
    ["InvalidAccessKeyId", "InvalidClientTokenId"]
        .iter()
        .any(|code| failure.is(code))
}

/// Calls as the gateway makes them: never HeadBucket, which a role that is confined to a prefix
/// may not.
pub(super) struct Probes<'a> {
    pub(super) tenant: &'a Tenant,
    pub(super) session: &'a Cloud,
    /// How long S3 may take to know a new session.
    pub(super) patience: Duration,
    pub(super) watch: &'a dyn Watch,
}

/// A call, its name, the IAM action that it needs, and the resource that this is about.
struct Probe {
    name: &'static str,
    action: &'static str,
    purpose: Purpose,
    /// Below the bucket; `None` for the bucket itself.
    key: Option<String>,
    attempt: Attempt,
    /// Whether the object need not be there.
    may_be_absent: bool,
}

impl Probes<'_> {
    pub(super) async fn run(&self, stages: &mut Vec<Stage>) {
        let mut versions = Vec::new();
        let mut wrote = false;
        let results = self.tenant.desired.results();
        let kept =
            results.object_lock.is_some() || self.tenant.cloud.retains(results.name.as_str()).await;
        for probe in self.list(kept) {
            wrote |= probe.key.is_some() && probe.purpose == Purpose::Results;
            match self.known(&probe.attempt).await {
                Ok(made) => {
                    versions.extend(made);
                    stages.push(passed(probe.name));
                }
                // There is no such object: only who may read is told so.
                Err(failure) if probe.may_be_absent && failure.is("NoSuchKey") => {
                    stages.push(passed(probe.name));
                }
                Err(failure) => {
                    let cause = self.cause(&probe, &failure).await;
                    stages.push(failed(probe.name, &failure, cause));
                    break;
                }
            }
        }
        if wrote {
            self.clean(&versions).await;
        }
        if kept && stages.iter().all(|stage| stage.ok) {
            stages.push(Stage {
                name: "write a result: left out",
                ok: true,
                answer: Some("object lock would keep the probe, so nothing is written".to_string()),
                cause: None,
            });
        }
    }

    /// Makes the call; S3 may not know a new session for some seconds.
    async fn known(&self, attempt: &Attempt) -> Result<Option<String>, Failure> {
        let started = Instant::now();
        let mut wait = Duration::from_millis(250);
        loop {
            match attempt.make(self.session).await {
                Err(failure)
                    if is_unknown_session(&failure) && started.elapsed() + wait < self.patience =>
                {
                    self.watch.tell(&format!(
                        "S3 does not know the session yet ({} s, at most {} s)",
                        started.elapsed().as_secs(),
                        self.patience.as_secs()
                    ));
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(Duration::from_secs(5));
                }
                other => return other,
            }
        }
    }

    fn key(&self) -> String {
        format!("{}.byos-probe/test", self.tenant.desired.key_prefix)
    }

    fn list(&self, kept: bool) -> Vec<Probe> {
        let desired = &*self.tenant.desired;
        let data = desired.data().name.to_string();
        let results = desired.results().name.to_string();
        let prefix = Some(desired.key_prefix.to_string());
        let key = self.key();
        let on = |name, action, purpose, key: Option<&str>, attempt| Probe {
            name,
            action,
            purpose,
            key: key.map(str::to_string),
            attempt,
            may_be_absent: purpose == Purpose::Data,
        };
        let mut probes = vec![
            on(
                "find the data bucket",
                "s3:GetBucketLocation",
                Purpose::Data,
                None,
                Attempt::Locate {
                    bucket: data.clone(),
                },
            ),
            on(
                "list the data bucket below the prefix",
                "s3:ListBucket",
                Purpose::Data,
                None,
                Attempt::List {
                    bucket: data.clone(),
                    prefix: prefix.clone(),
                },
            ),
            on(
                "read from the data bucket",
                "s3:GetObject",
                Purpose::Data,
                Some(&key),
                Attempt::Get {
                    bucket: data,
                    key: key.clone(),
                },
            ),
            on(
                "find the results bucket",
                "s3:GetBucketLocation",
                Purpose::Results,
                None,
                Attempt::Locate {
                    bucket: results.clone(),
                },
            ),
            on(
                "list the results bucket below the prefix",
                "s3:ListBucket",
                Purpose::Results,
                None,
                Attempt::List {
                    bucket: results.clone(),
                    prefix,
                },
            ),
        ];
        // What is written under a default retention could not be removed again.
        if !kept {
            probes.extend([
                on(
                    "write a result",
                    "s3:PutObject",
                    Purpose::Results,
                    Some(&key),
                    Attempt::Put {
                        bucket: results.clone(),
                        key: key.clone(),
                    },
                ),
                on(
                    "read it back",
                    "s3:GetObject",
                    Purpose::Results,
                    Some(&key),
                    Attempt::Get {
                        bucket: results.clone(),
                        key: key.clone(),
                    },
                ),
                on(
                    "upload in parts",
                    "s3:PutObject",
                    Purpose::Results,
                    Some(&key),
                    Attempt::UploadAborted {
                        bucket: results.clone(),
                        key: key.clone(),
                    },
                ),
                on(
                    "delete it",
                    "s3:DeleteObject",
                    Purpose::Results,
                    Some(&key),
                    Attempt::Delete {
                        bucket: results,
                        key: key.clone(),
                    },
                ),
            ]);
        }
        probes
    }

    async fn cause(&self, probe: &Probe, failure: &Failure) -> Option<Cause> {
        if let Some(cause) = from_words(failure) {
            return Some(cause);
        }
        Denial::of(failure)?;
        let desired = &*self.tenant.desired;
        let (role, (partition, account)) = (desired.role.as_ref()?, desired.aws()?);
        let bucket = format!(
            "arn:{partition}:s3:::{}",
            desired.bucket(probe.purpose)?.name
        );
        let resource = match &probe.key {
            Some(key) => format!("{bucket}/{key}"),
            None => bucket,
        };
        // An upload is several calls with actions of their own.
        let action = match failure.call.as_str() {
            "s3:ListParts" => "s3:ListMultipartUploadParts",
            "s3:AbortMultipartUpload" => "s3:AbortMultipartUpload",
            _ => probe.action,
        };
        let refused = Refused {
            principal: policies::Principal::session(role.arn.clone(), "test"),
            action,
            resource,
            owner: account.clone(),
            prefix: (action == "s3:ListBucket").then(|| desired.key_prefix.to_string()),
        };
        Some(match documents(self.tenant).await {
            Err(reason) => untold(&reason),
            Ok(documents) => from_documents(&refused, &documents, Some(probe.purpose))
                .unwrap_or_else(|| Cause {
                    cause: format!(
                        "the policies of the role and of the bucket allow {action}, so something else refuses it"
                    ),
                    hint: "look at the boundary of the role, the policies of the organisation, of the KMS key and of VPC endpoints; a policy that was put right a moment ago takes some seconds".to_string(),
                }),
        })
    }

    /// On a versioned bucket the probe leaves versions and a marker: all go.
    async fn clean(&self, versions: &[String]) {
        let results = self.tenant.desired.results().name.to_string();
        for version in versions {
            let attempt = Attempt::DeleteVersion {
                bucket: results.clone(),
                key: self.key(),
                version: version.clone(),
            };
            let _ = attempt.make(self.session).await;
        }
        let _ = self.tenant.cloud.remove_below(&results, &self.key()).await;
    }
}
