//! Text patterns of the policy language: `*`, `?`, policy variables and their escapes.

use super::context::Lookup;
use std::borrow::Cow;

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

    /// Whether `text` matches; `None` when a variable has no single value in the request.
    pub(crate) fn compare(&self, text: &str, lookup: &dyn Lookup) -> Option<bool> {
        let pieces = resolve(&self.pieces, lookup)?;
        let text: Vec<char> = text.chars().collect();
        Some(glob(&pieces, &text, |a, b| a == b))
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

/// The pieces with the variables replaced; most patterns have none and are taken as they are.
fn resolve<'a>(pieces: &'a [Piece], lookup: &dyn Lookup) -> Option<Cow<'a, [Piece]>> {
    if !pieces
        .iter()
        .any(|piece| matches!(piece, Piece::Variable { .. }))
    {
        return Some(Cow::Borrowed(pieces));
    }
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
    Some(Cow::Owned(out))
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
pub(crate) enum ArnPattern {
    /// `*`, alone.
    Everything,
    /// The six.
    Six(Box<[Pattern; 6]>),
    /// Not an ARN: it can be compared with none.
    NotAnArn,
}

impl ArnPattern {
    /// A `Resource`: an ARN pattern or `*`.
    pub(crate) fn resource(source: &str, variables: Variables) -> Result<Self, UnclosedVariable> {
        if source == "*" {
            return Ok(Self::Everything);
        }
        Self::six_fields(source, variables)
    }

    /// The value of an ARN condition: always six fields.
    pub(crate) fn six_fields(source: &str, variables: Variables) -> Result<Self, UnclosedVariable> {
        let fields = split_fields(source, variables)
            .into_iter()
            .map(|field| Pattern::compile(field, variables))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(match <[Pattern; 6]>::try_from(fields) {
            Ok(six) => Self::Six(Box::new(six)),
            Err(_) => Self::NotAnArn,
        })
    }

    /// Whether a `Resource` covers `resource`, which may be the `*` of actions without resource;
    /// `None` when a variable has no value.
    pub(crate) fn covers(&self, resource: &str, lookup: &dyn Lookup) -> Option<bool> {
        match self {
            Self::Six(_) if resource.splitn(6, ':').count() < 6 => Some(false),
            _ => self.compare(resource, lookup),
        }
    }

    /// Whether `arn` matches; `None` when either is not an ARN or a variable has no value.
    pub(crate) fn compare(&self, arn: &str, lookup: &dyn Lookup) -> Option<bool> {
        let patterns = match self {
            Self::Everything => return Some(true),
            Self::NotAnArn => return None,
            Self::Six(patterns) => patterns,
        };
        let fields: [&str; 6] = arn.splitn(6, ':').collect::<Vec<_>>().try_into().ok()?;
        let mut all = Some(true);
        for (pattern, field) in patterns.iter().zip(fields) {
            match pattern.compare(field, lookup) {
                // No value of a variable elsewhere could make up for this.
                Some(false) => return Some(false),
                Some(true) => {}
                None => all = None,
            }
        }
        all
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
            .compare(text, context)
            == Some(true)
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
            ArnPattern::resource(pattern, Variables::Replaced)
                .unwrap()
                .compare(text, &none)
                == Some(true)
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
