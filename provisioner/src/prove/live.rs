//! The live half: calls with the role's own session.

use crate::aws::{Cloud, Credentials};
use crate::failure::Failure;
use crate::model::Desired;
use crate::prove::attempt::Attempt;
use crate::prove::{Check, Expected, Verdict};
use crate::runner::Watch;
use std::time::Duration;
use tokio::time::Instant;

/// A new role may be unknown for a while: so many successes in a row end the waiting.
const STEADY: u32 = 3;

/// Who assumes the role: the gateway's role, or something that may become it.
pub struct Vendor<'a> {
    /// Its connection.
    pub cloud: &'a Cloud,
    /// How long a new role may take to be known.
    pub patience: Duration,
}

impl Vendor<'_> {
    /// A session of the tenant's role.
    async fn assume(&self, desired: &Desired, id: Option<&str>) -> Result<Credentials, Failure> {
        let role = desired.role.as_ref().map(|role| role.arn.to_string());
        self.cloud
            .assume(&role.unwrap_or_default(), id, "byos-proof")
            .await
    }

    /// Waits until the role can be assumed several times in a row.
    ///
    /// # Errors
    /// The last refusal, once the patience is used up.
    pub async fn wait_until_steady(
        &self,
        desired: &Desired,
        watch: &dyn Watch,
    ) -> Result<Credentials, Failure> {
        let started = Instant::now();
        let mut wait = Duration::from_millis(250);
        let mut steady = 0;
        loop {
            match self
                .assume(desired, Some(desired.external_id.as_str()))
                .await
            {
                Ok(credentials) => {
                    steady += 1;
                    if steady == STEADY {
                        return Ok(credentials);
                    }
                }
                Err(failure) if failure.is_denied() && started.elapsed() + wait < self.patience => {
                    steady = 0;
                    watch.tell(&format!(
                        "the role cannot be assumed yet ({} s, at most {} s)",
                        started.elapsed().as_secs(),
                        self.patience.as_secs()
                    ));
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(Duration::from_secs(5));
                }
                Err(failure) => return Err(failure),
            }
        }
    }
}

/// The live half under way.
pub struct Live<'a> {
    /// What shall be.
    pub desired: &'a Desired,
    /// Who assumes the role.
    pub vendor: Vendor<'a>,
    /// The role's own session.
    pub session: &'a Cloud,
    /// The customer's admin, who puts what the role reads and clears away.
    pub admin: &'a Cloud,
    /// Told about progress.
    pub watch: &'a dyn Watch,
    /// Makes the names of this proof's objects its own.
    pub nonce: String,
    /// What was found so far.
    pub checks: Vec<Check>,
}

impl Live<'_> {
    /// Makes every check, and leaves nothing behind.
    pub async fn run(mut self) -> Vec<Check> {
        self.watch.tell("proving who may assume the role");
        self.trust().await;
        self.watch
            .tell("proving what the role may do, and what not");
        if let Err(reason) = self.prepare().await {
            self.unprepared(&reason);
        } else {
            self.permissions().await;
        }
        self.clear_away().await;
        self.checks
    }

    fn own(&self, name: &str) -> String {
        format!(
            "{}.byos-probe/{}/{name}",
            self.desired.key_prefix, self.nonce
        )
    }

    fn foreign(&self, name: &str) -> String {
        format!("orgs/byos-proof-{}/{name}", self.nonce)
    }

    fn data(&self) -> String {
        self.desired.data().name.to_string()
    }

    fn results(&self) -> String {
        self.desired.results().name.to_string()
    }

    async fn trust(&mut self) {
        let right = self.desired.external_id.as_str().to_string();
        let wrong = [
            ("without an external id", None),
            ("with a wrong external id", Some(format!("{right}-wrong"))),
            (
                "with another tenant's external id",
                Some(right.replace(self.desired.tenant.as_str(), "byos-proof-other")),
            ),
        ];
        let claim = "the vendor assumes the role with the external id".to_string();
        let answer = self.vendor.assume(self.desired, Some(&right)).await;
        let answer = answer.map(drop);
        self.allowed(claim, &answer);
        for (words, id) in wrong {
            let control = self
                .vendor
                .assume(self.desired, Some(&right))
                .await
                .map(drop);
            let answer = self
                .vendor
                .assume(self.desired, id.as_deref())
                .await
                .map(drop);
            let claim = format!("the vendor does not assume the role {words}");
            let before = "assuming the role with the external id";
            self.denied(claim, before, &control, &answer);
        }
    }

    fn allowed(&mut self, claim: String, answer: &Result<(), Failure>) {
        let verdict = match answer {
            Ok(()) => Verdict::Proven,
            Err(failure) if failure.is_denied() => Verdict::Violated,
            Err(_) => Verdict::Inconclusive,
        };
        self.checks.push(Check {
            claim,
            expected: Expected::Allowed,
            verdict,
            control: None,
            evidence: evidence(answer),
        });
    }

    /// A refusal counts only with exactly AccessDenied, just after something that was permitted.
    fn denied(
        &mut self,
        claim: String,
        control: &str,
        control_answer: &Result<(), Failure>,
        answer: &Result<(), Failure>,
    ) {
        let (verdict, evidence) = match (control_answer, answer) {
            (_, Ok(())) => (Verdict::Violated, "it was permitted".to_string()),
            (Err(failure), _) => (
                Verdict::Inconclusive,
                format!(
                    "the permitted call before it failed: {}",
                    evidence(&Err(failure.clone()))
                ),
            ),
            (Ok(()), Err(failure)) if is_refusal(failure) => (Verdict::Proven, evidence(answer)),
            (Ok(()), Err(_)) => (Verdict::Inconclusive, evidence(answer)),
        };
        self.checks.push(Check {
            claim,
            expected: Expected::Denied,
            verdict,
            control: Some(control.to_string()),
            evidence,
        });
    }

    /// Objects that must be there, so that a refusal cannot mean that they are not.
    async fn prepare(&self) -> Result<(), String> {
        let locked = |bucket: &crate::model::DesiredBucket| bucket.object_lock.is_some();
        if self.desired.buckets.iter().any(locked) {
            return Err("object lock would keep the probes: nothing is written".to_string());
        }
        for (bucket, key) in [
            (self.data(), self.own("read")),
            (self.data(), self.foreign("read")),
            (self.results(), self.foreign("read")),
        ] {
            let put = Attempt::Put { bucket, key };
            put.make(self.admin)
                .await
                .map_err(|f| format!("the caller cannot put a probe: {f}"))?;
        }
        Ok(())
    }

    fn unprepared(&mut self, reason: &str) {
        self.checks.push(Check {
            claim: "the role does what it shall and no more".to_string(),
            expected: Expected::Allowed,
            verdict: Verdict::Inconclusive,
            control: None,
            evidence: reason.to_string(),
        });
    }

    async fn permissions(&mut self) {
        for (claim, attempt) in self.permitted() {
            let answer = self.settled(&attempt).await.map(drop);
            self.allowed(claim, &answer);
        }
        self.own_version().await;
        for (claim, control, attempt) in self.forbidden() {
            let control_answer = control.make(self.session).await.map(drop);
            let answer = attempt.make(self.session).await.map(drop);
            self.denied(claim, call_name(&control), &control_answer, &answer);
        }
    }

    /// A session of a new role may be unknown to S3 for seconds.
    async fn settled(&self, attempt: &Attempt) -> Result<Option<String>, Failure> {
        let started = Instant::now();
        let mut wait = Duration::from_millis(250);
        loop {
            match attempt.make(self.session).await {
                Err(failure)
                    if (failure.is_denied() || failure.is("InvalidClientTokenId"))
                        && started.elapsed() + wait < self.vendor.patience / 4 =>
                {
                    tokio::time::sleep(wait).await;
                    wait *= 2;
                }
                other => return other,
            }
        }
    }

    fn permitted(&self) -> Vec<(String, Attempt)> {
        let prefix = Some(self.desired.key_prefix.to_string());
        let (data, results) = (self.data(), self.results());
        let key = self.own("write");
        let say = |words: &str| words.to_string();
        vec![
            (
                say("finds the region of the data bucket"),
                Attempt::Locate {
                    bucket: data.clone(),
                },
            ),
            (
                say("lists its prefix of the data bucket"),
                Attempt::List {
                    bucket: data.clone(),
                    prefix: prefix.clone(),
                },
            ),
            (
                say("reads an object of the data bucket"),
                Attempt::Get {
                    bucket: data,
                    key: self.own("read"),
                },
            ),
            (
                say("finds the region of the results bucket"),
                Attempt::Locate {
                    bucket: results.clone(),
                },
            ),
            (
                say("lists its prefix of the results bucket"),
                Attempt::List {
                    bucket: results.clone(),
                    prefix,
                },
            ),
            (
                say("writes a result"),
                Attempt::Put {
                    bucket: results.clone(),
                    key: key.clone(),
                },
            ),
            (
                say("reads a result"),
                Attempt::Get {
                    bucket: results.clone(),
                    key: key.clone(),
                },
            ),
            (
                say("uploads a result in parts"),
                Attempt::UploadCompleted {
                    bucket: results.clone(),
                    key: self.own("parts"),
                },
            ),
            (
                say("clears an upload away that broke off"),
                Attempt::UploadAborted {
                    bucket: results.clone(),
                    key: self.own("broken"),
                },
            ),
            (
                say("deletes a result"),
                Attempt::Delete {
                    bucket: results,
                    key,
                },
            ),
        ]
    }

    /// What the role writes as a probe it can remove with every version.
    async fn own_version(&mut self) {
        let (bucket, key) = (self.results(), self.own("version"));
        let put = Attempt::Put {
            bucket: bucket.clone(),
            key: key.clone(),
        };
        let answer = match put.make(self.session).await {
            Err(failure) => Err(failure),
            Ok(version) => {
                let version = version.unwrap_or_else(|| "null".to_string());
                let delete = Attempt::DeleteVersion {
                    bucket,
                    key,
                    version,
                };
                delete.make(self.session).await.map(drop)
            }
        };
        self.allowed("removes a probe with its version".to_string(), &answer);
    }

    /// Each with the permitted call that goes just before it.
    fn forbidden(&self) -> Vec<(String, Attempt, Attempt)> {
        let (data, results) = (self.data(), self.results());
        let prefix = Some(self.desired.key_prefix.to_string());
        let read = Attempt::Get {
            bucket: data.clone(),
            key: self.own("read"),
        };
        let write = Attempt::Put {
            bucket: results.clone(),
            key: self.own("control"),
        };
        let list = |bucket: &String| Attempt::List {
            bucket: bucket.clone(),
            prefix: prefix.clone(),
        };
        let mut all = Vec::new();
        let mut add = |claim: &str, control: &Attempt, attempt: Attempt| {
            all.push((claim.to_string(), control.clone(), attempt));
        };
        for (bucket, name) in [(&data, "data"), (&results, "results")] {
            let other = Some(self.foreign(""));
            let (foreign, bucket) = (self.foreign("read"), bucket.clone());
            let listed = list(&bucket);
            add(
                &format!("does not list all of the {name} bucket"),
                &listed,
                Attempt::List {
                    bucket: bucket.clone(),
                    prefix: None,
                },
            );
            add(
                &format!("does not list another org in the {name} bucket"),
                &listed,
                Attempt::List {
                    bucket: bucket.clone(),
                    prefix: other,
                },
            );
            add(
                &format!("does not read another org's object in the {name} bucket"),
                &read,
                Attempt::Get {
                    bucket: bucket.clone(),
                    key: foreign,
                },
            );
            add(
                &format!("does not read the policy of the {name} bucket"),
                &listed,
                Attempt::ReadPolicy {
                    bucket: bucket.clone(),
                },
            );
            add(
                &format!("does not read the versioning of the {name} bucket"),
                &listed,
                Attempt::ReadVersioning {
                    bucket: bucket.clone(),
                },
            );
            if bucket == data || !self.desired.list_uploads {
                add(
                    &format!("does not list uploads of the {name} bucket"),
                    &listed,
                    Attempt::ListUploads { bucket },
                );
            }
        }
        add(
            "does not write to the data bucket",
            &read,
            Attempt::Put {
                bucket: data.clone(),
                key: self.own("forbidden"),
            },
        );
        add(
            "does not delete from the data bucket",
            &read,
            Attempt::Delete {
                bucket: data.clone(),
                key: self.own("read"),
            },
        );
        add(
            "does not tag objects of the data bucket",
            &read,
            Attempt::Tag {
                bucket: data,
                key: self.own("read"),
            },
        );
        add(
            "does not write another org's results",
            &write,
            Attempt::Put {
                bucket: results.clone(),
                key: self.foreign("forbidden"),
            },
        );
        add(
            "does not delete another org's results",
            &write,
            Attempt::Delete {
                bucket: results.clone(),
                key: self.foreign("read"),
            },
        );
        let old = self.desired.key_prefix.to_string() + "byos-proof-version";
        add(
            "does not delete versions of results",
            &write,
            Attempt::DeleteVersion {
                bucket: results.clone(),
                key: old,
                version: "null".to_string(),
            },
        );
        add(
            "does not tag results",
            &write,
            Attempt::Tag {
                bucket: results,
                key: self.own("control"),
            },
        );
        add(
            "does not list the account's buckets",
            &read,
            Attempt::ListBuckets,
        );
        add(
            "does not list the account's roles",
            &read,
            Attempt::ListRoles,
        );
        all
    }

    /// Removes every version of every probe, whoever wrote it.
    async fn clear_away(&mut self) {
        let own = self.own("");
        let foreign = self.foreign("");
        let old = format!("{}byos-proof-version", self.desired.key_prefix);
        for bucket in [self.data(), self.results()] {
            for prefix in [&own, &foreign, &old] {
                if let Err(failure) = self.admin.remove_below(&bucket, prefix).await {
                    self.watch.tell(&format!(
                        "probes below {prefix} in {bucket} could not be removed: {}",
                        failure.message
                    ));
                }
            }
        }
    }
}

/// Nothing but an access refusal counts as one.
fn is_refusal(failure: &Failure) -> bool {
    failure.status == Some(403) && (failure.is("AccessDenied") || failure.code.is_none())
}

fn evidence(answer: &Result<(), Failure>) -> String {
    match answer {
        Ok(()) => "permitted".to_string(),
        Err(failure) => format!(
            "{}: {} (HTTP {}, request id {})",
            failure.call,
            failure.code.as_deref().unwrap_or("no code"),
            failure
                .status
                .map_or_else(|| "none".to_string(), |s| s.to_string()),
            failure.request_id.as_deref().unwrap_or("none")
        ),
    }
}

fn call_name(attempt: &Attempt) -> &'static str {
    match attempt {
        Attempt::Get { .. } => "GetObject below the prefix",
        Attempt::Put { .. } => "PutObject below the prefix",
        Attempt::List { .. } => "ListObjectsV2 of the prefix",
        _ => "a permitted call",
    }
}
