//! XML documents as trees, and what may stand in them.
//!
//! A bucket's settings are kept as the tree that the client sent: nothing is lost that s3s's types
//! do not know yet, and nothing is taken that the grammar does not name.

use crate::query::Xml;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use s3s::{S3Error, S3Result, s3_error};
use serde::{Deserialize, Serialize};

/// Elements inside elements, at most.
const MAX_DEPTH: usize = 16;
const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// An element: a text, or other elements.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Node {
    pub(crate) name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) text: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) children: Vec<Node>,
}

impl Node {
    /// An element with nothing in it.
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.to_string(),
            ..Self::default()
        }
    }

    /// An element with a text.
    pub(crate) fn text(name: &str, text: impl Into<String>) -> Self {
        Self {
            name: name.to_string(),
            text: text.into(),
            children: Vec::new(),
        }
    }

    /// The element with one more child.
    pub(crate) fn with(mut self, child: Self) -> Self {
        self.children.push(child);
        self
    }

    /// The first child called `name`.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// All children called `name`.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The text of the first child called `name`.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str())
    }

    /// Parses a document.
    pub(crate) fn parse(bytes: &[u8]) -> S3Result<Self> {
        let text = std::str::from_utf8(bytes).map_err(|_| malformed())?;
        let mut reader = Reader::from_str(text);
        reader.config_mut().trim_text(false);
        let mut open: Vec<Self> = Vec::new();
        loop {
            let done = match reader.read_event().map_err(|_| malformed())? {
                Event::Start(start) if open.len() < MAX_DEPTH => {
                    open.push(Self::new(&local_name(&start)?));
                    None
                }
                Event::Start(_) | Event::DocType(_) => return Err(malformed()),
                Event::Empty(start) => Some(Self::new(&local_name(&start)?)),
                Event::End(_) => open.pop(),
                Event::Text(text) => {
                    add_text(&mut open, &text.xml10_content())?;
                    None
                }
                Event::CData(text) => {
                    add_text(&mut open, &text.xml10_content())?;
                    None
                }
                Event::GeneralRef(name) => {
                    add_text(&mut open, &resolved(&name)?)?;
                    None
                }
                Event::Eof => return Err(malformed()),
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => None,
            };
            if let Some(mut node) = done {
                if !node.children.is_empty() {
                    // White space between elements.
                    if !node.text.trim().is_empty() {
                        return Err(malformed());
                    }
                    node.text.clear();
                }
                match open.last_mut() {
                    Some(parent) => parent.children.push(node),
                    None => return Ok(node),
                }
            }
        }
    }

    /// The document.
    pub(crate) fn document(&self) -> String {
        let mut xml = Xml::new();
        xml.root(&self.name, NAMESPACE, |xml| {
            for child in &self.children {
                child.write(xml);
            }
        });
        xml.document()
    }

    fn write(&self, xml: &mut Xml) {
        if self.children.is_empty() {
            xml.text(&self.name, &self.text);
        } else {
            xml.element(&self.name, |xml| {
                for child in &self.children {
                    child.write(xml);
                }
            });
        }
    }
}

fn local_name(start: &BytesStart<'_>) -> S3Result<String> {
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|_| malformed())?;
        let name = attribute.key.as_ref();
        // xsi:type marks the grantees of access control lists, which no bucket here takes.
        if !name.starts_with("xmlns") {
            return Err(malformed());
        }
    }
    Ok(start.local_name().as_ref().to_string())
}

fn add_text(open: &mut [Node], text: &str) -> S3Result<()> {
    match open.last_mut() {
        Some(node) => node.text.push_str(text),
        None if text.trim().is_empty() => {}
        None => return Err(malformed()),
    }
    Ok(())
}

fn resolved(reference: &quick_xml::events::BytesRef<'_>) -> S3Result<String> {
    if let Some(character) = reference.resolve_char_ref().map_err(|_| malformed())? {
        return Ok(character.to_string());
    }
    quick_xml::escape::resolve_predefined_entity(reference)
        .map(str::to_string)
        .ok_or_else(malformed)
}

/// 400, as S3 says it of any document that breaks its schema.
pub(crate) fn malformed() -> S3Error {
    s3_error!(
        MalformedXML,
        "The XML you provided was not well-formed or did not validate against our published schema"
    )
}

/// What may stand in an element.
#[derive(Debug)]
pub(crate) enum Shape {
    /// Any text that is not empty.
    Text,
    /// A text, which may be empty.
    AnyText,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// `true` or `false`.
    Bool,
    /// A whole number from 0 on.
    Number,
    /// A day, `2026-01-02T00:00:00Z`.
    Date,
    /// Other elements.
    Group(&'static [Field]),
}

/// A child of an element.
#[derive(Debug)]
pub(crate) struct Field {
    name: &'static str,
    shape: Shape,
    least: usize,
    most: usize,
}

/// May stand there once.
pub(crate) const fn optional(name: &'static str, shape: Shape) -> Field {
    Field {
        name,
        shape,
        least: 0,
        most: 1,
    }
}

/// Must stand there once.
pub(crate) const fn required(name: &'static str, shape: Shape) -> Field {
    Field {
        name,
        shape,
        least: 1,
        most: 1,
    }
}

/// May stand there `least` to `most` times.
pub(crate) const fn repeated(name: &'static str, shape: Shape, least: usize, most: usize) -> Field {
    Field {
        name,
        shape,
        least,
        most,
    }
}

impl Shape {
    /// Refuses what does not fit.
    pub(crate) fn check(&self, node: &Node) -> S3Result<()> {
        let text = node.text.as_str();
        let fits = match self {
            Self::Group(fields) => return check_group(fields, node),
            Self::Text => !text.is_empty(),
            Self::AnyText => true,
            Self::OneOf(texts) => texts.contains(&text),
            Self::Bool => matches!(text, "true" | "false" | "TRUE" | "FALSE"),
            Self::Number => text.parse::<u32>().is_ok(),
            Self::Date => is_day(text),
        };
        if fits && node.children.is_empty() {
            Ok(())
        } else {
            Err(malformed())
        }
    }
}

fn check_group(fields: &[Field], node: &Node) -> S3Result<()> {
    if !node.text.trim().is_empty() {
        return Err(malformed());
    }
    for child in &node.children {
        let field = fields
            .iter()
            .find(|field| field.name == child.name)
            .ok_or_else(malformed)?;
        field.shape.check(child)?;
    }
    let counts = fields.iter().all(|field| {
        let count = node.all(field.name).count();
        (field.least..=field.most).contains(&count)
    });
    if counts { Ok(()) } else { Err(malformed()) }
}

/// Whether a text is a point in time; lifecycle rules want midnight, which they check themselves.
fn is_day(text: &str) -> bool {
    use time::format_description::well_known::Rfc3339;
    let whole = if text.contains('T') {
        text.to_string()
    } else {
        format!("{text}T00:00:00Z")
    };
    time::OffsetDateTime::parse(&whole, &Rfc3339).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape::Group(&[
        required("Status", Shape::OneOf(&["Enabled", "Suspended"])),
        optional("Days", Shape::Number),
    ]);

    #[test]
    fn a_document_comes_back_as_it_was() {
        let text = "<?xml version=\"1.0\"?>\n<A xmlns=\"x\">\n <B>a&lt;&#38;&amp;b</B><B/><C><D>1</D></C>\n</A>\n";
        let node = Node::parse(text.as_bytes()).unwrap();
        assert_eq!(node.value("B"), Some("a<&&b"));
        assert_eq!(node.all("B").count(), 2);
        assert_eq!(Node::parse(node.document().as_bytes()).unwrap(), node);
    }

    #[test]
    fn what_the_grammar_does_not_name_is_malformed() {
        for text in [
            "<V><Status>On</Status></V>",
            "<V></V>",
            "<V><Status>Enabled</Status><Status>Enabled</Status></V>",
            "<V><Status>Enabled</Status><Other/></V>",
            "<V><Status>Enabled</Status><Days>-1</Days></V>",
            "<V><Status><Enabled/></Status></V>",
            "<V>text<Status>Enabled</Status></V>",
            "<V><Status a=\"b\">Enabled</Status></V>",
            "<V><Status>Enabled</V>",
            "<!DOCTYPE V [<!ENTITY e \"x\">]><V><Status>&e;</Status></V>",
            "",
            "plain",
        ] {
            let outcome = Node::parse(text.as_bytes()).and_then(|node| SHAPE.check(&node));
            assert!(outcome.is_err(), "{text}");
        }
        let good = Node::parse(b"<V><Status>Enabled</Status><Days>3</Days></V>").unwrap();
        SHAPE.check(&good).unwrap();
    }
}
