//! Authentication and authorisation of S3 calls.
//!
//! s3s has verified the signature when [`Access::check`] runs and has not touched the body.

use super::fault::{named, not_implemented};
use super::operation::{On, Operation};
use crate::calls::{CallKind, Calls, FaultEffect};
use crate::claim::{Claim, Place, Query};
use crate::disk::{BucketRecord, Store};
use crate::facts::Facts;
use crate::iam::{Accounts, Asked, Caller, Directory, Unauthenticated};
use http::{HeaderMap, HeaderValue, StatusCode};
use policies::{Context, Policy, PolicyKind};
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::dto::CopySource;
use s3s::{S3Error, S3Result, s3_error};
use std::sync::{Arc, Mutex, PoisonError};
use types::AccountId;

/// What the gate knows of a request; travels in its extensions.
#[derive(Debug, Clone)]
pub(crate) struct Signed {
    pub(crate) claim: Arc<Claim>,
    pub(crate) facts: Arc<Facts>,
}

/// What becomes of a call, for the call log; travels in the request's extensions.
#[derive(Clone)]
pub(crate) struct Progress {
    calls: Arc<Calls>,
    begun: Arc<Mutex<Begun>>,
}

#[derive(Default)]
struct Begun {
    api: Option<&'static str>,
    kind: Option<CallKind>,
    account: Option<AccountId>,
    effect: Option<FaultEffect>,
}

/// The API, whether it writes, who called, and what went wrong on purpose.
type Outcome = (
    Option<String>,
    Option<CallKind>,
    Option<AccountId>,
    Option<FaultEffect>,
);

impl Progress {
    /// Nothing is known yet.
    pub(crate) fn new(calls: Arc<Calls>) -> Self {
        Self {
            calls,
            begun: Arc::default(),
        }
    }

    /// The call is understood and its caller known; a fault may end it here.
    fn begin(&self, api: &'static str, is_write: bool, account: &AccountId) -> S3Result<()> {
        let kind = if is_write {
            CallKind::Write
        } else {
            CallKind::Read
        };
        let effect = self.calls.fault(api, kind);
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        *begun = Begun {
            api: Some(api),
            kind: Some(kind),
            account: Some(account.clone()),
            effect: effect.clone(),
        };
        match effect {
            Some(FaultEffect::Answer { status, code }) => {
                let status =
                    StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
                Err(named(code, status, "This error was injected."))
            }
            // The answer never goes out.
            Some(FaultEffect::CutBefore) => Err(s3_error!(ServiceUnavailable)),
            _ => Ok(()),
        }
    }

    /// What has become of it.
    pub(crate) fn outcome(&self) -> Outcome {
        let begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        (
            begun.api.map(str::to_string),
            begun.kind,
            begun.account.clone(),
            begun.effect.clone(),
        )
    }
}

/// Who acts, for the operation itself; travels in the request's extensions.
#[derive(Clone)]
pub(super) struct Actor {
    pub(super) caller: Caller,
    pub(super) accounts: Arc<Accounts>,
    pub(super) facts: Arc<Facts>,
    claim: Arc<Claim>,
}

/// Finds the secrets of access keys.
pub(super) struct Auth {
    pub(super) directory: Arc<Directory>,
}

#[async_trait::async_trait]
impl S3Auth for Auth {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        match self.directory.secret(access_key) {
            Some(secret) => Ok(SecretKey::from(secret.expose().as_str())),
            None => Err(unknown_key()),
        }
    }
}

/// Lets operations through, or not.
pub(super) struct Access {
    pub(super) directory: Arc<Directory>,
    pub(super) store: Arc<Store>,
}

#[async_trait::async_trait]
impl S3Access for Access {
    async fn check(&self, cx: &mut S3AccessContext<'_>) -> S3Result<()> {
        let Some(operation) = Operation::find(cx.s3_op().name()) else {
            return Err(not_implemented(cx.s3_op().name()));
        };
        let query = Query::parse(cx.uri().query().unwrap_or_default());
        if let Some(unknown) = query.names().find(|name| !operation.understands(name)) {
            return Err(not_implemented(&format!(
                "{} with ?{unknown}",
                operation.name
            )));
        }
        refuse_headers(cx.headers())?;
        let signed = cx.extensions_mut().get::<Signed>().cloned();
        let Some(Signed { claim, facts }) = signed else {
            return Err(s3_error!(AccessDenied, "Access Denied"));
        };
        if claim.service != "s3" {
            return Err(s3_error!(
                AuthorizationHeaderMalformed,
                "The authorization header is malformed; incorrect service \"{}\". This endpoint \
                 belongs to \"s3\".",
                claim.service
            ));
        }
        let caller = self
            .directory
            .caller(&claim.access_key, claim.token.as_deref())
            .map_err(unauthenticated)?;
        if let Some(progress) = cx.extensions_mut().get::<Progress>() {
            progress.begin(operation.name, operation.is_write, caller.account())?;
        }
        self.directory.count_call();
        let actor = Actor {
            caller,
            accounts: self.directory.visible(),
            facts,
            claim,
        };
        self.authorize(&actor, operation, cx, &query)?;
        cx.extensions_mut().insert(actor);
        Ok(())
    }
}

impl Access {
    fn authorize(
        &self,
        actor: &Actor,
        operation: &Operation,
        cx: &S3AccessContext<'_>,
        query: &Query,
    ) -> S3Result<()> {
        let headers = cx.headers();
        let mut context = actor.context();
        describe(&mut context, operation, query, headers);
        let path = cx.s3_path();
        let bucket = match operation.on {
            On::Service => return actor.judge(operation.action, "*", None, context),
            On::NewBucket => {
                let arn = format!(
                    "arn:aws:s3:::{}",
                    path.get_bucket_name().unwrap_or_default()
                );
                return actor.judge(operation.action, &arn, None, context);
            }
            On::Bucket | On::Object | On::EachObject => {
                self.bucket(actor, path.get_bucket_name().unwrap_or_default())?
            }
        };
        expect_owner(headers, "x-amz-expected-bucket-owner", &bucket)?;
        let arn = bucket.arn();
        match operation.on {
            On::EachObject => return Ok(()),
            On::Object => {
                let key = path.get_object_key().unwrap_or_default();
                let version = query.get("versionId");
                let action = versioned(operation.action, version);
                let resource = format!("{arn}/{key}");
                actor.judge(action, &resource, Some(&bucket), context)?;
            }
            _ => actor.judge(operation.action, &arn, Some(&bucket), context)?,
        }
        match headers.get("x-amz-copy-source") {
            Some(source) => self.authorize_source(actor, source, headers),
            None => Ok(()),
        }
    }

    fn authorize_source(
        &self,
        actor: &Actor,
        source: &HeaderValue,
        headers: &HeaderMap,
    ) -> S3Result<()> {
        let source = source
            .to_str()
            .ok()
            .and_then(|text| CopySource::parse(text).ok());
        let Some(CopySource::Bucket {
            bucket,
            key,
            version_id,
        }) = source
        else {
            return Err(s3_error!(
                InvalidArgument,
                "Copy Source must mention the source bucket and key: sourcebucket/sourcekey"
            ));
        };
        let record = self.store.bucket(&bucket)?;
        expect_owner(headers, "x-amz-source-expected-bucket-owner", &record)?;
        let mut context = actor.context();
        if let Some(version) = &version_id {
            context.set("s3:versionid", version.as_ref());
        }
        let action = versioned("s3:GetObject", version_id.as_deref());
        let resource = format!("{}/{key}", record.arn());
        actor.judge(action, &resource, Some(&record), context)
    }

    /// The bucket, when it is where the request was signed for.
    fn bucket(&self, actor: &Actor, name: &str) -> S3Result<BucketRecord> {
        let record = self.store.bucket(name)?;
        if record.region.as_str() != actor.claim.region {
            return Err(elsewhere(&record));
        }
        Ok(record)
    }
}

impl Actor {
    /// Condition keys that every S3 request has.
    pub(super) fn context(&self) -> Context {
        let mut context = self.facts.context();
        context.set("s3:signatureversion", "AWS4-HMAC-SHA256");
        let kind = match self.claim.place {
            Place::Header => "REST-HEADER",
            Place::Query { .. } => {
                let age = self.facts.now.seconds_since(self.claim.signed_at) * 1_000;
                context.set("s3:signatureAge", age.to_string());
                "REST-QUERY-STRING"
            }
        };
        context.set("s3:authType", kind);
        if self.facts.secure {
            context.set("s3:TlsVersion", "1.3");
        }
        context
    }

    /// Refuses with AccessDenied unless every policy that bears on it agrees.
    pub(super) fn judge(
        &self,
        action: &str,
        resource: &str,
        bucket: Option<&BucketRecord>,
        context: Context,
    ) -> S3Result<()> {
        let policy = bucket_policy(bucket);
        self.caller
            .authorize(
                self.asked(action, resource, bucket, policy.as_ref(), context),
                &self.accounts,
            )
            .map_err(|reason| s3_error!(AccessDenied, "{reason}"))
    }

    /// Whether every policy that bears on it agrees.
    pub(super) fn may(&self, action: &str, resource: &str, bucket: &BucketRecord) -> bool {
        let policy = bucket_policy(Some(bucket));
        let asked = self.asked(
            action,
            resource,
            Some(bucket),
            policy.as_ref(),
            self.context(),
        );
        self.caller.may(&asked, &self.accounts)
    }

    fn asked<'a>(
        &self,
        action: &'a str,
        resource: &'a str,
        bucket: Option<&'a BucketRecord>,
        policy: Option<&'a Policy>,
        mut context: Context,
    ) -> Asked<'a> {
        if let Some(bucket) = bucket {
            context.set("s3:ResourceAccount", bucket.owner.as_str());
        }
        Asked {
            action,
            resource,
            owner: bucket.map(|bucket| &bucket.owner),
            policy,
            context,
        }
    }

    /// The account that acts.
    pub(super) fn account(&self) -> &AccountId {
        self.caller.account()
    }
}

fn bucket_policy(bucket: Option<&BucketRecord>) -> Option<Policy> {
    let text = bucket?.policy.as_deref()?;
    Policy::parse(PolicyKind::Resource, text).ok()
}

/// The condition keys that come from the request's parameters.
fn describe(context: &mut Context, operation: &Operation, query: &Query, headers: &HeaderMap) {
    for (parameter, key) in [
        ("prefix", "s3:prefix"),
        ("delimiter", "s3:delimiter"),
        ("max-keys", "s3:max-keys"),
        ("versionId", "s3:versionid"),
    ] {
        if let Some(value) = query.get(parameter) {
            context.set(key, value);
        }
    }
    for (header, key) in [
        ("x-amz-acl", "s3:x-amz-acl"),
        ("x-amz-content-sha256", "s3:x-amz-content-sha256"),
        ("x-amz-copy-source", "s3:x-amz-copy-source"),
        ("x-amz-metadata-directive", "s3:x-amz-metadata-directive"),
        ("x-amz-storage-class", "s3:x-amz-storage-class"),
        (
            "x-amz-server-side-encryption",
            "s3:x-amz-server-side-encryption",
        ),
        (
            "x-amz-server-side-encryption-aws-kms-key-id",
            "s3:x-amz-server-side-encryption-aws-kms-key-id",
        ),
        ("x-amz-object-ownership", "s3:x-amz-object-ownership"),
        ("if-none-match", "s3:if-none-match"),
        ("if-match", "s3:if-match"),
    ] {
        if let Some(value) = headers.get(header).and_then(|value| value.to_str().ok()) {
            context.set(key, value);
        }
    }
    let creates_object = matches!(
        operation.name,
        "PutObject" | "CopyObject" | "CompleteMultipartUpload"
    );
    if operation.action == "s3:PutObject" {
        context.set("s3:ObjectCreationOperation", creates_object.to_string());
    }
}

/// Reading or deleting a named version is an action of its own.
fn versioned(action: &'static str, version: Option<&str>) -> &'static str {
    match (action, version) {
        ("s3:GetObject", Some(_)) => "s3:GetObjectVersion",
        ("s3:DeleteObject", Some(_)) => "s3:DeleteObjectVersion",
        (action, _) => action,
    }
}

fn expect_owner(headers: &HeaderMap, header: &str, bucket: &BucketRecord) -> S3Result<()> {
    match headers.get(header) {
        Some(owner) if owner.as_bytes() != bucket.owner.as_str().as_bytes() => {
            Err(s3_error!(AccessDenied, "Access Denied"))
        }
        _ => Ok(()),
    }
}

/// What the sandbox would otherwise ignore.
fn refuse_headers(headers: &HeaderMap) -> S3Result<()> {
    for header in [
        "x-amz-server-side-encryption-customer-algorithm",
        "x-amz-copy-source-server-side-encryption-customer-algorithm",
        "x-amz-website-redirect-location",
        "x-amz-write-offset-bytes",
        "x-amz-mfa",
    ] {
        if headers.contains_key(header) {
            return Err(not_implemented(&format!("the header {header}")));
        }
    }
    let grants = headers
        .keys()
        .any(|name| name.as_str().starts_with("x-amz-grant-"));
    let acl = headers
        .get("x-amz-acl")
        .is_some_and(|acl| acl != "private" && acl != "bucket-owner-full-control");
    if grants || acl {
        return Err(s3_error!(
            AccessControlListNotSupported,
            "The bucket does not allow ACLs"
        ));
    }
    Ok(())
}

fn elsewhere(bucket: &BucketRecord) -> S3Error {
    let mut error = named(
        "PermanentRedirect",
        StatusCode::MOVED_PERMANENTLY,
        "The bucket you are attempting to access must be addressed using the specified endpoint. \
         Please send all future requests to this endpoint.",
    );
    let mut headers = HeaderMap::new();
    if let Ok(region) = HeaderValue::from_str(bucket.region.as_str()) {
        headers.insert("x-amz-bucket-region", region);
    }
    headers.insert(
        http::header::CONTENT_TYPE,
        HeaderValue::from_static("application/xml"),
    );
    error.set_headers(headers);
    error
}

fn unknown_key() -> S3Error {
    s3_error!(
        InvalidAccessKeyId,
        "The AWS Access Key Id you provided does not exist in our records."
    )
}

fn unauthenticated(cause: Unauthenticated) -> S3Error {
    match cause {
        Unauthenticated::UnknownKey => unknown_key(),
        Unauthenticated::WrongToken => {
            s3_error!(
                InvalidToken,
                "The provided token is malformed or otherwise invalid."
            )
        }
        Unauthenticated::Expired => s3_error!(ExpiredToken, "The provided token has expired."),
    }
}
