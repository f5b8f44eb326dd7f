//! `sealpost open`: an envelope, JWE or CMS message in, exactly the bytes that were sealed out.

mod keys;
mod standard;

use std::io::Write as _;
use std::path::PathBuf;

use clap::{ArgGroup, Args};
use sealpost_context::OwnedContext;
use sealpost_envelope::{AwsLcRng, Error, Format, KeyStatus, KeyringError, ParseError, text};
use zeroize::Zeroizing;

use crate::batch;
use crate::context::ContextArgs;
use crate::error::Failure;
use crate::io::{Input, InputOutput};

pub(crate) use self::standard::{parse_cms, parse_jwe};

/// Arguments of `sealpost open`.
#[derive(Args, Debug)]
#[command(
    group(ArgGroup::new("whose").args(["agent_id", "danger_accept_unbound"]).required(true)),
    group(ArgGroup::new("which").args(["name", "batch", "danger_accept_unbound"]).required(true)),
)]
pub(crate) struct Open {
    /// The private key in PEM: PKCS#8, as `sealpost keygen` writes it, or PKCS#1; repeat it to add old ones after the
    /// current one
    #[arg(long, value_name = "KEY.pem", required = true)]
    identity: Vec<PathBuf>,
    /// A certificate of one of these keys, by which CMS and most JWEs name it; not needed if it is in the key's file,
    /// or as agent.pem beside it
    #[arg(long, value_name = "CERT.pem")]
    certificate: Vec<PathBuf>,
    #[command(flatten)]
    context: ContextArgs,
    /// For JWE and CMS: open it whatever it was sealed for, or if it is bound to nothing, and print all that was
    /// sealed. It may be another secret than you think
    #[arg(long, conflicts_with_all = ["key", "secret_type", "project"])]
    danger_accept_unbound: bool,
    /// Open what `sealpost seal --batch` wrote: a JSON line for each secret, as they went in
    #[arg(long, conflicts_with_all = ["key", "secret_type"])]
    batch: bool,
    #[command(flatten)]
    io: InputOutput,
}

impl Open {
    pub(crate) fn run(self) -> Result<(), Failure> {
        if self.batch {
            return self.open_batch();
        }
        let context = match self.danger_accept_unbound {
            true => None,
            false => Some(self.context.parse()?),
        };
        let borrowed = context.as_ref().map(OwnedContext::borrow);
        let keyring = keys::read(&self.identity, &self.certificate)?;
        let input = &self.io.input;
        let sealed = input.read(MAX_ENVELOPE)?;
        match Format::detect(&sealed) {
            Some(Format::JweCompact | Format::JweJson) => {
                let opened = standard::jwe(&keyring, input, &sealed, borrowed.as_ref())?;
                note_old_key(opened.status);
                return self.io.write(&opened.plaintext);
            }
            Some(Format::Cms | Format::CmsPem) => {
                let (opened, value) = standard::cms(&keyring, input, &sealed, borrowed.as_ref())?;
                note_old_key(opened.status);
                return self
                    .io
                    .write(opened.plaintext.get(value).unwrap_or_default());
            }
            _ => {}
        }
        let context = borrowed.ok_or_else(|| {
            Failure::usage("an envelope in the native format opens only for its context")
                .hint("say whose secret it is with --agent-id and --name")
        })?;
        let envelope = decode(sealed).map_err(|e| malformed(input, e))?;
        let opened = keyring
            .open(&envelope, &context, &mut AwsLcRng)
            .map_err(|e| failure(input, e))?;
        note_old_key(opened.status);
        self.io.write(&opened.plaintext)
    }

    fn open_batch(&self) -> Result<(), Failure> {
        let owner = self.context.owner()?;
        let keyring = keys::read(&self.identity, &self.certificate)?;
        let input = &self.io.input;
        let lines = input.read(batch::MAX_INPUT)?;
        // A JWE in JSON begins as a line does, and is told by its members.
        if let Some(format @ (Format::JweCompact | Format::Cms | Format::CmsPem)) =
            Format::detect(&lines)
        {
            return Err(Failure::refused(format!(
                "{}: a batch is in the native format, and this is {format}",
                input.name()
            ))
            .hint("leave --batch out, and say which secret it is"));
        }
        let (opened, status) =
            batch::open(&keyring, &owner, &lines).map_err(|e| e.context(&input.name()))?;
        note_old_key(status);
        self.io.write(&opened)
    }
}

fn failure(input: &Input, error: KeyringError) -> Failure {
    match error {
        KeyringError::Opening(Error::Parse(error)) => malformed(input, error),
        error => cannot_open(error),
    }
}

/// The failure of an envelope that is well formed.
pub(crate) fn cannot_open(error: KeyringError) -> Failure {
    match error {
        KeyringError::Opening(Error::Open(error)) => Failure::cannot_open(error).hint(
            "give exactly the --agent-id, --name, --key, --type and --project that it was sealed with",
        ),
        KeyringError::Opening(error @ Error::NotSingle { .. }) => {
            Failure::cannot_open(error).hint("give --batch")
        }
        error => Failure::cannot_open(error),
    }
}

/// The refusal of an input that is no envelope.
pub(crate) fn malformed(input: &Input, error: ParseError) -> Failure {
    Failure::refused(format!("{}: {error}", input.name())).hint(
        "give an envelope as `sealpost seal` writes it, as text or binary, or a JWE or CMS message",
    )
}

/// The binary form of an envelope that comes in either form. A line break may end the text form.
pub(crate) fn decode(input: Zeroizing<Vec<u8>>) -> Result<Vec<u8>, ParseError> {
    if !is_text(&input) {
        return Ok(input.to_vec());
    }
    let line = match input.strip_suffix(b"\n") {
        Some(line) => line.strip_suffix(b"\r").unwrap_or(line),
        None => &input,
    };
    text::decode(str::from_utf8(line).map_err(|_| ParseError::TextEncoding)?)
}

/// The binary form has its version, a small number, where the text form has a dot.
pub(crate) fn is_text(input: &[u8]) -> bool {
    input.starts_with(b"sealpost.")
}

fn note_old_key(status: KeyStatus) {
    if status == KeyStatus::Old {
        // Nothing is lost if stderr is closed.
        let _ = writeln!(
            std::io::stderr(),
            "note: opened with an old key; seal it anew before that key is deleted"
        );
    }
}

/// The largest message for 16 recipients, padded and as text, takes 92 MB.
pub(crate) const MAX_ENVELOPE: usize = 128 << 20;
