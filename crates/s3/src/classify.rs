//! From a request to an operation. What is not in these tables is refused.

use crate::address::Address;
use crate::copy_source::CopySource;
use crate::error::S3Error;
use crate::error_code::ErrorCode;
use crate::operation::{
    ListBuckets, ListMultipartUploads, ListObjects, ListObjectsV2, ListParts, ObjectName,
    Operation, Part, ReadObject, Upload, UploadId, VersionId,
};
use crate::query::{Query, argument};
use http::{HeaderMap, Method};
use types::{BucketAlias, MAX_KEY_BYTES};

const MAX_PAGE: u32 = 1_000;
const MAX_PART_NUMBER: u16 = 10_000;

/// `response-*` parameters, in the order of their names.
const OVERRIDES: [&str; 6] = [
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
];

const READ_PARAMETERS: &[&str] = &[
    "partNumber",
    "versionId",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
];

/// Says what a request asks for.
///
/// `headers` are the client's after [`crate::hoist_query`]. Parameters that authenticate are
/// passed over, as is `x-id`; every other parameter must belong to the operation.
///
/// # Errors
/// `NotImplemented` for what S3 has and the gateway has not, and for every unknown parameter;
/// `MethodNotAllowed` for what no S3 has; `InvalidArgument` for a bad value.
pub fn classify(
    method: &Method,
    address: &Address,
    query: Option<&str>,
    headers: &HeaderMap,
) -> Result<Operation, S3Error> {
    let query = Query::parse(query)?;
    check_hoisted(&query, headers)?;
    match (&address.bucket, &address.key) {
        (None, _) => on_service(method, &query),
        (Some(bucket), None) => on_bucket(method, bucket.clone(), &query),
        (Some(bucket), Some(key)) => {
            let object = ObjectName {
                bucket: bucket.clone(),
                key: key.clone(),
            };
            on_object(method, object, &query, headers)
        }
    }
}

/// An `x-amz-*` parameter that is not among the headers would be overlooked by every later check.
fn check_hoisted(query: &Query, headers: &HeaderMap) -> Result<(), S3Error> {
    for (name, value) in &query.headers {
        if headers.get(name).map(|found| found.as_bytes()) != Some(value.as_bytes()) {
            return Err(S3Error::with_message(
                ErrorCode::InvalidRequest,
                "A query parameter that acts as a header contradicts the headers.",
            )
            .with("ArgumentName", name.clone()));
        }
    }
    Ok(())
}

fn on_service(method: &Method, query: &Query) -> Result<Operation, S3Error> {
    if *method != Method::GET {
        return Err(S3Error::new(ErrorCode::MethodNotAllowed));
    }
    query.allow_only(&[
        "bucket-region",
        "continuation-token",
        "max-buckets",
        "prefix",
    ])?;
    Ok(Operation::ListBuckets(ListBuckets {
        prefix: query.get("prefix").unwrap_or_default().to_owned(),
        max_buckets: number(query, "max-buckets", 1, 10_000)?,
        after: query.get("continuation-token").map(str::to_owned),
        region: query.get("bucket-region").map(str::to_owned),
    }))
}

fn on_bucket(method: &Method, bucket: BucketAlias, query: &Query) -> Result<Operation, S3Error> {
    match method.as_str() {
        "GET" if query.has("location") => {
            query.allow_only(&["location"])?;
            flag(query, "location")?;
            Ok(Operation::GetBucketLocation { bucket })
        }
        "GET" if query.has("uploads") => list_uploads(bucket, query),
        "GET" if query.has("list-type") => list_v2(bucket, query),
        "GET" => list_v1(bucket, query),
        "HEAD" => {
            query.allow_only(&[])?;
            Ok(Operation::HeadBucket { bucket })
        }
        "POST" if query.has("delete") => {
            query.allow_only(&["delete"])?;
            flag(query, "delete")?;
            Ok(Operation::DeleteObjects { bucket })
        }
        // Creating, deleting and configuring buckets, and browser uploads by POST.
        "PUT" | "DELETE" | "POST" => Err(not_implemented(query)),
        _ => Err(S3Error::new(ErrorCode::MethodNotAllowed)),
    }
}

fn on_object(
    method: &Method,
    object: ObjectName,
    query: &Query,
    headers: &HeaderMap,
) -> Result<Operation, S3Error> {
    match method.as_str() {
        "GET" if query.has("uploadId") => list_parts(object, query),
        "GET" => Ok(Operation::GetObject(read(object, query)?)),
        "HEAD" => Ok(Operation::HeadObject(read(object, query)?)),
        "PUT" if query.has("uploadId") || query.has("partNumber") => {
            query.allow_only(&["partNumber", "uploadId"])?;
            let number =
                part_number(query)?.ok_or_else(|| argument("The partNumber is missing."))?;
            let part = Part {
                upload: upload(object, query)?,
                number,
            };
            Ok(match copy_source(headers)? {
                None => Operation::UploadPart(part),
                Some(source) => Operation::UploadPartCopy { part, source },
            })
        }
        "PUT" => {
            query.allow_only(&[])?;
            let conditional =
                headers.contains_key("if-match") || headers.contains_key("if-none-match");
            Ok(match copy_source(headers)? {
                None => Operation::PutObject {
                    object,
                    conditional,
                },
                Some(source) => Operation::CopyObject { object, source },
            })
        }
        "POST" if query.has("uploads") => {
            query.allow_only(&["uploads"])?;
            flag(query, "uploads")?;
            Ok(Operation::CreateMultipartUpload { object })
        }
        "POST" if query.has("uploadId") => {
            query.allow_only(&["uploadId"])?;
            Ok(Operation::CompleteMultipartUpload(upload(object, query)?))
        }
        "DELETE" if query.has("uploadId") => {
            query.allow_only(&["uploadId"])?;
            Ok(Operation::AbortMultipartUpload(upload(object, query)?))
        }
        "DELETE" => {
            query.allow_only(&["versionId"])?;
            Ok(Operation::DeleteObject {
                object,
                version: version(query)?,
            })
        }
        "POST" => Err(not_implemented(query)),
        _ => Err(S3Error::new(ErrorCode::MethodNotAllowed)),
    }
}

/// A method that S3 gives a meaning only together with a sub-resource.
fn not_implemented(query: &Query) -> S3Error {
    match query.allow_only(&[]) {
        Err(error) => error,
        Ok(()) => S3Error::new(ErrorCode::NotImplemented),
    }
}

fn list_v1(bucket: BucketAlias, query: &Query) -> Result<Operation, S3Error> {
    query.allow_only(&["delimiter", "encoding-type", "marker", "max-keys", "prefix"])?;
    Ok(Operation::ListObjects(ListObjects {
        bucket,
        prefix: name_part(query, "prefix")?.unwrap_or_default(),
        delimiter: delimiter(query)?,
        max_keys: number(query, "max-keys", 0, MAX_PAGE)?,
        marker: name_part(query, "marker")?,
        url_encoded: url_encoded(query)?,
    }))
}

fn list_v2(bucket: BucketAlias, query: &Query) -> Result<Operation, S3Error> {
    query.allow_only(&[
        "continuation-token",
        "delimiter",
        "encoding-type",
        "fetch-owner",
        "list-type",
        "max-keys",
        "prefix",
        "start-after",
    ])?;
    if query.get("list-type") != Some("2") {
        return Err(argument("The only list-type is 2.").with("ArgumentName", "list-type"));
    }
    let continuation_token = query.get("continuation-token").map(str::to_owned);
    if continuation_token
        .as_ref()
        .is_some_and(|token| token.is_empty() || token.len() > 4_096)
    {
        return Err(argument("The continuation token is not valid.")
            .with("ArgumentName", "continuation-token"));
    }
    Ok(Operation::ListObjectsV2(ListObjectsV2 {
        bucket,
        prefix: name_part(query, "prefix")?.unwrap_or_default(),
        delimiter: delimiter(query)?,
        max_keys: number(query, "max-keys", 0, MAX_PAGE)?,
        start_after: name_part(query, "start-after")?,
        continuation_token,
        url_encoded: url_encoded(query)?,
    }))
}

fn list_uploads(bucket: BucketAlias, query: &Query) -> Result<Operation, S3Error> {
    query.allow_only(&[
        "delimiter",
        "encoding-type",
        "key-marker",
        "max-uploads",
        "prefix",
        "upload-id-marker",
        "uploads",
    ])?;
    flag(query, "uploads")?;
    let upload_id_marker = match query.get("upload-id-marker") {
        None | Some("") => None,
        Some(id) => Some(UploadId::parse(id)?.as_str().to_owned()),
    };
    Ok(Operation::ListMultipartUploads(ListMultipartUploads {
        bucket,
        prefix: name_part(query, "prefix")?.unwrap_or_default(),
        delimiter: delimiter(query)?,
        max_uploads: number(query, "max-uploads", 0, MAX_PAGE)?,
        key_marker: name_part(query, "key-marker")?,
        upload_id_marker,
        url_encoded: url_encoded(query)?,
    }))
}

fn list_parts(object: ObjectName, query: &Query) -> Result<Operation, S3Error> {
    query.allow_only(&["max-parts", "part-number-marker", "uploadId"])?;
    Ok(Operation::ListParts(ListParts {
        upload: upload(object, query)?,
        max_parts: number(query, "max-parts", 0, MAX_PAGE)?,
        after: number(query, "part-number-marker", 0, u32::from(MAX_PART_NUMBER))?,
    }))
}

fn read(object: ObjectName, query: &Query) -> Result<ReadObject, S3Error> {
    query.allow_only(READ_PARAMETERS)?;
    let mut overrides = Vec::new();
    for name in OVERRIDES {
        if let Some(value) = query.get(name) {
            if value.chars().any(char::is_control) {
                return Err(
                    argument("A response header may not hold a control character.")
                        .with("ArgumentName", name),
                );
            }
            overrides.push((name, value.to_owned()));
        }
    }
    Ok(ReadObject {
        object,
        version: version(query)?,
        part_number: part_number(query)?,
        overrides,
    })
}

fn upload(object: ObjectName, query: &Query) -> Result<Upload, S3Error> {
    let id = UploadId::parse(query.get("uploadId").unwrap_or_default())?;
    Ok(Upload { object, id })
}

fn version(query: &Query) -> Result<Option<VersionId>, S3Error> {
    query.get("versionId").map(VersionId::parse).transpose()
}

fn copy_source(headers: &HeaderMap) -> Result<Option<CopySource>, S3Error> {
    let mut values = headers.get_all("x-amz-copy-source").iter();
    let Some(first) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(argument("The copy source is given more than once.")
            .with("ArgumentName", "x-amz-copy-source"));
    }
    let text = std::str::from_utf8(first.as_bytes()).map_err(|_| {
        argument("The copy source is not valid.").with("ArgumentName", "x-amz-copy-source")
    })?;
    CopySource::parse(text).map(Some)
}

/// A sub-resource that takes no value.
fn flag(query: &Query, name: &'static str) -> Result<(), S3Error> {
    match query.get(name) {
        None | Some("") => Ok(()),
        Some(_) => Err(argument("The parameter takes no value.").with("ArgumentName", name)),
    }
}

fn part_number(query: &Query) -> Result<Option<u16>, S3Error> {
    let Some(text) = query.get("partNumber") else {
        return Ok(None);
    };
    match decimal(text).and_then(|value| u16::try_from(value).ok()) {
        Some(value @ 1..=MAX_PART_NUMBER) => Ok(Some(value)),
        _ => Err(
            argument("A part number must be an integer between 1 and 10000.")
                .with("ArgumentName", "partNumber"),
        ),
    }
}

/// An integer from `min` up; beyond `max` it counts as `max`, as S3 does.
fn number(query: &Query, name: &'static str, min: u32, max: u32) -> Result<Option<u32>, S3Error> {
    match query.get(name) {
        None | Some("") => Ok(None),
        Some(text) => match decimal(text) {
            Some(value) if value >= min => Ok(Some(value.min(max))),
            _ => Err(
                argument("The value is not an integer within the allowed range.")
                    .with("ArgumentName", name),
            ),
        },
    }
}

/// Digits only: no sign, no spaces, up to S3's largest integer.
fn decimal(text: &str) -> Option<u32> {
    let digits_only = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits_only
        .then(|| text.parse::<u32>().ok())
        .flatten()
        .filter(|value| *value <= i32::MAX.unsigned_abs())
}

/// A prefix or a marker: any beginning of a key.
fn name_part(query: &Query, name: &'static str) -> Result<Option<String>, S3Error> {
    let Some(text) = query.get(name) else {
        return Ok(None);
    };
    if text.len() > MAX_KEY_BYTES {
        return Err(S3Error::new(ErrorCode::KeyTooLongError).with("ArgumentName", name));
    }
    if text.contains('\0') {
        return Err(argument("The value holds a NUL character.").with("ArgumentName", name));
    }
    Ok(Some(text.to_owned()))
}

fn delimiter(query: &Query) -> Result<Option<String>, S3Error> {
    Ok(name_part(query, "delimiter")?.filter(|text| !text.is_empty()))
}

fn url_encoded(query: &Query) -> Result<bool, S3Error> {
    match query.get("encoding-type") {
        None | Some("") => Ok(false),
        Some("url") => Ok(true),
        Some(_) => {
            Err(argument("The only encoding-type is url.").with("ArgumentName", "encoding-type"))
        }
    }
}
