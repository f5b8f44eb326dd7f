//! Standard streams that a shell has redirected into a file of the configuration.

use sealpost_server::Streams;

use crate::error::{Exit, Failure};
use crate::io;

/// Fails if a stream is a file of the configuration. Nothing is printed to it: the reason goes to the other one.
pub(crate) fn refuse(streams: &Streams) -> Result<(), Failure> {
    let failure = |name: &str, place: &str| {
        Failure::usage(format!(
            "{name} is redirected into the file of {place}, and nothing was done"
        ))
        .hint("give it a file of its own")
    };
    match (&streams.stdout, &streams.stderr) {
        (None, None) => Ok(()),
        (Some(place), None) => Err(failure("stdout", place)),
        (None, Some(place)) => {
            // Nothing is left to be done if stdout is closed.
            let _ = io::write_stdout(format!("{}\n", failure("stderr", place)).as_bytes());
            Err(Failure::silent(Exit::Usage))
        }
        (Some(_), Some(_)) => Err(Failure::silent(Exit::Usage)),
    }
}
