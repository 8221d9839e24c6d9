//! Which field a mistake is about, when the parser only says what is wrong with it.

use crate::model::TenantSpec;
use serde_json::Value;

/// More fields than anybody writes by hand are not searched.
const MAX_FIELDS: usize = 2_000;

/// The path of the field that makes `value` no tenant, such as `data.inventory[1].format`.
///
/// Without it the value parses, or stumbles over something else; a field whose absence puts
/// everything right is preferred, but for a part of it that makes the difference.
pub(super) fn culprit(value: &Value, mistake: &str) -> Option<String> {
    let mut paths = Vec::new();
    walk(value, &mut Vec::new(), &mut paths);
    if paths.len() > MAX_FIELDS {
        return None;
    }
    let mut another: Option<&Vec<Part>> = None;
    for path in &paths {
        let mut rest = value.clone();
        remove(&mut rest, path);
        match serde_json::from_value::<TenantSpec>(rest) {
            Ok(_) => {
                let inside = another.filter(|other| other.starts_with(path));
                return Some(shown(inside.unwrap_or(path)));
            }
            Err(error) if another.is_none() && error.to_string() != mistake => {
                another = Some(path);
            }
            Err(_) => {}
        }
    }
    another.map(|path| shown(path))
}

/// A step of a path.
#[derive(Clone, PartialEq)]
enum Part {
    Key(String),
    At(usize),
}

/// Every path, the deepest first.
fn walk(value: &Value, here: &mut Vec<Part>, paths: &mut Vec<Vec<Part>>) {
    let parts: Vec<(Part, &Value)> = match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| (Part::Key(key.clone()), value))
            .collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(at, value)| (Part::At(at), value))
            .collect(),
        _ => Vec::new(),
    };
    for (part, value) in parts {
        here.push(part);
        walk(value, here, paths);
        paths.push(here.clone());
        here.pop();
    }
}

fn remove(value: &mut Value, path: &[Part]) {
    let Some((last, way)) = path.split_last() else {
        return;
    };
    let mut slot = Some(value);
    for part in way {
        slot = slot.and_then(|value| match part {
            Part::Key(key) => value.get_mut(key),
            Part::At(at) => value.get_mut(at),
        });
    }
    match (slot, last) {
        (Some(Value::Object(fields)), Part::Key(key)) => drop(fields.remove(key)),
        (Some(Value::Array(items)), Part::At(at)) => drop(items.remove(*at)),
        _ => {}
    }
}

fn shown(path: &[Part]) -> String {
    let mut text = String::new();
    for part in path {
        match part {
            Part::Key(key) if text.is_empty() => text.push_str(key),
            Part::Key(key) => text.push_str(&format!(".{key}")),
            Part::At(at) => text.push_str(&format!("[{at}]")),
        }
    }
    text
}
