//! `prove`: the least-privilege certificate of a tenant's role.

use crate::aws::{Cloud, find_vendor};
use crate::cli::{ProveArgs, SignArgs};
use crate::commands::context::{Context, Tenant, file_error};
use crate::commands::signing::{existing_key, public_key, read_bounded, signing_key};
use crate::commands::{CommandError, Results, TenantResult};
use crate::failure::Failure;
use crate::model::{Desired, Purpose, Trust};
use crate::output::{Format, Output};
use crate::plan::{BucketState, Observed, Read};
use crate::prove::{
    CERTIFICATE_SCHEMA, Certificate, Computed, Found, Live, LiveDocuments, PublicKey, Signed,
    Signer, SigningKey, Vendor, Verdict, computed, verify,
};
use serde_json::{Value, json};
use std::path::Path;
use types::RoleArn;

/// Bytes of a certificate; the computed half makes it some ten thousand.
const MAX_CERTIFICATE_BYTES: u64 = 4 * 1_024 * 1_024;

pub(crate) async fn run(context: &Context, args: &ProveArgs) -> Results {
    let tenants = context.tenants().await?;
    check_out(&args.sign, tenants.len())?;
    let key = args.sign.key.as_deref();
    let key = key
        .map(|path| signing_key(path, &context.out))
        .transpose()?;
    let key = key.as_ref();
    context
        .each(tenants, |tenant| async move {
            let signed = prove(context, &tenant, key).await?;
            if let Some(path) = &args.sign.out {
                write(path, &signed)?;
            }
            Ok(result(context, &signed))
        })
        .await
}

/// One file holds one certificate.
pub(crate) fn check_out(args: &SignArgs, tenants: usize) -> Result<(), CommandError> {
    if args.out.is_some() && tenants != 1 {
        return Err(CommandError::Usage(
            "--out writes the certificate of one tenant\nhint: choose it with --org".to_string(),
        ));
    }
    Ok(())
}

/// Who assumes the role that is to be proven.
pub(crate) fn vendor_role(desired: &Desired) -> Result<&RoleArn, CommandError> {
    match desired.role.as_ref().map(|role| &role.trust) {
        Some(Trust::CrossAccount { vendor, .. }) => Ok(vendor),
        _ => Err(CommandError::Usage(format!(
            "{}: only a cross-account role can be proven: nobody else than the service assumes a compute role, and S3-compatible stores have none\nhint: \"provisioner apply\" sets it up without a proof, \"provisioner test\" then tries an S3-compatible store",
            desired.owner
        ))),
    }
}

/// Proves one tenant's role.
pub(crate) async fn prove(
    context: &Context,
    tenant: &Tenant,
    key: Option<&SigningKey>,
) -> Result<Signed, CommandError> {
    let desired = &*tenant.desired;
    let vendor_role = vendor_role(desired)?;
    let vendor_cloud = vendor(context, tenant, vendor_role).await?;
    let vendor = Vendor {
        cloud: &vendor_cloud,
        patience: context.settling(),
    };
    let credentials = vendor.wait_until_steady(desired, &*tenant.watch).await?;
    let session = context.aws(&desired.region, credentials)?;
    let observed = tenant.cloud.observe(desired).await?;
    let before = LiveDocuments::read(&tenant.cloud, desired).await;
    let found = Live {
        desired,
        vendor,
        session: &session,
        admin: &tenant.cloud,
        watch: &*tenant.watch,
        nonce: nonce()?,
        keeps: keeps(&observed),
    }
    .run()
    .await;
    for line in &found.left_behind {
        context.out.words(line);
    }
    let after = LiveDocuments::read(&tenant.cloud, desired).await;
    let judged = steady(before, &after);
    let judged = judged.as_ref().map_err(String::as_str).copied();
    let computed = computed(desired, &tenant.documents, judged);
    let certificate = certificate(context, desired, vendor_role, judged.ok(), found, computed);
    Ok(match key {
        Some(key) => key.sign(certificate),
        None => Signed {
            certificate,
            signature: None,
        },
    })
}

fn certificate(
    context: &Context,
    desired: &Desired,
    vendor_role: &RoleArn,
    judged: Option<&LiveDocuments>,
    found: Found,
    computed: Computed,
) -> Certificate {
    let role = desired.role.as_ref();
    let account = desired.aws().map(|(_, account)| account.to_string());
    Certificate {
        schema: CERTIFICATE_SCHEMA.to_string(),
        provisioner: env!("CARGO_PKG_VERSION").to_string(),
        tenant: desired.owner.clone(),
        issued: context.clock.now(),
        account: account.unwrap_or_default(),
        role_arn: role.map(|r| r.arn.to_string()).unwrap_or_default(),
        vendor_role: vendor_role.to_string(),
        external_id: desired.external_id.to_string(),
        buckets: vec![
            desired.data().name.to_string(),
            desired.results().name.to_string(),
        ],
        key_prefix: desired.key_prefix.to_string(),
        documents: judged.map(LiveDocuments::hashes).unwrap_or_default(),
        verdict: Certificate::worst(&found.checks, &computed),
        live: found.checks,
        computed,
    }
}

/// What was judged must be what stood there while the calls were made.
fn steady(
    before: Result<LiveDocuments, String>,
    after: &Result<LiveDocuments, String>,
) -> Result<&LiveDocuments, String> {
    match (before, after) {
        (Ok(before), Ok(after)) if before.hashes() == after.hashes() => Ok(after),
        (Ok(_), Ok(_)) => Err(
            "somebody changed the policies meanwhile\nhint: prove again once nobody works on them"
                .to_string(),
        ),
        (_, Err(reason)) => Err(reason.clone()),
        (Err(reason), _) => Err(reason),
    }
}

/// Why probes could not be removed again, when that is so.
fn keeps(observed: &Observed) -> Option<String> {
    [Purpose::Data, Purpose::Results].into_iter().find_map(|purpose| {
        let Some(BucketState::Present(bucket)) = observed.buckets.get(&purpose) else {
            return None;
        };
        match &bucket.object_lock {
            Read::Known(Some(Some(_))) => Some(format!(
                "object lock would keep the probes in the {purpose} bucket, so nothing is written\nhint: prove a set-up without default retention; what needs no writing is proven above"
            )),
            Read::Unreadable(reason) => Some(format!(
                "whether object lock would keep the probes in the {purpose} bucket cannot be read, so nothing is written: {reason}\nhint: \"provisioner deployer-policy --with-prove\" prints what the caller needs"
            )),
            _ => None,
        }
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
    let caller = cloud.caller().await.map_err(|failure| {
        let mut details = (*failure).clone();
        details.resource = "the vendor's credentials".to_string();
        Failure::from(details)
    })?;
    let session = format!(":assumed-role/{}/", role.name());
    if caller.account == *role.account() && caller.arn.contains(&session) {
        return Ok(cloud);
    }
    let chained = cloud
        .assume(&role.to_string(), None, "byos-proof")
        .await
        .map_err(|failure| not_the_vendor(failure, &caller.arn, role))?;
    context.aws(&tenant.desired.region, chained)
}

/// The most common mistake: the customer's own credentials in place of the vendor's.
fn not_the_vendor(failure: Failure, caller: &str, role: &RoleArn) -> CommandError {
    if !failure.is_denied() {
        return CommandError::Store(failure);
    }
    CommandError::Vendor {
        caller: caller.to_string(),
        role: role.to_string(),
        failure,
    }
}

/// Random, so that two proofs at the same time do not meet.
fn nonce() -> Result<String, CommandError> {
    let mut bytes = [0u8; 8];
    getrandom::fill(&mut bytes)
        .map_err(|_| CommandError::Usage("the system has no randomness".to_string()))?;
    Ok(hex::encode(bytes))
}

pub(crate) fn write(path: &Path, signed: &Signed) -> Result<(), CommandError> {
    let text = format!("{:#}\n", json!(signed));
    std::fs::write(path, text).map_err(|e| file_error("write", path, &e))
}

fn result(context: &Context, signed: &Signed) -> TenantResult {
    let by = match &signed.signature {
        Some(signature) => format!("signed by {}", signature.public_key),
        None => "not signed\nhint: --key FILE signs it, --out FILE keeps it".to_string(),
    };
    shown(&context.out, signed, &by, json!(signed))
}

fn shown(out: &Output, signed: &Signed, by: &str, json: Value) -> TenantResult {
    TenantResult {
        tenant: signed.certificate.tenant.clone(),
        text: match out.format() {
            Format::Json => String::new(),
            Format::Text => format!("{}{by}\n", signed.certificate.matrix()),
        },
        json,
        exit: exit(signed.certificate.verdict),
    }
}

/// A violation is an error; what could not be decided is a difference.
const fn exit(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Proven => 0,
        Verdict::Inconclusive => 2,
        Verdict::Violated => 1,
    }
}

/// Checks a certificate that somebody handed over. Needs no tenant, no credentials, no network.
pub(crate) fn check(out: &Output, path: &Path, args: &ProveArgs) -> Results {
    let expected = expected_key(args)?;
    let text = read_bounded(path, MAX_CERTIFICATE_BYTES)?;
    let (signed, signer) = verify(&text, expected.as_ref())
        .map_err(|error| CommandError::Certificate(path.display().to_string(), error))?;
    let key = signed.signature.as_ref().map(|s| s.public_key.clone());
    let key = key.unwrap_or_default();
    let by = match signer {
        Signer::Expected => format!("unchanged, and signed by the expected key {key}"),
        Signer::Unknown => format!(
            "unchanged since it was signed, by whom is unknown: {key}\nhint: get the signer's public key from the signer, not with the certificate, and give --public-key"
        ),
    };
    let mut json = json!(signed);
    json["signer"] = json!(signer);
    let mut result = shown(out, &signed, &by, json);
    if signer == Signer::Unknown && result.exit == 0 {
        // Anybody can sign anything: this proves nothing yet.
        result.exit = 2;
    }
    Ok(vec![(signed.certificate.tenant.clone(), Ok(result))])
}

fn expected_key(args: &ProveArgs) -> Result<Option<PublicKey>, CommandError> {
    match (&args.public_key, &args.sign.key) {
        (Some(text), _) => public_key(text).map(Some),
        (None, Some(path)) => existing_key(path).map(|key| Some(key.public_key())),
        (None, None) => Ok(None),
    }
}
