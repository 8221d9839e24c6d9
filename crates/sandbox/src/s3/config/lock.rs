//! Object lock: the bucket's rule, the retention and the legal hold of a version.

use super::table::Setting;
use super::{Answer, Turn, absent};
use crate::disk::{BucketRecord, ObjectSettings, Retention, RetentionMode, Versioning};
use crate::node::{Node, Shape, malformed, optional, required};
use http::{HeaderMap, StatusCode};
use s3s::{S3Error, S3Result, s3_error};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use types::Timestamp;

const MODES: &[&str] = &["GOVERNANCE", "COMPLIANCE"];
const SECONDS_PER_DAY: i64 = 86_400;
/// S3 counts a year of retention as 365 days.
const DAYS_PER_YEAR: i64 = 365;

pub(super) static CONFIGURATION: Shape = Shape::Group(&[
    optional("ObjectLockEnabled", Shape::OneOf(&["Enabled"])),
    optional(
        "Rule",
        Shape::Group(&[required(
            "DefaultRetention",
            Shape::Group(&[
                required("Mode", Shape::OneOf(MODES)),
                optional("Days", Shape::Number),
                optional("Years", Shape::Number),
            ]),
        )]),
    ),
]);

pub(super) static RETENTION: Shape = Shape::Group(&[
    optional("Mode", Shape::OneOf(MODES)),
    optional("RetainUntilDate", Shape::Date),
]);

pub(super) static LEGAL_HOLD: Shape =
    Shape::Group(&[required("Status", Shape::OneOf(&["ON", "OFF"]))]);

pub(super) fn check_configuration(turn: &Turn<'_>, node: &mut Node) -> S3Result<()> {
    if turn.bucket.versioning != Versioning::Enabled {
        return Err(s3_error!(
            InvalidBucketState,
            "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration"
        ));
    }
    if node.child("ObjectLockEnabled").is_none() {
        return Err(malformed());
    }
    let retention = node
        .child("Rule")
        .and_then(|rule| rule.child("DefaultRetention"));
    if let Some(retention) = retention {
        let spans = [retention.value("Days"), retention.value("Years")];
        let given: Vec<&str> = spans.into_iter().flatten().collect();
        if given.len() != 1 {
            return Err(malformed());
        }
        if given == ["0"] {
            return Err(s3_error!(
                InvalidArgument,
                "Default retention period must be a positive integer value"
            ));
        }
    }
    Ok(())
}

pub(super) fn apply_configuration(bucket: &mut BucketRecord, _: &Node) -> S3Result<()> {
    bucket.object_lock = true;
    Ok(())
}

/// Reads the lock of an upload: its headers, else the bucket's rule.
pub(in crate::s3) fn of_upload(
    settings: &mut ObjectSettings,
    headers: &HeaderMap,
    bucket: &BucketRecord,
    now: Timestamp,
) -> S3Result<()> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let mode = text("x-amz-object-lock-mode");
    let until = text("x-amz-object-lock-retain-until-date");
    let hold = text("x-amz-object-lock-legal-hold");
    if (mode.is_some() || until.is_some() || hold.is_some()) && !bucket.object_lock {
        return Err(s3_error!(
            InvalidRequest,
            "Bucket is missing Object Lock Configuration"
        ));
    }
    settings.retention = match (mode, until) {
        (None, None) => by_default(bucket, now),
        (Some(mode), Some(until)) => Some(retention(mode, until, now)?),
        _ => {
            return Err(s3_error!(
                InvalidArgument,
                "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be \
                 supplied"
            ));
        }
    };
    settings.legal_hold = match hold {
        None | Some("OFF") => false,
        Some("ON") => true,
        Some(_) => {
            return Err(s3_error!(
                InvalidArgument,
                "Legal Hold must be either of 'ON' or 'OFF'"
            ));
        }
    };
    Ok(())
}

fn by_default(bucket: &BucketRecord, now: Timestamp) -> Option<Retention> {
    let rule = bucket
        .settings
        .get("object-lock")?
        .child("Rule")?
        .child("DefaultRetention")?;
    let number = |name| rule.value(name).and_then(|value| value.parse::<i64>().ok());
    let days = number("Days").or_else(|| Some(number("Years")? * DAYS_PER_YEAR))?;
    Some(Retention {
        mode: mode(rule.value("Mode")?)?,
        until: now.plus_seconds(days.saturating_mul(SECONDS_PER_DAY)),
    })
}

fn mode(text: &str) -> Option<RetentionMode> {
    match text {
        "GOVERNANCE" => Some(RetentionMode::Governance),
        "COMPLIANCE" => Some(RetentionMode::Compliance),
        _ => None,
    }
}

impl RetentionMode {
    /// As the API writes it.
    pub(in crate::s3) const fn name(self) -> &'static str {
        match self {
            Self::Governance => MODES[0],
            Self::Compliance => MODES[1],
        }
    }
}

fn retention(mode_text: &str, until: &str, now: Timestamp) -> S3Result<Retention> {
    let mode =
        mode(mode_text).ok_or_else(|| s3_error!(InvalidArgument, "Unknown wormMode directive."))?;
    let until = OffsetDateTime::parse(until, &Rfc3339).map_err(|_| {
        s3_error!(
            InvalidArgument,
            "The retain until date must be provided in ISO 8601 format"
        )
    })?;
    let until = Timestamp::from_unix(until.unix_timestamp());
    if until <= now {
        return Err(s3_error!(
            InvalidArgument,
            "The retain until date must be in the future!"
        ));
    }
    Ok(Retention { mode, until })
}

pub(super) fn get_retention(turn: &Turn<'_>, _: &Setting) -> S3Result<Answer> {
    let retention = settings(turn)?.retention.ok_or_else(no_lock)?;
    Ok(Answer::document(
        &Node::new("Retention")
            .with(Node::text("Mode", retention.mode.name()))
            .with(Node::text(
                "RetainUntilDate",
                crate::facts::iso(retention.until),
            )),
    ))
}

pub(super) fn put_retention(turn: &Turn<'_>, setting: &Setting) -> S3Result<Answer> {
    let node = turn.document(setting.root)?;
    setting.shape.check(&node)?;
    require_lock(turn)?;
    let now = turn.actor.facts.now;
    let wanted = match (node.value("Mode"), node.value("RetainUntilDate")) {
        (Some(mode), Some(until)) => Some(retention(mode, until, now)?),
        (None, None) => None,
        _ => return Err(malformed()),
    };
    let bypass = bypasses(turn);
    change(turn, |settings| {
        let held = settings.retention.filter(|retention| now < retention.until);
        let shortens = held.is_some_and(|held| {
            wanted.is_none_or(|wanted| {
                wanted.until < held.until
                    || (held.mode == RetentionMode::Compliance && wanted.mode != held.mode)
            })
        });
        let may = held.is_none_or(|held| held.mode == RetentionMode::Governance && bypass);
        if shortens && !may {
            return Err(crate::disk::StoreError::Locked.into());
        }
        settings.retention = wanted;
        Ok(())
    })
}

pub(super) fn get_legal_hold(turn: &Turn<'_>, _: &Setting) -> S3Result<Answer> {
    require_lock(turn)?;
    let status = if settings(turn)?.legal_hold {
        "ON"
    } else {
        "OFF"
    };
    Ok(Answer::document(
        &Node::new("LegalHold").with(Node::text("Status", status)),
    ))
}

pub(super) fn put_legal_hold(turn: &Turn<'_>, setting: &Setting) -> S3Result<Answer> {
    let node = turn.document(setting.root)?;
    setting.shape.check(&node)?;
    require_lock(turn)?;
    let on = node.value("Status") == Some("ON");
    change(turn, |settings| {
        settings.legal_hold = on;
        Ok(())
    })
}

/// Whether the caller may and wants to bypass a retention in governance mode.
fn bypasses(turn: &Turn<'_>) -> bool {
    let wants = turn
        .headers
        .get("x-amz-bypass-governance-retention")
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"));
    let resource = format!(
        "{}/{}",
        turn.bucket.arn(),
        turn.key.as_deref().unwrap_or_default()
    );
    wants
        && turn
            .actor
            .may("s3:BypassGovernanceRetention", &resource, &turn.bucket)
}

fn require_lock(turn: &Turn<'_>) -> S3Result<()> {
    if turn.bucket.object_lock {
        return Ok(());
    }
    Err(s3_error!(
        InvalidRequest,
        "Bucket is missing Object Lock Configuration"
    ))
}

fn settings(turn: &Turn<'_>) -> S3Result<ObjectSettings> {
    super::object::find(turn).map(|(_, body)| body.settings)
}

fn change(
    turn: &Turn<'_>,
    change: impl FnOnce(&mut ObjectSettings) -> S3Result<()>,
) -> S3Result<Answer> {
    let key = turn.key.as_deref().unwrap_or_default();
    let version = turn.query.get("versionId");
    turn.store
        .change_version(&turn.bucket.name, key, version, |body| {
            change(&mut body.settings)
        })?;
    Ok(Answer::status(StatusCode::OK))
}

fn no_lock() -> S3Error {
    absent(
        "NoSuchObjectLockConfiguration",
        "The specified object does not have a ObjectLock configuration",
    )
}
