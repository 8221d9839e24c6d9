//! What browsers of other sites may do.

use serde::{Deserialize, Serialize};

/// A rule for browsers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CorsRule {
    /// A name for the rule.
    pub id: Option<String>,
    /// Sites that may call.
    pub origins: Vec<String>,
    /// GET, PUT, POST, DELETE, HEAD.
    pub methods: Vec<String>,
    /// Request headers that are allowed.
    pub headers: Vec<String>,
    /// Response headers that scripts may see.
    pub expose_headers: Vec<String>,
    /// How long a browser may remember the answer.
    pub max_age_seconds: Option<u32>,
}

impl CorsRule {
    /// Whether some request may match both rules, so that it matters which stands first.
    pub fn overlaps(&self, other: &Self) -> bool {
        let any = |ours: &[String], theirs: &[String], both: fn(&str, &str) -> bool| {
            ours.iter().any(|a| theirs.iter().any(|b| both(a, b)))
        };
        any(&self.methods, &other.methods, |a, b| a == b)
            && any(&self.origins, &other.origins, origins_overlap)
    }
}

/// Whether some origin fits both patterns; a pattern has at most one `*`.
fn origins_overlap(a: &str, b: &str) -> bool {
    match (a.split_once('*'), b.split_once('*')) {
        (None, None) => a == b,
        (Some((start, end)), None) => fits(b, start, end),
        (None, Some((start, end))) => fits(a, start, end),
        (Some((start, end)), Some((other_start, other_end))) => {
            (start.starts_with(other_start) || other_start.starts_with(start))
                && (end.ends_with(other_end) || other_end.ends_with(end))
        }
    }
}

fn fits(text: &str, start: &str, end: &str) -> bool {
    text.strip_prefix(start)
        .is_some_and(|rest| rest.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(origin: &str, method: &str) -> CorsRule {
        CorsRule {
            origins: vec![origin.to_string()],
            methods: vec![method.to_string()],
            ..CorsRule::default()
        }
    }

    #[test]
    fn rules_overlap_when_some_origin_and_method_fit_both() {
        for (a, b, overlap) in [
            ("https://a.example", "https://a.example", true),
            ("https://a.example", "https://b.example", false),
            ("*", "https://b.example", true),
            ("https://*.example", "https://b.example", true),
            ("https://*.example", "https://.example", true),
            ("https://*.example", "https://b.test", false),
            ("https://*.example", "http://*", false),
            ("https://*.a.example", "https://b.*.example", true),
            ("https://*.example", "https://*.test", false),
            // Start and end may not share letters.
            ("https://aa*aa", "https://aaa", false),
        ] {
            assert_eq!(rule(a, "GET").overlaps(&rule(b, "GET")), overlap, "{a} {b}");
            assert_eq!(rule(b, "GET").overlaps(&rule(a, "GET")), overlap, "{b} {a}");
            assert!(!rule(a, "GET").overlaps(&rule(b, "PUT")), "{a} {b}");
        }
    }
}
