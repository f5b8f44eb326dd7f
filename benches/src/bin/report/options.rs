//! What is to be measured.

use std::{env, time::Duration};

use crate::Case;

pub(crate) struct Options {
    pub(crate) json: bool,
    /// A tenth of the time.
    quick: bool,
    filters: Vec<(String, String)>,
}

impl Options {
    /// # Panics
    ///
    /// If an option has no value.
    pub(crate) fn parse() -> Self {
        let mut options = Self {
            json: false,
            quick: false,
            filters: Vec::new(),
        };
        let mut arguments = env::args().skip(1);
        while let Some(argument) = arguments.next() {
            match &*argument {
                "--json" => options.json = true,
                "--quick" => options.quick = true,
                "--backend" | "--op" | "--bits" | "--bytes" => {
                    let value = arguments
                        .next()
                        .expect("an option is followed by its value");
                    options.filters.push((argument, value));
                }
                // What cargo passes.
                _ => {}
            }
        }
        options
    }

    pub(crate) fn wants(&self, case: &Case) -> bool {
        self.filters.iter().all(|(option, value)| match &**option {
            "--backend" => case.backend == value,
            "--op" => case.op.starts_with(value),
            "--bits" => case.bits.is_some_and(|bits| bits.to_string() == *value),
            _ => case.bytes.to_string() == *value,
        })
    }

    /// How long to measure one row of one run.
    pub(crate) fn budget(&self) -> Duration {
        Duration::from_millis(if self.quick { 40 } else { 400 })
    }
}
