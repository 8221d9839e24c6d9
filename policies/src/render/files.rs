//! The statements of `policies/`, compiled in.

/// A file below `policies/`, with its text.
macro_rules! statement {
    ($path:literal) => {
        ($path, include_str!(concat!("../../", $path)))
    };
}

/// What stands in which document.
pub(super) const MANIFEST: &str = include_str!("../../manifest.json");

/// Every statement, by its path below `policies/`.
pub(super) const STATEMENTS: &[(&str, &str)] = &[
    statement!("bucket/deny_customer_keys.json"),
    statement!("bucket/deny_insecure_transport.json"),
    statement!("bucket/deny_old_tls.json"),
    statement!("bucket/deny_other_encryption.json"),
    statement!("bucket/deny_other_keys.json"),
    statement!("delivery/access_logs.json"),
    statement!("delivery/inventory.json"),
    statement!("delivery/queue.json"),
    statement!("delivery/topic.json"),
    statement!("endpoint/data_bucket.json"),
    statement!("endpoint/data_objects.json"),
    statement!("endpoint/results_bucket.json"),
    statement!("endpoint/results_objects.json"),
    statement!("key/bucket_events.json"),
    statement!("key/inventory.json"),
    statement!("key/tenant_role.json"),
    statement!("permission/data_facts.json"),
    statement!("permission/delete_probe_versions.json"),
    statement!("permission/list_data.json"),
    statement!("permission/list_results.json"),
    statement!("permission/list_results_uploads.json"),
    statement!("permission/list_whole_data.json"),
    statement!("permission/list_whole_results.json"),
    statement!("permission/read_data.json"),
    statement!("permission/read_data_versions.json"),
    statement!("permission/read_results_versions.json"),
    statement!("permission/read_write_results.json"),
    statement!("permission/results_facts.json"),
    statement!("permission/use_data_key.json"),
    statement!("permission/use_results_key.json"),
    statement!("session/facts.json"),
    statement!("session/keys.json"),
    statement!("session/list.json"),
    statement!("session/list_uploads.json"),
    statement!("session/list_whole.json"),
    statement!("session/probe.json"),
    statement!("session/read.json"),
    statement!("session/write.json"),
    statement!("trust/assume_with_external_id.json"),
    statement!("trust/ec2.json"),
    statement!("trust/ecs_tasks.json"),
    statement!("trust/set_source_identity.json"),
    statement!("trust/tag_session.json"),
];
