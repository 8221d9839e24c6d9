//! Access control lists: there is one, and it cannot be changed.

use super::table::Setting;
use super::{Answer, Turn};
use crate::query::Xml;
use crate::s3::buckets::owner;
use crate::s3::fault::not_implemented;
use s3s::{S3Result, s3_error};

const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";
const INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// The owner has full control, and nobody else has any.
pub(super) fn get(turn: &Turn<'_>, _: &Setting) -> S3Result<Answer> {
    if turn.key.is_some() {
        super::object::find(turn)?;
    }
    let id = owner(&turn.bucket.owner).id.unwrap_or_default();
    let mut xml = Xml::new();
    xml.root("AccessControlPolicy", NAMESPACE, |xml| {
        xml.element("Owner", |xml| xml.text("ID", &id));
        xml.element("AccessControlList", |xml| {
            xml.element("Grant", |xml| {
                xml.typed("Grantee", INSTANCE, "CanonicalUser", |xml| {
                    xml.text("ID", &id)
                });
                xml.text("Permission", "FULL_CONTROL");
            });
        });
    });
    Ok(Answer {
        body: xml.document(),
        content_type: Some("application/xml"),
        ..Answer::default()
    })
}

pub(super) fn put(turn: &Turn<'_>, _: &Setting) -> S3Result<Answer> {
    let ownership = turn
        .bucket
        .settings
        .get("ownershipControls")
        .and_then(|node| node.child("Rule"))
        .and_then(|rule| rule.value("ObjectOwnership"));
    match ownership {
        Some("BucketOwnerEnforced") => Err(s3_error!(
            AccessControlListNotSupported,
            "The bucket does not allow ACLs"
        )),
        _ => Err(not_implemented("access control lists")),
    }
}
