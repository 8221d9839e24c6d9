//! The alphabet of everything that goes into a configuration.

use hcl::expr::{Expression, ObjectKey, TraversalOperator};
use hcl::structure::{Body, Structure};

/// A text that must not stand in a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {text:?} {reason}\nhint: change that field of the specification")]
pub struct Refused {
    /// Where in the configuration.
    pub place: String,
    /// The text, cut to 80 characters.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// Holds every text of `body`, keys included, against the alphabet: U+0020 to U+007E and U+00A0 to
/// U+00FF, without `${` and `%{`.
///
/// The alphabet is that of IAM documents. It has no character that Terraform's normalisation of
/// Unicode would change, no line end and no control character.
///
/// # Errors
/// For the first text that does not fit.
pub fn check(body: &Body) -> Result<(), Refused> {
    check_body(body, "")
}

fn check_body(body: &Body, place: &str) -> Result<(), Refused> {
    for structure in body.iter() {
        match structure {
            Structure::Attribute(attribute) => {
                check_expression(attribute.expr(), &below(place, attribute.key()))?;
            }
            Structure::Block(block) => {
                let mut place = below(place, block.identifier());
                for label in block.labels() {
                    check_text(label.as_str(), &place)?;
                    place = below(&place, label.as_str());
                }
                check_body(block.body(), &place)?;
            }
        }
    }
    Ok(())
}

fn check_expression(expression: &Expression, place: &str) -> Result<(), Refused> {
    match expression {
        Expression::String(text) => check_text(text, place),
        Expression::Array(items) => items
            .iter()
            .enumerate()
            .try_for_each(|(at, item)| check_expression(item, &format!("{place}[{at}]"))),
        Expression::Object(object) => object.iter().try_for_each(|(key, value)| {
            let name = match key {
                ObjectKey::Expression(Expression::String(text)) => {
                    check_text(text, place)?;
                    text
                }
                ObjectKey::Identifier(name) => name.as_str(),
                _ => "?",
            };
            check_expression(value, &below(place, name))
        }),
        Expression::Traversal(traversal) => {
            traversal
                .operators
                .iter()
                .try_for_each(|operator| match operator {
                    TraversalOperator::Index(index) => check_expression(index, place),
                    _ => Ok(()),
                })
        }
        // The printer prints no other kind that could hold text.
        _ => Ok(()),
    }
}

fn check_text(text: &str, place: &str) -> Result<(), Refused> {
    let refuse = |reason| {
        Err(Refused {
            place: place.to_string(),
            text: text.chars().take(80).collect(),
            reason,
        })
    };
    if text.contains("${") || text.contains("%{") {
        return refuse("opens a template expression");
    }
    let allowed = |c: char| (' '..='~').contains(&c) || ('\u{a0}'..='\u{ff}').contains(&c);
    if !text.chars().all(allowed) {
        return refuse("may have only characters from U+0020 to U+007E and U+00A0 to U+00FF");
    }
    Ok(())
}

fn below(place: &str, name: &str) -> String {
    match place {
        "" => name.to_string(),
        place => format!("{place}.{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hcl::structure::{Attribute, Block};

    fn checked(text: &str) -> Result<(), Refused> {
        let block = Block::builder("module")
            .add_label("storage")
            .add_attribute(Attribute::new(
                "owner",
                Expression::Array(vec![Expression::String(text.to_string())]),
            ))
            .build();
        check(&Body::from(vec![Structure::Block(block)]))
    }

    #[test]
    fn words_of_people_pass() {
        for text in ["", "Zürich & Co. (\"prod\")", "a$b%c{d}", "$", "%", "\\"] {
            assert_eq!(checked(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn templates_and_foreign_characters_are_refused_with_their_place() {
        for text in [
            "${path.cwd}",
            "$${x}",
            "%{ %${path.cwd}",
            "a\nb",
            "\u{0}",
            "\u{7f}",
            "\u{2028}",
            "e\u{301}",
            "日本",
        ] {
            let refused = checked(text).unwrap_err();
            assert_eq!(refused.place, "module.storage.owner[0]", "{text:?}");
        }
    }

    #[test]
    fn keys_are_text_too() {
        let object = [(
            ObjectKey::Expression(Expression::String("%{if".to_string())),
            Expression::Null,
        )];
        let body = Body::from(vec![Structure::Attribute(Attribute::new(
            "tags",
            Expression::Object(object.into_iter().collect()),
        ))]);
        assert!(check(&body).is_err());
    }
}
