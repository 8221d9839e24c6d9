//! Makes one step. Every step can be repeated: what is there already, or gone already, is done.

mod bucket;
mod empty;
mod iam;
mod ours;

use crate::aws::connect::Cloud;
use crate::failure::Failure;
use crate::plan::Step;
use serde::{Deserialize, Serialize};

/// What a step that succeeded has to say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The version that CreatePolicyVersion made.
    pub version: Option<String>,
    /// Why nothing was done: the store does not have it.
    pub unsupported: Option<String>,
}

impl Cloud {
    /// Makes `step`.
    ///
    /// # Errors
    /// What the store answered, after all retries that make sense.
    pub async fn execute(&self, step: &Step) -> Result<Outcome, Failure> {
        let result = match step {
            Step::CreateBucket { .. }
            | Step::PutSetting { .. }
            | Step::RemoveSetting { .. }
            | Step::EmptyBucket { .. }
            | Step::DeleteBucket { .. } => self.execute_on_bucket(step).await,
            _ => self.execute_on_iam(step).await,
        };
        match result {
            Err(failure) if !self.is_aws && is_optional(step) && is_lacking(&failure) => {
                Ok(Outcome {
                    unsupported: Some(
                        failure
                            .code
                            .clone()
                            .unwrap_or_else(|| failure.message.clone()),
                    ),
                    version: None,
                })
            }
            other => other,
        }
    }
}

/// Everything but the bucket itself may be missing in a compatible store.
fn is_optional(step: &Step) -> bool {
    matches!(step, Step::PutSetting { .. } | Step::RemoveSetting { .. })
}

/// Stores say that they lack something with 501, 405, or by calling the request malformed.
fn is_lacking(failure: &Failure) -> bool {
    failure.is_unsupported()
        || (failure.status == Some(400)
            && [
                "InvalidArgument",
                "InvalidRequest",
                "MalformedXML",
                "UnsupportedOperation",
            ]
            .iter()
            .any(|code| failure.is(code)))
}
