//! The keys of a vault, and sealing and opening records with them.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::{hkdf, rand};
use zeroize::Zeroizing;

use crate::record::{self, HEADER, Record, TAG};
use crate::seal::IndexKey;
use sealpost_vault::OperationId;

/// The content of the key file: 32 random bytes.
pub(crate) type FileKey = Zeroizing<[u8; 32]>;

/// Distinguishes this vault from every other, also from those with the same key file.
pub(crate) type VaultId = [u8; 16];

/// Proves to the owner of the key file that it belongs to a vault.
pub(crate) type KeyCheck = [u8; 32];

/// The keys of one vault:
///
/// ```text
/// prk    = HKDF-Extract(salt = vault id, ikm = content of the key file)     RFC 5869, SHA-256
/// root   = HKDF-Expand(prk, "sealpost/vault/1/root", 32)
/// check  = HKDF-Expand(prk, "sealpost/vault/1/check", 32)                   stored beside the vault id
/// index  = HKDF-Expand(prk, "sealpost/vault/1/index", 32)                   seals the list of names
///
/// key ‖ nonce = HKDF(salt = the record's, ikm = root, info = "sealpost/vault/1/record")[..44]
/// ciphertext ‖ tag = AES-256-GCM(key, nonce, aad = u16(|name|) ‖ name ‖ header, value)
/// ```
///
/// Every record has a key of its own, so no nonce can repeat under one. The name is bound, so a record
/// opens only where it was written; the vault id too, through the root.
pub(crate) struct VaultKeys {
    root: Zeroizing<[u8; 32]>,
    check: KeyCheck,
    index: IndexKey,
}

/// The record does not open: it was changed, or belongs to another name or another vault.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Damaged;

impl VaultKeys {
    pub(crate) fn derive(file_key: &FileKey, id: &VaultId) -> Result<Self, Unspecified> {
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, id).extract(&file_key[..]);
        let mut root = Zeroizing::new([0; 32]);
        let mut index = Zeroizing::new([0; 32]);
        let mut check = [0; 32];
        prk.expand(&[ROOT], Length(32))?.fill(&mut root[..])?;
        prk.expand(&[INDEX], Length(32))?.fill(&mut index[..])?;
        prk.expand(&[CHECK], Length(32))?.fill(&mut check)?;
        Ok(Self {
            root,
            check,
            index: IndexKey::new(&index),
        })
    }

    /// The key of the seal of the names.
    pub(crate) const fn index(&self) -> &IndexKey {
        &self.index
    }

    /// What is stored to recognise the key file.
    pub(crate) const fn check(&self) -> &KeyCheck {
        &self.check
    }

    /// Returns whether this is the check that was stored when the vault was created.
    pub(crate) fn belong_to(&self, check: &KeyCheck) -> bool {
        verify_slices_are_equal(&self.check, check).is_ok()
    }

    /// Encrypts a value into a new record. The value is read and nowhere copied.
    pub(crate) fn seal(
        &self,
        name: &str,
        operation: &OperationId,
        value: &[u8],
    ) -> Result<Vec<u8>, Unspecified> {
        let mut salt = [0; 32];
        rand::fill(&mut salt)?;
        let header = record::header(operation, &salt);
        let (key, nonce) = self.record_key(&salt)?;

        let mut record = vec![0; HEADER + value.len() + TAG];
        let (start, sealed) = record.split_at_mut(HEADER);
        start.copy_from_slice(&header);
        let (ciphertext, tag) = sealed.split_at_mut(value.len());
        key.seal_out_of_place_scatter(nonce, aad(name, &header), value, ciphertext, &[], tag)?;
        Ok(record)
    }

    /// Decrypts the record of `name`.
    pub(crate) fn open(&self, name: &str, record: &[u8]) -> Result<Zeroizing<Vec<u8>>, Damaged> {
        let record = Record::parse(record).ok_or(Damaged)?;
        let (key, nonce) = self.record_key(record.salt).map_err(|_| Damaged)?;
        let mut value = Zeroizing::new(vec![0; record.ciphertext.len()]);
        key.open_separate_gather(
            nonce,
            aad(name, record.header),
            record.ciphertext,
            record.tag,
            &mut value,
        )
        .map_err(|_| Damaged)?;
        Ok(value)
    }

    /// `key ‖ nonce = HKDF(salt, ikm = root, info = "sealpost/vault/1/record")[..44]`
    fn record_key(&self, salt: &[u8; 32]) -> Result<(LessSafeKey, Nonce), Unspecified> {
        let mut okm = Zeroizing::new([0; 44]);
        hkdf::Salt::new(hkdf::HKDF_SHA256, salt)
            .extract(&self.root[..])
            .expand(&[RECORD], Length(44))?
            .fill(&mut okm[..])?;
        let (key, nonce) = okm.split_at(32);
        Ok((
            LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key)?),
            Nonce::try_assume_unique_for_key(nonce)?,
        ))
    }
}

impl std::fmt::Debug for VaultKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("VaultKeys(..)")
    }
}

/// `u16(|name|) ‖ name ‖ header`
fn aad(name: &str, header: &[u8; HEADER]) -> Aad<Vec<u8>> {
    // A name has 512 bytes at most, which two bytes hold.
    let [.., high, low] = name.len().to_be_bytes();
    let mut aad = Vec::with_capacity(2 + name.len() + HEADER);
    aad.extend([high, low]);
    aad.extend(name.as_bytes());
    aad.extend(header);
    Aad::from(aad)
}

/// How much an expansion gives, in bytes.
struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

// Product, purpose, version, use.
const ROOT: &[u8] = b"sealpost/vault/1/root";
const CHECK: &[u8] = b"sealpost/vault/1/check";
const INDEX: &[u8] = b"sealpost/vault/1/index";
const RECORD: &[u8] = b"sealpost/vault/1/record";

#[cfg(test)]
mod tests {
    use super::*;

    const OPERATION: OperationId = OperationId::from_bytes([9; 32]);

    fn keys(file_key: u8, id: u8) -> VaultKeys {
        VaultKeys::derive(&Zeroizing::new([file_key; 32]), &[id; 16]).unwrap()
    }

    #[test]
    fn what_is_sealed_opens() {
        let keys = keys(1, 1);
        for value in [&b""[..], b"v", &[0xff; 70_000]] {
            let record = keys.seal("a/b", &OPERATION, value).unwrap();
            assert_eq!(record.len(), HEADER + value.len() + TAG);
            assert_eq!(&keys.open("a/b", &record).unwrap()[..], value);
            assert_eq!(Record::parse(&record).unwrap().operation, OPERATION);
        }
    }

    #[test]
    fn every_changed_bit_and_every_cut_is_noticed() {
        let keys = keys(1, 1);
        let record = keys.seal("name", &OPERATION, b"correct horse").unwrap();
        for byte in 0..record.len() {
            for bit in 0..8 {
                let mut record = record.clone();
                record[byte] ^= 1 << bit;
                assert_eq!(keys.open("name", &record), Err(Damaged), "{byte}.{bit}");
            }
            assert_eq!(keys.open("name", &record[..byte]), Err(Damaged));
        }
        let longer = [&record[..], &[0]].concat();
        assert_eq!(keys.open("name", &longer), Err(Damaged));
    }

    #[test]
    fn a_record_opens_only_where_it_was_written() {
        let record = keys(1, 1).seal("name", &OPERATION, b"v").unwrap();
        assert!(keys(1, 1).open("name", &record).is_ok());
        assert!(keys(1, 1).open("nam", &record).is_err());
        assert!(keys(1, 1).open("name2", &record).is_err());
        assert!(keys(1, 2).open("name", &record).is_err());
        assert!(keys(2, 1).open("name", &record).is_err());
    }

    #[test]
    fn no_record_repeats() {
        let keys = keys(1, 1);
        let records = [0; 2].map(|_| keys.seal("name", &OPERATION, b"value").unwrap());
        let [a, b] = records
            .each_ref()
            .map(|record| Record::parse(record).unwrap());
        assert_ne!(a.salt, b.salt);
        assert_ne!(a.ciphertext, b.ciphertext);
    }

    #[test]
    fn a_key_is_recognised_by_its_check() {
        let check = *keys(1, 1).check();
        assert!(keys(1, 1).belong_to(&check));
        assert!(!keys(2, 1).belong_to(&check));
        assert!(!keys(1, 2).belong_to(&check));
        assert!(!format!("{:?}", keys(1, 1)).contains('1'));
    }

    /// The schedule as an independent implementation computes it (Python's hmac).
    #[test]
    fn the_schedule_never_changes() {
        let keys = keys(1, 2);
        assert_eq!(
            hex(keys.check()),
            "7abe0aed6a59976a30e31165d69e752a30097c0f0df1f80d85ea67367ca998c2"
        );
        let header = record::header(&OPERATION, &[3; 32]);
        let (key, nonce) = keys.record_key(&[3; 32]).unwrap();
        let mut tag = [0; TAG];
        let mut ciphertext = [0; 5];
        key.seal_out_of_place_scatter(
            nonce,
            aad("name", &header),
            b"value",
            &mut ciphertext,
            &[],
            &mut tag,
        )
        .unwrap();
        assert_eq!(hex(&ciphertext), "e9dd838b6f");
        assert_eq!(hex(&tag), "d55f1cbfe3ab1691b810e5bc8ac6b808");
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
