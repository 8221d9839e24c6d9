//! Errors of IAM and STS, as the services word them.

use http::StatusCode;
use std::fmt::Display;

/// What a call answers instead of its result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct QueryError {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

pub(crate) type QueryResult<T> = Result<T, QueryError>;

impl QueryError {
    fn new(status: StatusCode, code: &'static str, message: impl Display) -> Self {
        Self {
            status,
            code,
            message: message.to_string(),
        }
    }

    /// 403: no policy lets the caller do this, or one forbids it.
    pub(crate) fn access_denied(message: impl Display) -> Self {
        Self::new(StatusCode::FORBIDDEN, "AccessDenied", message)
    }

    /// 403: the access key is unknown, switched off or not of this kind.
    pub(crate) fn invalid_client_token() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "InvalidClientTokenId",
            "The security token included in the request is invalid.",
        )
    }

    /// 403: the session is over.
    pub(crate) fn expired_token() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "ExpiredToken",
            "The security token included in the request is expired",
        )
    }

    /// 403: somebody else signed this, or something was changed on the way.
    pub(crate) fn signature_does_not_match(message: impl Display) -> Self {
        Self::new(StatusCode::FORBIDDEN, "SignatureDoesNotMatch", message)
    }

    /// 403: nothing is signed.
    pub(crate) fn missing_authentication() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "MissingAuthenticationToken",
            "Request is missing Authentication Token",
        )
    }

    /// 400: the signature is not written as it should be.
    pub(crate) fn incomplete_signature(message: impl Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "IncompleteSignature", message)
    }

    /// 400: the service does not know the action.
    pub(crate) fn invalid_action(action: &str) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "InvalidAction",
            format_args!("Could not find operation {action}"),
        )
    }

    /// 501: AWS has this, the sandbox has not.
    pub(crate) fn not_implemented(what: impl Display) -> Self {
        Self::new(
            StatusCode::NOT_IMPLEMENTED,
            "NotImplemented",
            format_args!("The sandbox does not implement {what}"),
        )
    }

    /// 400: a parameter breaks its rule.
    pub(crate) fn validation(message: impl Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "ValidationError", message)
    }

    /// 400: one parameter breaks one constraint, in the words of the services.
    pub(crate) fn constraint(value: &str, at: &str, constraint: impl Display) -> Self {
        Self::validation(format_args!(
            "1 validation error detected: Value '{value}' at '{at}' failed to satisfy constraint: {constraint}"
        ))
    }

    /// 400: a parameter is missing.
    pub(crate) fn missing_parameter(at: &str) -> Self {
        Self::validation(format_args!(
            "1 validation error detected: Value null at '{at}' failed to satisfy constraint: Member must not be null"
        ))
    }

    /// 400: a policy document is not one.
    pub(crate) fn malformed_policy(message: impl Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "MalformedPolicyDocument", message)
    }

    /// 400: a session policy does not fit into the session's token.
    pub(crate) fn packed_policy_too_large(percent: usize) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "PackedPolicyTooLarge",
            format_args!("Serialized token too large for session: packed size is {percent}%"),
        )
    }

    /// 404: IAM has no such entity.
    pub(crate) fn no_such_entity(message: impl Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NoSuchEntity", message)
    }

    /// 409: IAM has that already.
    pub(crate) fn entity_already_exists(message: impl Display) -> Self {
        Self::new(StatusCode::CONFLICT, "EntityAlreadyExists", message)
    }

    /// 409: something else hangs on the entity.
    pub(crate) fn delete_conflict(message: impl Display) -> Self {
        Self::new(StatusCode::CONFLICT, "DeleteConflict", message)
    }

    /// 409: a quota is used up.
    pub(crate) fn limit_exceeded(message: impl Display) -> Self {
        Self::new(StatusCode::CONFLICT, "LimitExceeded", message)
    }

    /// 500: a file could not be written.
    pub(crate) fn internal(message: impl Display) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "ServiceFailure", message)
    }
}
