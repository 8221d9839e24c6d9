//! Text patterns of the policy language: `*`, `?`, policy variables and their escapes.

use super::context::Lookup;

/// One piece of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    /// Itself.
    Char(char),
    /// `*`: any text, also none.
    Any,
    /// `?`: exactly one character.
    One,
    /// `${key}` or `${key, 'default'}`: the request's value, taken literally.
    Variable {
        key: String,
        default: Option<String>,
    },
}

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnclosedVariable;

/// Whether `${...}` is a variable. It is in version 2012-10-17, and not in actions or principals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Variables {
    /// `${...}` is replaced.
    Replaced,
    /// `${...}` is plain text.
    Literal,
}

/// A compiled pattern.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    pieces: Vec<Piece>,
}

impl Pattern {
    pub(crate) fn compile(source: &str, variables: Variables) -> Result<Self, UnclosedVariable> {
        Ok(Self {
            pieces: pieces(source, variables)?,
        })
    }

    /// Whether `text` matches; a variable that the request has no single value for never does.
    pub(crate) fn matches(&self, text: &str, lookup: &dyn Lookup) -> bool {
        let Some(pieces) = resolve(&self.pieces, lookup) else {
            return false;
        };
        glob(&pieces, &text.chars().collect::<Vec<_>>(), |a, b| a == b)
    }

    /// The same for action names, whose case does not matter.
    pub(crate) fn matches_ignoring_case(&self, text: &str) -> bool {
        let same = |a: char, b: char| a.eq_ignore_ascii_case(&b);
        glob(&self.pieces, &text.chars().collect::<Vec<_>>(), same)
    }

    /// The text with variables replaced and wildcards taken literally, for `StringEquals`.
    pub(crate) fn literal(&self, lookup: &dyn Lookup) -> Option<String> {
        let pieces = resolve(&self.pieces, lookup)?;
        Some(pieces.iter().map(Piece::as_char).collect())
    }
}

impl Piece {
    fn as_char(&self) -> char {
        match self {
            Self::Char(c) => *c,
            Self::Any => '*',
            Self::One => '?',
            Self::Variable { .. } => '$',
        }
    }
}

fn pieces(source: &str, variables: Variables) -> Result<Vec<Piece>, UnclosedVariable> {
    let mut out = Vec::with_capacity(source.len());
    let mut rest = source;
    while let Some(c) = rest.chars().next() {
        if variables == Variables::Replaced
            && let Some(inside) = rest.strip_prefix("${")
        {
            let (name, after) = inside.split_once('}').ok_or(UnclosedVariable)?;
            out.push(variable(name));
            rest = after;
            continue;
        }
        out.push(match c {
            '*' => Piece::Any,
            '?' => Piece::One,
            other => Piece::Char(other),
        });
        rest = &rest[c.len_utf8()..];
    }
    Ok(out)
}

fn variable(inside: &str) -> Piece {
    if let "*" | "?" | "$" = inside {
        return Piece::Char(inside.chars().next().unwrap_or('$'));
    }
    let (key, default) = match inside.split_once(',') {
        Some((key, default)) => (key, Some(default.trim())),
        None => (inside, None),
    };
    let unquote = |text: &str| {
        text.strip_prefix('\'')
            .and_then(|text| text.strip_suffix('\''))
            .map(str::to_string)
    };
    Piece::Variable {
        key: key.trim().to_ascii_lowercase(),
        default: default.and_then(unquote),
    }
}

fn resolve(pieces: &[Piece], lookup: &dyn Lookup) -> Option<Vec<Piece>> {
    let mut out = Vec::with_capacity(pieces.len());
    for piece in pieces {
        match piece {
            Piece::Variable { key, default } => {
                let value = match lookup.values(key) {
                    Some([one]) => one.as_str(),
                    // A list has no single text to stand here.
                    Some(_) => return None,
                    None => default.as_deref()?,
                };
                out.extend(value.chars().map(Piece::Char));
            }
            other => out.push(other.clone()),
        }
    }
    Some(out)
}

/// Matches with one remembered `*`: linear for one star, never exponential.
fn glob(pattern: &[Piece], text: &[char], same: impl Fn(char, char) -> bool) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(Piece::Any) => {
                star = Some((p, t));
                p += 1;
            }
            Some(Piece::One) => {
                p += 1;
                t += 1;
            }
            Some(Piece::Char(c)) if same(*c, text[t]) => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((star_p, star_t)) = star else {
                    return false;
                };
                star = Some((star_p, star_t + 1));
                p = star_p + 1;
                t = star_t + 1;
            }
        }
    }
    pattern[p..].iter().all(|piece| *piece == Piece::Any)
}

/// A pattern for ARNs: six fields between colons, each matched on its own, so that a wildcard in
/// one field cannot reach into the next. The sixth takes the rest, colons included.
#[derive(Debug, Clone)]
pub(crate) struct ArnPattern {
    fields: ArnFields,
}

#[derive(Debug, Clone)]
enum ArnFields {
    /// `*`, alone.
    Everything,
    /// The six.
    Six(Box<[Pattern; 6]>),
    /// Not an ARN: it matches no ARN. Conditions may hold such text; resources may not.
    NotAnArn,
}

impl ArnPattern {
    pub(crate) fn compile(source: &str, variables: Variables) -> Result<Self, UnclosedVariable> {
        let fields = if source == "*" {
            ArnFields::Everything
        } else {
            let parts = split_fields(source, variables);
            let compiled = parts
                .iter()
                .map(|part| Pattern::compile(part, variables))
                .collect::<Result<Vec<_>, _>>()?;
            match <[Pattern; 6]>::try_from(compiled) {
                Ok(six) => ArnFields::Six(Box::new(six)),
                Err(_) => ArnFields::NotAnArn,
            }
        };
        Ok(Self { fields })
    }

    pub(crate) fn matches(&self, arn: &str, lookup: &dyn Lookup) -> bool {
        match &self.fields {
            ArnFields::Everything => true,
            ArnFields::NotAnArn => false,
            ArnFields::Six(patterns) => {
                let parts: Vec<&str> = arn.splitn(6, ':').collect();
                parts.len() == 6
                    && patterns
                        .iter()
                        .zip(parts)
                        .all(|(pattern, part)| pattern.matches(part, lookup))
            }
        }
    }
}

/// Splits at the first five colons that do not stand inside a variable.
fn split_fields(source: &str, variables: Variables) -> Vec<&str> {
    let mut fields = Vec::with_capacity(6);
    let (mut start, mut inside) = (0, false);
    for (at, c) in source.char_indices() {
        match c {
            '{' if variables == Variables::Replaced && source[..at].ends_with('$') => inside = true,
            '}' => inside = false,
            ':' if !inside && fields.len() < 5 => {
                fields.push(&source[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    fields.push(&source[start..]);
    fields
}

#[cfg(test)]
mod tests {
    use super::super::context::Context;
    use super::*;

    fn matches(pattern: &str, text: &str, context: &Context) -> bool {
        Pattern::compile(pattern, Variables::Replaced)
            .unwrap()
            .matches(text, context)
    }

    #[test]
    fn stars_and_question_marks_match_as_in_iam() {
        let none = Context::new();
        for (pattern, text, expected) in [
            ("*", "", true),
            ("a*c", "abbbc", true),
            ("a*c", "abbbd", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b*", "xxbxxaxx", false),
            ("a**b", "ab", true),
            ("?", "ü", true),
        ] {
            assert_eq!(matches(pattern, text, &none), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn escapes_take_wildcards_literally() {
        let none = Context::new();
        assert!(matches("a${*}b", "a*b", &none));
        assert!(!matches("a${*}b", "axb", &none));
        assert!(matches("a${?}", "a?", &none));
        assert!(!matches("a${?}", "ax", &none));
        assert!(matches("${$}{x}", "${x}", &none));
    }

    #[test]
    fn a_variable_takes_the_requests_value_literally() {
        let context = Context::new().with("aws:username", "a*");
        assert!(matches("u/${aws:username}", "u/a*", &context));
        assert!(!matches("u/${aws:username}", "u/ab", &context));
    }

    #[test]
    fn a_variable_without_a_value_matches_nothing_unless_it_has_a_default() {
        let none = Context::new();
        assert!(!matches("${aws:username}", "", &none));
        assert!(!matches("*${aws:username}", "x", &none));
        assert!(matches("u/${aws:username, 'guest'}", "u/guest", &none));
        let two = Context::new().with_all("aws:tagkeys", ["a", "b"]);
        assert!(!matches("${aws:TagKeys, 'a'}", "a", &two));
    }

    #[test]
    fn a_wildcard_in_one_arn_field_stays_in_it() {
        let none = Context::new();
        let arn = |pattern: &str, text: &str| {
            ArnPattern::compile(pattern, Variables::Replaced)
                .unwrap()
                .matches(text, &none)
        };
        assert!(arn(
            "arn:aws:s3:::b*",
            "arn:aws:s3:::bucket/key:with:colons"
        ));
        assert!(!arn("arn:aws:s3:*:b", "arn:aws:s3:::b"));
        assert!(arn("*", "anything"));
    }

    #[test]
    fn many_stars_do_not_take_forever() {
        let pattern = "*a".repeat(50) + "b";
        assert!(!matches(&pattern, &"a".repeat(2_000), &Context::new()));
    }
}
