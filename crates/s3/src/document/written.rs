//! Documents that the gateway writes by itself.

use crate::operation::ListBuckets;
use crate::xml::{self, Writer};
use bytes::Bytes;
use types::{BucketAlias, Region, Timestamp};

/// A bucket that the access key may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketEntry {
    /// The client's name.
    pub name: BucketAlias,
    /// When it was made, as far as the gateway is concerned.
    pub created: Timestamp,
}

/// The answer to ListBuckets. `buckets` are all that the access key may see; `owner` names the
/// tenant, not its account.
pub fn list_buckets_document(
    request: &ListBuckets,
    owner: &str,
    region: &Region,
    mut buckets: Vec<BucketEntry>,
) -> Bytes {
    buckets.sort_by(|a, b| a.name.cmp(&b.name));
    buckets.retain(|bucket| {
        let name = bucket.name.as_str();
        name.starts_with(&request.prefix)
            && request.after.as_deref().is_none_or(|after| name > after)
            && request
                .region
                .as_deref()
                .is_none_or(|wanted| wanted == region.as_str())
    });
    let page = usize::try_from(request.max_buckets.unwrap_or(10_000)).unwrap_or(usize::MAX);
    let more = buckets.len() > page;
    buckets.truncate(page);

    let mut out = Writer::document();
    out.open_root("ListAllMyBucketsResult");
    out.open("Owner");
    out.leaf("ID", owner);
    out.leaf("DisplayName", owner);
    out.close("Owner");
    out.open("Buckets");
    for bucket in &buckets {
        out.open("Bucket");
        out.leaf("Name", bucket.name.as_str());
        out.leaf("CreationDate", &rfc3339(bucket.created));
        out.leaf("BucketRegion", region.as_str());
        out.close("Bucket");
    }
    out.close("Buckets");
    if !request.prefix.is_empty() {
        out.leaf("Prefix", &request.prefix);
    }
    if let (true, Some(last)) = (more, buckets.last()) {
        out.leaf("ContinuationToken", last.name.as_str());
    }
    out.close("ListAllMyBucketsResult");
    out.into_bytes()
}

/// The answer to GetBucketLocation: the gateway's region, empty for `us-east-1` as S3 has it.
pub fn location_document(region: &Region) -> Bytes {
    let shown = match region.as_str() {
        "us-east-1" => "",
        other => other,
    };
    Bytes::from(format!(
        "{}<LocationConstraint xmlns=\"{}\">{shown}</LocationConstraint>",
        xml::DECLARATION,
        xml::NAMESPACE
    ))
}

/// `2026-01-31T12:00:00.000Z`. The civil calendar from days, after Howard Hinnant's paper
/// "chrono-Compatible Low-Level Date Algorithms": eras of 400 years that begin in March.
fn rfc3339(time: Timestamp) -> String {
    const DAY: i64 = 86_400;
    let (days, second) = (time.unix().div_euclid(DAY), time.unix().rem_euclid(DAY));
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.000Z")
}
