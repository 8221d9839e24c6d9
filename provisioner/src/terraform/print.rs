//! HCL as `terraform fmt` would leave it. hcl-rs has a printer too, but not in that form, and its
//! escaping lets some template markers through.

use hcl::expr::{Expression, ObjectKey, TraversalOperator};
use hcl::structure::{Block, Body, Structure};
use std::fmt::Write;

/// Something in the tree that this printer does not know: we build nothing of the kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot print {0}")]
pub struct Unprintable(&'static str);

/// The text of `body`.
///
/// Any text comes back from Terraform as it was, template markers included, with two exceptions of
/// Terraform's own: it normalises Unicode (NFC), and a NUL cannot be in its values.
///
/// # Errors
/// When the tree has expressions beyond values and references.
pub fn print(body: &Body) -> Result<String, Unprintable> {
    let mut out = String::new();
    print_body(&mut out, body, 0)?;
    Ok(out)
}

/// One line or several: `key = value`.
struct Line {
    key: String,
    value: String,
}

impl Line {
    fn is_long(&self) -> bool {
        self.value.contains('\n')
    }
}

fn print_body(out: &mut String, body: &Body, depth: usize) -> Result<(), Unprintable> {
    let mut lines = Vec::new();
    let mut first = true;
    for structure in body.iter() {
        match structure {
            Structure::Attribute(attribute) => lines.push(Line {
                key: attribute.key().to_string(),
                value: value(attribute.expr(), depth)?,
            }),
            Structure::Block(block) => {
                first &= !print_lines(out, &lines, depth, first);
                lines.clear();
                if !first {
                    out.push('\n');
                }
                first = false;
                print_block(out, block, depth)?;
            }
        }
    }
    print_lines(out, &lines, depth, first);
    Ok(())
}

fn print_block(out: &mut String, block: &Block, depth: usize) -> Result<(), Unprintable> {
    indent(out, depth);
    out.push_str(block.identifier());
    for label in block.labels() {
        out.push(' ');
        quote(out, label.as_str());
    }
    if block.body().iter().next().is_none() {
        out.push_str(" {}\n");
        return Ok(());
    }
    out.push_str(" {\n");
    print_body(out, block.body(), depth + 1)?;
    indent(out, depth);
    out.push_str("}\n");
    Ok(())
}

/// Prints attributes; values of several lines stand apart. Says whether there was anything.
fn print_lines(out: &mut String, lines: &[Line], depth: usize, first: bool) -> bool {
    let mut blank_before = !first;
    for group in groups(lines) {
        if blank_before {
            out.push('\n');
        }
        blank_before = true;
        print_group(out, group, depth);
    }
    !lines.is_empty()
}

/// Neighbours whose signs of equality stand below each other; a value of several lines is alone.
fn groups(lines: &[Line]) -> impl Iterator<Item = &[Line]> {
    lines.chunk_by(|a, b| !a.is_long() && !b.is_long())
}

fn print_group(out: &mut String, group: &[Line], depth: usize) {
    let width = group.iter().map(|l| l.key.chars().count()).max();
    let width = width.unwrap_or_default();
    for line in group {
        indent(out, depth);
        let padding = " ".repeat(width - line.key.chars().count());
        // Writing into a String cannot fail.
        let _ = writeln!(out, "{}{padding} = {}", line.key, line.value);
    }
}

fn value(expression: &Expression, depth: usize) -> Result<String, Unprintable> {
    let mut out = String::new();
    match expression {
        Expression::Null => out.push_str("null"),
        Expression::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Expression::Number(number) => out.push_str(&number.to_string()),
        Expression::String(text) => quote(&mut out, text),
        Expression::Variable(variable) => out.push_str(variable.as_str()),
        Expression::Traversal(traversal) => {
            out.push_str(&value(&traversal.expr, depth)?);
            for operator in &traversal.operators {
                match operator {
                    TraversalOperator::GetAttr(name) => {
                        out.push('.');
                        out.push_str(name.as_str());
                    }
                    TraversalOperator::Index(index) => {
                        let _ = write!(out, "[{}]", value(index, depth)?);
                    }
                    _ => return Err(Unprintable("a splat")),
                }
            }
        }
        Expression::Array(items) => array(&mut out, items, depth)?,
        Expression::Object(object) => {
            let mut lines = Vec::new();
            for (key, item) in object.iter() {
                lines.push(Line {
                    key: object_key(key)?,
                    value: value(item, depth + 1)?,
                });
            }
            braces(&mut out, &lines, depth);
        }
        _ => return Err(Unprintable("an expression beyond values and references")),
    }
    Ok(out)
}

fn object_key(key: &ObjectKey) -> Result<String, Unprintable> {
    match key {
        ObjectKey::Identifier(name) => Ok(name.to_string()),
        ObjectKey::Expression(Expression::String(text)) => {
            let mut out = String::new();
            quote(&mut out, text);
            Ok(out)
        }
        _ => Err(Unprintable("a computed key")),
    }
}

fn braces(out: &mut String, lines: &[Line], depth: usize) {
    if lines.is_empty() {
        out.push_str("{}");
        return;
    }
    out.push_str("{\n");
    for group in groups(lines) {
        print_group(out, group, depth + 1);
    }
    indent(out, depth);
    out.push('}');
}

fn array(out: &mut String, items: &[Expression], depth: usize) -> Result<(), Unprintable> {
    let nested = |item: &Expression| matches!(item, Expression::Object(_) | Expression::Array(_));
    if !items.iter().any(nested) {
        let items = items.iter().map(|item| value(item, depth));
        let items = items.collect::<Result<Vec<_>, _>>()?;
        let _ = write!(out, "[{}]", items.join(", "));
        return Ok(());
    }
    out.push_str("[\n");
    for item in items {
        indent(out, depth + 1);
        let _ = writeln!(out, "{},", value(item, depth + 1)?);
    }
    indent(out, depth);
    out.push(']');
    Ok(())
}

fn indent(out: &mut String, depth: usize) {
    for _ in 0..depth {
        out.push_str("  ");
    }
}

/// A quoted string. A marker's first character is written by its number: then no marker stands in
/// the source, and nothing depends on how many `$` or `%` come before it.
fn quote(out: &mut String, text: &str) {
    out.push('"');
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '$' | '%' if rest.peek() == Some(&'{') => by_number(out, c),
            c if is_unseen(c) => by_number(out, c),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Control characters, and what editors and reviewers cannot see: line separators, marks that
/// reverse the direction of text, byte order marks.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn by_number(out: &mut String, c: char) {
    let _ = write!(out, "\\u{:04x}", u32::from(c));
}

#[cfg(test)]
mod tests {
    use super::*;
    use hcl::structure::Attribute;

    fn printed(text: &str) -> String {
        let body = Body::from(vec![Structure::Attribute(Attribute::new(
            "a",
            Expression::String(text.to_string()),
        ))]);
        print(&body).unwrap()
    }

    #[test]
    fn no_marker_stands_in_the_source() {
        for text in [
            "${x}",
            "$${x}",
            "%{ %${path.cwd}",
            "%{%${upper(\"a\")}",
            "$$$${",
        ] {
            let source = printed(text);
            assert!(!source.contains("${") && !source.contains("%{"), "{source}");
        }
    }

    #[test]
    fn a_lone_dollar_or_percent_stays_as_it_is() {
        assert_eq!(printed("5 % of $10 {net}"), "a = \"5 % of $10 {net}\"\n");
    }
}
