//! `sealpost keygen`: an agent's identity and its self-signed certificate.

pub(crate) mod certificate;

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::RsaKeyPair;
use clap::Args;
use sealpost_context::AgentId;
use sealpost_files::{Access, FileError, create, create_folder};
use zeroize::Zeroizing;

use crate::context::refused;
use crate::error::Failure;
use crate::io;
use crate::render::{armored, hex, rfc3339, shell_word};
use certificate::AgentCertificate;

/// Arguments of `sealpost keygen`.
#[derive(Args, Debug)]
pub(crate) struct Keygen {
    /// The agent's id: 1 to 64 of `A-Z a-z 0-9 _ -`
    #[arg(long, value_name = "ID")]
    agent_id: String,
    /// The folder to write identity.pem and agent.pem to; made if it does not exist
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The size of the RSA key
    #[arg(long, default_value = "3072", value_parser = key_size, value_name = "2048|3072|4096")]
    bits: KeySize,
    /// How many days the certificate is valid
    #[arg(long, default_value_t = 398, value_parser = clap::value_parser!(u16).range(1..=3650))]
    days: u16,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A key pair just made and the certificate for it, both as PEM.
pub(crate) struct AgentKey {
    /// PKCS#8, RFC 5958: the private key.
    pub(crate) identity_pem: Zeroizing<Vec<u8>>,
    pub(crate) certificate_pem: Vec<u8>,
    /// SHA-256 of the certificate's DER.
    pub(crate) fingerprint: [u8; 32],
    /// SHA-256 of the SubjectPublicKeyInfo's DER.
    pub(crate) key_id: [u8; 32],
    pub(crate) not_before: SystemTime,
    pub(crate) not_after: SystemTime,
}

impl Keygen {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let agent_id = self.agent_id.parse::<AgentId>();
        let agent_id = agent_id.map_err(|broken| refused("--agent-id", &broken))?;
        let identity = self.out.join(IDENTITY_FILE);
        let certificate = self.out.join(CERTIFICATE_FILE);
        // Making a key takes seconds: say at once that it would be for nothing.
        for path in [&identity, &certificate] {
            if path.symlink_metadata().is_ok() {
                return Err(FileError::Exists { path: path.clone() }.into());
            }
        }
        let key = AgentKey::generate(agent_id.as_str(), self.bits, self.days)?;
        create_folder(&self.out)?;
        key.write(&self.out)?;

        let report = if self.json {
            let report = serde_json::json!({
                "agentId": agent_id.as_str(),
                "identity": identity,
                "certificate": certificate,
                "fingerprint": hex(&key.fingerprint),
                "keyId": hex(&key.key_id),
                "notBefore": rfc3339(key.not_before),
                "notAfter": rfc3339(key.not_after),
            });
            format!("{report}\n")
        } else {
            format!(
                "identity     {identity} (private: it opens every secret sealed to this agent)\n\
                 certificate  {certificate} (public: give it to those who seal)\n\
                 fingerprint  {fingerprint}\n\
                 key id       {key_id}\n\
                 valid        {from} to {to}\n\
                 next         sealpost seal --to {recipient} --pin {fingerprint} --agent-id {agent_id} --name my-secret FILE\n",
                identity = identity.display(),
                certificate = certificate.display(),
                recipient = shell_word(&certificate.display().to_string()),
                fingerprint = hex(&key.fingerprint),
                key_id = hex(&key.key_id),
                from = rfc3339(key.not_before),
                to = rfc3339(key.not_after),
            )
        };
        io::write_stdout(report.as_bytes())
    }
}

impl AgentKey {
    /// Makes an RSA key pair and signs its certificate, valid from now on for `days`.
    pub(crate) fn generate(agent_id: &str, bits: KeySize, days: u16) -> Result<Self, Failure> {
        let key = RsaKeyPair::generate(bits).map_err(|_| failed("making an RSA key"))?;
        let now = SystemTime::now();
        let (not_before, not_after) = (now - CLOCK_SKEW, now + u32::from(days) * DAY);
        let signed = AgentCertificate {
            agent_id,
            key: &key,
            not_before,
            not_after,
        }
        .sign()
        .map_err(|e| failed(format_args!("making the certificate ({e})")))?;
        let private: Pkcs8V1Der<'_> = key.as_der().map_err(|_| failed("encoding the key"))?;
        Ok(Self {
            identity_pem: armored("PRIVATE KEY", private.as_ref())?,
            certificate_pem: armored("CERTIFICATE", &signed.der)?.to_vec(),
            fingerprint: sha256(&signed.der),
            key_id: signed.key_id,
            not_before,
            not_after,
        })
    }

    /// Writes both files. An identity without its certificate would be in the way of the next try,
    /// so it is removed again if the certificate can't be written.
    pub(crate) fn write(&self, folder: &std::path::Path) -> Result<(), Failure> {
        let identity = folder.join(IDENTITY_FILE);
        create(&identity, Access::Owner, &self.identity_pem)?;
        let certificate = folder.join(CERTIFICATE_FILE);
        create(&certificate, Access::Everyone, &self.certificate_pem).inspect_err(|_| {
            let _ = std::fs::remove_file(&identity);
        })?;
        Ok(())
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}

fn key_size(bits: &str) -> Result<KeySize, &'static str> {
    match bits {
        "2048" => Ok(KeySize::Rsa2048),
        "3072" => Ok(KeySize::Rsa3072),
        "4096" => Ok(KeySize::Rsa4096),
        _ => Err("choose 2048, 3072 or 4096"),
    }
}

fn failed(what: impl std::fmt::Display) -> Failure {
    Failure::usage(format!("{what} failed")).hint("try again; if it stays, report it as a bug")
}

pub(crate) const IDENTITY_FILE: &str = "identity.pem";
pub(crate) const CERTIFICATE_FILE: &str = "agent.pem";
/// By so much may the clock of the one who seals be behind ours.
const CLOCK_SKEW: Duration = Duration::from_secs(5 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
