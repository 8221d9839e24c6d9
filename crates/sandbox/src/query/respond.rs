//! The envelopes of answers.

use super::error::QueryError;
use super::xml::Xml;
use http::{HeaderValue, Response, StatusCode, header};
use s3s::Body;

/// The services that speak the query protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    Iam,
    Sts,
}

impl Service {
    /// As it stands in a signature's scope.
    pub(crate) const fn signing_name(self) -> &'static str {
        match self {
            Self::Iam => "iam",
            Self::Sts => "sts",
        }
    }

    /// The service that answers calls of this API version.
    pub(crate) fn of_version(version: &str) -> Option<Self> {
        [Self::Iam, Self::Sts]
            .into_iter()
            .find(|service| service.version() == version)
    }

    const fn version(self) -> &'static str {
        match self {
            Self::Iam => "2010-05-08",
            Self::Sts => "2011-06-15",
        }
    }

    const fn namespace(self) -> &'static str {
        match self {
            Self::Iam => "https://iam.amazonaws.com/doc/2010-05-08/",
            Self::Sts => "https://sts.amazonaws.com/doc/2011-06-15/",
        }
    }
}

/// The answer of a call that worked; `None` for calls without a result.
pub(crate) fn success(
    service: Service,
    action: &str,
    result: Option<&Xml>,
    request_id: &str,
) -> Response<Body> {
    let mut xml = Xml::new();
    xml.root(&format!("{action}Response"), service.namespace(), |xml| {
        if let Some(result) = result {
            xml.element(&format!("{action}Result"), |xml| xml.append(result));
        }
        xml.element("ResponseMetadata", |xml| xml.text("RequestId", request_id));
    });
    respond(StatusCode::OK, xml, request_id)
}

/// The answer of a call that did not.
pub(crate) fn failure(service: Service, error: &QueryError, request_id: &str) -> Response<Body> {
    let fault = if error.status.is_server_error() {
        "Receiver"
    } else {
        "Sender"
    };
    let mut xml = Xml::new();
    xml.root("ErrorResponse", service.namespace(), |xml| {
        xml.element("Error", |xml| {
            xml.text("Type", fault);
            xml.text("Code", error.code);
            xml.text("Message", &error.message);
        });
        xml.text("RequestId", request_id);
    });
    respond(error.status, xml, request_id)
}

fn respond(status: StatusCode, xml: Xml, request_id: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(xml.document()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}
