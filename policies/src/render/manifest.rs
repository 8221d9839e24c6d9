//! Which statements make which document.

use super::files::{MANIFEST, STATEMENTS};
use super::template::{Values, fill};
use super::{Document, RenderError};
use crate::document::PolicyKind;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// What a document is made from.
#[derive(Debug, Clone, Default)]
pub(super) struct Inputs {
    /// What stands in place of placeholders.
    pub(super) values: Values,
    /// What is wanted: statements with a `when` stand only if all that they name is here.
    pub(super) flags: BTreeSet<&'static str>,
    /// Statements with a `for_each` stand once for each member of the list.
    pub(super) lists: BTreeMap<&'static str, Vec<Values>>,
}

impl Inputs {
    /// Wants `flag` if `wanted`.
    pub(super) fn flag(&mut self, flag: &'static str, wanted: bool) {
        if wanted {
            self.flags.insert(flag);
        }
    }
}

#[derive(Deserialize)]
struct Manifest {
    version: String,
    documents: BTreeMap<String, Entry>,
}

#[derive(Deserialize)]
struct Entry {
    kind: String,
    statements: Vec<Line>,
}

#[derive(Deserialize)]
struct Line {
    file: String,
    #[serde(default)]
    when: Vec<String>,
    for_each: Option<String>,
}

static PARSED: LazyLock<Manifest> = LazyLock::new(|| {
    serde_json::from_str(MANIFEST).expect("the manifest is compiled in, and a test reads it")
});

static TEMPLATES: LazyLock<BTreeMap<&'static str, Value>> = LazyLock::new(|| {
    let parse = |text| {
        serde_json::from_str(text).expect("statements are compiled in, and a test reads them all")
    };
    STATEMENTS
        .iter()
        .map(|(path, text)| (*path, parse(text)))
        .collect()
});

/// Makes the document `name` of the manifest.
pub(super) fn assemble(name: &str, inputs: &Inputs) -> Result<Document, RenderError> {
    let entry = &PARSED
        .documents
        .get(name)
        .expect("renderers name documents of the manifest, and a test calls them all");
    let mut statements = Vec::new();
    for line in &entry.statements {
        if !line
            .when
            .iter()
            .all(|flag| inputs.flags.contains(flag.as_str()))
        {
            continue;
        }
        let template = TEMPLATES
            .get(line.file.as_str())
            .expect("the manifest names files that exist, and a test checks it");
        match &line.for_each {
            None => statements.push(fill(template, &inputs.values)?),
            Some(list) => {
                for item in inputs.lists.get(list.as_str()).into_iter().flatten() {
                    statements.push(fill(template, &inputs.values.with(item))?);
                }
            }
        }
    }
    if statements.is_empty() {
        return Err(RenderError::Empty);
    }
    let value = json!({"Version": PARSED.version, "Statement": statements});
    Document::new(kind(&entry.kind), value)
}

fn kind(name: &str) -> PolicyKind {
    match name {
        "trust" => PolicyKind::Trust,
        "resource" => PolicyKind::Resource,
        "session" => PolicyKind::Session,
        _ => PolicyKind::Identity,
    }
}

#[cfg(test)]
mod tests {
    use super::super::template::placeholders;
    use super::*;
    use std::path::Path;

    /// Every placeholder that a renderer gives a value to.
    const PLACEHOLDERS: [&str; 30] = [
        "account",
        "bucket",
        "bucket_key",
        "buckets",
        "data_bucket",
        "data_key",
        "data_key_region",
        "destination",
        "dns_suffix",
        "encryption",
        "external_id",
        "number",
        "objects",
        "partition",
        "prefix",
        "probes",
        "region",
        "results_bucket",
        "results_key",
        "results_key_region",
        "source_account",
        "source_bucket",
        "target_prefix",
        "tenant_role",
        "vendor_account",
        "vendor_partition",
        "vendor_role",
        "whole_buckets",
        "writable",
        "writable_buckets",
    ];

    #[test]
    fn the_manifest_and_the_folder_name_the_same_files() {
        let named: BTreeSet<&str> = PARSED
            .documents
            .values()
            .flat_map(|entry| &entry.statements)
            .map(|line| line.file.as_str())
            .collect();
        let compiled: BTreeSet<&str> = TEMPLATES.keys().copied().collect();
        assert_eq!(named, compiled);
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut stored = BTreeSet::new();
        for folder in [
            "bucket",
            "endpoint",
            "key",
            "permission",
            "session",
            "delivery",
            "trust",
        ] {
            for file in std::fs::read_dir(root.join(folder)).unwrap() {
                let name = file.unwrap().file_name().into_string().unwrap();
                stored.insert(format!("{folder}/{name}"));
            }
        }
        assert_eq!(stored, named.into_iter().map(String::from).collect());
    }

    #[test]
    fn every_placeholder_is_known_and_every_known_one_is_used() {
        let used: BTreeSet<String> = TEMPLATES.values().flat_map(placeholders).collect();
        assert_eq!(used, PLACEHOLDERS.into_iter().map(String::from).collect());
    }

    #[test]
    fn no_file_holds_what_terraform_would_read_as_a_directive() {
        for (path, text) in STATEMENTS {
            assert!(!text.contains("%{"), "{path}");
        }
    }
}
