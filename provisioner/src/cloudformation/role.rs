//! The role with its policy, and the VPC endpoint.

use super::{CloudFormationError, Properties, tags};
use crate::model::{Attachment, Desired, DesiredRole, Documents, VpcEndpoint, VpcEndpointKind};
use policies::render::{EndpointPolicy, endpoint_policy};
use serde_json::{Map, Value, json};

/// The role's name in the template.
pub(super) const NAME: &str = "Role";

pub(super) fn add(
    resources: &mut Map<String, Value>,
    desired: &Desired,
    documents: &Documents,
) -> Result<(), CloudFormationError> {
    let Some(role) = &desired.role else {
        return Err(CloudFormationError::NotAws);
    };
    let (Some(trust), Some(permission)) = (&documents.trust, &documents.permission) else {
        return Err(CloudFormationError::Documents);
    };
    let Attachment::Inline { name: policy } = &role.attachment else {
        return Err(CloudFormationError::Unsupported {
            field: "role.policy".to_string(),
            reason: "cannot tag a managed policy, so nobody could tell later whose it is",
            hint: "use role.policy = \"inline\", or Terraform",
        });
    };
    if role.instance_profile.is_some() {
        return Err(CloudFormationError::Unsupported {
            field: "role.compute".to_string(),
            reason: "cannot tag an instance profile, so nobody could tell later whose it is",
            hint: "leave ec2 out of role.compute, or use Terraform",
        });
    }
    let properties = Properties::default()
        .with("RoleName", role.arn.name())
        .with("Path", role.arn.path())
        .with_some(
            "Description",
            (!role.description.is_empty()).then_some(role.description.as_str()),
        )
        .with("AssumeRolePolicyDocument", trust.clone())
        .with("MaxSessionDuration", role.max_session_seconds)
        .with_some(
            "PermissionsBoundary",
            role.boundary.as_ref().map(|arn| arn.as_str()),
        )
        .with(
            "Policies",
            json!([{ "PolicyName": policy, "PolicyDocument": permission }]),
        )
        .with("Tags", tags(&role.tags));
    resources.insert(
        NAME.to_string(),
        json!({ "Type": "AWS::IAM::Role", "Properties": Value::from(properties) }),
    );
    if let Some(endpoint) = &desired.vpc_endpoint {
        let resource = vpc_endpoint(endpoint, role, desired)?;
        resources.insert("VpcEndpoint".to_string(), resource);
    }
    Ok(())
}

fn vpc_endpoint(
    endpoint: &VpcEndpoint,
    role: &DesiredRole,
    desired: &Desired,
) -> Result<Value, CloudFormationError> {
    let policy = endpoint_policy(&EndpointPolicy {
        role: role.arn.clone(),
        data: Some(desired.data().name.clone()),
        results: Some(desired.results().name.clone()),
    })
    .map_err(|_| CloudFormationError::Documents)?;
    let texts = |items: &[String]| items.iter().map(|item| json!(item)).collect::<Vec<_>>();
    let kind = match endpoint.kind {
        VpcEndpointKind::Gateway => "Gateway",
        VpcEndpointKind::Interface => "Interface",
    };
    let properties = Properties::default()
        .with("VpcId", endpoint.vpc_id.as_str())
        .with(
            "ServiceName",
            json!({ "Fn::Sub": "com.amazonaws.${AWS::Region}.s3" }),
        )
        .with("VpcEndpointType", kind)
        .with("PolicyDocument", policy.value().clone())
        .with_list("RouteTableIds", texts(&endpoint.route_table_ids))
        .with_list("SubnetIds", texts(&endpoint.subnet_ids))
        .with_list("SecurityGroupIds", texts(&endpoint.security_group_ids));
    Ok(json!({ "Type": "AWS::EC2::VPCEndpoint", "Properties": Value::from(properties) }))
}
