//! The certificate of an agent: self-signed, good for key encipherment and nothing else.

use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use x509_cert::TbsCertificate;
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::builder::{self, Builder, CertificateBuilder};
use x509_cert::der::asn1::{Any, BitString, GeneralizedTime, Ia5String, OctetString};
use x509_cert::der::oid::db::rfc5912::SHA_256_WITH_RSA_ENCRYPTION;
use x509_cert::der::{self, Decode, Document, Encode};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{
    BasicConstraints, KeyUsage, KeyUsages, SubjectAltName, SubjectKeyIdentifier,
};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{
    self, AlgorithmIdentifierOwned, DynSignatureAlgorithmIdentifier, EncodePublicKey,
    SignatureBitStringEncoding, SubjectPublicKeyInfoOwned, SubjectPublicKeyInfoRef,
};
use x509_cert::time::{Time, Validity};

use super::sha256;

/// What the certificate says.
pub(super) struct AgentCertificate<'a> {
    pub(super) agent_id: &'a str,
    pub(super) key: &'a RsaKeyPair,
    pub(super) not_before: SystemTime,
    pub(super) not_after: SystemTime,
}

/// A certificate just signed.
pub(super) struct Signed {
    pub(super) der: Vec<u8>,
    /// SHA-256 of the SubjectPublicKeyInfo's DER.
    pub(super) key_id: [u8; 32],
}

impl AgentCertificate<'_> {
    /// Signs it with the key that it certifies, by RSASSA-PKCS1-v1_5 with SHA-256.
    pub(super) fn sign(&self) -> builder::Result<Signed> {
        let signer = Signer(self.key);
        let public_key = PublicKey(self.key).to_public_key_der()?;
        let key_id = sha256(public_key.as_bytes());
        let mut serial = [0; 16];
        rand::fill(&mut serial).map_err(|_| signature::Error::new())?;

        let mut certificate = CertificateBuilder::new(
            SelfSigned(Name::from_str(&format!("CN={}", self.agent_id))?),
            SerialNumber::new(&serial)?,
            Validity::new(time(self.not_before)?, time(self.not_after)?),
            SubjectPublicKeyInfoOwned::from_der(public_key.as_bytes())?,
        )?;
        let uri = Ia5String::new(&format!("urn:sealpost:agent:{}", self.agent_id))?;
        let no_authority = BasicConstraints {
            ca: false,
            path_len_constraint: None,
        };
        certificate.add_extension(&no_authority)?;
        certificate.add_extension(&KeyUsage(KeyUsages::KeyEncipherment.into()))?;
        certificate.add_extension(&SubjectAltName(vec![
            GeneralName::UniformResourceIdentifier(uri),
        ]))?;
        // RFC 7093 §2, method 4: the same identifier by which envelopes name the key.
        certificate.add_extension(&SubjectKeyIdentifier(OctetString::new(key_id)?))?;

        let der = certificate.build(&signer)?.to_der()?;
        Ok(Signed { der, key_id })
    }
}

/// Whole seconds; the builder makes a UTCTime of it where RFC 5280 §4.1.2.5 asks for one.
fn time(time: SystemTime) -> der::Result<Time> {
    let since_1970 = time
        .duration_since(UNIX_EPOCH)
        .map_err(|_| der::ErrorKind::DateTime)?;
    let whole = Duration::from_secs(since_1970.as_secs());
    Ok(GeneralizedTime::from_unix_duration(whole)?.into())
}

/// Issuer and subject are one; every extension is added by hand.
struct SelfSigned(Name);

impl BuilderProfile for SelfSigned {
    fn get_issuer(&self, subject: &Name) -> Name {
        subject.clone()
    }

    fn get_subject(&self) -> Name {
        self.0.clone()
    }

    fn build_extensions(
        &self,
        _: SubjectPublicKeyInfoRef<'_>,
        _: SubjectPublicKeyInfoRef<'_>,
        _: &TbsCertificate,
    ) -> builder::Result<Vec<Extension>> {
        Ok(Vec::new())
    }
}

/// The key pair behind the traits that the builder signs through.
struct Signer<'a>(&'a RsaKeyPair);

#[derive(Clone)]
struct PublicKey<'a>(&'a RsaKeyPair);

struct Signature(Vec<u8>);

impl signature::Signer<Signature> for Signer<'_> {
    fn try_sign(&self, message: &[u8]) -> signature::Result<Signature> {
        let mut bytes = vec![0; self.0.public_modulus_len()];
        let random = rand::SystemRandom::new();
        self.0
            .sign(&RSA_PKCS1_SHA256, &random, message, &mut bytes)
            .map_err(|_| signature::Error::new())?;
        Ok(Signature(bytes))
    }
}

impl<'a> signature::Keypair for Signer<'a> {
    type VerifyingKey = PublicKey<'a>;

    fn verifying_key(&self) -> Self::VerifyingKey {
        PublicKey(self.0)
    }
}

impl DynSignatureAlgorithmIdentifier for Signer<'_> {
    // RFC 4055 §5: the parameters are NULL.
    fn signature_algorithm_identifier(&self) -> spki::Result<AlgorithmIdentifierOwned> {
        Ok(AlgorithmIdentifierOwned {
            oid: SHA_256_WITH_RSA_ENCRYPTION,
            parameters: Some(Any::null()),
        })
    }
}

impl EncodePublicKey for PublicKey<'_> {
    fn to_public_key_der(&self) -> spki::Result<Document> {
        let encoded: Result<PublicKeyX509Der<'_>, _> = self.0.public_key().as_der();
        let encoded = encoded.map_err(|_| spki::Error::KeyMalformed)?;
        Ok(Document::try_from(encoded.as_ref())?)
    }
}

impl SignatureBitStringEncoding for Signature {
    fn to_bitstring(&self) -> der::Result<BitString> {
        BitString::from_bytes(&self.0)
    }
}
