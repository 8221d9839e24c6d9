//! Names that AWS and its compatible stores give to things.

use crate::text::checked_text;

checked_text! {
    /// The name of a real bucket: 3 to 63 characters, S3's general purpose bucket rules.
    BucketName, "bucket name", check_bucket
}

checked_text! {
    /// The bucket name that a client uses (`data`, `results`); the gateway maps it to a real one.
    ///
    /// Same alphabet as a bucket name, so that virtual-hosted addressing works.
    BucketAlias, "bucket", check_bucket
}

checked_text! {
    /// A region: `eu-central-1`, or what an S3-compatible store calls its own (`auto`, `garage`).
    Region, "region", check_region
}

fn check_bucket(text: &str) -> Result<(), &'static str> {
    let bytes = text.as_bytes();
    if bytes.len() < 3 || bytes.len() > 63 {
        return Err("it must have 3 to 63 characters");
    }
    let inner = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-' || *b == b'.';
    if !bytes.iter().all(inner) {
        return Err("only lower-case letters, digits, '-' and '.' are allowed");
    }
    let edge = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    if !edge(bytes[0]) || !edge(bytes[bytes.len() - 1]) {
        return Err("it must begin and end with a letter or a digit");
    }
    if text.contains("..") {
        return Err("two dots may not stand together");
    }
    if text.split('.').count() == 4 && text.split('.').all(|part| part.parse::<u8>().is_ok()) {
        return Err("it may not look like an IP address");
    }
    if text.starts_with("xn--") || text.starts_with("sthree-") || text.starts_with("amzn-s3-demo-")
    {
        return Err("it begins with a prefix that AWS reserves");
    }
    if ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"]
        .iter()
        .any(|end| text.ends_with(end))
    {
        return Err("it ends with a suffix that AWS reserves");
    }
    Ok(())
}

fn check_region(text: &str) -> Result<(), &'static str> {
    if text.is_empty() || text.len() > 32 {
        return Err("it must have 1 to 32 characters");
    }
    if !text
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    {
        return Err("only lower-case letters, digits and '-' are allowed");
    }
    // It becomes a label of the region's host names.
    if text.starts_with('-') || text.ends_with('-') {
        return Err("it must begin and end with a letter or a digit");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_bucket_names_are_accepted() {
        for name in [
            "data",
            "results",
            "acme-prod.data-1",
            "1ab",
            &"a".repeat(63),
        ] {
            assert!(BucketName::parse(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn bucket_names_outside_the_rules_are_refused() {
        let long = "a".repeat(64);
        for name in [
            "",
            "ab",
            "Data",
            "a_b",
            "-ab",
            "ab-",
            "a..b",
            "192.168.1.1",
            "xn--abc",
            "abc-s3alias",
            "a/b",
            "a%2fb",
            long.as_str(),
        ] {
            assert!(BucketName::parse(name).is_err(), "{name}");
        }
    }
}
