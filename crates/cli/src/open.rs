//! `sealpost open`: an envelope in, exactly the bytes that were sealed out.

use std::path::{Path, PathBuf};

use clap::Args;
use sealpost_envelope::{AwsLc, Error, Identity, OsRng, ParseError, text};
use zeroize::Zeroizing;

use crate::context::ContextArgs;
use crate::error::Failure;
use crate::io::{self, Input, InputOutput};
use crate::render::quoted;

/// Arguments of `sealpost open`.
#[derive(Args, Debug)]
pub(crate) struct Open {
    /// The private key in PEM: PKCS#8, as `sealpost keygen` writes it, or PKCS#1
    #[arg(long, value_name = "KEY.pem")]
    identity: PathBuf,
    #[command(flatten)]
    context: ContextArgs,
    #[command(flatten)]
    io: InputOutput,
}

impl Open {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let context = self.context.parse()?;
        let identity = read_identity(&self.identity)?;
        let input = &self.io.input;
        let envelope = decode(input.read(MAX_ENVELOPE)?).map_err(|e| malformed(input, e))?;
        match sealpost_envelope::open(&identity, &envelope, &context, &mut OsRng) {
            Ok(plaintext) => self.io.write(&plaintext),
            Err(Error::Parse(error)) => Err(malformed(input, error)),
            Err(error @ Error::Open(_)) => Err(Failure::cannot_open(error).hint(
                "give exactly the --agent-id, --name, --key, --type and --project that it was sealed with",
            )),
            Err(error) => Err(Failure::cannot_open(error)),
        }
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

fn read_identity(path: &Path) -> Result<Identity<AwsLc>, Failure> {
    let pem = io::read_file(path, MAX_IDENTITY)?;
    Identity::from_pem(&pem).map_err(|e| Failure::refused(format!("{}: {e}", quoted(path))))
}

/// The largest message for 16 recipients, padded and as text, takes 92 MB.
pub(crate) const MAX_ENVELOPE: usize = 128 << 20;
/// More than a key of 8192 bits needs, in bytes of PEM.
const MAX_IDENTITY: usize = 64 * 1024;
