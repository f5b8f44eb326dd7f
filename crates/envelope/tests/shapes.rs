//! Inputs of about a given size that make the parsers of JWE, CMS, wrapper and binding work as much as they can.

use std::iter::repeat_n;

use base64ct::{Base64, Base64UrlUnpadded, Encoding as _};
use sealpost_envelope::{Format, binding::Binding, cms::Cms, jwe::Jwe, wrapper};

/// Gives the input to every parser, whatever it is.
pub(crate) fn parse(input: &[u8]) {
    let _ = Format::detect(input);
    let _ = Jwe::parse(input).map(|jwe| jwe.recipients().count());
    let _ = Cms::parse(input).map(|cms| cms.recipients().count());
    let _ = wrapper::unwrap(input);
    let _ = str::from_utf8(input).map(Binding::parse);
}

/// A name for each, and the input.
pub(crate) fn shapes(size: usize) -> Vec<(&'static str, Vec<u8>)> {
    let mut shapes = jwe(size);
    shapes.extend(cms(size));
    shapes.extend(json(size));
    shapes
}

fn jwe(size: usize) -> Vec<(&'static str, Vec<u8>)> {
    let header = encode(br#"{"alg":"RSA-OAEP-256","enc":"A256GCM"}"#);
    let rest = r#""iv":"AAAAAAAAAAAAAAAA","tag":"AAAAAAAAAAAAAAAAAAAAAA","ciphertext":"AAAA""#;
    let whole = |more: &str| format!(r#"{{"protected":"{header}",{rest},{more}}}"#);
    let one = |own: &str| format!(r#"{{"encrypted_key":"AAAA"{own}}}"#);
    // As long as a header may be, with as many names as it may have, all beginning alike.
    let full = (0..28).map(|n| format!("\"{}{n}\":0", "n".repeat(500)));
    let full = full.collect::<Vec<_>>().join(",");
    let escapes = |length: usize| r"\u0041".repeat(length / 6);
    vec![
        ("compact: dots", fill("", ".", "", size)),
        ("compact: header parts", fill("", "e30.", "", size)),
        ("compact: header", fill("e30.", "A", "....", size)),
        (
            "compact: ciphertext",
            fill(&format!("{header}.AAAA.AAAAAAAAAAAAAAAA."), "AAAA", ".AAAAAAAAAAAAAAAAAAAAAA", size),
        ),
        ("compact: not ASCII", fill("e", "\u{e9}", "", size)),
        ("JSON: members", fill("{", "\"a\":1,", "\"b\":1}", size)),
        ("JSON: blanks", fill("", " ", "{", size)),
        ("JSON: elements", fill("{\"a\":[", "0,", "0]}", size)),
        ("JSON: open arrays", fill("{\"recipients\":[", "[", "", size)),
        ("JSON: open objects", fill("", "{\"a\":", "", size)),
        (
            "JSON: ciphertext",
            format!(
                r#"{{"protected":"{header}","iv":"AAAAAAAAAAAAAAAA","tag":"AAAAAAAAAAAAAAAAAAAAAA","encrypted_key":"AAAA","ciphertext":"{}"}}"#,
                "AAAA".repeat(size / 4)
            )
            .into(),
        ),
        ("JSON: escapes in a part", fill("{\"ciphertext\":\"", r"\u0041", "\"}", size)),
        ("JSON: escapes in a name", fill("{\"", r"\u0041", "\":1}", size)),
        ("JSON: recipients", whole(&format!("\"recipients\":[{}{{}}]", "{},".repeat(size / 3))).into()),
        (
            "JSON: 16 recipients that may be ignored for the most part",
            whole(&format!(
                "\"recipients\":[{}]",
                vec![one(&format!(",\"x\":[{}0]", "0,".repeat(size / 32))); 16].join(",")
            ))
            .into(),
        ),
        (
            "JSON: 16 recipients with long keys",
            whole(&format!(
                "\"recipients\":[{}]",
                vec![format!(r#"{{"encrypted_key":"{}"}}"#, "A".repeat(size / 16)); 16].join(",")
            ))
            .into(),
        ),
        (
            "JSON: 16 recipients with long headers",
            whole(&format!(
                "\"unprotected\":{{\"n\":0}},\"recipients\":[{}]",
                vec![one(&format!(",\"header\":{{{full}}}")); (size / full.len()).clamp(1, 16)].join(",")
            ))
            .into(),
        ),
        (
            "JSON: a kid of escapes",
            whole(&format!("\"encrypted_key\":\"AAAA\",\"header\":{{\"kid\":\"{}\"}}", escapes(size))).into(),
        ),
        (
            "JSON: an ignored member of quotes and brackets in a string",
            whole(&format!("\"recipients\":[{}]", one(&format!(",\"x\":\"{}\"", r#"\"[{"#.repeat(size / 4))))).into(),
        ),
    ]
}

fn cms(size: usize) -> Vec<(&'static str, Vec<u8>)> {
    let attribute = |value: &[u8]| {
        der(
            0x30,
            &[&der(6, &[0x55, 4, 3])[..], &der(0x0c, value)].concat(),
        )
    };
    let issuer = |name: &[u8]| der(0x30, &[&der(0x30, name)[..], &[2, 1, 1]].concat());
    let small = issuer(&der(0x31, &attribute(b"a")));
    let rdn = der(0x31, &attribute(b""));
    let mut nested = Vec::new();
    // Built from the inside, so that each length is right.
    let depth = size / 8;
    for level in 0..depth {
        let length = u32::try_from(level * 6).unwrap().to_be_bytes();
        nested.extend([length[3], length[2], length[1], length[0], 0x84, 0x30]);
    }
    nested.reverse();
    let recipient = |name: &[u8]| ktri(name, &oaep(&[]), &[7; 256]);
    let message = |recipients: &[Vec<u8>]| content_info(recipients, &[7; 12], b"x", &[7; 16]);
    let pem = |der: &[u8], width: usize| {
        let text = Base64::encode_string(der);
        let lines: Vec<_> = text
            .as_bytes()
            .chunks(width)
            .map(|line| str::from_utf8(line).unwrap())
            .collect();
        format!(
            "-----BEGIN CMS-----\n{}\n-----END CMS-----\n",
            lines.join("\n")
        )
        .into_bytes()
    };
    let long = content_info(&[recipient(&small)], &[7; 12], &vec![7; size], &[7; 16]);
    let half = content_info(&[recipient(&small)], &[7; 12], &vec![7; size / 2], &[7; 16]);
    vec![
        ("CMS: content", long),
        (
            "CMS: a name of many parts",
            message(&[recipient(&issuer(&rdn.repeat(size / rdn.len())))]),
        ),
        (
            "CMS: a part of many attributes",
            message(&[recipient(&issuer(&der(
                0x31,
                &attribute(b"").repeat(size / 9),
            )))]),
        ),
        (
            "CMS: a name that is nested",
            message(&[recipient(&issuer(&nested))]),
        ),
        (
            "CMS: 16 recipients",
            message(&vec![ktri(&small, &oaep(&[]), &vec![7; size / 16]); 16]),
        ),
        (
            "CMS: many recipients",
            message(&vec![recipient(&small); size / 400]),
        ),
        (
            "CMS: empty recipients",
            message(&vec![vec![0x30, 0]; size / 2]),
        ),
        (
            "CMS: a long label",
            message(&[ktri(&small, &oaep(&vec![7; size]), &[7; 256])]),
        ),
        (
            "CMS: a long key id",
            message(&[ktri(&der(0x80, &vec![7; size]), &oaep(&[]), &[7; 256])]),
        ),
        (
            "CMS: a long nonce",
            content_info(&[recipient(&small)], &vec![7; size], b"x", &[7; 16]),
        ),
        (
            "CMS: a long MAC",
            content_info(&[recipient(&small)], &[7; 12], b"x", &vec![7; size]),
        ),
        ("PEM: content", pem(&half, 64)),
        ("PEM: short lines", pem(&half, 4)),
        ("PEM: one line", pem(&half, usize::MAX)),
        (
            "PEM: beginnings",
            fill("", "-----BEGIN CMS-----\n", "", size),
        ),
        ("PEM: dashes", fill("-----BEGIN ", "-", "", size)),
        (
            "PEM: empty blocks",
            fill("", "-----BEGIN CMS-----\n-----END CMS-----\n", "", size),
        ),
        ("DER: tags", vec![0x30; size]),
        (
            "DER: lengths",
            repeat_n([0x30, 0x80], size / 2).flatten().collect(),
        ),
    ]
}

fn json(size: usize) -> Vec<(&'static str, Vec<u8>)> {
    let good = r#"{"agent":"a","name":"n"}"#;
    let wrapper = |value: &str| format!(r#"{{"sealpost":{good},"value":{value}}}"#).into_bytes();
    let bound = |binding: String| format!(r#"{{"sealpost":{binding},"value":{{}}}}"#).into_bytes();
    let escapes = |length: usize| r"\u0041".repeat(length / 6);
    vec![
        (
            "wrapper: a value of many members",
            wrapper(&format!("{{{}\"b\":1}}", "\"a\":1,".repeat(size / 6))),
        ),
        (
            "wrapper: a value of escapes",
            wrapper(&format!("\"{}\"", escapes(size))),
        ),
        (
            "wrapper: a value that is nested",
            wrapper(&format!("{}{}", "[".repeat(size / 2), "]".repeat(size / 2))),
        ),
        (
            "wrapper: levels",
            wrapper(&format!(
                "[{}0]",
                format!("{}{},", "[".repeat(60), "]".repeat(60)).repeat(size / 121)
            )),
        ),
        (
            "wrapper: members",
            fill("{", "\"value\":1,", "\"x\":1}", size),
        ),
        (
            "binding: a name of escapes",
            bound(format!(r#"{{"agent":"a","name":"{}"}}"#, escapes(size))),
        ),
        (
            "binding: a name of four bytes a character",
            bound(format!(
                r#"{{"agent":"a","name":"{}"}}"#,
                "\u{1f600}".repeat(size / 4)
            )),
        ),
        (
            "binding: seven long members",
            bound(format!(
                r#"{{"agent":"{0}","name":"{0}","key":"{0}","type":"{0}","project":"{0}","exp":"{0}","jti":"{0}"}}"#,
                escapes(size / 7)
            )),
        ),
        (
            "binding: members",
            fill("{", "\"name\":\"\",", "\"x\":1}", size),
        ),
        (
            "binding: a member's name of escapes",
            fill("{\"", r"\u0061", "\":\"\"}", size),
        ),
        (
            "binding: digits",
            fill(r#"{"agent":"a","name":"n","exp":""#, "1", "\"}", size),
        ),
    ]
}

/// A CMS message of these recipients. Its lengths are right, whatever they hold.
pub(crate) fn content_info(
    recipients: &[Vec<u8>],
    nonce: &[u8],
    content: &[u8],
    mac: &[u8],
) -> Vec<u8> {
    let parameters = der(0x30, &[&der(4, nonce)[..], &[2, 1, 16]].concat());
    let algorithm = der(0x30, &[&der(6, AES_256_GCM)[..], &parameters].concat());
    let encrypted = der(
        0x30,
        &[&der(6, DATA)[..], &algorithm, &der(0x80, content)].concat(),
    );
    let parts = [
        &[2, 1, 0][..],
        &der(0x31, &recipients.concat()),
        &encrypted,
        &der(4, mac),
    ]
    .concat();
    der(
        0x30,
        &[&der(6, AUTH_ENVELOPED)[..], &der(0xa0, &der(0x30, &parts))].concat(),
    )
}

/// A recipient that is named like this, by issuer and serial or by `[0]`.
pub(crate) fn ktri(name: &[u8], algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    let version = if name.first() == Some(&0x80) { 2 } else { 0 };
    der(
        0x30,
        &[&[2, 1, version][..], name, algorithm, &der(4, key)].concat(),
    )
}

/// RSAES-OAEP with SHA-256 for both and this label.
pub(crate) fn oaep(label: &[u8]) -> Vec<u8> {
    let sha256 = der(0x30, &der(6, SHA_256));
    let mask = der(0x30, &[&der(6, MGF_1)[..], &sha256].concat());
    let label = match label {
        [] => Vec::new(),
        label => der(
            0xa2,
            &der(0x30, &[&der(6, P_SPECIFIED)[..], &der(4, label)].concat()),
        ),
    };
    let parameters = der(
        0x30,
        &[&der(0xa0, &sha256)[..], &der(0xa1, &mask), &label].concat(),
    );
    der(0x30, &[&der(6, RSAES_OAEP)[..], &parameters].concat())
}

/// One element in DER (X.690 §10.1).
pub(crate) fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let bytes = u32::try_from(content.len()).unwrap().to_be_bytes();
    let significant = &bytes[bytes.iter().position(|b| *b != 0).unwrap_or(3)..];
    let length = match content.len() {
        0..0x80 => vec![significant[0]],
        _ => [
            &[0x80 | u8::try_from(significant.len()).unwrap()],
            significant,
        ]
        .concat(),
    };
    [&[tag][..], &length, content].concat()
}

fn fill(head: &str, piece: &str, tail: &str, size: usize) -> Vec<u8> {
    let times = size / piece.len();
    [head, &piece.repeat(times), tail].concat().into_bytes()
}

fn encode(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

const AUTH_ENVELOPED: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 1, 23];
const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
const AES_256_GCM: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 46];
const RSAES_OAEP: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 7];
const MGF_1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 8];
const P_SPECIFIED: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 9];
const SHA_256: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
