//! The query protocol of IAM and STS: a form in, XML out.

mod error;
mod form;
mod respond;
mod signature;
mod xml;

pub(crate) use error::{QueryError, QueryResult};
pub(crate) use form::{Form, lower_camel};
pub(crate) use respond::{Service, failure, success};
pub(crate) use signature::verify;
pub(crate) use xml::Xml;
