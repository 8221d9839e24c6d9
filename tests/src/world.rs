//! A gateway with two tenants before a store that somebody else wrote, and a tap before the
//! gateway: what most tests need, started once for each kind of store.

use crate::ceph::Ceph;
use crate::client::{Login, succeed};
use crate::customer::Customer;
use crate::embedded::Embedded;
use crate::gateway::{Access, Bucket, Gateway, Key, Settings, Tenant};
use crate::listing;
use crate::ministack::{CUSTOMER_ACCOUNT, MiniStack};
use crate::tap::Tap;
use std::sync::{LazyLock, OnceLock};

/// Stands before every key in the real buckets, and in no response.
pub const HIDDEN_PREFIX: &str = "hidden-7f3a/";

/// The bucket that clients may only read.
pub const DATA: &str = "data";
/// The bucket that clients may also write.
pub const RESULTS: &str = "results";

/// Under this domain the buckets have hosts of their own.
pub const DOMAIN: &str = "s3.byos.test";

/// The org ids.
const TENANTS: [&str; 2] = ["acme", "globex"];
/// The gateway's own identity at AWS.
const GATEWAY_USER: &str = "byos-gateway";

/// A tenant as its clients and the owner of its storage see it.
#[derive(Debug, Clone)]
pub struct Resident {
    /// The org id.
    pub id: &'static str,
    /// A client of the gateway with every right that the tenant has.
    pub client: Login,
    /// A client that may only read.
    pub reader: Login,
    /// The owner of the real buckets, past the gateway.
    pub owner: Login,
    /// The real bucket behind [`DATA`].
    pub real_data: String,
    /// The real bucket behind [`RESULTS`].
    pub real_results: String,
    /// What stands before every key there.
    pub prefix: String,
}

/// Gateway, tap and tenants.
#[derive(Debug)]
pub struct World {
    /// The gateway itself.
    pub gateway: Gateway,
    /// One tenant.
    pub acme: Resident,
    /// Another one.
    pub globex: Resident,
    tap: Tap,
    many: OnceLock<()>,
}

impl World {
    /// Through AssumeRole to MiniStack.
    pub fn ministack() -> &'static Self {
        static WORLD: LazyLock<World> = LazyLock::new(|| {
            let aws = MiniStack::shared();
            let customer =
                |id, external_id: &str| aws.customer(id, GATEWAY_USER, external_id, &prefix_of(id));
            World::by_roles(aws.gateway_user(GATEWAY_USER), customer)
        });
        &WORLD
    }

    /// Through AssumeRole to the project's own sandbox.
    pub fn sandbox() -> &'static Self {
        static WORLD: LazyLock<World> = LazyLock::new(|| {
            let aws = Embedded::shared();
            let sts = aws.gateway_user(GATEWAY_USER);
            let customer =
                |id, external_id: &str| aws.customer(id, GATEWAY_USER, external_id, &prefix_of(id));
            World::by_roles(sts, customer)
        });
        &WORLD
    }

    fn by_roles(sts: Login, customer: impl Fn(&'static str, &str) -> Customer) -> Self {
        let secrets = vec![CUSTOMER_ACCOUNT.to_owned(), sts.access_key_id.clone()];
        let built = TENANTS.map(|id| {
            let external_id = format!("pulse-org-{id}");
            let made = customer(id, &external_id);
            let secrets = vec![
                made.role_arn.clone(),
                format!("byos-{id}-role"),
                external_id,
            ];
            let place = Place {
                id,
                owner: made.owner,
                real_data: made.data_bucket,
                real_results: made.results_bucket,
                is_aws: true,
            };
            (place, Access::Role(made.role_arn), secrets)
        });
        Self::build(built, Some(sts), secrets)
    }

    /// With static keys to a Ceph RADOS Gateway.
    pub fn ceph() -> &'static Self {
        static WORLD: LazyLock<World> = LazyLock::new(|| {
            let ceph = Ceph::shared();
            let mut owners = [ceph.http(), ceph.stranger()].into_iter();
            let built = TENANTS.map(|id| {
                let owner = owners.next().expect("there is an owner for each tenant");
                let place = Place {
                    id,
                    real_data: format!("real-{id}-data-7f3a"),
                    real_results: format!("real-{id}-results-7f3a"),
                    owner: owner.clone(),
                    is_aws: false,
                };
                for bucket in [&place.real_data, &place.real_results] {
                    succeed(&mut owner.aws(&["s3api", "create-bucket", "--bucket", bucket]));
                }
                let secrets = vec![owner.access_key_id.clone()];
                (place, Access::Keys(owner), secrets)
            });
            World::build(built, None, Vec::new())
        });
        &WORLD
    }

    fn build(
        places: [(Place, Access, Vec<String>); 2],
        sts: Option<Login>,
        mut secrets: Vec<String>,
    ) -> Self {
        secrets.push(HIDDEN_PREFIX.to_owned());
        for (place, _, own) in &places {
            let upstream = place.owner.endpoint.trim_start_matches("http://");
            secrets.extend([&place.real_data, &place.real_results].map(Clone::clone));
            secrets.push(upstream.to_owned());
            secrets.extend_from_slice(own);
        }
        let tenants = places
            .clone()
            .map(|(place, access, _)| place.tenant(access));
        let gateway = Gateway::serve(&Settings {
            tenants: tenants.into(),
            sts,
            domains: vec![DOMAIN.to_owned()],
            ..Settings::default()
        });
        let tap = Tap::before(gateway.port(), secrets);
        let [acme, globex] = places.map(|(place, _, _)| place.resident(tap.port()));
        Self {
            gateway,
            acme,
            globex,
            tap,
            many: OnceLock::new(),
        }
    }

    /// Host and port that clients use.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.tap.port())
    }

    /// Host and port of the gateway itself, for requests that name what a response may not.
    pub fn untapped_host(&self) -> String {
        format!("127.0.0.1:{}", self.gateway.port())
    }

    /// Makes sure that the many objects of [`listing`] are there, put through the gateway.
    pub fn with_many_objects(&self) -> &Self {
        self.many
            .get_or_init(|| listing::put_all(&self.acme.client, RESULTS));
        self
    }

    /// Fails the test when any response of this world so far told what lies behind.
    pub fn assert_nothing_leaked(&self) {
        self.tap.assert_nothing_leaked();
    }
}

/// Where a tenant's files lie.
#[derive(Debug, Clone)]
struct Place {
    id: &'static str,
    owner: Login,
    real_data: String,
    real_results: String,
    is_aws: bool,
}

impl Place {
    fn tenant(self, access: Access) -> Tenant {
        let bucket = |name: &str, bucket: &str, writable| Bucket {
            name: name.to_owned(),
            bucket: bucket.to_owned(),
            prefix: prefix_of(self.id),
            writable,
            endpoint: self.owner.endpoint.clone(),
            is_aws: self.is_aws,
        };
        Tenant {
            id: self.id.to_owned(),
            access,
            buckets: vec![
                bucket(DATA, &self.real_data, false),
                bucket(RESULTS, &self.real_results, true),
            ],
            keys: [false, true]
                .map(|read_only| key_of(self.id, read_only))
                .into(),
        }
    }

    fn resident(self, port: u16) -> Resident {
        let login = |read_only| {
            let key = key_of(self.id, read_only);
            Login {
                endpoint: format!("http://127.0.0.1:{port}"),
                region: "us-east-1".to_owned(),
                access_key_id: key.id,
                secret_access_key: key.secret,
                authority: None,
            }
        };
        Resident {
            id: self.id,
            client: login(false),
            reader: login(true),
            owner: self.owner,
            real_data: self.real_data,
            real_results: self.real_results,
            prefix: prefix_of(self.id),
        }
    }
}

fn prefix_of(id: &str) -> String {
    format!("{HIDDEN_PREFIX}orgs/{id}/")
}

fn key_of(id: &str, read_only: bool) -> Key {
    let rights = if read_only { "READ" } else { "FULL" };
    Key {
        id: format!("BYOS{rights}{}", format!("{id:0<12}").to_uppercase()),
        secret: format!("secret-of-{id}-{rights}-0000000000000000000001"),
        read_only,
    }
}
