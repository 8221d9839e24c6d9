//! Query parameters that act as headers: how a presigned URL carries them.

use crate::error::S3Error;
use crate::error_code::ErrorCode;
use crate::query::{Query, argument};
use http::{HeaderMap, HeaderName, HeaderValue};
use std::borrow::Cow;

/// They say how the body is framed, which a URL signed in advance cannot know.
const NEVER_IN_QUERY: [&str; 2] = ["x-amz-decoded-content-length", "x-amz-trailer"];

/// Adds the `x-amz-*` query parameters to the headers, without those that authenticate.
///
/// Signatures are verified on the request as it came; everything else looks at the result.
///
/// # Errors
/// `InvalidRequest` when header and parameter differ, `InvalidArgument` for a parameter that
/// cannot be a header.
pub fn hoist_query<'a>(
    query: Option<&str>,
    headers: &'a HeaderMap,
) -> Result<Cow<'a, HeaderMap>, S3Error> {
    let query = Query::parse(query)?;
    if query.headers.is_empty() {
        return Ok(Cow::Borrowed(headers));
    }
    let mut joined = headers.clone();
    for (name, value) in query.headers {
        let refuse = |message| argument(message).with("ArgumentName", name.clone());
        if NEVER_IN_QUERY.contains(&name.as_str()) {
            return Err(refuse("The parameter is not accepted in the query."));
        }
        let (Ok(header), Ok(value)) = (HeaderName::try_from(&name), HeaderValue::try_from(value))
        else {
            return Err(refuse("The parameter is not valid as a header."));
        };
        let mut given = headers.get_all(&header).iter();
        if given.any(|found| found != value) {
            return Err(S3Error::with_message(
                ErrorCode::InvalidRequest,
                "A header and the query parameter of the same name have different values.",
            )
            .with("ArgumentName", name.clone()));
        }
        joined.insert(header, value);
    }
    Ok(Cow::Owned(joined))
}
