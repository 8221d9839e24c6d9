//! `aws-chunked` in Content-Encoding names the transfer, not the object: it is never stored.

use std::borrow::Cow;

/// The value without `aws-chunked`: nothing when nothing else remains, and the text as it was
/// (case, spaces) when it was not there.
pub fn strip_aws_chunked(value: &str) -> Option<Cow<'_, str>> {
    let is_framing = |coding: &str| coding.trim().eq_ignore_ascii_case("aws-chunked");
    if !value.split(',').any(is_framing) {
        return Some(Cow::Borrowed(value));
    }
    let kept: Vec<&str> = value
        .split(',')
        .filter(|coding| !is_framing(coding) && !coding.trim().is_empty())
        .map(str::trim)
        .collect();
    (!kept.is_empty()).then(|| Cow::Owned(kept.join(",")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_framing_is_removed() {
        for (given, expected) in [
            ("aws-chunked", None),
            ("AWS-Chunked", None),
            (" aws-chunked , ", None),
            ("aws-chunked,gzip", Some("gzip")),
            ("gzip, aws-chunked", Some("gzip")),
            ("aws-chunked, gzip , br", Some("gzip,br")),
            ("GZip ,  Br", Some("GZip ,  Br")),
            ("", Some("")),
            ("x-aws-chunked", Some("x-aws-chunked")),
        ] {
            assert_eq!(strip_aws_chunked(given).as_deref(), expected, "{given:?}");
        }
    }
}
