//! The modules as they lie in the checkout.

use crate::harness::{Provider, checkout, environment, root, run, succeed};
use std::path::Path;

/// Folders that stand for themselves: with a provider, each is initialised and validated.
const ROOTS: [&str; 5] = [
    "terraform/poc",
    "terraform/examples/minimal",
    "terraform/examples/complete",
    "terraform/modules/tenant-storage",
    "terraform/modules/policy-documents",
];

#[test]
fn every_file_is_formatted() {
    let (code, said) = run(
        root(),
        &environment(),
        &["fmt", "-check", "-diff", "-recursive", "terraform"],
    );
    assert_eq!(code, 0, "{said}");
}

#[test]
fn every_module_and_example_validates_against_the_real_schema() {
    let checkout = checkout();
    let provider = Provider::detached();
    for folder in ROOTS {
        let folder = checkout.path().join(folder);
        succeed(
            &folder,
            &provider.environment(),
            &["init", "-input=false", "-no-color"],
        );
        let said = succeed(&folder, &provider.environment(), &["validate", "-no-color"]);
        assert!(!said.contains("Warning"), "{}: {said}", folder.display());
    }
}

#[test]
fn the_tests_of_the_modules_pass() {
    let checkout = checkout();
    let provider = Provider::detached();
    for folder in ["terraform/poc", "terraform/modules/tenant-storage"] {
        let folder = checkout.path().join(folder);
        succeed(
            &folder,
            &provider.environment(),
            &["init", "-input=false", "-no-color"],
        );
        let said = succeed(&folder, &provider.environment(), &["test", "-no-color"]);
        assert!(said.contains(", 0 failed."), "{said}");
    }
}

#[test]
fn a_misspelt_argument_does_not_validate() {
    let checkout = checkout();
    let provider = Provider::detached();
    let module = checkout.path().join("terraform/modules/tenant-storage");
    let main = module.join("main.tf");
    let text = std::fs::read_to_string(&main).unwrap();
    std::fs::write(
        &main,
        text.replace("block_public_acls  ", "block_public_aclz  "),
    )
    .unwrap();
    succeed(&module, &provider.environment(), &["init", "-input=false"]);
    let (code, said) = run(&module, &provider.environment(), &["validate", "-no-color"]);
    assert_eq!(code, 1, "{said}");
    let said = said.replace('\n', " ");
    assert!(
        said.contains("Did you mean \"block_public_acls\"?"),
        "{said}"
    );
}

#[test]
fn nothing_deprecated_and_no_any_is_used() {
    // Source: upgrade guides of the provider, versions 4 to 6.
    const DEPRECATED: [&str; 9] = [
        "expected_bucket_owner",
        "managed_policy_arns",
        "inline_policy",
        "aws_s3_bucket_acl",
        "aws_s3_bucket_object\"",
        "data.aws_region.current.name",
        "data.aws_region.current.id",
        "force_destroy",
        "= any",
    ];
    for file in terraform_files(&root().join("terraform")) {
        let text = std::fs::read_to_string(&file).unwrap();
        for word in DEPRECATED {
            assert!(!text.contains(word), "{} has {word}", file.display());
        }
    }
}

#[test]
fn public_access_and_ownership_have_no_variable() {
    const FIXED: [&str; 5] = [
        "block_public_acls",
        "block_public_policy",
        "ignore_public_acls",
        "restrict_public_buckets",
        "object_ownership",
    ];
    let main = root().join("terraform/modules/tenant-storage/main.tf");
    let text = std::fs::read_to_string(main).unwrap();
    for name in FIXED {
        let mut lines = text
            .lines()
            .map(str::trim)
            .filter(|line| line.starts_with(name));
        let line = lines.next().unwrap_or_else(|| panic!("{name} is not set"));
        assert!(
            line.ends_with("= true") || line.ends_with("\"BucketOwnerEnforced\""),
            "{line}"
        );
        assert!(lines.next().is_none(), "{name} is set twice");
    }
}

#[test]
fn every_variable_and_output_is_described() {
    for file in terraform_files(&root().join("terraform")) {
        let text = std::fs::read_to_string(&file).unwrap();
        let body = hcl::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        for block in body.blocks() {
            let kind = block.identifier();
            if kind != "variable" && kind != "output" {
                continue;
            }
            let has = |key: &str| block.body().attributes().any(|a| a.key() == key);
            let name = block.labels()[0].as_str();
            assert!(has("description"), "{}: {kind} {name}", file.display());
            assert!(
                kind == "output" || has("type"),
                "{}: {name}",
                file.display()
            );
        }
    }
}

fn terraform_files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with(".terraform") {
            found.extend(terraform_files(&path));
        } else if path.extension().is_some_and(|e| e == "tf") {
            found.push(path);
        }
    }
    found
}
