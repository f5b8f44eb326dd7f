//! Files of trust anchors.

use std::slice;

use sealpost_envelope::{
    Certificate, Trust,
    certificate::CertificateError,
    key::FileKind,
    trust::{
        ChainError, ChainPolicy, TrustAnchors,
        TrustAnchorsError::{self, *},
        TrustError,
    },
};

use super::{
    authority::Authority,
    der::{INTEGER, NULL, oid, sequence, tlv, unsigned},
    forgery::{
        Forgery, NOW, RSA_ENCRYPTION, basic_constraints, extension, key_usage, name, pem, rsa_spki,
        spki, test_file,
    },
};

#[test]
fn files() {
    let root = || Authority::root();
    let der = |authority: Authority| authority.sign(&authority.certificate);
    let good = der(root());
    let load = |file: &[u8]| TrustAnchors::from_pem_or_der(file).map(|anchors| anchors.len());
    assert_eq!(load(&good), Ok(1));
    assert_eq!(load(&pem(&[good.clone(), good.clone()])), Ok(2));
    let text = [
        b"text\n".as_slice(),
        &test_file("keys/agent-a2048.key.pem"),
        &pem(slice::from_ref(&good)),
    ];
    assert_eq!(load(&text.concat()), Ok(1));

    let with_key = |spki| {
        let mut authority = root();
        authority.certificate.spki = spki;
        der(authority)
    };
    let weak = rsa_spki(&unsigned(&[0x81; 128]), &unsigned(&[1, 0, 1]));
    let p521 = sequence(&[&oid("1.2.840.10045.2.1"), &oid("1.3.132.0.35")]);
    let mut version_1 = root();
    version_1.certificate.version = vec![];
    version_1.certificate.extensions = vec![];
    let mut version_2 = root();
    version_2.certificate.version = tlv(0xa0, &tlv(INTEGER, &[2]));
    version_2.certificate.spki.extend(tlv(0x81, &[0, 7]));
    type Error = fn(usize) -> TrustAnchorsError;
    let cases: Vec<(&str, Vec<u8>, Error)> = vec![
        ("no certificate", b"junk".to_vec(), |number| Malformed {
            number,
        }),
        ("a byte after it", [&good[..], &[0]].concat(), |number| {
            Unreadable {
                number,
                reason: CertificateError::TrailingBytes { length: 1 },
            }
        }),
        ("an agent's own", Forgery::agent().unsigned(), |number| {
            NotAuthority {
                number,
                self_issued: false,
            }
        }),
        (
            "cA is FALSE",
            der(root().with(basic_constraints(false, None))),
            |number| NotAuthority {
                number,
                self_issued: true,
            },
        ),
        (
            "a path length without cA",
            der(root().with(basic_constraints(false, Some(0)))),
            |number| NotAuthority {
                number,
                self_issued: true,
            },
        ),
        ("version 1", der(version_1), |number| NotAuthority {
            number,
            self_issued: true,
        }),
        ("version 2", der(version_2), |number| Version { number }),
        (
            "without keyCertSign",
            der(root().with(key_usage(0x80))),
            |number| KeyUsage { number },
        ),
        (
            "an unknown critical extension",
            der(root().with(extension("1.2.3.4", true, b""))),
            |number| CriticalExtension { number },
        ),
        ("RSA with 1024 bits", with_key(weak), |number| Key {
            number,
        }),
        (
            "ECDSA on P-521",
            with_key(spki(&p521, &[4; 133])),
            |number| Key { number },
        ),
        (
            "an RSASSA-PSS key",
            with_key(spki(&sequence(&[&oid("1.2.840.113549.1.1.10")]), &[])),
            |number| Key { number },
        ),
        (
            "a broken RSA key",
            with_key(spki(&sequence(&[&oid(RSA_ENCRYPTION), &NULL]), &[0x30])),
            |number| Key { number },
        ),
    ];
    for (what, der, error) in cases {
        assert_eq!(load(&pem(slice::from_ref(&der))), Err(error(1)), "{what}");
        // Beside one that can be used it is left out, and named.
        let anchors = TrustAnchors::from_pem(&pem(&[good.clone(), der])).unwrap();
        let [skipped] = anchors.skipped() else {
            panic!("{what}: {:?}", anchors.skipped());
        };
        assert_eq!((anchors.len(), skipped.reason), (1, error(2)), "{what}");
    }
    assert_eq!(load(b""), Err(File(FileKind::Empty)));
    assert_eq!(TrustAnchors::from_pem(b"").unwrap_err(), NoCertificate);
    assert_eq!(
        load(&test_file("keys/agent-a2048.key.pem")),
        Err(File(FileKind::PrivateKey))
    );
    // Certificates in another form are named, with their line, beside good ones; alone they are what the file is.
    for (name, kind) in [
        (
            "certificates/trusted-format.pem",
            FileKind::TrustedCertificate,
        ),
        ("certificates/usual.p7b", FileKind::Pkcs7),
    ] {
        let other = test_file(name);
        let file = [&pem(slice::from_ref(&good))[..], &other].concat();
        let anchors = TrustAnchors::from_pem_or_der(&file).unwrap();
        let [skipped] = anchors.skipped() else {
            panic!("{name}: {:?}", anchors.skipped());
        };
        assert_eq!(
            (anchors.len(), skipped.reason),
            (1, OtherBlock { kind }),
            "{name}"
        );
        assert!(
            skipped
                .to_string()
                .contains("put it into a file of its own"),
            "{skipped}"
        );
        assert!(skipped.subject.starts_with("line "), "{skipped}");
        assert_eq!(load(&other), Err(File(kind)), "{name}");
    }
    // What was cut off is left out and named, wherever it stands.
    let one = pem(slice::from_ref(&good));
    for end in [28, one.len() / 2, one.len() - 2, one.len() - 9] {
        let cut = [&one[..end], b"\n"].concat();
        assert_eq!(load(&cut), Err(Cut { number: 1 }), "{end}");
        for (number, file) in [(1, [&cut[..], &one]), (2, [&one[..], &cut])] {
            let anchors = TrustAnchors::from_pem_or_der(&file.concat()).unwrap();
            let [skipped] = anchors.skipped() else {
                panic!("{end}: {:?}", anchors.skipped());
            };
            assert_eq!(
                (anchors.len(), skipped.reason),
                (1, Cut { number }),
                "{end}"
            );
            assert!(skipped.subject.starts_with("line "), "{skipped}");
        }
    }
    let broken = String::from_utf8(pem(slice::from_ref(&good)))
        .unwrap()
        .replacen("\nM", "\n?", 1);
    assert_eq!(load(broken.as_bytes()), Err(Pem { number: 1 }));
    let long = [&pem(&[good])[..], &[b'\n'; 1 << 20]].concat();
    assert_eq!(load(&long), Err(TooLong { length: long.len() }));

    // What is no anchor makes no chain either: an agent's self-signed certificate.
    let anchors = TrustAnchors::from_pem(&test_file("keys/agent-a2048.pem"));
    assert_eq!(
        anchors.unwrap_err(),
        NotAuthority {
            number: 1,
            self_issued: true,
        }
    );
}

#[test]
fn an_unusable_root_in_a_bundle_is_left_out_and_named() {
    let root = Authority::root();
    let good = root.sign(&root.certificate);
    let named = |subject: Vec<u8>| {
        let mut authority = Authority::root().with(key_usage(0x80));
        authority.certificate.subject = subject;
        authority.sign(&authority.certificate)
    };
    let odd_serial = || {
        let mut authority = Authority::root();
        authority.certificate.serial_number = tlv(INTEGER, &[0x51; 21]);
        authority.sign(&authority.certificate)
    };
    let odd_date = || {
        let mut authority = Authority::root();
        authority.certificate.not_after = tlv(0x18, b"21000229000000Z");
        authority.sign(&authority.certificate)
    };
    let long = "x".repeat(300);
    let cases = [
        (named(name("Old Root")), "CN=Old Root".to_owned()),
        (
            named(name("a\n\u{1b}[31m\u{202e}")),
            r"CN=a\0a\1b[31m".to_owned() + "\u{fffd}",
        ),
        (named(name(&long)), format!("CN={}", &long[..197])),
        // What else is wrong does not hide whose it is.
        (odd_serial(), "CN=root".to_owned()),
        (odd_date(), "CN=root".to_owned()),
        (
            b"?".to_vec(),
            "SHA-256 8a8de823d5ed3e12746a62ef169bcf372be0ca44f0a1236abc35df05d96928e1".into(),
        ),
    ];
    for (der, subject) in cases {
        for (certificates, number) in [
            ([der.clone(), good.clone(), good.clone()], 1),
            ([good.clone(), der.clone(), good.clone()], 2),
            ([good.clone(), good.clone(), der.clone()], 3),
        ] {
            let anchors = TrustAnchors::from_pem(&pem(&certificates)).unwrap();
            assert_eq!(anchors.len(), 2);
            let [skipped] = anchors.skipped() else {
                panic!("{:?}", anchors.skipped());
            };
            assert_eq!(skipped.subject, subject);
            assert!(
                matches!(skipped.reason, KeyUsage { number: n } | Malformed { number: n } | Unreadable { number: n, .. } if n == number),
                "{skipped}"
            );
            let said = skipped.to_string();
            assert!(
                said.contains(&subject) && said.contains(&format!("certificate {number} ")),
                "{said}"
            );
        }
    }
    // Base64 that is none: the block ends, so the file was not cut.
    let text = String::from_utf8(pem(&[good.clone(), good.clone()])).unwrap();
    let anchors = TrustAnchors::from_pem(text.replacen("\nM", "\n?", 1).as_bytes()).unwrap();
    let [skipped] = anchors.skipped() else {
        panic!("{:?}", anchors.skipped());
    };
    assert_eq!(skipped.reason, Pem { number: 1 });
    assert_eq!(skipped.subject, "line 1 of the file");
    let behind = ["# roots\n\n", &text, &text.replacen("\nM", "\n?", 1)].concat();
    let anchors = TrustAnchors::from_pem(behind.as_bytes()).unwrap();
    let line = 1 + 2 + text.lines().count();
    assert_eq!(
        anchors.skipped()[0].subject,
        format!("line {line} of the file")
    );
    // None that can be used is an error, whose reason is the first's.
    let none = pem(&[named(name("a")), Forgery::agent().unsigned()]);
    assert_eq!(
        TrustAnchors::from_pem(&none).unwrap_err(),
        KeyUsage { number: 1 }
    );
    // What is left out makes no chain.
    let with_unusable =
        TrustAnchors::from_pem(&pem(&[named(name("root")), unrelated_root()])).unwrap();
    let intermediate = Authority::intermediate();
    let file = [
        intermediate.sign(&Forgery::agent()),
        root.sign(&intermediate.certificate),
    ];
    let certificate = Certificate::from_pem(&pem(&file)).unwrap();
    let policy = ChainPolicy::new(&with_unusable, "a2048");
    assert!(Trust::Chain(policy).check(&certificate, NOW).is_err());
}

/// A root that can be used, and issued nothing.
fn unrelated_root() -> Vec<u8> {
    let other = Authority::new("other", "other", 9);
    other.sign(&other.certificate)
}

/// The authorities that Debian and Python's certifi collect, where they are installed.
#[test]
fn bundles_of_others_load() {
    let bundles = ["/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem"];
    for path in bundles {
        let Ok(bundle) = std::fs::read(path) else {
            let note = format!("NOT RUN: there is no {path}\n");
            let _ = std::io::Write::write_all(&mut std::io::stderr(), note.as_bytes());
            continue;
        };
        let anchors = TrustAnchors::from_pem_or_der(&bundle).unwrap();
        let all = bundle
            .split(|b| *b == b'\n')
            .filter(|line| line.starts_with(b"-----BEGIN"))
            .count();
        assert_eq!(anchors.len() + anchors.skipped().len(), all, "{path}");
        assert!(anchors.len() > all / 2, "{path}: {:?}", anchors.skipped());
    }
}

#[test]
fn limits() {
    // The same authority with and without a path length: the more generous certificate counts.
    let root = Authority::root();
    let strict = Authority::root().with(basic_constraints(true, Some(0)));
    let (root, strict) = (
        root.sign(&root.certificate),
        strict.sign(&strict.certificate),
    );
    let intermediate = Authority::intermediate();
    let file = pem(&[
        intermediate.sign(&Forgery::agent()),
        Authority::root().sign(&intermediate.certificate),
    ]);
    let certificate = Certificate::from_pem(&file).unwrap();
    let check = |anchors: &[Vec<u8>]| {
        let anchors = TrustAnchors::from_pem(&pem(anchors)).unwrap();
        Trust::Chain(ChainPolicy::new(&anchors, "a2048")).check(&certificate, NOW)
    };
    let too_long = Err(TrustError::Chain(ChainError::PathLength));
    assert_eq!(check(slice::from_ref(&strict)), too_long);
    assert_eq!(check(&[strict.clone(), root.clone()]), Ok(()));
    assert_eq!(check(&[root, strict.clone()]), Ok(()));
    // What another authority allows is of no use.
    let other = Authority::new("other", "other", 5);
    let other = other.sign(&other.certificate);
    assert_eq!(check(&[strict.clone(), other.clone()]), too_long);
    assert_eq!(check(&[other, strict.clone()]), too_long);
    // Directly below it all is well.
    let mut agent = Forgery::agent();
    agent.issuer = name("root");
    let direct = Certificate::from_der(&Authority::root().sign(&agent)).unwrap();
    let anchors = TrustAnchors::from_pem_or_der(&strict).unwrap();
    assert_eq!(
        Trust::Chain(ChainPolicy::new(&anchors, "a2048")).check(&direct, NOW),
        Ok(())
    );
    assert_eq!(format!("{anchors:?}"), "TrustAnchors(1)");
}
