//! What went wrong at a store: cause, whose fault, next step, and the evidence.

use std::fmt;

/// Who has to do something about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Whoever runs the command: credentials, rights, names, quotas.
    Caller,
    /// The store, or the way to it; trying again may help.
    Store,
    /// This program.
    Ours,
}

/// One failed call, with everything that support would ask for.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct Failure(Box<Details>);

impl From<Details> for Failure {
    fn from(details: Details) -> Self {
        Self(Box::new(details))
    }
}

impl std::ops::Deref for Failure {
    type Target = Details;

    fn deref(&self) -> &Details {
        &self.0
    }
}

/// What is known of a failed call.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Details {
    /// The call: `s3:PutBucketPolicy`.
    pub call: String,
    /// What it was about.
    pub resource: String,
    /// The store's own code; RADOS Gateway's IAM gives none.
    pub code: Option<String>,
    /// The store's own words, cut to 400 characters.
    pub message: String,
    /// The HTTP status, when there was an answer.
    pub status: Option<u16>,
    /// The store's id of the request.
    pub request_id: Option<String>,
    /// Who has to do something.
    pub fault: Fault,
    /// What to do.
    pub hint: String,
    /// The region in which the bucket stands, when the answer said so.
    pub bucket_region: Option<String>,
}

impl Details {
    /// Whether the store gave this code.
    pub fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }

    /// Whether the caller may not do this.
    pub fn is_denied(&self) -> bool {
        self.status == Some(403)
            || [
                "AccessDenied",
                "AccessDeniedException",
                "UnauthorizedOperation",
            ]
            .iter()
            .any(|code| self.is(code))
    }

    /// Call, code, status and request id, without words.
    pub fn evidence(&self) -> String {
        format!(
            "{}: {} (HTTP {}, request id {})",
            self.call,
            self.code.as_deref().unwrap_or("no code"),
            self.status
                .map_or_else(|| "none".to_string(), |status| status.to_string()),
            self.request_id.as_deref().unwrap_or("none")
        )
    }

    /// Whether the thing is not there. A store without codes says so by its status.
    pub fn is_absent(&self) -> bool {
        self.code
            .as_deref()
            .is_some_and(|code| code.starts_with("NoSuch"))
            || self.is("NotFound")
            || (self.code.is_none() && self.status == Some(404))
    }

    /// Whether the store does not know this call at all.
    pub fn is_unsupported(&self) -> bool {
        self.status == Some(501)
            || self.status == Some(405)
            || [
                "NotImplemented",
                "MethodNotAllowed",
                "UnsupportedOperation",
                "NotSupported",
            ]
            .iter()
            .any(|code| self.is(code))
    }

    /// Whether the call may have been carried out all the same: there was no answer, or one that
    /// does not tell.
    pub fn is_in_doubt(&self) -> bool {
        match self.status {
            None => true,
            Some(status) => status >= 500 && !self.is_unsupported(),
        }
    }

    /// Whether nobody who is trusted signed the endpoint's certificate, or not for this name.
    pub fn is_untrusted(&self) -> bool {
        self.status.is_none() && self.message.contains(UNTRUSTED)
    }

    /// Whether the thing exists already.
    pub fn is_conflict(&self) -> bool {
        self.is("EntityAlreadyExists") || (self.code.is_none() && self.status == Some(409))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{} on {} failed: {}",
            self.call, self.resource, self.message
        )?;
        let code = self.code.as_deref().unwrap_or("no code");
        write!(out, " ({code}")?;
        if let Some(status) = self.status {
            write!(out, ", HTTP {status}")?;
        }
        if let Some(id) = &self.request_id {
            write!(out, ", request id {id}")?;
        }
        write!(out, ")\nhint: {}", self.hint)
    }
}

impl std::error::Error for Failure {}

/// The words of rustls.
const UNTRUSTED: &str = "invalid peer certificate";

/// Who has to act on `code`, and how.
pub fn advice(
    call: &str,
    code: Option<&str>,
    status: Option<u16>,
    message: &str,
) -> (Fault, String) {
    let caller = |hint: &str| (Fault::Caller, hint.to_string());
    let store = |hint: &str| (Fault::Store, hint.to_string());
    match code.unwrap_or_default() {
        "AccessDenied" | "AccessDeniedException" if message.contains("service control policy") => {
            caller(
                "a service control policy of the organisation forbids it: ask whoever runs the organisation",
            )
        }
        "AccessDenied" | "AccessDeniedException" if message.contains("explicit deny") => caller(
            "some policy forbids it explicitly: look for a Deny in the caller's policies, its boundary and the bucket policy; the bucket policy that is set here refuses everything that comes without TLS, to an http:// endpoint for example",
        ),
        "AccessDenied" if call == "sts:AssumeRole" => caller(
            "the role's trust policy or the caller's own policies refuse it: \"provisioner test\" names the cause",
        ),
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" => (
            Fault::Caller,
            format!(
                "the caller lacks the right {call}: \"provisioner deployer-policy\" prints exactly what is needed"
            ),
        ),
        "InvalidClientTokenId" | "InvalidAccessKeyId" | "UnrecognizedClientException" => {
            caller("the access key is not known there: check the key, its account and the endpoint")
        }
        // IAM and STS tell a wrong clock so.
        "SignatureDoesNotMatch"
            if message.contains("expired") || message.contains("not yet current") =>
        {
            caller("this machine's clock is wrong: set it")
        }
        "SignatureDoesNotMatch" => caller("the secret key does not belong to the access key"),
        "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => {
            caller("the session has ended: get new credentials")
        }
        "RequestTimeTooSkewed" => caller("this machine's clock is wrong: set it"),
        "RegionDisabledException" => caller(
            "STS is not active for that region in the account: activate it under IAM, Account settings, Endpoints",
        ),
        "InvalidToken" => {
            caller("the session token does not belong to the access key: get new credentials")
        }
        "NoSuchBucket" => caller(
            "\"provisioner apply\" makes the bucket; when it was there before, see first whether somebody else has the name now",
        ),
        "AllAccessDisabled" | "AccountProblem" | "NotSignedUp" => {
            caller("AWS has closed the bucket or the account: ask AWS Support with the request id")
        }
        "BucketAlreadyExists" => caller(
            "somebody else has that name: choose another, or namespace = \"account_regional\", where nobody else can take it",
        ),
        "BucketAlreadyOwnedByYou" => caller(
            "the account has a bucket of that name already: look at it with \"provisioner adopt\"",
        ),
        "TooManyBuckets" => caller("the account's bucket quota is used up: ask AWS for more"),
        "LimitExceeded" | "LimitExceededException" => caller(
            "an IAM quota of the account is used up: remove what is not needed, or ask AWS for more",
        ),
        "MalformedPolicyDocument" if message.contains("rincipal") => caller(
            "the principal in the trust policy does not exist: check role.vendor_role, letter for letter",
        ),
        "MalformedPolicy" if message.contains("rincipal") => caller(
            "a statement that others put into the bucket policy names somebody who was deleted: take it out, then run this again",
        ),
        "MalformedPolicy" | "MalformedPolicyDocument" => (
            Fault::Ours,
            "a policy that was rendered here is refused: please report it with the request id"
                .to_string(),
        ),
        "OperationAborted" => store(
            "another change of this bucket is still going on; after a deletion AWS may hold the name for an hour or longer",
        ),
        "InvalidTargetBucketForLogging" => caller(
            "the target must be in the same region and account, and allow logging.s3.amazonaws.com: \"provisioner render policy\" prints the statement",
        ),
        "InvalidArgument" if message.contains("destination") => caller(
            "the queue, topic or function must allow s3.amazonaws.com first: \"provisioner render policy\" prints the statement",
        ),
        "InvalidBucketAclWithObjectOwnership" => caller(
            "the bucket's ACL still grants access to others: replace it by a policy, then run this again",
        ),
        "BucketNotEmpty" => caller("somebody wrote to the bucket meanwhile: run this again"),
        code if code.starts_with("KMS.") => caller(
            "the key cannot be used: check that it exists, is enabled and stands in the bucket's region, and that its policy admits the caller",
        ),
        "DeleteConflict" => {
            caller("something still hangs on it: run this again, it starts from what is there")
        }
        "PermanentRedirect"
        | "AuthorizationHeaderMalformed"
        | "IllegalLocationConstraintException" => {
            caller("the bucket stands in another region: set region to that one")
        }
        "NotImplemented" | "MethodNotAllowed" => {
            store("this store does not know the call: leave the setting out")
        }
        "Throttling"
        | "ThrottlingException"
        | "TooManyRequestsException"
        | "SlowDown"
        | "RequestLimitExceeded"
        | "RequestThrottled" => store(
            "the account's rate limit is reached, even after waiting: run this again later, or with --parallel 1",
        ),
        _ => match status {
            None if message.contains(UNTRUSTED) => caller(no_answer(message)),
            None => store(no_answer(message)),
            Some(500..=599) => {
                store("the store has trouble: run this again, it continues where it stopped")
            }
            Some(403) => {
                caller("the caller may not do this: check the credentials and their rights")
            }
            Some(_) if code.is_none() => caller(
                "what answers there does not speak this protocol: check the endpoint and its port, which is not the console's, and whether a proxy answers in its place",
            ),
            Some(_) => (
                Fault::Caller,
                "see the code in the AWS documentation of this call".to_string(),
            ),
        },
    }
}

/// Why nothing answered, by the words of the layers below.
fn no_answer(message: &str) -> &'static str {
    const WORDS: [(&str, &str); 8] = [
        (
            "UnknownIssuer",
            "nobody who is trusted here has signed the endpoint's certificate: give whoever did with --ca-file, and check the endpoint's name",
        ),
        (
            "not valid for name",
            "the endpoint's certificate is for another name: use the name that stands in it",
        ),
        (
            "certificate expired",
            "the endpoint's certificate has expired: renew it there",
        ),
        (
            "not valid yet",
            "the endpoint's certificate is not valid yet: check this machine's clock",
        ),
        (
            "InvalidContentType",
            "nothing speaks TLS at that port: check the port, or whether http:// is meant",
        ),
        (
            "dns error",
            "the name of the endpoint is not known: check its spelling, and the region",
        ),
        (
            "refused",
            "nothing listens there: check the endpoint and its port",
        ),
        (
            "time",
            "no answer in time: a firewall or a proxy may drop it; check the endpoint, then run this again",
        ),
    ];
    let found = WORDS.iter().find(|(words, _)| message.contains(words));
    found.map_or(
        "no answer: check the endpoint, the network and the proxy, then run this again",
        |(_, hint)| hint,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(code: Option<&str>, status: Option<u16>) -> Failure {
        let (fault, hint) = advice("s3:GetBucketPolicy", code, status, "");
        Failure::from(Details {
            call: "s3:GetBucketPolicy".to_string(),
            resource: "b".to_string(),
            code: code.map(str::to_string),
            message: "m".to_string(),
            status,
            request_id: Some("R1".to_string()),
            fault,
            hint,
            bucket_region: None,
        })
    }

    #[test]
    fn every_text_has_code_request_id_and_a_next_step() {
        for (code, status) in [
            (Some("AccessDenied"), Some(403)),
            (Some("BucketAlreadyExists"), Some(409)),
            (None, Some(503)),
            (Some("Whatever"), Some(418)),
        ] {
            let text = failure(code, status).to_string();
            assert!(text.contains(code.unwrap_or("no code")), "{text}");
            assert!(
                text.contains("request id R1") && text.contains("hint: "),
                "{text}"
            );
        }
    }

    #[test]
    fn a_store_without_codes_is_understood_by_its_status() {
        assert!(failure(None, Some(404)).is_absent());
        assert!(failure(None, Some(409)).is_conflict());
        assert!(failure(None, Some(403)).is_denied());
        assert!(failure(Some("NotImplemented"), Some(501)).is_unsupported());
        assert!(failure(Some("ERROR_X"), Some(405)).is_unsupported());
    }

    #[test]
    fn no_answer_at_all_is_the_stores_fault_and_not_the_callers() {
        assert_eq!(failure(None, None).fault, Fault::Store);
        assert_eq!(
            failure(Some("ExpiredToken"), Some(403)).fault,
            Fault::Caller
        );
    }
}
