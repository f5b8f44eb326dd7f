//! `sealpost open`: an envelope in, exactly the bytes that were sealed out.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use sealpost_envelope::{
    AwsLc, AwsLcRng, Error, Identity, KeyStatus, Keyring, KeyringError, ParseError, text,
};
use zeroize::Zeroizing;

use crate::batch;
use crate::context::ContextArgs;
use crate::error::Failure;
use crate::io::{self, Input, InputOutput};
use crate::render::quoted;

/// Arguments of `sealpost open`.
#[derive(Args, Debug)]
pub(crate) struct Open {
    /// The private key in PEM: PKCS#8, as `sealpost keygen` writes it, or PKCS#1; repeat it to add old ones after the
    /// current one
    #[arg(long, value_name = "KEY.pem", required = true)]
    identity: Vec<PathBuf>,
    #[command(flatten)]
    context: ContextArgs,
    /// Open what `sealpost seal --batch` wrote: a JSON line for each secret, as they went in
    #[arg(long)]
    batch: bool,
    #[command(flatten)]
    io: InputOutput,
}

impl Open {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let owner = self.context.owner()?;
        let keyring = read_keyring(&self.identity)?;
        let input = &self.io.input;
        if self.batch {
            let lines = input.read(batch::MAX_INPUT)?;
            let (opened, status) = batch::open(&keyring, owner, &lines)
                .map_err(|e| e.context(&self.io.input.name()))?;
            note_old_key(status);
            return self.io.write(&opened);
        }
        let context = self.context.parse()?;
        let envelope = decode(input.read(MAX_ENVELOPE)?).map_err(|e| malformed(input, e))?;
        let opened = keyring
            .open(&envelope, &context, &mut AwsLcRng)
            .map_err(|e| failure(input, e))?;
        note_old_key(opened.status);
        self.io.write(&opened.plaintext)
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
    Failure::refused(format!("{}: {error}", input.name()))
        .hint("give an envelope as `sealpost seal` writes it, as text or binary")
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

/// The first key is the current one.
fn read_keyring(paths: &[PathBuf]) -> Result<Keyring<Identity<AwsLc>>, Failure> {
    let mut keyring: Option<Keyring<_>> = None;
    for path in paths {
        let identity = read_identity(path)?;
        match &mut keyring {
            None => keyring = Some(Keyring::new(identity)),
            Some(keyring) => keyring
                .add_old(identity)
                .map_err(|e| Failure::refused(format!("{}: {e}", quoted(path))))?,
        }
    }
    keyring.ok_or_else(|| Failure::usage("no --identity is given"))
}

fn read_identity(path: &Path) -> Result<Identity<AwsLc>, Failure> {
    let bytes = io::read_file(path, MAX_IDENTITY)?;
    Identity::from_pem_or_der(&bytes)
        .map_err(|e| Failure::refused(format!("{}: {e}", quoted(path))))
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
/// More than a key of 8192 bits and its certificates need, in bytes of PEM.
const MAX_IDENTITY: usize = 256 * 1024;
