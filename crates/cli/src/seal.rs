//! `sealpost seal`: bytes in, an envelope out.

use clap::Args;
use sealpost_envelope::{AwsLcRng, MAX_MESSAGE, text};

use crate::batch;
use crate::context::ContextArgs;
use crate::error::Failure;
use crate::io::InputOutput;
use crate::trust::TrustArgs;

/// Arguments of `sealpost seal`.
#[derive(Args, Debug)]
pub(crate) struct Seal {
    #[command(flatten)]
    trust: TrustArgs,
    #[command(flatten)]
    context: ContextArgs,
    /// Seal many secrets behind one RSA operation: a JSON line each, with "name", "value" and, as needed, "key" and
    /// "type"; "base64" in place of "value" for bytes that are no JSON
    #[arg(long)]
    batch: bool,
    /// Write the binary form, not a line of text
    #[arg(long, conflicts_with = "batch")]
    binary: bool,
    #[command(flatten)]
    io: InputOutput,
}

impl Seal {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let owner = self.context.owner()?;
        let recipients = self.trust.recipients(owner.agent_id)?;
        if self.batch {
            let lines = self.io.input.read(batch::MAX_INPUT)?;
            let sealed = batch::seal(&recipients, owner, &lines)
                .map_err(|e| e.context(&self.io.input.name()))?;
            return self.io.write(sealed.as_bytes());
        }
        let context = self.context.parse()?;
        let plaintext = self.io.input.read(MAX_MESSAGE)?;
        let envelope = sealpost_envelope::seal(&recipients, &context, &plaintext, &mut AwsLcRng)
            .map_err(Failure::refused)?;
        if self.binary {
            return self.io.write(&envelope);
        }
        let mut line = text::encode(&envelope);
        line.push('\n');
        self.io.write(line.as_bytes())
    }
}
