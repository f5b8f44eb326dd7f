//! Certificates, and whom to trust.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use aws_lc_rs::digest::{SHA256, digest};
use base64ct::{Base64, Encoding as _};
use sealpost_envelope::{
    AwsLc, Certificate, Fingerprint, Recipient, RustCrypto, Trust, UnixTime,
    certificate::CertificateError,
    trust::{ChainPolicy, TrustAnchors, TrustError},
};
use x509_cert::{
    certificate::Version,
    der::{
        Decode as _, Encode as _, Reader as _, SliceReader, asn1::AnyRef, oid::ObjectIdentifier,
    },
    ext::pkix::{BasicConstraints, KeyUsage, SubjectAltName, name::GeneralName},
};

use crate::{allocations::bounded, input, keys::NOW, seeds};

/// Certificates, PEM and DER: what is taken is taken by another reader of X.509, which says the same of it, and a pin is a
/// pin.
pub(crate) fn certificate(bytes: &[u8]) {
    // Each certificate is decoded, parsed into parts, and kept in DER.
    let parsed = bounded(bytes.len(), 8, 256, || Certificate::from_pem_or_der(bytes));
    if let Ok(certificate) = parsed {
        assert!((2048..=8192).contains(&certificate.public_key().modulus_bits()));
        let any = Trust::DangerAnyCertificate.check(&certificate, NOW);
        let pinned = |pins: &[Fingerprint]| Trust::Pinned(pins).check(&certificate, NOW);
        assert_eq!(any, pinned(&[certificate.fingerprint()]));
        assert!(pinned(&[Fingerprint::from_bytes([0; 32])]).is_err());
        assert!(pinned(&[]).is_err());
        if any.is_ok() {
            assert!(certificate.not_before() <= NOW && NOW <= certificate.not_after());
        }
        // The libraries take the same keys.
        let aws = Recipient::<AwsLc>::danger_from_public_key(certificate.public_key().clone());
        let rust =
            Recipient::<RustCrypto>::danger_from_public_key(certificate.public_key().clone());
        assert_eq!(aws.is_ok(), rust.is_ok());
    }
    // Which blocks of PEM are read is for the target `pem`: here it is what they hold.
    compare(bytes);
    for der in blocks(bytes) {
        compare(&der);
    }
}

/// The product and `x509_cert` both take this DER and say the same of it, or neither does; but the product has rules for
/// keys and names besides.
fn compare(der: &[u8]) {
    let ours = Certificate::from_der(der);
    let Some(theirs) = canonical(der) else {
        assert!(
            ours.is_err() || any_field(der, is_unknown_to_the_library),
            "{ours:?} is not canonical DER"
        );
        return;
    };
    let ours = match ours {
        Ok(ours) => ours,
        Err(CertificateError::DuplicateExtension) => panic!("it has each extension once"),
        Err(CertificateError::NotDer) => {
            assert!(
                any_field(der, is_padded_identifier) || has_lax_extension(&theirs),
                "it is canonical DER"
            );
            return;
        }
        Err(_) => return,
    };
    let tbs = theirs.tbs_certificate();
    let hash = digest(&SHA256, der);
    let hash = hash.as_ref().try_into().expect("32 bytes");
    assert_eq!(ours.fingerprint(), Fingerprint::from_bytes(hash));
    let key = tbs.subject_public_key_info().to_der();
    assert_eq!(key.as_deref(), Ok(ours.public_key().spki_der()));
    let time = |time: x509_cert::time::Time| UnixTime::from_secs(time.to_unix_duration().as_secs());
    assert_eq!(ours.not_before(), time(tbs.validity().not_before));
    assert_eq!(ours.not_after(), time(tbs.validity().not_after));
    if let Some(agents) = agents(tbs) {
        assert!(ours.agent_ids().eq(agents), "other agents");
    }
    let used = Trust::DangerAnyCertificate.check(&ours, ours.not_before());
    if may_encipher(tbs) {
        assert_ne!(used, Err(TrustError::KeyUsage));
    } else {
        assert_eq!(used, Err(TrustError::KeyUsage));
    }
}

/// What `x509_cert` decodes and encodes to the same bytes, with each extension once (RFC 5280 §4.2) and those in version
/// 3 alone.
fn canonical(der: &[u8]) -> Option<x509_cert::Certificate> {
    let mut reader = SliceReader::new(der).ok()?;
    let certificate: x509_cert::Certificate = reader.decode().ok()?;
    if !reader.is_finished() || certificate.to_der().ok()? != der {
        return None;
    }
    let tbs = certificate.tbs_certificate();
    if let Some(extensions) = tbs.extensions() {
        let ids: BTreeSet<_> = extensions.iter().map(|one| one.extn_id).collect();
        if tbs.version() != Version::V3 || ids.len() != extensions.len() {
            return None;
        }
    }
    Some(certificate)
}

/// A field of some DER: tag, content, and all of it.
type Field<'a> = (u8, &'a [u8], &'a [u8]);

/// The fields at the top of some DER.
fn fields(der: &[u8]) -> Vec<Field<'_>> {
    let mut found = Vec::new();
    let mut rest = der;
    while let [tag, length, after @ ..] = rest {
        let (length, after) = match (length, after) {
            (0x81, [length, after @ ..]) => (usize::from(*length), after),
            (0x82, [high, low, after @ ..]) => (usize::from(*high) << 8 | usize::from(*low), after),
            (0x80.., _) => break,
            (length, after) => (usize::from(*length), after),
        };
        let Some((content, after)) = after.split_at_checked(length) else {
            break;
        };
        found.push((*tag, content, &rest[..rest.len() - after.len()]));
        rest = after;
    }
    found
}

/// Returns whether there is a field like that, however deep.
fn any_field(der: &[u8], is: fn(u8, &[u8], &[u8]) -> bool) -> bool {
    fields(der).into_iter().any(|(tag, content, whole)| {
        is(tag, content, whole) || tag & 0x20 != 0 && any_field(content, is)
    })
}

/// What `x509_cert` does not take and X.690 does: identifiers with large numbers, dates before 1970 or in the other of two
/// forms, types that it has no name for.
fn is_unknown_to_the_library(tag: u8, content: &[u8], whole: &[u8]) -> bool {
    match tag {
        0x06 => ObjectIdentifier::from_bytes(content).is_err(),
        0x17 => content
            .first()
            .is_some_and(|decade| matches!(decade, b'5' | b'6')),
        0x18 => content
            .get(..4)
            .is_some_and(|year| year < b"2050".as_slice()),
        _ => AnyRef::from_der(whole).is_err(),
    }
}

/// X.690 §8.19.2, which `x509_cert` does not check: no number starts with a byte of zeros.
fn is_padded_identifier(tag: u8, content: &[u8], _: &[u8]) -> bool {
    let starts = |at: usize| at == 0 || content[at - 1] < 0x80;
    tag == 0x06 && (0..content.len()).any(|at| content[at] == 0x80 && starts(at))
}

/// Inside of extensions `x509_cert` takes more than DER.
fn has_lax_extension(certificate: &x509_cert::Certificate) -> bool {
    let tbs = certificate.tbs_certificate();
    let usage = extension(tbs, "2.5.29.15").is_some_and(|value| {
        KeyUsage::from_der(&value).and_then(|usage| usage.to_der()) != Ok(value)
    });
    let constraints = extension(tbs, "2.5.29.19").is_some_and(|value| {
        BasicConstraints::from_der(&value).and_then(|basic| basic.to_der()) != Ok(value)
    });
    let names = extension(tbs, "2.5.29.17").is_some_and(|value| {
        SubjectAltName::from_der(&value).and_then(|names| names.to_der()) != Ok(value)
    });
    usage || constraints || names
}

fn extension(tbs: &x509_cert::TbsCertificate, id: &str) -> Option<Vec<u8>> {
    let id = ObjectIdentifier::new(id).expect("it is one");
    let mut extensions = tbs.extensions().into_iter().flatten();
    let found = extensions.find(|one| one.extn_id == id);
    found.map(|one| one.extn_value.as_bytes().to_vec())
}

/// The agents that subjectAltName names; `None` if it can't be read, which names of other kinds, into which the product does
/// not look, are enough for.
fn agents(tbs: &x509_cert::TbsCertificate) -> Option<Vec<String>> {
    let Some(names) = extension(tbs, "2.5.29.17") else {
        return Some(Vec::new());
    };
    let names = SubjectAltName::from_der(&names).ok()?.0.into_iter();
    let uris = names.filter_map(|name| match name {
        GeneralName::UniformResourceIdentifier(uri) => Some(uri.as_str().to_owned()),
        _ => None,
    });
    let agent = |uri: String| {
        uri.strip_prefix("urn:sealpost:agent:")
            .map(ToOwned::to_owned)
    };
    Some(uris.filter_map(agent).collect())
}

/// Without keyUsage, or with keyEncipherment in it: the third bit of a BIT STRING (RFC 5280 §4.2.1.3).
fn may_encipher(tbs: &x509_cert::TbsCertificate) -> bool {
    extension(tbs, "2.5.29.15")
        .is_none_or(|usage| usage.get(3).is_some_and(|bits| bits & 0x20 != 0))
}

/// A file of authorities and a certificate: only one that one of them issued is trusted, and only for the agent it names.
pub(crate) fn trust(bytes: &[u8]) {
    let Some((file, presented)) = input::two(bytes) else {
        return;
    };
    let anchors = bounded(file.len(), 12, 256, || TrustAnchors::from_pem_or_der(file));
    let certificate = Certificate::from_pem_or_der(presented);
    let (Ok(anchors), Ok(certificate)) = (anchors, certificate) else {
        return;
    };
    for agent in ["a2048", "b2048"] {
        let policy = ChainPolicy::new(&anchors, agent);
        let unnamed = policy.danger_accept_certificate_without_agent_id();
        let strict = check(&certificate, policy);
        let loose = check(&certificate, unnamed);
        if strict.is_ok() {
            assert!(certificate.agent_ids().any(|named| named == agent));
            assert_eq!(loose, Ok(()));
        }
        if loose.is_ok() {
            let mut named = certificate.agent_ids().peekable();
            assert!(named.peek().is_none() || named.any(|named| named == agent));
            assert_eq!(Trust::DangerAnyCertificate.check(&certificate, NOW), Ok(()));
            let issuers = ISSUERS.get(&certificate.fingerprint());
            let issuers = issuers.expect("a certificate is trusted that nobody issued");
            let given = blocks(file).chain([file.to_vec()]);
            assert!(
                given
                    .filter_map(|der| canonical(&der))
                    .any(|anchor| issuers.contains(&authority(&anchor))),
                "a certificate is trusted that was issued by somebody else"
            );
        }
    }
}

fn check(certificate: &Certificate, policy: ChainPolicy<'_>) -> Result<(), TrustError> {
    Trust::Chain(policy).check(certificate, NOW)
}

/// Name and key, which make an authority (RFC 5280 §6.1.1); in DER.
type Authority = (Vec<u8>, Vec<u8>);

fn authority(certificate: &x509_cert::Certificate) -> Authority {
    let tbs = certificate.tbs_certificate();
    let key = tbs.subject_public_key_info().to_der();
    let name = tbs.subject().to_der();
    (name.expect("it was decoded"), key.expect("it was decoded"))
}

/// Every certificate that there is a signature for, and the authorities that it was issued by or below. In the test data an
/// authority's name is that of one authority alone.
static ISSUERS: LazyLock<BTreeMap<Fingerprint, BTreeSet<Authority>>> = LazyLock::new(|| {
    let ders: Vec<_> = seeds::certificates()
        .iter()
        .flat_map(|(_, file)| blocks(file).chain([file.to_vec()]))
        .collect();
    let known: BTreeMap<_, _> = ders
        .iter()
        .filter_map(|der| Some((der.clone(), canonical(der)?)))
        .collect();
    let above = |of: &x509_cert::Certificate| {
        let (mut found, mut wanted) = (BTreeSet::new(), vec![of.clone()]);
        while let Some(below) = wanted.pop() {
            let tbs = below.tbs_certificate();
            let issuers = known.values().filter(|one| {
                let own = one.tbs_certificate();
                own.subject() == tbs.issuer() && **one != below
            });
            for issuer in issuers {
                if found.insert(authority(issuer)) {
                    wanted.push(issuer.clone());
                }
            }
        }
        found
    };
    known
        .iter()
        .map(|(der, one)| {
            let hash = digest(&SHA256, der);
            let hash = hash.as_ref().try_into().expect("32 bytes");
            (Fingerprint::from_bytes(hash), above(one))
        })
        .collect()
});

/// What the certificates' blocks in a PEM file hold, read generously: what has no such block, or none in base64, has none.
fn blocks(file: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let text = String::from_utf8_lossy(file).into_owned();
    let text = text.replace("X509 CERTIFICATE", "CERTIFICATE");
    let text = text.replace("X.509 CERTIFICATE", "CERTIFICATE");
    let parts: Vec<_> = text
        .split("-----BEGIN CERTIFICATE-----")
        .skip(1)
        .filter_map(|rest| {
            let (body, _) = rest.split_once("-----END CERTIFICATE-----")?;
            let white = |c: &char| matches!(c, ' ' | '\t'..='\r');
            let body: String = body.chars().filter(|c| !white(c)).collect();
            Base64::decode_vec(&body).ok()
        })
        .collect();
    parts.into_iter()
}
