//! `sealpost wrap`: a value and its context in one object, for formats that bind no context.

use clap::{ArgGroup, Args};
use sealpost_envelope::{binding::Binding, wrapper};
use sealpost_validator::{MAX_MEMBERS, Naming, Slot, Violations, validate_value};
use zeroize::Zeroizing;

use crate::context::{ContextArgs, ExpiryArgs};
use crate::error::Failure;
use crate::io::{Input, InputOutput};

/// Arguments of `sealpost wrap`.
#[derive(Args, Debug)]
#[command(
    group(ArgGroup::new("whose").args(["agent_id"]).required(true)),
    group(ArgGroup::new("which").args(["name"]).required(true)),
)]
pub(crate) struct Wrap {
    #[command(flatten)]
    context: ContextArgs,
    #[command(flatten)]
    expiry: ExpiryArgs,
    #[command(flatten)]
    io: InputOutput,
}

impl Wrap {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let binding = self.expiry.bind(&self.context.parse()?.borrow())?;
        let value = self.io.input.read_text(MAX_READ)?;
        self.io.write(&wrap(&self.io.input, &binding, &value)?)
    }
}

/// `{"sealpost":{…},"value":{…}}`, if an agent would take the value.
pub(crate) fn wrap(
    input: &Input,
    binding: &Binding,
    value: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let key = binding.context().key();
    let mut scratch = [Slot::EMPTY; MAX_MEMBERS];
    let mut violations = Violations::<16>::new();
    match validate_value(value, key, Naming::Withhold, &mut scratch, &mut violations) {
        Some(object) => Ok(wrapper::wrap(binding, object.as_bytes())),
        None => {
            let lines: Vec<_> = violations.iter().map(ToString::to_string).collect();
            Err(Failure::refused(format!(
                "{}: an agent would refuse the value:\n  {}",
                input.name(),
                lines.join("\n  ")
            )))
        }
    }
}

/// Far more than a value may have, so that what is too large is told like every other violation.
pub(crate) const MAX_READ: usize = 16 << 20;
