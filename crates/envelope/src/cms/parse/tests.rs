use alloc::vec;

use super::*;

/// Lengths of one octet.
fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = u8::try_from(content.len()).unwrap();
    assert!(length < 128);
    [&[tag, length][..], &content].concat()
}

fn algorithm(oid: ObjectIdentifier, parameters: &[u8]) -> Vec<u8> {
    tlv(0x30, &[&tlv(6, &[oid.as_bytes()]), parameters])
}

#[test]
fn oaep_has_sha256_twice_and_no_label() {
    const NULL: &[u8] = &[5, 0];
    let [zero, one, two] = [0xa0, 0xa1, 0xa2].map(|tag| move |inner: Vec<u8>| tlv(tag, &[&inner]));
    let mask = |hash: Vec<u8>| one(algorithm(oid::MGF_1, &hash));
    let source = |oid, label: &[u8]| two(algorithm(oid, &tlv(4, &[label])));
    let (sha256, sha1) = (algorithm(oid::SHA_256, NULL), algorithm(oid::SHA_1, NULL));
    let (hash, masks) = (zero(sha256.clone()), mask(sha256.clone()));
    let other = || Err(KeyEncryption::OaepOther);
    for (parts, expected) in [
        (vec![hash.clone(), masks.clone()], Ok(())),
        (
            vec![zero(algorithm(oid::SHA_256, &[])), masks.clone()],
            Ok(()),
        ),
        // What is the default may be said.
        (
            vec![hash.clone(), masks.clone(), source(oid::P_SPECIFIED, b"")],
            Ok(()),
        ),
        (
            vec![hash.clone(), masks.clone(), source(oid::P_SPECIFIED, b"l")],
            Err(KeyEncryption::OaepLabel),
        ),
        (
            vec![hash.clone(), masks.clone(), source(oid::MGF_1, b"")],
            Err(KeyEncryption::OaepLabel),
        ),
        (vec![], Err(KeyEncryption::OaepSha1)),
        (vec![masks.clone()], Err(KeyEncryption::OaepSha1)),
        (
            vec![zero(sha1.clone()), masks.clone()],
            Err(KeyEncryption::OaepSha1),
        ),
        (vec![hash.clone()], Err(KeyEncryption::OaepMgf1Sha1)),
        (
            vec![hash.clone(), mask(sha1.clone())],
            Err(KeyEncryption::OaepMgf1Sha1),
        ),
        (
            vec![zero(algorithm(oid::SHA_256, &[2, 1, 0])), masks.clone()],
            other(),
        ),
        (
            vec![zero(algorithm(oid::DATA, NULL)), masks.clone()],
            other(),
        ),
        (
            vec![hash.clone(), one(algorithm(oid::DATA, &sha256))],
            other(),
        ),
        (vec![hash.clone(), mask(vec![])], other()),
        (vec![hash.clone(), masks.clone(), NULL.to_vec()], other()),
        (vec![zero(vec![]), masks.clone()], other()),
    ] {
        let der = algorithm(oid::RSAES_OAEP, &tlv(0x30, &[&parts.concat()]));
        let found = AlgorithmIdentifierRef::from_der(&der).unwrap();
        assert_eq!(key_encryption(&found), expected, "{der:02x?}");
    }
    let good = [hash, masks].concat();
    let octets = tlv(4, &[&good]);
    for (oid, parameters, expected) in [
        (oid::RSAES_OAEP, &octets[..], KeyEncryption::OaepOther),
        (oid::RSAES_OAEP, &[], KeyEncryption::OaepSha1),
        (oid::RSAES_OAEP, NULL, KeyEncryption::OaepOther),
        (oid::RSA_ENCRYPTION, NULL, KeyEncryption::Pkcs1v15),
        (oid::MGF_1, NULL, KeyEncryption::Unknown),
    ] {
        let der = algorithm(oid, parameters);
        let found = AlgorithmIdentifierRef::from_der(&der).unwrap();
        assert_eq!(key_encryption(&found), Err(expected), "{der:02x?}");
    }
}
