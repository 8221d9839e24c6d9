//! Small results of the upstream, some of which come late: CompleteMultipartUpload and copies
//! answer 200 at once, send white space while they work, and may then report an error.

use crate::error::S3Error;
use crate::error_code::ErrorCode;
use crate::operation::{ObjectName, Operation};
use crate::upstream_error::{ErrorContext, FailureKind, UpstreamFailure, translate_upstream_error};
use crate::xml::{self, Scanner, Token, Visit, Writer, XmlError};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use types::RequestId;

/// The largest result that is read, white space before it aside, in bytes.
pub const MAX_RESULT_BYTES: usize = 64 * 1_024;

/// How the operation went. The status line said 200 in any case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DocumentOutcome {
    /// It is done.
    Success,
    /// It failed, and the client's document says so.
    Failed(Box<UpstreamFailure>),
}

/// Passes white space at once and rewrites the document behind it when it is complete.
#[derive(Debug)]
pub struct DocumentRewriter {
    root: &'static str,
    object: ObjectName,
    location: String,
    /// The client has a declaration or white space, after which no declaration may come.
    begun: bool,
    /// White space and declaration are over.
    in_document: bool,
    buffer: Vec<u8>,
    overflow: bool,
}

impl DocumentRewriter {
    /// For the answer to `operation`; none when that has no such document.
    ///
    /// `location` is the object's URL at the gateway, for CompleteMultipartUpload.
    pub fn new(operation: &Operation, location: impl Into<String>) -> Option<Self> {
        let root = match operation {
            Operation::CopyObject { .. } => "CopyObjectResult",
            Operation::UploadPartCopy { .. } => "CopyPartResult",
            Operation::CreateMultipartUpload { .. } => "InitiateMultipartUploadResult",
            Operation::CompleteMultipartUpload(_) => "CompleteMultipartUploadResult",
            _ => return None,
        };
        Some(Self {
            root,
            object: operation.object()?.clone(),
            location: location.into(),
            begun: false,
            in_document: false,
            buffer: Vec::new(),
            overflow: false,
        })
    }

    /// Takes the next bytes of the upstream's answer; gives what the client may have already.
    pub fn push(&mut self, chunk: &[u8]) -> Bytes {
        let mut out = Vec::new();
        if !self.in_document {
            let spaces = match self.buffer.is_empty() {
                true => count_spaces(chunk),
                false => 0,
            };
            self.begun |= spaces > 0;
            out.extend_from_slice(&chunk[..spaces]);
            self.collect(&chunk[spaces..]);
            self.pass_prolog(&mut out);
        } else {
            self.collect(chunk);
        }
        Bytes::from(out)
    }

    /// The rest of the client's answer, once the upstream's is over, and how it went.
    ///
    /// What cannot be read counts as failed: better a completed upload that is repeated than a
    /// lost one that is believed.
    pub fn finish(
        self,
        context: &ErrorContext<'_>,
        request_id: RequestId,
        host_id: &str,
    ) -> (Bytes, DocumentOutcome) {
        let mut out = match self.begun {
            false => Writer::document(),
            true => Writer::fragment(),
        };
        match self.read(context) {
            Ok(fields) => {
                self.write(&fields, &mut out);
                (out.into_bytes(), DocumentOutcome::Success)
            }
            Err(failure) => {
                failure.client.write_into(&mut out, request_id, host_id);
                (out.into_bytes(), DocumentOutcome::Failed(failure))
            }
        }
    }

    fn collect(&mut self, bytes: &[u8]) {
        self.overflow |= self.buffer.len() + bytes.len() > MAX_RESULT_BYTES;
        if !self.overflow {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// Moves white space and the declaration from the buffer to the client.
    fn pass_prolog(&mut self, out: &mut Vec<u8>) {
        const OPENING: &[u8] = b"<?xml";
        const MAX_DECLARATION_BYTES: usize = 256;
        loop {
            let spaces = count_spaces(&self.buffer);
            self.begun |= spaces > 0;
            out.extend(self.buffer.drain(..spaces));

            let compared = self.buffer.len().min(OPENING.len());
            if self.buffer[..compared] != OPENING[..compared] {
                self.in_document = true;
                return;
            }
            let Some(end) = self.buffer.windows(2).position(|pair| pair == b"?>") else {
                self.in_document = self.buffer.len() > MAX_DECLARATION_BYTES;
                return;
            };
            self.buffer.drain(..end + 2);
            if !self.begun {
                out.extend_from_slice(xml::DECLARATION.trim_end().as_bytes());
                self.begun = true;
            }
        }
    }

    fn read(
        &self,
        context: &ErrorContext<'_>,
    ) -> Result<Vec<(String, String)>, Box<UpstreamFailure>> {
        let unreadable = || {
            Box::new(UpstreamFailure {
                kind: FailureKind::Unexpected,
                upstream_code: None,
                client: S3Error::new(ErrorCode::TenantStorageUnavailable).on(context.resource),
            })
        };
        if self.overflow {
            return Err(unreadable());
        }
        let mut fields = Fields {
            root: self.root,
            ..Fields::default()
        };
        match Scanner::whole(&self.buffer, &mut fields) {
            Ok(()) if !fields.is_error => Ok(fields.list),
            Ok(()) => Err(Box::new(translate_upstream_error(
                StatusCode::OK,
                &HeaderMap::new(),
                &self.buffer,
                context,
            ))),
            Err(_) => Err(unreadable()),
        }
    }

    fn write(&self, fields: &[(String, String)], out: &mut Writer) {
        out.open_root(self.root);
        for (name, text) in fields {
            match name.as_str() {
                "Bucket" => out.leaf(name, self.object.bucket.as_str()),
                "Key" => out.leaf(name, self.object.key.as_str()),
                "Location" => out.leaf(name, &self.location),
                "ChecksumCRC32" | "ChecksumCRC32C" | "ChecksumCRC64NVME" | "ChecksumSHA1"
                | "ChecksumSHA256" | "ChecksumType" | "ETag" | "LastModified" | "UploadId" => {
                    out.leaf(name, text);
                }
                _ => {}
            }
        }
        out.close(self.root);
    }
}

fn count_spaces(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .take_while(|byte| byte.is_ascii_whitespace())
        .count()
}

/// The children of the expected root, or the discovery that it is an error.
#[derive(Debug, Default)]
struct Fields {
    root: &'static str,
    is_error: bool,
    depth: usize,
    text: String,
    list: Vec<(String, String)>,
}

impl Visit for Fields {
    type Error = XmlError;

    fn visit(&mut self, token: Token<'_>) -> Result<(), XmlError> {
        match token {
            Token::Open(name) => {
                self.depth += 1;
                if self.depth == 1 {
                    self.is_error = name == "Error";
                    if !self.is_error && name != self.root {
                        return Err(XmlError::Schema);
                    }
                }
                self.text.clear();
            }
            Token::Text(text) => self.text.push_str(text),
            Token::Close(name) => {
                if self.depth == 2 {
                    self.list
                        .push((name.to_owned(), std::mem::take(&mut self.text)));
                }
                self.depth -= 1;
            }
        }
        Ok(())
    }
}
