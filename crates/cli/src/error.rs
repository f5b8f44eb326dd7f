//! Failures of subcommands: an exit code, what happened, and what to do about it.

use std::fmt;
use std::process::ExitCode;

use sealpost_envelope::{Error, key::KeyringError};
use sealpost_files::FileError;

/// Why a subcommand stopped. Holds no secret: messages name files, flags and rules, never contents.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    message: String,
    hint: Option<String>,
}

/// The exit codes of every subcommand, except success, which is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The input is refused.
    Refused = 1,
    /// Wrong usage, or a file, socket or terminal failed. The code that clap uses as well.
    Usage = 2,
    /// The envelope does not open.
    CannotOpen = 3,
}

impl Failure {
    pub(crate) fn refused(message: impl fmt::Display) -> Self {
        Self::new(Exit::Refused, message)
    }

    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self::new(Exit::Usage, message)
    }

    pub(crate) fn cannot_open(message: impl fmt::Display) -> Self {
        Self::new(Exit::CannotOpen, message)
    }

    /// The failure of an envelope that is well formed.
    pub(crate) fn of_opening(error: KeyringError) -> Self {
        match error {
            KeyringError::Opening(Error::Open(error)) => Self::cannot_open(error).hint(
                "give exactly the --agent-id, --name, --key, --type and --project that it was sealed with",
            ),
            KeyringError::Opening(error @ Error::NotSingle { .. }) => {
                Self::cannot_open(error).hint("give --batch")
            }
            error => Self::cannot_open(error),
        }
    }

    /// Adds what to do, for messages that don't say it themselves.
    pub(crate) fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }

    /// Says where it happened.
    pub(crate) fn context(mut self, place: &str) -> Self {
        self.message = format!("{place}: {}", self.message);
        self
    }

    /// Returns what happened, without the hint, for the middle of another message.
    pub(crate) fn summary(self) -> String {
        self.message
    }

    /// Ends the program without a message: stdout has everything already.
    pub(crate) fn silent(exit: Exit) -> Self {
        Self::new(exit, "")
    }

    /// Says it through `say`, and leaves nothing but the exit code.
    #[cfg(unix)]
    pub(crate) fn said(self, say: impl FnOnce(&str)) -> Self {
        if !self.is_silent() {
            say(&format!("{self}\n"));
        }
        Self::silent(self.exit)
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.exit as u8)
    }

    pub(crate) fn is_silent(&self) -> bool {
        self.message.is_empty()
    }

    fn new(exit: Exit, message: impl fmt::Display) -> Self {
        Self {
            exit,
            message: message.to_string(),
            hint: None,
        }
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        let exit = match error {
            FileError::TooLarge { .. }
            | FileError::OtherEncoding { .. }
            | FileError::MarkedBinary { .. }
            | FileError::NotAFile { .. }
            | FileError::Exposed { .. } => Exit::Refused,
            FileError::Failed { .. } | FileError::Unreadable { .. } | FileError::Exists { .. } => {
                Exit::Usage
            }
        };
        Self::new(exit, &error).hint(error.hint())
    }
}

#[cfg(unix)]
impl From<sealpost_server::Error> for Failure {
    fn from(error: sealpost_server::Error) -> Self {
        use sealpost_server::Error;
        let exit = match error {
            Error::File(error) => return error.into(),
            Error::NotUtf8 { .. }
            | Error::NotToml { .. }
            | Error::Refused(_)
            | Error::Identities(_) => Exit::Refused,
            Error::Key(_)
            | Error::Agent(_)
            | Error::Vault(_)
            | Error::NoFolderVault
            | Error::Ledger(_)
            | Error::Listen { .. }
            | Error::ResolveSocket { .. } => Exit::Usage,
            Error::Descriptors(_) => Exit::Refused,
        };
        let failure = Self::new(exit, &error);
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

#[cfg(unix)]
impl From<sealpost_server::Failure> for Failure {
    fn from(failure: sealpost_server::Failure) -> Self {
        Self::usage(format!("stopped because a part failed: {failure}"))
            .hint("look into the log, then start it again: the start checks the files")
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\n hint: {hint}"),
            None => Ok(()),
        }
    }
}
