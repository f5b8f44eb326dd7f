//! What is refused when a certificate is parsed, whatever the policy.

use sealpost_envelope::{
    Certificate, Recipient, UnixTime,
    backend::Backend,
    certificate::{
        CertificateError::{self, *},
        DateFault, ValidityEnd,
    },
    key::{FileKind, OtherAlgorithm, PublicKeyError},
};

use super::{
    der::{
        BOOLEAN, INTEGER, NULL, OCTET_STRING, bit_string, oid, sequence, tlv, unsigned,
        with_indefinite_length, with_long_length,
    },
    forgery::{
        Forgery, RSA_ENCRYPTION, agent_names, agent_spki, extension, generalized, key_usage,
        modulus, parse, rsa_spki, spki, test_file, utc,
    },
};

/// Asserts the error of each case, and that the certificate without the fault is taken.
fn refused(cases: &[(&str, Vec<u8>, CertificateError)]) {
    parse(&Forgery::agent().unsigned()).unwrap();
    for (what, der, error) in cases {
        assert_eq!(&parse(der).unwrap_err(), error, "{what}");
    }
}

#[test]
fn bytes_that_are_no_certificate() {
    let pem = test_file("keys/agent-a2048.pem");
    let key = test_file("keys/agent-a2048.key.pem");
    let truncated = Forgery::agent().unsigned();
    let megabyte = Forgery::agent()
        .with(extension("1.2.3.4", false, &[7; 1 << 20]))
        .unsigned();
    let broken = String::from_utf8(pem.clone())
        .unwrap()
        .replacen("MII", "M?I", 1);
    let one_mebibyte = [&pem[..], &vec![b'\n'; 1 << 20]].concat();
    let cases = [
        ("nothing", vec![], File(FileKind::Empty)),
        ("text", b"certificate".to_vec(), File(FileKind::Text)),
        ("a private key", key, File(FileKind::PrivateKey)),
        (
            "base64 with a wrong character",
            broken.into_bytes(),
            Malformed,
        ),
        (
            "PEM that is cut off",
            pem[..pem.len() / 2].to_vec(),
            Malformed,
        ),
        (
            "DER that is cut off",
            truncated[..truncated.len() - 1].to_vec(),
            Malformed,
        ),
        ("another SEQUENCE", agent_spki(), File(FileKind::PublicKey)),
        (
            "1 MB of DER",
            megabyte.clone(),
            TooLong {
                length: megabyte.len(),
            },
        ),
        (
            "1 MB of PEM",
            one_mebibyte.clone(),
            TooLong {
                length: one_mebibyte.len(),
            },
        ),
    ];
    for (what, bytes, error) in cases {
        assert_eq!(
            Certificate::from_pem_or_der(&bytes).unwrap_err(),
            error,
            "{what}"
        );
    }
}

#[test]
fn bytes_around_and_inside() {
    let good = Forgery::agent();
    let der = good.unsigned();
    let inner = |tbs: &dyn Fn(Vec<u8>) -> Vec<u8>| {
        let algorithm = sequence(&[&oid("1.2.840.113549.1.1.11"), &NULL]);
        sequence(&[
            &tbs(good.tbs(&algorithm)),
            &algorithm,
            &bit_string(&[0x5a; 256]),
        ])
    };
    refused(&[
        (
            "a byte after it",
            [&der[..], &[0]].concat(),
            TrailingBytes { length: 1 },
        ),
        (
            "itself after it",
            [&der[..], &der].concat(),
            TrailingBytes { length: der.len() },
        ),
        ("indefinite length", with_indefinite_length(&der), NotDer),
        (
            "indefinite length inside",
            inner(&|tbs| with_indefinite_length(&tbs)),
            NotDer,
        ),
        ("long length", with_long_length(&der), NotDer),
        (
            "long length inside",
            inner(&|tbs| with_long_length(&tbs)),
            NotDer,
        ),
        (
            "default version written out",
            Forgery {
                version: tlv(0xa0, &tlv(INTEGER, &[0])),
                extensions: vec![],
                ..good.clone()
            }
            .unsigned(),
            NotDer,
        ),
        (
            "default of `critical` written out",
            good.clone()
                .with(sequence(&[
                    &oid("1.2.3.4"),
                    &tlv(BOOLEAN, &[0]),
                    &tlv(OCTET_STRING, &[]),
                ]))
                .unsigned(),
            NotDer,
        ),
        (
            "TRUE as 1",
            good.clone()
                .with(sequence(&[
                    &oid("1.2.3.4"),
                    &tlv(BOOLEAN, &[1]),
                    &tlv(OCTET_STRING, &[]),
                ]))
                .unsigned(),
            NotDer,
        ),
    ]);
    // Inside the value of an extension as well.
    let usage = with_long_length(&tlv(0x03, &[5, 0x20]));
    let usage = good.with(extension("2.5.29.15", true, &usage)).unsigned();
    assert_eq!(parse(&usage).unwrap_err(), NotDer);
}

/// RFC 5280 §4.1.2.2: up to 20 bytes, to which the zero before a first bit that is set does not count.
#[test]
fn serial_numbers() {
    let with = |number: &[u8]| {
        let serial_number = tlv(INTEGER, number);
        let forgery = Forgery {
            serial_number,
            ..Forgery::agent()
        };
        parse(&forgery.unsigned()).map(|_| ())
    };
    let zero_and = |length| [&[0][..], &vec![0xff; length]].concat();
    for number in [
        vec![0],
        vec![0x7f; 20],
        vec![0x80; 20],
        zero_and(19),
        zero_and(20),
    ] {
        assert_eq!(with(&number), Ok(()), "{number:02x?}");
    }
    for (number, length) in [
        (vec![0x7f; 21], 21),
        (vec![0x01; 21], 21),
        // Negative ones have no zero.
        (vec![0x80; 21], 21),
        (zero_and(21), 21),
        (vec![0x7f; 60], 60),
        (vec![0x7f; 200], 200),
    ] {
        let error = with(&number).unwrap_err();
        assert_eq!(error, SerialNumber { length }, "{number:02x?}");
        let said = error.to_string();
        assert!(said.contains(&format!("{length} bytes")), "{said}");
    }
}

/// What helps a day that the calendar does not have is not another form.
#[test]
fn a_day_that_there_is_not_is_told_from_a_text_that_is_no_date() {
    let with = |not_after: Vec<u8>| {
        let forgery = Forgery {
            not_after,
            ..Forgery::agent()
        };
        parse(&forgery.unsigned()).unwrap_err().to_string()
    };
    for day in ["21000229000000Z", "20991301000000Z", "22000101240000Z"] {
        let said = with(tlv(0x18, day.as_bytes()));
        assert!(said.contains("there is no such day or time"), "{said}");
        assert!(
            said.contains("issue one with a day and a time that there are"),
            "{said}"
        );
        assert!(!said.contains("YYMMDD"), "{said}");
    }
    for text in ["2100022900000Z", "21000228000000+0000", "21000228000000.5Z"] {
        let said = with(tlv(0x18, text.as_bytes()));
        assert!(said.contains("from 2050 on YYYYMMDDHHMMSSZ"), "{said}");
    }
}

#[test]
fn extensions() {
    let good = Forgery::agent();
    let twice = |id, value: &[u8]| {
        let mut forgery = good.clone();
        forgery.extensions.push(extension(id, false, value));
        forgery.extensions.push(extension(id, true, value));
        forgery.unsigned()
    };
    let mut usage_twice = good.clone();
    usage_twice.extensions.push(key_usage(0x20));
    let version_1 = Forgery {
        version: vec![],
        ..good.clone()
    };
    let with = |id, value: &[u8]| good.clone().with(extension(id, true, value)).unsigned();
    let names = |tag| sequence(&[&tlv(tag, b"urn:sealpost:agent:a")]);
    refused(&[
        ("keyUsage twice", usage_twice.unsigned(), DuplicateExtension),
        (
            "an unknown extension twice",
            twice("1.2.3.4", &[]),
            DuplicateExtension,
        ),
        ("extensions in version 1", version_1.unsigned(), Malformed),
        (
            "keyUsage is no BIT STRING",
            with("2.5.29.15", &tlv(OCTET_STRING, &[0x20])),
            Malformed,
        ),
        (
            "keyUsage is followed by bytes",
            with("2.5.29.15", &[3, 2, 5, 0x20, 0]),
            Malformed,
        ),
        ("keyUsage is empty", with("2.5.29.15", &[]), Malformed),
        (
            "subjectAltName is no SEQUENCE",
            with("2.5.29.17", &tlv(0x31, &[])),
            Malformed,
        ),
        (
            "subjectAltName is cut off",
            with("2.5.29.17", &[0x30, 2, 0x86, 9]),
            Malformed,
        ),
        ("a constructed URI", with("2.5.29.17", &names(0xa6)), NotDer),
        (
            "a name that is a string",
            with("2.5.29.17", &names(0x16)),
            Malformed,
        ),
        (
            "a name of an unknown form",
            with("2.5.29.17", &names(0x89)),
            Malformed,
        ),
        (
            "subjectAltName is followed by bytes",
            with("2.5.29.17", &[0x30, 0, 0]),
            Malformed,
        ),
    ]);
    // Thousands of extensions cost no more than their bytes.
    let mut many = good;
    many.extensions = (0..3000)
        .map(|i| extension(&format!("1.2.3.{i}"), false, &[]))
        .collect();
    assert!(
        parse(&many.unsigned())
            .unwrap()
            .agent_ids()
            .next()
            .is_none()
    );
}

pub(crate) fn keys<B: Backend>() {
    let (n, e) = (unsigned(&modulus()), unsigned(&[1, 0, 1]));
    let n_of = |bits: usize| {
        let mut number = vec![0x80; bits / 8];
        *number.last_mut().unwrap() = 1;
        unsigned(&number)
    };
    let mut even = modulus();
    *even.last_mut().unwrap() &= 0xfe;
    let rsa = |parameters: &[u8]| sequence(&[&oid(RSA_ENCRYPTION), parameters]);
    let of_algorithm = |id: &str| spki(&sequence(&[&oid(id), &NULL]), &sequence(&[&n, &e]));
    let ec = sequence(&[&oid("1.2.840.10045.2.1"), &oid("1.2.840.10045.3.1.7")]);
    let key = sequence(&[&n, &e]);
    let unused_bits = sequence(&[
        &rsa(&NULL),
        &tlv(0x03, &[&[1], &key[..key.len() - 1], &[0]].concat()),
    ]);
    use PublicKeyError::*;
    let cases = [
        (
            "1024 bits",
            rsa_spki(&n_of(1024), &e),
            Modulus { bits: 1024 },
        ),
        (
            "2040 bits",
            rsa_spki(&n_of(2040), &e),
            Modulus { bits: 2040 },
        ),
        (
            "8200 bits",
            rsa_spki(&n_of(8200), &e),
            Modulus { bits: 8200 },
        ),
        (
            "an even modulus",
            rsa_spki(&unsigned(&even), &e),
            Modulus { bits: 2048 },
        ),
        (
            "modulus 0",
            rsa_spki(&unsigned(&[]), &e),
            Modulus { bits: 0 },
        ),
        ("e = 0", rsa_spki(&n, &unsigned(&[])), Exponent),
        ("e = 1", rsa_spki(&n, &unsigned(&[1])), Exponent),
        ("e = 2", rsa_spki(&n, &unsigned(&[2])), Exponent),
        ("e = 65536", rsa_spki(&n, &unsigned(&[1, 0, 0])), Exponent),
        (
            "e = 2^32 + 1",
            rsa_spki(&n, &unsigned(&[1, 0, 0, 0, 1])),
            ExponentTooLarge { bits: 33 },
        ),
        (
            "an EC key",
            spki(&ec, &[&[4][..], &[7; 64]].concat()),
            Algorithm(OtherAlgorithm::EllipticCurve),
        ),
        (
            "an RSASSA-PSS key",
            of_algorithm("1.2.840.113549.1.1.10"),
            SignatureOnly,
        ),
        (
            "an RSAES-OAEP key",
            of_algorithm("1.2.840.113549.1.1.7"),
            Algorithm(OtherAlgorithm::RsaesOaep),
        ),
        ("without parameters", spki(&rsa(&[]), &key), Parameters),
        (
            "parameters that are not NULL",
            spki(&rsa(&sequence(&[])), &key),
            Parameters,
        ),
        (
            "a negative modulus",
            rsa_spki(&tlv(INTEGER, &modulus()), &e),
            Encoding,
        ),
        (
            "a modulus with a zero in front",
            rsa_spki(&tlv(INTEGER, &[&[0, 0][..], &modulus()].concat()), &e),
            Encoding,
        ),
        (
            "an exponent with a zero in front",
            rsa_spki(&n, &tlv(INTEGER, &[0, 1, 0, 1])),
            Encoding,
        ),
        (
            "a long length",
            spki(&rsa(&NULL), &sequence(&[&with_long_length(&n), &e])),
            Encoding,
        ),
        (
            "an indefinite length",
            spki(&rsa(&NULL), &with_indefinite_length(&key)),
            Encoding,
        ),
        (
            "bytes after the key",
            spki(&rsa(&NULL), &[&key[..], &[0]].concat()),
            Encoding,
        ),
        (
            "a third number",
            spki(&rsa(&NULL), &sequence(&[&n, &e, &e])),
            Encoding,
        ),
        ("unused bits", unused_bits, Encoding),
        ("no key", spki(&rsa(&NULL), &[]), Encoding),
    ];
    let cases = cases.map(|(what, spki, error)| {
        (
            what,
            Forgery {
                spki,
                ..Forgery::agent()
            }
            .unsigned(),
            PublicKey(error),
        )
    });
    refused(&cases);

    // The SubjectPublicKeyInfo itself in a second encoding.
    let long = Forgery {
        spki: with_long_length(&agent_spki()),
        ..Forgery::agent()
    };
    refused(&[("a long length outside", long.unsigned(), NotDer)]);

    // What passes here passes in the cryptographic library too, whichever it is.
    let usable = |n: &[u8], e: &[u8]| {
        let spki = rsa_spki(n, &unsigned(e));
        let certificate = parse(
            &Forgery {
                spki,
                ..Forgery::agent()
            }
            .unsigned(),
        )
        .unwrap();
        Recipient::<B>::danger_from_public_key(certificate.public_key().clone())
            .unwrap_or_else(|error| panic!("{e:?}: {error}"));
    };
    for exponent in [&[3][..], &[17], &[1, 0, 1], &[0xff, 0xff, 0xff, 0xff]] {
        usable(&n, exponent);
    }
    for bits in [2048, 2056, 3072, 4104, 8192] {
        usable(&n_of(bits), &[1, 0, 1]);
    }
    let mut odd_bits = modulus();
    odd_bits.insert(0, 1);
    usable(&unsigned(&odd_bits), &[3]);
}

#[test]
fn agents() {
    let ids = |uris: &[&str]| {
        let certificate = parse(&Forgery::agent().with(agent_names(uris)).unsigned())?;
        Ok(certificate
            .agent_ids()
            .map(String::from)
            .collect::<Vec<_>>())
    };
    assert_eq!(ids(&["urn:sealpost:agent:a"]), Ok(vec!["a".into()]));
    let several = [
        "https://example.com",
        "urn:sealpost:agent:b-2",
        "urn:sealpost:agent:A_1",
    ];
    assert_eq!(ids(&several), Ok(vec!["b-2".into(), "A_1".into()]));
    assert_eq!(ids(&[]), Ok(vec![]));
    assert_eq!(
        ids(&["urn:sealpost:agentx", "urn:other:agent:a"]),
        Ok(vec![])
    );
    let long = format!("urn:sealpost:agent:{}", "a".repeat(65));
    for wrong in [
        "urn:sealpost:agent:",
        "urn:sealpost:agent:a/b",
        "URN:sealpost:agent:a",
        &long,
    ] {
        assert_eq!(
            ids(&["urn:sealpost:agent:a", wrong]),
            Err(AgentId),
            "{wrong}"
        );
    }
    // Names of other forms are not looked into: an e-mail address, an otherName with anything inside.
    let names = sequence(&[
        &tlv(0x81, &[0xff]),
        &tlv(0xa0, &[0x06, 0]),
        &tlv(0x86, b"urn:sealpost:agent:a"),
    ]);
    let forgery = Forgery::agent().with(extension("2.5.29.17", true, &names));
    assert!(parse(&forgery.unsigned()).unwrap().agent_ids().eq(["a"]));
}

#[test]
fn times() {
    let valid = |not_before, not_after| {
        let forgery = Forgery {
            not_before,
            not_after,
            ..Forgery::agent()
        };
        let certificate = parse(&forgery.unsigned())?;
        Ok::<_, CertificateError>((certificate.not_before(), certificate.not_after()))
    };
    let (utc_2030, in_2050) = (utc("300101000000Z"), generalized("20500101000000Z"));
    assert_eq!(
        valid(utc_2030.clone(), in_2050.clone()),
        Ok((at(1_893_456_000), at(2_524_608_000)))
    );
    let never = generalized("99991231235959Z");
    assert_eq!(
        valid(utc_2030.clone(), never),
        Ok((at(1_893_456_000), at(253_402_300_799)))
    );
    // RFC 5280 §4.1.2.5 wants UTCTime up to 2049, and old authorities have the other form.
    let early = generalized("20300101000000Z");
    assert_eq!(
        valid(early, generalized("20491231235959Z")),
        Ok((at(1_893_456_000), at(2_524_607_999)))
    );
    for (past, seconds) in [
        (utc("500101000000Z"), 631_152_000),
        (utc("520229000000Z"), 562_982_400),
        (utc("691231235959Z"), 1),
        (generalized("19500101000000Z"), 631_152_000),
        (generalized("00000229000000Z"), 62_162_121_600),
    ] {
        let expected = (UnixTime::before_epoch(seconds), at(2_524_608_000));
        assert_eq!(valid(past, in_2050.clone()), Ok(expected));
    }
    assert_eq!(
        valid(utc("700101000001Z"), in_2050.clone()),
        Ok((at(1), at(2_524_608_000)))
    );
}

#[test]
fn a_text_that_is_not_a_date_is_named_with_which_and_why() {
    use DateFault::{Calendar, Form, Fraction, NoSeconds, Offset};
    for (wrong, fault) in [
        (utc("3001010000Z"), NoSeconds),
        (utc("3001010000+0100"), NoSeconds),
        (utc("300101000000+0100"), Offset),
        (utc("300101000000-0000"), Offset),
        (utc("300101000000.5Z"), Fraction),
        (utc("301301000000Z"), Calendar),
        (utc("300001000000Z"), Calendar),
        (utc("300230000000Z"), Calendar),
        (utc("310229000000Z"), Calendar),
        (utc("530229000000Z"), Calendar),
        (utc("300101240000Z"), Calendar),
        (utc("300101006000Z"), Calendar),
        (utc("300101000060Z"), Calendar),
        (utc("500101"), Form),
        (utc("5001010000Z"), NoSeconds),
        (utc("50-101000000Z"), Form),
        (utc("300101000000"), Form),
        (utc("300101000000z"), Form),
        (utc("20300101000000Z"), Form),
        (utc(""), Form),
        (utc("3"), Form),
        (generalized("20500101000000.5Z"), Fraction),
        (generalized("20500101000000,5Z"), Fraction),
        (generalized("19000229000000Z"), Calendar),
        (generalized("00000230000000Z"), Calendar),
        (generalized("00000000000000Z"), Calendar),
        (generalized("205001010000Z"), NoSeconds),
        (generalized("20500101000000+0100"), Offset),
        (generalized("2050010100000"), Form),
        (generalized("20500101000000"), Form),
        (generalized("205"), Form),
    ] {
        let mut before = Forgery::agent();
        before.not_before = wrong.clone();
        let mut after = Forgery::agent();
        after.not_after = wrong.clone();
        for (forgery, end) in [
            (before, ValidityEnd::NotBefore),
            (after, ValidityEnd::NotAfter),
        ] {
            let error = parse(&forgery.unsigned()).unwrap_err();
            let text = String::from_utf8_lossy(&wrong).into_owned();
            assert_eq!(error, Date { end, fault }, "{text}");
            assert!(error.to_string().contains(&end.to_string()), "{error}");
        }
    }
}

/// RFC 5280 §4.1.2.2; OpenSSL does not mind.
/// Lengths that DER does not have, in the values of extensions and in keys.
#[test]
fn lengths_that_are_not_der_are_called_that() {
    let names = |value: &[u8]| {
        parse(
            &Forgery::agent()
                .with(extension("2.5.29.17", false, value))
                .unsigned(),
        )
        .unwrap_err()
    };
    let uri = b"urn:sealpost:agent:a2048";
    let name = tlv(0x86, uri);
    for value in [
        with_long_length(&sequence(&[&name])),
        with_indefinite_length(&sequence(&[&name])),
        sequence(&[&with_long_length(&name)]),
        sequence(&[&[&[0x86, 0x82, 0, 24][..], uri].concat()]),
        sequence(&[&[&[0x86, 0x85, 0, 0, 0, 0, 24][..], uri].concat()]),
        sequence(&[&tlv(0xa6, &tlv(0x16, uri))]),
    ] {
        assert_eq!(names(&value), NotDer, "{value:02x?}");
    }
    for (id, value) in [
        ("2.5.29.15", tlv(0x03, &[5, 0x20])),
        ("2.5.29.19", sequence(&[&tlv(BOOLEAN, &[0xff])])),
    ] {
        for value in [with_long_length(&value), with_indefinite_length(&value)] {
            let certificate = Forgery::agent().with(extension(id, true, &value));
            assert_eq!(parse(&certificate.unsigned()).unwrap_err(), NotDer, "{id}");
        }
    }
    // A string in pieces.
    let in_pieces = sequence(&[&oid("1.2.3.4"), &tlv(0x24, &tlv(OCTET_STRING, b"x"))]);
    let certificate = Forgery::agent().with(in_pieces);
    assert_eq!(parse(&certificate.unsigned()).unwrap_err(), NotDer);
}

#[test]
fn the_algorithm_of_another_key_is_named() {
    use OtherAlgorithm::*;
    for (id, algorithm) in [
        ("1.2.840.10045.2.1", EllipticCurve),
        ("1.3.132.1.12", EllipticCurve),
        ("1.2.840.10040.4.1", Dsa),
        ("1.2.840.10046.2.1", DiffieHellman),
        ("1.2.840.113549.1.3.1", DiffieHellman),
        ("1.3.101.110", X25519),
        ("1.3.101.111", X448),
        ("1.3.101.112", Ed25519),
        ("1.3.101.113", Ed448),
        ("2.16.840.1.101.3.4.4.1", MlKem),
        ("2.16.840.1.101.3.4.4.3", MlKem),
        ("2.16.840.1.101.3.4.3.17", MlDsa),
        ("2.16.840.1.101.3.4.3.20", SlhDsa),
        ("2.16.840.1.101.3.4.4.9", Unknown),
        ("1.2.840.113549.1.1.7", RsaesOaep),
        ("1.2.3.4", Unknown),
    ] {
        // With parameters and without, and a key that may be anything.
        for parameters in [&NULL[..], &[], &sequence(&[&unsigned(&[7])])] {
            let algorithm_id = sequence(&[&oid(id), parameters]);
            let spki = spki(&algorithm_id, &[7; 33]);
            let forgery = Forgery {
                spki,
                ..Forgery::agent()
            };
            let error = parse(&forgery.unsigned()).unwrap_err();
            assert_eq!(
                error,
                PublicKey(PublicKeyError::Algorithm(algorithm)),
                "{id}"
            );
            let said = error.to_string();
            assert!(said.contains(&algorithm.to_string()), "{said}");
            assert!(!said.contains("the RSA key"), "{said}");
        }
    }
    // An identifier that no library decodes: 2.25.UUID.
    let id = [
        0x69, 0x83, 0xf8, 0xa0, 0xb1, 0xc2, 0xd3, 0xe4, 0xf5, 0x86, 0x97, 0xa8, 0xb9, 0xca, 0xdb,
        0xec, 0xfd, 0x8e, 0x9f, 0x01,
    ];
    let forgery = Forgery {
        spki: spki(&sequence(&[&tlv(0x06, &id)]), &[7; 33]),
        ..Forgery::agent()
    };
    let error = parse(&forgery.unsigned()).unwrap_err();
    assert_eq!(error, PublicKey(PublicKeyError::Algorithm(Unknown)));
}

#[test]
fn identifiers_and_strings_of_every_kind() {
    // 2.25.UUID (X.667), a number of 2³², and 40 bytes.
    let uuid = [
        &[0x69][..],
        &[
            0x83, 0xf8, 0xa0, 0xb1, 0xc2, 0xd3, 0xe4, 0xf5, 0x86, 0x97, 0xa8, 0xb9,
        ],
    ]
    .concat();
    let uuid = [&uuid[..], &[0xca, 0xdb, 0xec, 0xfd, 0x8e, 0x9f, 0x01]].concat();
    let large = vec![0x2a, 0x90, 0x80, 0x80, 0x80, 0x00];
    let long = [vec![0x2a], [0x81, 0x00].repeat(20)].concat();
    for id in [uuid, large, long] {
        let id = tlv(0x06, &id);
        let extension = sequence(&[&id, &tlv(OCTET_STRING, b"x")]);
        parse(&Forgery::agent().with(extension).unsigned()).unwrap();
        let name = |value: &[u8]| sequence(&[&tlv(0x31, &sequence(&[&id, value]))]);
        // UTF8String, TeletexString, GraphicString, VisibleString, GeneralString, UniversalString, BMPString, an INTEGER,
        // a SEQUENCE, one of [0], and DATE.
        for tag in [
            0x0c, 0x14, 0x19, 0x1a, 0x1b, 0x1c, 0x1e, 0x02, 0x30, 0x80, 0xa0,
        ] {
            let subject = name(&tlv(tag, b""));
            let forgery = Forgery {
                subject,
                ..Forgery::agent()
            };
            parse(&forgery.unsigned()).unwrap_or_else(|error| panic!("{tag:#04x}: {error}"));
        }
        let date = Forgery {
            issuer: name(&[0x1f, 0x1f, 0x00]),
            ..Forgery::agent()
        };
        parse(&date.unsigned()).unwrap();
        // No type, a string in parts, fields that are no fields; numbers with a leading zero, or small ones written long.
        for (value, error) in [
            (&[0x00, 0x00][..], Malformed),
            (&[0x0f, 0x00], Malformed),
            (&[0x39, 0x00], NotDer),
            (&[0x10, 0x00], Malformed),
            (&[0x1f, 0x80, 0x01, 0x00], NotDer),
            (&[0x1f, 0x1e, 0x00], NotDer),
            (&[0x1f], Malformed),
            (&[0x19, 0x80], NotDer),
            (&[0x19, 0x81, 0x00], NotDer),
            (&[0x19, 0x01], Malformed),
        ] {
            let forgery = Forgery {
                subject: name(value),
                ..Forgery::agent()
            };
            assert_eq!(
                parse(&forgery.unsigned()).unwrap_err(),
                error,
                "{value:02x?}"
            );
        }
    }
    for (id, error) in [
        (&[][..], Malformed),
        (&[0x2a, 0x80, 0x01], NotDer),
        (&[0x80, 0x01], NotDer),
        (&[0x2a, 0x81], Malformed),
    ] {
        let extension = sequence(&[&tlv(0x06, id), &tlv(OCTET_STRING, b"x")]);
        let forgery = Forgery::agent().with(extension);
        assert_eq!(parse(&forgery.unsigned()).unwrap_err(), error, "{id:02x?}");
    }
}

#[test]
fn what_binds_the_key_is_canonical() {
    let with = |id: &str, value: &[u8]| {
        parse(&Forgery::agent().with(extension(id, true, value)).unsigned())
    };
    // X.690 §11.2.2: a list of named bits has no zeros at its end.
    for good in [
        &[3, 2, 5, 0xa0][..],
        &[3, 2, 0, 0x21],
        &[3, 3, 7, 0x20, 0x80],
        &[3, 1, 0],
    ] {
        with("2.5.29.15", good).unwrap();
    }
    for (usage, error) in [
        (&[3, 2, 4, 0xa0][..], NotDer),
        (&[3, 2, 0, 0x20], NotDer),
        (&[3, 3, 0, 0x20, 0x00], NotDer),
        (&[3, 2, 5, 0x00], NotDer),
        (&[3, 2, 6, 0xa0], NotDer),
        (&[3, 2, 8, 0x20], Malformed),
        (&[3, 1, 1], Malformed),
        (&[3, 0], Malformed),
        (&[4, 2, 5, 0x20], Malformed),
        (&[3, 2, 5, 0x20, 5, 0], Malformed),
        (&[], Malformed),
    ] {
        assert_eq!(with("2.5.29.15", usage).unwrap_err(), error, "{usage:02x?}");
    }
    for good in [
        &[0x30, 0][..],
        &[0x30, 3, 1, 1, 0xff],
        &[0x30, 7, 1, 1, 0xff, 2, 2, 1, 0],
    ] {
        with("2.5.29.19", good).unwrap();
    }
    for (constraints, error) in [
        (&[0x30, 3, 1, 1, 0][..], NotDer),
        (&[0x30, 3, 1, 1, 1], NotDer),
        (&[0x30, 6, 1, 1, 0xff, 2, 1, 0x80], Malformed),
        (&[0x30, 7, 1, 1, 0xff, 2, 2, 0, 1], NotDer),
        (&[0x30, 8, 1, 1, 0xff, 2, 1, 0, 5, 0], Malformed),
        (&[0x30, 2, 5, 0], Malformed),
        (&[0x31, 0], Malformed),
        (&[0x30, 0, 0], Malformed),
    ] {
        assert_eq!(
            with("2.5.29.19", constraints).unwrap_err(),
            error,
            "{constraints:02x?}"
        );
    }
}

fn at(seconds: u64) -> UnixTime {
    UnixTime::from_secs(seconds)
}
