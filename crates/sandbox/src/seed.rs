//! What can be put into a sandbox without the network; it is visible at once.

use crate::disk::{BucketRecord, StoreError};
use crate::document::Document;
use crate::iam::{AccessKeyRecord, NewRole, make_role, make_user, put_inline};
use crate::query::QueryError;
use crate::random;
use crate::sandbox::{KeyPair, Sandbox, SandboxError, no_account};
use std::collections::BTreeMap;
use types::{AccountId, BucketName, Region, RoleArn};

impl Sandbox {
    /// Makes an account unless it is there.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn create_account(&self, account: &AccountId) -> Result<(), SandboxError> {
        Ok(self.directory.ensure_account(account)?)
    }

    /// The keys of an account's root user; the same for as long as the data lives.
    ///
    /// # Errors
    /// When there is no such account.
    pub fn root_keys(&self, account: &AccountId) -> Result<KeyPair, SandboxError> {
        let accounts = self.directory.newest();
        let account = accounts
            .account(account)
            .ok_or_else(|| no_account(account))?;
        Ok(KeyPair::from(&account.root))
    }

    /// Makes a user with these inline policies (name and document), or gives the user that is
    /// there these policies too. Its keys: the first that it has, a new one when it has none.
    /// Visible at once.
    ///
    /// # Errors
    /// When IAM would refuse the name or a document.
    pub fn create_user(
        &self,
        account: &AccountId,
        name: &str,
        policies: &[(&str, &serde_json::Value)],
    ) -> Result<KeyPair, SandboxError> {
        let now = self.clock.now();
        let key = self.directory.seed(account, |account| {
            if account.user(name).is_none() {
                make_user(account, "/", name, None, BTreeMap::new(), now)?;
            }
            let user = account
                .user_mut(name)
                .expect("the user was made or was there");
            for (policy, document) in policies {
                let text = document.to_string();
                // Seeding is not bound by the quota: tests put large policies here.
                put_inline(&mut user.permissions, name, policy, &text, usize::MAX)?;
            }
            if user.keys.is_empty() {
                user.keys.push(AccessKeyRecord::draw(now));
            }
            Ok(user.keys[0].clone())
        })?;
        Ok(KeyPair::from(&key))
    }

    /// Makes a role, or gives the role that is there this trust and these inline policies.
    /// Visible at once.
    ///
    /// # Errors
    /// When IAM would refuse the name or a document, or a principal does not exist.
    pub fn create_role(
        &self,
        account: &AccountId,
        name: &str,
        trust: &serde_json::Value,
        policies: &[(&str, &serde_json::Value)],
    ) -> Result<RoleArn, SandboxError> {
        let now = self.clock.now();
        let accounts = self.directory.newest();
        let arn = self.directory.seed(account, |account| {
            let new = NewRole {
                path: "/",
                name,
                trust: &trust.to_string(),
                description: None,
                max_session: 3_600,
                boundary: None,
                tags: BTreeMap::new(),
            };
            let kept = account.roles.remove(&name.to_lowercase());
            make_role(account, &accounts, new, now)?;
            let role = account.role_mut(name).expect("the role was made");
            if let Some(kept) = kept {
                role.id = kept.id.clone();
                role.permissions = kept.permissions.clone();
                role.tags = kept.tags.clone();
            }
            for (policy, document) in policies {
                let text = document.to_string();
                put_inline(&mut role.permissions, name, policy, &text, usize::MAX)?;
            }
            Ok(role.arn.clone())
        })?;
        Ok(arn)
    }

    /// Makes a bucket as a new one is at AWS: private, unversioned, all public access blocked.
    /// Leaves the account's own bucket of that name as it is.
    ///
    /// # Errors
    /// When another account or region has the bucket, or it cannot be written.
    pub fn create_bucket(
        &self,
        account: &AccountId,
        bucket: &BucketName,
        region: &Region,
    ) -> Result<(), SandboxError> {
        if self.directory.newest().account(account).is_none() {
            return Err(no_account(account));
        }
        let record = BucketRecord::new(
            bucket.to_string(),
            account.clone(),
            region.clone(),
            self.clock.now(),
        );
        match self.store.create_bucket(record) {
            Ok(()) => Ok(()),
            Err(StoreError::BucketExists(other))
                if other.owner == *account && other.region == *region =>
            {
                Ok(())
            }
            Err(StoreError::BucketExists(_)) => Err(SandboxError::BucketTaken(bucket.clone())),
            Err(error) => Err(SandboxError::Bucket {
                bucket: bucket.clone(),
                source: std::io::Error::other(error),
            }),
        }
    }

    /// Makes a KMS key whose policy leaves everything to the IAM policies of its account, or is
    /// `policy`; gives its ARN. S3 asks for `kms:GenerateDataKey` and `kms:Decrypt` where objects
    /// are encrypted with it; KMS itself cannot be called. Visible at once.
    ///
    /// # Errors
    /// When the policy is malformed or the account does not exist.
    pub fn create_kms_key(
        &self,
        account: &AccountId,
        region: &Region,
        policy: Option<&serde_json::Value>,
    ) -> Result<String, SandboxError> {
        let id = random::request_uuid();
        let arn = format!("arn:aws:kms:{region}:{account}:key/{id}");
        let default = serde_json::json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{account}:root")},
            "Action": "kms:*", "Resource": "*",
        }]});
        let text = policy.unwrap_or(&default).to_string();
        let document = Document::parse(policies::PolicyKind::Resource, &text)
            .map_err(QueryError::malformed_policy)?;
        self.directory.seed(account, |account| {
            account.keys.insert(arn.clone(), document);
            Ok(())
        })?;
        Ok(arn)
    }

    /// Lets a queue, topic or function exist, so that buckets may name it as the destination of
    /// their notifications; without a policy that lets S3 in, they still may not. Not kept over a
    /// restart.
    ///
    /// # Errors
    /// When the policy is malformed.
    pub fn put_destination(
        &self,
        arn: &str,
        policy: Option<&serde_json::Value>,
    ) -> Result<(), SandboxError> {
        let document = policy
            .map(|policy| Document::parse(policies::PolicyKind::Resource, &policy.to_string()))
            .transpose()
            .map_err(QueryError::malformed_policy)?;
        self.destinations.put(arn.to_string(), document);
        Ok(())
    }
}
