//! What is tried with the role's session: every action that it shall be able to do, and calls
//! that must be refused, each with the permitted call that goes just before it.

use crate::model::Desired;
use crate::prove::attempt::Attempt;

/// One claim and the call that tries it.
pub(super) struct Trial {
    /// The claim in words.
    pub(super) claim: String,
    /// The call.
    pub(super) attempt: Attempt,
    /// For what must be refused: the permitted call just before.
    pub(super) control: Option<Attempt>,
}

impl Trial {
    /// Whether it neither writes nor needs what was written before.
    pub(super) fn leaves_nothing(&self) -> bool {
        self.attempt.leaves_nothing() && self.control.as_ref().is_none_or(Attempt::leaves_nothing)
    }
}

/// Where the probes of one proof lie.
pub(super) struct Places<'a> {
    pub(super) desired: &'a Desired,
    /// Makes the names of this proof's objects its own.
    pub(super) nonce: &'a str,
}

impl Places<'_> {
    /// Below the tenant's prefix.
    pub(super) fn own(&self, name: &str) -> String {
        format!(
            "{}.byos-probe/{}/{name}",
            self.desired.key_prefix, self.nonce
        )
    }

    /// Below the prefix of a tenant that does not exist.
    pub(super) fn foreign(&self, name: &str) -> String {
        format!("orgs/byos-proof-{}/{name}", self.nonce)
    }

    /// An object of which nobody may delete a version.
    pub(super) fn old(&self) -> String {
        format!("{}byos-proof-version", self.desired.key_prefix)
    }

    pub(super) fn data(&self) -> String {
        self.desired.data().name.to_string()
    }

    pub(super) fn results(&self) -> String {
        self.desired.results().name.to_string()
    }

    fn prefix(&self) -> Option<String> {
        Some(self.desired.key_prefix.to_string())
    }

    /// What must work, in this order.
    pub(super) fn permitted(&self) -> Vec<Trial> {
        let mut all = Vec::new();
        let mut add = |claim: &str, attempt| {
            all.push(Trial {
                claim: claim.to_string(),
                attempt,
                control: None,
            });
        };
        for (name, bucket) in [("data", self.data()), ("results", self.results())] {
            let prefix = self.prefix();
            add(
                &format!("finds the region of the {name} bucket"),
                Attempt::Locate {
                    bucket: bucket.clone(),
                },
            );
            add(
                &format!("lists its prefix of the {name} bucket"),
                Attempt::List { bucket, prefix },
            );
        }
        let bucket = self.results();
        if self.desired.list_uploads {
            add(
                "lists uploads of the results bucket",
                Attempt::ListUploads {
                    bucket: bucket.clone(),
                },
            );
        }
        add(
            "reads an object of the data bucket",
            Attempt::Get {
                bucket: self.data(),
                key: self.own("read"),
            },
        );
        let (on, key) = (|| bucket.clone(), || self.own("write"));
        let writes = [
            (
                "writes a result",
                Attempt::Put {
                    bucket: on(),
                    key: key(),
                },
            ),
            (
                "reads a result",
                Attempt::Get {
                    bucket: on(),
                    key: key(),
                },
            ),
            (
                "uploads a result in parts",
                Attempt::UploadCompleted {
                    bucket: on(),
                    key: self.own("parts"),
                },
            ),
            (
                "clears an upload away that broke off",
                Attempt::UploadAborted {
                    bucket: on(),
                    key: self.own("broken"),
                },
            ),
            (
                "deletes a result",
                Attempt::Delete {
                    bucket: on(),
                    key: key(),
                },
            ),
            (
                "removes a probe with its version",
                Attempt::PutAndDeleteVersion {
                    bucket: on(),
                    key: self.own("version"),
                },
            ),
        ];
        for (claim, attempt) in writes {
            add(claim, attempt);
        }
        all
    }

    /// What must be refused.
    pub(super) fn forbidden(&self) -> Vec<Trial> {
        let mut all = Vec::new();
        for (name, bucket) in [("data", self.data()), ("results", self.results())] {
            all.extend(self.forbidden_on_bucket(name, bucket));
        }
        all.extend(self.forbidden_on_objects());
        let listed = || Attempt::List {
            bucket: self.data(),
            prefix: self.prefix(),
        };
        for (claim, attempt) in [
            ("does not list the account's buckets", Attempt::ListBuckets),
            ("does not list the account's roles", Attempt::ListRoles),
        ] {
            all.push(against(claim, listed(), attempt));
        }
        all
    }

    fn forbidden_on_bucket(&self, name: &str, bucket: String) -> Vec<Trial> {
        let on = || bucket.clone();
        let mut attempts = vec![
            (
                "list all of",
                Attempt::List {
                    bucket: on(),
                    prefix: None,
                },
            ),
            (
                "list another org in",
                Attempt::List {
                    bucket: on(),
                    prefix: Some(self.foreign("")),
                },
            ),
            ("read the policy of", Attempt::ReadPolicy { bucket: on() }),
            (
                "read the versioning of",
                Attempt::ReadVersioning { bucket: on() },
            ),
        ];
        if name == "data" || !self.desired.list_uploads {
            attempts.push(("list uploads of", Attempt::ListUploads { bucket: on() }));
        }
        let mut all: Vec<Trial> = attempts
            .into_iter()
            .map(|(what, attempt)| {
                let control = Attempt::List {
                    bucket: on(),
                    prefix: self.prefix(),
                };
                against(
                    &format!("does not {what} the {name} bucket"),
                    control,
                    attempt,
                )
            })
            .collect();
        all.push(against(
            &format!("does not read another org's object in the {name} bucket"),
            self.read(),
            Attempt::Get {
                bucket: on(),
                key: self.foreign("read"),
            },
        ));
        all
    }

    fn read(&self) -> Attempt {
        Attempt::Get {
            bucket: self.data(),
            key: self.own("read"),
        }
    }

    fn forbidden_on_objects(&self) -> Vec<Trial> {
        let (data, results) = (|| self.data(), || self.results());
        let write = || Attempt::Put {
            bucket: results(),
            key: self.own("control"),
        };
        vec![
            against(
                "does not write to the data bucket",
                self.read(),
                Attempt::Put {
                    bucket: data(),
                    key: self.own("forbidden"),
                },
            ),
            against(
                "does not delete from the data bucket",
                self.read(),
                Attempt::Delete {
                    bucket: data(),
                    key: self.own("read"),
                },
            ),
            against(
                "does not tag objects of the data bucket",
                self.read(),
                Attempt::Tag {
                    bucket: data(),
                    key: self.own("read"),
                },
            ),
            against(
                "does not write another org's results",
                write(),
                Attempt::Put {
                    bucket: results(),
                    key: self.foreign("forbidden"),
                },
            ),
            against(
                "does not delete another org's results",
                write(),
                Attempt::Delete {
                    bucket: results(),
                    key: self.foreign("read"),
                },
            ),
            against(
                "does not delete versions of results",
                write(),
                Attempt::DeleteVersion {
                    bucket: results(),
                    key: self.old(),
                    version: "null".to_string(),
                },
            ),
            against(
                "does not tag results",
                write(),
                Attempt::Tag {
                    bucket: results(),
                    key: self.own("control"),
                },
            ),
        ]
    }
}

fn against(claim: &str, control: Attempt, attempt: Attempt) -> Trial {
    Trial {
        claim: claim.to_string(),
        attempt,
        control: Some(control),
    }
}
