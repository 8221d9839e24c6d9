//! Identifiers: who and which.

use crate::text::checked_text;

checked_text! {
    /// A customer organisation, its `org_id`: 1 to 64 of `A-Z a-z 0-9 _ -`.
    ///
    /// It appears as `orgs/{org_id}/` in keys and inside the external id, so its alphabet is the
    /// intersection of what both allow.
    TenantId, "org id", check_tenant
}

checked_text! {
    /// The id of an access key that the gateway issues: 16 to 128 of `A-Z a-z 0-9 _`.
    AccessKeyId, "access key id", check_access_key
}

checked_text! {
    /// A job, the unit of work that pins a target: 1 to 128 of `A-Z a-z 0-9 _ -`.
    JobId, "job id", check_job
}

checked_text! {
    /// What stands before the org id in an external id; `pulse-org-` unless configured.
    ExternalIdPrefix, "external id prefix", check_external_prefix
}

checked_text! {
    /// The `sts:ExternalId` of a tenant: `{prefix}{org_id}`.
    ///
    /// It is derived, never taken from a request: [`ExternalId::of`] is the only way a running
    /// system makes one.
    ExternalId, "external id", check_external_id
}

impl Default for ExternalIdPrefix {
    fn default() -> Self {
        Self::parse("pulse-org-").expect("the default prefix obeys its own rule")
    }
}

impl ExternalId {
    /// The external id of `tenant`.
    pub fn of(prefix: &ExternalIdPrefix, tenant: &TenantId) -> Self {
        Self::parse(format!("{prefix}{tenant}"))
            .expect("a prefix of at most 64 and an org id of at most 64 characters make a valid external id")
    }
}

/// Identifies one request in responses and logs: 16 upper-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId(u64);

impl RequestId {
    /// From 64 random bits, drawn by the caller.
    pub fn from_bits(bits: u64) -> Self {
        Self(bits)
    }
}

impl std::fmt::Display for RequestId {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{:016X}", self.0)
    }
}

fn check_tenant(text: &str) -> Result<(), &'static str> {
    if text.is_empty() || text.len() > 64 {
        return Err("it must have 1 to 64 characters");
    }
    if !text
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
    {
        return Err("only letters, digits, '_' and '-' are allowed");
    }
    Ok(())
}

fn check_job(text: &str) -> Result<(), &'static str> {
    if text.is_empty() || text.len() > 128 {
        return Err("it must have 1 to 128 characters");
    }
    if !text
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
    {
        return Err("only letters, digits, '_' and '-' are allowed");
    }
    Ok(())
}

fn check_access_key(text: &str) -> Result<(), &'static str> {
    if text.len() < 16 || text.len() > 128 {
        return Err("it must have 16 to 128 characters");
    }
    if !text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return Err("only letters, digits and '_' are allowed");
    }
    Ok(())
}

fn check_external_prefix(text: &str) -> Result<(), &'static str> {
    if text.is_empty() || text.len() > 64 {
        return Err("it must have 1 to 64 characters");
    }
    check_external_alphabet(text)
}

fn check_external_id(text: &str) -> Result<(), &'static str> {
    // AWS IAM: 2 to 1,224 characters.
    if text.len() < 2 || text.len() > 1_224 {
        return Err("it must have 2 to 1,224 characters");
    }
    check_external_alphabet(text)
}

fn check_external_alphabet(text: &str) -> Result<(), &'static str> {
    if text
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"_+=,.@:/-".contains(&b))
    {
        Ok(())
    } else {
        Err("only letters, digits and _+=,.@:/- are allowed")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_external_id_is_the_prefix_and_the_org_id() {
        let tenant = TenantId::parse("acme_1").unwrap();
        assert_eq!(
            ExternalId::of(&ExternalIdPrefix::default(), &tenant).as_str(),
            "pulse-org-acme_1"
        );
    }

    #[test]
    fn an_org_id_that_could_leave_its_folder_is_refused() {
        for hostile in [
            "",
            "a/b",
            "..",
            "a b",
            "ä",
            "a\u{0}",
            "${x}",
            &"x".repeat(65),
        ] {
            assert!(TenantId::parse(hostile).is_err(), "{hostile:?}");
        }
    }

    #[test]
    fn a_request_id_has_sixteen_digits() {
        assert_eq!(RequestId::from_bits(0xAB).to_string(), "00000000000000AB");
    }
}
