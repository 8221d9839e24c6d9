//! STS.

use super::Access::{Read, Tagging, Write};
use super::{Access, Entry, ResourceType};

const ROLE: &[ResourceType] = &[ResourceType::Role];
const ROLE_OR_USER: &[ResourceType] = &[ResourceType::Role, ResourceType::User];
const NOTHING: &[ResourceType] = &[ResourceType::None];

const SESSION: &[&str] = &["sts:RoleSessionName", "sts:SourceIdentity"];
const TAGS: &[&str] = &["sts:TransitiveTagKeys"];
const IDENTITY_PROVIDERS: &[&str] = &[
    "accounts.google.com:*",
    "cognito-identity.amazonaws.com:*",
    "graph.facebook.com:*",
    "www.amazon.com:*",
];
const SAML: &[&str] = &["saml:*"];

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

/// Every action of STS that has an IAM name.
pub(super) const ACTIONS: &[Entry] = &[
    action(
        "AssumeRole",
        Write,
        ROLE,
        &[
            SESSION,
            TAGS,
            &["sts:ExternalId", "iam:ResourceTag/*"],
            IDENTITY_PROVIDERS,
            SAML,
        ],
    ),
    action("AssumeRoleWithSAML", Write, ROLE, &[SESSION, TAGS, SAML]),
    action(
        "AssumeRoleWithWebIdentity",
        Write,
        ROLE,
        &[SESSION, TAGS, IDENTITY_PROVIDERS],
    ),
    action(
        "AssumeRoot",
        Write,
        &[ResourceType::RootUser],
        &[&["sts:TaskPolicyArn"]],
    ),
    action("DecodeAuthorizationMessage", Write, NOTHING, &[]),
    action("GetAccessKeyInfo", Read, NOTHING, &[]),
    action("GetCallerIdentity", Read, NOTHING, &[]),
    action("GetFederationToken", Read, &[ResourceType::User], &[]),
    action(
        "GetServiceBearerToken",
        Read,
        NOTHING,
        &[&["sts:AWSServiceName", "sts:DurationSeconds"]],
    ),
    action("GetSessionToken", Read, NOTHING, &[]),
    action(
        "SetContext",
        Write,
        &[ResourceType::Role, ResourceType::SelfSession],
        &[&["sts:RequestContext/*", "sts:RequestContextProviders"]],
    ),
    action(
        "SetSourceIdentity",
        Write,
        ROLE_OR_USER,
        &[&["sts:SourceIdentity"]],
    ),
    action("TagSession", Tagging, ROLE_OR_USER, &[TAGS, &["saml:aud"]]),
];
