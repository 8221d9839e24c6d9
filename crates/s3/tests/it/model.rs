//! A store as simple as can be: a sorted set of keys, and S3's words about listing it. It shares
//! no code with the crate, so that it can judge it.

use std::collections::{BTreeMap, BTreeSet};

/// What is asked of a listing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ask {
    pub(crate) prefix: String,
    pub(crate) delimiter: Option<String>,
    pub(crate) marker: Option<String>,
    pub(crate) max_keys: usize,
}

/// One page: names in order, `true` for common prefixes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) names: Vec<(String, bool)>,
    pub(crate) truncated: bool,
}

/// Lists `keys` as S3 does. A marker that is a common prefix skips all that is rolled up in it.
pub(crate) fn list(keys: &BTreeSet<String>, ask: &Ask) -> Page {
    let marker = ask.marker.clone().unwrap_or_default();
    let mut rolled: BTreeMap<String, bool> = BTreeMap::new();
    for key in keys.iter().filter(|key| key.starts_with(&ask.prefix)) {
        let common = ask.delimiter.as_ref().and_then(|delimiter| {
            let found = key[ask.prefix.len()..].find(delimiter.as_str())?;
            Some(key[..ask.prefix.len() + found + delimiter.len()].to_owned())
        });
        match common {
            Some(common) if common.as_str() > marker.as_str() => {
                rolled.insert(common, true);
            }
            None if key.as_str() > marker.as_str() => {
                rolled.insert(key.clone(), false);
            }
            _ => {}
        }
    }
    let truncated = rolled.len() > ask.max_keys;
    let names = rolled.into_iter().take(ask.max_keys).collect();
    Page { names, truncated }
}

/// Decodes a query string that was encoded without `+`.
pub(crate) fn parameters(query: &str) -> BTreeMap<String, String> {
    let decode = |text: &str| {
        percent_encoding::percent_decode_str(text)
            .decode_utf8()
            .unwrap()
            .into_owned()
    };
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

fn escape(text: &str) -> String {
    let mut out = String::new();
    for found in text.chars() {
        match found {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            control if control < ' ' => out.push_str(&format!("&#x{:x};", u32::from(control))),
            other => out.push(other),
        }
    }
    out
}

/// How the store writes keys when it is asked for `encoding-type=url`; stores differ.
pub(crate) fn url_encode(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' | b'/' => {
                out.push(char::from(byte));
            }
            b' ' => out.push('+'),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

/// The answer of a store to a listing request, as XML with white space, owners and extensions.
pub(crate) fn answer(keys: &BTreeSet<String>, bucket: &str, query: &str) -> String {
    let asked = parameters(query);
    let get = |name: &str| asked.get(name).cloned();
    let v2 = get("list-type").is_some();
    let token = get("continuation-token");
    let ask = Ask {
        prefix: get("prefix").unwrap_or_default(),
        delimiter: get("delimiter"),
        marker: match (&token, v2) {
            (Some(token), _) => token.strip_prefix("token:").map(str::to_owned),
            (None, true) => get("start-after"),
            (None, false) => get("marker"),
        },
        max_keys: get("max-keys").map_or(1_000, |text| text.parse().unwrap()),
    };
    let url = get("encoding-type").is_some();
    let shown = |text: &str| {
        escape(&if url {
            url_encode(text)
        } else {
            text.to_owned()
        })
    };
    let page = list(keys, &ask);
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\n",
    );
    let mut leaf = |name: &str, text: &str| out.push_str(&format!("  <{name}>{text}</{name}>\n"));
    leaf("Name", bucket);
    leaf("Prefix", &shown(&ask.prefix));
    if v2 {
        leaf("KeyCount", &page.names.len().to_string());
        if let Some(after) = get("start-after") {
            leaf("StartAfter", &shown(&after));
        }
        if let Some(token) = &token {
            leaf("ContinuationToken", &escape(token));
        }
    } else {
        leaf("Marker", &shown(&get("marker").unwrap_or_default()));
    }
    if let (true, Some((last, _))) = (page.truncated, page.names.last()) {
        match v2 {
            true => leaf("NextContinuationToken", &escape(&format!("token:{last}"))),
            false if ask.delimiter.is_some() => leaf("NextMarker", &shown(last)),
            false => {}
        }
    }
    leaf("MaxKeys", &ask.max_keys.to_string());
    if let Some(delimiter) = &ask.delimiter {
        leaf("Delimiter", &shown(delimiter));
    }
    if url {
        leaf("EncodingType", "url");
    }
    leaf("IsTruncated", &page.truncated.to_string());
    for (name, _) in page.names.iter().filter(|(_, common)| !common) {
        let key = shown(name);
        leaf(
            "Contents",
            &format!(
                "<Key>{key}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>\
                 <ETag>&quot;e&quot;</ETag><Size>1</Size>\
                 <Owner><ID>1234567890ab</ID><DisplayName>customer</DisplayName></Owner>\
                 <StorageClass>STANDARD</StorageClass><Internal><K>{bucket}</K></Internal>"
            ),
        );
    }
    for (name, _) in page.names.iter().filter(|(_, common)| *common) {
        leaf(
            "CommonPrefixes",
            &format!("\n<Prefix>{}</Prefix>\n", shown(name)),
        );
    }
    out.push_str("</ListBucketResult>");
    out
}
