use super::*;

const ED: &str = r#""kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#;
const EC: &str = r#""kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0""#;

fn set(keys: &str) -> KeySet {
    KeySet::from_jwks(format!(r#"{{"keys":[{keys}]}}"#).as_bytes()).unwrap()
}

/// Judges one member between two good ones, which must stay.
fn judged(member: &str) -> Result<(), Unusable> {
    let set = set(&format!(
        r#"{{{ED},"kid":"a"}},{member},{{{EC},"kid":"b"}}"#
    ));
    assert_eq!(
        set.candidates(Some("a"), Algorithm::EdDSA).count(),
        1,
        "{member}"
    );
    assert_eq!(
        set.candidates(Some("b"), Algorithm::ES256).count(),
        1,
        "{member}"
    );
    match set.left_out() {
        [] => Ok(()),
        [left_out] => {
            assert_eq!(set.len(), 2, "{member}");
            assert!(left_out.to_string().starts_with("keys[1]"), "{left_out}");
            Err(left_out.reason())
        }
        more => panic!("{more:?}"),
    }
}

fn with(more: &str) -> Result<(), Unusable> {
    judged(&format!("{{{ED},{more}}}"))
}

fn okp(x: &str) -> Result<(), Unusable> {
    judged(&format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}"}}"#))
}

fn ec(x: &[u8], y: &[u8]) -> Result<(), Unusable> {
    let [x, y] = [x, y].map(base64url);
    judged(&format!(
        r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}"}}"#
    ))
}

fn rsa(n: &[u8], e: &[u8]) -> Result<(), Unusable> {
    let [n, e] = [n, e].map(base64url);
    judged(&format!(r#"{{"kty":"RSA","n":"{n}","e":"{e}"}}"#))
}

fn base64url(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

/// An odd number of this many bits that no prime below 752 divides.
fn modulus(bits: usize) -> Vec<u8> {
    let mut n = vec![0xa5; bits.div_ceil(8)];
    let top = (bits - 1) % 8;
    n[0] = 1 << top;
    let last = n.len() - 1;
    let is_divided = |n: &[u8]| {
        let number = num_bigint::BigUint::from_bytes_be(n);
        (3..752_u32).any(|divisor| &number % divisor == 0_u32.into())
    };
    while last > 0 && is_divided(&n) {
        let (low, carry) = n[last].overflowing_add(2);
        n[last] = low;
        n[last - 1] += u8::from(carry);
    }
    n
}

#[test]
fn keys_are_found_by_id_and_algorithm() {
    let two = set(&format!(r#"{{{ED},"kid":"a"}},{{{ED},"kid":"b"}}"#));
    let count = |set: &KeySet, kid, algorithm| set.candidates(kid, algorithm).count();
    assert_eq!(count(&two, Some("a"), Algorithm::EdDSA), 1);
    assert_eq!(count(&two, Some("a"), Algorithm::HS256), 0);
    assert_eq!(count(&two, Some("c"), Algorithm::EdDSA), 0);
    assert_eq!(count(&two, None, Algorithm::EdDSA), 0, "a choice of two");

    let one = set(&format!("{{{ED}}}"));
    assert_eq!(count(&one, None, Algorithm::EdDSA), 1);
    assert_eq!(count(&one, Some("a"), Algorithm::EdDSA), 0);
    let named = set(&format!(r#"{{{ED},"kid":"a"}}"#));
    assert_eq!(count(&named, None, Algorithm::EdDSA), 1, "the only key");
}

#[test]
fn keys_that_share_a_kid_or_have_none_are_all_tried_up_to_a_bound() {
    for kid in ["", r#","kid":"a""#] {
        let other = set(&format!("{{{ED}{kid}}},{{{EC}{kid}}}"));
        let same = set(&format!("{{{ED}{kid}}},{{{ED}{kid}}}"));
        let id = (!kid.is_empty()).then_some("a");
        assert_eq!(other.candidates(id, Algorithm::EdDSA).count(), 1);
        assert_eq!(other.candidates(id, Algorithm::ES256).count(), 1);
        assert_eq!(same.candidates(id, Algorithm::EdDSA).count(), 2);
        let many = set(&vec![format!("{{{ED}{kid}}}"); 7].join(","));
        assert_eq!(many.len(), 4);
        assert!(
            many.left_out()
                .iter()
                .all(|l| l.reason() == Unusable::TooMany)
        );
    }
}

#[test]
fn a_document_that_is_not_a_key_set_is_an_error() {
    let deep = format!(r#"{{"keys":{}"#, "[".repeat(100_000));
    for document in [
        "",
        "null",
        "[]",
        r#""keys""#,
        "{}",
        r#"{"keys":null}"#,
        r#"{"keys":{}}"#,
        r#"{"keys":"x"}"#,
        r#"{"Keys":[]}"#,
        r#"{"keys":[]"#,
        r#"{"keys":[]}x"#,
        r#"{"keys":[],"keys":[]}"#,
        r#"{"keys":[],"\u006beys":[]}"#,
        "<html></html>",
        &deep,
        &format!("[[{{{ED}}}]]"),
    ] {
        assert_eq!(
            KeySet::from_jwks(document.as_bytes()).err(),
            Some(KeySetError),
            "{document:.60}"
        );
    }
    assert!(KeySet::from_jwks(b"{\"keys\":[\"\xff\"]}").is_err());
}

#[test]
fn a_set_without_usable_keys_is_a_set() {
    for keys in ["", "{}", "[],null,1", r#"{"kty":"oct","k":"AAAA"}"#] {
        let set = set(keys);
        assert!(set.is_empty());
        assert!(set.lacks(Some("a")));
    }
    let others = br#" {"x":1e999,"keys":[],"X":[],"x":{"a":1}} "#;
    assert!(KeySet::from_jwks(others).unwrap().is_empty());
}

#[test]
fn each_member_is_judged_by_itself() {
    let deep = format!(r#""x":{}{}"#, "[".repeat(10_000), "]".repeat(10_000));
    let x5c_deep = format!(r#""x5c":{}{}"#, "[".repeat(10_000), "]".repeat(10_000));
    for (member, reason) in [
        (r#""a string""#, Unusable::NotAnObject),
        ("null", Unusable::NotAnObject),
        ("1e999", Unusable::NotAnObject),
        ("[[[]]]", Unusable::NotAnObject),
        (&format!("[{{{ED}}}]"), Unusable::NotAnObject),
        ("{}", Unusable::Missing("kty")),
        (r#"{"kty":1}"#, Unusable::Type("kty")),
        (r#"{"kty":"okp"}"#, Unusable::OtherKind),
        (r#"{"kty":"AKP","pub":"AAAA"}"#, Unusable::OtherKind),
        (r#"{"kty":"oct","k":"AAAA"}"#, Unusable::Symmetric),
        (r#"{"kty":"oct","k":1,"kid":{}}"#, Unusable::Symmetric),
        (r#"{"kty":"RSA"}"#, Unusable::Missing("n")),
        (r#"{"kty":"RSA","n":1,"e":"AQAB"}"#, Unusable::Type("n")),
        (
            r#"{"kty":"RSA","n":"!","e":"AQAB"}"#,
            Unusable::Encoding("n"),
        ),
        (
            r#"{"kty":"EC","x":"AA","y":"AA"}"#,
            Unusable::Missing("crv"),
        ),
        (r#"{"kty":"EC","crv":"P-384"}"#, Unusable::OtherKind),
        (r#"{"kty":"EC","crv":256}"#, Unusable::Type("crv")),
        (
            r#"{"kty":"EC","crv":"P-256","x":"AA"}"#,
            Unusable::Missing("y"),
        ),
        (
            r#"{"kty":"OKP","crv":"Ed448","x":"AA"}"#,
            Unusable::OtherKind,
        ),
        (
            r#"{"kty":"OKP","crv":"X25519","x":"AA"}"#,
            Unusable::OtherKind,
        ),
        (r#"{"kty":"OKP","crv":"Ed25519"}"#, Unusable::Missing("x")),
        (r#"{"\ud800":1}"#, Unusable::NotAnObject),
    ] {
        assert_eq!(judged(member), Err(reason), "{member:.80}");
    }
    for (more, reason) in [
        (r#""kid":1"#, Unusable::Type("kid")),
        (r#""kid":null"#, Unusable::Type("kid")),
        (r#""kid":"\ud800""#, Unusable::Type("kid")),
        (r#""alg":7"#, Unusable::Type("alg")),
        (r#""alg":"RS256""#, Unusable::OtherKind),
        (r#""alg":"eddsa""#, Unusable::OtherKind),
        (r#""x5c":"MII""#, Unusable::Type("x5c")),
        (r#""x5c":[1]"#, Unusable::Type("x5c")),
        (r#""x5t":[]"#, Unusable::Type("x5t")),
        (r#""x5t#S256":1"#, Unusable::Type("x5t#S256")),
        (r#""x5u":{}"#, Unusable::Type("x5u")),
        (&x5c_deep, Unusable::Type("x5c")),
        (r#""kid":"a","kid":"c""#, Unusable::Twice("kid")),
        (r#""\u006bty":"RSA""#, Unusable::Twice("kty")),
        (r#""d":"AAAA""#, Unusable::Private("d")),
        (&deep, Unusable::Twice("x")),
    ] {
        assert_eq!(with(more), Err(reason), "{more:.80}");
    }
    // What is not understood is ignored, whatever it is (RFC 7517 §4).
    for more in [
        r#""iat":1e999"#,
        r#""X":null,"X":[]"#,
        &deep.replace("\"x\"", "\"z\""),
        r#""x5c":[],"x5t":"x""#,
        r#""kid":"\u0000""#,
        // Private parts of RSA keys alone.
        r#""p":"AAAA","oth":[]"#,
        r#""alg":"EdDSA","use":"sig""#,
    ] {
        assert_eq!(with(more), Ok(()), "{more:.80}");
    }
}

#[test]
fn use_and_key_ops_must_permit_verifying() {
    for (more, reason) in [
        (r#""use":"enc""#, Unusable::OtherUse),
        (r#""use":"""#, Unusable::OtherUse),
        (r#""use":"SIG""#, Unusable::OtherUse),
        (r#""use":null"#, Unusable::Type("use")),
        (r#""use":["sig"]"#, Unusable::Type("use")),
        (r#""key_ops":[]"#, Unusable::OtherUse),
        (r#""key_ops":["sign"]"#, Unusable::OtherUse),
        (r#""key_ops":["Verify"]"#, Unusable::OtherUse),
        (r#""key_ops":["encrypt","wrapKey"]"#, Unusable::OtherUse),
        (r#""key_ops":null"#, Unusable::Type("key_ops")),
        (r#""key_ops":"verify""#, Unusable::Type("key_ops")),
        (r#""key_ops":["verify",1]"#, Unusable::Type("key_ops")),
        (r#""key_ops":{"verify":true}"#, Unusable::Type("key_ops")),
        (r#""key_ops":["verify","verify"]"#, Unusable::Inconsistent),
        (
            r#""use":"sig","key_ops":["verify","encrypt"]"#,
            Unusable::Inconsistent,
        ),
        (
            r#""use":"sig","key_ops":["deriveBits"]"#,
            Unusable::Inconsistent,
        ),
        (r#""use":"sig","key_ops":["sign"]"#, Unusable::OtherUse),
        (r#""use":"enc","key_ops":["verify"]"#, Unusable::OtherUse),
    ] {
        assert_eq!(with(more), Err(reason), "{more}");
    }
    for more in [
        r#""key_ops":["verify"]"#,
        r#""key_ops":["sign","verify"]"#,
        r#""use":"sig","key_ops":["verify"]"#,
        r#""key_ops":["verify","of-tomorrow"]"#,
    ] {
        assert_eq!(with(more), Ok(()), "{more}");
    }
}

#[test]
fn ed25519_keys_of_small_order_or_off_the_curve_are_refused() {
    for x in [
        // The eight points.
        "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "7P_______________________________________38",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIA",
        "JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_AU",
        "JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_IU",
        "xxdqcD1N2E-6PAt2DRBnDyogU_osOczGTsf9d5KsA3o",
        "xxdqcD1N2E-6PAt2DRBnDyogU_osOczGTsf9d5KsA_o",
        // The good key and the point of order two.
        "FqVn_n1O9UgqtAEsNpv4xfEejQwlWdzaUP3llwj4ruU",
    ] {
        assert_eq!(okp(x), Err(Unusable::SmallOrder), "{x}");
    }
    for x in [
        // The same, not canonical.
        "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIA",
        "7P________________________________________8",
        "7f_______________________________________38",
        "7f________________________________________8",
        "7v_______________________________________38",
        "7v________________________________________8",
        // Of large order and not canonical.
        "8P_______________________________________38",
        "_________________________________________38",
        // y = 2, 7 and 8.
        "AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "BwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "CAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ] {
        assert_eq!(okp(x), Err(Unusable::NotOnCurve), "{x}");
    }
    let good = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    assert_eq!(okp(good), Ok(()));
    for x in [
        format!("{good}="),
        good.replace("Ro", "Rp"),
        good.replace('_', "/"),
        format!(" {good}"),
    ] {
        assert_eq!(okp(&x), Err(Unusable::Encoding("x")), "{x}");
    }
    for x in [
        "",
        "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHUQ",
        &format!("AA{good}AA"),
    ] {
        assert_eq!(okp(x), Err(Unusable::Length("x")), "{x}");
    }
}

#[test]
fn p256_keys_off_the_curve_or_of_other_lengths_are_refused() {
    use base64::Engine as _;
    let decode = |text| {
        base64::engine::general_purpose::URL_SAFE_NO_PAD
            .decode(text)
            .unwrap()
    };
    let x = decode("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU");
    let y = decode("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
    assert_eq!(ec(&x, &y), Ok(()));
    let mut other = y.clone();
    other[31] ^= 1;
    // The field's prime is no coordinate.
    let p = [&[0xff; 4][..], &[0, 0, 0, 1], &[0; 12], &[0xff; 12]].concat();
    for (x, y) in [
        (&x, &other),
        (&y, &x),
        (&vec![0; 32], &vec![0; 32]),
        (&p, &y),
        (&vec![0xff; 32], &y),
    ] {
        assert_eq!(ec(x, y), Err(Unusable::NotOnCurve));
    }
    assert_eq!(ec(&x[1..], &y), Err(Unusable::Length("x")));
    assert_eq!(ec(&[&[0][..], &x].concat(), &y), Err(Unusable::Length("x")));
    assert_eq!(ec(&x, &y[..31]), Err(Unusable::Length("y")));
    assert_eq!(ec(&x, &[&[0][..], &y].concat()), Err(Unusable::Length("y")));
    assert_eq!(ec(&x, &[]), Err(Unusable::Length("y")));
}

#[test]
fn rsa_keys_with_any_private_part_are_refused() {
    let n = base64url(&modulus(2048));
    for name in ["d", "p", "q", "dp", "dq", "qi", "oth"] {
        for value in [r#""AQAB""#, "null", "[]"] {
            let member = format!(r#"{{"kty":"RSA","n":"{n}","e":"AQAB","{name}":{value}}}"#);
            assert_eq!(judged(&member), Err(Unusable::Private(name)), "{member}");
        }
    }
}

#[test]
fn weak_rsa_keys_are_refused() {
    let good = modulus(2048);
    for e in [
        &[3][..],
        &[1, 0, 1],
        &[0, 1, 0, 1],
        &[1, 0xff, 0xff, 0xff, 0xff],
    ] {
        assert_eq!(rsa(&good, e), Ok(()), "{e:?}");
    }
    for e in [
        &[][..],
        &[0],
        &[1],
        &[0, 1],
        &[2],
        &[1, 0, 0],
        &[2, 0, 0, 0, 1],
        &good,
    ] {
        assert_eq!(rsa(&good, e), Err(Unusable::Exponent), "{e:?}");
    }
    for bits in [2048, 2049, 3072, 8191, 8192] {
        assert_eq!(rsa(&modulus(bits), &[1, 0, 1]), Ok(()), "{bits}");
        let padded = [&[0, 0][..], &modulus(bits)].concat();
        assert_eq!(rsa(&padded, &[1, 0, 1]), Ok(()), "{bits}");
    }
    for bits in [1, 512, 1024, 2040, 2047, 8193, 16_384] {
        assert_eq!(
            rsa(&modulus(bits), &[1, 0, 1]),
            Err(Unusable::ModulusBits { bits })
        );
        // Zero octets are not part of the number.
        let padded = [&[0; 128][..], &modulus(bits)].concat();
        assert_eq!(
            rsa(&padded, &[1, 0, 1]),
            Err(Unusable::ModulusBits { bits })
        );
    }
    assert_eq!(
        rsa(&[0; 256], &[1, 0, 1]),
        Err(Unusable::ModulusBits { bits: 0 })
    );
    let times = |factor: u32| (num_bigint::BigUint::from_bytes_be(&good) * factor).to_bytes_be();
    for factor in [3, 5, 743, 751, 3 * 5 * 7 * 11] {
        assert_eq!(
            rsa(&times(factor), &[1, 0, 1]),
            Err(Unusable::SmallFactor),
            "{factor}"
        );
    }
    let power_of_three = num_bigint::BigUint::from(3_u32).pow(1292).to_bytes_be();
    assert_eq!(rsa(&power_of_three, &[3]), Err(Unusable::SmallFactor));
    // The next prime.
    assert_eq!(rsa(&times(757), &[1, 0, 1]), Ok(()));
    let mut even = good.clone();
    even[255] = 0xa4;
    assert_eq!(rsa(&even, &[1, 0, 1]), Err(Unusable::EvenModulus));
    for n in ["AQAB=", "AQ+B", "A", "AQ AB"] {
        let member = format!(r#"{{"kty":"RSA","n":"{n}","e":"AQAB"}}"#);
        assert_eq!(judged(&member), Err(Unusable::Encoding("n")), "{n}");
    }
}

#[test]
fn what_is_left_out_is_told_with_its_place_and_kid_and_bounded() {
    let left_out = |id: &str| {
        let set = set(&format!(r#"1,{{"kty":"oct","kid":{id}}}"#));
        set.left_out()[1].to_string()
    };
    let reason = "is left out: it is a symmetric key (kty oct), and everyone who reads it can sign: revoke it";
    assert_eq!(
        left_out(r#""a b""#),
        format!(r#"keys[1] (kid "a b") {reason}"#)
    );
    for id in [
        r#""a\nb""#,
        r#""\u202e""#,
        "7",
        &format!("\"{}\"", "a".repeat(129)),
    ] {
        assert_eq!(left_out(id), format!("keys[1] {reason}"));
    }
    let many = set(&vec!["0"; 1000].join(","));
    assert_eq!((many.left_out().len(), many.more_left_out()), (16, 984));
}
