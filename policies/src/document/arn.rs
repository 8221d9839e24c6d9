//! The shape of resource ARNs, as IAM checks it.

/// Partitions that exist. Source: AWS General Reference, "Amazon Resource Names".
const PARTITIONS: [&str; 9] = [
    "aws",
    "aws-cn",
    "aws-us-gov",
    "aws-iso",
    "aws-iso-b",
    "aws-iso-e",
    "aws-iso-f",
    "aws-eusc",
    "*",
];

/// Checks a `Resource` value; the error is the rule that it breaks.
pub(super) fn check_resource(text: &str) -> Result<(), &'static str> {
    if text == "*" {
        return Ok(());
    }
    let fields: Vec<&str> = text.splitn(6, ':').collect();
    let ["arn", partition, service, _, _, resource] = fields[..] else {
        return Err("it must be in ARN format or \"*\"");
    };
    if !PARTITIONS.contains(&partition) {
        return Err("its partition does not exist");
    }
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    if service != "*" && (service.is_empty() || !service.bytes().all(plain)) {
        return Err("its service must be a name without wildcards");
    }
    if resource.is_empty() {
        return Err("its last field is empty");
    }
    Ok(())
}
