//! Authorities that sign, and chains made of them.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use sealpost_envelope::{
    Certificate, Trust, UnixTime,
    trust::{ChainPolicy, TrustAnchors, TrustError},
};

use super::{
    der::{bit_string, oid, sequence},
    forgery::{Forgery, KEY_CERT_SIGN, NOW, basic_constraints, key_usage, name, pem, spki},
};

pub(crate) const ED25519: &str = "1.3.101.112";

/// An authority that signs with Ed25519.
pub(crate) struct Authority {
    pub(crate) key: Ed25519KeyPair,
    pub(crate) certificate: Forgery,
}

impl Authority {
    /// The authority of this name; the seed makes its key.
    pub(crate) fn new(common_name: &str, issuer: &str, seed: u8) -> Self {
        let key = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
        let certificate = Forgery {
            issuer: name(issuer),
            subject: name(common_name),
            spki: spki(&sequence(&[&oid(ED25519)]), key.public_key().as_ref()),
            extensions: vec![basic_constraints(true, None), key_usage(KEY_CERT_SIGN)],
            ..Forgery::agent()
        };
        Self { key, certificate }
    }

    pub(crate) fn root() -> Self {
        Self::new("root", "root", 1)
    }

    pub(crate) fn intermediate() -> Self {
        Self::new("intermediate", "root", 2)
    }

    pub(crate) fn sign(&self, certificate: &Forgery) -> Vec<u8> {
        let algorithm = sequence(&[&oid(ED25519)]);
        let tbs = certificate.tbs(&algorithm);
        let signature = bit_string(self.key.sign(&tbs).as_ref());
        sequence(&[&tbs, &algorithm, &signature])
    }

    /// With another extension in its certificate.
    pub(crate) fn with(mut self, extension: Vec<u8>) -> Self {
        self.certificate = self.certificate.with(extension);
        self
    }
}

/// Root → intermediate → agent, each signed by the one before.
pub(crate) struct Chain {
    pub(crate) root: Authority,
    pub(crate) intermediate: Authority,
    pub(crate) agent: Forgery,
}

impl Chain {
    pub(crate) fn good() -> Self {
        Self {
            root: Authority::root(),
            intermediate: Authority::intermediate(),
            agent: Forgery::agent(),
        }
    }

    pub(crate) fn with_agent(extension: Vec<u8>) -> Self {
        let agent = Forgery::agent().with(extension);
        Self {
            agent,
            ..Self::good()
        }
    }

    pub(crate) fn with_intermediate(extension: Vec<u8>) -> Self {
        let intermediate = Authority::intermediate().with(extension);
        Self {
            intermediate,
            ..Self::good()
        }
    }

    pub(crate) fn with_root(extension: Vec<u8>) -> Self {
        let root = Authority::root().with(extension);
        Self {
            root,
            ..Self::good()
        }
    }

    /// The agent's certificate and the intermediate's.
    pub(crate) fn file(&self) -> Vec<Vec<u8>> {
        let intermediate = self.root.sign(&self.intermediate.certificate);
        vec![self.intermediate.sign(&self.agent), intermediate]
    }

    pub(crate) fn anchors(&self) -> TrustAnchors {
        anchors(&[self.root.sign(&self.root.certificate)])
    }

    pub(crate) fn check(&self) -> Result<(), TrustError> {
        check(&self.file(), &self.anchors())
    }
}

pub(crate) fn anchors(certificates: &[Vec<u8>]) -> TrustAnchors {
    TrustAnchors::from_pem(&pem(certificates)).unwrap()
}

pub(crate) fn check(file: &[Vec<u8>], anchors: &TrustAnchors) -> Result<(), TrustError> {
    check_at(file, anchors, NOW)
}

pub(crate) fn check_at(
    file: &[Vec<u8>],
    anchors: &TrustAnchors,
    now: UnixTime,
) -> Result<(), TrustError> {
    let policy = ChainPolicy::new(anchors, "a2048");
    Trust::Chain(policy).check(&Certificate::from_pem(&pem(file))?, now)
}
