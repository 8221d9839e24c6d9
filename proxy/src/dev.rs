//! `proxy dev`: everything on this machine, with embedded defaults.
//!
//! The sandbox stands in for AWS, with a vendor account (ours) and a customer account (the demo
//! tenant's). The set-up is the real one: two buckets and a role in the customer's account, whose
//! trust policy demands the external id; a gateway that reaches them by AssumeRole and nothing
//! else. A second start finds the same tenant, the same key and the same objects.

mod block;
mod setup;

use crate::assemble::{self, ControlPlane};
use crate::cli::DevArgs;
use crate::config::{
    GatewayCredentials, GatewaySettings, LogSettings, Settings, StoreSettings, StsSettings,
    UpstreamSettings,
};
use crate::limits::LeastRate;
use crate::{server, telemetry};
use block::Block;
use sandbox::{Sandbox, SandboxOptions};
use std::time::Duration;
use types::{AccessKey, AccessKeyStatus, Endpoint, Region, TenantId};

/// Starts everything, prints a block to paste, and runs until a signal stops it.
///
/// # Errors
/// A text that says what could not be started.
pub fn run(args: DevArgs) -> Result<(), String> {
    telemetry::start(&LogSettings {
        json: false,
        filter: args.log.clone(),
    })?;
    crate::serve::runtime(0)?.block_on(start(args))
}

async fn start(args: DevArgs) -> Result<(), String> {
    let words = |error: &dyn std::error::Error| chain(error);
    std::fs::create_dir_all(&args.data)
        .map_err(|error| format!("cannot make {}: {error}", args.data.display()))?;
    let bound = server::bind(args.listen).map_err(|error| words(&error))?;
    let options = SandboxOptions {
        data_dir: Some(args.data.join("sandbox")),
        ..SandboxOptions::default()
    };
    let aws = Sandbox::start(options)
        .await
        .map_err(|error| words(&error))?;
    let demo = setup::Demo::new(&aws).map_err(|error| words(&error))?;

    let settings = settings(&args, &aws, &demo, &bound);
    let plane = assemble::control_plane(&settings.store, None).map_err(|error| words(&error))?;
    let key = declare(&plane, &demo)
        .await
        .map_err(|error| words(&error))?;
    demo.put_sample(&settings.upstream)
        .await
        .map_err(|error| words(&error))?;
    let gateway = assemble::gateway(&settings, &plane).map_err(|error| words(&error))?;
    let stop = crate::serve::stop_on_signal()?;
    let endpoint = Endpoint::parse(&format!("http://{}", bound.address))
        .map_err(|error| format!("--listen: {error}"))?;
    Block::new(endpoint, &key, &demo).print(args.json)?;

    let served = server::serve(gateway, &settings.gateway, bound, stop).await;
    aws.shutdown().await;
    served.map_err(|error| words(&error))
}

fn settings(args: &DevArgs, aws: &Sandbox, demo: &setup::Demo, bound: &server::Bound) -> Settings {
    Settings {
        gateway: GatewaySettings {
            listen: bound.address,
            tls: None,
            domains: vec![s3::Domain::parse("localhost").expect("localhost is a domain")],
            public_hosts: Vec::new(),
            region: region(),
            threads: 0,
            max_connections: 10_000,
            max_requests_per_tenant: 1_000,
            body_idle_timeout: Duration::from_secs(60),
            head_timeout: Duration::from_secs(10),
            least_rate: LeastRate::DEFAULT,
            drain: Duration::from_secs(10),
        },
        store: StoreSettings::Sled {
            path: args.data.join("store"),
            key_file: args.data.join("store.key"),
        },
        sts: StsSettings {
            region: region(),
            endpoint: Some(aws.endpoint().clone()),
            credentials: Some(GatewayCredentials {
                access_key_id: demo.gateway.access_key_id.clone(),
                secret_access_key: demo.gateway.secret_access_key.clone(),
                session_token: None,
            }),
        },
        upstream: UpstreamSettings {
            allow_http: true,
            allow_private: vec!["127.0.0.0/8".parse().expect("loopback is a network")],
            allowed_ports: vec![aws.endpoint().port()],
            ca_file: None,
        },
        log: LogSettings {
            json: false,
            filter: args.log.clone(),
        },
        tenants: Vec::new(),
    }
}

/// Not `us-east-1`: there, some clients presign with the signature of 2006 unless told otherwise.
fn region() -> Region {
    Region::parse("eu-central-1").expect("eu-central-1 is a region")
}

fn tenant() -> TenantId {
    TenantId::parse("demo").expect("demo is an org id")
}

/// Puts the tenant in place; its key is the one of the first start.
async fn declare(
    plane: &ControlPlane,
    demo: &setup::Demo,
) -> Result<AccessKey, control::ManageError> {
    plane.tenants.put_config(demo.config.clone()).await?;
    let keys = plane.tenants.keys(&demo.config.tenant).await?;
    match keys
        .into_iter()
        .find(|key| key.status == AccessKeyStatus::Active)
    {
        Some(key) => Ok(key),
        None => {
            plane
                .tenants
                .issue_key(&demo.config.tenant, demo.grants(), None)
                .await
        }
    }
}

/// An error and everything behind it, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        words = format!("{words}: {error}");
        source = error.source();
    }
    words
}
