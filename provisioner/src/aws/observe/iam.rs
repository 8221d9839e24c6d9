//! The role, its policies, and its instance profile.

use crate::aws::connect::{Cloud, unexpected};
use crate::aws::convert::iam_tags_from_sdk;
use crate::aws::observe::MAX_PAGES;
use crate::failure::Failure;
use crate::plan::{ObservedPolicy, ObservedProfile, ObservedRole, Read, Refusal};
use serde_json::Value;
use std::collections::BTreeMap;

/// A refused list is part of the state; everything else that fails is a failure.
fn readable<T>(result: Result<T, Failure>) -> Result<Read<T>, Failure> {
    match result {
        Ok(value) => Ok(Read::Known(value)),
        Err(failure) if failure.is_unsupported() => Ok(Read::Unsupported),
        Err(failure) if failure.is_denied() => Ok(Read::Unreadable(Refusal::from(&failure))),
        Err(failure) => Err(failure),
    }
}

fn absent<T>(result: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(failure) if failure.is_absent() => Ok(None),
        Err(failure) => Err(failure),
    }
}

impl Cloud {
    pub(crate) async fn observe_role(&self, name: &str) -> Result<Option<ObservedRole>, Failure> {
        let answer = self
            .read("iam:GetRole", name, || {
                self.iam.get_role().role_name(name).send()
            })
            .await;
        let Some(answer) = absent(answer)? else {
            return Ok(None);
        };
        let Some(role) = answer.role() else {
            return Err(unexpected(
                "iam:GetRole",
                name,
                "the answer has no role".to_string(),
            ));
        };
        let trust = document(role.assume_role_policy_document().unwrap_or_default())
            .map_err(|message| unexpected("iam:GetRole", name, message))?;
        Ok(Some(ObservedRole {
            arn: role.arn().to_string(),
            id: role.role_id().to_string(),
            trust,
            max_session_seconds: role
                .max_session_duration()
                .and_then(|s| u32::try_from(s).ok())
                .unwrap_or(3_600),
            description: role.description().unwrap_or_default().to_string(),
            boundary: role
                .permissions_boundary()
                .and_then(|b| b.permissions_boundary_arn())
                .map(str::to_string),
            tags: Read::Known(iam_tags_from_sdk(role.tags())),
            inline: readable(self.inline_policies(name).await)?,
            attached: readable(self.attached_policies(name).await)?,
            profiles: readable(self.profiles_of(name).await)?,
        }))
    }

    async fn inline_policies(&self, role: &str) -> Result<BTreeMap<String, Value>, Failure> {
        let mut names = Vec::new();
        let mut marker: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let page = self
                .read("iam:ListRolePolicies", role, || {
                    let request = self.iam.list_role_policies().role_name(role);
                    request.set_marker(marker.clone()).send()
                })
                .await?;
            names.extend(page.policy_names().iter().cloned());
            match page.marker() {
                Some(next) if page.is_truncated() => marker = Some(next.to_string()),
                _ => break,
            }
        }
        let mut all = BTreeMap::new();
        for name in names {
            let answer = self
                .read("iam:GetRolePolicy", role, || {
                    let request = self.iam.get_role_policy().role_name(role);
                    request.policy_name(&name).send()
                })
                .await;
            // One that is deleted between the list and this read is not there.
            if let Some(policy) = absent(answer)? {
                let text = document(policy.policy_document())
                    .map_err(|message| unexpected("iam:GetRolePolicy", role, message))?;
                all.insert(name, text);
            }
        }
        Ok(all)
    }

    async fn attached_policies(&self, role: &str) -> Result<Vec<String>, Failure> {
        let mut all = Vec::new();
        let mut marker: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let page = self
                .read("iam:ListAttachedRolePolicies", role, || {
                    let request = self.iam.list_attached_role_policies().role_name(role);
                    request.set_marker(marker.clone()).send()
                })
                .await?;
            all.extend(
                page.attached_policies()
                    .iter()
                    .filter_map(|p| p.policy_arn().map(str::to_string)),
            );
            match page.marker() {
                Some(next) if page.is_truncated() => marker = Some(next.to_string()),
                _ => break,
            }
        }
        all.sort();
        Ok(all)
    }

    async fn profiles_of(&self, role: &str) -> Result<Vec<String>, Failure> {
        let mut all = Vec::new();
        let mut marker: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let page = self
                .read("iam:ListInstanceProfilesForRole", role, || {
                    let request = self.iam.list_instance_profiles_for_role().role_name(role);
                    request.set_marker(marker.clone()).send()
                })
                .await?;
            all.extend(
                page.instance_profiles()
                    .iter()
                    .map(|p| p.instance_profile_name().to_string()),
            );
            match page.marker() {
                Some(next) if page.is_truncated() => marker = Some(next.to_string()),
                _ => break,
            }
        }
        all.sort();
        Ok(all)
    }

    pub(crate) async fn observe_policy(
        &self,
        arn: &str,
    ) -> Result<Option<ObservedPolicy>, Failure> {
        let answer = self
            .read("iam:GetPolicy", arn, || {
                self.iam.get_policy().policy_arn(arn).send()
            })
            .await;
        let answer = match absent(answer) {
            // A store without managed policies has none of ours either.
            Err(failure) if failure.is_unsupported() => None,
            other => other?,
        };
        let Some(policy) = answer.as_ref().and_then(|a| a.policy()) else {
            return Ok(None);
        };
        let default_version = policy.default_version_id().unwrap_or("v1").to_string();
        let version = self
            .read("iam:GetPolicyVersion", arn, || {
                let request = self.iam.get_policy_version().policy_arn(arn);
                request.version_id(&default_version).send()
            })
            .await?;
        let text = version
            .policy_version()
            .and_then(|v| v.document())
            .unwrap_or_default();
        let text =
            document(text).map_err(|message| unexpected("iam:GetPolicyVersion", arn, message))?;
        Ok(Some(ObservedPolicy {
            arn: arn.to_string(),
            versions: self.versions_of(arn).await?,
            default_version,
            document: text,
            tags: Read::Known(iam_tags_from_sdk(policy.tags())),
        }))
    }

    /// Oldest first: the numbers of versions only ever grow.
    async fn versions_of(&self, arn: &str) -> Result<Vec<String>, Failure> {
        let mut all = Vec::new();
        let mut marker: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let page = self
                .read("iam:ListPolicyVersions", arn, || {
                    let request = self.iam.list_policy_versions().policy_arn(arn);
                    request.set_marker(marker.clone()).send()
                })
                .await?;
            all.extend(
                page.versions()
                    .iter()
                    .filter_map(|v| v.version_id().map(str::to_string)),
            );
            match page.marker() {
                Some(next) if page.is_truncated() => marker = Some(next.to_string()),
                _ => break,
            }
        }
        all.sort_by_key(|v| v.trim_start_matches('v').parse::<u32>().unwrap_or(u32::MAX));
        Ok(all)
    }

    pub(crate) async fn observe_profile(
        &self,
        name: &str,
    ) -> Result<Option<ObservedProfile>, Failure> {
        let answer = self
            .read("iam:GetInstanceProfile", name, || {
                let request = self.iam.get_instance_profile();
                request.instance_profile_name(name).send()
            })
            .await;
        let answer = match absent(answer) {
            Err(failure) if failure.is_unsupported() => None,
            other => other?,
        };
        Ok(answer
            .as_ref()
            .and_then(|a| a.instance_profile())
            .map(|profile| ObservedProfile {
                name: name.to_string(),
                role: profile.roles().first().map(|r| r.role_name().to_string()),
                tags: Read::Known(iam_tags_from_sdk(profile.tags())),
            }))
    }
}

/// IAM gives documents percent-encoded, its imitators sometimes plain.
fn document(text: &str) -> Result<Value, String> {
    let plain = if text.trim_start().starts_with('{') {
        text.to_string()
    } else {
        percent_encoding::percent_decode_str(text)
            .decode_utf8()
            .map_err(|_| "the policy is not UTF-8".to_string())?
            .into_owned()
    };
    serde_json::from_str(&plain).map_err(|error| format!("the policy is not JSON: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_read_plain_and_encoded() {
        let wanted = serde_json::json!({"Version": "2012-10-17", "x": "a b/+"});
        assert_eq!(document(&wanted.to_string()).unwrap(), wanted);
        let encoded = "%7B%22Version%22%3A%222012-10-17%22%2C%22x%22%3A%22a%20b%2F%2B%22%7D";
        assert_eq!(document(encoded).unwrap(), wanted);
        assert!(document("nonsense").is_err());
    }
}
