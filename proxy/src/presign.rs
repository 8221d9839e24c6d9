//! `proxy presign`: a time-limited URL for one object.
//!
//! The URL goes to standard output and nowhere else; secrets come from the environment or from the
//! files that the configuration names, never from arguments.

use crate::assemble;
use crate::cli::PresignArgs;
use crate::output;
use crate::serve::{environment, load, runtime};
use sigv4::{PresignRequest, SafeUrl, SigningCredentials};
use std::sync::Arc;
use std::time::Duration;
use types::{
    BucketAlias, Clock, Endpoint, ObjectKey, Region, SecretString, SystemClock, TenantId, Timestamp,
};
use upstream::{CacheLimits, CredentialCache, DirectUrl, PresignedUrl, system_random};

/// Prints the URL.
///
/// # Errors
/// A text that says what is missing or refused.
pub fn run(args: &PresignArgs) -> Result<(), String> {
    let (bucket, key) = parse_object(&args.object)?;
    let expires = args.expires.map(Duration::from_secs);
    if args.direct {
        let url = runtime(1)?.block_on(direct(args, &bucket, &key, expires))?;
        print(args, url.expose(), url.expires());
    } else {
        let life = expires.unwrap_or_else(|| args.method.upstream().default_life());
        let now = SystemClock.now();
        let url = through_gateway(args, &bucket, &key, life, now)?;
        let seconds = i64::try_from(life.as_secs()).unwrap_or(i64::MAX);
        print(args, url.expose(), now.plus_seconds(seconds));
    }
    Ok(())
}

fn print(args: &PresignArgs, url: &str, expires: Timestamp) {
    if args.json {
        let method = args.method.as_str();
        let expires = expires.unix();
        output::json(&serde_json::json!({ "url": url, "method": method, "expires": expires }));
    } else {
        output::line(url);
    }
}

fn parse_object(text: &str) -> Result<(BucketAlias, ObjectKey), String> {
    let place = text
        .strip_prefix("s3://")
        .and_then(|rest| rest.split_once('/'));
    let (bucket, key) =
        place.ok_or_else(|| format!("{text:?} is not an object: write it as s3://bucket/key"))?;
    let bucket = BucketAlias::parse(bucket).map_err(|error| error.to_string())?;
    let key = ObjectKey::parse(key).map_err(|error| error.to_string())?;
    Ok((bucket, key))
}

fn through_gateway(
    args: &PresignArgs,
    bucket: &BucketAlias,
    key: &ObjectKey,
    life: Duration,
    now: Timestamp,
) -> Result<SafeUrl, String> {
    let endpoint = args.endpoint.as_deref().unwrap_or_default();
    let endpoint = Endpoint::parse(endpoint).map_err(|error| format!("--endpoint: {error}"))?;
    let region = Region::parse(args.region.clone()).map_err(|error| error.to_string())?;
    let missing = |name: &str| {
        format!("{name} is not set: the URL is signed with an access key of the gateway")
    };
    let id = environment("AWS_ACCESS_KEY_ID").ok_or_else(|| missing("AWS_ACCESS_KEY_ID"))?;
    let secret = environment("AWS_SECRET_ACCESS_KEY").map(SecretString::new);
    let secret = secret.ok_or_else(|| missing("AWS_SECRET_ACCESS_KEY"))?;
    let path = format!("/{bucket}/{}", sigv4::encode_path(key.as_str()));
    let request = PresignRequest {
        method: args.method.as_str(),
        endpoint: &endpoint,
        path: &path,
        query: None,
        headers: &[],
        expires_in: life,
    };
    let credentials = SigningCredentials {
        access_key_id: &id,
        secret: &secret,
        session_token: None,
        version: 1,
    };
    sigv4::presign(&request, &credentials, &region, now)
        .map_err(|error| format!("--expires: {error}"))
}

/// Straight to the tenant's bucket, never longer than the session that signs it.
async fn direct(
    args: &PresignArgs,
    bucket: &BucketAlias,
    key: &ObjectKey,
    expires: Option<Duration>,
) -> Result<PresignedUrl, String> {
    let path = args.config.as_deref().ok_or("--direct needs --config")?;
    let settings = load(path)?;
    let tenant = args.tenant.clone().ok_or("--direct needs --tenant")?;
    let tenant = TenantId::parse(tenant).map_err(|error| error.to_string())?;
    let declared = settings
        .tenants
        .iter()
        .find(|declared| declared.config.tenant == tenant);
    let declared =
        declared.ok_or_else(|| format!("{} declares no tenant {tenant}", path.display()))?;
    let ca = assemble::ca_bundle(&settings.upstream).map_err(|error| error.to_string())?;
    let storage = control::Storage::of(declared.config.clone(), ca.as_ref())
        .map_err(|error| error.to_string())?;
    let route = storage.routes.get(bucket);
    let route = route.ok_or_else(|| format!("tenant {tenant} has no bucket {bucket}"))?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let sts = assemble::sts(&settings.sts).map_err(|error| error.to_string())?;
    let cache = CredentialCache::new(
        sts,
        Arc::clone(&clock),
        system_random(),
        CacheLimits::default(),
    );
    let now = clock.now();
    let credentials = cache.get(route.access(), now.plus_seconds(60)).await;
    let credentials = credentials.map_err(|error| error.to_string())?;
    let key = route.join(key).map_err(|error| error.to_string())?;
    let wanted = DirectUrl {
        method: args.method.upstream(),
        key: &key,
        life: expires,
        query: None,
    };
    upstream::presign(route, &credentials, &wanted, now).map_err(|error| error.to_string())
}
