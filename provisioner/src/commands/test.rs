//! `test`: the connection step by step, as the gateway uses it; the first thing that is in the
//! way is named with its cause and the next step.

use crate::aws::Cloud;
use crate::commands::context::{Context, Tenant};
use crate::commands::prove::vendor;
use crate::commands::{CommandError, Results, TenantResult};
use crate::failure::Failure;
use crate::model::{Desired, Purpose, Trust};
use crate::output::Format;
use crate::prove::{
    Attempt, Cause, LiveDocuments, Refused, Vendor, from_documents, from_trust, from_words,
};
use crate::runner::Watch;
use serde::Serialize;
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;
use types::{AccountId, RoleArn};

/// One step of the test.
#[derive(Debug, Serialize)]
struct Stage {
    name: &'static str,
    ok: bool,
    /// The answer of the store.
    answer: Option<String>,
    /// What is in the way.
    cause: Option<Cause>,
}

pub(crate) async fn run(context: &Context) -> Results {
    let tenants = context.tenants().await?;
    context.each(tenants, |tenant| one(context, tenant)).await
}

async fn one(context: &Context, tenant: Tenant) -> Result<TenantResult, CommandError> {
    let mut stages = Vec::new();
    test(context, &tenant, &mut stages).await?;
    let failed = stages.iter().any(|stage: &Stage| !stage.ok);
    let text = match context.out.format() {
        Format::Json => String::new(),
        Format::Text => show(&tenant.desired, &stages),
    };
    Ok(TenantResult {
        tenant: tenant.desired.owner.clone(),
        text,
        json: json!({ "ok": !failed, "stages": stages }),
        exit: u8::from(failed),
    })
}

fn show(desired: &Desired, stages: &[Stage]) -> String {
    let mut text = format!("{}\n", desired.owner);
    for stage in stages {
        let sign = if stage.ok { "ok" } else { "NO" };
        text.push_str(&format!("  [{sign}] {}\n", stage.name));
        for line in stage.answer.iter() {
            text.push_str(&format!("       {line}\n"));
        }
        if let Some(cause) = &stage.cause {
            text.push_str(&format!(
                "       cause: {}\n       hint: {}\n",
                cause.cause, cause.hint
            ));
        }
    }
    text
}

async fn test(
    context: &Context,
    tenant: &Tenant,
    stages: &mut Vec<Stage>,
) -> Result<(), CommandError> {
    let desired = &*tenant.desired;
    let session = match (&desired.role, desired.aws()) {
        (Some(role), Some(_)) => {
            let Trust::CrossAccount {
                vendor: vendor_role,
                ..
            } = &role.trust
            else {
                return Err(CommandError::Usage(
                    "a compute role is taken by the customer's own workloads: test it from there"
                        .to_string(),
                ));
            };
            match assume(context, tenant, &role.arn, vendor_role, stages).await? {
                Some(session) => session,
                None => return Ok(()),
            }
        }
        // A compatible store is reached by the keys themselves.
        _ => tenant.cloud.clone(),
    };
    let probes = Probes {
        tenant,
        session: &session,
        patience: context.settling() / 4,
        watch: &*context.out,
    };
    probes.run(stages).await;
    Ok(())
}

async fn assume(
    context: &Context,
    tenant: &Tenant,
    role: &RoleArn,
    vendor_role: &RoleArn,
    stages: &mut Vec<Stage>,
) -> Result<Option<Cloud>, CommandError> {
    let desired = &*tenant.desired;
    let cloud = vendor(context, tenant, vendor_role).await?;
    stages.push(passed("become the gateway's role"));
    let vendor = Vendor {
        cloud: &cloud,
        patience: context.settling() / 4,
    };
    let credentials = match vendor.wait_until_steady(desired, &*tenant.watch).await {
        Ok(credentials) => credentials,
        Err(failure) => {
            let id = desired.external_id.as_str();
            let cause = match from_words(&failure) {
                Some(cause) => Some(cause),
                None if matches!(tenant.cloud.observe_role(role.name()).await, Ok(None)) => {
                    Some(Cause {
                        cause: format!("the role {role} does not exist"),
                        hint: "\"provisioner apply\" makes it".to_string(),
                    })
                }
                None => documents(tenant).await.map(|documents| {
                    from_trust(vendor_role, role, id, &documents).unwrap_or_else(|| Cause {
                        cause: "the role's trust policy admits it, so something else refuses".to_string(),
                        hint: format!(
                            "check that {vendor_role} may call sts:AssumeRole on {role}, and the service control policies of both organisations"
                        ),
                    })
                }),
            };
            stages.push(failed(
                "assume the tenant's role with the external id",
                &failure,
                cause,
            ));
            return Ok(None);
        }
    };
    stages.push(passed("assume the tenant's role with the external id"));
    match cloud.assume(&role.to_string(), None, "byos-test").await {
        Err(failure) if failure.is_denied() => {
            stages.push(passed("refused without the external id"))
        }
        Err(failure) => stages.push(failed("refused without the external id", &failure, None)),
        Ok(_) => {
            stages.push(Stage {
                name: "refused without the external id",
                ok: false,
                answer: Some("the role was assumed".to_string()),
                cause: Some(Cause {
                    cause: "the trust policy does not ask for the external id: every customer of the vendor could reach this one".to_string(),
                    hint: "\"provisioner apply\" puts the trust policy right".to_string(),
                }),
            });
            return Ok(None);
        }
    }
    Ok(Some(context.aws(&desired.region, credentials)?))
}

/// The codes of S3 and of its imitators.
fn is_unknown_session(failure: &Failure) -> bool {
    ["InvalidAccessKeyId", "InvalidClientTokenId"]
        .iter()
        .any(|code| failure.is(code))
}

fn passed(name: &'static str) -> Stage {
    Stage {
        name,
        ok: true,
        answer: None,
        cause: None,
    }
}

fn failed(name: &'static str, failure: &Failure, cause: Option<Cause>) -> Stage {
    let cause = cause.unwrap_or_else(|| Cause {
        cause: failure.message.clone(),
        hint: failure.hint.clone(),
    });
    Stage {
        name,
        ok: false,
        answer: Some(failure.evidence()),
        cause: Some(cause),
    }
}

/// The documents at IAM and S3, when the caller may read them.
async fn documents(tenant: &Tenant) -> Option<LiveDocuments> {
    LiveDocuments::read(&tenant.cloud, &tenant.desired)
        .await
        .ok()
}

/// Calls as the gateway makes them: never HeadBucket, which a role that is confined to a prefix
/// may not.
struct Probes<'a> {
    tenant: &'a Tenant,
    session: &'a Cloud,
    /// How long S3 may take to know a new session.
    patience: Duration,
    watch: &'a dyn Watch,
}

/// A call, its name, the IAM action that it needs, and the resource that this is about.
struct Probe {
    name: &'static str,
    action: &'static str,
    purpose: Purpose,
    /// Below the bucket; `None` for the bucket itself.
    key: Option<String>,
    attempt: Attempt,
}

impl Probes<'_> {
    async fn run(&self, stages: &mut Vec<Stage>) {
        let mut version = None;
        let results = self.tenant.desired.results();
        let kept =
            results.object_lock.is_some() || self.tenant.cloud.retains(results.name.as_str()).await;
        for probe in self.list(kept) {
            match self.known(&probe.attempt).await {
                Ok(made) => {
                    version = made.or(version);
                    stages.push(passed(probe.name));
                }
                Err(failure) => {
                    let cause = self.cause(&probe, &failure).await;
                    stages.push(failed(probe.name, &failure, cause));
                    return;
                }
            }
        }
        if kept {
            stages.push(Stage {
                name: "write a result: left out",
                ok: true,
                answer: Some("object lock would keep the probe, so nothing is written".to_string()),
                cause: None,
            });
        } else {
            self.clean(version.as_deref()).await;
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
                    bucket: data,
                    prefix: prefix.clone(),
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
        if !failure.is_denied() {
            return None;
        }
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
        let owner: AccountId = account.clone();
        let refused = Refused {
            principal: policies::Principal::session(role.arn.clone(), "test"),
            action: probe.action,
            resource,
            owner,
            prefix: (probe.action == "s3:ListBucket").then(|| desired.key_prefix.to_string()),
        };
        let documents = documents(self.tenant).await?;
        from_documents(&refused, &documents, Some(probe.purpose))
    }

    /// On a versioned bucket the probe leaves a version and a marker: both go.
    async fn clean(&self, version: Option<&str>) {
        let results = self.tenant.desired.results().name.to_string();
        if let Some(version) = version {
            let attempt = Attempt::DeleteVersion {
                bucket: results.clone(),
                key: self.key(),
                version: version.to_string(),
            };
            let _ = attempt.make(self.session).await;
        }
        let _ = self.tenant.cloud.remove_below(&results, &self.key()).await;
    }
}
