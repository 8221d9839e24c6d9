//! The shape of the workspace: who may import whom, and who may bring what from outside.
//!
//! The table is the one of the architecture; a change here is a change of the design.

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use tests::place;

/// Member, floor, and the members that it may import.
const FLOORS: [(&str, u8, &[&str]); 13] = [
    ("types", 0, &[]),
    ("policies", 1, &["types"]),
    ("sigv4", 2, &["types"]),
    ("s3", 2, &["types"]),
    ("store", 3, &["types"]),
    ("upstream", 3, &["types", "policies", "sigv4", "s3"]),
    ("sandbox", 3, &["types", "policies"]),
    (
        "control",
        4,
        &["types", "policies", "sigv4", "s3", "store", "upstream"],
    ),
    ("console", 4, &["types", "policies", "control"]),
    (
        "proxy",
        5,
        &[
            "types", "policies", "sigv4", "s3", "store", "upstream", "sandbox", "control",
            "console",
        ],
    ),
    ("provisioner", 5, &["types", "policies", "upstream"]),
    // Stands in for a crate from outside, docs/decisions/0002-no-cmake.md.
    ("libz-ng-sys", 0, &[]),
    // Drives everything, and nothing may import it.
    ("tests", 6, &["types", "sigv4", "s3", "policies", "sandbox"]),
];

/// Crates from outside that only these members may import; tests' own imports are free, because a
/// judge has to be independent of what it judges.
const OUTSIDE: [(&str, &[&str]); 18] = [
    ("hmac", &["sigv4"]),
    ("subtle", &["sigv4"]),
    // The sandbox judges what our own floors produce, so it may not produce it with them.
    ("aws-sigv4", &["sigv4", "sandbox"]),
    ("quick-xml", &["s3", "sandbox"]),
    ("crc-fast", &["s3"]),
    ("sled", &["store", "provisioner"]),
    ("sqlx", &["store"]),
    ("tokio-postgres", &["store"]),
    ("aws-sdk-sts", &["upstream", "provisioner"]),
    ("hyper", &["upstream", "sandbox"]),
    ("s3s", &["sandbox"]),
    ("axum", &["console"]),
    ("pingora", &["proxy"]),
    ("clap", &["proxy", "provisioner"]),
    ("aws-sdk-iam", &["provisioner"]),
    ("aws-sdk-s3", &["provisioner"]),
    ("hcl-rs", &["provisioner"]),
    ("aws-config", &[]),
];

/// What brings an executor, sockets or files; not for the floors that only think.
const BRINGS_IO: [&str; 8] = [
    "async-trait",
    "futures-util",
    "hyper",
    "hyper-util",
    "rustls",
    "tokio",
    "tokio-rustls",
    "tracing-subscriber",
];
/// The highest floor that neither awaits nor touches the world.
const HIGHEST_PURE_FLOOR: u8 = 2;

static METADATA: LazyLock<Metadata> = LazyLock::new(|| {
    // One platform is enough, and it is the one whose crates have been fetched.
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    MetadataCommand::new()
        .current_dir(place::root())
        .other_options(["--offline", "--locked", "--filter-platform", &platform].map(String::from))
        .exec()
        .unwrap()
});

fn floor(member: &str) -> Option<u8> {
    let row = FLOORS.iter().find(|(name, ..)| *name == member)?;
    Some(row.1)
}

/// Every dependency of a member on a member: from, to, and whether only tests need it.
fn edges() -> impl Iterator<Item = (&'static str, &'static str, bool)> {
    METADATA.workspace_packages().into_iter().flat_map(|from| {
        from.dependencies
            .iter()
            .filter(|to| floor(&to.name).is_some())
            .map(|to| {
                (
                    from.name.as_str(),
                    to.name.as_str(),
                    to.kind == DependencyKind::Development,
                )
            })
    })
}

#[test]
fn every_member_has_its_row_in_the_table() {
    for member in METADATA.workspace_packages() {
        assert!(
            floor(&member.name).is_some(),
            "{} has no floor",
            member.name
        );
    }
}

#[test]
fn a_floor_imports_only_what_the_table_allows() {
    let forbidden: Vec<_> = edges()
        .filter(|(from, to, only_tests)| {
            let row = FLOORS.iter().find(|(name, ..)| name == from).unwrap();
            !only_tests && !row.2.contains(to)
        })
        .collect();
    assert_eq!(forbidden, []);
}

#[test]
fn not_even_tests_of_a_floor_import_a_higher_one() {
    let upward: Vec<_> = edges()
        .filter(|(from, to, only_tests)| *only_tests && floor(to) > floor(from))
        .collect();
    assert_eq!(upward, []);
}

#[test]
fn crates_from_outside_come_in_where_the_table_says() {
    let mut strays = BTreeSet::new();
    for member in METADATA.workspace_packages() {
        for import in &member.dependencies {
            let owners = OUTSIDE.iter().find(|(name, _)| *name == import.name);
            if import.kind != DependencyKind::Development
                && member.name.as_str() != "tests"
                && owners.is_some_and(|(_, owners)| !owners.contains(&member.name.as_str()))
            {
                strays.insert((member.name.as_str(), import.name.as_str()));
            }
        }
    }
    assert_eq!(strays, BTreeSet::new());
}

#[test]
fn the_floors_that_only_think_import_nothing_that_does() {
    let mut doers = BTreeSet::new();
    for member in METADATA.workspace_packages() {
        for import in &member.dependencies {
            if floor(&member.name) <= Some(HIGHEST_PURE_FLOOR)
                && import.kind != DependencyKind::Development
                && BRINGS_IO.contains(&import.name.as_str())
            {
                doers.insert((member.name.as_str(), import.name.as_str()));
            }
        }
    }
    assert_eq!(doers, BTreeSet::new());
}

/// The names of everything that is compiled into `root`.
fn compiled_into(root: &str) -> BTreeSet<&'static str> {
    let nodes: BTreeMap<_, _> = METADATA
        .resolve
        .as_ref()
        .unwrap()
        .nodes
        .iter()
        .map(|node| (&node.id, node))
        .collect();
    let is_root = |package: &&Package| package.name.as_str() == root;
    let start = METADATA.packages.iter().find(is_root).unwrap();
    let mut seen = BTreeSet::from([&start.id]);
    let mut ahead = vec![&start.id];
    while let Some(id) = ahead.pop() {
        for next in &nodes[id].deps {
            let compiled = |kind: &cargo_metadata::DepKindInfo| kind.kind == DependencyKind::Normal;
            if next.dep_kinds.iter().any(compiled) && seen.insert(&next.pkg) {
                ahead.push(&next.pkg);
            }
        }
    }
    seen.into_iter()
        .map(|id| METADATA[id].name.as_str())
        .collect()
}

#[test]
fn the_gateway_is_built_without_the_s3_sdk_and_without_a_second_crypto_provider() {
    let inside = compiled_into("proxy");
    for unwanted in [
        "aws-sdk-s3",
        "aws-config",
        "aws-lc-rs",
        "openssl",
        "native-tls",
    ] {
        assert!(!inside.contains(unwanted), "proxy contains {unwanted}");
    }
}

#[test]
fn every_crate_from_outside_comes_from_the_registry() {
    let strays: Vec<_> = METADATA
        .packages
        .iter()
        .filter_map(|package| package.source.as_ref())
        .filter(|source| !source.is_crates_io())
        .collect();
    assert!(strays.is_empty(), "{strays:?}");
}

#[test]
fn unsafe_code_is_forbidden_and_every_member_inherits_the_lints() {
    let read = |path: &std::path::Path| -> toml::Table {
        std::fs::read_to_string(path).unwrap().parse().unwrap()
    };
    let workspace = read(&place::root().join("Cargo.toml"));
    assert_eq!(
        workspace["workspace"]["lints"]["rust"]["unsafe_code"].as_str(),
        Some("forbid")
    );
    for member in METADATA.workspace_packages() {
        if member.name.as_str() == "libz-ng-sys" {
            continue;
        }
        let manifest = read(member.manifest_path.as_std_path());
        let inherits = manifest
            .get("lints")
            .and_then(|lints| lints.get("workspace"))
            .and_then(toml::Value::as_bool);
        assert_eq!(inherits, Some(true), "{} goes its own way", member.name);
    }
}

#[test]
fn one_version_of_each_dependency_stands_in_the_workspace_manifest() {
    let mut own = BTreeSet::new();
    for member in METADATA.workspace_packages() {
        let text = std::fs::read_to_string(&member.manifest_path).unwrap();
        let manifest: toml::Table = text.parse().unwrap();
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let entries = manifest.get(section).and_then(toml::Value::as_table);
            for (name, entry) in entries.into_iter().flatten() {
                if entry.get("workspace").is_none() && member.name.as_str() != "libz-ng-sys" {
                    own.insert((member.name.as_str(), name.clone()));
                }
            }
        }
    }
    assert_eq!(own, BTreeSet::new());
}
