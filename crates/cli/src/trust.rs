//! The flags that say which certificates to seal to, and when.

use std::fmt::Display;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};
use sealpost_envelope::{
    AwsLc, Certificate, Fingerprint, Recipient, TrustPolicy, UnixTime,
    trust::{TrustAnchors, TrustError},
};
use sealpost_files::quoted;

use crate::error::Failure;

/// Certificates and the policy that they must satisfy.
#[derive(Args, Debug)]
#[command(group(ArgGroup::new("trust").required(true)))]
pub(crate) struct TrustArgs {
    /// A certificate (PEM or DER) of one who may open it; repeat it for up to 16
    #[arg(long, value_name = "CERT.pem", required = true)]
    to: Vec<PathBuf>,
    /// SHA-256 of the certificate's DER in hex; repeated, every certificate must match one. One certificate at least must
    /// be that of --agent-id, or name no agent
    #[arg(long, value_name = "SHA256", group = "trust")]
    pin: Vec<Fingerprint>,
    /// Authorities (PEM) that must have issued the certificate, to the agent of --agent-id; intermediate ones come
    /// after the certificate in its own file
    #[arg(long, value_name = "CA.pem", group = "trust")]
    ca: Option<PathBuf>,
    /// Seal to whatever certificate is given: anyone who can swap the file can read the secret
    #[arg(long, group = "trust")]
    danger_trust_any_certificate: bool,
    /// With --ca, also take a certificate that names no agent: any such one of that authority then passes
    #[arg(long, requires = "ca")]
    danger_accept_certificate_without_agent_id: bool,
    /// Seal to certificates that have expired, too
    #[arg(long)]
    danger_accept_expired_certificate: bool,
    /// The time at which the certificates must be valid [default: now]
    #[arg(long, value_name = "RFC3339", value_parser = rfc3339)]
    now: Option<UnixTime>,
}

impl TrustArgs {
    /// Returns whether a certificate is trusted for the agent that it names.
    pub(crate) fn is_by_chain(&self) -> bool {
        self.ca.is_some()
    }

    /// The keys of all certificates, every one of which is trusted. With an authority each must name this agent; with pins,
    /// one at least must not name others alone, or the agent could not open what is sealed.
    pub(crate) fn recipients(&self, agent_id: &str) -> Result<Vec<Recipient<AwsLc>>, Failure> {
        let policy = self.policy()?;
        let now = self.now.unwrap_or_else(UnixTime::now);
        let mut certificates = Vec::new();
        for path in &self.to {
            let bytes = sealpost_files::read_text(path, MAX_CERTIFICATE)?;
            let certificate = Certificate::from_pem_or_der(&bytes);
            certificates.push((path, certificate.map_err(|e| refused(path, &e.into()))?));
        }
        let has_own = certificates
            .iter()
            .any(|(_, certificate)| names(certificate, agent_id) != Names::Others);
        let by_pin = !self.pin.is_empty() && !agent_id.is_empty();
        let recipient = |(path, certificate): &(&PathBuf, Certificate)| {
            let named = names(certificate, agent_id);
            let beside = by_pin && has_own && named == Names::Others;
            let trust = policy.for_agent(if beside { "" } else { agent_id });
            let recipient = match self.danger_accept_expired_certificate {
                true => Recipient::danger_from_expired_certificate(certificate, &trust, now),
                false => Recipient::from_certificate(certificate, &trust, now),
            }
            .map_err(|e| refused(path, &e))?;
            if beside {
                let what = "names another agent, which can open what is sealed, too";
                warn(&quoted(path), what);
            } else if by_pin && named == Names::Nobody {
                warn_unnamed(&quoted(path), agent_id);
            }
            Ok(recipient)
        };
        certificates.iter().map(recipient).collect()
    }

    fn policy(&self) -> Result<TrustPolicy, Failure> {
        let policy = match &self.ca {
            Some(path) => TrustPolicy::chain(read_anchors(path)?),
            None if self.danger_trust_any_certificate => TrustPolicy::danger_any_certificate(),
            None => TrustPolicy::pinned(self.pin.iter().copied()),
        };
        Ok(match self.danger_accept_certificate_without_agent_id {
            true => policy.danger_accept_certificate_without_agent_id(),
            false => policy,
        })
    }
}

/// Which agents a certificate names.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Names {
    /// The one meant.
    This,
    /// Others alone.
    Others,
    /// None.
    Nobody,
}

/// Compares the agents that a certificate names with the one meant.
pub(crate) fn names(certificate: &Certificate, agent_id: &str) -> Names {
    let mut named = certificate.agent_ids().map(|id| id == agent_id);
    match named.next() {
        None => Names::Nobody,
        Some(first) if first || named.any(|same| same) => Names::This,
        Some(_) => Names::Others,
    }
}

/// Warns of a pinned certificate that names no agent. `what` is the certificate.
pub(crate) fn warn_unnamed(what: &str, agent_id: &str) {
    warn(
        what,
        &format!(
            "names no agent, and only the pin says that it is that of {agent_id}; issue one with the subjectAltName \
             URI:urn:sealpost:agent:{agent_id}, as `sealpost keygen` does"
        ),
    );
}

/// Warns of a certificate in a file of authorities that is not used.
pub(crate) fn warn_left_out(path: &Path, left_out: impl Display) {
    // Nothing is lost if stderr is closed.
    let _ = writeln!(io::stderr(), "warning: {}: {left_out}", quoted(path));
}

fn warn(what: &str, text: &str) {
    // Nothing is lost if stderr is closed.
    let _ = writeln!(io::stderr(), "warning: {what}: the certificate {text}");
}

fn refused(path: &Path, error: &TrustError) -> Failure {
    Failure::refused(format!("{}: {error}", quoted(path)))
}

fn read_anchors(path: &Path) -> Result<TrustAnchors, Failure> {
    let bytes = sealpost_files::read_text(path, MAX_ANCHORS)?;
    let anchors = TrustAnchors::from_pem_or_der(&bytes)
        .map_err(|e| Failure::refused(format!("{}: {e}", quoted(path))))?;
    for skipped in anchors.skipped() {
        warn_left_out(path, skipped);
    }
    Ok(anchors)
}

fn rfc3339(text: &str) -> Result<UnixTime, String> {
    let time = humantime::parse_rfc3339(text).ok();
    let since_1970 = time.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    let since_1970 = since_1970.map(|since| UnixTime::from_secs(since.as_secs()));
    since_1970.ok_or_else(|| {
        "give a day and a time of the years 1970 to 9999 in UTC, such as 2027-01-31T12:00:00Z"
            .into()
    })
}

/// Far more than the envelope's own limits, so that the errors are its own.
const MAX_CERTIFICATE: usize = 1 << 20;
const MAX_ANCHORS: usize = 4 << 20;
