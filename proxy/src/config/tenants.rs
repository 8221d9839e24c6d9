//! Tenants that the configuration file declares.

use super::Environment;
use super::read::required_secret;
use super::reader::{Mistakes, Section};
use std::collections::{BTreeMap, BTreeSet};
use types::{
    AccessKey, AccessKeyId, AccessKeyStatus, Action, ActionSet, AddressingStyle, Backend,
    BucketAccess, BucketAlias, BucketMapping, BucketName, BucketScope, ConfigStatus, ConfigVersion,
    Endpoint, ExternalIdPrefix, Grant, KeyPrefix, Location, Region, RoleArn, StorageConfig,
    StorageMode, TenantId, Timestamp, UpstreamAccess,
};

/// One tenant as declared: its storage and its access keys.
#[derive(Debug, Clone)]
pub struct TenantSettings {
    /// The storage configuration; the store gives it its version.
    pub config: StorageConfig,
    /// The keys; one that leaves the file is revoked.
    pub keys: Vec<AccessKey>,
}

impl TenantSettings {
    /// Whether the gateway needs credentials of its own to reach this tenant.
    pub fn needs_sts(&self) -> bool {
        matches!(self.config.access, UpstreamAccess::AssumeRole { .. })
    }

    /// Every endpoint that the tenant names itself.
    pub fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        self.config
            .buckets
            .values()
            .filter_map(|mapping| match &mapping.location.backend {
                Backend::AwsS3 { endpoint, .. } => endpoint.as_ref(),
                Backend::S3Compatible { endpoint, .. } => Some(endpoint),
            })
    }
}

pub(super) fn read(
    sections: Vec<Section>,
    environment: Environment<'_>,
    found: &mut Mistakes,
) -> Vec<TenantSettings> {
    let (mut tenants, mut ids, mut key_ids) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for section in sections {
        let at = section.at("id");
        let Some(tenant) = read_tenant(section, environment, found) else {
            continue;
        };
        // Org ids that differ only in case would share a folder on some stores.
        if !ids.insert(tenant.config.tenant.as_str().to_ascii_lowercase()) {
            found.add(
                &at,
                "is declared twice (upper and lower case count as the same)",
            );
        }
        for key in &tenant.keys {
            if !key_ids.insert(key.id.clone()) {
                found.add(&at, format!("access key {} is declared twice", key.id));
            }
        }
        tenants.push(tenant);
    }
    tenants
}

fn read_tenant(
    mut section: Section,
    environment: Environment<'_>,
    found: &mut Mistakes,
) -> Option<TenantSettings> {
    let tenant = section.required("id", found, str::parse::<TenantId>);
    let status = section.choice(
        "status",
        ConfigStatus::Enabled,
        &[
            ("enabled", ConfigStatus::Enabled),
            ("disabled", ConfigStatus::Disabled),
        ],
        found,
    );
    let mode = section.choice(
        "mode",
        StorageMode::Customer,
        &[
            ("customer", StorageMode::Customer),
            ("hosted", StorageMode::Hosted),
        ],
        found,
    );
    let access = read_access(&mut section, environment, found);
    if !section.has("buckets") {
        found.add(section.at("buckets"), "a tenant needs at least one bucket");
    }
    let buckets = read_buckets(section.sections("buckets", found), found);
    let key_sections = section.sections("keys", found);
    section.finish(found);
    let tenant = tenant?;
    let keys = key_sections
        .into_iter()
        .filter_map(|section| read_key(section, &tenant, environment, found))
        .collect();
    let config = StorageConfig {
        tenant,
        version: ConfigVersion::FIRST,
        mode,
        status,
        access: access?,
        buckets,
    };
    Some(TenantSettings { config, keys })
}

fn read_access(
    section: &mut Section,
    environment: Environment<'_>,
    found: &mut Mistakes,
) -> Option<UpstreamAccess> {
    match (section.has("role"), section.has("static_keys")) {
        (true, false) => {
            let role = section.parsed("role", found, RoleArn::parse);
            let prefix =
                section.parsed("external_id_prefix", found, str::parse::<ExternalIdPrefix>);
            let external_id_prefix = prefix.unwrap_or_default();
            role.map(|role| UpstreamAccess::AssumeRole {
                role,
                external_id_prefix,
            })
        }
        (false, true) => {
            let mut keys = section.section("static_keys", found);
            let access_key_id = keys.required("access_key_id", found, non_empty);
            let secret = required_secret(&mut keys, "secret_access_key", environment, found);
            keys.finish(found);
            let (access_key_id, secret_access_key) = access_key_id.zip(secret)?;
            Some(UpstreamAccess::StaticKeys {
                access_key_id,
                secret_access_key,
            })
        }
        (true, true) => {
            section.discard(&["role", "external_id_prefix", "static_keys"]);
            found.add(section.at("role"), "stands beside static_keys: keep one");
            None
        }
        (false, false) => {
            let reason = "is missing: a tenant is reached by a role or by static_keys";
            found.add(section.at("role"), reason);
            None
        }
    }
}

fn read_buckets(
    sections: Vec<Section>,
    found: &mut Mistakes,
) -> BTreeMap<BucketAlias, BucketMapping> {
    let mut buckets = BTreeMap::new();
    for mut section in sections {
        let at = section.at("name");
        let alias = section.required("name", found, str::parse::<BucketAlias>);
        let bucket = section.required("bucket", found, str::parse::<BucketName>);
        let prefix = section
            .parsed("prefix", found, str::parse::<KeyPrefix>)
            .unwrap_or_default();
        let access = section.choice(
            "access",
            BucketAccess::ReadWrite,
            &[
                ("read_only", BucketAccess::ReadOnly),
                ("read_write", BucketAccess::ReadWrite),
            ],
            found,
        );
        let backend = read_backend(&mut section, found);
        section.finish(found);
        let (Some(alias), Some(bucket), Some(backend)) = (alias, bucket, backend) else {
            continue;
        };
        let mapping = BucketMapping {
            location: Location {
                backend,
                bucket,
                prefix,
            },
            access,
        };
        if buckets.insert(alias, mapping).is_some() {
            found.add(at, "is declared twice");
        }
    }
    buckets
}

fn read_backend(section: &mut Section, found: &mut Mistakes) -> Option<Backend> {
    let compatible = section.choice(
        "backend",
        false,
        &[("aws_s3", false), ("s3_compatible", true)],
        found,
    );
    let region = section.required("region", found, str::parse::<Region>);
    if !compatible {
        let endpoint = section.parsed("endpoint", found, Endpoint::parse);
        return region.map(|region| Backend::AwsS3 { region, endpoint });
    }
    let endpoint = section.required("endpoint", found, Endpoint::parse);
    let addressing = section.choice(
        "addressing",
        AddressingStyle::Path,
        &[
            ("path", AddressingStyle::Path),
            ("virtual_hosted", AddressingStyle::VirtualHosted),
        ],
        found,
    );
    let (region, endpoint) = region.zip(endpoint)?;
    Some(Backend::S3Compatible {
        endpoint,
        region,
        addressing,
    })
}

fn read_key(
    mut section: Section,
    tenant: &TenantId,
    environment: Environment<'_>,
    found: &mut Mistakes,
) -> Option<AccessKey> {
    let id = section.required("id", found, str::parse::<AccessKeyId>);
    let secret = required_secret(&mut section, "secret", environment, found);
    let status = section.choice(
        "status",
        AccessKeyStatus::Active,
        &[
            ("active", AccessKeyStatus::Active),
            ("disabled", AccessKeyStatus::Disabled),
        ],
        found,
    );
    let not_after = match section.number("not_after_unix", 0, 0..=253_402_300_799, found) {
        0 => None,
        seconds => Some(Timestamp::from_unix(
            i64::try_from(seconds).unwrap_or(i64::MAX),
        )),
    };
    let grant_sections = section.sections("grants", found);
    section.finish(found);
    let grants: Vec<Grant> = grant_sections
        .into_iter()
        .map(|section| read_grant(section, found))
        .collect();
    let grants = if grants.is_empty() {
        vec![Grant::on_all_buckets(ActionSet::ReadWrite)]
    } else {
        grants
    };
    Some(AccessKey {
        id: id?,
        tenant: tenant.clone(),
        secret: secret?,
        secret_version: 1,
        grants,
        not_after,
        status,
    })
}

fn read_grant(mut section: Section, found: &mut Mistakes) -> Grant {
    let buckets = if section.has("buckets") {
        BucketScope::Only(
            section
                .parsed_list("buckets", found, str::parse::<BucketAlias>)
                .into_iter()
                .collect(),
        )
    } else {
        BucketScope::All
    };
    let prefix = section.text("prefix", found).unwrap_or_default();
    let preset = section.parsed("access", found, |text| match text {
        "read_only" => Ok(ActionSet::ReadOnly),
        "read_write" => Ok(ActionSet::ReadWrite),
        _ => Err("must be one of read_only, read_write"),
    });
    let listed = section.has("actions").then(|| {
        ActionSet::Only(
            section
                .parsed_list("actions", found, action)
                .into_iter()
                .collect(),
        )
    });
    if preset.is_some() && listed.is_some() {
        found.add(section.at("actions"), "stands beside access: keep one");
    }
    section.finish(found);
    // What is not said is not granted.
    Grant {
        buckets,
        prefix,
        actions: listed.or(preset).unwrap_or(ActionSet::ReadOnly),
    }
}

fn action(text: &str) -> Result<Action, String> {
    Action::ALL
        .into_iter()
        .find(|action| action.iam_name() == text)
        .ok_or_else(|| {
            let names: Vec<&str> = Action::ALL.iter().map(|action| action.iam_name()).collect();
            format!(
                "is not an action of the gateway; it knows {}",
                names.join(", ")
            )
        })
}

fn non_empty(text: &str) -> Result<String, &'static str> {
    if text.is_empty() {
        Err("is empty")
    } else {
        Ok(text.to_string())
    }
}
