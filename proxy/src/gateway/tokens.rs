//! Continuation tokens that tell nothing: a store may put the last key, prefix and all, into its
//! own, so the client gets it sealed.
//!
//! The key follows from the secret of the access key that lists, so every gateway can open it and
//! no other tenant can; tenant and bucket are bound into the seal.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use s3::ContinuationTokens;
use sha2::{Digest, Sha256};
use types::{AccessKey, BucketAlias};

/// Longer than any store's token.
const MAX_TOKEN_BYTES: usize = 4 * 1_024;

/// Seals and opens the tokens of one listing.
pub(super) struct SealedTokens {
    key: LessSafeKey,
    place: String,
    draw: fn(&mut [u8]),
}

impl std::fmt::Debug for SealedTokens {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("SealedTokens")
    }
}

impl SealedTokens {
    /// For listings of `bucket` by `access_key`; nonces come from `draw`.
    pub(super) fn new(access_key: &AccessKey, bucket: &BucketAlias, draw: fn(&mut [u8])) -> Self {
        let mut digest = Sha256::new();
        digest.update(b"byos continuation token 1\0");
        digest.update(access_key.secret.expose().as_bytes());
        let key = UnboundKey::new(&AES_256_GCM, &digest.finalize());
        let key = LessSafeKey::new(key.expect("SHA-256 gives the 32 bytes that AES-256 takes"));
        Self {
            key,
            place: format!("{}/{bucket}", access_key.tenant),
            draw,
        }
    }
}

impl ContinuationTokens for SealedTokens {
    fn seal(&self, upstream: &str) -> String {
        let mut nonce = [0; NONCE_LEN];
        (self.draw)(&mut nonce);
        let mut text = upstream.as_bytes().to_vec();
        let aad = Aad::from(self.place.as_bytes());
        let sealed =
            self.key
                .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut text);
        sealed.expect("a token is far below what AES-GCM can seal");
        URL_SAFE_NO_PAD.encode([nonce.as_slice(), &text].concat())
    }

    fn open(&self, client: &str) -> Option<String> {
        if client.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(client).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_LEN>()?;
        let mut sealed = sealed.to_vec();
        let aad = Aad::from(self.place.as_bytes());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self.key.open_in_place(nonce, aad, &mut sealed).ok()?;
        String::from_utf8(opened.to_vec()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::{AccessKeyId, AccessKeyStatus, SecretString, TenantId};

    fn tokens(tenant: &str, secret: &str, bucket: &str) -> SealedTokens {
        let key = AccessKey {
            id: AccessKeyId::parse("BYOSTESTKEY0000000").unwrap(),
            tenant: TenantId::parse(tenant).unwrap(),
            secret: SecretString::from(secret),
            secret_version: 1,
            grants: vec![],
            not_after: None,
            status: AccessKeyStatus::Active,
        };
        SealedTokens::new(&key, &BucketAlias::parse(bucket).unwrap(), |bytes| {
            bytes.fill(7)
        })
    }

    #[test]
    fn a_token_opens_only_where_it_was_sealed() {
        let sealed = tokens("acme", "s", "data").seal("orgs/acme/last-key");
        let opened = tokens("acme", "s", "data").open(&sealed);
        assert_eq!(opened.as_deref(), Some("orgs/acme/last-key"));
        for other in [
            ("evil", "s", "data"),
            ("acme", "t", "data"),
            ("acme", "s", "results"),
        ] {
            assert_eq!(
                tokens(other.0, other.1, other.2).open(&sealed),
                None,
                "{other:?}"
            );
        }
    }

    #[test]
    fn what_is_not_a_token_is_refused() {
        let tokens = tokens("acme", "s", "data");
        let sealed = tokens.seal("x");
        for text in ["", "x", "%%%", &sealed[1..], &"A".repeat(9_000)] {
            assert_eq!(tokens.open(text), None, "{text}");
        }
    }
}
