//! Path lengths: self-issued certificates do not count (RFC 5280 §6.1.4), and all else holds for them.

use sealpost_envelope::trust::{
    ChainError::{self, IssuerExpired, IssuerKeyUsage, NameConstraints, PathLength, Signature},
    TrustError,
};

use super::{
    authority::{Authority, anchors, check},
    der::{OCTET_STRING, oid, sequence, tlv, unsigned},
    forgery::{Forgery, agent_names, basic_constraints, extension, key_usage, name, utc},
};

use TrustError::Chain as Refused;

/// The authority called so, whose issuer is that above; a new key for each.
fn authority(common_name: &str, above: &str, seed: u8, path_length: Option<u8>) -> Authority {
    Authority::new(common_name, above, seed).with(basic_constraints(true, path_length))
}

/// Authorities from the top down, by name and path length; each issues the next, and the last one the agent.
fn chain(authorities: &[(&str, Option<u8>)]) -> Vec<Authority> {
    let above = ["root"]
        .into_iter()
        .chain(authorities.iter().map(|(name, _)| *name));
    let authorities = authorities.iter().zip(above).zip(1..);
    authorities
        .map(|(((name, path_length), above), seed)| authority(name, above, seed, *path_length))
        .collect()
}

/// The agent's certificate and those of all authorities but the first, which is the anchor.
fn file(chain: &[Authority]) -> Vec<Vec<u8>> {
    let issuer = chain.last().unwrap();
    let agent = Forgery {
        issuer: issuer.certificate.subject.clone(),
        ..Forgery::agent().with(agent_names(&["urn:sealpost:agent:a2048"]))
    };
    let pairs = chain.windows(2).rev();
    let issuers = pairs.map(|pair| pair[0].sign(&pair[1].certificate));
    [issuer.sign(&agent)].into_iter().chain(issuers).collect()
}

fn checked(chain: &[Authority]) -> Result<(), TrustError> {
    let anchor = chain[0].sign(&chain[0].certificate);
    check(&file(chain), &anchors(&[anchor]))
}

#[test]
fn self_issued_certificates_do_not_count_for_the_path_length() {
    let (root, some) = (("root", None), Some);
    for (what, authorities) in [
        (
            "below one of length 0",
            vec![root, ("a", some(0)), ("a", None)],
        ),
        (
            "of length 0 itself",
            vec![root, ("a", some(0)), ("a", some(0))],
        ),
        (
            "twice",
            vec![root, ("a", some(0)), ("a", None), ("a", None)],
        ),
        ("below the anchor", vec![("root", some(0)), ("root", None)]),
        (
            "below the anchor, of length 0",
            vec![("root", some(0)), ("root", some(0))],
        ),
        (
            "on two levels",
            vec![
                root,
                ("a", some(1)),
                ("a", None),
                ("b", some(0)),
                ("b", None),
            ],
        ),
        (
            "on the way",
            vec![("root", some(1)), ("root", None), ("a", None)],
        ),
    ] {
        assert_eq!(checked(&chain(&authorities)), Ok(()), "{what}");
    }
    for (what, authorities) in [
        (
            "none is self-issued",
            vec![root, ("a", some(0)), ("b", None)],
        ),
        (
            "another below it",
            vec![root, ("a", some(0)), ("a", None), ("b", None)],
        ),
        (
            "another above it",
            vec![root, ("a", some(0)), ("b", None), ("b", None)],
        ),
        (
            "the anchor's",
            vec![("root", some(0)), ("root", None), ("a", None)],
        ),
        (
            "the anchor's second",
            vec![("root", None), ("root", some(0)), ("a", None)],
        ),
        (
            "on two levels",
            vec![
                root,
                ("a", some(1)),
                ("a", None),
                ("b", some(0)),
                ("c", None),
            ],
        ),
        (
            "the length of the self-issued one",
            vec![root, ("a", some(5)), ("a", some(0)), ("b", None)],
        ),
    ] {
        assert_eq!(
            checked(&chain(&authorities)),
            Err(Refused(PathLength)),
            "{what}"
        );
    }
}

#[test]
fn a_path_length_above_255_is_one() {
    let long = |length: &[u8]| {
        let value = sequence(&[&tlv(0x01, &[0xff]), &unsigned(length)]);
        extension("2.5.29.19", true, &value)
    };
    let mut chain = chain(&[("root", None), ("a", None), ("b", None)]);
    for length in [&[0x01, 0x00][..], &[0xff; 9]] {
        chain[1].certificate = chain[1].certificate.clone().with(long(length));
        assert_eq!(checked(&chain), Ok(()));
    }
}

#[test]
fn what_else_holds_for_issuers_holds_beside_self_issued_ones() {
    let good = || chain(&[("root", None), ("a", Some(0)), ("a", None)]);
    let changed = |change: fn(&mut [Authority])| {
        let mut chain = good();
        change(&mut chain);
        checked(&chain).unwrap_err()
    };
    let usage = |chain: &mut [Authority]| {
        chain[2].certificate = chain[2].certificate.clone().with(key_usage(0x80));
    };
    assert_eq!(changed(usage), Refused(IssuerKeyUsage));
    let expired = changed(|chain| chain[2].certificate.not_after = utc("310101000000Z"));
    assert!(
        matches!(expired, Refused(IssuerExpired { .. })),
        "{expired:?}"
    );

    // permittedSubtrees [0] { { dNSName [2] "example.com" } }, above the self-issued one.
    let constraints = |name: &[u8]| {
        let subtrees = tlv(0xa0, &sequence(&[&tlv(0x82, name)]));
        extension("2.5.29.30", true, &sequence(&[&subtrees]))
    };
    for (permitted, expected) in [(&b"example.com"[..], true), (b"example.org", false)] {
        for at in [0, 1, 2] {
            let mut chain = good();
            chain[at].certificate = chain[at].certificate.clone().with(constraints(permitted));
            let names = [
                tlv(0x86, b"urn:sealpost:agent:a2048"),
                tlv(0x82, b"a.example.com"),
            ];
            let issuer = &chain[2];
            let agent = Forgery {
                issuer: name("a"),
                ..Forgery::agent().with(extension(
                    "2.5.29.17",
                    false,
                    &sequence(&[&names[0], &names[1]]),
                ))
            };
            let agent = issuer.sign(&agent);
            let mut file = file(&chain);
            file[0] = agent;
            let anchor = anchors(&[chain[0].sign(&chain[0].certificate)]);
            match check(&file, &anchor) {
                Ok(()) => assert!(expected, "{at}"),
                // Of two authorities with one name, one did not sign; webpki may say so rather.
                Err(error) => assert!(
                    !expected && matches!(error, Refused(NameConstraints | Signature)),
                    "{at}: {error:?}"
                ),
            }
        }
    }

    // A signature over something else.
    for at in 0..3 {
        let mut file = file(&good());
        let last = file[at].len() - 1;
        file[at][last] ^= 1;
        let anchor = anchors(&[good()[0].sign(&good()[0].certificate)]);
        assert_eq!(check(&file, &anchor), Err(Refused(Signature)), "{at}");
    }
}

/// A certificate is shown to webpki without its path length. Whoever takes it out of the file's gains nothing.
#[test]
fn a_path_length_can_not_be_taken_out() {
    let chain = chain(&[("root", None), ("a", Some(0)), ("a", None), ("b", None)]);
    let anchor = anchors(&[chain[0].sign(&chain[0].certificate)]);
    let file = file(&chain);
    let limited = &file[3];
    let with = |value: &[u8]| replaced(limited, value);
    // The same signature, over a certificate without the limit, and with a higher one.
    let without = with(&sequence(&[&tlv(0x01, &[0xff])]));
    let higher = with(&sequence(&[&tlv(0x01, &[0xff]), &unsigned(&[9])]));
    let check = |issuers: &[&Vec<u8>]| {
        let leaf_and_two = file[..3].iter();
        let all: Vec<_> = leaf_and_two
            .chain(issuers.iter().copied())
            .cloned()
            .collect();
        match check(&all, &anchor) {
            Err(Refused(error)) => error,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(check(&[limited]), PathLength);
    assert_eq!(check(&[&without]), Signature);
    assert_eq!(check(&[&higher]), Signature);
    for several in [
        [&without, limited],
        [limited, &without],
        [&higher, limited],
        [limited, &higher],
        [&higher, &without],
    ] {
        let error = check(&several);
        assert!(matches!(error, PathLength | Signature), "{error:?}");
    }
    let other: ChainError = check(&[&without, &higher, limited]);
    assert!(matches!(other, PathLength | Signature), "{other:?}");
}

/// The certificate with another value of basicConstraints, and its lengths put right.
fn replaced(der: &[u8], value: &[u8]) -> Vec<u8> {
    fn fields(content: &[u8]) -> Vec<Vec<u8>> {
        let mut rest = content;
        let mut fields = Vec::new();
        while !rest.is_empty() {
            let (header, length) = header(rest);
            let (field, after) = rest.split_at(header + length);
            fields.push(field.to_vec());
            rest = after;
        }
        fields
    }
    fn header(der: &[u8]) -> (usize, usize) {
        match der[1] {
            short @ ..=0x7f => (2, short.into()),
            0x81 => (3, der[2].into()),
            _ => (4, u16::from_be_bytes([der[2], der[3]]).into()),
        }
    }
    let content = |der: &[u8]| der[header(der).0..].to_vec();
    let join = |fields: &[Vec<u8>]| sequence(&[&fields.concat()]);
    let mut certificate = fields(&content(der));
    let mut tbs = fields(&content(&certificate[0]));
    let explicit = tbs.pop().unwrap();
    let mut extensions = fields(&content(&content(&explicit)));
    for one in &mut extensions {
        let mut parts = fields(&content(one));
        if parts[0] == oid("2.5.29.19") {
            *parts.last_mut().unwrap() = tlv(OCTET_STRING, value);
            *one = join(&parts);
        }
    }
    tbs.push(tlv(0xa3, &join(&extensions)));
    certificate[0] = join(&tbs);
    let changed = join(&certificate);
    assert_ne!(changed, der);
    changed
}
