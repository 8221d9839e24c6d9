//! The parameters of a call. What a handler does not take is refused, never ignored.

use super::error::{QueryError, QueryResult};
use percent_encoding::percent_decode;
use std::collections::BTreeMap;

/// Form fields that have not been taken yet.
#[derive(Debug, Default)]
pub(crate) struct Form {
    fields: BTreeMap<String, String>,
}

impl Form {
    /// Parses a body of type `application/x-www-form-urlencoded`.
    pub(crate) fn parse(body: &[u8]) -> QueryResult<Self> {
        let mut fields = BTreeMap::new();
        for pair in body
            .split(|byte| *byte == b'&')
            .filter(|pair| !pair.is_empty())
        {
            let at = pair.iter().position(|byte| *byte == b'=');
            let (name, value) = match at {
                Some(at) => (&pair[..at], &pair[at + 1..]),
                None => (pair, &[][..]),
            };
            let name = decode(name)?;
            if fields.insert(name.clone(), decode(value)?).is_some() {
                return Err(QueryError::validation(format_args!(
                    "Duplicate parameter {name}"
                )));
            }
        }
        Ok(Self { fields })
    }

    /// Takes an optional parameter.
    pub(crate) fn take(&mut self, name: &str) -> Option<String> {
        self.fields.remove(name)
    }

    /// Looks at a parameter without taking it.
    pub(crate) fn peek(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }

    /// Takes a required parameter.
    pub(crate) fn need(&mut self, name: &str) -> QueryResult<String> {
        self.take(name)
            .filter(|value| !value.is_empty())
            .ok_or_else(|| QueryError::missing_parameter(&lower_camel(name)))
    }

    /// Takes an optional whole number.
    pub(crate) fn number(&mut self, name: &str) -> QueryResult<Option<i64>> {
        self.take(name)
            .map(|value| {
                value.parse().map_err(|_| {
                    QueryError::constraint(&value, &lower_camel(name), "Member must be a number")
                })
            })
            .transpose()
    }

    /// Takes `name.member.1`, `name.member.2`, ...
    pub(crate) fn list(&mut self, name: &str) -> Vec<String> {
        (1..)
            .map_while(|at| self.take(&format!("{name}.member.{at}")))
            .collect()
    }

    /// Takes `name.member.1.Key` and `.Value`, and so on.
    pub(crate) fn pairs(&mut self, name: &str) -> Vec<(String, String)> {
        (1..)
            .map_while(|at| {
                let key = self.take(&format!("{name}.member.{at}.Key"))?;
                let value = self.take(&format!("{name}.member.{at}.Value"));
                Some((key, value.unwrap_or_default()))
            })
            .collect()
    }

    /// Refuses what is left: a parameter that nobody reads would be accepted silently.
    pub(crate) fn finish(self) -> QueryResult<()> {
        match self.fields.into_keys().next() {
            None => Ok(()),
            Some(name) => Err(QueryError::not_implemented(format_args!(
                "the parameter {name}"
            ))),
        }
    }
}

fn decode(text: &[u8]) -> QueryResult<String> {
    let spaced: Vec<u8> = text
        .iter()
        .map(|byte| if *byte == b'+' { b' ' } else { *byte })
        .collect();
    percent_decode(&spaced)
        .decode_utf8()
        .map(|text| text.into_owned())
        .map_err(|_| QueryError::validation("The request is not UTF-8"))
}

/// `RoleName` as error messages write it: `roleName`.
pub(crate) fn lower_camel(name: &str) -> String {
    let mut chars = name.chars();
    chars
        .next()
        .map(|first| first.to_ascii_lowercase().to_string() + chars.as_str())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_gives_what_was_sent() {
        let mut form =
            Form::parse(b"Action=Get&Name=a%2Bb+c&Empty=&L.member.1=x&L.member.2=y").unwrap();
        assert_eq!(form.take("Name").as_deref(), Some("a+b c"));
        assert_eq!(form.take("Empty").as_deref(), Some(""));
        assert_eq!(form.list("L"), ["x", "y"]);
        assert_eq!(form.need("Action").unwrap(), "Get");
        form.finish().unwrap();
    }

    #[test]
    fn a_parameter_that_nobody_takes_is_refused() {
        let form = Form::parse(b"Surprise=1").unwrap();
        assert_eq!(form.finish().unwrap_err().code, "NotImplemented");
    }
}
