//! `sealpost validate`: checks a request as the endpoint would.

use clap::Args;
use sealpost_files::{Encoding, FileError};
use sealpost_validator::{MAX_MEMBERS, Slot, Violations, validate_request};

use crate::error::{Exit, Failure};
use crate::io::{self, Input};
use crate::render::json;

/// Arguments of `sealpost validate`.
#[derive(Args, Debug)]
pub(crate) struct Validate {
    #[command(flatten)]
    input: Input,
    /// Print a JSON array of the violations
    #[arg(long)]
    json: bool,
}

impl Validate {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let request = self.input.read(MAX_READ)?;
        // Of text in another encoding, no rule says what is wrong.
        if let Some(encoding) = Encoding::detect(&request) {
            let name = self.input.name();
            return Err(FileError::OtherEncoding { name, encoding }.into());
        }
        let violations = violations(&request);
        let report = match self.json {
            true => format!("{}\n", json(&violations)?),
            false => violations
                .iter()
                .map(|violation| format!("{violation}\n"))
                .collect(),
        };
        io::write_stdout(report.as_bytes())?;
        match violations.is_empty() {
            true => Ok(()),
            false => Err(Failure::silent(Exit::Refused)),
        }
    }
}

/// Returns all violations of a request, in document order. No line repeats a value.
pub(crate) fn violations(request: &[u8]) -> Vec<String> {
    let mut found = Violations::<CAPACITY>::new();
    validate_request(request, &mut [Slot::EMPTY; MAX_MEMBERS], &mut found);
    let mut lines: Vec<String> = found.iter().map(ToString::to_string).collect();
    if found.overflowed() {
        lines.push(format!(
            "#: there are more than {CAPACITY} violations; fix these first"
        ));
    }
    lines
}

/// Far more than a request may have, so that one that is too large is reported like every other violation.
pub(crate) const MAX_READ: usize = 16 << 20;
const CAPACITY: usize = 256;
