//! The documentation keeps step with the code.

use s3::{ErrorCode, Operation};

const SEMANTICS: &str = include_str!("../../../../docs/semantics.md");

#[test]
fn every_operation_has_its_section_in_the_semantics() {
    for name in Operation::NAMES {
        let section = format!("\n### {name}\n");
        assert!(
            SEMANTICS.contains(&section),
            "docs/semantics.md has no section {name}"
        );
    }
}

#[test]
fn every_section_of_the_semantics_is_an_operation() {
    let (_, operations) = SEMANTICS.split_once("\n## Operations\n").unwrap();
    let (operations, _) = operations.split_once("\n## ").unwrap();
    for line in operations
        .lines()
        .filter_map(|line| line.strip_prefix("### "))
    {
        assert!(Operation::NAMES.contains(&line), "{line} is no operation");
    }
}

#[test]
fn every_error_code_that_is_not_s3s_own_is_explained() {
    for code in ErrorCode::ALL.iter().map(|code| code.as_str()) {
        if code.starts_with("TenantStorage") {
            assert!(SEMANTICS.contains(&format!("`{code}`")), "{code}");
        }
    }
}
