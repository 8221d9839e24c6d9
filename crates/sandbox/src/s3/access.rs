//! Authentication and authorisation of S3 calls.
//!
//! s3s has verified the signature when [`Access::check`] runs and has not touched the body.

use super::actor::Actor;
use super::fault::{named, not_implemented};
use super::operation::{On, Operation};
use super::progress::{Progress, Signed};
use crate::claim::Query;
use crate::disk::{BucketRecord, Store};
use crate::iam::{Directory, Unauthenticated};
use http::{Extensions, HeaderMap, HeaderValue, StatusCode};
use policies::Context;
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::dto::CopySource;
use s3s::{S3Error, S3Result, s3_error};
use std::sync::Arc;

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
#[derive(Clone)]
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
        let actor = self.admit(cx.extensions_mut(), operation.name, operation.is_write)?;
        self.authorize(&actor, operation, cx, &query)?;
        cx.extensions_mut().insert(actor);
        Ok(())
    }
}

impl Access {
    /// Finds out who acts; from here on the call has a name in the call log.
    pub(super) fn admit(
        &self,
        extensions: &Extensions,
        api: &'static str,
        is_write: bool,
    ) -> S3Result<Actor> {
        let Some(Signed { claim, facts }) = extensions.get::<Signed>().cloned() else {
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
        self.directory.count_call();
        let caller = self
            .directory
            .caller(&claim.access_key, claim.token.as_deref())
            .map_err(unauthenticated)?;
        if let Some(progress) = extensions.get::<Progress>() {
            progress.begin(api, is_write, caller.account())?;
        }
        Ok(Actor {
            caller,
            accounts: self.directory.visible(),
            facts,
            claim,
        })
    }

    fn authorize(
        &self,
        actor: &Actor,
        operation: &Operation,
        cx: &S3AccessContext<'_>,
        query: &Query,
    ) -> S3Result<()> {
        let headers = cx.headers();
        refuse_headers(headers)?;
        let mut context = actor.context();
        describe(&mut context, operation, query, headers);
        let path = cx.s3_path();
        let bucket = match operation.on {
            On::Service => return actor.judge(operation.action, "*", None, context),
            On::Bucket | On::Object | On::EachObject => {
                self.bucket(actor, path.get_bucket_name().unwrap_or_default(), headers)?
            }
        };
        let arn = bucket.arn();
        match operation.on {
            On::EachObject => return Ok(()),
            On::Object => {
                let key = path.get_object_key().unwrap_or_default();
                let version = query.get("versionId");
                self.describe_tags(&mut context, &bucket.name, key, version);
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

    /// `s3:ExistingObjectTag/...` of the object that is there.
    fn describe_tags(&self, context: &mut Context, bucket: &str, key: &str, version: Option<&str>) {
        let found = self.store.read(bucket, |bucket| match version {
            Some(id) => bucket.version(key, id).cloned(),
            None => bucket.current(key).cloned(),
        });
        let body = found
            .ok()
            .flatten()
            .and_then(|version| version.body.clone());
        for (tag, value) in body.map(|body| body.settings.tags).unwrap_or_default() {
            context.set(&format!("s3:ExistingObjectTag/{tag}"), value);
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
        self.describe_tags(&mut context, &bucket, &key, version_id.as_deref());
        if let Some(version) = &version_id {
            context.set("s3:versionid", version.as_ref());
        }
        let action = versioned("s3:GetObject", version_id.as_deref());
        let resource = format!("{}/{key}", record.arn());
        actor.judge(action, &resource, Some(&record), context)
    }

    /// The bucket, when it is where the request was signed for and whose the client thinks it is.
    pub(super) fn bucket(
        &self,
        actor: &Actor,
        name: &str,
        headers: &HeaderMap,
    ) -> S3Result<Arc<BucketRecord>> {
        let record = self.store.bucket(name)?;
        if record.region.as_str() != actor.claim.region {
            return Err(elsewhere(&record));
        }
        expect_owner(headers, "x-amz-expected-bucket-owner", &record)?;
        Ok(record)
    }
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
    let tags = headers
        .get("x-amz-tagging")
        .and_then(|tags| tags.to_str().ok())
        .unwrap_or_default();
    let tags = Query::parse(tags);
    for (tag, value) in tags.pairs() {
        context.set(&format!("s3:RequestObjectTag/{tag}"), value);
    }
    if tags.names().next().is_some() {
        context.set_all("s3:RequestObjectTagKeys", tags.names());
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
pub(super) fn refuse_headers(headers: &HeaderMap) -> S3Result<()> {
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
