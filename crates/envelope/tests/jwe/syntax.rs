//! What is not exactly a JWE as it is written here, and which error says so.

use super::{draft::*, *};

fn refused(text: &str) -> JweError {
    match open::<Any>("a2048", text, UNBOUND) {
        Err(Error::Jwe(error)) => error,
        other => panic!("{other:?} for {text}"),
    }
}

#[test]
fn other_algorithms_are_refused_by_name() {
    for (alg, expected) in [
        ("RSA1_5", KeyAlgorithm::Rsa15),
        ("RSA-OAEP", KeyAlgorithm::RsaOaepSha1),
        ("RSA-OAEP-512", KeyAlgorithm::RsaOaepOther),
        ("PBES2-HS256+A128KW", KeyAlgorithm::Password),
        ("dir", KeyAlgorithm::Direct),
        ("none", KeyAlgorithm::None),
        ("ECDH-ES+A256KW", KeyAlgorithm::EllipticCurve),
        ("A256KW", KeyAlgorithm::KeyWrap),
        ("A256GCMKW", KeyAlgorithm::KeyWrap),
        ("rsa-oaep-256", KeyAlgorithm::Unknown),
        ("", KeyAlgorithm::Unknown),
    ] {
        let text = draft().header("RSA-OAEP-256", alg).compact();
        assert_eq!(refused(&text), JweError::Algorithm(expected), "{alg}");
    }
    for enc in ["A128GCM", "A128CBC-HS256", "A256CBC-HS512", ""] {
        assert_eq!(
            refused(&draft().header("A256GCM", enc).compact()),
            JweError::Encryption
        );
    }
    let text = draft().header("\"RSA-OAEP-256\"", "1").compact();
    assert_eq!(refused(&text), JweError::Type(JwePart::Alg));
    let text = draft().header("\"alg\":\"RSA-OAEP-256\",", "").compact();
    assert_eq!(refused(&text), JweError::Missing(JwePart::Alg));
    let text = draft().header("\"enc\":\"A256GCM\",", "").compact();
    assert_eq!(refused(&text), JweError::Missing(JwePart::Enc));
}

#[test]
fn what_changes_the_meaning_is_refused() {
    for (member, expected) in [
        (r#""zip":"DEF""#, JweError::Zip),
        (r#""crit":["exp"],"exp":1"#, JweError::Critical),
        (r#""crit":[]"#, JweError::Critical),
        (r#""enc":"A256GCM""#, JweError::Duplicate),
        (r#""k\u0069d":"x""#, JweError::Duplicate),
        (r#""x":1,"x":1"#, JweError::Duplicate),
    ] {
        assert_eq!(
            refused(&draft().add(member).compact()),
            expected,
            "{member}"
        );
    }
    assert!(matches!(
        refused(&draft().header("{\"alg\"", "[\"alg\"").compact()),
        JweError::Json(_)
    ));
    let many: Vec<_> = (0..40).map(|n| format!("\"x{n}\":1")).collect();
    let text = draft().add(&many.join(",")).compact();
    assert_eq!(refused(&text), JweError::TooLarge(JwePart::Header));
    // Unknown parameters are ignored (RFC 7516 §4.2), but they are authenticated.
    let text = draft().add("\"x\":[{}]").compact();
    assert_eq!(
        open::<Any>("a2048", &text, BOUND),
        Err(Error::Open(OpenError))
    );
}

/// RFC 7515 §4.1: what a registered parameter is, it is also where it is not needed, in every header.
#[test]
fn a_registered_parameter_of_another_type_is_refused() {
    let wrong_for = |right: char| {
        let values = ["null", "1", "true", "\"x\"", "{}", "[]"];
        values
            .into_iter()
            .filter(move |value| !value.starts_with(right))
    };
    for (name, right) in [
        ("typ", '"'),
        ("cty", '"'),
        ("jku", '"'),
        ("x5u", '"'),
        ("x5t", '"'),
        ("jwk", '{'),
        ("x5c", '['),
    ] {
        for value in wrong_for(right) {
            let expected = JweError::Type(JwePart::Parameter(name));
            let member = format!("\"{name}\":{value}");
            // Without the one that is written.
            let protected = draft().header(",\"typ\":\"JWE\"", "").add(&member);
            assert_eq!(refused(&protected.compact()), expected, "{member}");
            let plain = draft().header(",\"typ\":\"JWE\"", "");
            for place in ["header", "unprotected"] {
                let extra = format!(",\"{place}\":{{{member}}}");
                assert_eq!(refused(&plain.json(&extra)), expected, "{extra}");
            }
            assert!(
                expected
                    .to_string()
                    .contains(&format!("\"{name}\" is of the wrong JSON type"))
            );
        }
    }
    for (name, part) in [
        ("alg", JwePart::Alg),
        ("enc", JwePart::Enc),
        ("kid", JwePart::Kid),
        ("x5t#S256", JwePart::X5tS256),
    ] {
        for value in wrong_for('"') {
            let mut draft = draft();
            let header: serde_json::Value = serde_json::from_str(&draft.header).unwrap();
            let from = format!("\"{name}\":{}", header[name]);
            draft = draft.header(&from, &format!("\"{name}\":{value}"));
            assert_eq!(
                refused(&draft.compact()),
                JweError::Type(part),
                "{name}: {value}"
            );
        }
    }
    // The others are refused whatever they are, and what is not registered may be anything.
    for value in ["null", "\"DEF\"", "[]"] {
        assert_eq!(
            refused(&draft().add(&format!("\"zip\":{value}")).compact()),
            JweError::Zip
        );
        assert_eq!(
            refused(&draft().add(&format!("\"crit\":{value}")).compact()),
            JweError::Critical
        );
    }
    let header = draft().header;
    let (_, from) = header.split_once("\"sealpost\":").unwrap();
    for value in ["null", "1", "\"x\"", "[]"] {
        let text = draft().header(from, &format!("{value}}}")).compact();
        let expected = JweError::Type(JwePart::Parameter("sealpost"));
        assert_eq!(refused(&text), expected, "{value}");
        // Nor is the header itself anything else.
        let mut draft = draft();
        draft.header = value.to_owned();
        let expected = JweError::Type(JwePart::Protected);
        assert_eq!(refused(&draft.compact()), expected, "{value}");
        assert_eq!(refused(&draft.json("")), expected, "{value}");
    }
    for (extra, part) in [
        (r#","header":null"#, JwePart::Header),
        (r#","unprotected":null"#, JwePart::Unprotected),
    ] {
        assert_eq!(refused(&draft().json(extra)), JweError::Type(part));
    }
}

#[test]
fn encodings_and_lengths_are_exact() {
    let change = |change: fn(&mut Draft)| {
        let mut draft = draft();
        change(&mut draft);
        draft.compact()
    };
    for (text, expected) in [
        (
            change(|d| d.key.push('=')),
            JweError::Base64(JwePart::EncryptedKey),
        ),
        (change(|d| d.iv.push('A')), JweError::Base64(JwePart::Iv)),
        (
            change(|d| d.ciphertext = "e30+".into()),
            JweError::Base64(JwePart::Ciphertext),
        ),
        // Bits that decode to nothing.
        (
            change(|d| d.ciphertext = "e31".into()),
            JweError::Base64(JwePart::Ciphertext),
        ),
        (
            change(|d| d.tag.insert(4, '\n')),
            JweError::Base64(JwePart::Tag),
        ),
        (
            change(|d| d.iv = encode(&[0; 13])),
            JweError::Length {
                part: JwePart::Iv,
                found: 13,
            },
        ),
        (
            change(|d| d.iv.clear()),
            JweError::Length {
                part: JwePart::Iv,
                found: 0,
            },
        ),
        (
            change(|d| d.tag = encode(&[0; 15])),
            JweError::Length {
                part: JwePart::Tag,
                found: 15,
            },
        ),
        (
            change(|d| d.key = encode(&[7; 4096])),
            JweError::TooLarge(JwePart::EncryptedKey),
        ),
        (
            change(|d| d.header = " ".repeat(20_000)),
            JweError::TooLarge(JwePart::Protected),
        ),
        (change(|d| d.tag.push('.')), JweError::Compact { parts: 6 }),
        ("a.b.c.d".into(), JweError::Compact { parts: 4 }),
        ("".into(), JweError::Compact { parts: 1 }),
        ("x".repeat(1 << 20), JweError::Compact { parts: 1 }),
        (
            "x".repeat((1 << 20) + 1),
            JweError::TooLarge(JwePart::Whole),
        ),
    ] {
        let error = Jwe::parse(text.as_bytes()).unwrap_err();
        assert_eq!(error, expected);
    }
    for (length, expected) in [
        (16_384, None),
        (16_385, Some(JweError::TooLarge(JwePart::Protected))),
    ] {
        let mut draft = draft();
        draft.header = format!("{:length$}", draft.header);
        assert_eq!(Jwe::parse(draft.compact().as_bytes()).err(), expected);
    }
    for (length, expected) in [
        (16_384, None),
        (16_385, Some(JweError::TooLarge(JwePart::Header))),
    ] {
        let blanks = " ".repeat(length - 2);
        let text = draft().json(&format!(r#","header":{{{blanks}}}"#));
        assert_eq!(Jwe::parse(text.as_bytes()).err(), expected);
    }
    assert_eq!(
        Jwe::parse(&[0xff; 8]).unwrap_err(),
        JweError::Base64(JwePart::Whole)
    );
    let text = change(|d| d.key = encode(&[7; 255]));
    assert_eq!(
        open::<Any>("a2048", &text, BOUND),
        Err(Error::EncapsulationLength {
            expected: 256,
            found: 255
        })
    );
    for range in [[0; 256], [0xff; 256]] {
        let mut draft = draft();
        draft.key = encode(&range);
        assert_eq!(
            open::<Any>("a2048", &draft.compact(), BOUND),
            Err(Error::EncapsulationRange)
        );
    }
}

/// `alg` and its like are there, in a place where they do not count: that is what the error says, not that they lack.
#[test]
fn alg_outside_the_protected_header_is_reported_as_unprotected() {
    use HeaderParameter::{Alg, Crit, Enc, Sealpost, Zip};
    let alg = r#""alg":"RSA-OAEP-256""#;
    let enc = r#""enc":"A256GCM""#;
    let without = |member: &str| draft().header(&format!("{member},"), "");
    let neither = || without(alg).header(&format!("{enc},"), "");
    let bare = |header: &str| Draft {
        header: header.into(),
        ..draft()
    };
    let cases = [
        (
            without(alg).json(&format!(r#","unprotected":{{{alg}}}"#)),
            Alg,
        ),
        (
            without(alg).json(&format!(r#","header":{{"x":1,{alg}}}"#)),
            Alg,
        ),
        (
            without(alg).json(r#","unprotected":{"alg":"RSA-OAEP"}"#),
            Alg,
        ),
        (without(alg).json(r#","unprotected":{"\u0061lg":1}"#), Alg),
        (
            without(enc).json(&format!(r#","unprotected":{{{enc}}}"#)),
            Enc,
        ),
        (without(enc).json(&format!(r#","header":{{{enc}}}"#)), Enc),
        (
            neither().json(&format!(r#","unprotected":{{{enc}}},"header":{{{alg}}}"#)),
            Enc,
        ),
        (
            bare("{}").json(&format!(r#","unprotected":{{{alg},{enc}}}"#)),
            Alg,
        ),
        // RFC 7516 §7.2.1: nothing need be protected.
        (
            bare("").json(&format!(r#","unprotected":{{{alg},{enc}}}"#)),
            Alg,
        ),
        (
            bare("")
                .json(&format!(r#","header":{{{alg}}}"#))
                .replace(r#""protected":"","#, ""),
            Alg,
        ),
        (without(alg).json(r#","unprotected":{"zip":"DEF"}"#), Zip),
        (without(alg).json(r#","header":{"crit":["x"]}"#), Crit),
        (without(alg).json(r#","header":{"sealpost":{}}"#), Sealpost),
    ];
    for (text, parameter) in cases {
        assert_eq!(refused(&text), JweError::Unprotected(parameter), "{text}");
    }
    // With several recipients each may have its own.
    let recipients = format!(
        r#"{{"recipients":[{{"encrypted_key":"AAAA"}},{{"header":{{"kid":"x",{alg}}},"encrypted_key":"AAAA"}}]"#
    );
    let text = without(alg)
        .json("")
        .replace(r#""encrypted_key""#, r#""ignored""#)
        .replacen('{', &format!("{recipients},"), 1);
    assert_eq!(refused(&text), JweError::Unprotected(Alg));
    // What is nowhere is lacking.
    for (text, part) in [
        (
            without(alg).json(r#","unprotected":{"al":1},"header":{}"#),
            JwePart::Alg,
        ),
        (without(enc).json(r#","header":[]"#), JwePart::Enc),
        (
            draft().json("").replace(r#""protected""#, r#""other""#),
            JwePart::Protected,
        ),
    ] {
        assert_eq!(refused(&text), JweError::Missing(part), "{text}");
    }
}

#[test]
fn json_serialisations_are_read_strictly() {
    assert!(open::<Any>("a2048", &draft().json(""), BOUND).is_ok());
    assert!(
        open::<Any>(
            "a2048",
            &format!(" {}\n", draft().json(r#","other":[1]"#)),
            BOUND
        )
        .is_ok()
    );
    for (extra, expected) in [
        (r#","aad":"eA""#, JweError::Aad),
        (
            r#","unprotected":{"zip":"DEF"}"#,
            JweError::Unprotected(HeaderParameter::Zip),
        ),
        (
            r#","header":{"alg":"RSA-OAEP-256"}"#,
            JweError::Unprotected(HeaderParameter::Alg),
        ),
        (
            r#","header":{"enc":"A256GCM"}"#,
            JweError::Unprotected(HeaderParameter::Enc),
        ),
        (
            r#","unprotected":{"crit":[]}"#,
            JweError::Unprotected(HeaderParameter::Crit),
        ),
        (
            r#","unprotected":{"sealpost":{}}"#,
            JweError::Unprotected(HeaderParameter::Sealpost),
        ),
        (r#","header":{"kid":"x"}"#, JweError::Duplicate),
        (r#","unprotected":{"typ":"x"}"#, JweError::Duplicate),
        (
            r#","unprotected":{"a":1},"header":{"\u0061":1}"#,
            JweError::Duplicate,
        ),
        (r#","header":[]"#, JweError::Type(JwePart::Header)),
        (
            r#","unprotected":null"#,
            JweError::Type(JwePart::Unprotected),
        ),
        (r#","iv":"x""#, JweError::Duplicate),
        // One that is ignored, too: which of both counts is nobody's guess.
        (r#","x":1,"\u0078":1"#, JweError::Duplicate),
        (r#","recipients":[]"#, JweError::Mixed),
    ] {
        assert_eq!(refused(&draft().json(extra)), expected, "{extra}");
    }
    let good = draft();
    let general = |recipients: &str| {
        let text = good.json("").replace("\"encrypted_key\"", "\"ignored\"");
        text.replace(
            "{\"protected\"",
            &format!("{{\"recipients\":{recipients},\"protected\""),
        )
    };
    let key = &good.key;
    // Braces, brackets and quotes in strings end nothing.
    for besides in [
        r#"[[{}],{}]"#,
        r#""}""#,
        r#""]\"},{""#,
        r#""\\""#,
        r#""\\\"{""#,
    ] {
        let recipients = format!(r#"[ {{"x":{besides},"encrypted_key":"{key}"}}	]"#);
        assert_eq!(
            open::<Any>("a2048", &general(&recipients), BOUND),
            Ok(b"{}".to_vec()),
            "{besides}"
        );
    }
    let sixteen = format!("[{}]", vec![r#"{"encrypted_key":"AAAA"}"#; 16].join(","));
    let text = general(&sixteen);
    assert_eq!(
        Jwe::parse(text.as_bytes()).unwrap().recipients().count(),
        16
    );
    for (recipients, expected) in [
        ("[]".to_owned(), JweError::RecipientCount),
        (
            format!("[{}]", vec!["{\"encrypted_key\":\"AAAA\"}"; 17].join(",")),
            JweError::RecipientCount,
        ),
        ("{}".into(), JweError::Type(JwePart::Recipients)),
        ("[1]".into(), JweError::Type(JwePart::Recipients)),
        ("[[]]".into(), JweError::Type(JwePart::Recipients)),
        (r#"["x"]"#.into(), JweError::Type(JwePart::Recipients)),
        // What is no recipient is not passed over beside one that is.
        (
            format!(r#"["{{]", {{"encrypted_key":"{key}"}}]"#),
            JweError::Type(JwePart::Recipients),
        ),
        (
            format!(r#"[{{"encrypted_key":"{key}"}}, ""]"#),
            JweError::Type(JwePart::Recipients),
        ),
        ("[{}]".into(), JweError::Missing(JwePart::EncryptedKey)),
        (
            r#"[{"encrypted_key":"AAAA","encrypted_key":"AAAA"}]"#.into(),
            JweError::Duplicate,
        ),
        (
            r#"[{"encrypted_key":"AAAA","header":{"alg":"dir"}}]"#.into(),
            JweError::Unprotected(HeaderParameter::Alg),
        ),
        (
            r#"[{"encrypted_key":"AAAA","header":{"kid":"x"}}]"#.into(),
            JweError::Duplicate,
        ),
        (
            r#"[{"encrypted_key":"AAAA","encrypted_ke\u0079":"AAAA"}]"#.into(),
            JweError::Duplicate,
        ),
        (
            r#"[{"encrypted_key":"AAAA","x":1,"x":1}]"#.into(),
            JweError::Duplicate,
        ),
        // What stands behind many others is not overlooked.
        (
            format!(
                r#"[{{"encrypted_key":"AAAA",{}"encrypted_key":"BBBB"}}]"#,
                (0..40).map(|n| format!("\"x{n}\":1,")).collect::<String>()
            ),
            JweError::TooLarge(JwePart::Recipients),
        ),
    ] {
        assert_eq!(refused(&general(&recipients)), expected, "{recipients}");
    }
    assert_eq!(
        refused(&draft().json("").replace("\"tag\"", "\"gat\"")),
        JweError::Missing(JwePart::Tag)
    );
    assert!(matches!(refused("{\"a\":1"), JweError::Json(_)));
}
