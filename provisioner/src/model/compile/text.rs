//! Alphabets of what people write: nothing passes that could mean something in IAM, HCL or XML.

use crate::model::problems::Checks;
use std::collections::BTreeMap;

/// A piece of a name: 1 to 32 of `a-z 0-9 -`, with a letter or digit at both ends.
pub(super) fn label(text: &str, path: &str, checks: &mut Checks) {
    let edge = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let bytes = text.as_bytes();
    checks.require(
        text.len() <= 32
            && bytes.iter().copied().all(inner)
            && edge(bytes.first().copied())
            && edge(bytes.last().copied()),
        path,
        format!(
            "{text:?} must have 1 to 32 of a-z, 0-9 and '-', with a letter or digit at both ends"
        ),
    );
}

/// A key prefix that documents and templates can carry: no wildcard, quote or substitution.
pub(super) fn plain(text: &str, path: &str, checks: &mut Checks) {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "!-_.()/=+@,: ".contains(c);
    checks.require(
        text.chars().all(allowed),
        path,
        format!("{text:?} may have only letters, digits and !-_.()/=+@,: and space"),
    );
}

/// Words for people: U+0020 to U+007E and U+00A1 to U+00FF, which is what IAM allows,
/// without the openings of template expressions.
pub(super) fn words(text: &str, limit: usize, path: &str, checks: &mut Checks) {
    let allowed = |c: char| (' '..='~').contains(&c) || ('\u{a1}'..='\u{ff}').contains(&c);
    checks.require(
        text.chars().count() <= limit && text.chars().all(allowed),
        path,
        format!(
            "it may have at most {limit} characters from U+0020 to U+007E and U+00A1 to U+00FF"
        ),
    );
    checks.require(
        !text.contains("${") && !text.contains("%{"),
        path,
        "'${' and '%{' are refused: they open a template expression",
    );
}

/// Tags in the alphabet that S3 and IAM share.
pub(super) fn tags(tags: &BTreeMap<String, String>, path: &str, checks: &mut Checks) {
    let allowed = |c: char| {
        c.is_ascii_alphanumeric()
            || (('\u{c0}'..='\u{ff}').contains(&c) && c.is_alphabetic())
            || " _.:/=+-@".contains(c)
    };
    for (key, value) in tags {
        let here = format!("{path}.{key:?}");
        checks.require(
            !key.is_empty() && key.chars().count() <= 128 && value.chars().count() <= 256,
            &*here,
            "a tag has a key of 1 to 128 and a value of at most 256 characters",
        );
        checks.require(
            key.chars().chain(value.chars()).all(allowed),
            &*here,
            "only letters, digits, spaces and _.:/=+-@ are allowed",
        );
        let lower = key.to_ascii_lowercase();
        checks.require(
            !lower.starts_with("aws:") && !lower.starts_with("byos:"),
            &*here,
            "keys that begin with aws: or byos: are reserved",
        );
    }
}
