//! KMS: what S3 uses, and what administers a key.

use super::Access::{List, Permissions, Read, Tagging, Write};
use super::{Access, Entry, ResourceType};

const KEY: &[ResourceType] = &[ResourceType::Key];
const ALIAS_AND_KEY: &[ResourceType] = &[ResourceType::Alias, ResourceType::Key];
const NOTHING: &[ResourceType] = &[ResourceType::None];

const CALLER: &[&str] = &["kms:CallerAccount", "kms:ViaService"];
const CRYPTOGRAPHIC: &[&str] = &[
    "kms:EncryptionAlgorithm",
    "kms:EncryptionContext:*",
    "kms:EncryptionContextKeys",
    "kms:RequestAlias",
];
const ATTESTED: &[&str] = &["kms:RecipientAttestation:*"];
const GRANTS: &[&str] = &["kms:GrantIsForAWSResource"];

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

/// Actions of KMS.
pub(super) const ACTIONS: &[Entry] = &[
    action("CancelKeyDeletion", Write, KEY, &[CALLER]),
    action("CreateAlias", Write, ALIAS_AND_KEY, &[CALLER]),
    action(
        "CreateGrant",
        Permissions,
        KEY,
        &[
            CALLER,
            GRANTS,
            &[
                "kms:EncryptionContext:*",
                "kms:EncryptionContextKeys",
                "kms:GrantConstraintType",
                "kms:GrantOperations",
                "kms:GranteePrincipal",
                "kms:RetiringPrincipal",
            ],
        ],
    ),
    action(
        "CreateKey",
        Write,
        NOTHING,
        &[
            CALLER,
            &[
                "kms:BypassPolicyLockoutSafetyCheck",
                "kms:KeyOrigin",
                "kms:KeySpec",
                "kms:KeyUsage",
                "kms:MultiRegion",
                "kms:MultiRegionKeyType",
            ],
        ],
    ),
    action("Decrypt", Write, KEY, &[CALLER, CRYPTOGRAPHIC, ATTESTED]),
    action("DeleteAlias", Write, ALIAS_AND_KEY, &[CALLER]),
    action("DeleteImportedKeyMaterial", Write, KEY, &[CALLER]),
    action("DescribeKey", Read, KEY, &[CALLER, &["kms:RequestAlias"]]),
    action("DisableKey", Write, KEY, &[CALLER]),
    action("DisableKeyRotation", Write, KEY, &[CALLER]),
    action("EnableKey", Write, KEY, &[CALLER]),
    action(
        "EnableKeyRotation",
        Write,
        KEY,
        &[CALLER, &["kms:RotationPeriodInDays"]],
    ),
    action("Encrypt", Write, KEY, &[CALLER, CRYPTOGRAPHIC]),
    action(
        "GenerateDataKey",
        Write,
        KEY,
        &[CALLER, CRYPTOGRAPHIC, ATTESTED],
    ),
    action(
        "GenerateDataKeyPair",
        Write,
        KEY,
        &[CALLER, CRYPTOGRAPHIC, ATTESTED, &["kms:DataKeyPairSpec"]],
    ),
    action(
        "GenerateDataKeyPairWithoutPlaintext",
        Write,
        KEY,
        &[CALLER, CRYPTOGRAPHIC, &["kms:DataKeyPairSpec"]],
    ),
    action(
        "GenerateDataKeyWithoutPlaintext",
        Write,
        KEY,
        &[CALLER, CRYPTOGRAPHIC],
    ),
    action("GetKeyPolicy", Read, KEY, &[CALLER]),
    action("GetKeyRotationStatus", Read, KEY, &[CALLER]),
    action("ListAliases", List, NOTHING, &[]),
    action("ListGrants", List, KEY, &[CALLER, GRANTS]),
    action("ListKeyPolicies", List, KEY, &[CALLER]),
    action("ListKeyRotations", List, KEY, &[CALLER]),
    action("ListKeys", List, NOTHING, &[]),
    action("ListResourceTags", List, KEY, &[CALLER]),
    action("ListRetirableGrants", List, NOTHING, &[]),
    action(
        "PutKeyPolicy",
        Permissions,
        KEY,
        &[CALLER, &["kms:BypassPolicyLockoutSafetyCheck"]],
    ),
    action(
        "ReEncryptFrom",
        Write,
        KEY,
        &[CALLER, CRYPTOGRAPHIC, &["kms:ReEncryptOnSameKey"]],
    ),
    action(
        "ReEncryptTo",
        Write,
        KEY,
        &[CALLER, CRYPTOGRAPHIC, &["kms:ReEncryptOnSameKey"]],
    ),
    action(
        "RetireGrant",
        Permissions,
        KEY,
        &[
            CALLER,
            &[
                "kms:EncryptionContext:*",
                "kms:EncryptionContextKeys",
                "kms:GrantConstraintType",
            ],
        ],
    ),
    action("RevokeGrant", Permissions, KEY, &[CALLER, GRANTS]),
    action("RotateKeyOnDemand", Write, KEY, &[CALLER]),
    action(
        "ScheduleKeyDeletion",
        Write,
        KEY,
        &[CALLER, &["kms:ScheduleKeyDeletionPendingWindowInDays"]],
    ),
    action("TagResource", Tagging, KEY, &[CALLER]),
    action("UntagResource", Tagging, KEY, &[CALLER]),
    action("UpdateAlias", Write, ALIAS_AND_KEY, &[CALLER]),
    action("UpdateKeyDescription", Write, KEY, &[CALLER]),
];

/// Signing, message authentication, key agreement, custom stores, replicas and imports.
pub(super) fn is_beyond_encryption(name: &str) -> bool {
    [
        "CustomKeyStore",
        "DeriveSharedSecret",
        "GenerateMac",
        "GenerateRandom",
        "GetPublicKey",
        "Import",
        "MultiRegionKey",
        "PrimaryRegion",
        "ReplicateKey",
        "Sign",
        "Verify",
    ]
    .iter()
    .any(|family| name.contains(family))
}
