//! Bucket policies.

use super::table::Setting;
use super::{Answer, Turn, absent};
use crate::document::Document;
use crate::iam::principals;
use crate::node::Node;
use http::StatusCode;
use policies::{Malformed, PolicyKind, Reason};
use s3s::{S3Error, S3Result, s3_error};
use serde_json::Value;

/// Bytes of a bucket policy. Source: S3 quotas.
const MAX_POLICY_BYTES: usize = 20_480;

pub(super) fn get(turn: &Turn<'_>, _: &Setting) -> S3Result<Answer> {
    let document = turn.bucket.policy.as_ref().ok_or_else(no_policy)?;
    Ok(Answer {
        body: document.text().to_string(),
        content_type: Some("application/json"),
        ..Answer::default()
    })
}

pub(super) fn status(turn: &Turn<'_>, _: &Setting) -> S3Result<Answer> {
    if turn.bucket.policy.is_none() {
        return Err(no_policy());
    }
    let public = turn.bucket.policy_is_public.to_string();
    Ok(Answer::document(
        &Node::new("PolicyStatus").with(Node::text("IsPublic", public)),
    ))
}

pub(super) fn put(turn: &Turn<'_>, _: &Setting) -> S3Result<Answer> {
    let text = std::str::from_utf8(&turn.body)
        .map_err(|_| malformed("Policies must be valid JSON and the first byte must be '{'"))?;
    if text.len() > MAX_POLICY_BYTES {
        return Err(s3_error!(
            InvalidArgument,
            "The policy exceeds the maximum size of {MAX_POLICY_BYTES} bytes"
        ));
    }
    let document = Document::parse(PolicyKind::Resource, text).map_err(|error| refused(&error))?;
    let value: Value = serde_json::from_str(text)
        .map_err(|_| malformed("Policies must be valid JSON and the first byte must be '{'"))?;
    check_resources(&value, &turn.bucket.arn())?;
    if let Some(nobody) = principals::first_unknown(&value, &turn.actor.accounts) {
        return Err(malformed(&format!(
            "Invalid principal in policy: \"AWS\":\"{nobody}\""
        )));
    }
    let public = document
        .policy(PolicyKind::Resource)
        .is_none_or(|policy| policy.is_public());
    if public && turn.bucket.blocks("BlockPublicPolicy") {
        return Err(s3_error!(
            AccessDenied,
            "User: {} is not authorized to perform: s3:PutBucketPolicy on resource: {} because \
             public policies are prevented by the BlockPublicPolicy setting in S3 Block Public \
             Access.",
            turn.actor.caller.arn(),
            turn.bucket.arn()
        ));
    }
    turn.change(|bucket| {
        bucket.policy = Some(document);
        bucket.policy_is_public = public;
        Ok(())
    })?;
    Ok(Answer::status(StatusCode::NO_CONTENT))
}

pub(super) fn delete(turn: &Turn<'_>, _: &Setting) -> S3Result<Answer> {
    turn.change(|bucket| {
        bucket.policy = None;
        bucket.policy_is_public = false;
        Ok(())
    })?;
    Ok(Answer::status(StatusCode::NO_CONTENT))
}

/// Every resource is this bucket or in it.
fn check_resources(policy: &Value, arn: &str) -> S3Result<()> {
    let inside = |resource: &str| {
        resource == arn
            || resource
                .strip_prefix(arn)
                .is_some_and(|rest| rest.starts_with('/'))
    };
    for statement in principals::statements(policy) {
        for element in ["Resource", "NotResource"] {
            let texts = principals::texts(statement.get(element));
            // A wildcard in place of the bucket's name covers it too.
            let fits =
                |text: &&str| inside(text) || text.starts_with("arn:aws:s3:::*") || **text == *"*";
            if !texts.iter().all(fits) {
                return Err(malformed("Policy has invalid resource"));
            }
        }
    }
    Ok(())
}

fn refused(error: &Malformed) -> S3Error {
    match error.reason {
        Reason::NotJson(_) => {
            malformed("Policies must be valid JSON and the first byte must be '{'")
        }
        _ => malformed(&error.to_string()),
    }
}

fn malformed(message: &str) -> S3Error {
    s3_error!(MalformedPolicy, "{message}")
}

fn no_policy() -> S3Error {
    absent("NoSuchBucketPolicy", "The bucket policy does not exist")
}
