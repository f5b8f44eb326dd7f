//! Certificates with any fault one likes.

use sealpost_envelope::{Certificate, UnixTime};

use super::der::{
    BOOLEAN, GENERALIZED_TIME, INTEGER, NULL, OCTET_STRING, UTC_TIME, UTF8_STRING, bit_string, oid,
    sequence, set, tlv, unsigned, with_long_length,
};

/// A time at which what is made here is valid: 2033-05-18.
pub(crate) const NOW: UnixTime = UnixTime::from_secs(2_000_000_000);

/// What goes into a certificate. The parts are DER, each with tag and length.
#[derive(Clone)]
pub(crate) struct Forgery {
    pub(crate) version: Vec<u8>,
    pub(crate) serial_number: Vec<u8>,
    pub(crate) issuer: Vec<u8>,
    pub(crate) subject: Vec<u8>,
    pub(crate) not_before: Vec<u8>,
    pub(crate) not_after: Vec<u8>,
    pub(crate) spki: Vec<u8>,
    pub(crate) extensions: Vec<Vec<u8>>,
}

impl Forgery {
    /// The certificate of agent `a2048` as it should be.
    pub(crate) fn agent() -> Self {
        Self {
            version: tlv(0xa0, &tlv(INTEGER, &[2])),
            serial_number: unsigned(&[0x51; 16]),
            issuer: name("intermediate"),
            subject: name("a2048"),
            not_before: utc("300101000000Z"),
            not_after: utc("400101000000Z"),
            spki: agent_spki(),
            extensions: vec![
                key_usage(KEY_ENCIPHERMENT),
                agent_names(&["urn:sealpost:agent:a2048"]),
            ],
        }
    }

    /// With an extension more, instead of one of the same kind that is there.
    pub(crate) fn with(mut self, extension: Vec<u8>) -> Self {
        self.extensions
            .retain(|known| id_of(known) != id_of(&extension));
        self.extensions.push(extension);
        self
    }

    /// The part that is signed.
    pub(crate) fn tbs(&self, algorithm: &[u8]) -> Vec<u8> {
        let extensions: Vec<&[u8]> = self.extensions.iter().map(Vec::as_slice).collect();
        let extensions = match extensions.as_slice() {
            [] => vec![],
            some => tlv(0xa3, &sequence(some)),
        };
        sequence(&[
            &self.version,
            &self.serial_number,
            algorithm,
            &self.issuer,
            &sequence(&[&self.not_before, &self.not_after]),
            &self.subject,
            &self.spki,
            &extensions,
        ])
    }

    /// With a signature that is none.
    pub(crate) fn unsigned(&self) -> Vec<u8> {
        let algorithm = sequence(&[&oid(SHA256_WITH_RSA), &NULL]);
        sequence(&[&self.tbs(&algorithm), &algorithm, &bit_string(&[0x5a; 256])])
    }
}

/// The object identifier at the front of an extension.
fn id_of(extension: &[u8]) -> &[u8] {
    let header = match extension[1] {
        ..0x80 => 2,
        long => 2 + usize::from(long & 0x7f),
    };
    &extension[header..][..2 + usize::from(extension[header + 1])]
}

pub(crate) fn name(common_name: &str) -> Vec<u8> {
    let value = tlv(UTF8_STRING, common_name.as_bytes());
    sequence(&[&set(&[&sequence(&[&oid("2.5.4.3"), &value])])])
}

pub(crate) fn utc(time: &str) -> Vec<u8> {
    tlv(UTC_TIME, time.as_bytes())
}

pub(crate) fn generalized(time: &str) -> Vec<u8> {
    tlv(GENERALIZED_TIME, time.as_bytes())
}

pub(crate) fn extension(id: &str, critical: bool, value: &[u8]) -> Vec<u8> {
    let critical = if critical {
        tlv(BOOLEAN, &[0xff])
    } else {
        vec![]
    };
    sequence(&[&oid(id), &critical, &tlv(OCTET_STRING, value)])
}

/// The value is a BIT STRING of one byte, with its unused bits counted.
pub(crate) fn key_usage(bits: u8) -> Vec<u8> {
    let unused = u8::try_from(bits.trailing_zeros()).unwrap();
    extension("2.5.29.15", true, &tlv(0x03, &[unused, bits]))
}

pub(crate) fn agent_names(uris: &[&str]) -> Vec<u8> {
    let names: Vec<u8> = uris
        .iter()
        .flat_map(|uri| tlv(0x86, uri.as_bytes()))
        .collect();
    extension("2.5.29.17", false, &sequence(&[&names]))
}

pub(crate) fn basic_constraints(ca: bool, path_length: Option<u8>) -> Vec<u8> {
    let ca = if ca { tlv(BOOLEAN, &[0xff]) } else { vec![] };
    let path_length = path_length.map_or(vec![], |length| unsigned(&[length]));
    extension("2.5.29.19", true, &sequence(&[&ca, &path_length]))
}

pub(crate) fn purposes(ids: &[&str]) -> Vec<u8> {
    let ids: Vec<u8> = ids.iter().flat_map(|id| oid(id)).collect();
    extension("2.5.29.37", false, &sequence(&[&ids]))
}

/// The key of `testdata/keys/agent-a2048.pem`.
pub(crate) fn agent_spki() -> Vec<u8> {
    let pem = test_file("keys/agent-a2048.pem");
    let (_, der) = pem_rfc7468::decode_vec(&pem).unwrap();
    let start = der
        .windows(4)
        .position(|w| w == [0x30, 0x82, 0x01, 0x22])
        .unwrap();
    der[start..start + 4 + 0x122].to_vec()
}

/// Its modulus, 2,048 bits.
pub(crate) fn modulus() -> Vec<u8> {
    agent_spki()[33..33 + 256].to_vec()
}

/// A SubjectPublicKeyInfo out of the two numbers' encodings.
pub(crate) fn rsa_spki(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    spki(
        &sequence(&[&oid(RSA_ENCRYPTION), &NULL]),
        &sequence(&[modulus, exponent]),
    )
}

pub(crate) fn spki(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    sequence(&[algorithm, &bit_string(key)])
}

/// The PEM file of some certificates.
pub(crate) fn pem(certificates: &[Vec<u8>]) -> Vec<u8> {
    certificates
        .iter()
        .flat_map(|der| {
            let label = "CERTIFICATE";
            pem_rfc7468::encode_string(label, pem_rfc7468::LineEnding::LF, der)
                .unwrap()
                .into_bytes()
        })
        .collect()
}

pub(crate) fn parse(
    der: &[u8],
) -> Result<Certificate, sealpost_envelope::certificate::CertificateError> {
    Certificate::from_der(der)
}

pub(crate) fn test_file(name: &str) -> Vec<u8> {
    let path = format!("{}/../../testdata/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub(crate) const KEY_ENCIPHERMENT: u8 = 0b0010_0000;
pub(crate) const KEY_CERT_SIGN: u8 = 0b0000_0100;
pub(crate) const RSA_ENCRYPTION: &str = "1.2.840.113549.1.1.1";
const SHA256_WITH_RSA: &str = "1.2.840.113549.1.1.11";

#[test]
fn the_writer_writes_der() {
    // What the parser takes is the same to the byte.
    let spki = rsa_spki(&unsigned(&modulus()), &unsigned(&[1, 0, 1]));
    assert_eq!(spki, agent_spki());
    assert_eq!(
        with_long_length(&[0x30, 0x01, 0x00]),
        [0x30, 0x81, 0x01, 0x00]
    );
    assert_eq!(
        oid("1.2.840.113549")[2..],
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d]
    );
}
