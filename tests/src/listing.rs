//! Twelve hundred keys: more than one page, in folders and beside them, with names that XML and
//! URLs have to escape. `tests/clients/boto3_client.py` knows the same rule.

use crate::client::Login;
use crate::request::{Connection, Request, encode_key};
use crate::signer::Signer;
use std::collections::BTreeSet;

/// Stands before each of them.
pub const PREFIX: &str = "many/";
/// How many there are.
pub const COUNT: usize = 1_200;
/// How many of them lie in no folder, and how many folders there are.
const PLAIN: usize = 40;
const FOLDERS: usize = 30;

/// Every key, in no order. No folder has a plus in its name: Ceph 16 does not encode the marker of
/// a version 1 listing, so that clients read a space there, with and without a gateway.
pub fn keys() -> impl Iterator<Item = String> {
    (0..COUNT).map(|number| {
        if number % (COUNT / PLAIN) == 0 {
            format!("{PREFIX}plain {number:04}&<é>")
        } else {
            format!("{PREFIX}folder {:02}/key+{number:04}", number % FOLDERS)
        }
    })
}

/// The keys that lie in no folder.
pub fn plain_keys() -> BTreeSet<String> {
    keys().filter(|key| key.matches('/').count() == 1).collect()
}

/// The folders, as a listing with a delimiter names them.
pub fn folders() -> BTreeSet<String> {
    keys()
        .filter_map(|key| Some(key.rsplit_once('/')?.0.to_owned() + "/"))
        .filter(|folder| folder != PREFIX)
        .collect()
}

/// Puts all of them into `bucket` over a few connections; each holds its own key.
pub fn put_all(login: &Login, bucket: &str) {
    const CONNECTIONS: usize = 4;
    let host = login.endpoint.trim_start_matches("http://");
    let keys: Vec<_> = keys().collect();
    std::thread::scope(|scope| {
        for share in keys.chunks(COUNT.div_ceil(CONNECTIONS)) {
            scope.spawn(move || {
                let signer = Signer::now(login);
                let mut connection = Connection::open(host).unwrap();
                for key in share {
                    let path = format!("/{bucket}/{}", encode_key(key));
                    let mut put = Request::new("PUT", host, &path).body(key.as_bytes());
                    signer.sign_with_hash(&mut put);
                    let answer = connection.send(&put).unwrap();
                    assert_eq!(answer.status, 200, "{key}: {}", answer.text());
                }
            });
        }
    });
}
