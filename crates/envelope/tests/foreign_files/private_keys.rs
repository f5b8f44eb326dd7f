//! Private keys in every form that people have.

use sealpost_envelope::{
    Certificate, Identity,
    certificate::CertificateError,
    key::{
        FileKind::{self, *},
        IdentityError::{
            self, File, Label, Malformed, MultiPrime, SeveralPrivateKeys, TrailingBytes,
        },
        OtherAlgorithm, PublicKeyError, SkippedReason,
    },
};

use super::{
    Any,
    tools::{follow, has, key_id, key_pem, parse, shell, test_file},
};

fn named(file: &[u8]) -> IdentityError {
    parse(file).expect_err("it is not read")
}

/// Asserts that the file is named, and that what the error says makes of it the key.
fn named_and_converted(what: &str, file: &[u8], kind: FileKind, change: &[(&str, &str)]) {
    let error = named(file);
    assert_eq!(error, File(kind), "{what}");
    assert_eq!(parse(&follow(&error, file, change)), Ok(key_id()), "{what}");
}

const PASSPHRASE: &[(&str, &str)] = &[("openssl pkey", "openssl pkey -passin pass:secret")];

#[test]
fn what_openssl_writes() {
    if !has("openssl") {
        return;
    }
    let pem = key_pem();
    let openssl = |script: &str| shell(script, &[("k", &pem)]);
    for (what, script) in [
        ("PKCS#8 PEM", "cat k"),
        (
            "PKCS#8 DER",
            "openssl pkcs8 -topk8 -nocrypt -in k -outform DER",
        ),
        ("PKCS#1 PEM", "openssl rsa -traditional -in k"),
        ("PKCS#1 DER", "openssl rsa -traditional -in k -outform DER"),
    ] {
        assert_eq!(parse(&openssl(script)), Ok(key_id()), "{what}");
    }
    for (what, script) in [
        (
            "encrypted PKCS#8 PEM",
            "openssl pkcs8 -topk8 -in k -passout pass:secret",
        ),
        (
            "encrypted PKCS#8 DER",
            "openssl pkcs8 -topk8 -in k -passout pass:secret -outform DER",
        ),
        (
            "encrypted PEM with Proc-Type",
            "openssl rsa -traditional -in k -aes256 -passout pass:secret",
        ),
    ] {
        named_and_converted(what, &openssl(script), Encrypted, PASSPHRASE);
    }
    let pkcs12 = openssl("openssl pkcs12 -export -nocerts -inkey k -passout pass:secret");
    let with_passphrase = [("openssl pkcs12", "openssl pkcs12 -passin pass:secret")];
    named_and_converted("PKCS#12", &pkcs12, Pkcs12, &with_passphrase);
    let pvk = openssl("openssl rsa -in k -outform PVK -pvk-none");
    named_and_converted("PVK", &pvk, Pvk, &[]);
    let blob = openssl("openssl rsa -in k -outform MSBLOB");
    named_and_converted("MSBLOB", &blob, MsBlob, &[]);
    let public = openssl("openssl rsa -in k -pubout -outform MSBLOB");
    assert_eq!(named(&public), File(PublicKey));
}

/// What was packed or encoded once more is named as that, and not after what is in it.
#[test]
fn archives_and_other_base64_are_named_and_converted() {
    let ours = key_pem();
    for tar in ["tar -cf - k", "tar --format=ustar -cf - k"] {
        let tar = shell(tar, &[("k", &ours)]);
        assert_eq!(named(&tar), File(Archive));
        assert_eq!(
            Certificate::from_pem_or_der(&tar).unwrap_err(),
            CertificateError::File(Archive)
        );
    }
    let gzip = shell("tar -czf - k", &[("k", &ours)]);
    assert_eq!(named(&gzip), File(Gzip));
    assert!(named(&gzip).to_string().contains("unpack it further"));
    // Text that begins with the byte of a SEQUENCE.
    for text in [
        "0",
        "0123456789",
        "0x30 is not DER\n",
        "0 is a digit, and a space the length of a SEQUENCE of 32 bytes\n",
    ] {
        assert_eq!(named(text.as_bytes()), File(Text), "{text}");
    }
    // A public and a secret key of OpenPGP, in the older and the newer form of packets.
    for key in [
        &b"\x99\x01\x0d\x04"[..],
        b"\x98\x33\x04",
        b"\xc5\x58\x04",
        b"\xc6\xc0\x4d\x06",
    ] {
        assert_eq!(named(key), File(OpenPgp), "{key:02x?}");
    }
    if !has("openssl") || !has("perl") {
        return;
    }
    for script in [
        "openssl pkey -in k -outform DER | base64 -w0 | tr '+/' '-_' | tr -d =",
        "openssl pkey -in k -outform DER | base64 | tr '+/' '-_'",
        // Not of a length that needs no padding.
        "(openssl pkey -in k; echo) | base64 -w0 | tr -d =",
        "(openssl pkey -in k; echo; echo) | base64 -w0 | tr -d =",
    ] {
        let file = shell(script, &[("k", &ours)]);
        let error = named(&file);
        assert!(
            matches!(error, File(Base64 | Base64Other)),
            "{script}: {error:?}"
        );
        assert_eq!(parse(&follow(&error, &file, &[])), Ok(key_id()), "{script}");
    }
    let pkcs12 = shell(
        "openssl pkcs12 -export -nocerts -inkey k -passout pass:secret",
        &[("k", &ours)],
    );
    let with_passphrase = [("openssl pkcs12", "openssl pkcs12 -passin pass:secret")];
    named_and_converted(
        "PKCS#12 in PEM",
        &armored("PKCS12", &pkcs12),
        Pkcs12Pem,
        &with_passphrase,
    );
}

/// RFC 8017 §3.2. Some libraries take such keys and fail with them only when they decrypt.
#[test]
fn a_private_key_whose_numbers_are_out_of_range_is_refused_when_it_is_read() {
    if !has("openssl") {
        return;
    }
    let der = shell(
        "openssl rsa -traditional -in k -outform DER",
        &[("k", &key_pem())],
    );
    let numbers = |der: &[u8]| {
        let (mut at, mut numbers) = (4, Vec::new());
        while at < der.len() {
            let (head, length) = match der[at + 1] {
                0x82 => (4, usize::from(der[at + 2]) << 8 | usize::from(der[at + 3])),
                0x81 => (3, usize::from(der[at + 2])),
                short => (2, usize::from(short)),
            };
            numbers.push(der[at + head..at + head + length].to_vec());
            at += head + length;
        }
        numbers
    };
    let field = |tag: u8, content: &[u8]| {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        let head = match content.len() {
            short @ 0..=127 => vec![tag, u8::try_from(short).unwrap()],
            128..=255 => vec![tag, 0x81, length[1]],
            _ => vec![tag, 0x82, length[0], length[1]],
        };
        [head, content.to_vec()].concat()
    };
    let key = |numbers: &[Vec<u8>]| {
        field(
            0x30,
            &numbers
                .iter()
                .flat_map(|number| field(2, number))
                .collect::<Vec<_>>(),
        )
    };
    let own = numbers(&der);
    assert_eq!(own.len(), 9);
    assert_eq!(key(&own), der);
    // Big-endian, with one byte of room.
    let plus = |one: &[u8], other: &[u8]| {
        let length = one.len().max(other.len()) + 1;
        let (mut sum, mut carry) = (vec![0; length], 0_u16);
        for (from_end, digit) in sum.iter_mut().rev().enumerate() {
            let of = |number: &[u8]| {
                let at = number.len().checked_sub(from_end + 1);
                at.map_or(0, |at| u16::from(number[at]))
            };
            carry += of(one) + of(other);
            *digit = u8::try_from(carry & 0xff).unwrap();
            carry >>= 8;
        }
        let zeros = sum.iter().take_while(|digit| **digit == 0).count();
        let mut sum = sum.split_off(zeros);
        if sum[0] >= 0x80 {
            sum.insert(0, 0);
        }
        sum
    };
    // n, d, p, q, dP, dQ, qInv are fields 1 and 3 to 8. Each stays the same number modulo what it is taken modulo, or nearly.
    for (what, index, modulus) in [("d", 3, 1), ("dP", 6, 4), ("dQ", 7, 5), ("qInv", 8, 4)] {
        let mut out_of_range = own.clone();
        out_of_range[index] = plus(&own[index], &own[modulus]);
        let file = key(&out_of_range);
        assert_eq!(named(&file), IdentityError::Refused, "{what}");
        assert_eq!(
            named(&armored("RSA PRIVATE KEY", &file)),
            IdentityError::Refused,
            "{what}"
        );
    }
}

#[test]
fn der_with_trailing_bytes_and_pem_with_a_wrong_label() {
    if !has("openssl") {
        return;
    }
    let pem = key_pem();
    let openssl = |script: &str| shell(script, &[("k", &pem)]);
    let (pkcs8, pkcs1) = (
        openssl("openssl pkcs8 -topk8 -nocrypt -in k -outform DER"),
        openssl("openssl rsa -traditional -in k -outform DER"),
    );
    for der in [&pkcs8, &pkcs1] {
        let file = [der, &b"\r\n"[..]].concat();
        let error = named(&file);
        let (length, in_pem) = (2, false);
        assert_eq!(error, TrailingBytes { length, in_pem });
        assert_eq!(parse(&follow(&error, &file, &[])), Ok(key_id()));
    }
    for (label, der, expected) in [
        ("RSA PRIVATE KEY", &pkcs8, Label),
        ("PRIVATE KEY", &pkcs1, Label),
    ] {
        let file = armored(label, der);
        let error = named(&file);
        assert_eq!(error, expected, "{label}");
        assert_eq!(parse(&follow(&error, &file, &[])), Ok(key_id()), "{label}");
    }
    for (label, der) in [("PRIVATE KEY", &pkcs8), ("RSA PRIVATE KEY", &pkcs1)] {
        for length in [1, 3] {
            let file = armored(label, &[&der[..], &vec![0; length]].concat());
            let error = named(&file);
            let in_pem = true;
            assert_eq!(error, TrailingBytes { length, in_pem }, "{label}");
            assert_eq!(parse(&follow(&error, &file, &[])), Ok(key_id()), "{label}");
        }
    }
}

#[test]
fn keys_of_other_algorithms() {
    if !has("openssl") {
        return;
    }
    let is = |algorithm| IdentityError::PublicKey(PublicKeyError::Algorithm(algorithm));
    let ec = is(OtherAlgorithm::EllipticCurve);
    for (what, script, expected) in [
        (
            "EC",
            "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256",
            ec,
        ),
        (
            "EC, in its older form",
            "openssl ecparam -name prime256v1 -genkey -noout",
            ec,
        ),
        (
            "EC, with its parameters before it",
            "openssl ecparam -name prime256v1 -genkey",
            ec,
        ),
        (
            "Ed25519",
            "openssl genpkey -algorithm ED25519",
            is(OtherAlgorithm::Ed25519),
        ),
        (
            "Ed25519 DER",
            "openssl genpkey -algorithm ED25519 -outform DER",
            is(OtherAlgorithm::Ed25519),
        ),
        (
            "X25519",
            "openssl genpkey -algorithm X25519",
            is(OtherAlgorithm::X25519),
        ),
        (
            "X448",
            "openssl genpkey -algorithm X448",
            is(OtherAlgorithm::X448),
        ),
        (
            "DSA",
            "openssl dsaparam -genkey -noout 1024 | openssl pkcs8 -topk8 -nocrypt",
            is(OtherAlgorithm::Dsa),
        ),
        (
            "RSA-PSS",
            "openssl genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048",
            IdentityError::PublicKey(PublicKeyError::SignatureOnly),
        ),
        (
            "three primes",
            "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_primes:3",
            MultiPrime,
        ),
        (
            "an exponent of 33 bits",
            "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_pubexp:4294967297",
            IdentityError::PublicKey(PublicKeyError::ExponentTooLarge { bits: 33 }),
        ),
    ] {
        let error = named(&shell(script, &[]));
        assert_eq!(error, expected, "{what}");
        assert!(
            error.to_string().contains("`openssl genpkey "),
            "{what}: {error}"
        );
    }
    // ML-KEM, and an identifier that no library decodes, in PKCS#8: what is in it is not looked at.
    let other = |id: &[u8]| {
        let algorithm = [
            &[
                0x30,
                u8::try_from(id.len() + 2).unwrap(),
                0x06,
                u8::try_from(id.len()).unwrap(),
            ][..],
            id,
        ]
        .concat();
        let content = [
            &[0x02, 0x01, 0x00][..],
            &algorithm,
            &[0x04, 0x02, 0x04, 0x00],
        ]
        .concat();
        [&[0x30, u8::try_from(content.len()).unwrap()][..], &content].concat()
    };
    for (id, algorithm) in [
        (
            &b"\x60\x86\x48\x01\x65\x03\x04\x04\x02"[..],
            OtherAlgorithm::MlKem,
        ),
        (
            b"\x69\x83\xf8\xa0\xb1\xc2\xd3\xe4\xf5\x86\x97\xa8\xb9\xca\xdb\xec\xfd\x8e\x9f\x01",
            OtherAlgorithm::Unknown,
        ),
    ] {
        assert_eq!(named(&other(id)), is(algorithm));
        assert_eq!(named(&armored("PRIVATE KEY", &other(id))), is(algorithm));
    }
    // The same command in all of them.
    let made = follow(&MultiPrime, b"", &[]);
    assert!(parse(&made).is_ok());
}

#[test]
fn what_ssh_programs_write() {
    if !has("ssh-keygen") {
        return;
    }
    let pem = key_pem();
    let ssh = |script: &str| shell(&format!("({script}) >/dev/null; cat k"), &[("k", &pem)]);
    let plain = ssh("ssh-keygen -p -N '' -f k");
    named_and_converted("OpenSSH", &plain, OpenSsh, &[]);
    let encrypted = ssh("ssh-keygen -p -N secret -f k");
    let with_passphrase = [("ssh-keygen -p", "ssh-keygen -p -P secret")];
    named_and_converted("OpenSSH, encrypted", &encrypted, OpenSsh, &with_passphrase);
    let public = shell("ssh-keygen -y -f k", &[("k", &plain)]);
    assert_eq!(named(&public), File(SshPublicKey));
    let public = shell("ssh-keygen -e -f k", &[("k", &plain)]);
    assert_eq!(named(&public), File(SshPublicKey));
    for algorithm in ["ed25519", "ecdsa"] {
        let script = format!("ssh-keygen -q -t {algorithm} -N '' -f k; cat k");
        assert_eq!(named(&shell(&script, &[])), File(SshOther), "{algorithm}");
    }
    named_and_converted("SSH2", &ssh2(), Ssh2, &[]);
    // Of PuTTY the first line says what it is.
    let putty = |algorithm| {
        format!("PuTTY-User-Key-File-3: {algorithm}\nEncryption: none\nComment: ssh-rsa\n")
    };
    assert_eq!(named(putty("ssh-rsa").as_bytes()), File(Putty));
    assert_eq!(named(putty("ssh-ed25519").as_bytes()), File(SshOther));
    if has("puttygen") {
        let putty = shell(
            "puttygen k -O private -o p --new-passphrase /dev/null; cat p",
            &[("k", &plain)],
        );
        named_and_converted("PuTTY", &putty, Putty, &[]);
    }
}

#[test]
fn java_keystores() {
    if !has("keytool") || !has("openssl") {
        return;
    }
    let pem = [key_pem(), test_file("keys/agent-a2048.pem")].concat();
    let script = "openssl pkcs12 -export -in k -out k.p12 -passout pass:secret
        keytool -importkeystore -srckeystore k.p12 -srcstorepass secret -destkeystore k.jks -deststoretype TYPE \
            -deststorepass secret 2>/dev/null
        cat k.jks";
    let with_passphrase = [
        (
            "keytool",
            "keytool -importkeystore -srcstorepass secret -deststorepass secret",
        ),
        ("-importkeystore -srckeystore", "-srckeystore"),
        ("openssl pkcs12", "openssl pkcs12 -passin pass:secret"),
    ];
    for store in ["JKS", "JCEKS"] {
        let file = shell(&script.replace("TYPE", store), &[("k", &pem)]);
        named_and_converted(store, &file, Jks, &with_passphrase);
    }
}

/// As .NET writes it: with line breaks or without, numbers as long as the modulus or half of it.
#[test]
fn the_xml_of_dot_net() {
    use base64ct::{Base64, Encoding as _};
    let numbers = super::jwk::numbers();
    let names = ["Modulus", "Exponent", "D", "P", "Q", "DP", "DQ", "InverseQ"];
    for (root, space) in [
        ("RSAKeyValue", ""),
        ("RSAKeyValue", "\r\n  "),
        ("RSAParameters", "\n"),
    ] {
        let mut xml = format!("<?xml version=\"1.0\"?>{space}<{root}>");
        for (name, number) in names.iter().zip(&numbers) {
            let number = Base64::encode_string(number);
            xml.push_str(&format!("{space}<{name}>{space}{number}{space}</{name}>"));
        }
        xml.push_str(&format!("{space}</{root}>"));
        if has("perl") {
            named_and_converted(root, xml.as_bytes(), Xml, &[]);
        } else {
            assert_eq!(named(xml.as_bytes()), File(Xml));
        }
    }
}

/// A certificate that was cut off before it swallows no key.
#[test]
fn a_key_behind_a_block_that_was_cut_is_read() {
    let (key, own) = (key_pem(), test_file("keys/agent-a2048.pem"));
    for cut in [
        own.len() / 2,
        own.len() - 2,
        own.len() - 9,
        own.len() - 20,
        15,
        28,
    ] {
        let file = [&own[..cut], b"\n", &key[..]].concat();
        let identity = Identity::<Any>::from_pem_or_der(&file).unwrap();
        assert_eq!(identity.key_id(), key_id(), "{cut}");
        assert!(identity.certificates().is_empty());
    }
    // And a key that was cut is named, whatever follows.
    for cut in [key.len() / 2, key.len() - 9] {
        let file = [&key[..cut], b"\n", &own[..]].concat();
        assert_eq!(named(&file), Malformed, "{cut}");
    }
}

#[test]
fn other_encodings_of_the_same_text() {
    let pem = String::from_utf8(key_pem()).unwrap();
    for (what, text) in [
        ("a byte-order mark", format!("\u{feff}{pem}")),
        ("blank lines around", format!("\n\n{pem}\n\n")),
        ("CRLF", pem.replace('\n', "\r\n")),
        ("CR alone", pem.replace('\n', "\r")),
        ("blank lines between", pem.replace('\n', "\n\n")),
        ("blanks at the ends of lines", pem.replace('\n', " \t\n")),
        ("indented", format!("    {}", pem.replace('\n', "\n    "))),
        ("one line", pem.replace('\n', " ")),
        (
            "lines of unequal length",
            pem.replacen("\n", "", 3)
                .replacen("KEY-----", "KEY-----\n", 1),
        ),
        (
            "text before and behind",
            format!("Bag Attributes\n    a: b\n{pem}# the end"),
        ),
    ] {
        assert_eq!(parse(text.as_bytes()), Ok(key_id()), "{what}");
    }
    let units =
        |unit: fn(u16) -> [u8; 2]| -> Vec<u8> { pem.encode_utf16().flat_map(unit).collect() };
    let (little, big) = (units(u16::to_le_bytes), units(u16::to_be_bytes));
    let utf32: Vec<u8> = pem
        .chars()
        .flat_map(|c| u32::from(c).to_le_bytes())
        .collect();
    for (what, file, kind) in [
        ("UTF-16LE", little.clone(), Utf16Le),
        ("UTF-16BE", big.clone(), Utf16Be),
        (
            "UTF-16LE with a mark",
            [&[0xff, 0xfe][..], &little].concat(),
            Utf16,
        ),
        (
            "UTF-16BE with a mark",
            [&[0xfe, 0xff][..], &big].concat(),
            Utf16,
        ),
        (
            "UTF-32 with a mark",
            [&[0xff, 0xfe, 0, 0][..], &utf32].concat(),
            Utf32,
        ),
        (
            "line breaks spelled out",
            pem.replace('\n', "\\n").into(),
            EscapedLines,
        ),
    ] {
        named_and_converted(what, &file, kind, &[]);
    }
    for (what, script) in [
        ("base64 of PEM", "base64 k"),
        ("base64 in one line", "base64 -w 0 k"),
        ("base64 with CRLF", "base64 k | sed 's/$/\\r/'"),
    ] {
        let base64 = shell(script, &[("k", pem.as_bytes())]);
        named_and_converted(what, &base64, Base64, &[]);
    }
    let jwk = super::jwk::plain();
    let base64 = shell("base64 k", &[("k", jwk.as_bytes())]);
    named_and_converted("base64 of a JWK", &base64, Base64, &[]);
    let gzip = shell("gzip -c k", &[("k", pem.as_bytes())]);
    named_and_converted("gzip", &gzip, Gzip, &[]);
    let digits = |bytes: &[u8], separator: &str| {
        let digits: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        digits.join(separator)
    };
    let (_, pkcs8) = pem_rfc7468::decode_vec(pem.as_bytes()).unwrap();
    for (what, text) in [
        ("hexadecimal of PEM", digits(pem.as_bytes(), "")),
        ("hexadecimal of DER", digits(&pkcs8, "")),
        ("with colons", digits(&pkcs8, ":")),
        ("in capital letters", digits(&pkcs8, " ").to_uppercase()),
        ("in lines", digits(&pkcs8, "\r\n")),
    ] {
        named_and_converted(what, text.as_bytes(), Hex, &[]);
    }
    if has("jq") {
        let list = format!("[\n  {jwk}\n]");
        named_and_converted("a list of JWKs", list.as_bytes(), JwkList, &[]);
        let set = format!("{{\"keys\":[{jwk}]}}");
        named_and_converted("a JWK set", set.as_bytes(), JwkSet, &[]);
    }
    if has("openssl") {
        let base64 = shell(
            "openssl pkcs8 -topk8 -nocrypt -in k -outform DER | base64",
            &[("k", pem.as_bytes())],
        );
        named_and_converted("base64 of DER", &base64, Base64, &[]);
    }
}

#[test]
fn what_is_not_a_private_key() {
    let certificate = test_file("certificates/usual.pem");
    assert_eq!(named(&certificate), File(Certificate));
    assert_eq!(
        named(&test_file("certificates/usual.der")),
        File(Certificate)
    );
    assert_eq!(named(&test_file("certificates/usual.p7b")), File(Pkcs7));
    assert_eq!(
        named(&test_file("certificates/trusted-format.pem")),
        File(TrustedCertificate)
    );
    for (text, kind) in [
        (
            "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQ\n=x\n-----END PGP PRIVATE KEY BLOCK-----\n",
            OpenPgp,
        ),
        (
            "-----BEGIN TSS2 PRIVATE KEY-----\nAAAA\n-----END TSS2 PRIVATE KEY-----\n",
            Tpm,
        ),
        ("# created: 2026\nAGE-SECRET-KEY-1QQQ\n", Age),
        ("<RSAKeyValue><Modulus>AQAB</Modulus></RSAKeyValue>", Xml),
        ("\u{feff}<?xml version=\"1.0\"?>\n<RSAKeyValue/>", Xml),
        ("ssh-rsa AAAAB3NzaC1yc2E agent", SshPublicKey),
        ("{\"keys\":[]}", JwkSet),
        ("[{\"kty\":\"RSA\"}]", JwkList),
        ("[]", Json),
        ("[1, 2]", Json),
        ("{\"error\":\"not found\"}", Json),
        ("{}", Json),
        (
            "<RSAParameters><Modulus>AQAB</Modulus></RSAParameters>",
            Xml,
        ),
        ("<?xml version=\"1.0\"?><a/>", XmlOther),
        ("<!DOCTYPE html>\n<title>Sign in</title>", Html),
        ("\n<HTML lang=\"en\"><head></head>", Html),
        ("", Empty),
        ("\u{feff} \r\n\t", Empty),
        ("what is this?", Text),
        ("[section]\nkey = value", Text),
        ("----BEGIN PRIVATE KEY----\nAAAA", Text),
        ("tls.key: LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCg==", Text),
    ] {
        assert_eq!(named(text.as_bytes()), File(kind), "{text}");
    }
    for (bytes, kind) in [
        (&b"PK\x03\x04\x14\0\0\0"[..], Archive),
        (b"BZh91AY&SY", Archive),
        (b"\xfd7zXZ\0\0", Archive),
        (b"\x28\xb5\x2f\xfd\x04", Archive),
        (b"7z\xbc\xaf\x27\x1c\0", Archive),
        // BKS and UBER of Bouncy Castle: version, and a salt of 20 bytes.
        (b"\0\0\0\x02\0\0\0\x14\x8f\x11", BouncyCastle),
        (b"\0\0\0\x01\0\0\0\x14\x8f\x11", BouncyCastle),
        (b"\x7fELF\x02\x01\x01\0", Binary),
        (b"\xffjunk", Binary),
        (b"\x30\x03\x02\x01\x07", Der),
        (b"\x30\x00", Der),
    ] {
        assert_eq!(named(bytes), File(kind), "{bytes:02x?}");
    }
    // What was cut off is not called another kind of file.
    let (_, pkcs8) = pem_rfc7468::decode_vec(&key_pem()).unwrap();
    for end in [2, 4, 20, 40, 900, pkcs8.len() - 1] {
        assert_eq!(named(&pkcs8[..end]), Malformed, "{end}");
    }
    let twice = [key_pem(), key_pem()].concat();
    assert_eq!(named(&twice), SeveralPrivateKeys);
    if !has("openssl") {
        return;
    }
    let openssl = |script: &str| shell(script, &[("k", &key_pem()), ("c", &certificate)]);
    for (what, script, kind) in [
        ("a public key", "openssl pkey -in k -pubout", PublicKey),
        (
            "in DER",
            "openssl pkey -in k -pubout -outform DER",
            PublicKey,
        ),
        ("PKCS#1", "openssl rsa -in k -RSAPublicKey_out", PublicKey),
        (
            "PKCS#1 in DER",
            "openssl rsa -in k -RSAPublicKey_out -outform DER",
            PublicKey,
        ),
        (
            "a request",
            "openssl req -new -key k -subj /CN=a",
            CertificateRequest,
        ),
        (
            "a request in DER",
            "openssl req -new -key k -subj /CN=a -outform DER",
            CertificateRequest,
        ),
        (
            "PKCS#7 in DER",
            "openssl crl2pkcs7 -nocrl -certfile c -outform DER",
            Pkcs7Der,
        ),
    ] {
        assert_eq!(named(&openssl(script)), File(kind), "{what}");
    }
}

/// Somebody else's certificate is no reason not to open.
#[test]
fn an_odd_certificate_in_the_identity_file_does_not_prevent_opening() {
    let (key, own) = (key_pem(), test_file("keys/agent-a2048.pem"));
    let garbage = armored("CERTIFICATE", b"garbage");
    let cut = String::from_utf8(own.clone())
        .unwrap()
        .replacen("MII", "MI", 1)
        .into_bytes();
    let trailing = armored(
        "CERTIFICATE",
        &[&test_file("certificates/usual.der")[..], b"\0"].concat(),
    );
    let agent_wrong = test_file("certificates/bad-agent.pem");
    let long_serial = test_file("certificates/serial-24-bytes.pem");
    let odd = [&garbage, &cut, &trailing, &agent_wrong, &long_serial];
    for odd in odd {
        for (file, number, certificates) in [
            (vec![&key, odd], 1, 0),
            (vec![odd, &key], 1, 0),
            (vec![&key, &own, odd], 2, 1),
            (vec![odd, &own, &key], 1, 1),
        ] {
            let file: Vec<u8> = file.into_iter().flatten().copied().collect();
            let identity = Identity::<Any>::from_pem_or_der(&file).unwrap();
            assert_eq!(identity.key_id(), key_id());
            assert_eq!(identity.certificates().len(), certificates);
            let [skipped] = identity.skipped_certificates() else {
                panic!("{:?}", identity.skipped_certificates());
            };
            assert_eq!(skipped.number, number);
            assert!(matches!(
                skipped.reason,
                SkippedReason::Certificate(reason) if !matches!(reason, CertificateError::PublicKey(_))
            ));
        }
    }
}

/// A certificate is not needed to open.
#[test]
fn an_identity_file_without_its_own_certificate_opens_and_says_so() {
    let key = key_pem();
    let other = SkippedReason::OtherKey { key_id: key_id() };
    let another = test_file("keys/agent-b2048.pem");
    let without_null = armored("CERTIFICATE", &super::certificates::without_null());
    let parameters =
        SkippedReason::Certificate(CertificateError::PublicKey(PublicKeyError::Parameters));
    let (pkcs7, trusted) = (
        test_file("certificates/usual.p7b"),
        test_file("certificates/trusted-format.pem"),
    );
    for (blocks, reason, said) in [
        (&another, other, "for its private key"),
        (&without_null, parameters, "lacks the parameters NULL"),
        (
            &pkcs7,
            SkippedReason::File(Pkcs7),
            "`openssl pkcs7 -in FILE -print_certs -out CERT.pem`",
        ),
        (
            &trusted,
            SkippedReason::File(TrustedCertificate),
            "`openssl x509 -in FILE -out CERT.pem`",
        ),
    ] {
        for file in [[&key[..], blocks], [blocks, &key]] {
            let identity = Identity::<Any>::from_pem_or_der(&file.concat()).unwrap();
            assert_eq!(identity.key_id(), key_id());
            let [skipped] = identity.skipped_certificates() else {
                panic!("{:?}", identity.skipped_certificates());
            };
            assert_eq!((skipped.number, skipped.reason), (1, reason));
            let text = skipped.to_string();
            assert!(text.contains(said), "{text}");
            // The command works on the file with the key in it, too.
            if has("openssl")
                && text.contains("openssl pkcs7") | text.contains("openssl x509 -in FILE")
            {
                let certificate = follow(skipped, &file.concat(), &[]);
                Certificate::from_pem(&certificate).unwrap();
            }
        }
    }
    // Beside its own, another's is an issuer's.
    let own = test_file("keys/agent-a2048.pem");
    let file = [&key[..], &another, &own, &without_null].concat();
    let identity = Identity::<Any>::from_pem(&file).unwrap();
    assert!(identity.skipped_certificates().is_empty());
    let file = [&key[..], &own, &pkcs7].concat();
    let identity = Identity::<Any>::from_pem(&file).unwrap();
    assert_eq!(identity.skipped_certificates()[0].number, 2);
}

pub(crate) fn armored(label: &str, der: &[u8]) -> Vec<u8> {
    let ending = pem_rfc7468::LineEnding::LF;
    pem_rfc7468::encode_string(label, ending, der)
        .unwrap()
        .into()
}

/// The key as the programs of ssh.com wrote it: numbers with their lengths in bits.
fn ssh2() -> Vec<u8> {
    let text = |text: &str| [&length(text.len())[..], text.as_bytes()].concat();
    let number = |number: &[u8]| {
        let bits = 8 * number.len() - number[0].leading_zeros() as usize;
        [&length(bits)[..], number].concat()
    };
    let [n, _, d, p, q, _, _, qi] = super::jwk::numbers();
    let numbers = [
        vec![0, 0, 0, 0, 0, 0, 0, 0],
        vec![0x01, 0, 1],
        number(&d),
        number(&n),
        number(&qi),
        number(&q),
        number(&p),
    ];
    let content = [
        text("if-modn{sign{rsa-pkcs1-sha1},encrypt{rsa-pkcs1v2-oaep}}"),
        text("none"),
        length(0).to_vec(),
        numbers.concat(),
    ]
    .concat();
    let blob = [
        &[0x3f, 0x6f, 0xf9, 0xeb][..],
        &length(8 + content.len()),
        &content,
    ]
    .concat();
    let base64 = shell("base64 -w 70 b", &[("b", &blob)]);
    let (begin, end) = (
        "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n",
        "---- END SSH2 ENCRYPTED PRIVATE KEY ----\n",
    );
    [begin.as_bytes(), &base64, end.as_bytes()].concat()
}

fn length(number: usize) -> [u8; 4] {
    u32::try_from(number).unwrap().to_be_bytes()
}
