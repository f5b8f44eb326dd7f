//! `sealpost seal`: bytes in, an envelope out, or the same as JWE or CMS.

use clap::{ArgGroup, Args, ValueEnum};
use sealpost_context::AgentId;
use sealpost_envelope::{
    AwsLc, AwsLcRng, Recipient, SealError, binding::Binding, cms, jwe, native::MAX_MESSAGE, text,
};
use zeroize::Zeroizing;

use crate::batch;
use crate::context::{ContextArgs, ExpiryArgs};
use crate::error::Failure;
use crate::io::InputOutput;
use crate::trust::TrustArgs;
use crate::wrap::{self, wrap};

/// Arguments of `sealpost seal`.
#[derive(Args, Debug)]
#[command(
    group(ArgGroup::new("whose").args(["agent_id", "danger_unbound"]).required(true).multiple(true)),
    group(ArgGroup::new("which").args(["name", "batch", "danger_unbound"]).required(true)),
)]
pub(crate) struct Seal {
    #[command(flatten)]
    trust: TrustArgs,
    #[command(flatten)]
    context: ContextArgs,
    /// The format
    #[arg(long, value_enum, default_value_t = Format::Native)]
    format: Format,
    #[command(flatten)]
    expiry: ExpiryArgs,
    /// For JWE and CMS: bind to no context. Anyone who holds the message can give it out for another secret; an agent
    /// refuses it
    #[arg(long, conflicts_with_all = ["key", "secret_type", "project", "expires_in"])]
    danger_unbound: bool,
    /// Seal many secrets behind one RSA operation: a JSON line each, with "name", "value" and, as needed, "key" and
    /// "type"; "base64" in place of "value" for bytes that are no JSON
    #[arg(long, conflicts_with_all = ["key", "secret_type"])]
    batch: bool,
    /// Write the native format's binary form, not a line of text
    #[arg(long, conflicts_with = "batch")]
    binary: bool,
    #[command(flatten)]
    io: InputOutput,
}

/// What `--format` takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Format {
    /// This product's own: bound, committing, of hidden length
    Native,
    /// JWE in compact serialisation, for one recipient
    Jwe,
    /// JWE in JSON: flattened for one recipient, general for several
    JweJson,
    /// CMS in DER; the value, which must be a JSON object, is wrapped with its context
    Cms,
    /// The same in PEM
    CmsPem,
}

impl Seal {
    pub(crate) fn run(self) -> Result<(), Failure> {
        self.check_usage()?;
        let agent_id = self.context.agent_id()?;
        let agent_id = agent_id.as_ref().map_or("", AgentId::as_str);
        let recipients = self.trust.recipients(agent_id)?;
        if self.batch {
            let lines = self.io.input.read_text(batch::MAX_INPUT)?;
            let sealed = batch::seal(&recipients, &self.context.owner()?, &lines)
                .map_err(|e| e.context(&self.io.input.name()))?;
            return self.io.write(sealed.as_bytes());
        }
        match self.format {
            Format::Native => self.native(&recipients),
            Format::Jwe | Format::JweJson => self.jwe(&recipients),
            Format::Cms | Format::CmsPem => self.cms(&recipients),
        }
    }

    /// What the flags' declarations can't say.
    fn check_usage(&self) -> Result<(), Failure> {
        let native = self.format == Format::Native;
        let wrong = |what: &str, hint: &str| Err(Failure::usage(what).hint(hint));
        if self.batch && !native {
            return wrong(
                "a batch is sealed in the native format only",
                "leave --format out, or seal each secret on its own",
            );
        }
        if self.binary && !native {
            return wrong(
                "--binary is for the native format",
                "leave it out; --format cms is binary as it is",
            );
        }
        if self.danger_unbound && native {
            return wrong(
                "the native format always binds to a context",
                "say whose secret it is with --agent-id and --name, or choose another --format",
            );
        }
        if self.expiry.is_given() && native {
            return wrong(
                "the native format carries no end of its use",
                "leave --expires-in out, or give --format jwe",
            );
        }
        if self.trust.is_by_chain() && self.context.agent_id()?.is_none() {
            return wrong(
                "--ca trusts a certificate for the agent that it names",
                "add --agent-id, or give --pin",
            );
        }
        Ok(())
    }

    fn native(&self, recipients: &[Recipient<AwsLc>]) -> Result<(), Failure> {
        let context = self.context.parse()?;
        let plaintext = self.io.input.read(MAX_MESSAGE)?;
        let envelope =
            sealpost_envelope::seal(recipients, &context.borrow(), &plaintext, &mut AwsLcRng)
                .map_err(Failure::refused)?;
        if self.binary {
            return self.io.write(&envelope);
        }
        self.line(text::encode(&envelope))
    }

    fn jwe(&self, recipients: &[Recipient<AwsLc>]) -> Result<(), Failure> {
        let serialization = match (self.format, recipients.len()) {
            (Format::Jwe, _) => jwe::Serialization::Compact,
            (_, 1) => jwe::Serialization::Flattened,
            _ => jwe::Serialization::General,
        };
        let binding = self.binding()?;
        // What ends is for the endpoint, which takes JSON in UTF-8 alone.
        let plaintext = match self.expiry.is_given() {
            true => self.io.input.read_text(MAX_MESSAGE)?,
            false => self.io.input.read(MAX_MESSAGE)?,
        };
        let sealed = jwe::seal(
            recipients,
            binding.as_ref(),
            serialization,
            &plaintext,
            &mut AwsLcRng,
        );
        self.line(sealed.map_err(|error| {
            match error {
                SealError::OneRecipient { given } => Failure::refused(format!(
                    "a compact JWE has one recipient, {given} are given"
                ))
                .hint("give --format jwe-json"),
                error => Failure::refused(error),
            }
        })?)
    }

    fn cms(&self, recipients: &[Recipient<AwsLc>]) -> Result<(), Failure> {
        let sealed =
            cms::seal(recipients, &self.cms_content()?, &mut AwsLcRng).map_err(Failure::refused)?;
        match self.format {
            Format::CmsPem => self.io.write(cms::to_pem(&sealed).as_bytes()),
            _ => self.io.write(&sealed),
        }
    }

    /// The wrapper, unless it is to be bound to nothing.
    fn cms_content(&self) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let Some(binding) = self.binding()? else {
            return self.io.input.read(MAX_MESSAGE);
        };
        let value = self.io.input.read_text(wrap::MAX_READ)?;
        wrap(&self.io.input, &binding, &value).map_err(|e| {
            e.hint("in CMS a JSON object is wrapped with its context; other bytes go into the native format or a JWE")
        })
    }

    fn binding(&self) -> Result<Option<Binding>, Failure> {
        match self.danger_unbound {
            true => Ok(None),
            false => self.expiry.bind(&self.context.parse()?.borrow()).map(Some),
        }
    }

    fn line(&self, mut line: String) -> Result<(), Failure> {
        line.push('\n');
        self.io.write(line.as_bytes())
    }
}
