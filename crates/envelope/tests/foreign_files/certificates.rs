//! Files that are given where a certificate is wanted.

use sealpost_envelope::{
    Certificate,
    certificate::CertificateError,
    key::FileKind::{self, *},
};

use super::{
    private_keys::armored,
    tools::{follow, has, key_pem, shell, test_file},
};

fn named(file: &[u8]) -> CertificateError {
    Certificate::from_pem_or_der(file).expect_err("it is not read")
}

fn named_and_converted(what: &str, file: &[u8], kind: FileKind, change: &[(&str, &str)]) {
    let error = named(file);
    assert_eq!(error, CertificateError::File(kind), "{what}");
    #[cfg(feature = "chain")]
    {
        use sealpost_envelope::trust::{TrustAnchors, TrustAnchorsError};
        let anchors = TrustAnchors::from_pem_or_der(file).unwrap_err();
        assert_eq!(anchors, TrustAnchorsError::File(kind), "{what}");
        // But for which of several is to be the first.
        let text = anchors.to_string();
        assert!(error.to_string().starts_with(&text), "{text}");
    }
    let converted = follow(&error, file, change);
    let converted = Certificate::from_pem_or_der(&converted).unwrap();
    let expected = Certificate::from_der(&test_file("certificates/usual.der")).unwrap();
    assert_eq!(converted.fingerprint(), expected.fingerprint(), "{what}");
}

#[test]
fn other_forms_are_named_with_a_command_that_helps() {
    let pem = String::from_utf8(test_file("certificates/usual.pem")).unwrap();
    let utf16: Vec<u8> = pem.encode_utf16().flat_map(u16::to_le_bytes).collect();
    named_and_converted("UTF-16", &utf16, Utf16Le, &[]);
    named_and_converted(
        "escapes",
        pem.replace('\n', "\\n").as_bytes(),
        EscapedLines,
        &[],
    );
    let base64 = shell("base64 c", &[("c", pem.as_bytes())]);
    named_and_converted("base64", &base64, Base64, &[]);
    if !has("openssl") {
        return;
    }
    let openssl = |script: &str| shell(script, &[("c", pem.as_bytes()), ("k", &key_pem())]);
    named_and_converted("PKCS#7", &test_file("certificates/usual.p7b"), Pkcs7, &[]);
    let der = openssl("openssl crl2pkcs7 -nocrl -certfile c -outform DER");
    named_and_converted("PKCS#7 in DER", &der, Pkcs7Der, &[]);
    let trusted = test_file("certificates/trusted-format.pem");
    named_and_converted("TRUSTED CERTIFICATE", &trusted, TrustedCertificate, &[]);
    let pkcs12 = openssl("openssl pkcs12 -export -inkey k -in c -passout pass:secret");
    let with_passphrase = [("openssl pkcs12", "openssl pkcs12 -passin pass:secret")];
    named_and_converted("PKCS#12", &pkcs12, Pkcs12, &with_passphrase);
    if has("keytool") {
        let script = "openssl pkcs12 -export -inkey k -in c -name a -out p -passout pass:secret
            keytool -importkeystore -srckeystore p -srcstorepass secret -destkeystore j -deststoretype JKS \
                -deststorepass secret 2>/dev/null
            cat j";
        let change = [("-alias ALIAS", "-alias a -storepass secret")];
        named_and_converted("a Java keystore", &openssl(script), Jks, &change);
    }
}

#[test]
fn what_is_not_a_certificate_is_named() {
    let file = CertificateError::File;
    assert_eq!(named(&key_pem()), file(PrivateKey));
    assert_eq!(named(b"{\"kty\":\"RSA\",\"n\":\"\",\"e\":\"\"}"), file(Jwk));
    assert_eq!(named(b"ssh-rsa AAAA agent"), file(SshPublicKey));
    assert_eq!(named(b"junk"), file(Text));
    if !has("openssl") {
        return;
    }
    for (script, kind) in [
        ("openssl pkey -in k -pubout", PublicKey),
        ("openssl pkey -in k -pubout -outform DER", PublicKey),
        (
            "openssl pkcs8 -topk8 -nocrypt -in k -outform DER",
            PrivateKey,
        ),
        ("openssl rsa -traditional -in k -outform DER", PrivateKey),
        (
            "openssl pkcs8 -topk8 -in k -passout pass:x -outform DER",
            Encrypted,
        ),
        ("openssl req -new -key k -subj /CN=a", CertificateRequest),
        (
            "openssl req -new -key k -subj /CN=a -outform DER",
            CertificateRequest,
        ),
    ] {
        assert_eq!(
            named(&shell(script, &[("k", &key_pem())])),
            file(kind),
            "{script}"
        );
    }
}

#[test]
fn a_certificate_behind_the_first_that_was_cut_is_named_by_its_place() {
    let pem = test_file("certificates/usual.pem");
    for end in [40, pem.len() / 2, pem.len() - 9] {
        let file = [&pem[..], &pem[..end]].concat();
        let error = named(&file);
        assert_eq!(error, CertificateError::Block { number: 2 }, "{end}");
        assert!(
            error.to_string().contains("certificate 2 in the file"),
            "{error}"
        );
    }
}

/// White space as RFC 7468 §2 allows it.
#[test]
fn pem_with_any_white_space_is_read() {
    let pem = String::from_utf8(test_file("certificates/usual.pem")).unwrap();
    let expected = Certificate::from_pem(pem.as_bytes()).unwrap().fingerprint();
    for text in [
        pem.replace('\n', "\r"),
        pem.replace('\n', "\n\n"),
        pem.replace('\n', "\t \n"),
        pem.replace('\n', "\n  "),
        pem.replace('\n', "\u{b}\u{c}"),
        pem.replace('\n', ""),
        format!("\u{feff} {pem}"),
        pem.replace("-----BEGIN CERTIFICATE", "-----BEGIN X509 CERTIFICATE")
            .replace("-----END CERTIFICATE", "-----END X509 CERTIFICATE"),
    ] {
        let read = Certificate::from_pem_or_der(text.as_bytes()).unwrap();
        assert_eq!(read.fingerprint(), expected, "{text}");
    }
}

/// The algorithm without NULL, as some old software wrote it: only a new certificate helps.
#[test]
fn an_algorithm_without_null_is_named_with_a_command_that_helps() {
    use sealpost_envelope::key::PublicKeyError::Parameters;
    let der = without_null();
    let error = named(&der);
    assert_eq!(error, CertificateError::PublicKey(Parameters));
    if !has("openssl") {
        return;
    }
    let text = error.to_string();
    let command = text.split('`').nth(1).unwrap();
    let file = armored("CERTIFICATE", &der);
    let files: &[(&str, &[u8])] = &[("CERT.pem", &file), ("KEY.pem", &key_pem())];
    let again = shell(&format!("{command}; cat NEW.pem"), files);
    let again = Certificate::from_pem(&again).unwrap();
    let whole = Certificate::from_pem(&test_file("keys/agent-a2048.pem")).unwrap();
    assert_eq!(again.public_key(), whole.public_key());
    assert!(again.agent_ids().eq(whole.agent_ids()));
}

/// The certificate of `agent-a2048`, whose algorithm lacks NULL.
pub(crate) fn without_null() -> Vec<u8> {
    // SEQUENCE { rsaEncryption, NULL }, in the key; its lengths follow.
    let pem = test_file("keys/agent-a2048.pem");
    let (_, mut der) = pem_rfc7468::decode_vec(&pem).unwrap();
    let with_null = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";
    let at = der
        .windows(15)
        .position(|window| window == with_null)
        .unwrap();
    der.splice(
        at..at + 15,
        b"\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"
            .iter()
            .copied(),
    );
    // The key, what is signed, and the certificate each are two bytes shorter.
    for header in [at - 4, 4, 0] {
        assert_eq!(der[header..header + 2], [0x30, 0x82], "{header}");
        der[header + 3] -= 2;
    }
    der
}

#[test]
fn files_of_no_kind_are_described() {
    let file = CertificateError::File;
    for (bytes, kind) in [
        (&b""[..], Empty),
        (b" \n", Empty),
        (b"<!doctype html><html><body>Sign in</body></html>", Html),
        (b"{\"error\":\"forbidden\"}", Json),
        (b"[\"a\"]", Json),
        (b"{\"kty\":\"RSA\",\"n\":\"\",\"e\":\"\"}", Jwk),
        (b"<a/>", XmlOther),
        (b"\x30\x03\x02\x01\x07", Der),
        (b"\x00\x01\x02", Binary),
        (b"404 page not found", Text),
        (b"PK\x03\x04", Archive),
    ] {
        assert_eq!(named(bytes), file(kind), "{bytes:02x?}");
        #[cfg(feature = "chain")]
        {
            use sealpost_envelope::trust::{TrustAnchors, TrustAnchorsError};
            let error = TrustAnchors::from_pem_or_der(bytes).unwrap_err();
            assert_eq!(error, TrustAnchorsError::File(kind), "{bytes:02x?}");
            assert!(!error.to_string().contains("agent"), "{error}");
        }
    }
    let pem = test_file("certificates/usual.pem");
    named_and_converted("gzip", &shell("gzip -c c", &[("c", &pem)]), Gzip, &[]);
    let digits: String = test_file("certificates/usual.der")
        .iter()
        .map(|byte| format!("{byte:02X}:"))
        .collect();
    named_and_converted("hexadecimal", digits.as_bytes(), Hex, &[]);
    if has("openssl") {
        let config = b"[ca]\ndefault_ca=a\n[a]\ndatabase=i\n";
        let script = "openssl req -new -x509 -key k -subj /CN=a > c; touch i
            openssl ca -gencrl -keyfile k -cert c -crldays 1 -md sha256 -config f -batch > l 2>/dev/null
            openssl crl -in l -outform DER";
        let crl = shell(script, &[("k", &key_pem()), ("f", config)]);
        assert_eq!(named(&crl), file(Crl));
    }
}
