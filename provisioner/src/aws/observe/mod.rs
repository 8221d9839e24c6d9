//! Reads everything that the plan of one tenant looks at.

mod bucket;
mod contents;
mod iam;

use crate::aws::connect::{Cloud, failure};
use crate::aws::pace::Settling;
use crate::failure::Failure;
use crate::model::{Attachment, Desired, managed_policy_arn};
use crate::plan::Observed;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use std::future::Future;

/// No list of anything is followed further than this many pages.
pub(super) const MAX_PAGES: usize = 1_000;

/// A caller who may not see what nobody asks for does not have to.
fn if_wanted<T>(wanted: bool, read: Result<Option<T>, Failure>) -> Result<Option<T>, Failure> {
    match read {
        Err(failure) if !wanted && failure.is_denied() => Ok(None),
        other => other,
    }
}

impl Cloud {
    /// The state of everything that `desired` names.
    ///
    /// # Errors
    /// When the store does not answer; what the caller may not see is part of the state.
    pub async fn observe(&self, desired: &Desired) -> Result<Observed, Failure> {
        let mut observed = Observed::default();
        for bucket in &desired.buckets {
            let state = self.observe_bucket(bucket.name.as_str()).await?;
            observed.buckets.insert(bucket.purpose, state);
        }
        if let Some(role) = &desired.role {
            observed.role = self.observe_role(role.arn.name()).await?;
            let policy_arn = match &role.attachment {
                Attachment::Managed { arn, .. } => Some(arn.clone()),
                Attachment::Inline { name } => managed_policy_arn(&role.arn, name).ok(),
            };
            if let Some(arn) = policy_arn {
                let wanted = matches!(role.attachment, Attachment::Managed { .. });
                let policy = self.observe_policy(arn.as_str()).await;
                observed.policy = if_wanted(wanted, policy)?;
            }
            let name = role.instance_profile.as_deref().unwrap_or(role.arn.name());
            let profile = self.observe_profile(name).await;
            observed.instance_profile = if_wanted(role.instance_profile.is_some(), profile)?;
        }
        Ok(observed)
    }

    /// One call, repeated as the patience for its failures allows.
    pub(crate) async fn call<T, E, F, Fut>(
        &self,
        call: &str,
        resource: &str,
        settling: Settling,
        send: F,
    ) -> Result<T, Failure>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        self.pace
            .call(call, settling, || async {
                send()
                    .await
                    .map_err(|error| failure(call, resource, &error))
            })
            .await
    }

    /// A reading call.
    pub(crate) async fn read<T, E, F, Fut>(
        &self,
        call: &str,
        resource: &str,
        send: F,
    ) -> Result<T, Failure>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        self.call(call, resource, Settling::No, send).await
    }
}
