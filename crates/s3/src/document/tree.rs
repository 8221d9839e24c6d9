//! Records of a document: what a list of flat entries needs, without a tree in memory.

use crate::error::S3Error;
use crate::error_code::ErrorCode;
use crate::xml::{Scanner, Token, Visit, XmlError};

/// The text of one field may not be longer than an escaped key, in bytes.
const MAX_FIELD_BYTES: usize = 8 * 1_024;

/// More fields than any record of S3 has.
const MAX_FIELDS: usize = 16;

/// A record: the fields of one child of the root, in their order.
pub(crate) type Record = Vec<(String, String)>;

/// A document of the shape `root / record / field`, and `root / field`.
#[derive(Debug, Default)]
pub(crate) struct Records {
    /// The fields that are children of the root.
    pub(crate) fields: Record,
    /// The other children of the root, each with its name.
    pub(crate) records: Vec<(String, Record)>,
    path: Vec<String>,
    text: String,
    record: Option<Record>,
    max_records: usize,
    root: &'static str,
}

impl Records {
    /// Reads a document with this root and at most so many records.
    pub(crate) fn parse(
        body: &[u8],
        root: &'static str,
        max_records: usize,
    ) -> Result<Self, XmlError> {
        let mut records = Self {
            max_records,
            root,
            ..Self::default()
        };
        Scanner::whole(body, &mut records)?;
        Ok(records)
    }
}

impl Visit for Records {
    type Error = XmlError;

    fn visit(&mut self, token: Token<'_>) -> Result<(), XmlError> {
        match token {
            Token::Open(name) => {
                match self.path.len() {
                    0 if name != self.root => return Err(XmlError::Schema),
                    2 if self.record.is_none() => self.record = Some(Record::new()),
                    3.. => return Err(XmlError::Schema),
                    _ => {}
                }
                if !is_blank(&self.text) {
                    return Err(XmlError::Schema); // text between elements
                }
                self.text.clear();
                self.path.push(name.to_owned());
            }
            Token::Text(text) => {
                if self.text.len() + text.len() > MAX_FIELD_BYTES {
                    return Err(XmlError::Schema);
                }
                self.text.push_str(text);
            }
            Token::Close(name) => {
                self.path.pop();
                self.end(name)?;
                self.text.clear();
            }
        }
        Ok(())
    }
}

impl Records {
    /// Takes in the element that has just ended.
    fn end(&mut self, name: &str) -> Result<(), XmlError> {
        let text = std::mem::take(&mut self.text);
        let field = (name.to_owned(), text);
        match (self.path.len(), self.record.take()) {
            (2, Some(mut record)) if record.len() < MAX_FIELDS => {
                record.push(field);
                self.record = Some(record);
            }
            (1, Some(record)) if self.records.len() < self.max_records && is_blank(&field.1) => {
                self.records.push((field.0, record));
            }
            (1, None) if self.fields.len() < MAX_FIELDS => self.fields.push(field),
            (0, _) if is_blank(&field.1) => {}
            _ => return Err(XmlError::Schema),
        }
        Ok(())
    }
}

fn is_blank(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_whitespace())
}

/// The one field with this name.
pub(crate) fn field<'a>(record: &'a Record, name: &str) -> Option<&'a str> {
    record
        .iter()
        .find(|(found, _)| found == name)
        .map(|(_, text)| text.as_str())
}

/// Refuses a record with a field twice.
pub(crate) fn check_unique(record: &Record) -> Result<(), S3Error> {
    let repeated = record
        .iter()
        .enumerate()
        .any(|(at, (name, _))| record[..at].iter().any(|(before, _)| before == name));
    match repeated {
        true => Err(malformed("an element is given more than once")),
        false => Ok(()),
    }
}

/// `MalformedXML`, with the reason.
pub(crate) fn malformed(reason: impl std::fmt::Display) -> S3Error {
    S3Error::with_message(
        ErrorCode::MalformedXML,
        format!("The XML is not well-formed or does not follow the schema: {reason}."),
    )
}
