//! Trees of HCL, built from values only: there is no way in for a piece of source text.

use hcl::Identifier;
use hcl::expr::{Expression, Object, ObjectKey, Traversal, TraversalBuilder, Variable};
use std::collections::BTreeMap;

/// An object whose keys are ours.
#[derive(Debug, Default)]
pub(super) struct Fields(Object<ObjectKey, Expression>);

impl Fields {
    pub(super) fn with(mut self, name: &'static str, value: impl Into<Expression>) -> Self {
        self.0
            .insert(ObjectKey::Identifier(identifier(name)), value.into());
        self
    }

    pub(super) fn with_some<T: Into<Expression>>(
        self,
        name: &'static str,
        value: Option<T>,
    ) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Only when it says something: modules have their defaults.
    pub(super) fn with_list(self, name: &'static str, items: Vec<Expression>) -> Self {
        match items.is_empty() {
            true => self,
            false => self.with(name, items),
        }
    }

    /// Only when it is on.
    pub(super) fn with_flag(self, name: &'static str, on: bool) -> Self {
        match on {
            true => self.with(name, true),
            false => self,
        }
    }
}

impl From<Fields> for Expression {
    fn from(fields: Fields) -> Self {
        Expression::Object(fields.0)
    }
}

/// An object whose keys are somebody's words.
pub(super) fn map<'a>(entries: impl IntoIterator<Item = (&'a String, &'a String)>) -> Expression {
    Expression::Object(
        entries
            .into_iter()
            .map(|(key, value)| (ObjectKey::Expression(text(key)), text(value)))
            .collect(),
    )
}

/// A text, whatever stands in it.
pub(super) fn text(text: impl AsRef<str>) -> Expression {
    Expression::String(text.as_ref().to_string())
}

/// A list of texts.
pub(super) fn texts<T: AsRef<str>>(items: impl IntoIterator<Item = T>) -> Vec<Expression> {
    items.into_iter().map(text).collect()
}

/// `root.attributes...`.
pub(super) fn reference(root: &'static str, attributes: &[&'static str]) -> Expression {
    Expression::from(traversal(root, attributes).build())
}

/// `root.attributes...["index"]`.
pub(super) fn indexed(
    root: &'static str,
    attributes: &[&'static str],
    index: impl AsRef<str>,
) -> Expression {
    let traversal = traversal(root, attributes);
    Expression::from(traversal.index(text(index)).build())
}

/// `root.attributes...[number]`.
pub(super) fn numbered(root: &'static str, attributes: &[&'static str], number: u64) -> Expression {
    let traversal = traversal(root, attributes);
    Expression::from(traversal.index(Expression::from(number)).build())
}

fn traversal(root: &'static str, attributes: &[&'static str]) -> TraversalBuilder {
    let root = Traversal::builder(Variable::from(identifier(root)));
    attributes
        .iter()
        .fold(root, |builder, name| builder.attr(identifier(name)))
}

fn identifier(name: &'static str) -> Identifier {
    Identifier::new(name).expect("our own names are identifiers")
}

/// Tags that are not ours: the module sets those itself.
pub(super) fn foreign_tags(tags: &BTreeMap<String, String>) -> Option<Expression> {
    let mut foreign = tags
        .iter()
        .filter(|(key, _)| !crate::model::is_our_tag(key))
        .peekable();
    foreign.peek()?;
    Some(map(foreign))
}
