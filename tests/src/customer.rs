//! What a customer's set-up hands to the SaaS.

use crate::client::Login;

/// Two buckets and a role in the customer's account, and someone who owns them.
#[derive(Debug, Clone)]
pub struct Customer {
    /// The role to assume.
    pub role_arn: String,
    /// The bucket that the role may read.
    pub data_bucket: String,
    /// The bucket that the role may also write.
    pub results_bucket: String,
    /// Keys of a user in the customer's own account, who may do everything with its storage.
    pub owner: Login,
}
