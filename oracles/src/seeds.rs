//! The inputs that every campaign starts with, made by the product's own code, the same bytes each time; and the words of
//! each format, for a fuzzer to put together.

mod dictionaries;
mod gateway;
mod test_data;

use std::sync::LazyLock;

use rand::RngExt as _;
use sealpost_envelope::{
    Envelope, Recipient, RustCrypto, Sealer, Trust,
    binding::Binding,
    cms,
    jwe::{self, Serialization},
    text, wrapper,
};

pub use self::dictionaries::DICTIONARIES;
use self::test_data::{CERTIFICATES, REQUESTS};
use crate::{
    channels, configuration,
    envelope::CONTEXT,
    input::{join, join_two},
    jwe_and_cms, jwk,
    keys::{self, NOW, rng},
    open_request, tokens, vault_file,
};

/// A name for a file, and its bytes.
pub type Seed = (String, Vec<u8>);

/// The seeds of a target.
///
/// # Panics
///
/// If there is no such target.
#[must_use]
pub fn for_target(target: &str) -> Vec<Seed> {
    match target {
        "batch" => random(8),
        "binding" => texts(BINDINGS),
        "certificate" => certificates().iter().map(owned).collect(),
        "channel_body" | "channel_frame" | "channel_opening" | "channel_refusal"
        | "channel_reply" => channels::seeds(target),
        "cms" => named("cms", [cms(), cms_stubbed()].concat()),
        "configuration" => configuration::seeds(),
        "envelope" => named("envelope", envelopes()),
        "gateway_request" => gateway::seeds(),
        "identity" => named("key", private_keys()),
        "open_request" => open_request::seeds(),
        "jwe_compact" => named("jwe", jwe_compact().to_vec()),
        "jwe_json" => named("jwe", [jwe_json(), jwe_misplaced(), jwe_stubbed()].concat()),
        "jwk" => named("jwk", jwk::seeds()),
        "jwks" => tokens::jwks_seeds(),
        "open" => named("open", stubbed()),
        "open_keys" => named("sealed", sealed().to_vec()),
        "pem" => [random(4), named("file", private_keys())].concat(),
        "property" => named(
            "property",
            [
                ("password", VALUES[0]),
                ("b", VALUES[1]),
                ("a\u{e9}", VALUES[2]),
                ("x", "{}"),
            ]
            .map(|(key, value)| join(&[key.as_bytes(), value.as_bytes()]))
            .into(),
        ),
        "record" => named("record", [0, 1, 40].map(record).into()),
        "request" => bodies(),
        "resolver_ref" => texts(REFERENCES),
        "text" => named(
            "text",
            ["", "a", "ab", "abc"]
                .map(|bytes| text::encode(bytes.as_bytes()).into_bytes())
                .into(),
        ),
        "token" => tokens::token_seeds(),
        "trust" => named("trust", trust()),
        "vault_file" => named("edits", vault_file::seeds()),
        "vault_name" => named("name", names()),
        "wrapper" => named("wrapper", wrappers()),
        other => panic!("no seeds for {other}"),
    }
}

/// A dictionary as libFuzzer reads it: a word a line, between quotes, every byte that is not a plain character escaped.
#[must_use]
pub fn dictionary(words: &[&[u8]]) -> String {
    let escape = |byte: &u8| match byte {
        b'"' | b'\\' => format!("\\{}", char::from(*byte)),
        b' '..=b'~' => char::from(*byte).to_string(),
        _ => format!("\\x{byte:02x}"),
    };
    words
        .iter()
        .map(|word| format!("\"{}\"\n", word.iter().map(escape).collect::<String>()))
        .collect()
}

/// What seeds are sealed from.
pub(crate) const PLAINTEXT: &[u8] = br#"{"password":"correct horse"}"#;

/// Envelopes of one message that open with the agent's key in the seeds' context.
pub(crate) fn sealed() -> &'static [Vec<u8>] {
    static SEALED: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
        [&b""[..], PLAINTEXT, &[b'x'; 300]]
            .map(|message| {
                let sealed = sealpost_envelope::seal(&[recipient()], &CONTEXT, message, &mut rng());
                sealed.expect("it can be sealed")
            })
            .into()
    });
    &SEALED
}

/// Compact JWEs; the last one is sealed with the stubbed key.
pub(crate) fn jwe_compact() -> &'static [Vec<u8>] {
    static SEALED: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
        let mut seeds: Vec<_> = [None, Some(Binding::new(&CONTEXT))]
            .map(|binding| jwe(&[recipient()], binding.as_ref(), Serialization::Compact))
            .into();
        let text = String::from_utf8(seeds[1].clone()).expect("base64url and dots");
        seeds.push(jwe_and_cms::compact_for_the_stub(&text));
        seeds
    });
    &SEALED
}

/// Every certificate in the test data, with the names of the files.
pub(crate) fn certificates() -> &'static [(&'static str, &'static [u8])] {
    CERTIFICATES
}

fn jwe_json() -> Vec<Vec<u8>> {
    let binding = Binding::new(&CONTEXT);
    let one = [recipient()];
    let two = [recipient(), other()];
    vec![
        jwe(&one, Some(&binding), Serialization::Flattened),
        jwe(&one, None, Serialization::General),
        jwe(&two, Some(&binding), Serialization::General),
    ]
}

/// With members outside the protected header: the first may be there, and the others may not, which is one change away.
fn jwe_misplaced() -> Vec<Vec<u8>> {
    let one = [recipient()];
    let flattened = jwe(&one, None, Serialization::Flattened);
    let general = jwe(&one, None, Serialization::General);
    let insert = |sealed: &[u8], place: &str, members: &str| {
        let sealed = str::from_utf8(sealed).expect("JSON");
        let put = sealed.replacen(place, &format!("{place}{members},"), 1);
        assert_ne!(put, sealed, "no {place} in {sealed}");
        put.into_bytes()
    };
    vec![
        insert(&flattened, "{", r#""unprotected":{"cty":"DEF"}"#),
        insert(&flattened, "{", r#""unprotected":{"zip":"DEF"}"#),
        insert(&general, r#""header":{"#, r#""alg":"RSA-OAEP-256""#),
    ]
}

fn jwe(
    recipients: &[Recipient<RustCrypto>],
    binding: Option<&Binding>,
    serialization: Serialization,
) -> Vec<u8> {
    let sealed = jwe::seal(recipients, binding, serialization, PLAINTEXT, &mut rng());
    sealed.expect("it can be sealed").into_bytes()
}

fn cms() -> Vec<Vec<u8>> {
    let one = cms::seal(&[recipient()], PLAINTEXT, &mut rng()).expect("it can be sealed");
    let two = cms::seal(&[recipient(), other()], PLAINTEXT, &mut rng());
    let pem = cms::to_pem(&one).into_bytes();
    vec![one, two.expect("it can be sealed"), pem]
}

/// Sealed with the key that the stub answers with.
fn cms_stubbed() -> Vec<Vec<u8>> {
    let [one, two] = [0, 1].map(|n| jwe_and_cms::cms_for_the_stub(&cms()[n]));
    let pem = cms::to_pem(&one).into_bytes();
    vec![one, two, pem]
}

fn jwe_stubbed() -> Vec<Vec<u8>> {
    let sealed = jwe_json();
    let stubbed = sealed
        .iter()
        .map(|json| jwe_and_cms::json_for_the_stub(json));
    stubbed.collect()
}

fn envelopes() -> Vec<Vec<u8>> {
    let mut seeds = sealed().to_vec();
    let mut batch = Vec::new();
    let recipients = [recipient(), other()];
    let mut sealer = Sealer::new(&recipients, &mut rng(), &mut batch).expect("it can be sealed");
    for message in [&b""[..], PLAINTEXT] {
        sealer
            .seal(&CONTEXT, message, &mut batch)
            .expect("it can be sealed");
    }
    sealer
        .seal_last(&CONTEXT, PLAINTEXT, &mut batch)
        .expect("it can be sealed");
    seeds.push(batch);
    // A short stanza of a type that nobody knows yet.
    let mut unknown = b"sealpost\x01\x01\x09".to_vec();
    unknown.extend([3; 32]);
    unknown.extend([0, 2, 4, 5]);
    let frame = sealed()[0].get(301..).expect("its header has 301 bytes");
    unknown.extend(frame);
    seeds.push(unknown);
    seeds
}

fn stubbed() -> Vec<Vec<u8>> {
    let block = [&[1][..], &[8; 32]].concat();
    envelopes()
        .iter()
        .map(|sealed| {
            let envelope = Envelope::parse(sealed).expect("it was sealed");
            join_two(&block, &sealed[envelope.header_bytes().len()..])
        })
        .collect()
}

fn private_keys() -> Vec<Vec<u8>> {
    let (_, der) = pem_rfc7468::decode_vec(keys::PRIVATE_KEY).expect("it is well formed");
    // PKCS#8 has version, algorithm and the length of an OCTET STRING before PKCS#1: 26 bytes for keys of this size.
    let pkcs1 = der[26..].to_vec();
    let both = [keys::CERTIFICATE, keys::PRIVATE_KEY].concat();
    vec![keys::PRIVATE_KEY.to_vec(), der, pkcs1, both]
}

fn trust() -> Vec<Vec<u8>> {
    let file = |name: &str| {
        let name = format!("certificates/{name}.pem");
        let found = CERTIFICATES.iter().find(|(known, _)| *known == name);
        found.expect("it is in the test data").1
    };
    [
        ("ca-rsa", "agent-rsa-sha256"),
        ("ca-rsa", "chain-rsa"),
        ("ca-p256", "agent-p256"),
        ("ca-ed25519", "agent-ed25519"),
        ("ca-pss", "agent-pss-sha256"),
        ("ca-dns-permitted", "agent-dns-permitted"),
        ("ca-rsa", "two-agents"),
        ("ca-rsa", "no-agent"),
        ("ca-rsa", "self-signed"),
        // Issued by others.
        ("ca-ed25519", "agent-rsa-sha256"),
        ("ca-rsa", "agent-p256"),
        ("ca-p256", "chain-rsa"),
    ]
    .map(|(authority, agent)| join_two(file(authority), file(agent)))
    .into()
}

fn record(length: usize) -> Vec<u8> {
    [&[1][..], &[2; 32], &[3; 32], &vec![4; length], &[5; 16]].concat()
}

fn names() -> Vec<Vec<u8>> {
    let project = &[0xab; 16][..];
    [
        [&b""[..], b"db-login", b"", b"DB-LOGIN"],
        [project, b"db-login", b"\x01", b"db/login"],
        [b"", b"pabababababababababababababababab-x", project, b"x"],
        [
            b"",
            b"a-xaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            b"",
            b"\xc3\xa9",
        ],
        [b"", b"", b"", b".."],
    ]
    .map(|parts| join(&parts))
    .into()
}

fn wrappers() -> Vec<Vec<u8>> {
    let binding = Binding::new(&CONTEXT);
    let mut seeds: Vec<_> = VALUES
        .iter()
        .map(|value| join(&[binding.to_json().as_bytes(), value.as_bytes()]))
        .collect();
    seeds.push(wrapper::wrap(&binding, PLAINTEXT).to_vec());
    // As deep as it may be, and a level deeper; and brackets that are no depth.
    for value in [
        ["[".repeat(63), "]".repeat(63)].concat(),
        ["[".repeat(64), "]".repeat(64)].concat(),
        format!(
            r#"{{"a":"\"{}","b":[{}0]}}"#,
            "[".repeat(80),
            "{},".repeat(80)
        ),
    ] {
        seeds.push(join(&[binding.to_json().as_bytes(), value.as_bytes()]));
    }
    seeds
}

fn bodies() -> Vec<Seed> {
    let own = BODIES.iter().map(|text| text.as_bytes().to_vec()).collect();
    let mut seeds = named("body", own);
    seeds.extend(REQUESTS.iter().map(owned));
    let names = |names: Vec<String>| {
        let members = names.iter().map(|name| format!("\"{name}\":1"));
        let members = members.collect::<Vec<_>>().join(",");
        format!("{{\"secret\":{{\"name\":\"n\",\"value\":{{{members}}}}}}}").into_bytes()
    };
    // As many as there is room for, and as many as there is room for whose beginnings, which are hashed, are equal.
    let short = (0..510).map(|n| format!("{n:x}")).collect();
    let alike = (0..55).map(|n| format!("{}{n}", "a".repeat(64))).collect();
    seeds.push(("names_short".into(), names(short)));
    seeds.push(("names_alike".into(), names(alike)));
    seeds
}

fn recipient() -> Recipient<RustCrypto> {
    keys::recipient()
}

fn other() -> Recipient<RustCrypto> {
    let pem = include_bytes!("../../testdata/keys/agent-b2048.pem");
    let recipient = Recipient::from_certificate_pem(pem, &Trust::DangerAnyCertificate, NOW);
    recipient.expect("it is good to seal to")
}

/// Bytes for targets that make something of any.
fn random(count: usize) -> Vec<Seed> {
    let mut rng = rng();
    let seeds = (0..count)
        .map(|n| (0..32 << n.min(6)).map(|_| rng.random()).collect())
        .collect();
    named("random", seeds)
}

fn texts(texts: &[&str]) -> Vec<Seed> {
    let seeds = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    named("text", seeds)
}

fn named(name: &str, seeds: Vec<Vec<u8>>) -> Vec<Seed> {
    seeds
        .into_iter()
        .enumerate()
        .map(|(n, seed)| (format!("{name}_{n}"), seed))
        .collect()
}

fn owned((name, bytes): &(&str, &[u8])) -> Seed {
    let name = name.rsplit('/').next().unwrap_or(name);
    (name.to_owned(), bytes.to_vec())
}

const BINDINGS: &[&str] = &[
    r#"{"agent":"agent-1","name":"db-login"}"#,
    r#"{"agent":"agent-1","project":"0b9c4f6e-7d1a-4a52-8f37-1a2b3c4d5e6f","name":"db-login","key":"password","type":"PASSWORD","jti":"5c8ad1f0","exp":"1800000000"}"#,
    r#" { "name" : "\u00e9\ud83d\ude00\n" , "agent" : "" } "#,
    r#"{"agent":"a","name":"b","n\u0061me":"b"}"#,
];
const BODIES: &[&str] = &[
    r#"{"secret":{"name":"my-secret","key":"password","type":"PASSWORD","value":{"password":"P@ssw0rd123 not to be shown"}}}"#,
    r#"{"x":[1,-0.5e+10,true,false,null,"\ud83d\ude00"],"secret":{"value":{"a":{"b":[{}]}},"name":"n"}} "#,
    r#"{"Secret":{},"secret":{"name":"a\u0000","Key":"a.b","key":"missing","type":"1","type":"T","value":[]}}"#,
    r#"{"secret":{"name":"","value":{"a":1,"\u0061":2,"\ud800":3}}"#,
    "\u{feff}{\"secret\":{}}x",
    "[]",
];
const REFERENCES: &[&str] = &[
    "secret:db-login",
    "secret:prod%2Fdb#password",
    "secret:a%20b#%C3%A9",
    "secret:",
    "name\0key",
    "db-login",
];
const VALUES: &[&str] = &[
    r#"{"password":"x"}"#,
    r#" { "a" : [ 1 , { "b" : null } ] , "\u0062" : "\ud83d\ude00" } "#,
    r#"{"a\u00e9":1.50e-1,"b":1,"b":2}"#,
    "[1]",
];
#[cfg(test)]
mod tests;
