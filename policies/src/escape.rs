//! Text that must mean itself inside a policy.

/// `text` for a place where IAM reads `*` and `?` as wildcards and `${...}` as variables:
/// resources, and the values of `StringLike` and the ARN operators.
///
/// The escapes are policy variables themselves, so they hold in version 2012-10-17 only.
pub fn literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '*' | '?' | '$' => {
                out.push_str("${");
                out.push(c);
                out.push('}');
            }
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::pattern::{Pattern, Variables};
    use crate::{Context, evaluate};
    use proptest::prelude::*;

    #[test]
    fn wildcards_and_variables_are_taken_literally() {
        assert_eq!(
            literal("a*b?c${aws:username}"),
            "a${*}b${?}c${$}{aws:username}"
        );
        assert_eq!(literal("plain/ü.txt"), "plain/ü.txt");
    }

    proptest! {
        #[test]
        fn an_escaped_text_matches_itself_and_nothing_else(
            text in "[a-c*?${}/ü]{0,8}",
            other in "[a-c*?${}/ü]{0,8}",
        ) {
            let pattern = Pattern::compile(&literal(&text), Variables::Replaced).unwrap();
            let none = evaluate::Context::new();
            let none: &Context = &none;
            prop_assert_eq!(pattern.compare(&text, none), Some(true));
            prop_assert_eq!(pattern.compare(&other, none), Some(text == other));
        }
    }
}
