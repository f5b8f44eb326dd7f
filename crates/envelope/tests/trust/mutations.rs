//! No bytes make parsing or checking panic, and no change of a certificate passes for it.

use proptest::{
    prelude::*,
    test_runner::{FileFailurePersistence, TestRunner},
};
use sealpost_envelope::{
    Certificate, Trust,
    trust::{ChainPolicy, TrustAnchors},
};

use super::forgery::{NOW, test_file};

/// One change of some bytes. Places are taken modulo the length.
#[derive(Clone, Debug)]
enum Change {
    Set(usize, u8),
    Insert(usize, Vec<u8>),
    Remove(usize, usize),
    Copy(usize, usize, usize),
    Cut(usize),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let at = |place: &usize| place % bytes.len().max(1);
        match self {
            Self::Set(place, value) => {
                let place = at(place);
                if let Some(byte) = bytes.get_mut(place) {
                    *byte = *value;
                }
            }
            Self::Insert(place, new) => {
                let place = at(place);
                bytes.splice(place..place, new.iter().copied());
            }
            Self::Remove(place, length) => {
                let place = at(place);
                let end = (place + length % 40).min(bytes.len());
                bytes.drain(place..end);
            }
            Self::Copy(from, to, length) => {
                let (from, to) = (at(from), at(to));
                let part = bytes[from..(from + length % 400).min(bytes.len())].to_vec();
                bytes.splice(to..to, part);
            }
            Self::Cut(place) => bytes.truncate(at(place)),
        }
    }
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    // Bytes that mean something in DER and in PEM are more likely than others.
    let byte = prop_oneof![
        any::<u8>(),
        proptest::sample::select(vec![
            0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0c, 0x13, 0x17, 0x18, 0x1f, 0x24, 0x30,
            0x31, 0x7f, 0x80, 0x81, 0x82, 0x84, 0x86, 0xa0, 0xa3, 0xa4, 0xff, b'-', b'\n', b'\r',
            b'='
        ])
    ];
    let change = prop_oneof![
        6 => (any::<usize>(), byte.clone()).prop_map(|(place, value)| Change::Set(place, value)),
        2 => (any::<usize>(), proptest::collection::vec(byte, 1..6))
            .prop_map(|(place, new)| Change::Insert(place, new)),
        2 => any::<(usize, usize)>().prop_map(|(place, length)| Change::Remove(place, length)),
        1 => any::<(usize, usize, usize)>().prop_map(|(a, b, length)| Change::Copy(a, b, length)),
        1 => any::<usize>().prop_map(Change::Cut),
    ];
    proptest::collection::vec(change, 1..5)
}

fn runner(cases: u32) -> TestRunner {
    let failures = FileFailurePersistence::Direct("tests/trust/mutations.proptest-regressions");
    TestRunner::new(ProptestConfig {
        cases: std::env::var("PROPTEST_CASES").map_or(cases, |cases| cases.parse().unwrap()),
        failure_persistence: Some(Box::new(failures)),
        ..ProptestConfig::default()
    })
}

fn file(name: &str) -> Vec<u8> {
    test_file(&format!("certificates/{name}"))
}

/// Files of every kind that the policies meet.
const NAMES: [&str; 8] = [
    "usual.der",
    "chain-rsa.pem",
    "every-name.pem",
    "name-t61-bmp.pem",
    "ca-dns-permitted.pem",
    "agent-pss-sha256.pem",
    "from-pkcs12.pem",
    "usual.pem",
];

fn exercise(bytes: &[u8], anchors: &TrustAnchors) -> Option<Certificate> {
    let _ = TrustAnchors::from_pem_or_der(bytes);
    let certificate = Certificate::from_pem_or_der(bytes).ok()?;
    let policy = ChainPolicy::new(anchors, "a2048").danger_accept_certificate_without_agent_id();
    let chained = Trust::Chain(policy).check(&certificate, NOW);
    let any = Trust::DangerAnyCertificate.check(&certificate, NOW);
    let pinned = Trust::Pinned(&[certificate.fingerprint()]).check(&certificate, NOW);
    assert_eq!(any, pinned);
    for result in [chained, any] {
        if let Err(error) = result {
            assert!(!error.to_string().is_empty());
        }
    }
    chained.is_ok().then_some(certificate)
}

#[test]
fn any_bytes() {
    let anchors = TrustAnchors::from_pem(&file("ca-rsa.pem")).unwrap();
    runner(512)
        .run(&any::<Vec<u8>>(), |bytes| {
            exercise(&bytes, &anchors);
            exercise(&[b"\x30\x82".as_slice(), &bytes].concat(), &anchors);
            exercise(
                &[b"-----BEGIN CERTIFICATE-----".as_slice(), &bytes].concat(),
                &anchors,
            );
            Ok(())
        })
        .unwrap();
}

#[test]
fn changed_certificates() {
    let anchors = TrustAnchors::from_pem(&file("ca-rsa.pem")).unwrap();
    let bases = NAMES.map(file);
    let fingerprints = NAMES.map(|name| {
        Certificate::from_pem_or_der(&file(name))
            .ok()
            .map(|certificate| certificate.fingerprint())
    });
    runner(2048)
        .run(&(0..NAMES.len(), changes()), |(base, changes)| {
            let mut bytes = bases[base].clone();
            changes.iter().for_each(|change| change.apply(&mut bytes));
            // What still has a chain is what it was: the changes hit text, line ends, other blocks.
            if let Some(certificate) = exercise(&bytes, &anchors) {
                prop_assert_eq!(Some(certificate.fingerprint()), fingerprints[base]);
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn changed_chains() {
    // The base64 is whole, the DER inside is changed: an agent's, an intermediate's, an anchor's.
    let (_, anchor) = pem_rfc7468::decode_vec(&file("ca-dns-permitted.pem"))
        .map(|(l, d)| (l.to_owned(), d))
        .unwrap();
    let chain = String::from_utf8(file("chain-rsa.pem")).unwrap();
    let split = chain.find("-----END CERTIFICATE-----\n").unwrap() + 26;
    let decode = |pem: &str| pem_rfc7468::decode_vec(pem.as_bytes()).unwrap().1;
    let (leaf, intermediate) = (decode(&chain[..split]), decode(&chain[split..]));
    let root = TrustAnchors::from_pem(&file("ca-rsa.pem")).unwrap();
    runner(2048)
        .run(&(0..3_usize, changes()), |(which, changes)| {
            let mut parts = [leaf.clone(), intermediate.clone(), anchor.clone()];
            changes
                .iter()
                .for_each(|change| change.apply(&mut parts[which]));
            let [changed_leaf, changed_intermediate, changed_anchor] = parts;
            let anchors = TrustAnchors::from_pem_or_der(&changed_anchor);
            let bytes = super::forgery::pem(&[changed_leaf.clone(), changed_intermediate.clone()]);
            if let Ok(anchors) = &anchors {
                exercise(&bytes, anchors);
            }
            if exercise(&bytes, &root).is_some() {
                prop_assert_eq!(
                    (&changed_leaf, &changed_intermediate),
                    (&leaf, &intermediate)
                );
            }
            Ok(())
        })
        .unwrap();
}
