//! The chain policy: one chain that is good, and every way to spoil it.

use std::slice;

use aws_lc_rs::signature::Ed25519KeyPair;
use sealpost_envelope::{
    Certificate, Trust, TrustPolicy, UnixTime,
    certificate::CertificateError::{PublicKey, TooMany},
    key::{OtherAlgorithm, PublicKeyError},
    trust::{
        ChainError::{
            self, CriticalExtension, ExtendedKeyUsage, IssuerCriticalExtension, IssuerExpired,
            IssuerExtendedKeyUsage, IssuerKey, IssuerKeyUsage, IssuerMalformed, IssuerNameEncoding,
            IssuerNeverValid, IssuerNotAuthority, IssuerNotDer, IssuerNotYetValid, NameConstraints,
            NameConstraintsForm, NoAgent, OtherAgent, PathLength, SelfSigned, Signature,
            TooComplex, UnknownAuthority, UnknownIssuer, Version,
        },
        ChainPolicy, TrustAnchors, TrustAnchorsError,
        TrustError::{self, Expired, KeyUsage, NotYetValid},
    },
};

use TrustError::Chain as Refused;

use super::{
    authority::{Authority, Chain, ED25519, anchors, check, check_at},
    der::{INTEGER, UTF8_STRING, bit_string, oid, sequence, set, tlv, unsigned},
    forgery::{
        Forgery, KEY_ENCIPHERMENT, NOW, agent_names, basic_constraints, extension, generalized,
        key_usage, name, pem, purposes, rsa_spki, utc,
    },
};

/// Asserts the error of each chain.
fn refused(cases: Vec<(&str, Chain, ChainError)>) {
    assert_eq!(Chain::good().check(), Ok(()));
    for (what, chain, error) in cases {
        assert_eq!(chain.check(), Err(Refused(error)), "{what}");
    }
}

#[test]
fn the_agents_certificate() {
    let uri = "urn:sealpost:agent:b2048";
    let other = Chain::with_agent(agent_names(&[uri]));
    let Err(Refused(OtherAgent { named })) = other.check() else {
        panic!("{:?}", other.check());
    };
    assert_eq!(named.as_str(), "b2048");
    let several = [uri, "urn:sealpost:agent:a2048"];
    assert_eq!(Chain::with_agent(agent_names(&several)).check(), Ok(()));
    for similar in ["A2048", "a2048-", "a204"] {
        let uri = format!("urn:sealpost:agent:{similar}");
        let refused = Chain::with_agent(agent_names(&[&uri])).check();
        assert!(
            matches!(refused, Err(Refused(OtherAgent { .. }))),
            "{similar}"
        );
    }

    let unnamed = Chain {
        agent: Forgery {
            extensions: vec![],
            ..Forgery::agent()
        },
        ..Chain::good()
    };
    let cases = vec![
        ("no subjectAltName", unnamed, NoAgent),
        (
            "a subjectAltName without an agent",
            Chain::with_agent(agent_names(&["urn:x:y"])),
            NoAgent,
        ),
        (
            "an authority's",
            Chain::with_agent(basic_constraints(true, None)),
            ChainError::Authority,
        ),
        (
            "another purpose",
            Chain::with_agent(purposes(&["1.3.6.1.5.5.7.3.4"])),
            ExtendedKeyUsage,
        ),
        (
            "no purpose",
            Chain::with_agent(purposes(&[])),
            ExtendedKeyUsage,
        ),
        (
            "an unknown critical extension",
            Chain::with_agent(extension("1.2.3.4", true, b"")),
            CriticalExtension,
        ),
        (
            "a critical extension that webpki would take",
            Chain::with_agent(extension("2.5.29.31", true, &sequence(&[]))),
            CriticalExtension,
        ),
        (
            "version 2",
            Chain {
                agent: version(1),
                ..Chain::good()
            },
            NoAgent,
        ),
    ];
    refused(cases);
    for accepted in [
        purposes(&["1.3.6.1.5.5.7.3.1", "2.5.29.37.0"]),
        extension("1.2.3.4", false, b"?"),
        basic_constraints(false, None),
    ] {
        assert_eq!(Chain::with_agent(accepted).check(), Ok(()));
    }
    for (bits, result) in [(0x80, Err(KeyUsage)), (KEY_ENCIPHERMENT | 0x80, Ok(()))] {
        assert_eq!(Chain::with_agent(key_usage(bits)).check(), result);
    }

    // The override for a certificate that names no agent, and for no other.
    let with_override = |chain: &Chain| {
        let anchors = chain.anchors();
        let policy =
            ChainPolicy::new(&anchors, "a2048").danger_accept_certificate_without_agent_id();
        Trust::Chain(policy).check(&Certificate::from_pem(&pem(&chain.file())).unwrap(), NOW)
    };
    assert_eq!(with_override(&Chain::with_agent(agent_names(&[]))), Ok(()));
    assert_eq!(with_override(&Chain::good()), Ok(()));
    assert!(matches!(
        with_override(&other),
        Err(Refused(OtherAgent { .. }))
    ));
    let old = Chain {
        agent: version(1),
        ..Chain::good()
    };
    assert_eq!(with_override(&old), Err(Refused(Version)));
}

#[test]
fn the_issuers() {
    let mut flipped = Chain::good().file();
    let mut other_root = Chain::good();
    other_root.root = Authority::new("root", "root", 9);
    let not_authority = |constraints| Chain::with_intermediate(constraints);
    let rsa_1024 = rsa_spki(&unsigned(&[0x81; 128]), &unsigned(&[1, 0, 1]));
    let weak = Authority {
        certificate: Forgery {
            spki: rsa_1024,
            ..Authority::intermediate().certificate
        },
        ..Authority::intermediate()
    };
    let times = |not_before: &str, not_after: &str| Authority {
        certificate: Forgery {
            not_before: utc(not_before),
            not_after: utc(not_after),
            ..Authority::intermediate().certificate
        },
        ..Authority::intermediate()
    };
    let expired = IssuerExpired {
        not_after: UnixTime::from_secs(1_924_991_999),
        now: NOW,
    };
    let early = IssuerNotYetValid {
        not_before: UnixTime::from_secs(2_051_222_400),
        now: NOW,
    };
    let uri = name_constraints(0xa0, &tlv(0x86, b"example.com"));
    let dns = name_constraints(0xa0, &tlv(0x82, b"example.com"));
    let email = name_constraints(0xa1, &tlv(0x81, b"example.com"));
    let with_dns_name = sequence(&[
        &tlv(0x86, b"urn:sealpost:agent:a2048"),
        &tlv(0x82, b"other.example"),
    ]);
    let with_dns_name = extension("2.5.29.17", false, &with_dns_name);
    let mut outside = Chain::with_intermediate(dns.clone());
    outside.agent = outside.agent.with(with_dns_name);
    let foreign = Chain {
        intermediate: Authority::new("intermediate", "other", 2),
        ..Chain::good()
    };
    let mut version_1 = Authority::intermediate();
    version_1.certificate = Forgery {
        version: vec![],
        extensions: vec![],
        ..version_1.certificate
    };

    refused(vec![
        (
            "expired",
            Chain {
                intermediate: times("300101000000Z", "301231235959Z"),
                ..Chain::good()
            },
            expired,
        ),
        (
            "not yet valid",
            Chain {
                intermediate: times("350101000000Z", "400101000000Z"),
                ..Chain::good()
            },
            early,
        ),
        (
            "without keyCertSign",
            Chain::with_intermediate(key_usage(0x82)),
            IssuerKeyUsage,
        ),
        (
            "cA is FALSE",
            not_authority(basic_constraints(false, None)),
            IssuerNotAuthority,
        ),
        (
            "without basicConstraints",
            not_authority(extension("2.5.29.19", true, &sequence(&[]))),
            IssuerNotAuthority,
        ),
        (
            "version 1",
            Chain {
                intermediate: version_1,
                ..Chain::good()
            },
            IssuerNotAuthority,
        ),
        (
            "issues for TLS only",
            Chain::with_intermediate(purposes(&["1.3.6.1.5.5.7.3.1"])),
            IssuerExtendedKeyUsage,
        ),
        (
            "an unknown critical extension",
            Chain::with_intermediate(extension("1.2.3.4", true, b"")),
            IssuerCriticalExtension,
        ),
        (
            "a critical extension that webpki would take",
            Chain::with_intermediate(extension("2.5.29.31", true, &sequence(&[]))),
            IssuerCriticalExtension,
        ),
        (
            "keyUsage with a long length",
            Chain::with_intermediate(extension("2.5.29.15", true, &[3, 0x81, 2, 2, 4])),
            IssuerNotDer,
        ),
        (
            "the root's path length",
            Chain::with_root(basic_constraints(true, Some(0))),
            PathLength,
        ),
        (
            "a DNS name outside of constraints",
            outside,
            NameConstraints,
        ),
        (
            "constraints on URIs",
            Chain::with_intermediate(uri.clone()),
            NameConstraintsForm,
        ),
        (
            "constraints on URIs in the root",
            Chain::with_root(uri),
            NameConstraintsForm,
        ),
        (
            "an authority of the same name",
            Chain {
                ..other_root_signs(&other_root)
            },
            Signature,
        ),
        (
            "an RSA key of 1024 bits",
            Chain {
                intermediate: weak,
                ..Chain::good()
            },
            IssuerKey,
        ),
        ("issued by an unknown one", foreign, UnknownAuthority),
    ]);

    // What does not touch the agent's names is fine.
    assert_eq!(Chain::with_intermediate(dns).check(), Ok(()));
    assert_eq!(Chain::with_intermediate(email).check(), Ok(()));
    assert_eq!(
        Chain::with_root(basic_constraints(true, Some(1))).check(),
        Ok(())
    );
    let any = purposes(&["2.5.29.37.0"]);
    assert_eq!(Chain::with_intermediate(any).check(), Ok(()));

    // One bit of a signature, of the agent's certificate and of the intermediate's.
    let anchors = Chain::good().anchors();
    for at in 0..2 {
        *flipped[at].last_mut().unwrap() ^= 1;
        assert_eq!(check(&flipped, &anchors), Err(Refused(Signature)), "{at}");
        *flipped[at].last_mut().unwrap() ^= 1;
    }
    assert_eq!(check(&flipped, &anchors), Ok(()));
    // The two places that name the signature's algorithm differ.
    let tbs = Forgery::agent().tbs(&sequence(&[&oid("1.2.840.10045.4.3.2")]));
    let algorithm = sequence(&[&oid(ED25519)]);
    let signature = bit_string(Authority::intermediate().key.sign(&tbs).as_ref());
    flipped[0] = sequence(&[&tbs, &algorithm, &signature]);
    assert_eq!(check(&flipped, &anchors), Err(Refused(Signature)));
}

/// A chain that is good in itself, checked against another root of the same name.
fn other_root_signs(other: &Chain) -> Chain {
    Chain {
        // The anchor is made of `root`'s certificate, the intermediate's is signed by its key.
        root: Authority {
            key: Ed25519KeyPair::from_seed_unchecked(&[1; 32]).unwrap(),
            certificate: other.root.certificate.clone(),
        },
        ..Chain::good()
    }
}

#[test]
fn certificates_are_found_by_name() {
    let chain = Chain::good();
    let root = chain.root.sign(&chain.root.certificate);
    let trusted = chain.anchors();
    let [leaf, intermediate] = <[Vec<u8>; 2]>::try_from(chain.file()).unwrap();
    let junk = b"junk".to_vec();
    let other = Authority::new("other", "other", 5);
    let unrelated = other.sign(&other.certificate);

    // In any order, with the root, with others, with what is no certificate.
    for file in [
        vec![leaf.clone(), root.clone(), intermediate.clone()],
        vec![
            leaf.clone(),
            unrelated.clone(),
            junk.clone(),
            intermediate.clone(),
        ],
        vec![leaf.clone(), intermediate.clone(), intermediate.clone()],
    ] {
        assert_eq!(check(&file, &trusted), Ok(()));
    }
    // The intermediate authority may be the anchor; then it alone is needed.
    assert_eq!(
        check(
            slice::from_ref(&leaf),
            &anchors(slice::from_ref(&intermediate))
        ),
        Ok(())
    );
    assert_eq!(
        check(&chain.file(), &anchors(&[unrelated.clone(), root.clone()])),
        Ok(())
    );

    assert_eq!(
        check(slice::from_ref(&leaf), &trusted),
        Err(Refused(UnknownIssuer))
    );
    let from_der = Certificate::from_der(&leaf).unwrap();
    let policy = Trust::Chain(ChainPolicy::new(&trusted, "a2048"));
    assert_eq!(policy.check(&from_der, NOW), Err(Refused(UnknownIssuer)));
    assert_eq!(
        check(&[leaf.clone(), unrelated.clone()], &trusted),
        Err(Refused(UnknownIssuer))
    );
    // The same name in another encoding (RFC 5280 §7.1), which is compared byte by byte: that is the reason.
    let in_other_words = |common_name: &str, tag| {
        let attribute = sequence(&[&oid("2.5.4.3"), &tlv(tag, common_name.as_bytes())]);
        sequence(&[&set(&[&attribute])])
    };
    for (common_name, tag) in [
        ("root", 0x13),
        ("Root", UTF8_STRING),
        (" root ", UTF8_STRING),
    ] {
        let mut odd = Authority::intermediate();
        odd.certificate.issuer = in_other_words(common_name, tag);
        let file = [odd.sign(&chain.agent), chain.root.sign(&odd.certificate)];
        let expected = Err(Refused(IssuerNameEncoding));
        assert_eq!(check(&file, &trusted), expected, "{common_name:?}");
        let mut agent = Forgery::agent();
        agent.issuer = in_other_words(common_name, tag);
        assert_eq!(check(&[chain.root.sign(&agent)], &trusted), expected);
    }
    let mut agent = Forgery::agent();
    agent.issuer = in_other_words("INTERMEDIATE", UTF8_STRING);
    let file = [chain.intermediate.sign(&agent), intermediate.clone()];
    assert_eq!(check(&file, &trusted), Err(Refused(IssuerNameEncoding)));
    let untrusting = anchors(&[unrelated]);
    for file in [chain.file(), vec![leaf.clone(), intermediate.clone(), root]] {
        assert_eq!(check(&file, &untrusting), Err(Refused(UnknownAuthority)));
    }
    let self_signed = Forgery {
        issuer: name("a2048"),
        ..Forgery::agent()
    }
    .unsigned();
    assert_eq!(check(&[self_signed], &trusted), Err(Refused(SelfSigned)));

    // The intermediate is not the first.
    assert_eq!(
        check(&[intermediate, leaf], &trusted),
        Err(TrustError::Certificate(PublicKey(
            PublicKeyError::Algorithm(OtherAlgorithm::Ed25519)
        )))
    );
    let broken = check(&[chain.file().remove(0), junk], &trusted);
    assert_eq!(broken, Err(Refused(IssuerMalformed)));
}

#[test]
fn expiry() {
    // The root ends in 2039, the intermediate in 2038, the agent's in 2037.
    let until = |mut forgery: Forgery, year: &str| {
        forgery.not_after = utc(&format!("{year}0101000000Z"));
        forgery
    };
    let mut chain = Chain::good();
    chain.root.certificate = until(chain.root.certificate, "39");
    chain.intermediate.certificate = until(chain.intermediate.certificate, "38");
    chain.agent = until(chain.agent, "37");
    let in_year =
        |year: u64| UnixTime::from_secs(1_893_456_000 + (year - 2030) * 31_557_600 + 86_400 * 3);
    let (file, anchors) = (pem(&chain.file()), chain.anchors());
    let trust = Trust::Chain(ChainPolicy::new(&anchors, "a2048"));
    let certificate = Certificate::from_pem(&file).unwrap();

    assert_eq!(trust.check(&certificate, in_year(2036)), Ok(()));
    assert!(matches!(
        trust.check(&certificate, in_year(2037)),
        Err(Expired { .. })
    ));
    // All three have expired now; what counts is that the chain was good at its end.
    assert_eq!(
        trust.danger_check_even_if_expired(&certificate, in_year(2045)),
        Ok(())
    );
    assert!(matches!(
        trust.danger_check_even_if_expired(&certificate, UnixTime::from_secs(0)),
        Err(NotYetValid { .. })
    ));

    // An issuer that ended before the agent's certificate is not covered.
    chain.agent = until(chain.agent, "40");
    for (now, of) in [
        (in_year(2038), 2_145_916_800),
        (in_year(2045), 2_145_916_800),
    ] {
        let certificate = Certificate::from_pem(&pem(&chain.file())).unwrap();
        let refused = trust
            .danger_check_even_if_expired(&certificate, now)
            .unwrap_err();
        let Refused(IssuerExpired { not_after, .. }) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(not_after, UnixTime::from_secs(of));
    }
    // Nor is a root.
    chain.intermediate.certificate = until(chain.intermediate.certificate, "40");
    let refused = check_at(&chain.file(), &anchors, in_year(2039));
    let Err(Refused(IssuerExpired { not_after, .. })) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(not_after, UnixTime::from_secs(2_177_452_800));
    let mut early = Authority::root();
    early.certificate.not_before = generalized("20500101000000Z");
    early.certificate.not_after = generalized("20600101000000Z");
    let anchors = self::anchors(&[early.sign(&early.certificate)]);
    let refused = check(&Chain::good().file(), &anchors);
    assert!(
        matches!(refused, Err(Refused(IssuerNotYetValid { .. }))),
        "{refused:?}"
    );
}

#[test]
fn search_is_bounded() {
    // A chain of six intermediates is followed, path lengths all along.
    let long = |intermediates: u8| {
        let root = Authority::root();
        let anchors = anchors(&[root.sign(&root.certificate)]);
        let (mut issuer, mut file) = (root, vec![]);
        for i in (0..intermediates).rev() {
            let next = match i {
                0 => Authority::new("intermediate", &issuer_name(intermediates, 1), 2),
                _ => Authority::new(&format!("i{i}"), &issuer_name(intermediates, i + 1), 10 + i),
            };
            let next = next.with(basic_constraints(true, Some(i)));
            file.insert(0, issuer.sign(&next.certificate));
            issuer = next;
        }
        file.insert(0, issuer.sign(&Forgery::agent()));
        check(&file, &anchors)
    };
    assert_eq!(long(1), Ok(()));
    assert_eq!(long(6), Ok(()));
    assert_eq!(long(7), Err(TrustError::Certificate(TooMany { found: 8 })));

    // Six authorities of one name, each with another key, none of them issued by an anchor: every
    // order of them is a path, and big certificates make each step dear.
    let look_alike = |seed| {
        let filler = extension("1.2.3.4", false, &[0; 7000]);
        let mut authority = Authority::new("intermediate", "intermediate", seed).with(filler);
        authority
            .certificate
            .extensions
            .extend((0..40).map(|i| extension(&format!("1.2.{i}"), false, &[])));
        authority
    };
    let authorities: Vec<_> = (20..26).map(look_alike).collect();
    let mut file = vec![authorities[0].sign(&Forgery::agent())];
    file.extend(
        authorities
            .iter()
            .map(|a| authorities[0].sign(&a.certificate)),
    );
    assert_eq!(
        check(&file, &Chain::good().anchors()),
        Err(Refused(UnknownAuthority))
    );
    // The same with an anchor of that name, whose key signed none of them.
    let trusted = Authority::new("intermediate", "intermediate", 30);
    let anchors = anchors(&[trusted.sign(&trusted.certificate)]);
    assert!(matches!(
        check(&file, &anchors),
        Err(Refused(TooComplex | Signature))
    ));
}

fn issuer_name(intermediates: u8, i: u8) -> String {
    if i == intermediates {
        "root".into()
    } else {
        format!("i{i}")
    }
}

fn version(number: u8) -> Forgery {
    Forgery {
        version: tlv(0xa0, &tlv(INTEGER, &[number])),
        extensions: vec![],
        ..Forgery::agent()
    }
}

/// nameConstraints with one subtree, permitted (0xa0) or excluded (0xa1).
fn name_constraints(tag: u8, base: &[u8]) -> Vec<u8> {
    extension(
        "2.5.29.30",
        true,
        &sequence(&[&tlv(tag, &sequence(&[base]))]),
    )
}

#[test]
fn a_policy_that_is_kept_names_no_agent_of_its_own() {
    let chain = Chain::good();
    let certificate = Certificate::from_pem(&pem(&chain.file())).unwrap();
    let policy = TrustPolicy::chain(chain.anchors());
    let decide =
        |policy: &TrustPolicy, agent, certificate| policy.for_agent(agent).check(certificate, NOW);
    assert_eq!(decide(&policy, "a2048", &certificate), Ok(()));
    assert!(matches!(
        decide(&policy, "b2048", &certificate),
        Err(Refused(OtherAgent { .. }))
    ));

    let unnamed = Chain::with_agent(agent_names(&[]));
    let unnamed = Certificate::from_pem(&pem(&unnamed.file())).unwrap();
    assert_eq!(decide(&policy, "a2048", &unnamed), Err(Refused(NoAgent)));
    let policy = policy.danger_accept_certificate_without_agent_id();
    assert_eq!(decide(&policy, "a2048", &unnamed), Ok(()));
    assert!(decide(&policy, "b2048", &certificate).is_err());
}

#[test]
fn oddities_that_are_valid_are_no_reason() {
    // An old authority's dates, and identifiers with numbers of 2³² and more.
    let large = [&[0x06, 0x06][..], &[0x2a, 0x90, 0x80, 0x80, 0x80, 0x00]].concat();
    let odd = sequence(&[&large, &tlv(0x04, b"x")]);
    let purposes = sequence(&[&large, &oid("2.5.29.37.0")]);
    let mut chain = Chain::with_agent(odd.clone());
    chain.agent = chain.agent.with(extension("2.5.29.37", false, &purposes));
    chain.agent.not_before = generalized("20250101000000Z");
    chain.intermediate = chain.intermediate.with(odd.clone());
    chain.intermediate.certificate.not_after = generalized("20491231235959Z");
    chain.root = chain.root.with(odd);
    chain.root.certificate.not_before = generalized("19500101000000Z");
    assert_eq!(chain.check(), Ok(()));

    let critical = sequence(&[&large, &tlv(0x01, &[0xff]), &tlv(0x04, b"x")]);
    let other_purpose = extension("2.5.29.37", false, &sequence(&[&large]));
    let backwards = |mut certificate: Forgery| {
        certificate.not_before = utc("400101000000Z");
        certificate.not_after = utc("300101000000Z");
        certificate
    };
    let mut never = Chain::good();
    never.intermediate.certificate = backwards(never.intermediate.certificate);
    refused(vec![
        (
            "critical and unknown",
            Chain::with_agent(critical.clone()),
            CriticalExtension,
        ),
        (
            "an issuer's, critical and unknown",
            Chain::with_intermediate(critical),
            IssuerCriticalExtension,
        ),
        (
            "a purpose of its own",
            Chain::with_agent(other_purpose),
            ExtendedKeyUsage,
        ),
        ("an issuer that was never valid", never, IssuerNeverValid),
    ]);
}

/// webpki reads no date before 1970.
#[test]
fn dates_before_1970_are_dates_in_chains() {
    let early = ["500101000000Z", "691231235959Z"].map(utc);
    let early = early.into_iter().chain([generalized("00000101000000Z")]);
    for date in early {
        type Change = fn(&mut Chain) -> &mut Forgery;
        let certificates: [Change; 3] = [
            |chain| &mut chain.agent,
            |chain| &mut chain.intermediate.certificate,
            |chain| &mut chain.root.certificate,
        ];
        for certificate in certificates {
            let mut chain = Chain::good();
            certificate(&mut chain).not_before = date.clone();
            assert_eq!(chain.check(), Ok(()), "{date:x?}");
        }
        // In all three, beside a self-issued certificate and a path length.
        let mut chain = Chain::good();
        for certificate in certificates {
            certificate(&mut chain).not_before = date.clone();
        }
        chain.intermediate = chain.intermediate.with(basic_constraints(true, Some(0)));
        assert_eq!(chain.check(), Ok(()), "{date:x?}");

        // One that ended then has ended.
        let mut over = Chain::good();
        over.intermediate.certificate.not_before = generalized("00000101000000Z");
        over.intermediate.certificate.not_after = date.clone();
        assert!(
            matches!(over.check(), Err(Refused(IssuerExpired { not_after, .. })) if not_after < UnixTime::from_secs(0)),
            "{:?}",
            over.check()
        );
        over.root.certificate.not_after = date.clone();
        assert!(matches!(over.check(), Err(Refused(IssuerExpired { .. }))));
        let mut agent = Chain::good();
        agent.agent.not_before = generalized("00000101000000Z");
        agent.agent.not_after = date;
        assert!(matches!(agent.check(), Err(Expired { .. })));
    }
    // What was never valid is not valid for one second of 1970 either.
    let backwards = |certificate: &mut Forgery| {
        certificate.not_before = utc("690101000000Z");
        certificate.not_after = utc("680101000000Z");
    };
    let mut never = Chain::good();
    backwards(&mut never.intermediate.certificate);
    assert_eq!(never.check(), Err(Refused(IssuerNeverValid)));
    let mut never = Chain::good();
    backwards(&mut never.root.certificate);
    assert_eq!(never.check(), Err(Refused(IssuerNeverValid)));
    // A signature is verified over what was signed.
    let mut forged = Chain::good();
    forged.intermediate.certificate.not_before = utc("600101000000Z");
    let mut file = forged.file();
    let date = b"600101000000Z";
    let at = file[1].windows(13).position(|window| window == date);
    file[1][at.unwrap()..][..13].copy_from_slice(b"710101000000Z");
    assert_eq!(check(&file, &forged.anchors()), Err(Refused(Signature)));
}

#[test]
fn an_issuer_whose_certificate_can_not_be_read_is_named_with_the_reason() {
    use sealpost_envelope::certificate::{CertificateError::Date, DateFault, ValidityEnd};
    let mut chain = Chain::good();
    chain.intermediate.certificate.not_after = utc("4013010000Z");
    let reason = Date {
        end: ValidityEnd::NotAfter,
        fault: DateFault::NoSeconds,
    };
    let error = Err(Refused(ChainError::IssuerUnreadable { reason }));
    assert_eq!(chain.check(), error);
    // As an anchor.
    let mut chain = Chain::good();
    chain.root.certificate.not_after = utc("4013010000Z");
    let root = chain.root.sign(&chain.root.certificate);
    assert_eq!(
        TrustAnchors::from_pem_or_der(&root).unwrap_err(),
        TrustAnchorsError::Unreadable { number: 1, reason }
    );
}
