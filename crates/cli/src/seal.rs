//! `sealpost seal`: bytes in, an envelope out.

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use sealpost_envelope::{
    AwsLc, Certificate, Fingerprint, MAX_MESSAGE, OsRng, Recipient, Trust, UnixTime, text,
};

use crate::context::ContextArgs;
use crate::error::Failure;
use crate::io::{self, InputOutput};
use crate::render::quoted;

/// Arguments of `sealpost seal`.
#[derive(Args, Debug)]
#[command(group(ArgGroup::new("trust").required(true)))]
pub(crate) struct Seal {
    /// A certificate (PEM or DER) of one who may open it; repeat it for up to 16
    #[arg(long, value_name = "CERT.pem", required = true)]
    to: Vec<PathBuf>,
    /// SHA-256 of the certificate's DER in hex; repeated, every certificate must match one
    #[arg(long, value_name = "SHA256", group = "trust")]
    pin: Vec<Fingerprint>,
    /// Seal to whatever certificate is given: whoever swapped the file reads the secret
    #[arg(long, group = "trust")]
    danger_trust_any_certificate: bool,
    #[command(flatten)]
    context: ContextArgs,
    /// The time at which the certificates must be valid [default: now]
    #[arg(long, value_name = "RFC3339", value_parser = rfc3339)]
    now: Option<UnixTime>,
    /// Write the binary form, not a line of text
    #[arg(long)]
    binary: bool,
    #[command(flatten)]
    io: InputOutput,
}

impl Seal {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let context = self.context.parse()?;
        let recipients = self.recipients()?;
        let plaintext = self.io.input.read(MAX_MESSAGE)?;
        let envelope = sealpost_envelope::seal(&recipients, &context, &plaintext, &mut OsRng)
            .map_err(Failure::refused)?;
        if self.binary {
            return self.io.write(&envelope);
        }
        let mut line = text::encode(&envelope);
        line.push('\n');
        self.io.write(line.as_bytes())
    }

    fn recipients(&self) -> Result<Vec<Recipient<AwsLc>>, Failure> {
        let trust = match self.danger_trust_any_certificate {
            true => Trust::DangerAnyCertificate,
            false => Trust::Pinned(&self.pin),
        };
        let now = self.now.unwrap_or_else(UnixTime::now);
        let recipient = |path: &PathBuf| {
            let bytes = io::read_file(path, MAX_CERTIFICATE)?;
            Certificate::from_pem_or_der::<AwsLc>(&bytes)
                .and_then(|certificate| Recipient::from_certificate(&certificate, &trust, now))
                .map_err(|e| Failure::refused(format!("{}: {e}", quoted(path))))
        };
        self.to.iter().map(recipient).collect()
    }
}

fn rfc3339(text: &str) -> Result<UnixTime, String> {
    let time =
        humantime::parse_rfc3339(text).map_err(|e| format!("{e}, give 2027-01-31T12:00:00Z"))?;
    let since_1970 = time.duration_since(std::time::UNIX_EPOCH);
    since_1970
        .map(|d| UnixTime::from_secs(d.as_secs()))
        .map_err(|_| "before 1970".to_owned())
}

/// Far more than the envelope's own limit, so that the error is its own.
const MAX_CERTIFICATE: usize = 1 << 20;
