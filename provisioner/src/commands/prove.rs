//! `prove`: the least-privilege certificate of a tenant's role.

use crate::aws::{Cloud, find_vendor};
use crate::cli::ProveArgs;
use crate::commands::context::{Context, Tenant, file_error};
use crate::commands::{CommandError, Results, TenantResult};
use crate::model::{Attachment, Trust};
use crate::output::Format;
use crate::prove::{
    CERTIFICATE_SCHEMA, Certificate, Live, LiveDocuments, Signed, SigningKey, Vendor, Verdict,
    computed, verify,
};
use serde_json::json;
use std::path::Path;
use types::RoleArn;

pub(crate) async fn run(context: &Context, args: &ProveArgs) -> Results {
    if let Some(path) = &args.verify {
        return check(context, path, args);
    }
    let key = args.key.as_deref().map(signing_key).transpose()?;
    let tenants = context.tenants().await?;
    if args.out.is_some() && tenants.len() != 1 {
        return Err(CommandError::Usage(
            "--out writes the certificate of one tenant: choose it with --org".to_string(),
        ));
    }
    let key = key.as_ref();
    context
        .each(tenants, |tenant| async move {
            let signed = prove(context, &tenant, key).await?;
            if let Some(path) = &args.out {
                write(path, &signed)?;
            }
            Ok(result(context, &signed))
        })
        .await
}

/// Proves one tenant's role.
pub(crate) async fn prove(
    context: &Context,
    tenant: &Tenant,
    key: Option<&SigningKey>,
) -> Result<Signed, CommandError> {
    let desired = &*tenant.desired;
    let vendor_role = match desired.role.as_ref().map(|role| &role.trust) {
        Some(Trust::CrossAccount { vendor, .. }) => vendor,
        _ => {
            return Err(CommandError::Usage(
                "only a cross-account role can be proven: nobody else than the service assumes a compute role, and S3-compatible stores have none".to_string(),
            ));
        }
    };
    let vendor_cloud = vendor(context, tenant, vendor_role).await?;
    let vendor = Vendor {
        cloud: &vendor_cloud,
        patience: context.settling(),
    };
    let credentials = vendor.wait_until_steady(desired, &*tenant.watch).await?;
    let session = context.aws(&desired.region, credentials)?;
    let live = Live {
        desired,
        vendor,
        session: &session,
        admin: &tenant.cloud,
        watch: &*tenant.watch,
        nonce: nonce()?,
        checks: Vec::new(),
    }
    .run()
    .await;
    let observed = tenant.cloud.observe(desired).await?;
    let managed = desired
        .role
        .as_ref()
        .and_then(|role| match &role.attachment {
            Attachment::Managed { arn, .. } => Some(arn.as_str()),
            Attachment::Inline { .. } => None,
        });
    let computed = computed(desired, LiveDocuments::new(&observed, managed));
    let certificate = Certificate {
        schema: CERTIFICATE_SCHEMA.to_string(),
        tenant: desired.owner.clone(),
        issued: context.clock.now(),
        role_arn: desired
            .role
            .as_ref()
            .map(|r| r.arn.to_string())
            .unwrap_or_default(),
        vendor_role: vendor_role.to_string(),
        external_id: desired.external_id.to_string(),
        buckets: vec![
            desired.data().name.to_string(),
            desired.results().name.to_string(),
        ],
        key_prefix: desired.key_prefix.to_string(),
        verdict: Certificate::worst(&live, &computed),
        live,
        computed,
    };
    Ok(match key {
        Some(key) => key.sign(certificate),
        None => Signed {
            certificate,
            signature: None,
        },
    })
}

/// The gateway's role itself, or whatever may become it.
pub(crate) async fn vendor(
    context: &Context,
    tenant: &Tenant,
    role: &RoleArn,
) -> Result<Cloud, CommandError> {
    let profile = context.connect.vendor_profile.as_deref();
    let credentials = find_vendor(profile, &context.environment)?;
    let cloud = context.aws(&tenant.desired.region, credentials)?;
    let caller = cloud.caller().await?;
    let session = format!(":assumed-role/{}/", role.name());
    if caller.account == *role.account() && caller.arn.contains(&session) {
        return Ok(cloud);
    }
    let chained = cloud.assume(&role.to_string(), None, "byos-proof").await?;
    context.aws(&tenant.desired.region, chained)
}

/// Random, so that two proofs at the same time do not meet.
fn nonce() -> Result<String, CommandError> {
    let mut bytes = [0u8; 8];
    getrandom::fill(&mut bytes)
        .map_err(|_| CommandError::Usage("the system has no randomness".to_string()))?;
    Ok(hex::encode(bytes))
}

/// The key of a file; made, for its owner's eyes only, when there is no such file.
pub(crate) fn signing_key(path: &Path) -> Result<SigningKey, CommandError> {
    let broken = |error: crate::prove::SignError| {
        CommandError::Usage(format!("{}: {error}", path.display()))
    };
    match std::fs::read_to_string(path) {
        Ok(pem) => SigningKey::from_pem(&pem).map_err(broken),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let key = SigningKey::generate().map_err(broken)?;
            write_private(path, key.pem().expose()).map_err(|e| file_error("write", path, &e))?;
            Ok(key)
        }
        Err(error) => Err(file_error("read", path, &error)),
    }
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}

fn write(path: &Path, signed: &Signed) -> Result<(), CommandError> {
    let text = format!("{:#}\n", json!(signed));
    std::fs::write(path, text).map_err(|e| file_error("write", path, &e))
}

pub(crate) fn result(context: &Context, signed: &Signed) -> TenantResult {
    let text = match context.out.format() {
        Format::Json => String::new(),
        Format::Text => {
            let by = signed.signature.as_ref().map_or_else(
                || "not signed: give --key".to_string(),
                |signature| format!("signed by {}", signature.public_key),
            );
            format!("{}{by}\n", signed.certificate.matrix())
        }
    };
    TenantResult {
        tenant: signed.certificate.tenant.clone(),
        text,
        json: json!(signed),
        exit: exit(signed.certificate.verdict),
    }
}

/// A violation is an error; what could not be decided is a difference.
pub(crate) const fn exit(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Proven => 0,
        Verdict::Inconclusive => 2,
        Verdict::Violated => 1,
    }
}

/// Checks a certificate that somebody handed over.
fn check(context: &Context, path: &Path, args: &ProveArgs) -> Results {
    let text = std::fs::read_to_string(path).map_err(|e| file_error("read", path, &e))?;
    let signed: Signed = serde_json::from_str(&text)
        .map_err(|error| CommandError::Usage(format!("{}: {error}", path.display())))?;
    let expected = args.key.as_deref().map(signing_key).transpose()?;
    let expected = expected.map(|key| key.public_key());
    verify(&signed, expected.as_deref())
        .map_err(|error| CommandError::Usage(format!("{}: {error}", path.display())))?;
    let result = result(context, &signed);
    Ok(vec![(signed.certificate.tenant.clone(), Ok(result))])
}
