//! The keys that an agent opens with, and their certificates.

use std::path::PathBuf;

use sealpost_envelope::{AwsLc, Certificate, Identity, pem};
use sealpost_files::quoted;

use crate::configuration::findings::Weight;
use crate::configuration::named_files;
use crate::configuration::section::Section;

/// An agent's certificate as it stands in its file, and as it was read.
pub(super) struct CertificateFile {
    pub(super) pem: Vec<u8>,
    pub(super) certificate: Certificate,
}

/// Reads the private keys, the current one first.
pub(super) fn read(section: &mut Section<'_>) -> Option<Vec<Identity<AwsLc>>> {
    let place = section.at("identity");
    section.require(
        "identity",
        "give the file of the private key (sealpost keygen creates one), or a list: the current one first, then old \
         ones that still open",
    );
    let paths = section.paths("identity");
    let identity = |path: &PathBuf| {
        let bytes = named_files::read_private(section.findings(), &place, path)?;
        let identity = Identity::from_pem_or_der(&bytes)
            .map_err(|e| section.wrong("identity", format_args!("{}: {e}", quoted(path))))
            .ok()?;
        for skipped in identity.skipped_certificates() {
            let what = format!("{}: {skipped}", quoted(path));
            section.findings().add(Weight::Notice, &place, what);
        }
        Some(identity)
    };
    let all: Vec<_> = paths.iter().map(identity).collect();
    let all: Vec<Identity<AwsLc>> = all.into_iter().collect::<Option<_>>()?;
    for (index, one) in all.iter().enumerate() {
        if all[..index]
            .iter()
            .any(|other| other.key_id() == one.key_id())
        {
            section.wrong("identity", "has the same key twice; name each file once");
            return None;
        }
    }
    (!all.is_empty()).then_some(all)
}

/// Reads the certificate of the current key.
pub(super) fn certificate(section: &mut Section<'_>) -> Option<CertificateFile> {
    section.require("certificate", "give the agent's certificate in PEM or DER");
    let path = section.path("certificate")?;
    let file = named_files::read(section.findings(), &section.at("certificate"), &path)?;
    match Certificate::from_pem_or_der(&file) {
        Ok(certificate) => Some(CertificateFile {
            pem: match Certificate::from_pem(&file) {
                Ok(_) => file.to_vec(),
                // The gateway hands it out in PEM.
                Err(_) => pem::encode("CERTIFICATE", &file).as_bytes().to_vec(),
            },
            certificate,
        }),
        Err(error) => {
            section.wrong("certificate", format_args!("{}: {error}", quoted(&path)));
            None
        }
    }
}

/// Gives each key its certificates: values in JWE and CMS may name the one that they were sealed to.
pub(super) fn add_certificates(
    section: &Section<'_>,
    identities: &mut [Identity<AwsLc>],
    current: &Certificate,
    old: &[PathBuf],
) {
    let Some((identity, _)) = identities.split_first_mut() else {
        return;
    };
    if identity.add_certificate(current.clone()).is_err() {
        section.wrong(
            "certificate",
            "is for another key than the first file of identity: what is sealed to it would not open; name the \
             certificate of that key, or put its key first",
        );
    }
    for path in old {
        let place = section.at("old_certificates");
        let Some(file) = named_files::read(section.findings(), &place, path) else {
            continue;
        };
        match Certificate::from_pem_or_der(&file) {
            Ok(old) => {
                if !identities
                    .iter_mut()
                    .any(|identity| identity.add_certificate(old.clone()).is_ok())
                {
                    section.wrong(
                        "old_certificates",
                        format_args!(
                            "{} is for no key of identity; add its key, or leave it out",
                            quoted(path)
                        ),
                    );
                }
            }
            Err(error) => section.wrong(
                "old_certificates",
                format_args!("{}: {error}", quoted(path)),
            ),
        }
    }
}
