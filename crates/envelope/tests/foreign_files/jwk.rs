//! Private keys as JWK (RFC 7517, RFC 7518 §6.3).

use base64ct::{Base64UrlUnpadded, Encoding as _};
use sealpost_envelope::{
    Identity,
    key::{
        FileKind,
        IdentityError::{self, File, Jwk, PublicKey, Refused},
        JwkError::{self, Duplicate, Json, KeyType, Missing, Number, Public, TooLarge, Use},
        PublicKeyError,
    },
};

use super::{
    Any,
    tools::{follow, has, key_id, key_pem, parse},
};

/// RFC 8017 appendix A.1.2: n, e, d, p, q, dP, dQ, qInv of the key, without leading zeros.
pub(crate) fn numbers() -> [Vec<u8>; 8] {
    let (_, pkcs8) = pem_rfc7468::decode_vec(&key_pem()).unwrap();
    // PKCS#8 of a key of 2,048 bits: PKCS#1 begins here, and after its header the version.
    let mut rest = &pkcs8[26 + 4 + 3..];
    std::array::from_fn(|_| {
        assert_eq!(rest[0], 0x02);
        let (start, length) = match rest[1] {
            0x81 => (3, rest[2].into()),
            0x82 => (4, u16::from_be_bytes([rest[2], rest[3]]).into()),
            short => (2, usize::from(short)),
        };
        let number = &rest[start..start + length];
        rest = &rest[start + length..];
        number.strip_prefix(&[0]).unwrap_or(number).to_vec()
    })
}

const NAMES: [&str; 8] = ["n", "e", "d", "p", "q", "dp", "dq", "qi"];

fn encode(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

/// The members of the key; a test changes them.
fn members() -> Vec<(String, String)> {
    let numbers = NAMES.iter().zip(numbers());
    let numbers =
        numbers.map(|(name, number)| ((*name).to_owned(), format!("\"{}\"", encode(&number))));
    [("kty".to_owned(), "\"RSA\"".to_owned())]
        .into_iter()
        .chain(numbers)
        .collect()
}

fn jwk(members: &[(String, String)]) -> String {
    let members: Vec<_> = members
        .iter()
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    format!("{{{}}}", members.join(","))
}

/// The key as it should be.
pub(crate) fn plain() -> String {
    jwk(&members())
}

/// The key with these members more.
fn with(extra: &str) -> String {
    format!("{{{extra},{}", &jwk(&members())[1..])
}

/// The key with another value of a member, or without it.
fn changed(name: &str, value: Option<&str>) -> String {
    let mut members = members();
    let at = members.iter().position(|(known, _)| known == name).unwrap();
    match value {
        Some(value) => members[at].1 = value.into(),
        None => drop(members.remove(at)),
    }
    jwk(&members)
}

fn refused(jwk: &str) -> IdentityError {
    let error = parse(jwk.as_bytes()).expect_err(jwk);
    assert_eq!(
        Identity::<Any>::from_jwk(jwk.as_bytes()).unwrap_err(),
        error
    );
    error
}

#[test]
fn a_private_key_is_read() {
    let plain = jwk(&members());
    for text in [
        plain.clone(),
        format!("\u{feff}\n {plain}\r\n"),
        plain.replace(':', " :\t").replace(',', " ,\n"),
        plain.replace("\"n\"", "\"\\u006e\""),
        with(r#""use":"enc""#),
        with(r#""alg":"RSA-OAEP-256""#),
        with(r#""key_ops":["decrypt"]"#),
        with(r#""key_ops":[ "unwrapKey" , "decr\u0079pt" ]"#),
        with(r#""key_ops":["encrypt","decrypt","wrapKey","unwrapKey"]"#),
        with(
            r#""use":"enc","key_ops":["decrypt"],"alg":"RSA-OAEP-256","kid":"a","ext":true,"x5c":["a"],"iat":1"#,
        ),
    ] {
        assert_eq!(parse(text.as_bytes()), Ok(key_id()), "{text}");
    }
    // What is sealed to the certificate opens.
    let identity = Identity::<Any>::from_jwk(plain.as_bytes()).unwrap();
    let pem = Identity::<Any>::from_pem(&key_pem()).unwrap();
    assert_eq!(identity.public_key(), pem.public_key());
}

#[test]
fn one_whose_use_alg_or_key_ops_name_another_use_is_refused() {
    for (member, values) in [
        (
            "use",
            &[r#""sig""#, r#""ENC""#, r#""""#, "null", r#"["enc"]"#, "1"][..],
        ),
        (
            "alg",
            &[
                r#""RSA-OAEP""#,
                r#""RSA-OAEP-384""#,
                r#""RSA1_5""#,
                r#""RS256""#,
                r#""PS256""#,
                r#""rsa-oaep-256""#,
                "null",
                r#"["RSA-OAEP-256"]"#,
            ],
        ),
        (
            "key_ops",
            &[
                "[]",
                r#"["sign"]"#,
                r#"["verify"]"#,
                r#"["encrypt"]"#,
                r#"["wrapKey"]"#,
                r#"["decrypt","sign"]"#,
                r#"["decrypt","deriveKey"]"#,
                r#"["decrypt","decrypt"]"#,
                r#"["decrypt","decr\u0079pt"]"#,
                r#"["decrypt",1]"#,
                r#"["decrypt",["decrypt"]]"#,
                r#"["decrypt",null]"#,
                r#""decrypt""#,
                r#"{"decrypt":1}"#,
                "null",
            ],
        ),
    ] {
        for value in values {
            let text = with(&format!("\"{member}\":{value}"));
            assert_eq!(refused(&text), Jwk(Use { member }), "{member}: {value}");
        }
    }
    // Each has to be right.
    let both = with(r#""use":"enc","key_ops":["sign"]"#);
    assert_eq!(refused(&both), Jwk(Use { member: "key_ops" }));
}

#[test]
fn what_is_not_such_a_key_is_refused_by_what_is_wrong() {
    let jwk_error = |text: &str| match refused(text) {
        Jwk(error) => error,
        other => panic!("{other:?}: {text}"),
    };
    assert_eq!(jwk_error(&changed("kty", None)), Missing { member: "kty" });
    for kty in ["\"EC\"", "\"oct\"", "\"OKP\"", "\"rsa\"", "null"] {
        assert_eq!(jwk_error(&changed("kty", Some(kty))), KeyType);
    }
    assert_eq!(jwk_error(&changed("d", None)), Public);
    for member in ["n", "e", "p", "q", "dp", "dq", "qi"] {
        assert_eq!(jwk_error(&changed(member, None)), Missing { member });
    }
    for member in NAMES {
        let number = encode(&numbers()[NAMES.iter().position(|name| *name == member).unwrap()]);
        for wrong in [
            "null".to_owned(),
            "65537".into(),
            "\"\"".into(),
            format!("\"{number}=\""),
            format!("\"{number}!\""),
            format!("\" {number}\""),
            format!(
                "\"{}\"",
                number.replace(['-', '_'], "+").replacen('A', "/", 1) + "/"
            ),
            format!("[\"{number}\"]"),
        ] {
            assert_eq!(
                jwk_error(&changed(member, Some(&wrong))),
                Number { member },
                "{wrong}"
            );
        }
        let mut padded = vec![0];
        padded.extend(&numbers()[NAMES.iter().position(|name| *name == member).unwrap()]);
        let padded = format!("\"{}\"", encode(&padded));
        assert_eq!(
            jwk_error(&changed(member, Some(&padded))),
            Number { member }
        );
        let long = format!("\"{}\"", "A".repeat(1367));
        assert_eq!(jwk_error(&changed(member, Some(&long))), TooLarge);
        assert_eq!(
            jwk_error(&with(&format!("\"{member}\":\"AQAB\""))),
            Duplicate
        );
    }
    // Bits that decode to nothing.
    assert_eq!(
        jwk_error(&changed("e", Some("\"Aw=\""))),
        Number { member: "e" }
    );
    assert_eq!(
        jwk_error(&changed("e", Some("\"Ax\""))),
        Number { member: "e" }
    );
    assert_eq!(jwk_error(&with(r#""x":1,"\u0078":2"#)), Duplicate);
    assert_eq!(
        jwk_error(&with(r#""oth":[{"r":"AQAB","d":"AQAB","t":"AQAB"}]"#)),
        JwkError::MultiPrime
    );
    let many: Vec<_> = (0..60).map(|n| format!("\"x{n}\":1")).collect();
    assert_eq!(jwk_error(&with(&many.join(","))), TooLarge);
    for text in ["{", "{}x", "{\"kty\":\"RSA\",}", "{\"kty\":\"\\ud800\"}"] {
        assert!(matches!(jwk_error(text), Json(_)), "{text}");
    }
    assert!(matches!(
        refused(&format!("{}x", jwk(&members()))),
        Jwk(Json(_))
    ));
}

#[test]
fn the_rules_for_keys_hold() {
    for (e, expected) in [
        ("\"Ag\"", PublicKeyError::Exponent),
        ("\"AQ\"", PublicKeyError::Exponent),
        ("\"AQAAAAE\"", PublicKeyError::ExponentTooLarge { bits: 33 }),
    ] {
        assert_eq!(refused(&changed("e", Some(e))), PublicKey(expected));
    }
    let short = format!("\"{}\"", encode(&[0xff; 128]));
    let modulus = PublicKeyError::Modulus { bits: 1024 };
    assert_eq!(refused(&changed("n", Some(&short))), PublicKey(modulus));
}

/// Numbers that do not belong together. AWS-LC compares them all; `rsa` computes the last three itself.
#[test]
fn numbers_that_do_not_belong_together_are_refused() {
    let last = if cfg!(feature = "aws-lc") { 8 } else { 5 };
    for (at, name) in NAMES.iter().enumerate().take(last) {
        let mut number = numbers()[at].clone();
        let end = number.len() - 1;
        number[end] ^= 2;
        let text = changed(name, Some(&format!("\"{}\"", encode(&number))));
        assert_eq!(refused(&text), Refused, "{name}");
    }
}

#[test]
fn a_set_is_named_and_taken_apart() {
    let set = format!("{{\"keys\":[{}]}}", jwk(&members()));
    let error = parse(set.as_bytes()).unwrap_err();
    assert_eq!(error, File(FileKind::JwkSet));
    if has("jq") {
        assert_eq!(parse(&follow(&error, set.as_bytes(), &[])), Ok(key_id()));
    }
}
