//! Writing calls on IAM.

use super::Outcome;
use crate::aws::connect::Cloud;
use crate::aws::convert::iam_tags_to_sdk;
use crate::aws::pace::Settling;
use crate::failure::Failure;
use crate::model::OWNER_TAG;
use crate::plan::{IamResource, Step};
use serde_json::Value;
use std::collections::BTreeMap;

/// What was asked for is so already.
fn already(result: Result<(), Failure>) -> Result<(), Failure> {
    match result {
        Err(failure) if failure.is_absent() => Ok(()),
        other => other,
    }
}

impl Cloud {
    pub(super) async fn execute_on_iam(&self, step: &Step) -> Result<Outcome, Failure> {
        match step {
            Step::CreateRole { .. } => self.create_role(step).await?,
            Step::CreatePolicy { .. } => self.create_policy(step).await?,
            Step::CreateInstanceProfile { name, path, tags } => {
                self.create_profile(name, path, tags).await?;
            }
            Step::CreatePolicyVersion { arn, document } => {
                return self.create_version(arn, document).await;
            }
            Step::Tag { resource, tags } => self.tag(resource, tags).await?,
            Step::Untag { resource, keys } => {
                already(self.untag(resource, keys.iter().cloned().collect()).await)?;
            }
            Step::UpdateTrust { .. }
            | Step::UpdateRole { .. }
            | Step::PutBoundary { .. }
            | Step::PutInlinePolicy { .. }
            | Step::AttachPolicy { .. }
            | Step::AddRoleToProfile { .. }
            | Step::SetDefaultPolicyVersion { .. } => self.set(step).await?,
            _ => already(self.delete(step).await)?,
        }
        Ok(Outcome::default())
    }

    async fn create_role(&self, step: &Step) -> Result<(), Failure> {
        let Step::CreateRole {
            role,
            path,
            trust,
            description,
            max_session_seconds,
            boundary,
            tags,
        } = step
        else {
            return Ok(());
        };
        let seconds = i32::try_from(*max_session_seconds).unwrap_or(3_600);
        let answer = self
            .call("iam:CreateRole", role, Settling::No, || {
                self.iam
                    .create_role()
                    .role_name(role)
                    .path(path)
                    .assume_role_policy_document(trust.to_string())
                    .set_description(Some(description.clone()).filter(|text| !text.is_empty()))
                    .max_session_duration(seconds)
                    .set_permissions_boundary(boundary.clone())
                    .set_tags(Some(iam_tags_to_sdk(tags)))
                    .send()
            })
            .await;
        match answer {
            Ok(_) => Ok(()),
            // The answer to an earlier attempt got lost: the role carries our tag already.
            Err(failure) if failure.is_conflict() => {
                let there = self.observe_role(role).await?;
                let owner = there.as_ref().and_then(|r| r.tags.known()?.get(OWNER_TAG));
                if owner.is_some() && owner == tags.get(OWNER_TAG) {
                    Ok(())
                } else {
                    Err(failure)
                }
            }
            Err(failure) => Err(failure),
        }
    }

    async fn create_policy(&self, step: &Step) -> Result<(), Failure> {
        let Step::CreatePolicy {
            name,
            path,
            arn,
            document,
            tags,
        } = step
        else {
            return Ok(());
        };
        let answer = self
            .call("iam:CreatePolicy", name, Settling::No, || {
                self.iam
                    .create_policy()
                    .policy_name(name)
                    .path(path)
                    .policy_document(document.to_string())
                    .set_tags(Some(iam_tags_to_sdk(tags)))
                    .send()
            })
            .await;
        match answer {
            Ok(_) => Ok(()),
            Err(failure) if failure.is_conflict() => {
                let there = self.observe_policy(arn).await?;
                let owner = there.as_ref().and_then(|p| p.tags.known()?.get(OWNER_TAG));
                if owner.is_some() && owner == tags.get(OWNER_TAG) {
                    Ok(())
                } else {
                    Err(failure)
                }
            }
            Err(failure) => Err(failure),
        }
    }

    async fn create_profile(
        &self,
        name: &str,
        path: &str,
        tags: &BTreeMap<String, String>,
    ) -> Result<(), Failure> {
        let answer = self
            .call("iam:CreateInstanceProfile", name, Settling::No, || {
                self.iam
                    .create_instance_profile()
                    .instance_profile_name(name)
                    .path(path)
                    .set_tags(Some(iam_tags_to_sdk(tags)))
                    .send()
            })
            .await;
        match answer {
            Ok(_) => Ok(()),
            Err(failure) if failure.is_conflict() => {
                let there = self.observe_profile(name).await?;
                let owner = there.as_ref().and_then(|p| p.tags.known()?.get(OWNER_TAG));
                if owner.is_some() && owner == tags.get(OWNER_TAG) {
                    Ok(())
                } else {
                    Err(failure)
                }
            }
            Err(failure) => Err(failure),
        }
    }

    async fn create_version(&self, arn: &str, document: &Value) -> Result<Outcome, Failure> {
        let answer = self
            .call("iam:CreatePolicyVersion", arn, Settling::JustMade, || {
                self.iam
                    .create_policy_version()
                    .policy_arn(arn)
                    .policy_document(document.to_string())
                    .set_as_default(true)
                    .send()
            })
            .await;
        let version = match answer {
            Ok(answer) => answer
                .policy_version()
                .and_then(|v| v.version_id())
                .map(str::to_string),
            // The answer to an earlier attempt got lost: its version took the last place.
            Err(failure) if failure.is("LimitExceeded") => match self.observe_policy(arn).await? {
                Some(there) if there.document == *document => Some(there.default_version),
                _ => return Err(failure),
            },
            Err(failure) => return Err(failure),
        };
        Ok(Outcome {
            version,
            unsupported: None,
        })
    }

    /// Steps that set something on what is there, or was made a moment ago.
    async fn set(&self, step: &Step) -> Result<(), Failure> {
        let made = Settling::JustMade;
        match step {
            Step::UpdateTrust { role, trust } => self
                .call("iam:UpdateAssumeRolePolicy", role, made, || {
                    let request = self.iam.update_assume_role_policy().role_name(role);
                    request.policy_document(trust.to_string()).send()
                })
                .await
                .map(drop),
            Step::UpdateRole {
                role,
                description,
                max_session_seconds,
            } => {
                let seconds = i32::try_from(*max_session_seconds).unwrap_or(3_600);
                self.call("iam:UpdateRole", role, made, || {
                    let request = self.iam.update_role().role_name(role);
                    let request = request.description(description);
                    request.max_session_duration(seconds).send()
                })
                .await
                .map(drop)
            }
            Step::PutBoundary { role, boundary } => self
                .call("iam:PutRolePermissionsBoundary", role, made, || {
                    let request = self.iam.put_role_permissions_boundary().role_name(role);
                    request.permissions_boundary(boundary).send()
                })
                .await
                .map(drop),
            Step::PutInlinePolicy {
                role,
                name,
                document,
            } => self
                .call("iam:PutRolePolicy", role, made, || {
                    let request = self.iam.put_role_policy().role_name(role);
                    let request = request.policy_name(name);
                    request.policy_document(document.to_string()).send()
                })
                .await
                .map(drop),
            Step::AttachPolicy { role, arn } => self
                .call("iam:AttachRolePolicy", role, made, || {
                    let request = self.iam.attach_role_policy().role_name(role);
                    request.policy_arn(arn).send()
                })
                .await
                .map(drop),
            Step::AddRoleToProfile { name, role } => {
                let answer = self
                    .call("iam:AddRoleToInstanceProfile", name, made, || {
                        let request = self.iam.add_role_to_instance_profile();
                        let request = request.instance_profile_name(name);
                        request.role_name(role).send()
                    })
                    .await;
                match answer {
                    // One role per profile: after a lost answer it is ours that is in it.
                    Err(failure) if failure.is("LimitExceeded") => {
                        let there = self.observe_profile(name).await?;
                        let inside = there.and_then(|p| p.role);
                        if inside.as_deref() == Some(role) {
                            Ok(())
                        } else {
                            Err(failure)
                        }
                    }
                    other => other.map(drop),
                }
            }
            Step::SetDefaultPolicyVersion { arn, version } => self
                .call("iam:SetDefaultPolicyVersion", arn, made, || {
                    let request = self.iam.set_default_policy_version().policy_arn(arn);
                    request.version_id(version).send()
                })
                .await
                .map(drop),
            _ => Ok(()),
        }
    }

    async fn delete(&self, step: &Step) -> Result<(), Failure> {
        let no = Settling::No;
        match step {
            Step::DeleteBoundary { role } => self
                .call("iam:DeleteRolePermissionsBoundary", role, no, || {
                    let request = self.iam.delete_role_permissions_boundary();
                    request.role_name(role).send()
                })
                .await
                .map(drop),
            Step::DeleteInlinePolicy { role, name } => self
                .call("iam:DeleteRolePolicy", role, no, || {
                    let request = self.iam.delete_role_policy().role_name(role);
                    request.policy_name(name).send()
                })
                .await
                .map(drop),
            Step::DetachPolicy { role, arn } => self
                .call("iam:DetachRolePolicy", role, no, || {
                    let request = self.iam.detach_role_policy().role_name(role);
                    request.policy_arn(arn).send()
                })
                .await
                .map(drop),
            Step::DeletePolicyVersion {
                arn,
                version: Some(version),
            } => self
                .call("iam:DeletePolicyVersion", arn, no, || {
                    let request = self.iam.delete_policy_version().policy_arn(arn);
                    request.version_id(version).send()
                })
                .await
                .map(drop),
            Step::DeletePolicy { arn } => self
                .call("iam:DeletePolicy", arn, no, || {
                    self.iam.delete_policy().policy_arn(arn).send()
                })
                .await
                .map(drop),
            Step::RemoveRoleFromProfile { name, role } => self
                .call("iam:RemoveRoleFromInstanceProfile", name, no, || {
                    let request = self.iam.remove_role_from_instance_profile();
                    let request = request.instance_profile_name(name);
                    request.role_name(role).send()
                })
                .await
                .map(drop),
            Step::DeleteInstanceProfile { name } => self
                .call("iam:DeleteInstanceProfile", name, no, || {
                    let request = self.iam.delete_instance_profile();
                    request.instance_profile_name(name).send()
                })
                .await
                .map(drop),
            Step::DeleteRole { role } => self
                .call("iam:DeleteRole", role, no, || {
                    self.iam.delete_role().role_name(role).send()
                })
                .await
                .map(drop),
            _ => Ok(()),
        }
    }

    async fn tag(
        &self,
        resource: &IamResource,
        tags: &BTreeMap<String, String>,
    ) -> Result<(), Failure> {
        let made = Settling::JustMade;
        let tags = Some(iam_tags_to_sdk(tags));
        match resource {
            IamResource::Role(name) => self
                .call("iam:TagRole", name, made, || {
                    let request = self.iam.tag_role().role_name(name);
                    request.set_tags(tags.clone()).send()
                })
                .await
                .map(drop),
            IamResource::Policy(arn) => self
                .call("iam:TagPolicy", arn, made, || {
                    let request = self.iam.tag_policy().policy_arn(arn);
                    request.set_tags(tags.clone()).send()
                })
                .await
                .map(drop),
            IamResource::InstanceProfile(name) => self
                .call("iam:TagInstanceProfile", name, made, || {
                    let request = self.iam.tag_instance_profile();
                    let request = request.instance_profile_name(name);
                    request.set_tags(tags.clone()).send()
                })
                .await
                .map(drop),
        }
    }

    async fn untag(&self, resource: &IamResource, keys: Vec<String>) -> Result<(), Failure> {
        let no = Settling::No;
        let keys = Some(keys);
        match resource {
            IamResource::Role(name) => self
                .call("iam:UntagRole", name, no, || {
                    let request = self.iam.untag_role().role_name(name);
                    request.set_tag_keys(keys.clone()).send()
                })
                .await
                .map(drop),
            IamResource::Policy(arn) => self
                .call("iam:UntagPolicy", arn, no, || {
                    let request = self.iam.untag_policy().policy_arn(arn);
                    request.set_tag_keys(keys.clone()).send()
                })
                .await
                .map(drop),
            IamResource::InstanceProfile(name) => self
                .call("iam:UntagInstanceProfile", name, no, || {
                    let request = self.iam.untag_instance_profile();
                    let request = request.instance_profile_name(name);
                    request.set_tag_keys(keys.clone()).send()
                })
                .await
                .map(drop),
        }
    }
}
