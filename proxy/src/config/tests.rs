use super::*;

const GOOD: &str = r#"
[gateway]
listen = "127.0.0.1:0"
domains = ["s3.example.com"]

[store]
engine = "memory"

[upstream]
allow_http = true
allow_private = ["127.0.0.0/8"]

[[tenants]]
id = "acme"
role = "arn:aws:iam::222222222222:role/byos"

[[tenants.buckets]]
name = "data"
bucket = "acme-data"
region = "eu-central-1"
prefix = "orgs/acme/"
access = "read_only"

[[tenants.keys]]
id = "BYOSACMEKEY0000001"
secret_env = "ACME_SECRET"
"#;

fn environment(name: &str) -> Option<String> {
    match name {
        "ACME_SECRET" => Some("acme-secret".into()),
        "AWS_ACCESS_KEY_ID" => Some("AKIAGATEWAY00000001".into()),
        "AWS_SECRET_ACCESS_KEY" => Some("gateway-secret".into()),
        _ => None,
    }
}

fn paths_of(text: &str) -> Vec<String> {
    let mistakes = Settings::parse(text, &environment).unwrap_err();
    mistakes.into_iter().map(|mistake| mistake.path).collect()
}

#[test]
fn a_good_file_becomes_types() {
    let settings = Settings::parse(GOOD, &environment).unwrap();
    assert_eq!(settings.tenants.len(), 1);
    assert_eq!(
        settings.tenants[0].config.external_id().unwrap().as_str(),
        "pulse-org-acme"
    );
    assert_eq!(settings.tenants[0].keys[0].secret.expose(), "acme-secret");
    assert_eq!(settings.gateway.domains[0].as_str(), "s3.example.com");
}

#[test]
fn an_empty_file_is_a_gateway_without_tenants() {
    let settings = Settings::parse("", &environment).unwrap();
    assert!(settings.tenants.is_empty());
    assert_eq!(settings.gateway.listen.to_string(), "127.0.0.1:9000");
}

#[test]
fn every_mistake_is_reported_at_once_with_its_path() {
    let text = GOOD
        .replace("\"127.0.0.1:0\"", "\"somewhere\"")
        .replace("127.0.0.0/8", "127.0.0.0/99")
        .replace("acme-data", "Acme_Data")
        .replace("read_only", "readonly")
        .replace("ACME_SECRET", "NOT_SET")
        + "colour = \"blue\"\n";
    assert_eq!(
        paths_of(&text),
        [
            "gateway.listen",
            "upstream.allow_private[0]",
            "tenants[0].buckets[0].bucket",
            "tenants[0].buckets[0].access",
            "tenants[0].keys[0].secret_env",
            "tenants[0].keys[0].colour",
        ]
    );
}

#[test]
fn a_secret_in_the_file_is_refused_and_not_echoed() {
    let text = GOOD.replace("secret_env = \"ACME_SECRET\"", "secret = \"canary-7\"");
    let mistakes = Settings::parse(&text, &environment).unwrap_err();
    assert!(
        mistakes
            .iter()
            .any(|mistake| mistake.path == "tenants[0].keys[0].secret")
    );
    assert!(!format!("{mistakes:?}").contains("canary-7"));
}

#[test]
fn a_role_without_gateway_credentials_is_a_mistake() {
    let only_secret = |name: &str| environment(name).filter(|_| name == "ACME_SECRET");
    let mistakes = Settings::parse(GOOD, &only_secret).unwrap_err();
    assert_eq!(mistakes[0].path, "tenants[0]");
}

#[test]
fn clear_text_upstreams_need_the_operators_word() {
    let text = GOOD
        .replace("allow_http = true", "allow_http = false")
        .replace(
            "region = \"eu-central-1\"",
            "region = \"eu-central-1\"\nendpoint = \"http://127.0.0.1:1\"",
        );
    assert_eq!(paths_of(&text), ["tenants[0]"]);
}

#[test]
fn a_tenant_needs_one_way_in_and_not_two() {
    let none = GOOD.replace("role = \"arn:aws:iam::222222222222:role/byos\"", "");
    assert_eq!(paths_of(&none), ["tenants[0].role"]);
    let both = GOOD.replace(
        "[[tenants.buckets]]",
        "[tenants.static_keys]\naccess_key_id = \"k\"\nsecret_access_key_env = \"ACME_SECRET\"\n[[tenants.buckets]]",
    );
    assert_eq!(paths_of(&both), ["tenants[0].role"]);
}

#[test]
fn what_is_not_toml_names_its_line_and_not_its_content() {
    let mistakes = Settings::parse("[gateway]\nsecret = canary-8", &environment).unwrap_err();
    assert!(
        mistakes[0].reason.starts_with("line 2 is not TOML"),
        "{mistakes:?}"
    );
    assert!(!mistakes[0].reason.contains("canary-8"));
}

#[test]
fn the_example_in_the_documentation_has_no_mistakes() {
    let page = include_str!("../../../docs/configuration.md");
    let example = page
        .split("```toml\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next());
    let secrets = |name: &str| {
        name.starts_with("BYOS_")
            .then(|| format!("secret of {name}"))
    };
    let settings = Settings::parse(example.unwrap(), &secrets).unwrap();
    assert_eq!(settings.tenants.len(), 2);
    assert_eq!(settings.tenants[0].keys.len(), 2);
}
