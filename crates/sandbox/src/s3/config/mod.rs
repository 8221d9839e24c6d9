//! The settings of buckets and objects: sub-resources that are read, put and deleted as documents.
//!
//! They go past s3s's types, which lose what they do not know; s3s still verifies the signature.

mod acl;
mod create;
mod delivery;
mod lifecycle;
mod lock;
mod numbered;
mod object;
mod policy;
mod simple;
mod table;
mod tags;

pub(crate) use delivery::Destinations;
pub(super) use lock::of_upload as lock_of_upload;
pub(super) use tags::read_header as read_tags;

use super::access::{Access, refuse_headers};
use super::actor::Actor;
use super::fault::{lost, named, not_implemented};
use super::host::Place;
use crate::claim::Query;
use crate::disk::{BucketRecord, Store};
use crate::node::Node;
use bytes::Bytes;
use http::{Extensions, HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use http_body_util::BodyExt;
use s3s::route::S3Route;
use s3s::{Body, S3Error, S3Request, S3Response, S3Result};
use std::sync::Arc;
use table::{Api, SETTINGS, Setting};

/// Answers calls on settings.
pub(super) struct Settings {
    pub(super) access: Access,
    pub(super) store: Arc<Store>,
    pub(super) destinations: Arc<Destinations>,
}

/// One call on a setting, its caller let through.
pub(super) struct Turn<'a> {
    pub(super) store: &'a Store,
    pub(super) destinations: &'a Destinations,
    pub(super) actor: &'a Actor,
    pub(super) bucket: Arc<BucketRecord>,
    pub(super) key: Option<String>,
    pub(super) query: &'a Query,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: Bytes,
}

/// What is answered.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: String,
    pub(super) content_type: Option<&'static str>,
    pub(super) headers: HeaderMap,
}

impl Answer {
    /// 200 with a document.
    pub(super) fn document(node: &Node) -> Self {
        Self {
            body: node.document(),
            content_type: Some("application/xml"),
            ..Self::default()
        }
    }

    /// Nothing but a status.
    pub(super) fn status(status: StatusCode) -> Self {
        Self {
            status,
            ..Self::default()
        }
    }
}

impl Turn<'_> {
    /// The body as a document called `root`.
    pub(super) fn document(&self, root: &str) -> S3Result<Node> {
        let node = Node::parse(&self.body)?;
        if node.name == root {
            Ok(node)
        } else {
            Err(crate::node::malformed())
        }
    }

    /// Changes the bucket.
    pub(super) fn change<T>(
        &self,
        change: impl FnOnce(&mut BucketRecord) -> S3Result<T>,
    ) -> S3Result<T> {
        self.store.change_bucket(&self.bucket.name, change)
    }
}

/// What a request wants of which setting.
#[derive(Clone, Copy)]
enum Wanted {
    CreateBucket,
    Setting(&'static Setting, &'static Api),
    /// The setting is known, the method is not one of its.
    Unavailable(&'static Setting),
}

fn wanted(method: &Method, query: &Query, place: &Place) -> Option<Wanted> {
    let names_nothing = query.names().all(is_formal);
    if method == Method::PUT && place.key.is_none() && names_nothing {
        return Some(Wanted::CreateBucket);
    }
    let setting = SETTINGS.iter().find(|setting| {
        setting.on_object == place.key.is_some() && query.get(setting.query).is_some()
    })?;
    let lists = setting.is_numbered && query.get("id").is_none();
    let api = match *method {
        Method::GET if lists => setting.list.as_ref(),
        Method::GET => setting.get.as_ref(),
        Method::PUT => setting.put.as_ref(),
        Method::DELETE => setting.delete.as_ref(),
        _ => None,
    };
    Some(api.map_or(Wanted::Unavailable(setting), |api| {
        Wanted::Setting(setting, api)
    }))
}

/// Parameters that say nothing about what is wanted.
fn is_formal(name: &str) -> bool {
    name == "x-id" || name.to_ascii_lowercase().starts_with("x-amz-")
}

#[async_trait::async_trait]
impl S3Route for Settings {
    fn is_match(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        _extensions: &mut Extensions,
    ) -> bool {
        let query = Query::parse(uri.query().unwrap_or_default());
        Place::of(uri, headers).is_some_and(|place| wanted(method, &query, &place).is_some())
    }

    /// The checks need the bucket and the key; they come first thing in `call`.
    async fn check_access(&self, _request: &mut S3Request<Body>) -> S3Result<()> {
        Ok(())
    }

    async fn call(&self, request: S3Request<Body>) -> S3Result<S3Response<Body>> {
        let query = Query::parse(request.uri.query().unwrap_or_default());
        let place = Place::of(&request.uri, &request.headers)
            .ok_or_else(|| not_implemented("this request"))?;
        match wanted(&request.method, &query, &place) {
            Some(Wanted::CreateBucket) => self.create_bucket(request, place.bucket).await,
            Some(Wanted::Setting(setting, api)) => {
                self.answer(setting, api, request, query, place).await
            }
            Some(Wanted::Unavailable(setting)) => {
                let what = format!("{} of ?{}", request.method, setting.query);
                self.access
                    .admit(&request.extensions, "Unavailable", true)?;
                Err(not_implemented(&what))
            }
            None => Err(not_implemented("this request")),
        }
    }
}

impl Settings {
    async fn answer(
        &self,
        setting: &'static Setting,
        api: &'static Api,
        request: S3Request<Body>,
        query: Query,
        place: Place,
    ) -> S3Result<S3Response<Body>> {
        let is_write = request.method != Method::GET;
        let actor = self.access.admit(&request.extensions, api.name, is_write)?;
        let known = |name: &str| {
            name == setting.query
                || is_formal(name)
                || (setting.is_numbered && matches!(name, "id" | "continuation-token"))
                || (setting.on_object && name == "versionId")
        };
        if let Some(unknown) = query.names().find(|name| !known(name)) {
            return Err(not_implemented(&format!("{} with ?{unknown}", api.name)));
        }
        let bucket = self
            .access
            .bucket(&actor, &place.bucket, &request.headers)?;
        authorize(api, &actor, &bucket, &query, place.key.as_deref())?;
        let body = read(request.input).await?;
        let (store, destinations) = (Arc::clone(&self.store), Arc::clone(&self.destinations));
        let headers = request.headers;
        let answer = tokio::task::spawn_blocking(move || {
            let turn = Turn {
                store: &store,
                destinations: &destinations,
                actor: &actor,
                bucket,
                key: place.key,
                query: &query,
                headers: &headers,
                body,
            };
            (api.run)(&turn, setting)
        })
        .await
        .map_err(lost)??;
        Ok(respond(answer))
    }

    async fn create_bucket(
        &self,
        request: S3Request<Body>,
        bucket: String,
    ) -> S3Result<S3Response<Body>> {
        let actor = self
            .access
            .admit(&request.extensions, "CreateBucket", true)?;
        refuse_headers(&request.headers)?;
        let arn = format!("arn:aws:s3:::{bucket}");
        actor.judge("s3:CreateBucket", &arn, None, actor.context())?;
        let body = read(request.input).await?;
        let store = Arc::clone(&self.store);
        let headers = request.headers;
        let answer = tokio::task::spawn_blocking(move || {
            create::create_bucket(&store, &actor, &bucket, &headers, &body)
        })
        .await
        .map_err(lost)??;
        Ok(respond(answer))
    }
}

fn authorize(
    api: &Api,
    actor: &Actor,
    bucket: &BucketRecord,
    query: &Query,
    key: Option<&str>,
) -> S3Result<()> {
    let mut context = actor.context();
    let version = query.get("versionId");
    if let Some(version) = version {
        context.set("s3:versionid", version);
    }
    let resource = match key {
        Some(key) => format!("{}/{key}", bucket.arn()),
        None => bucket.arn(),
    };
    let action = match version {
        Some(_) => api.versioned.unwrap_or(api.action),
        None => api.action,
    };
    // The root user of the owner can always get at the policy, or it could lock everyone out.
    let is_owner_root =
        matches!(&actor.caller, crate::iam::Caller::Root(account) if *account == bucket.owner);
    if is_owner_root && api.action.ends_with("BucketPolicy") {
        return Ok(());
    }
    actor.judge(action, &resource, Some(bucket), context)
}

async fn read(body: Body) -> S3Result<Bytes> {
    // The gate has read documents already, within a limit; this is only a hand-over.
    match body.bytes() {
        Some(bytes) => Ok(bytes),
        None => body
            .collect()
            .await
            .map(|body| body.to_bytes())
            .map_err(|_| {
                named(
                    "IncompleteBody",
                    StatusCode::BAD_REQUEST,
                    "The request body terminated unexpectedly",
                )
            }),
    }
}

fn respond(answer: Answer) -> S3Response<Body> {
    let mut response = S3Response::with_status(Body::from(answer.body), answer.status);
    response.headers = answer.headers;
    if let Some(kind) = answer.content_type {
        response
            .headers
            .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    response
}

/// The error of a setting that is not there.
pub(super) fn absent(code: &'static str, message: &'static str) -> S3Error {
    named(code, StatusCode::NOT_FOUND, message)
}
