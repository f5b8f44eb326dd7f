//! Why an agent's certificate is trusted: a pin, or an authority.

use std::path::PathBuf;

use sealpost_context::AgentId;
use sealpost_envelope::{
    Certificate, Fingerprint, Trust, TrustPolicy, UnixTime, trust::TrustAnchors,
};
use sealpost_files::quoted;
use sealpost_gateway::directory::AgentCertificate;

use super::identities::CertificateFile;
use crate::configuration::certificate_dates::days_left;
use crate::configuration::findings::Weight;
use crate::configuration::named_files;
use crate::configuration::section::Section;

/// What the section names as the reason.
struct Reason {
    pin: Option<String>,
    ca: Option<PathBuf>,
}

/// Checks the certificate against the pin or the authority; `None` if it is not trusted, which is then noted.
pub(super) fn read(
    section: &mut Section<'_>,
    id: Option<&AgentId>,
    file: Option<&CertificateFile>,
    now: UnixTime,
) -> Option<AgentCertificate> {
    require_reason(section, file);
    let reason = Reason {
        pin: section.text("pin"),
        ca: section.path("ca"),
    };
    if reason.pin.is_some() && reason.ca.is_some() {
        section.wrong("pin", "is given beside ca; give one of them");
    }
    let (Some(id), Some(file)) = (id, file) else {
        // What can be said without them.
        if let Some(Err(error)) = reason.pin.map(|pin| pin.parse::<Fingerprint>()) {
            section.wrong("pin", error);
        }
        return None;
    };
    check_dates(section, &file.certificate, now);
    trusted(section, id, file, reason)
}

fn trusted(
    section: &Section<'_>,
    id: &AgentId,
    CertificateFile { pem, certificate }: &CertificateFile,
    reason: Reason,
) -> Option<AgentCertificate> {
    let (key, trust) = match (reason.pin, reason.ca) {
        (Some(pin), None) => {
            let pin: Fingerprint = pin.parse().map_err(|e| section.wrong("pin", e)).ok()?;
            ("pin", TrustPolicy::pinned([pin]))
        }
        (None, Some(path)) => {
            let bytes = named_files::read(section.findings(), &section.at("ca"), &path)?;
            let anchors = TrustAnchors::from_pem_or_der(&bytes)
                .map_err(|e| section.wrong("ca", format_args!("{}: {e}", quoted(&path))))
                .ok()?;
            for skipped in anchors.skipped() {
                let what = format!("{}: {skipped}", quoted(&path));
                section
                    .findings()
                    .add(Weight::Notice, section.at("ca"), what);
            }
            ("ca", TrustPolicy::chain(anchors))
        }
        // Both or neither, which has been noted.
        (Some(_), Some(_)) | (None, None) => return None,
    };
    let trusted = AgentCertificate::new(*id, pem, &trust)
        .map_err(|e| section.wrong(key, e))
        .ok()?;
    if key == "pin" && certificate.agent_ids().next().is_none() {
        let what = format!(
            "the certificate names no agent, and only the pin says that it is that of {id}; issue one with the \
             subjectAltName URI:urn:sealpost:agent:{id}"
        );
        section
            .findings()
            .add(Weight::Notice, section.at("pin"), what);
    }
    Some(trusted)
}

fn check_dates(section: &Section<'_>, certificate: &Certificate, now: UnixTime) {
    if let Err(error) = Trust::check_validity(certificate, now) {
        let what = format!("{error}; until then its requests are refused");
        section
            .findings()
            .add(Weight::Degraded, section.at("certificate"), what);
    } else if let Some(days) = days_left(certificate.not_after(), now) {
        let what = format!("ends in {days} days; create a new one in time");
        section
            .findings()
            .add(Weight::Notice, section.at("certificate"), what);
    }
}

/// Notes it if there is neither a pin nor an authority.
fn require_reason(section: &Section<'_>, file: Option<&CertificateFile>) {
    if section.has("ca") {
        return;
    }
    let compare = file.map_or_else(String::new, |file| {
        format!(
            ". If the agent's operator names the same, it is {}",
            file.certificate.fingerprint()
        )
    });
    section.require(
        "pin",
        &format!(
            "give the certificate's SHA-256, or ca, the file of the authority that issued it{compare}"
        ),
    );
}
