//! The tables of the READMEs say what the files say, and every validation has its refusal.

use crate::harness::root;
use std::collections::BTreeMap;

const FOLDERS: [&str; 3] = ["poc", "modules/tenant-storage", "modules/policy-documents"];

/// A variable: its name, its default as it is written, how many validations it has.
#[derive(Debug, PartialEq, Eq)]
struct Variable {
    name: String,
    default: Option<String>,
    validations: usize,
}

fn read(folder: &str, file: &str) -> String {
    let path = root().join("terraform").join(folder).join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn variables(folder: &str) -> Vec<Variable> {
    let mut all: Vec<Variable> = Vec::new();
    for line in read(folder, "variables.tf").lines() {
        if let Some(rest) = line.strip_prefix("variable \"") {
            all.push(Variable {
                name: rest.split('"').next().unwrap().to_string(),
                default: None,
                validations: 0,
            });
        } else if let Some(default) = line.strip_prefix("  default ") {
            let default = default.trim_start().trim_start_matches("= ");
            all.last_mut().unwrap().default = Some(default.to_string());
        } else if line == "  validation {" {
            all.last_mut().unwrap().validations += 1;
        }
    }
    all
}

/// The cells of the rows of the table below `heading`.
fn table(readme: &str, heading: &str) -> Vec<Vec<String>> {
    let (_, rest) = readme
        .split_once(&format!("\n## {heading}\n"))
        .unwrap_or_else(|| panic!("no {heading}"));
    let section = rest.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let row = row.trim_start_matches("| ").trim_end_matches(" |");
        row.split(" | ").map(String::from).collect()
    })
    .collect()
}

#[test]
fn the_tables_name_every_variable_with_its_default_and_every_output_with_its_words() {
    for folder in FOLDERS {
        let readme = read(folder, "README.md");
        let wanted: Vec<(String, String)> = variables(folder)
            .into_iter()
            .map(|variable| {
                let default = variable.default.map(|text| format!("`{text}`"));
                let default = default.unwrap_or_else(|| "(required)".to_string());
                (format!("`{}`", variable.name), default)
            })
            .collect();
        let told: Vec<(String, String)> = table(&readme, "Variables")
            .into_iter()
            .map(|cells| (cells[0].clone(), cells[1].clone()))
            .collect();
        assert_eq!(told, wanted, "{folder}");

        let body = hcl::parse(&read(folder, "outputs.tf")).unwrap();
        let wanted: Vec<Vec<String>> = body
            .blocks()
            .map(|block| {
                let described = block.body().attributes().find(|a| a.key() == "description");
                let hcl::Expression::String(words) = described.unwrap().expr() else {
                    panic!("a description is a text");
                };
                vec![format!("`{}`", block.labels()[0].as_str()), words.clone()]
            })
            .collect();
        assert_eq!(table(&readme, "Outputs"), wanted, "{folder}");
    }
}

#[test]
fn every_validation_has_a_test_that_it_refuses() {
    for folder in FOLDERS {
        let mut refusals: BTreeMap<String, usize> = BTreeMap::new();
        let tests = root().join("terraform").join(folder).join("tests");
        for file in std::fs::read_dir(tests).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            for word in text.split("expect_failures = [").skip(1) {
                for variable in word.split(']').next().unwrap().split(',') {
                    if let Some(name) = variable.trim().strip_prefix("var.") {
                        *refusals.entry(name.to_string()).or_default() += 1;
                    }
                }
            }
        }
        for variable in variables(folder) {
            let tested = refusals.get(&variable.name).copied().unwrap_or_default();
            let wanted = variable.validations;
            assert!(
                tested >= wanted,
                "{folder}: {}: {tested} of {wanted}",
                variable.name
            );
        }
    }
}
