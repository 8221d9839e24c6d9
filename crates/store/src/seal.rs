//! Sealing one record.
//!
//! ```text
//! offset  bytes
//!      0      1  version of this layout: 1
//!      1      8  id of the key-encryption key
//!      9      8  generation: the number of the batch that wrote the record
//!     17     12  nonce of the wrapped data key
//!     29     48  data key, sealed under the key-encryption key
//!     77     12  nonce of the content
//!     89   n+16  content, sealed under the data key
//! ```
//! The associated data of both seals is the first 17 bytes, the store's id and the row key: a
//! value that is moved to another row, another store or another generation does not open.

use crate::StoreError;
use crate::keyring::{KeyId, KeyRing};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroizing;

/// The most bytes that a record may have in clear. sled keeps what stands under a few KiB in its
/// one log file, the file that is fsynced before a write is acknowledged.
pub(crate) const MAX_CONTENT: usize = 8 * 1_024;

const LAYOUT: u8 = 1;
const HEAD: usize = 17;
const WRAPPED_AT: usize = HEAD + 12;
const NONCE_AT: usize = WRAPPED_AT + 48;
const CONTENT_AT: usize = NONCE_AT + 12;
const TAG: usize = 16;

/// Tells one store from another.
pub(crate) type StoreId = [u8; 16];

/// Plain bytes that are wiped when they go.
pub(crate) type Clear = Zeroizing<Vec<u8>>;

/// Seals `content` for `row`.
pub(crate) fn seal(
    ring: &KeyRing,
    store: &StoreId,
    row: &[u8],
    generation: u64,
    content: &[u8],
) -> Result<Vec<u8>, StoreError> {
    if content.len() > MAX_CONTENT {
        return Err(StoreError::TooLarge { limit: MAX_CONTENT });
    }
    let kek = ring.primary();
    let mut random = Zeroizing::new([0; 32 + 12 + 12]);
    getrandom::fill(random.as_mut()).map_err(|_| StoreError::Randomness)?;
    let (data_key, nonces) = random.split_at(32);

    let mut sealed = Vec::with_capacity(CONTENT_AT + content.len() + TAG);
    sealed.push(LAYOUT);
    sealed.extend_from_slice(&kek.id.0);
    sealed.extend_from_slice(&generation.to_be_bytes());
    let aad = associated_data(&sealed, store, row);

    let mut wrapped = Zeroizing::new(data_key.to_vec());
    let tag = kek
        .aead
        .seal_in_place_separate_tag(nonce(&nonces[..12]), Aad::from(&aad), &mut wrapped)
        .expect("32 bytes are not too long for AES-GCM");
    sealed.extend_from_slice(&nonces[..12]);
    sealed.extend_from_slice(&wrapped);
    sealed.extend_from_slice(tag.as_ref());

    // The clear text is copied into its final place and encrypted there: no second copy to wipe.
    sealed.extend_from_slice(&nonces[12..]);
    sealed.extend_from_slice(content);
    let tag = data_aead(data_key)
        .seal_in_place_separate_tag(
            nonce(&nonces[12..]),
            Aad::from(&aad),
            &mut sealed[CONTENT_AT..],
        )
        .expect("a record of a few KiB is not too long for AES-GCM");
    sealed.extend_from_slice(tag.as_ref());
    Ok(sealed)
}

/// Opens what [`seal`] made for the same row of the same store.
pub(crate) fn open(
    ring: &KeyRing,
    store: &StoreId,
    row: &[u8],
    sealed: &[u8],
) -> Result<Clear, StoreError> {
    let damaged = || StoreError::Damaged(format!("the record of row {} does not open", name(row)));
    if sealed.len() < CONTENT_AT + TAG || sealed[0] != LAYOUT {
        return Err(damaged());
    }
    let needed = key_id(sealed).ok_or_else(damaged)?;
    let kek = ring.find(needed).ok_or(StoreError::WrongKey { needed })?;
    let aad = associated_data(&sealed[..HEAD], store, row);

    let mut wrapped = Zeroizing::new([0; 48]);
    wrapped.copy_from_slice(&sealed[WRAPPED_AT..NONCE_AT]);
    let data_key = kek
        .aead
        .open_in_place(
            nonce(&sealed[HEAD..WRAPPED_AT]),
            Aad::from(&aad),
            wrapped.as_mut_slice(),
        )
        .map_err(|_| damaged())?;
    let mut content = Zeroizing::new(sealed[CONTENT_AT..].to_vec());
    data_aead(data_key)
        .open_in_place(
            nonce(&sealed[NONCE_AT..CONTENT_AT]),
            Aad::from(&aad),
            &mut content,
        )
        .map_err(|_| damaged())?;
    content.truncate(sealed.len() - CONTENT_AT - TAG);
    Ok(content)
}

/// Which key a sealed record needs.
pub(crate) fn key_id(sealed: &[u8]) -> Option<KeyId> {
    sealed
        .get(1..9)
        .and_then(|id| id.try_into().ok())
        .map(KeyId)
}

/// Which batch wrote a sealed record, as it says; [`open`] tells whether to believe it.
pub(crate) fn generation(sealed: &[u8]) -> Option<u64> {
    sealed
        .get(9..HEAD)
        .and_then(|number| number.try_into().ok())
        .map(u64::from_be_bytes)
}

/// A row key for words: what is not printable is escaped.
pub(crate) fn name(row: &[u8]) -> String {
    row.escape_ascii().to_string()
}

fn associated_data(head: &[u8], store: &StoreId, row: &[u8]) -> Vec<u8> {
    // Head and store id have fixed lengths, so the parts cannot be read in two ways.
    [head, store, row].concat()
}

fn data_aead(key: &[u8]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("a data key has 32 bytes"))
}

fn nonce(bytes: &[u8]) -> Nonce {
    Nonce::try_assume_unique_for_key(bytes).expect("a nonce has 12 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use types::Secret;

    const STORE: StoreId = [9; 16];

    fn ring() -> KeyRing {
        KeyRing::from_bytes(Secret::new([1; 32]))
    }

    #[test]
    fn a_sealed_record_opens_to_what_was_sealed() {
        for content in [&b""[..], b"x", &[7; MAX_CONTENT]] {
            let sealed = seal(&ring(), &STORE, b"row", 3, content).unwrap();
            assert_eq!(&**open(&ring(), &STORE, b"row", &sealed).unwrap(), content);
        }
    }

    #[test]
    fn every_flipped_bit_of_a_sealed_record_is_refused() {
        let sealed = seal(&ring(), &STORE, b"row", 3, b"the secret of acme").unwrap();
        for bit in 0..sealed.len() * 8 {
            let mut flipped = sealed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(
                open(&ring(), &STORE, b"row", &flipped).is_err(),
                "bit {bit}"
            );
        }
    }

    #[test]
    fn every_shortened_record_is_refused() {
        let sealed = seal(&ring(), &STORE, b"row", 3, b"content").unwrap();
        for length in 0..sealed.len() {
            assert!(open(&ring(), &STORE, b"row", &sealed[..length]).is_err());
        }
    }

    #[test]
    fn a_value_moved_to_another_row_or_store_is_refused() {
        let sealed = seal(&ring(), &STORE, b"row", 3, b"content").unwrap();
        assert!(open(&ring(), &STORE, b"rox", &sealed).is_err());
        assert!(open(&ring(), &[8; 16], b"row", &sealed).is_err());
    }

    #[test]
    fn a_record_under_an_unknown_key_names_the_key() {
        let sealed = seal(&ring(), &STORE, b"row", 3, b"content").unwrap();
        let other = KeyRing::from_bytes(Secret::new([2; 32]));
        match open(&other, &STORE, b"row", &sealed) {
            Err(StoreError::WrongKey { needed }) => assert_eq!(needed, ring().id()),
            result => panic!("{result:?}"),
        }
    }

    #[test]
    fn a_record_over_the_limit_is_refused() {
        assert!(matches!(
            seal(&ring(), &STORE, b"row", 3, &[0; MAX_CONTENT + 1]),
            Err(StoreError::TooLarge { .. })
        ));
    }

    #[test]
    fn no_nonce_and_no_data_key_repeats_in_ten_thousand_seals() {
        let mut seen = HashSet::new();
        for _ in 0..10_000 {
            let sealed = seal(&ring(), &STORE, b"row", 3, b"content").unwrap();
            assert!(seen.insert(sealed[HEAD..WRAPPED_AT].to_vec()));
            assert!(seen.insert(sealed[NONCE_AT..CONTENT_AT].to_vec()));
        }
    }
}
