//! IAM: roles, managed policies, instance profiles.

use super::Access::{List, Permissions, Read, Tagging, Write};
use super::{Access, Entry, ResourceType};

const ROLE: &[ResourceType] = &[ResourceType::Role];
const POLICY: &[ResourceType] = &[ResourceType::ManagedPolicy];
const PROFILE: &[ResourceType] = &[ResourceType::InstanceProfile];
const USER: &[ResourceType] = &[ResourceType::User];
const NOTHING: &[ResourceType] = &[ResourceType::None];

const BOUNDARY: &[&str] = &["iam:PermissionsBoundary"];
const POLICY_ARN: &[&str] = &["iam:PolicyARN"];

const fn action(
    name: &'static str,
    access: Access,
    resources: &'static [ResourceType],
    keys: &'static [&'static [&'static str]],
) -> Entry {
    Entry {
        name,
        access,
        resources,
        keys,
    }
}

/// Actions of IAM.
pub(super) const ACTIONS: &[Entry] = &[
    action("AddRoleToInstanceProfile", Write, PROFILE, &[]),
    action(
        "AttachRolePolicy",
        Permissions,
        ROLE,
        &[BOUNDARY, POLICY_ARN],
    ),
    action("CreateInstanceProfile", Write, PROFILE, &[]),
    action("CreatePolicy", Permissions, POLICY, &[]),
    action("CreatePolicyVersion", Permissions, POLICY, &[]),
    action("CreateRole", Write, ROLE, &[BOUNDARY]),
    action("DeleteInstanceProfile", Write, PROFILE, &[]),
    action("DeletePolicy", Permissions, POLICY, &[]),
    action("DeletePolicyVersion", Permissions, POLICY, &[]),
    action("DeleteRole", Write, ROLE, &[]),
    action(
        "DeleteRolePermissionsBoundary",
        Permissions,
        ROLE,
        &[BOUNDARY],
    ),
    action("DeleteRolePolicy", Permissions, ROLE, &[BOUNDARY]),
    action(
        "DetachRolePolicy",
        Permissions,
        ROLE,
        &[BOUNDARY, POLICY_ARN],
    ),
    action("GetInstanceProfile", Read, PROFILE, &[]),
    action("GetPolicy", Read, POLICY, &[]),
    action("GetPolicyVersion", Read, POLICY, &[]),
    action("GetRole", Read, ROLE, &[]),
    action("GetRolePolicy", Read, ROLE, &[]),
    action("GetUser", Read, USER, &[]),
    action("ListAttachedRolePolicies", List, ROLE, &[]),
    action("ListEntitiesForPolicy", List, POLICY, &[]),
    action("ListInstanceProfileTags", List, PROFILE, &[]),
    action("ListInstanceProfiles", List, PROFILE, &[]),
    action("ListInstanceProfilesForRole", List, ROLE, &[]),
    action("ListPolicyTags", List, POLICY, &[]),
    action("ListPolicyVersions", List, POLICY, &[]),
    action("ListRolePolicies", List, ROLE, &[]),
    action("ListRoleTags", List, ROLE, &[]),
    action("ListRoles", List, NOTHING, &[]),
    action(
        "PassRole",
        Write,
        ROLE,
        &[&["iam:AssociatedResourceArn", "iam:PassedToService"]],
    ),
    action("PutRolePermissionsBoundary", Permissions, ROLE, &[BOUNDARY]),
    action("PutRolePolicy", Permissions, ROLE, &[BOUNDARY]),
    action("RemoveRoleFromInstanceProfile", Write, PROFILE, &[]),
    action("SetDefaultPolicyVersion", Permissions, POLICY, &[]),
    action("SimulateCustomPolicy", Read, NOTHING, &[]),
    action(
        "SimulatePrincipalPolicy",
        Read,
        &[ResourceType::Role, ResourceType::User],
        &[],
    ),
    action("TagInstanceProfile", Tagging, PROFILE, &[]),
    action("TagPolicy", Tagging, POLICY, &[]),
    action("TagRole", Tagging, ROLE, &[]),
    action("UntagInstanceProfile", Tagging, PROFILE, &[]),
    action("UntagPolicy", Tagging, POLICY, &[]),
    action("UntagRole", Tagging, ROLE, &[]),
    action("UpdateAssumeRolePolicy", Permissions, ROLE, &[]),
    action("UpdateRole", Write, ROLE, &[]),
    action("UpdateRoleDescription", Write, ROLE, &[]),
];

/// Whether `name` lies outside roles, managed policies and instance profiles.
pub(super) fn is_beyond_roles(name: &str) -> bool {
    let names = |families: &[&str]| families.iter().any(|family| name.contains(family));
    names(&[
        "Group",
        "User",
        "ServiceLinkedRole",
        "PasswordPolicy",
        "ContextKeys",
    ]) || !names(&["Role", "Policy", "InstanceProfile"])
}
