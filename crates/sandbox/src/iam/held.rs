//! The policies and tags of a role or a user.

use super::account::Permissions;
use super::api::Turn;
use super::caller::Asked;
use super::holder::{self, Kind};
use super::page::Page;
use super::{names, tags, vendors};
use crate::document::Document;
use crate::query::{QueryError, QueryResult, Xml};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use policies::PolicyKind;

/// Managed policies on one role or user, default quota.
const MAX_ATTACHED: usize = 10;
/// How IAM shows a document: percent-encoded but for unreserved characters.
const DOCUMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A document as IAM sends it.
pub(super) fn encoded(document: &Document) -> String {
    utf8_percent_encode(document.text(), DOCUMENT).to_string()
}

/// Parses a policy that will be attached to somebody.
pub(super) fn identity_policy(text: &str) -> QueryResult<Document> {
    let document =
        Document::parse(PolicyKind::Identity, text).map_err(QueryError::malformed_policy)?;
    vendors::check(text)?;
    Ok(document)
}

/// Puts an inline policy, within the quota of `longest` characters for all of them.
pub(crate) fn put_inline(
    permissions: &mut Permissions,
    owner: &str,
    name: &str,
    text: &str,
    longest: usize,
) -> QueryResult<()> {
    names::check("policyName", name, 128)?;
    let document = identity_policy(text)?;
    let others: usize = permissions
        .inline
        .iter()
        .filter(|(other, _)| other.as_str() != name)
        .map(|(_, document)| document.counted_size())
        .sum();
    if others + document.counted_size() > longest {
        return Err(QueryError::limit_exceeded(format_args!(
            "Maximum policy size of {longest} bytes exceeded for {owner}"
        )));
    }
    permissions.inline.insert(name.to_string(), document);
    Ok(())
}

pub(super) fn put_policy(turn: &mut Turn<'_>, kind: Kind) -> QueryResult<Option<Xml>> {
    let action = format!("iam:Put{}Policy", kind.name());
    let (holder, (name, text)) = holder::named(turn, kind, &action, |turn| {
        Ok((
            turn.form.need("PolicyName")?,
            turn.form.need("PolicyDocument")?,
        ))
    })?;
    let words = holder.words();
    holder.change(turn, |permissions, _| {
        put_inline(permissions, &words, &name, &text, kind.inline_quota())
    })?;
    Ok(None)
}

pub(super) fn get_policy(turn: &mut Turn<'_>, kind: Kind) -> QueryResult<Option<Xml>> {
    let action = format!("iam:Get{}Policy", kind.name());
    let (holder, name) = holder::named(turn, kind, &action, |turn| turn.form.need("PolicyName"))?;
    let document = inline(&holder.permissions, &name)?;
    let mut xml = Xml::new();
    xml.text(&format!("{}Name", kind.name()), &holder.name);
    xml.text("PolicyName", &name);
    xml.text("PolicyDocument", encoded(document));
    Ok(Some(xml))
}

pub(super) fn list_policies(turn: &mut Turn<'_>, kind: Kind) -> QueryResult<Option<Xml>> {
    let action = format!("iam:List{}Policies", kind.name());
    let (holder, page) = holder::named(turn, kind, &action, Page::take)?;
    let mut xml = Xml::new();
    page.show_texts(&mut xml, "PolicyNames", holder.permissions.inline.keys());
    Ok(Some(xml))
}

pub(super) fn delete_policy(turn: &mut Turn<'_>, kind: Kind) -> QueryResult<Option<Xml>> {
    let action = format!("iam:Delete{}Policy", kind.name());
    let (holder, name) = holder::named(turn, kind, &action, |turn| turn.form.need("PolicyName"))?;
    inline(&holder.permissions, &name)?;
    holder.change(turn, |permissions, _| {
        permissions.inline.remove(&name);
        Ok(())
    })?;
    Ok(None)
}

fn inline<'a>(permissions: &'a Permissions, name: &str) -> QueryResult<&'a Document> {
    permissions.inline.get(name).ok_or_else(|| {
        QueryError::no_such_entity(format_args!("The policy with name {name} cannot be found."))
    })
}

pub(super) fn attach(turn: &mut Turn<'_>, kind: Kind) -> QueryResult<Option<Xml>> {
    let (holder, policy) = with_policy(turn, kind, "Attach")?;
    if turn.directory.newest().policy(&policy).is_none() {
        return Err(no_such_policy(&policy));
    }
    holder.change(turn, |permissions, _| {
        permissions.attached.insert(policy);
        if permissions.attached.len() > MAX_ATTACHED {
            return Err(QueryError::limit_exceeded(format_args!(
                "Cannot exceed quota for PoliciesPer{}: {MAX_ATTACHED}",
                kind.name()
            )));
        }
        Ok(())
    })?;
    Ok(None)
}

pub(super) fn detach(turn: &mut Turn<'_>, kind: Kind) -> QueryResult<Option<Xml>> {
    let (holder, policy) = with_policy(turn, kind, "Detach")?;
    holder.change(turn, |permissions, _| {
        if permissions.attached.remove(&policy) {
            return Ok(());
        }
        Err(QueryError::no_such_entity(format_args!(
            "Policy {policy} was not found."
        )))
    })?;
    Ok(None)
}

/// The holder and the ARN of a managed policy; the action knows `iam:PolicyARN`.
fn with_policy(
    turn: &mut Turn<'_>,
    kind: Kind,
    verb: &str,
) -> QueryResult<(holder::Holder, String)> {
    let action = format!("iam:{verb}{}Policy", kind.name());
    let policy = turn.form.need("PolicyArn")?;
    turn.condition = Some(("iam:PolicyARN", policy.clone()));
    let (holder, ()) = holder::named(turn, kind, &action, |_| Ok(()))?;
    Ok((holder, policy))
}

pub(super) fn list_attached(turn: &mut Turn<'_>, kind: Kind) -> QueryResult<Option<Xml>> {
    let action = format!("iam:ListAttached{}Policies", kind.name());
    let (holder, (page, prefix)) = holder::named(turn, kind, &action, |turn| {
        Ok((Page::take(turn)?, turn.form.take("PathPrefix")))
    })?;
    let prefix = prefix.unwrap_or_else(|| "/".to_string());
    let attached = holder.permissions.attached.iter().filter(|arn| {
        let path = arn.split_once(":policy").map_or("", |(_, path)| path);
        path.starts_with(&prefix)
    });
    let mut xml = Xml::new();
    page.show(
        &mut xml,
        "AttachedPolicies",
        attached.map(|arn| (arn, arn)),
        |xml, arn| {
            xml.text("PolicyName", arn.rsplit('/').next().unwrap_or_default());
            xml.text("PolicyArn", arn);
        },
    );
    Ok(Some(xml))
}

pub(super) fn put_boundary(turn: &mut Turn<'_>, kind: Kind) -> QueryResult<Option<Xml>> {
    let action = format!("iam:Put{}PermissionsBoundary", kind.name());
    let boundary = turn.form.need("PermissionsBoundary")?;
    turn.condition = Some(("iam:PermissionsBoundary", boundary.clone()));
    let (holder, ()) = holder::named(turn, kind, &action, |_| Ok(()))?;
    check_boundary(turn, &boundary)?;
    holder.change(turn, |permissions, _| {
        permissions.boundary = Some(boundary);
        Ok(())
    })?;
    Ok(None)
}

pub(super) fn delete_boundary(turn: &mut Turn<'_>, kind: Kind) -> QueryResult<Option<Xml>> {
    let action = format!("iam:Delete{}PermissionsBoundary", kind.name());
    let (holder, ()) = holder::named(turn, kind, &action, |_| Ok(()))?;
    if holder.permissions.boundary.is_none() {
        return Err(QueryError::no_such_entity(format_args!(
            "The {} has no permissions boundary.",
            holder.words()
        )));
    }
    holder.change(turn, |permissions, _| {
        permissions.boundary = None;
        Ok(())
    })?;
    Ok(None)
}

/// A boundary is a managed policy that exists.
pub(super) fn check_boundary(turn: &Turn<'_>, arn: &str) -> QueryResult<()> {
    match turn.directory.newest().policy(arn) {
        Some(_) => Ok(()),
        None => Err(no_such_policy(arn)),
    }
}

/// The boundary, as GetRole and GetUser show it.
pub(super) fn show_boundary(xml: &mut Xml, permissions: &Permissions) {
    if let Some(boundary) = &permissions.boundary {
        xml.element("PermissionsBoundary", |xml| {
            xml.text("PermissionsBoundaryType", "Policy");
            xml.text("PermissionsBoundaryArn", boundary);
        });
    }
}

pub(super) fn tag(turn: &mut Turn<'_>, kind: Kind) -> QueryResult<Option<Xml>> {
    let action = format!("iam:Tag{}", kind.name());
    let (holder, added) = holder::named(turn, kind, &action, |turn| Ok(turn.form.pairs("Tags")))?;
    holder.change(turn, |_, tags| tags::merge(tags, added))?;
    Ok(None)
}

pub(super) fn untag(turn: &mut Turn<'_>, kind: Kind) -> QueryResult<Option<Xml>> {
    let action = format!("iam:Untag{}", kind.name());
    let (holder, keys) = holder::named(turn, kind, &action, |turn| Ok(turn.form.list("TagKeys")))?;
    holder.change(turn, |_, tags| {
        tags.retain(|key, _| !keys.contains(key));
        Ok(())
    })?;
    Ok(None)
}

pub(super) fn list_tags(turn: &mut Turn<'_>, kind: Kind) -> QueryResult<Option<Xml>> {
    let action = format!("iam:List{}Tags", kind.name());
    let (holder, page) = holder::named(turn, kind, &action, Page::take)?;
    let mut xml = Xml::new();
    let tags = holder.tags.iter().map(|tag| (tag.0, tag));
    page.show(&mut xml, "Tags", tags, tags::show);
    Ok(Some(xml))
}

/// 404 for a managed policy.
pub(super) fn no_such_policy(arn: &str) -> QueryError {
    QueryError::no_such_entity(format_args!(
        "Policy {arn} does not exist or is not attachable."
    ))
}

/// Refuses unless the caller may hand `role` over to `service`.
pub(super) fn check_pass_role(turn: &Turn<'_>, role: &str, service: &str) -> QueryResult<()> {
    let mut asked = Asked::new("iam:PassRole", role, turn.facts);
    asked.context.set("iam:PassedToService", service);
    turn.authorize_asked(asked)
}
