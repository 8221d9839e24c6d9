//! What IAM lets entities be called.

use crate::query::{QueryError, QueryResult};

/// Checks a name of at most `longest` characters of `A-Z a-z 0-9 +=,.@_-`.
pub(crate) fn check(at: &str, name: &str, longest: usize) -> QueryResult<()> {
    check_length(at, name, 1, longest)?;
    if name.bytes().all(is_name_byte) {
        return Ok(());
    }
    Err(QueryError::validation(format_args!(
        "The specified value for {at} is invalid. It must contain only alphanumeric characters \
         and/or the following: +=,.@_-"
    )))
}

/// Checks a path: `/` or `/segment/.../`.
pub(crate) fn check_path(path: &str) -> QueryResult<()> {
    let legal = path.starts_with('/')
        && path.ends_with('/')
        && path.len() <= 512
        && !path.contains("//")
        && path.bytes().all(|byte| byte == b'/' || is_name_byte(byte));
    if legal {
        return Ok(());
    }
    Err(QueryError::validation(
        "The specified value for path is invalid. It must begin and end with / and contain only \
         alphanumeric characters and/or / characters.",
    ))
}

/// Checks that a text has `shortest` to `longest` characters.
pub(crate) fn check_length(
    at: &str,
    text: &str,
    shortest: usize,
    longest: usize,
) -> QueryResult<()> {
    let length = text.chars().count();
    if length < shortest {
        return Err(QueryError::constraint(
            text,
            at,
            format_args!("Member must have length greater than or equal to {shortest}"),
        ));
    }
    if length > longest {
        return Err(QueryError::constraint(
            text,
            at,
            format_args!("Member must have length less than or equal to {longest}"),
        ));
    }
    Ok(())
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(&byte)
}
