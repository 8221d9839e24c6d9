//! Reads a TOML table key by key, remembers where it is, and collects every mistake instead of
//! stopping at the first.

use std::fmt;
use toml::{Table, Value};

/// One thing that is wrong in a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The key, as in `tenants[0].buckets[1].region`; empty for the file itself.
    pub path: String,
    /// What is wrong, and what would be right.
    pub reason: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            out.write_str(&self.reason)
        } else {
            write!(out, "{}: {}", self.path, self.reason)
        }
    }
}

/// Where mistakes gather.
#[derive(Debug, Default)]
pub(super) struct Mistakes(pub(super) Vec<Mistake>);

impl Mistakes {
    pub(super) fn add(&mut self, path: impl Into<String>, reason: impl Into<String>) {
        self.0.push(Mistake {
            path: path.into(),
            reason: reason.into(),
        });
    }
}

/// A table that is being read: each `take` removes a key, [`Section::finish`] reports the rest.
#[derive(Debug)]
pub(super) struct Section {
    path: String,
    table: Table,
}

impl Section {
    pub(super) fn root(table: Table) -> Self {
        Self {
            path: String::new(),
            table,
        }
    }

    /// The full path of `key`.
    pub(super) fn at(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_string()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// A sub-table; an empty one when absent.
    pub(super) fn section(&mut self, key: &str, mistakes: &mut Mistakes) -> Section {
        let path = self.at(key);
        let table = match self.table.remove(key) {
            None => Table::new(),
            Some(Value::Table(table)) => table,
            Some(other) => {
                mistakes.add(&path, expected("a table", &other));
                Table::new()
            }
        };
        Section { path, table }
    }

    /// An array of tables; empty when absent.
    pub(super) fn sections(&mut self, key: &str, mistakes: &mut Mistakes) -> Vec<Section> {
        let path = self.at(key);
        let values = match self.table.remove(key) {
            None => return Vec::new(),
            Some(Value::Array(values)) => values,
            Some(other) => {
                mistakes.add(path, expected("an array of tables", &other));
                return Vec::new();
            }
        };
        let mut sections = Vec::with_capacity(values.len());
        for (index, value) in values.into_iter().enumerate() {
            let path = format!("{path}[{index}]");
            match value {
                Value::Table(table) => sections.push(Section { path, table }),
                other => mistakes.add(path, expected("a table", &other)),
            }
        }
        sections
    }

    pub(super) fn text(&mut self, key: &str, mistakes: &mut Mistakes) -> Option<String> {
        match self.table.remove(key)? {
            Value::String(text) => Some(text),
            other => {
                mistakes.add(self.at(key), expected("a text", &other));
                None
            }
        }
    }

    /// A text that `parse` turns into a type.
    pub(super) fn parsed<T, E: fmt::Display>(
        &mut self,
        key: &str,
        mistakes: &mut Mistakes,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(key, mistakes)?;
        match parse(&text) {
            Ok(value) => Some(value),
            Err(error) => {
                mistakes.add(self.at(key), error.to_string());
                None
            }
        }
    }

    /// The same, and absence is a mistake.
    pub(super) fn required<T, E: fmt::Display>(
        &mut self,
        key: &str,
        mistakes: &mut Mistakes,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        if !self.has(key) {
            mistakes.add(self.at(key), "is missing");
            return None;
        }
        self.parsed(key, mistakes, parse)
    }

    pub(super) fn texts(&mut self, key: &str, mistakes: &mut Mistakes) -> Vec<String> {
        let path = self.at(key);
        let values = match self.table.remove(key) {
            None => return Vec::new(),
            Some(Value::Array(values)) => values,
            Some(other) => {
                mistakes.add(path, expected("an array of texts", &other));
                return Vec::new();
            }
        };
        let mut texts = Vec::with_capacity(values.len());
        for (index, value) in values.into_iter().enumerate() {
            match value {
                Value::String(text) => texts.push(text),
                other => mistakes.add(format!("{path}[{index}]"), expected("a text", &other)),
            }
        }
        texts
    }

    /// An array of texts that `parse` turns into types.
    pub(super) fn parsed_list<T, E: fmt::Display>(
        &mut self,
        key: &str,
        mistakes: &mut Mistakes,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Vec<T> {
        let path = self.at(key);
        let mut parsed = Vec::new();
        for (index, text) in self.texts(key, mistakes).iter().enumerate() {
            match parse(text) {
                Ok(value) => parsed.push(value),
                Err(error) => mistakes.add(format!("{path}[{index}]"), error.to_string()),
            }
        }
        parsed
    }

    /// An array of port numbers.
    pub(super) fn ports(
        &mut self,
        key: &str,
        default: &[u16],
        mistakes: &mut Mistakes,
    ) -> Vec<u16> {
        let path = self.at(key);
        let values = match self.table.remove(key) {
            None => return default.to_vec(),
            Some(Value::Array(values)) => values,
            Some(other) => {
                mistakes.add(path, expected("an array of port numbers", &other));
                return default.to_vec();
            }
        };
        let mut ports = Vec::with_capacity(values.len());
        for (index, value) in values.into_iter().enumerate() {
            let port = value
                .as_integer()
                .and_then(|number| u16::try_from(number).ok());
            match port.filter(|port| *port > 0) {
                Some(port) => ports.push(port),
                None => mistakes.add(format!("{path}[{index}]"), "must be a port, 1 to 65535"),
            }
        }
        ports
    }

    pub(super) fn flag(&mut self, key: &str, default: bool, mistakes: &mut Mistakes) -> bool {
        match self.table.remove(key) {
            None => default,
            Some(Value::Boolean(flag)) => flag,
            Some(other) => {
                mistakes.add(self.at(key), expected("true or false", &other));
                default
            }
        }
    }

    /// A whole number within `range`.
    pub(super) fn number(
        &mut self,
        key: &str,
        default: u64,
        range: std::ops::RangeInclusive<u64>,
        mistakes: &mut Mistakes,
    ) -> u64 {
        let found = match self.table.remove(key) {
            None => return default,
            Some(Value::Integer(number)) => u64::try_from(number).ok(),
            Some(other) => {
                mistakes.add(self.at(key), expected("a whole number", &other));
                return default;
            }
        };
        match found {
            Some(number) if range.contains(&number) => number,
            _ => {
                let reason = format!("must be from {} to {}", range.start(), range.end());
                mistakes.add(self.at(key), reason);
                default
            }
        }
    }

    /// A choice between words.
    pub(super) fn choice<T: Copy>(
        &mut self,
        key: &str,
        default: T,
        choices: &[(&str, T)],
        mistakes: &mut Mistakes,
    ) -> T {
        let found = self.parsed(key, mistakes, |text| {
            choices
                .iter()
                .find(|(word, _)| *word == text)
                .map(|(_, value)| *value)
                .ok_or_else(|| {
                    let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
                    format!("must be one of {}", words.join(", "))
                })
        });
        found.unwrap_or(default)
    }

    /// Takes keys that are not read because of a mistake reported elsewhere.
    pub(super) fn discard(&mut self, keys: &[&str]) {
        for key in keys {
            self.table.remove(*key);
        }
    }

    /// Whatever was not taken is a key that nobody knows.
    pub(super) fn finish(self, mistakes: &mut Mistakes) {
        for key in self.table.keys() {
            mistakes.add(self.at(key), "is not a setting; see docs/configuration.md");
        }
    }
}

fn expected(what: &str, found: &Value) -> String {
    format!("must be {what}, not {}", found.type_str())
}
