//! Tags of buckets and objects.

use super::Turn;
use crate::node::{Node, Shape, repeated, required};
use crate::s3::fault::named;
use http::StatusCode;
use s3s::{S3Error, S3Result};
use std::collections::BTreeMap;

/// Tags of a bucket. Source: S3 quotas.
const MAX_BUCKET_TAGS: usize = 50;
/// Tags of an object. Source: S3 quotas.
const MAX_OBJECT_TAGS: usize = 10;

pub(in crate::s3) static SHAPE: Shape = Shape::Group(&[required(
    "TagSet",
    Shape::Group(&[repeated(
        "Tag",
        Shape::Group(&[
            required("Key", Shape::Text),
            required("Value", Shape::AnyText),
        ]),
        0,
        1_000,
    )]),
)]);

/// Refuses tags that break the rules of S3.
pub(super) fn check(turn: &Turn<'_>, node: &mut Node) -> S3Result<()> {
    let most = match turn.key {
        Some(_) => MAX_OBJECT_TAGS,
        None => MAX_BUCKET_TAGS,
    };
    read(node, most).map(drop)
}

/// The tags of a document.
pub(in crate::s3) fn read(node: &Node, most: usize) -> S3Result<BTreeMap<String, String>> {
    let pairs = node
        .child("TagSet")
        .into_iter()
        .flat_map(|set| set.all("Tag"))
        .map(|tag| {
            let text = |name| tag.value(name).unwrap_or_default().to_string();
            (text("Key"), text("Value"))
        });
    collect(pairs, most)
}

/// The tags of a header, `key=value&key=value`.
pub(in crate::s3) fn read_header(text: &str) -> S3Result<BTreeMap<String, String>> {
    let query = crate::claim::Query::parse(text);
    let pairs = query
        .pairs()
        .map(|(key, value)| (key.to_string(), value.to_string()));
    collect(pairs, MAX_OBJECT_TAGS)
}

/// The document of tags.
pub(in crate::s3) fn write(tags: &BTreeMap<String, String>) -> Node {
    let set = tags.iter().fold(Node::new("TagSet"), |set, (key, value)| {
        set.with(
            Node::new("Tag")
                .with(Node::text("Key", key))
                .with(Node::text("Value", value)),
        )
    });
    Node::new("Tagging").with(set)
}

fn collect(
    pairs: impl Iterator<Item = (String, String)>,
    most: usize,
) -> S3Result<BTreeMap<String, String>> {
    let mut tags = BTreeMap::new();
    for (key, value) in pairs {
        if key.chars().count() > 128 {
            return Err(invalid("The TagKey you have provided is too long, max 128"));
        }
        if value.chars().count() > 256 {
            return Err(invalid(
                "The TagValue you have provided is too long, max 256",
            ));
        }
        if key.starts_with("aws:") {
            return Err(invalid("System tags cannot be added/updated by requester"));
        }
        if key.is_empty() || !key.chars().chain(value.chars()).all(is_tag_char) {
            return Err(invalid(
                "The TagKey or TagValue you have provided is invalid",
            ));
        }
        if tags.insert(key, value).is_some() {
            return Err(invalid("Cannot provide multiple Tags with the same key"));
        }
    }
    if tags.len() > most {
        return Err(named(
            "BadRequest",
            StatusCode::BAD_REQUEST,
            "The number of tags is larger than allowed",
        ));
    }
    Ok(tags)
}

fn is_tag_char(c: char) -> bool {
    c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c)
}

fn invalid(message: &'static str) -> S3Error {
    named("InvalidTag", StatusCode::BAD_REQUEST, message)
}
