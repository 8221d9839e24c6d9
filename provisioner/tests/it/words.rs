//! What a mistake is called: the field, the file, the credentials that it is about.

use crate::aws::Aws;
use crate::cycle::sandboxed;

sandboxed! {
    async fn a_wrong_value_is_named_by_its_field(aws) {
        let ended = aws.acme("plan", &["--set", "results.versioning=maybe"]);
        assert_eq!(ended.code, Some(1));
        let said = ended.error()["message"].as_str().unwrap();
        assert!(said.starts_with("the flags: results.versioning: unknown variant"), "{said}");
        assert!(said.contains("hint:"), "{said}");
    }
}

sandboxed! {
    async fn a_wrong_value_deep_in_a_file_is_named_by_its_path(aws) {
        let tenants = |inventory: &str, encryption: &str| format!(
            r#"
                [[tenants]]
                org_id = "first"
                [[tenants]]
                org_id = "second"
                data.inventory = [{{ id = "a" }}, {inventory}]
                data.encryption = {encryption}
            "#
        );
        let kms = r#"{ kind = "sse_kms", key = "k" }"#;
        for (inventory, encryption, place) in [
            (r#"{ id = "b", format = "parquet" }"#, kms, "data.inventory[1].format"),
            (r#"{ id = "b", colour = "red" }"#, kms, "data.inventory[1].colour"),
            (r#"{ id = "b" }"#, r#"{ kind = "sse_kms", key = "k", more = 1 }"#, "data.encryption.more"),
            (r#"{ id = "b" }"#, r#"{ kind = "sse_kmx" }"#, "data.encryption.kind"),
        ] {
            let file = aws.write("tenants.toml", &tenants(inventory, encryption));
            let ended = aws.run(&["plan", "--file", &file.display().to_string()]);
            let said = ended.error()["message"].as_str().unwrap();
            assert!(said.contains(&format!("tenants[1].{place}: ")), "{place}: {said}");
        }
    }
}

sandboxed! {
    async fn a_file_without_certificates_is_no_authority(aws) {
        let file = aws.write("ca.pem", "nothing of the kind").display().to_string();
        let ended = aws.acme("plan", &["--ca-file", &file]);
        assert_eq!(ended.code, Some(1));
        let said = ended.error()["message"].as_str().unwrap();
        assert!(said.contains(&file) && said.contains("no certificate"), "{said}");
    }
}

sandboxed! {
    async fn credentials_of_the_vendor_that_are_wrong_are_called_the_vendors(aws) {
        aws.applied(&[]);
        for command in ["prove", "test"] {
            let mut command = aws.command(&[command, "--org", "acme", "--vendor-role", crate::aws::VENDOR_ROLE]);
            let output = command.env("BYOS_VENDOR_SECRET_ACCESS_KEY", "wrong").output().unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            assert!(said.contains("the vendor's credentials"), "{said}");
        }
    }
}
