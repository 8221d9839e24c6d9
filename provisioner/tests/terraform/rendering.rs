//! The configuration that is written: its form, and what the real terraform thinks of it.

use crate::harness::{Provider, environment, folder, run, succeed};
use crate::specs::{desired, gallery};
use provisioner::model::{FileFormat, Namespace, Purpose, compile, read_tenants};
use provisioner::terraform::{TerraformError, render};

#[test]
fn terraform_fmt_finds_nothing_to_do() {
    for (name, desired) in gallery() {
        let folder = folder(&render(&desired).unwrap());
        let (code, said) = run(
            folder.path(),
            &environment(),
            &["fmt", "-check", "-diff", "-recursive"],
        );
        assert_eq!(code, 0, "{name}:\n{said}");
    }
}

#[test]
fn the_same_model_gives_the_same_bytes() {
    for (name, desired) in gallery() {
        assert_eq!(
            render(&desired).unwrap(),
            render(&desired.clone()).unwrap(),
            "{name}"
        );
    }
}

#[test]
fn another_parser_reads_the_tree_that_was_meant() {
    for (name, desired) in gallery() {
        let files = render(&desired).unwrap();
        let body = hcl::parse(files.get("main.tf").unwrap()).unwrap();
        let again = provisioner::terraform::print(&body).unwrap();
        let (_, without_header) = files.get("main.tf").unwrap().split_once("\n\n").unwrap();
        assert_eq!(again, without_header, "{name}");
    }
}

#[test]
fn terraform_validates_and_plans_every_configuration() {
    let sandbox = crate::stores::Sandbox::start();
    let provider = Provider::start(&sandbox.endpoint, &sandbox.access_key_id, &sandbox.secret);
    for (name, desired) in gallery() {
        let folder = folder(&render(&desired).unwrap());
        let environment = provider.environment();
        succeed(folder.path(), &environment, &["init", "-input=false"]);
        succeed(folder.path(), &environment, &["validate"]);
        let (code, said) = run(
            folder.path(),
            &environment,
            &["plan", "-input=false", "-no-color", "-detailed-exitcode"],
        );
        assert_eq!(code, 2, "{name}:\n{said}");
        let resources = said.matches(" will be created").count();
        assert!(said.contains(&format!(
            "Plan: {resources} to add, 0 to change, 0 to destroy."
        )));
        let blocks = said
            .matches("resource \"aws_s3_bucket_public_access_block\"")
            .count();
        assert_eq!(blocks, desired.buckets.len(), "{name}");
    }
}

#[test]
fn keys_of_another_account_are_stopped_before_anything_is_made() {
    let sandbox = crate::stores::Sandbox::start();
    let provider = Provider::start(&sandbox.endpoint, &sandbox.access_key_id, &sandbox.secret);
    let mut elsewhere = desired("");
    let spec = crate::specs::MINIMAL.replace("222222222222", "333333333333");
    let spec = read_tenants(&spec, FileFormat::Toml).unwrap().remove(0);
    elsewhere.clone_from(&compile(&spec, None).unwrap());
    let folder = folder(&render(&elsewhere).unwrap());
    let environment = provider.environment();
    succeed(folder.path(), &environment, &["init", "-input=false"]);
    let (code, said) = run(
        folder.path(),
        &environment,
        &["apply", "-auto-approve", "-input=false", "-no-color"],
    );
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("AWS account ID not allowed"), "{said}");
    assert!(provider.calls().is_empty());
}

#[test]
fn a_store_that_is_not_aws_is_refused_with_the_way_that_works() {
    let text = r#"
        org_id = "acme"
        region = "garage"
        compatible = { endpoint = "https://s3.example.com" }
    "#;
    let spec = read_tenants(text, FileFormat::Toml).unwrap().remove(0);
    let error = render(&compile(&spec, None).unwrap()).unwrap_err();
    assert_eq!(error, TerraformError::NotAws);
    assert!(
        error
            .to_string()
            .contains("hint: leave --via terraform out")
    );
}

#[test]
fn rules_for_browsers_whose_order_matters_are_refused() {
    let rules = |second: &str| {
        format!(
            r#"data.cors = [
                {{ origins = ["https://*.example.com"], methods = ["GET", "PUT"], max_age_seconds = 5 }},
                {{ origins = ["{second}"], methods = ["GET"] }},
            ]"#
        )
    };
    let error = render(&desired(&rules("https://a.example.com"))).unwrap_err();
    let bucket = Purpose::Data;
    assert_eq!(
        error,
        TerraformError::CorsOrder {
            bucket,
            rules: (0, 1)
        }
    );
    assert!(error.to_string().starts_with("data.cors: rules 1 and 2 "));
    render(&desired(&rules("https://a.example.net"))).unwrap();
}

#[test]
fn the_gallery_shows_every_namespace() {
    let all = gallery();
    let has = |namespace| all.iter().any(|(_, d)| d.data().namespace == namespace);
    assert!(has(Namespace::Global) && has(Namespace::AccountRegional));
}
