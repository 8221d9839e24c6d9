//! Rewrites a listing while it streams: the tenant's prefix goes, the client's names come.

use crate::listing_elements::{Kind, Rule};
use crate::operation::Operation;
use crate::tokens::ContinuationTokens;
use crate::xml::{Scanner, Token, Visit, Writer, XmlError};
use bytes::Bytes;
use std::sync::Arc;
use types::{BucketAlias, KeyPrefix, ObjectKey};

/// The longest text of one element, in bytes: a key of 1,024 bytes, percent-encoded, and a token.
const MAX_TEXT_BYTES: usize = 8 * 1_024;
/// The longest entry, in bytes: its elements are few, and only the key is long.
const MAX_ENTRY_BYTES: usize = 32 * 1_024;

/// Why a listing cannot be shown. The answer has begun by then: the connection must be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// A key or a common prefix that is not the tenant's.
    #[error("the upstream listed a name outside the tenant's prefix")]
    OutsidePrefix,
    /// Not the XML that was asked for.
    #[error("the upstream's listing cannot be read: {0}")]
    Document(&'static str),
}

impl From<XmlError> for ListError {
    fn from(error: XmlError) -> Self {
        Self::Document(match error {
            XmlError::Truncated => "it ends too early",
            XmlError::TokenTooLong => "a tag is too long",
            XmlError::Schema => "an element is where none belongs or too long",
            _ => "it is not well-formed",
        })
    }
}

/// Rewrites one page of a listing, piece by piece; any split of the input gives the same output.
///
/// Elements that are not on the list (owners, initiators, extensions) are left out.
#[derive(Debug)]
pub struct ListRewriter {
    scanner: Scanner,
    page: Page,
}

impl ListRewriter {
    /// For the answer to `operation`; none when that is not a listing.
    pub fn new(
        operation: &Operation,
        prefix: &KeyPrefix,
        tokens: Arc<dyn ContinuationTokens>,
    ) -> Option<Self> {
        let (kind, url_encoded, start_after, token) = match operation {
            Operation::ListObjects(list) => (Kind::Objects, list.url_encoded, false, None),
            Operation::ListObjectsV2(list) => (
                Kind::Objects,
                list.url_encoded,
                list.start_after.is_some(),
                list.continuation_token.clone(),
            ),
            Operation::ListMultipartUploads(list) => (Kind::Uploads, list.url_encoded, false, None),
            Operation::ListParts(_) => (Kind::Parts, false, false, None),
            _ => return None,
        };
        Some(Self {
            scanner: Scanner::default(),
            page: Page {
                kind,
                bucket: operation.bucket()?.clone(),
                key: operation.key().cloned(),
                prefix: prefix.clone(),
                url_encoded,
                start_after,
                token,
                tokens,
                parents: Vec::new(),
                dropping: 0,
                leaf: None,
                entry: None,
                out: Writer::document(),
            },
        })
    }

    /// Takes the next bytes of the upstream's answer; gives the next bytes of the client's.
    ///
    /// # Errors
    /// [`ListError`]; nothing that the error is about has been given out.
    pub fn push(&mut self, chunk: &[u8]) -> Result<Bytes, ListError> {
        self.scanner.push(chunk, &mut self.page)?;
        Ok(self.page.out.take())
    }

    /// The rest, once the upstream's answer is over.
    ///
    /// # Errors
    /// [`ListError::Document`] when it was over too early.
    pub fn finish(mut self) -> Result<Bytes, ListError> {
        self.scanner.finish()?;
        Ok(self.page.out.take())
    }
}

#[derive(Debug)]
struct Page {
    kind: Kind,
    bucket: BucketAlias,
    key: Option<ObjectKey>,
    prefix: KeyPrefix,
    url_encoded: bool,
    start_after: bool,
    token: Option<String>,
    tokens: Arc<dyn ContinuationTokens>,
    /// The kept elements that are open, without the leaf.
    parents: Vec<String>,
    /// How many dropped elements are open.
    dropping: usize,
    leaf: Option<(Rule, String)>,
    entry: Option<Entry>,
    out: Writer,
}

/// An entry waits for its end, because its name says whether it is shown.
#[derive(Debug, Default)]
struct Entry {
    text: Writer,
    named: bool,
    hidden: bool,
}

impl Visit for Page {
    type Error = ListError;

    fn visit(&mut self, token: Token<'_>) -> Result<(), ListError> {
        match token {
            Token::Open(_) | Token::Text(_) if self.dropping > 0 => {
                self.dropping += usize::from(matches!(token, Token::Open(_)));
                Ok(())
            }
            Token::Close(_) if self.dropping > 0 => {
                self.dropping -= 1;
                Ok(())
            }
            Token::Open(name) => self.open(name),
            Token::Text(text) => self.text(text),
            Token::Close(name) => self.close(name),
        }
    }
}

impl Page {
    fn open(&mut self, name: &str) -> Result<(), ListError> {
        if self.leaf.is_some() {
            return Err(XmlError::Schema.into());
        }
        if self.parents.is_empty() {
            if name != self.kind.root() {
                return Err(XmlError::Schema.into());
            }
            self.out.open_root(name);
            self.parents.push(name.to_owned());
            return Ok(());
        }
        match self.kind.rule(&self.parents, name) {
            Rule::Drop => self.dropping = 1,
            Rule::Group => {
                self.sink().open(name);
                self.parents.push(name.to_owned());
            }
            Rule::Entry => {
                let mut entry = Entry::default();
                entry.text.open(name);
                self.entry = Some(entry);
                self.parents.push(name.to_owned());
            }
            rule => self.leaf = Some((rule, String::new())),
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), ListError> {
        match &mut self.leaf {
            Some((_, so_far)) if so_far.len() + text.len() > MAX_TEXT_BYTES => {
                Err(XmlError::Schema.into())
            }
            Some((_, so_far)) => {
                so_far.push_str(text);
                Ok(())
            }
            None => Ok(()), // white space between elements
        }
    }

    fn close(&mut self, name: &str) -> Result<(), ListError> {
        if let Some((rule, text)) = self.leaf.take() {
            if let Some(text) = self.rewritten(rule, text)? {
                self.sink().leaf(name, &text);
            }
            return self.check_entry();
        }
        self.parents.pop();
        // Entries are children of the root, so that is where one ends.
        match self.entry.take() {
            Some(mut entry) if self.parents.len() == 1 => {
                if !entry.named {
                    return Err(XmlError::Schema.into());
                }
                entry.text.close(name);
                if !entry.hidden {
                    self.out.append(entry.text);
                }
            }
            open => {
                self.entry = open;
                self.sink().close(name);
            }
        }
        self.check_entry()
    }

    fn check_entry(&self) -> Result<(), ListError> {
        match &self.entry {
            Some(entry) if entry.text.len() > MAX_ENTRY_BYTES => Err(XmlError::Schema.into()),
            _ => Ok(()),
        }
    }

    fn sink(&mut self) -> &mut Writer {
        match &mut self.entry {
            Some(entry) => &mut entry.text,
            None => &mut self.out,
        }
    }

    /// The text that the client sees; nothing when the element is left out.
    fn rewritten(&mut self, rule: Rule, text: String) -> Result<Option<String>, ListError> {
        Ok(match rule {
            Rule::Text => Some(text),
            Rule::Bucket => Some(self.bucket.to_string()),
            Rule::OwnKey => self.key.as_ref().map(ObjectKey::to_string),
            Rule::TokenEcho => self.token.clone(),
            Rule::NextToken if text.is_empty() => None,
            Rule::NextToken => Some(self.tokens.seal(&text)),
            Rule::StartAfter if !self.start_after => None,
            Rule::Echo | Rule::StartAfter => match text.is_empty() {
                true => Some(text),
                false => self.stripped(&text).map(str::to_owned),
            },
            Rule::Name => Some(self.name(&text)?),
            Rule::Drop | Rule::Group | Rule::Entry => None,
        })
    }

    /// A key or common prefix without the tenant's prefix.
    fn name(&mut self, text: &str) -> Result<String, ListError> {
        if text.is_empty() && self.entry.is_none() {
            return Ok(String::new()); // an empty next marker: the listing is complete
        }
        let stripped = self
            .stripped(text)
            .ok_or(ListError::OutsidePrefix)?
            .to_owned();
        if let Some(entry) = &mut self.entry {
            entry.named = true;
            entry.hidden = stripped.is_empty();
        }
        Ok(stripped)
    }

    /// What stands behind the tenant's prefix, in the encoding in which it came.
    fn stripped<'a>(&self, text: &'a str) -> Option<&'a str> {
        let prefix = self.prefix.as_str();
        match text.strip_prefix(prefix) {
            Some(rest) => Some(rest),
            None if self.url_encoded => strip_encoded(text, prefix),
            None => None,
        }
    }
}

/// Strips a prefix from a percent-encoded text, whatever the store encodes and how. Where both
/// readings are possible they agree, or the raw one does not match.
fn strip_encoded<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let mut rest = text.as_bytes();
    for wanted in prefix.bytes() {
        let (found, length) = match *rest {
            [b'%', high, low, ..] => {
                let high = crate::encoding::hex_value(high)?;
                (high << 4 | crate::encoding::hex_value(low)?, 3)
            }
            [b'+', ..] => (b' ', 1),
            [byte, ..] => (byte, 1),
            [] => return None,
        };
        if found != wanted {
            return None;
        }
        rest = &rest[length..];
    }
    text.get(text.len() - rest.len()..)
}
