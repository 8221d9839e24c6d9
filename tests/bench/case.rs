//! What is measured.

use tests::client::Login;
use tests::request::Request;
use tests::signer::{SIGNED_CHUNKS, Signer, UNSIGNED};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
/// As the AWS SDKs cut their chunks.
const CHUNK: usize = 64 * KIB;

/// How a request is made and what it has to bring back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Download.
    Get,
    /// Headers only.
    Head,
    /// Upload whose hash stands in the signature.
    PutHash,
    /// Upload that nobody hashes.
    PutUnsigned,
    /// Upload in chunks, each signed.
    PutChunks,
    /// A download with one digit of the signature changed; only the gateway knows the difference.
    BadSignature,
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    /// The row's name.
    pub(crate) name: &'static str,
    /// What is sent.
    pub(crate) kind: Kind,
    /// Size of the object.
    pub(crate) size: usize,
    /// Connections, each with one request in flight.
    pub(crate) connections: usize,
    /// Whether a smoke run includes it.
    pub(crate) smoke: bool,
}

/// All of them.
pub(crate) const ALL: [Case; 10] = [
    case("GET 4 KiB, 16 connections", Kind::Get, 4 * KIB, 16, true),
    case("GET 4 KiB, 1 connection", Kind::Get, 4 * KIB, 1, false),
    case("HEAD, 16", Kind::Head, 4 * KIB, 16, false),
    case(
        "PUT 4 KiB, hash verified, 16",
        Kind::PutHash,
        4 * KIB,
        16,
        false,
    ),
    case(
        "GET with a bad signature, 16",
        Kind::BadSignature,
        4 * KIB,
        16,
        true,
    ),
    case("GET 1 MiB, 8", Kind::Get, MIB, 8, false),
    case("GET 64 MiB, 4", Kind::Get, 64 * MIB, 4, false),
    case(
        "PUT 64 MiB unsigned, 4",
        Kind::PutUnsigned,
        64 * MIB,
        4,
        false,
    ),
    case(
        "PUT 64 MiB, hash verified, 4",
        Kind::PutHash,
        64 * MIB,
        4,
        false,
    ),
    case(
        "PUT 64 MiB, signed chunks verified, 4",
        Kind::PutChunks,
        64 * MIB,
        4,
        true,
    ),
];

const fn case(
    name: &'static str,
    kind: Kind,
    size: usize,
    connections: usize,
    smoke: bool,
) -> Case {
    Case {
        name,
        kind,
        size,
        connections,
        smoke,
    }
}

/// What a connection sends, over and over, and the status that has to come back.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// Head and body.
    pub(crate) bytes: Vec<u8>,
    /// Whether the response has no body whatever its headers say.
    pub(crate) is_head: bool,
    /// The status of every response.
    pub(crate) status: u16,
}

impl Case {
    /// Signs the request as `login`; `verifies` when the target looks at signatures at all.
    pub(crate) fn prepare(&self, login: &Login, verifies: bool) -> Prepared {
        let host = login.endpoint.trim_start_matches("http://");
        let path = format!("/data/{}", self.size);
        let method = match self.kind {
            Kind::Get | Kind::BadSignature => "GET",
            Kind::Head => "HEAD",
            _ => "PUT",
        };
        let mut request = Request::new(method, host, &path);
        let signer = Signer::now(login);
        let content = || vec![b'y'; self.size];
        match self.kind {
            Kind::Get | Kind::Head => {
                signer.sign_with_hash(&mut request);
            }
            Kind::BadSignature => {
                let good = signer.sign_with_hash(&mut request);
                let last = if good.ends_with('0') { "1" } else { "0" };
                let bad = format!("{}{last}", &good[..good.len() - 1]);
                let (_, authorization) = request.headers.pop().unwrap();
                request.set("authorization", &authorization.replace(&good, &bad));
            }
            Kind::PutHash => {
                request.body = content();
                signer.sign_with_hash(&mut request);
            }
            Kind::PutUnsigned => {
                request.body = content();
                signer.sign(&mut request, UNSIGNED);
            }
            Kind::PutChunks => {
                request.set("content-encoding", "aws-chunked");
                request.set("x-amz-decoded-content-length", &self.size.to_string());
                let seed = signer.sign(&mut request, SIGNED_CHUNKS);
                request.body = signer.signed_chunks(&seed, &content(), CHUNK);
            }
        }
        let refused = self.kind == Kind::BadSignature && verifies;
        Prepared {
            bytes: [request.head(), request.body].concat(),
            is_head: self.kind == Kind::Head,
            status: if refused { 403 } else { 200 },
        }
    }
}
