//! A link that opens the console of the customer with the template filled in.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use types::{Partition, Region, TenantId};

/// What stands in a query as it is.
const PLAIN: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');
/// Source: CloudFormation API reference, CreateStack, StackName.
const MAX_STACK_NAME: usize = 128;

/// Why no link can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// CloudFormation fetches templates from S3 only, and only over TLS.
    #[error("the template's address must begin with https:// and be one of S3")]
    TemplateUrl,
    /// Not a name for a stack.
    #[error("a stack name has 1 to 128 letters, digits and '-', and begins with a letter")]
    StackName,
}

/// The name of a tenant's stack.
pub fn stack_name(tenant: &TenantId) -> String {
    format!("byos-{}", tenant.as_str().replace('_', "-"))
}

/// The link that opens CloudFormation's console at "quick create stack".
///
/// Everything that matters is inside the template; the person only acknowledges that it makes a
/// role with a name. The template's address should be a presigned one that lives for a day.
///
/// # Errors
/// For an address or a name that CloudFormation would refuse.
pub fn quick_create_link(
    region: &Region,
    template_url: &str,
    stack_name: &str,
) -> Result<String, LinkError> {
    let in_s3 = template_url
        .strip_prefix("https://")
        .and_then(|rest| rest.split(['/', '?', '#']).next())
        .is_some_and(|host| {
            [".amazonaws.com", ".amazonaws.com.cn"]
                .iter()
                .any(|end| host.ends_with(end))
        });
    if !in_s3 || template_url.bytes().any(|b| !b.is_ascii_graphic()) {
        return Err(LinkError::TemplateUrl);
    }
    let is_name = stack_name.len() <= MAX_STACK_NAME
        && stack_name.starts_with(|c: char| c.is_ascii_alphabetic())
        && stack_name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !is_name {
        return Err(LinkError::StackName);
    }
    let console = match Partition::of_region(region) {
        Partition::Aws => format!("{region}.console.aws.amazon.com"),
        Partition::AwsCn => "console.amazonaws.cn".to_string(),
        Partition::AwsUsGov => "console.amazonaws-us-gov.com".to_string(),
    };
    let template_url = utf8_percent_encode(template_url, &PLAIN);
    Ok(format!(
        "https://{console}/cloudformation/home?region={region}#/stacks/create/review?templateURL={template_url}&stackName={stack_name}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region() -> Region {
        Region::parse("eu-central-1").unwrap()
    }

    #[test]
    fn the_template_s_address_is_one_value_whatever_it_has_in_it() {
        let url = "https://templates.s3.eu-central-1.amazonaws.com/acme.json?X-Amz-Date=1&b=2#c";
        let link = quick_create_link(&region(), url, "byos-acme").unwrap();
        assert_eq!(
            link,
            "https://eu-central-1.console.aws.amazon.com/cloudformation/home?region=eu-central-1\
             #/stacks/create/review?templateURL=https%3A%2F%2Ftemplates.s3.eu-central-1.amazonaws.com\
             %2Facme.json%3FX-Amz-Date%3D1%26b%3D2%23c&stackName=byos-acme"
        );
    }

    #[test]
    fn every_tenant_has_a_stack_name_that_cloudformation_takes() {
        for org in ["a", "_", "-", "Acme_1", &"9".repeat(64)] {
            let name = stack_name(&TenantId::parse(org).unwrap());
            let link = quick_create_link(&region(), "https://t.s3.amazonaws.com/a.json", &name);
            assert!(link.is_ok(), "{org}");
        }
    }

    #[test]
    fn what_cloudformation_would_refuse_is_refused_before() {
        let good = "https://t.s3.amazonaws.com/a.json";
        for url in [
            "http://t.s3.amazonaws.com/a.json",
            "https://example.com/a.json",
            "https://example.com/?x=.amazonaws.com",
            "https://t.s3.amazonaws.com.example.com/a.json",
            "https://t.s3.amazonaws.com/a b",
        ] {
            let link = quick_create_link(&region(), url, "byos");
            assert_eq!(link, Err(LinkError::TemplateUrl), "{url}");
        }
        for name in ["", "1a", "a_b", "a&param_X=1", &"a".repeat(129)] {
            let link = quick_create_link(&region(), good, name);
            assert_eq!(link, Err(LinkError::StackName), "{name}");
        }
    }
}
