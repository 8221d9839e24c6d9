//! XML in and out: a bounded push scanner over `quick-xml`, and a writer that escapes everything.

use bytes::Bytes;
use quick_xml::Reader;
use quick_xml::errors::{Error, IllFormedError};
use quick_xml::events::{BytesStart, Event};

/// The namespace of S3's documents.
pub(crate) const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";
/// The first line of every document.
pub(crate) const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

const MAX_DEPTH: usize = 16;
const MAX_ATTRIBUTES: usize = 64;
/// The longest single tag or reference that the scanner waits for, in bytes.
const MAX_TOKEN_BYTES: usize = 16 * 1_024;
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Why a document is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum XmlError {
    #[error("the document is not well-formed")]
    Malformed,
    #[error("the document ends too early")]
    Truncated,
    #[error("the document is not UTF-8")]
    NotUtf8,
    #[error("a document type declaration is not allowed")]
    Doctype,
    #[error("a processing instruction is not allowed")]
    Instruction,
    #[error("the document uses an entity that is not predefined")]
    Entity,
    #[error("the document is nested deeper than {MAX_DEPTH} elements")]
    TooDeep,
    #[error("an element has more than {MAX_ATTRIBUTES} attributes")]
    TooManyAttributes,
    #[error("a tag is longer than {MAX_TOKEN_BYTES} bytes")]
    TokenTooLong,
    #[error("the document does not follow its schema")]
    Schema,
}

/// What the scanner reports. Text may come in several pieces; attributes are not reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    Open(&'a str),
    Close(&'a str),
    Text(&'a str),
}

/// Whatever reads the tokens of a document.
pub(crate) trait Visit {
    type Error: From<XmlError>;
    fn visit(&mut self, token: Token<'_>) -> Result<(), Self::Error>;
}

/// Scans a document that arrives in pieces and checks that it is one harmless element tree.
#[derive(Debug, Default)]
pub(crate) struct Scanner {
    pending: Vec<u8>,
    open: Vec<String>,
    started: bool,
    root_seen: bool,
}

impl Scanner {
    /// Scans as far as `chunk` allows; an unfinished token waits for the next chunk.
    pub(crate) fn push<V: Visit>(&mut self, chunk: &[u8], visitor: &mut V) -> Result<(), V::Error> {
        let mut buffer = std::mem::take(&mut self.pending);
        buffer.extend_from_slice(chunk);
        let text = valid_prefix(&buffer)?;
        let used = self.scan(text, visitor)?;
        let rest = buffer.split_off(used);
        if rest.len() > MAX_TOKEN_BYTES {
            return Err(XmlError::TokenTooLong.into());
        }
        self.pending = rest;
        Ok(())
    }

    /// Checks that the document is complete.
    pub(crate) fn finish(&self) -> Result<(), XmlError> {
        if self.pending.is_empty() && self.open.is_empty() && self.root_seen {
            Ok(())
        } else {
            Err(XmlError::Truncated)
        }
    }

    /// Scans a document that is there as a whole.
    pub(crate) fn whole<V: Visit>(document: &[u8], visitor: &mut V) -> Result<(), V::Error> {
        let mut scanner = Self::default();
        scanner.push(document, visitor)?;
        Ok(scanner.finish()?)
    }

    /// The bytes of `text` that made complete tokens.
    fn scan<V: Visit>(&mut self, text: &str, visitor: &mut V) -> Result<usize, V::Error> {
        let mut base = 0;
        while text[base..].starts_with(BYTE_ORDER_MARK) {
            // The reader swallows a byte order mark at its beginning, which for us may be the
            // middle of a key.
            base += BYTE_ORDER_MARK.len();
            if self.started {
                self.text(BYTE_ORDER_MARK, visitor)?;
            }
        }
        let mut reader = Reader::from_str(&text[base..]);
        let config = reader.config_mut();
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        loop {
            let used = base + usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
            let event = match reader.read_event() {
                Ok(Event::Eof) => return Ok(used),
                Ok(event) => event,
                Err(error) if is_unfinished(&error, &text[used..]) => return Ok(used),
                Err(_) => return Err(XmlError::Malformed.into()),
            };
            self.event(&event, visitor)?;
            self.started = true;
        }
    }

    fn event<V: Visit>(&mut self, event: &Event<'_>, visitor: &mut V) -> Result<(), V::Error> {
        match event {
            Event::Start(tag) => self.open(tag, visitor),
            Event::Empty(tag) => {
                self.open(tag, visitor)?;
                self.close(tag.name().as_ref(), visitor)
            }
            Event::End(tag) => self.close(tag.name().as_ref(), visitor),
            Event::Text(text) => self.text(text, visitor),
            Event::CData(text) => self.text(text, visitor),
            Event::GeneralRef(name) => {
                let mut buffer = [0; 4];
                let text = resolve(name)
                    .ok_or(XmlError::Entity)?
                    .encode_utf8(&mut buffer);
                self.text(text, visitor)
            }
            Event::Decl(_) if !self.started => Ok(()),
            Event::Comment(_) => Ok(()),
            Event::DocType(_) => Err(XmlError::Doctype.into()),
            Event::Decl(_) | Event::PI(_) => Err(XmlError::Instruction.into()),
            Event::Eof => Ok(()),
        }
    }

    fn open<V: Visit>(&mut self, tag: &BytesStart<'_>, visitor: &mut V) -> Result<(), V::Error> {
        if self.open.is_empty() && self.root_seen {
            return Err(XmlError::Malformed.into());
        }
        if self.open.len() == MAX_DEPTH {
            return Err(XmlError::TooDeep.into());
        }
        // Without the check for repeated names, which is quadratic; attributes are ignored anyway.
        for (count, attribute) in tag.attributes().with_checks(false).enumerate() {
            if count == MAX_ATTRIBUTES {
                return Err(XmlError::TooManyAttributes.into());
            }
            if attribute.is_err() {
                return Err(XmlError::Malformed.into());
            }
        }
        let qualified = tag.name();
        let name: &str = qualified.as_ref();
        if name.is_empty() {
            return Err(XmlError::Malformed.into());
        }
        self.root_seen = true;
        self.open.push(name.to_owned());
        visitor.visit(Token::Open(name))
    }

    fn close<V: Visit>(&mut self, name: &str, visitor: &mut V) -> Result<(), V::Error> {
        if self.open.pop().as_deref() != Some(name) {
            return Err(XmlError::Malformed.into());
        }
        visitor.visit(Token::Close(name))
    }

    fn text<V: Visit>(&mut self, text: &str, visitor: &mut V) -> Result<(), V::Error> {
        if self.open.is_empty() {
            return if text.bytes().all(|byte| byte.is_ascii_whitespace()) {
                Ok(())
            } else {
                Err(XmlError::Malformed.into())
            };
        }
        if text.contains('\0') {
            return Err(XmlError::Malformed.into());
        }
        visitor.visit(Token::Text(text))
    }
}

/// The longest prefix that is UTF-8; a character cut in two at the end is not an error.
fn valid_prefix(bytes: &[u8]) -> Result<&str, XmlError> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text),
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).map_err(|_| XmlError::NotUtf8)
        }
        Err(_) => Err(XmlError::NotUtf8),
    }
}

/// Whether more bytes may still turn the rest, which begins at the failed token, into a token.
fn is_unfinished(error: &Error, rest: &str) -> bool {
    match error {
        Error::Syntax(_) => true,
        Error::IllFormed(IllFormedError::UnclosedReference) => {
            !rest.get(1..).is_some_and(|tail| tail.contains(['<', '&']))
        }
        _ => false,
    }
}

fn resolve(name: &str) -> Option<char> {
    let number = match name {
        "lt" => return Some('<'),
        "gt" => return Some('>'),
        "amp" => return Some('&'),
        "quot" => return Some('"'),
        "apos" => return Some('\''),
        _ => name.strip_prefix('#')?,
    };
    let (digits, radix) = match number.strip_prefix('x') {
        Some(digits) => (digits, 16),
        None => (number, 10),
    };
    if !digits.chars().all(|digit| digit.is_digit(radix)) {
        return None; // `from_str_radix` would accept a sign
    }
    char::from_u32(u32::from_str_radix(digits, radix).ok()?).filter(|found| *found != '\0')
}

/// Builds a document. All text is escaped; element names are ours.
#[derive(Debug, Default)]
pub(crate) struct Writer(String);

impl Writer {
    pub(crate) fn document() -> Self {
        Self(DECLARATION.to_owned())
    }

    pub(crate) fn fragment() -> Self {
        Self::default()
    }

    pub(crate) fn open(&mut self, name: &str) {
        self.0.push('<');
        self.0.push_str(name);
        self.0.push('>');
    }

    pub(crate) fn open_root(&mut self, name: &str) {
        self.0.push('<');
        self.0.push_str(name);
        self.0.push_str(" xmlns=\"");
        self.0.push_str(NAMESPACE);
        self.0.push_str("\">");
    }

    pub(crate) fn close(&mut self, name: &str) {
        self.0.push_str("</");
        self.0.push_str(name);
        self.0.push('>');
    }

    pub(crate) fn text(&mut self, text: &str) {
        escape_into(text, &mut self.0);
    }

    pub(crate) fn leaf(&mut self, name: &str, text: &str) {
        self.open(name);
        self.text(text);
        self.close(name);
    }

    pub(crate) fn append(&mut self, other: Writer) {
        self.0.push_str(&other.0);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn into_bytes(self) -> Bytes {
        Bytes::from(self.0)
    }

    pub(crate) fn take(&mut self) -> Bytes {
        Bytes::from(std::mem::take(&mut self.0))
    }
}

fn escape_into(text: &str, out: &mut String) {
    for found in text.chars() {
        match escape(found) {
            Some(escaped) => out.push_str(&escaped),
            None => out.push(found),
        }
    }
}

/// Control characters and non-characters become references, as S3 itself writes them, so that no
/// two keys look the same. Only NUL, which no key holds, is replaced.
fn escape(found: char) -> Option<std::borrow::Cow<'static, str>> {
    Some(match found {
        '&' => "&amp;".into(),
        '<' => "&lt;".into(),
        '>' => "&gt;".into(),
        '"' => "&quot;".into(),
        '\'' => "&apos;".into(),
        '\n' | '\t' => return None,
        '\0' => "\u{fffd}".into(),
        '\u{1}'..='\u{1f}' | '\u{7f}' | '\u{fffe}' | '\u{ffff}' => {
            format!("&#x{:X};", u32::from(found)).into()
        }
        _ => return None,
    })
}

/// The bytes that `text` takes once it is escaped.
pub(crate) fn escaped_len(text: &str) -> usize {
    text.chars()
        .map(|found| escape(found).map_or(found.len_utf8(), |escaped| escaped.len()))
        .sum()
}
