//! The one form of a JSON document that is signed.
//!
//! Compact JSON in UTF-8: the members of every object in the order of their names (by code point),
//! no white space, only `"`, `\\` and control characters escaped, whole numbers only. Python makes
//! the same with `json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)`.

use serde_json::Value;

/// The bytes that are signed.
pub(crate) fn canonical(value: &Value) -> Vec<u8> {
    let mut out = String::new();
    write_canonical(value, &mut out);
    out.into_bytes()
}

fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort();
            out.push('{');
            for (at, name) in names.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                out.push_str(&Value::String(name.clone()).to_string());
                out.push(':');
                write_canonical(&members[name], out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_canonical(item, out);
            }
            out.push(']');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}
