//! Mistakes in the input, all of them at once, each with the path of the field it stands in.

use std::fmt;

/// One mistake in a tenant's specification.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Problem {
    /// Whose, where there are several.
    pub tenant: Option<String>,
    /// The field, as the file spells it: `data.lifecycle.rules[1].id`.
    pub path: String,
    /// What is wrong, and the rule that it breaks.
    pub message: String,
}

/// Every mistake that was found; never empty.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// The mistakes, in the order of the fields.
    pub fn all(&self) -> &[Problem] {
        &self.0
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                out.write_str("\n")?;
            }
            if let Some(tenant) = &problem.tenant {
                write!(out, "tenant {tenant:?}: ")?;
            }
            write!(out, "{}: {}", problem.path, problem.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// Collects mistakes while a specification is read.
#[derive(Debug, Default)]
pub(crate) struct Checks(Vec<Problem>);

impl Checks {
    /// Notes a mistake at `path`.
    pub(crate) fn refuse(&mut self, path: impl Into<String>, message: impl fmt::Display) {
        self.0.push(Problem {
            tenant: None,
            path: path.into(),
            message: message.to_string(),
        });
    }

    /// Keeps the value, or notes why there is none.
    pub(crate) fn keep<T, E: fmt::Display>(
        &mut self,
        path: impl Into<String>,
        result: Result<T, E>,
    ) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.refuse(path, error);
                None
            }
        }
    }

    /// Like [`Checks::keep`] for a field that may be absent: `None` only when it is wrong.
    pub(crate) fn keep_optional<T, E: fmt::Display>(
        &mut self,
        path: impl Into<String>,
        text: Option<&str>,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<Option<T>> {
        match text {
            None => Some(None),
            Some(text) => self.keep(path, parse(text)).map(Some),
        }
    }

    /// Notes a mistake unless `holds`.
    pub(crate) fn require(
        &mut self,
        holds: bool,
        path: impl Into<String>,
        message: impl fmt::Display,
    ) {
        if !holds {
            self.refuse(path, message);
        }
    }

    /// Notes everything that is wrong with one tenant of several.
    pub(crate) fn of_tenant(&mut self, tenant: &str, problems: Problems) {
        self.0.extend(problems.0.into_iter().map(|problem| Problem {
            tenant: Some(tenant.to_string()),
            ..problem
        }));
    }

    /// The value, when there was no mistake at all.
    pub(crate) fn finish<T>(self, value: Option<T>) -> Result<T, Problems> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => {
                debug_assert!(!self.0.is_empty(), "a missing value has a reason");
                Err(Problems(self.0))
            }
        }
    }
}
