//! Writes XML; every text is escaped here and nowhere else.

use quick_xml::escape::escape;

/// A piece of XML under construction.
#[derive(Debug, Default, Clone)]
pub(crate) struct Xml(String);

impl Xml {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// `<name>text</name>`.
    pub(crate) fn text(&mut self, name: &str, text: impl AsRef<str>) {
        self.open(name);
        self.0.push_str(&escape(text.as_ref()));
        self.close(name);
    }

    /// `<name>text</name>` when there is a text.
    pub(crate) fn optional(&mut self, name: &str, text: Option<impl AsRef<str>>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    /// `<name>...</name>`.
    pub(crate) fn element(&mut self, name: &str, fill: impl FnOnce(&mut Self)) {
        self.open(name);
        fill(self);
        self.close(name);
    }

    /// `<name xmlns="namespace">...</name>`.
    pub(crate) fn root(&mut self, name: &str, namespace: &str, fill: impl FnOnce(&mut Self)) {
        self.0.push_str(&format!("<{name} xmlns=\"{namespace}\">"));
        fill(self);
        self.close(name);
    }

    /// `<name xmlns:xsi="namespace" xsi:type="kind">...</name>`.
    pub(crate) fn typed(
        &mut self,
        name: &str,
        namespace: &str,
        kind: &str,
        fill: impl FnOnce(&mut Self),
    ) {
        self.0.push_str(&format!(
            "<{name} xmlns:xsi=\"{namespace}\" xsi:type=\"{kind}\">"
        ));
        fill(self);
        self.close(name);
    }

    /// `<name><member>...</member>...</name>`.
    pub(crate) fn members<T>(
        &mut self,
        name: &str,
        items: impl IntoIterator<Item = T>,
        mut fill: impl FnMut(&mut Self, T),
    ) {
        self.element(name, |xml| {
            for item in items {
                xml.element("member", |xml| fill(xml, item));
            }
        });
    }

    /// Puts another piece here.
    pub(crate) fn append(&mut self, other: &Self) {
        self.0.push_str(&other.0);
    }

    /// The document, with its declaration.
    pub(crate) fn document(self) -> String {
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}", self.0)
    }

    fn open(&mut self, name: &str) {
        self.0.push('<');
        self.0.push_str(name);
        self.0.push('>');
    }

    fn close(&mut self, name: &str) {
        self.0.push_str("</");
        self.0.push_str(name);
        self.0.push('>');
    }
}
