//! Two tenants do random things at the same time; each sees what a map of its own would hold.

use crate::upstreams::on_each_upstream;
use std::collections::BTreeMap;
use tests::client::Login;
use tests::request::{Connection, Request, Response, elements, encode_key, encode_parameter};
use tests::signer::Signer;
use tests::world::{RESULTS, Resident, World};

on_each_upstream! {
    two_tenants_at_random_never_see_each_others_objects,
    nothing_that_one_tenant_can_name_is_anothers,
}

const OPERATIONS: usize = 250;
/// Under this prefix only, so that the other tests of this world do not disturb the model.
const HOME: &str = "random/";
/// Names that mean something to a careless gateway.
const NAMES: [&str; 10] = [
    "a",
    "a/b",
    "a//b",
    "b c",
    "orgs/globex/results.json",
    "orgs/acme/results.json",
    "hidden-elsewhere/x",
    "%2e%2e/%2e%2e/x",
    "..%2f..%2fx",
    "é+&<x>",
];

/// A sequence that is the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }

    fn key(&mut self) -> String {
        format!("{HOME}{}", NAMES[self.below(NAMES.len())])
    }
}

/// One tenant's client with a connection of its own.
struct Session<'a> {
    host: String,
    login: &'a Login,
    connection: Connection,
}

impl<'a> Session<'a> {
    fn of(host: String, resident: &'a Resident) -> Self {
        Self {
            connection: Connection::open(&host).unwrap(),
            login: &resident.client,
            host,
        }
    }

    fn request(&self, method: &str, key: &str) -> Request {
        Request::new(
            method,
            &self.host,
            &format!("/{RESULTS}/{}", encode_key(key)),
        )
    }

    fn send(&mut self, mut request: Request) -> Response {
        Signer::now(self.login).sign_with_hash(&mut request);
        if let Ok(answer) = self.connection.send(&request) {
            return answer;
        }
        // The gateway may close a connection after an error.
        self.connection = Connection::open(&self.host).unwrap();
        self.connection.send(&request).unwrap()
    }

    fn list(&mut self, prefix: &str) -> Vec<String> {
        let query = format!(
            "list-type=2&encoding-type=url&prefix={}",
            encode_parameter(prefix)
        );
        let request = Request::new("GET", &self.host, &format!("/{RESULTS}")).query(&query);
        let answer = self.send(request);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let text = answer.text();
        elements(&text, "Key").into_iter().map(decode).collect()
    }
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, others)) = rest.split_first() {
        if *first == b'%' {
            let digits = std::str::from_utf8(&others[..2]).unwrap();
            bytes.push(u8::from_str_radix(digits, 16).unwrap());
            rest = &others[2..];
        } else {
            bytes.push(if *first == b'+' { b' ' } else { *first });
            rest = others;
        }
    }
    String::from_utf8(bytes).unwrap()
}

fn live(world: &World, resident: &Resident, seed: u64) {
    let mut session = Session::of(world.host(), resident);
    let mut model = BTreeMap::<String, Vec<u8>>::new();
    let mut dice = Dice(seed);
    for step in 0..OPERATIONS {
        let key = dice.key();
        let context = format!("{} step {step}, seed {seed}: {key}", resident.id);
        match dice.below(10) {
            0..3 => {
                let body = format!("{} wrote this in step {step}", resident.id).into_bytes();
                let put = session.request("PUT", &key).body(body.clone());
                let answer = session.send(put);
                assert_eq!(answer.status, 200, "put, {context}: {}", answer.text());
                model.insert(key, body);
            }
            3..6 => {
                let get = session.request("GET", &key);
                let answer = session.send(get);
                match model.get(&key) {
                    Some(body) => assert!(answer.body == *body, "get, {context}"),
                    None => assert_eq!(answer.verdict(), "404 NoSuchKey", "get, {context}"),
                }
            }
            6 => {
                let delete = session.request("DELETE", &key);
                assert_eq!(session.send(delete).status, 204, "delete, {context}");
                model.remove(&key);
            }
            7 => {
                let source = dice.key();
                let from = format!("/{RESULTS}/{}", encode_key(&source));
                let copy = session
                    .request("PUT", &key)
                    .header("x-amz-copy-source", &from);
                let answer = session.send(copy);
                match model.get(&source).cloned() {
                    // AWS refuses to copy an object onto itself unchanged, MiniStack does it.
                    Some(_) if source == key => {
                        assert!([200, 400].contains(&answer.status), "copy, {context}");
                    }
                    Some(body) => {
                        assert_eq!(answer.status, 200, "copy, {context}: {}", answer.text());
                        model.insert(key, body);
                    }
                    None => assert_eq!(answer.verdict(), "404 NoSuchKey", "copy, {context}"),
                }
            }
            _ => {
                let expected: Vec<_> = model.keys().cloned().collect();
                assert_eq!(session.list(HOME), expected, "list, {context}");
            }
        }
    }
}

fn two_tenants_at_random_never_see_each_others_objects(world: &World) {
    std::thread::scope(|scope| {
        scope.spawn(|| live(world, &world.acme, 0x5EED_0001));
        scope.spawn(|| live(world, &world.globex, 0x5EED_0002));
    });
}

fn nothing_that_one_tenant_can_name_is_anothers(world: &World) {
    let (acme, globex) = (&world.acme, &world.globex);
    let secret = "only for globex";
    let mut owner = Session::of(world.host(), globex);
    let put = owner.request("PUT", "confidential").body(secret);
    assert_eq!(owner.send(put).status, 200);

    // The requests name what is hidden, so their errors do too: these do not go through the tap.
    let mut other = Session::of(world.untapped_host(), acme);
    let mut spellings = vec!["confidential".to_owned()];
    for climb in ["../", "../../", "%2e%2e/", "..%2f", "./../", "//../"] {
        for rest in [
            "globex/confidential".to_owned(),
            "orgs/globex/confidential".to_owned(),
            format!("{}confidential", globex.prefix),
            format!("{}/{}confidential", globex.real_results, globex.prefix),
        ] {
            spellings.push(format!("{climb}{rest}"));
        }
    }
    for spelling in &spellings {
        // Both as it stands and encoded: the path is sent raw.
        for path in [spelling.clone(), encode_key(spelling)] {
            let host = world.untapped_host();
            let get = Request::new("GET", &host, &format!("/{RESULTS}/{path}"));
            let answer = other.send(get);
            assert!(answer.status >= 400, "GET {path}: {}", answer.status);
            assert!(!answer.text().contains(secret), "GET {path}");
            for bucket in [RESULTS, globex.real_results.as_str()] {
                let copy = Request::new("PUT", &host, &format!("/{RESULTS}/stolen"))
                    .header("x-amz-copy-source", &format!("/{bucket}/{path}"));
                let answer = other.send(copy);
                assert!(
                    answer.status >= 400,
                    "copy {bucket}/{path}: {}",
                    answer.status
                );
            }
        }
    }
    for prefix in ["confidential", "../", "", &globex.prefix, "orgs/"] {
        let listed = other.list(prefix);
        assert!(
            !listed.iter().any(|key| key.contains("confidential")),
            "{prefix}: {listed:?}"
        );
    }
    let still = owner.request("GET", "confidential");
    assert_eq!(owner.send(still).text(), secret);
}
