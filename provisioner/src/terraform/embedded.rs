//! The modules and the policies that a configuration needs, compiled in.

/// Every file, by its path below the root of the configuration: the modules look for the policies
/// where these paths put them.
pub(super) const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

#[cfg(test)]
mod tests {
    use super::FILES;

    #[test]
    fn every_statement_of_the_manifest_goes_along() {
        let text = |path: &str| FILES.iter().find(|(name, _)| *name == path).map(|f| f.1);
        let manifest: serde_json::Value =
            serde_json::from_str(text("policies/manifest.json").unwrap()).unwrap();
        let documents = manifest["documents"].as_object().unwrap().values();
        for statement in documents.flat_map(|d| d["statements"].as_array().unwrap()) {
            let file = format!("policies/{}", statement["file"].as_str().unwrap());
            assert!(text(&file).is_some(), "{file}");
        }
    }

    #[test]
    fn nothing_goes_along_that_is_for_tests_only() {
        for (path, _) in FILES {
            assert!(
                !path.contains("golden") && !path.contains("/tests/"),
                "{path}"
            );
        }
    }
}
