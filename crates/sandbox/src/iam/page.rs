//! Pages of listings: `Marker` is the name of the last item of the page before.

use super::api::Turn;
use crate::query::{QueryError, QueryResult, Xml};

/// Which page is wanted.
pub(super) struct Page {
    marker: Option<String>,
    items: usize,
}

impl Page {
    /// Takes `Marker` and `MaxItems`.
    pub(super) fn take(turn: &mut Turn<'_>) -> QueryResult<Self> {
        let items = turn.form.number("MaxItems")?.unwrap_or(100);
        let items = usize::try_from(items)
            .ok()
            .filter(|items| (1..=1_000).contains(items))
            .ok_or_else(|| QueryError::validation("MaxItems must be between 1 and 1000"))?;
        Ok(Self {
            marker: turn.form.take("Marker"),
            items,
        })
    }

    /// Shows the page of `items`, which come in the order of their names.
    pub(super) fn show<'a, T: Copy>(
        &self,
        xml: &mut Xml,
        name: &str,
        items: impl Iterator<Item = (&'a String, T)>,
        show: impl FnMut(&mut Xml, T),
    ) {
        let (shown, next) = self.cut(items);
        xml.text("IsTruncated", next.is_some().to_string());
        xml.optional("Marker", next);
        xml.members(name, shown, show);
    }

    /// Shows the page of `items`, which are plain texts.
    pub(super) fn show_texts<'a>(
        &self,
        xml: &mut Xml,
        name: &str,
        items: impl Iterator<Item = &'a String>,
    ) {
        let (shown, next) = self.cut(items.map(|item| (item, item)));
        xml.text("IsTruncated", next.is_some().to_string());
        xml.optional("Marker", next);
        xml.element(name, |xml| {
            for text in shown {
                xml.text("member", text);
            }
        });
    }

    fn cut<'a, T: Copy>(
        &self,
        items: impl Iterator<Item = (&'a String, T)>,
    ) -> (Vec<T>, Option<&'a String>) {
        let mut rest = items.filter(|(name, _)| self.marker.as_ref().is_none_or(|m| *name > m));
        let shown: Vec<(&String, T)> = rest.by_ref().take(self.items).collect();
        let next = rest
            .next()
            .and_then(|_| shown.last())
            .map(|(name, _)| *name);
        (shown.into_iter().map(|(_, item)| item).collect(), next)
    }
}
