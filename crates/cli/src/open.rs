//! `sealpost open`: an envelope, JWE or CMS message in, exactly the bytes that were sealed out.

mod keys;
mod message;
mod unsealed;

use std::io::Write as _;
use std::path::PathBuf;

use clap::{ArgGroup, Args};
use sealpost_context::OwnedContext;
use sealpost_envelope::{Error, Format, Message, key::KeyStatus};

use crate::batch;
use crate::context::ContextArgs;
use crate::error::Failure;
use crate::io::InputOutput;

pub(crate) use self::message::parse;

/// Arguments of `sealpost open`.
#[derive(Args, Debug)]
#[command(
    group(ArgGroup::new("whose").args(["agent_id", "danger_accept_unbound"]).required(true)),
    group(ArgGroup::new("which").args(["name", "batch", "danger_accept_unbound"]).required(true)),
)]
pub(crate) struct Open {
    /// The private key: PKCS#8, as `sealpost keygen` writes it, or PKCS#1, in PEM or DER, or a JWK; repeat it to add old
    /// ones after the current one
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
        let sealed = input.read_text(MAX_ENVELOPE)?;
        let message = parse(input, &sealed)?;
        if let (None, Message::Native(_)) = (&context, &message) {
            return Err(Failure::usage(Error::ContextNeeded)
                .hint("say whose secret it is with --agent-id and --name"));
        }
        let opened = message::open(&keyring, &message, borrowed.as_ref())?;
        note_old_key(opened.status);
        self.io.write(opened.value())
    }

    fn open_batch(&self) -> Result<(), Failure> {
        let owner = self.context.owner()?;
        let keyring = keys::read(&self.identity, &self.certificate)?;
        let input = &self.io.input;
        let lines = input.read_text(batch::MAX_INPUT)?;
        let instead = match message::detect(&lines) {
            Some(Format::CmsPem) => unsealed::instead(&lines),
            _ => None,
        };
        let instead = instead.or_else(|| unsealed::instead_of_batch(message::detect(&lines)?));
        if let Some(instead) = instead {
            return Err(instead.context(&input.name()));
        }
        let (opened, status) =
            batch::open(&keyring, &owner, &lines).map_err(|e| e.context(&input.name()))?;
        note_old_key(status);
        self.io.write(&opened)
    }
}

fn note_old_key(status: KeyStatus) {
    if status == KeyStatus::Old {
        // Nothing is lost if stderr is closed.
        let _ = writeln!(
            std::io::stderr(),
            "note: opened with an old key; seal it again before that key is deleted"
        );
    }
}

/// The largest message for 16 recipients, padded and as text, takes 92 MB.
pub(crate) const MAX_ENVELOPE: usize = 128 << 20;
