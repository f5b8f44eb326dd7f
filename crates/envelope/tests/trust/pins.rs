//! The pinned-fingerprint policy.

use std::slice;

use sealpost_envelope::{
    Certificate, Fingerprint, Recipient, Trust, TrustPolicy, UnixTime, backend::Backend,
    certificate::CertificateError, trust::TrustError,
};

use super::forgery::{
    Forgery, KEY_CERT_SIGN, KEY_ENCIPHERMENT, NOW, agent_names, basic_constraints, extension,
    key_usage, parse, pem, purposes, utc,
};

fn pinned(forgery: &Forgery) -> Result<(), TrustError> {
    let certificate = parse(&forgery.unsigned()).unwrap();
    Trust::Pinned(&[certificate.fingerprint()]).check(&certificate, NOW)
}

#[test]
fn a_pin_stands_in_for_the_issuers() {
    let good = Forgery::agent();
    let cases = [
        ("a signature that is none", good.clone()),
        (
            "an authority's",
            good.clone().with(basic_constraints(true, None)),
        ),
        (
            "another purpose",
            good.clone().with(purposes(&["1.3.6.1.5.5.7.3.1"])),
        ),
        (
            "an unknown critical extension",
            good.clone().with(extension("1.2.3.4", true, b"x")),
        ),
        ("no agent", good.clone().with(agent_names(&[]))),
        (
            "no extensions",
            Forgery {
                version: vec![],
                extensions: vec![],
                ..good
            },
        ),
    ];
    for (what, forgery) in cases {
        assert_eq!(pinned(&forgery), Ok(()), "{what}");
    }
}

#[test]
fn a_pin_for_an_agent_refuses_a_certificate_that_names_another() {
    let check = |names: &[&str], agent_id: &str| {
        let certificate = parse(&Forgery::agent().with(agent_names(names)).unsigned()).unwrap();
        TrustPolicy::pinned([certificate.fingerprint()])
            .for_agent(agent_id)
            .check(&certificate, NOW)
    };
    for (names, agent_id, expected) in [
        (&["urn:sealpost:agent:a"][..], "a", Ok(())),
        (&["urn:sealpost:agent:a"], "b", Err(TrustError::OtherAgent)),
        (&["urn:sealpost:agent:a"], "A", Err(TrustError::OtherAgent)),
        (
            &["urn:sealpost:agent:a", "urn:sealpost:agent:b"],
            "b",
            Ok(()),
        ),
        (
            &["urn:sealpost:agent:a", "urn:sealpost:agent:b"],
            "c",
            Err(TrustError::OtherAgent),
        ),
        // Names no agent: the pin says whose it is.
        (&[], "b", Ok(())),
        (&["https://agent.example/a"], "b", Ok(())),
        // No agent is meant.
        (&["urn:sealpost:agent:a"], "", Ok(())),
    ] {
        assert_eq!(
            check(names, agent_id),
            expected,
            "{names:?} for {agent_id:?}"
        );
    }
    // What was not pinned is told first.
    let certificate = parse(&Forgery::agent().unsigned()).unwrap();
    let fingerprint = certificate.fingerprint();
    assert_eq!(
        TrustPolicy::pinned([])
            .for_agent("b")
            .check(&certificate, NOW),
        Err(TrustError::NotPinned { fingerprint })
    );
}

#[test]
fn a_pin_does_not_lift_the_rules_for_keys() {
    let with_usage = |bits| pinned(&Forgery::agent().with(key_usage(bits)));
    assert_eq!(with_usage(KEY_ENCIPHERMENT | KEY_CERT_SIGN), Ok(()));
    // digitalSignature, dataEncipherment, keyAgreement, keyCertSign.
    for bits in [0x80, 0x10, 0x08, KEY_CERT_SIGN, 0xdf] {
        assert_eq!(with_usage(bits), Err(TrustError::KeyUsage), "{bits:08b}");
    }
    let without = Forgery {
        extensions: vec![agent_names(&[])],
        ..Forgery::agent()
    };
    assert_eq!(pinned(&without), Ok(()));

    // A pin of another certificate for the very same key is none of this one.
    let other = parse(
        &Forgery {
            not_after: utc("410101000000Z"),
            ..Forgery::agent()
        }
        .unsigned(),
    )
    .unwrap();
    let certificate = parse(&Forgery::agent().unsigned()).unwrap();
    assert_eq!(other.public_key(), certificate.public_key());
    let fingerprint = certificate.fingerprint();
    for pins in [
        &[][..],
        &[other.fingerprint()],
        &[Fingerprint::from_bytes([0; 32])],
    ] {
        let refused = Trust::Pinned(pins).check(&certificate, NOW);
        assert_eq!(refused, Err(TrustError::NotPinned { fingerprint }));
    }
}

pub(crate) fn expiry_is_overridden_by_name_only<B: Backend>() {
    let certificate = parse(&Forgery::agent().unsigned()).unwrap();
    let trust = Trust::Pinned(&[certificate.fingerprint()]);
    let (not_before, not_after) = (certificate.not_before(), certificate.not_after());
    let late = UnixTime::from_secs(not_after.as_secs() + 1);
    let early = UnixTime::from_secs(not_before.as_secs() - 1);

    let expired = Err(TrustError::Expired {
        not_after,
        now: late,
    });
    assert_eq!(trust.check(&certificate, late), expired);
    assert!(Recipient::<B>::from_certificate(&certificate, &trust, late).is_err());
    assert_eq!(
        trust.danger_check_even_if_expired(&certificate, late),
        Ok(())
    );
    Recipient::<B>::danger_from_expired_certificate(&certificate, &trust, late).unwrap();

    // Nothing else is overridden.
    let not_yet = Err(TrustError::NotYetValid {
        not_before,
        now: early,
    });
    assert_eq!(trust.check(&certificate, early), not_yet);
    assert_eq!(
        trust.danger_check_even_if_expired(&certificate, early),
        not_yet
    );
    let unpinned = Trust::Pinned(&[]);
    assert!(
        unpinned
            .danger_check_even_if_expired(&certificate, late)
            .is_err()
    );
    let signs = parse(&Forgery::agent().with(key_usage(0x80)).unsigned()).unwrap();
    assert_eq!(
        Trust::DangerAnyCertificate.danger_check_even_if_expired(&signs, late),
        Err(TrustError::KeyUsage)
    );
}

#[test]
fn files_of_several_certificates() {
    let first = Forgery::agent().unsigned();
    let second = Forgery::agent().with(key_usage(0x80)).unsigned();
    let file = |count: usize| {
        let mut certificates = vec![second.clone(); count];
        certificates[0] = first.clone();
        pem(&certificates)
    };
    // The first is the one that is sealed to, here without regard to the others.
    let junk = [pem(slice::from_ref(&first)), pem(&[b"junk".to_vec()])].concat();
    for file in [file(1), file(2), file(Certificate::MAX_COUNT), junk] {
        let certificate = Certificate::from_pem(&file).unwrap();
        assert_eq!(
            certificate.fingerprint(),
            parse(&first).unwrap().fingerprint()
        );
        Trust::Pinned(&[certificate.fingerprint()])
            .check(&certificate, NOW)
            .unwrap();
    }
    assert_eq!(
        Certificate::from_pem(&file(8)).unwrap_err(),
        CertificateError::TooMany { found: 8 }
    );
    // DER that has a PEM file inside is DER.
    let inside = Forgery::agent()
        .with(extension("1.2.3.4", false, &pem(&[second])))
        .unsigned();
    let certificate = Certificate::from_pem_or_der(&inside).unwrap();
    assert_eq!(
        certificate.fingerprint(),
        parse(&inside).unwrap().fingerprint()
    );
}

#[test]
fn a_policy_that_is_kept_decides_as_the_borrowed_one() {
    let certificate = parse(&Forgery::agent().unsigned()).unwrap();
    let fingerprint = certificate.fingerprint();
    let policies = [
        (TrustPolicy::pinned([fingerprint]), Ok(())),
        (
            TrustPolicy::pinned([]),
            Err(TrustError::NotPinned { fingerprint }),
        ),
        (TrustPolicy::danger_any_certificate(), Ok(())),
    ];
    for (policy, expected) in policies {
        let decided = policy.for_agent("a2048").check(&certificate, NOW);
        assert_eq!(decided, expected, "{policy:?}");
    }
}

#[test]
fn the_blocks_of_a_file_are_its_certificates() {
    let certificate = String::from_utf8(pem(&[Forgery::agent().unsigned()])).unwrap();
    let key = String::from_utf8(pem(&[b"key".to_vec()]))
        .unwrap()
        .replace("CERTIFICATE", "PRIVATE KEY");
    let file = [&*certificate, "text\n", &key, &certificate].concat();
    let blocks: Vec<_> = Certificate::pem_blocks(file.as_bytes()).collect();
    assert_eq!(blocks, [certificate.trim_end(); 2]);
}

#[test]
fn a_validity_that_ends_before_it_begins_is_none() {
    for (not_before, not_after) in [
        ("300101000000Z", "290101000000Z"),
        // Before 1970, and around it.
        ("690101000000Z", "680101000000Z"),
        ("691231235959Z", "691231235958Z"),
        ("700101000000Z", "691231235959Z"),
    ] {
        never_valid(not_before, not_after);
    }
}

fn never_valid(not_before: &str, not_after: &str) {
    let certificate = Forgery {
        not_before: utc(not_before),
        not_after: utc(not_after),
        ..Forgery::agent()
    };
    let certificate = parse(&certificate.unsigned()).unwrap();
    let (not_before, not_after) = (certificate.not_before(), certificate.not_after());
    let never = Err(TrustError::NeverValid {
        not_before,
        not_after,
    });
    let (first, last) = (UnixTime::from_secs(0), UnixTime::from_secs(u64::MAX));
    for now in [
        first,
        UnixTime::before_epoch(u64::MAX),
        not_after,
        NOW,
        not_before,
        last,
    ] {
        let trust = Trust::DangerAnyCertificate;
        assert_eq!(trust.check(&certificate, now), never);
        assert_eq!(trust.danger_check_even_if_expired(&certificate, now), never);
    }
}
