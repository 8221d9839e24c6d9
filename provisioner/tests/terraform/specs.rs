//! Specifications that the tests render.

use provisioner::model::{Desired, FileFormat, compile, read_tenants};

/// The least that a tenant needs.
pub(crate) const MINIMAL: &str = r#"
    org_id = "acme"
    project = "pulse"
    region = "eu-central-1"
    account = "222222222222"
    role.vendor_role = "arn:aws:iam::111111111111:role/byos-gateway"
"#;

/// A bit of everything that needs neither a KMS key nor a network.
pub(crate) const RICH: &str = r#"
    base_path = "extractions/"
    list_uploads = true
    tags = { cost = "42", "Kosten Stelle" = "Zürich @ 1=1" }

    role.path = "/byos/"
    role.description = "Zugriff auf \"Acme\" & Söhne, 100 % (prod) \\ $5 {net}"
    role.session_tags = true

    [data]
    versioning = "enabled"
    encryption = { kind = "sse_s3" }
    blocked_encryption = ["SSE-C"]
    refuse_other_encryption = true
    refuse_customer_keys = true
    abort_incomplete_days = 3
    transition_minimum = "varies_by_storage_class"
    logging = { key_format = "partitioned_by_event_time" }
    tags = { class = "customer" }

    [[data.lifecycle]]
    id = "cold"
    prefix = "extractions/"
    tags = { keep = "cold" }
    larger_than = 131072
    expire_days = 365
    transitions = [{ days = 30, class = "STANDARD_IA" }, { days = 90, class = "GLACIER" }]

    [[data.lifecycle]]
    id = "old"
    noncurrent_expire_days = 90
    noncurrent_keep = 2
    expire_delete_markers = true
    noncurrent_transitions = [{ days = 30, class = "GLACIER_IR" }]

    [[data.lifecycle]]
    id = "one-tag"
    tags = { keep = "short" }
    expire_days = 5

    [[data.lifecycle]]
    id = "small"
    smaller_than = 100
    expire_days = 6

    [[data.cors]]
    id = "web"
    origins = ["https://app.example.com"]
    methods = ["PUT", "GET"]
    headers = ["*"]
    expose_headers = ["ETag"]
    max_age_seconds = 3000

    [[data.cors]]
    origins = ["https://*.example.org"]
    methods = ["HEAD"]

    [data.notifications]
    event_bridge = true

    [[data.inventory]]
    id = "weekly"
    frequency = "weekly"
    format = "Parquet"
    all_versions = true
    prefix = "extractions/"
    fields = ["Size", "ETag"]

    [results]
    versioning = "enabled"
    object_lock = { mode = "governance", days = 7 }
    logging = {}

    [[results.inventory]]
    id = "daily"
"#;

/// What `compile` makes of the minimal specification with more.
pub(crate) fn desired(more: &str) -> Desired {
    let text = format!("{MINIMAL}\n{more}");
    let spec = read_tenants(&text, FileFormat::Toml).unwrap().remove(0);
    compile(&spec, None).unwrap_or_else(|problems| panic!("{problems}"))
}

/// Everything that the renderer can meet, in several specifications because some exclude others.
pub(crate) fn gallery() -> Vec<(&'static str, Desired)> {
    const KMS: &str = r#"
        namespace = "account_regional"
        data.encryption = { kind = "sse_kms", key = "arn:aws:kms:eu-central-1:222222222222:key/1-2" }
        results.encryption = { kind = "sse_kms", key = "arn:aws:kms:eu-central-1:222222222222:key/3-4", bucket_key = false, dual_layer = true }
        results.refuse_other_encryption = true
        results.versioning = "suspended"
        role.policy = "managed"
        role.boundary = "arn:aws:iam::222222222222:policy/limits"
        vpc_endpoint = { vpc_id = "vpc-0123456789abcdef0", route_table_ids = ["rtb-0123456789abcdef0"] }
        [[data.notifications.entries]]
        id = "queue"
        destination = "arn:aws:sqs:eu-central-1:222222222222:q"
        events = ["s3:ObjectCreated:*"]
        prefix = "a/"
        suffix = ".pdf"
        [[data.notifications.entries]]
        id = "topic"
        destination = "arn:aws:sns:eu-central-1:222222222222:t"
        events = ["s3:ObjectRemoved:*"]
        [[results.notifications.entries]]
        id = "function"
        destination = "arn:aws:lambda:eu-central-1:222222222222:function:f"
        events = ["s3:ObjectTagging:Put", "s3:ObjectTagging:Delete"]
        [results.logging]
        target = "somebody-elses-logs"
        prefix = ""
        key_format = "partitioned_by_delivery_time"
    "#;
    const INTERFACE: &str = r#"
        list_uploads = true
        [vpc_endpoint]
        vpc_id = "vpc-0123456789abcdef0"
        kind = "interface"
        subnet_ids = ["subnet-0123456789abcdef0"]
        security_group_ids = ["sg-0123456789abcdef0"]
    "#;
    vec![
        ("minimal", desired("")),
        ("rich", desired(RICH)),
        ("kms", desired(KMS)),
        ("interface", desired(INTERFACE)),
        ("compute", compute("")),
        ("managed compute", compute("role.policy = \"managed\"")),
    ]
}

/// A role for workers instead of the vendor.
pub(crate) fn compute(more: &str) -> Desired {
    let text = format!(
        r#"
        org_id = "acme"
        project = "pulse"
        region = "eu-central-1"
        account = "222222222222"
        role.compute = ["ec2", "ecs_tasks"]
        {more}
        "#
    );
    let spec = read_tenants(&text, FileFormat::Toml).unwrap().remove(0);
    compile(&spec, None).unwrap_or_else(|problems| panic!("{problems}"))
}
