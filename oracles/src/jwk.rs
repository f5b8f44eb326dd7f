//! Private keys as JWK: another reader of JSON says which are taken, and what numbers they have.

use arbitrary::{Result, Unstructured};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use sealpost_envelope::{
    AwsLc, Identity, RustCrypto,
    backend::Backend,
    key::{IdentityError, KeyId},
};
use sealpost_testkit::der::{sequence, unsigned};

use crate::{
    allocations::bounded,
    keys,
    reader::{self, Kind, Node, Role, Unit},
};

/// A JWK as it is; and one that is made of the agent's key, changed as the input says.
pub(crate) fn check(bytes: &[u8]) {
    same(bytes);
    if let Ok(jwk) = written(&mut Unstructured::new(bytes)) {
        same(jwk.as_bytes());
    }
}

/// What breaks no rule is the key that PKCS#1 with the same numbers is; all else is refused as a JWK.
fn same(json: &[u8]) {
    let pkcs1 = numbers(json).map(|numbers| {
        let numbers = numbers.map(|number| unsigned(&number));
        let fields: Vec<_> = numbers.iter().map(Vec::as_slice).collect();
        sequence(&[&[&unsigned(&[])[..]], &fields[..]].concat())
    });
    with::<AwsLc>(json, pkcs1.as_deref());
    with::<RustCrypto>(json, pkcs1.as_deref());
}

fn with<B: Backend>(json: &[u8], pkcs1: Option<&[u8]>) {
    let id = |identity: Identity<B>| identity.key_id();
    let read: std::result::Result<KeyId, IdentityError> =
        bounded(json.len(), 64, 1 << 17, || Identity::from_jwk(json)).map(id);
    match pkcs1 {
        Some(pkcs1) => assert_eq!(read, Identity::from_pkcs1_der(pkcs1).map(id)),
        None => assert!(matches!(read, Err(IdentityError::Jwk(_))), "{read:?}"),
    }
}

/// n, e, d, p, q, dp, dq and qi of what keeps every rule (RFC 7517 §4, RFC 7518 §6.3).
fn numbers(json: &[u8]) -> Option<[Vec<u8>; 8]> {
    let read = reader::read(json, Role::Other);
    let root = read.root.filter(|root| root.kind == Kind::Object)?;
    let is_json = read.error.is_none() && !read.has_mark && root.first_lone().is_none();
    let is_distinct = root.members_with_news().all(|(_, new)| new);
    if !is_json || !is_distinct || root.members.len() > 64 {
        return None;
    }
    let member = |name: &str| {
        let found = root.members.iter().find(|member| member.name.reads(name))?;
        found.value.as_ref()
    };
    let may = |name: &str, texts: &[&str]| member(name).is_none_or(|value| is(value, texts));
    let good = is(member("kty")?, &["RSA"])
        && may("use", &["enc"])
        && may("alg", &["RSA-OAEP-256"])
        && member("key_ops").is_none_or(decrypts)
        && member("oth").is_none();
    if !good {
        return None;
    }
    let numbers = NAMES.map(|name| member(name).and_then(number));
    let all: Option<Vec<_>> = numbers.into_iter().collect();
    all?.try_into().ok()
}

fn is(value: &Node, texts: &[&str]) -> bool {
    value.kind == Kind::String && texts.iter().any(|text| value.reads(text))
}

fn decrypts(ops: &Node) -> bool {
    let decrypting = ["decrypt", "unwrapKey"];
    let all = ["decrypt", "unwrapKey", "encrypt", "wrapKey"];
    ops.kind == Kind::Array
        && ops.items.iter().all(|op| is(op, &all))
        && ops.items.iter().any(|op| is(op, &decrypting))
        && all
            .iter()
            .all(|op| ops.items.iter().filter(|item| is(item, &[op])).count() <= 1)
}

/// A number in base64url without leading zeros, escapes, or bits that decode to nothing; of at most 8,192 bits or so.
fn number(value: &Node) -> Option<Vec<u8>> {
    let digit = |(_, unit): &(usize, Unit)| match unit {
        Unit::Char(c) => ALPHABET.find(*c),
        Unit::Escaped(_) => None,
    };
    if value.kind != Kind::String || value.units.len() > 1366 {
        return None;
    }
    let digits: Vec<_> = value.units.iter().map(digit).collect::<Option<_>>()?;
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0, 0);
    for digit in digits {
        (held, bits) = (held << 6 | digit, bits + 6);
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits).ok()?);
            held &= (1 << bits) - 1;
        }
    }
    (bits < 6 && held == 0 && bytes.first().is_some_and(|first| *first != 0)).then_some(bytes)
}

/// The agent's key, with members changed, left out, added, and in another order.
fn written(input: &mut Unstructured<'_>) -> Result<String> {
    let mut members = members();
    for _ in 0..input.int_in_range(0..=3)? {
        match input.int_in_range(0..=3)? {
            0 => {
                let at = input.choose_index(members.len())?;
                members.remove(at);
            }
            1 => {
                let at = input.choose_index(members.len())?;
                members[at].1 = value(input)?;
            }
            2 => {
                let name =
                    *input.choose(&["use", "alg", "key_ops", "oth", "kid", "e", "\\u0065"])?;
                members.push((name.into(), value(input)?));
            }
            _ => {
                let (a, b) = (
                    input.choose_index(members.len())?,
                    input.choose_index(members.len())?,
                );
                members.swap(a, b);
            }
        }
        if members.is_empty() {
            break;
        }
    }
    Ok(object(&members))
}

fn value(input: &mut Unstructured<'_>) -> Result<String> {
    Ok(match input.int_in_range(0..=3)? {
        0 => (*input.choose(&VALUES)?).into(),
        1 => {
            let bytes: Vec<u8> = input.arbitrary()?;
            format!("\"{}\"", Base64UrlUnpadded::encode_string(&bytes))
        }
        2 => {
            let mut ops = Vec::new();
            for _ in 0..input.int_in_range(0..=3)? {
                ops.push(*input.choose(&VALUES)?);
            }
            format!("[{}]", ops.join(" , "))
        }
        _ => serde_json::to_string(input.arbitrary::<&str>()?).expect("a text is JSON"),
    })
}

fn members() -> Vec<(String, String)> {
    let (_, pkcs8) = pem_rfc7468::decode_vec(keys::PRIVATE_KEY).expect("it is well formed");
    // Behind the header and the version of PKCS#1, which begins here for keys of this size.
    let mut rest = &pkcs8[26 + 4 + 3..];
    let mut members = vec![("kty".to_owned(), "\"RSA\"".to_owned())];
    for name in NAMES {
        let (start, length) = match rest[1] {
            0x81 => (3, rest[2].into()),
            0x82 => (4, u16::from_be_bytes([rest[2], rest[3]]).into()),
            short => (2, usize::from(short)),
        };
        let number = &rest[start..start + length];
        let number = number.strip_prefix(&[0]).unwrap_or(number);
        let number = Base64UrlUnpadded::encode_string(number);
        members.push((name.into(), format!("\"{number}\"")));
        rest = &rest[start + length..];
    }
    members
}

fn object(members: &[(String, String)]) -> String {
    let members = members.iter();
    let members: Vec<_> = members
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    format!("{{{}}}", members.join(","))
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let with = |extra: &[(&str, &str)]| {
        let mut members = members();
        let extra = extra.iter();
        members.extend(extra.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        object(&members).into_bytes()
    };
    let mut public = members();
    public.truncate(3);
    vec![
        with(&[]),
        with(&[
            ("use", "\"enc\""),
            ("alg", "\"RSA-OAEP-256\""),
            ("key_ops", "[\"decrypt\", \"unwrapKey\"]"),
            ("kid", "\"2026\""),
        ]),
        with(&[("key_ops", "[\"sign\"]")]),
        with(&[("oth", "[{\"r\":\"AQAB\",\"d\":\"AQAB\",\"t\":\"AQAB\"}]")]),
        object(&public).into_bytes(),
    ]
}

const NAMES: [&str; 8] = ["n", "e", "d", "p", "q", "dp", "dq", "qi"];
const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const VALUES: [&str; 14] = [
    "\"enc\"",
    "\"sig\"",
    "\"RSA-OAEP-256\"",
    "\"RSA-OAEP\"",
    "\"decrypt\"",
    "\"unwrapKey\"",
    "\"encrypt\"",
    "\"decr\\u0079pt\"",
    "\"sign\"",
    "\"RSA\"",
    "\"EC\"",
    "null",
    "65537",
    "{\"a\":[]}",
];
