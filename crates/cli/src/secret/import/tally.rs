//! What an import prints: a bar while it runs, then which lines failed and why.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use sealpost_client::{ClientError, Created, problem::Problem};
use sealpost_files::printable;
use serde_json::json;

use super::results::Results;
use super::resume::Resume;
use crate::error::{Exit, Failure};
use crate::io;
use crate::secret::failure::exit;

/// How a line failed.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It is malformed; nothing was sent.
    Line(String),
    /// The call failed.
    Call(ClientError),
    /// The name is taken, and an earlier run sent it with another content and may have stored that.
    Taken(ClientError),
}

/// Why an import does not go on.
#[derive(Debug)]
pub(super) enum Stop {
    /// The input is refused.
    Refused(String),
    /// Something failed that no line causes, or it was interrupted.
    Failed(String),
}

/// Counts of what became of the lines, and the failures.
pub(super) struct Tally {
    json: bool,
    /// The name of the file that has the references; without one they are printed.
    results: Option<String>,
    bar: ProgressBar,
    stored: u64,
    stored_before: u64,
    refused: u64,
    failed: u64,
    /// Line numbers and messages; at most [`MOST_LISTED`].
    listed: Vec<(u64, String)>,
}

impl Tally {
    /// `length` is the input's in bytes, if it is known.
    pub(super) fn new(
        json: bool,
        length: Option<u64>,
        resume: Option<&Resume>,
        results: Option<&Results>,
    ) -> Self {
        if let (Some(resume), Some(results)) = (resume, results)
            && resume.stored() > 0
            && results.is_empty()
        {
            // Nothing is lost if stderr is closed.
            let _ = writeln!(
                std::io::stderr(),
                "warning: {} does not have the references of what earlier runs stored; `sealpost name` shows them",
                results.name()
            );
        }
        Self {
            json,
            results: results.map(Results::name),
            bar: bar(length),
            stored: 0,
            stored_before: 0,
            refused: 0,
            failed: 0,
            listed: Vec::new(),
        }
    }

    /// Notes that a line of so many bytes is done.
    pub(super) fn advance(&self, bytes: u64) {
        self.bar.inc(bytes);
        let failed = self.refused + self.failed;
        self.bar
            .set_message(format!("{} stored, {failed} failed", self.stored));
    }

    pub(super) fn stored_before(&mut self) {
        self.stored_before += 1;
    }

    pub(super) fn stored(
        &mut self,
        line: u64,
        name: &str,
        created: &Created,
    ) -> Result<(), Failure> {
        self.stored += 1;
        if !self.json {
            let text = format!("{}: {}", quoted(name), created.resolver_ref);
            return match self.results {
                Some(_) => Ok(()),
                None => self.print(&printable(&text)),
            };
        }
        let report = json!({
            "line": line,
            "name": name,
            "resolver_ref": created.resolver_ref,
            "vaultSecretName": created.vault_secret_name,
        });
        self.print(&report.to_string())
    }

    pub(super) fn failed(
        &mut self,
        line: u64,
        name: Option<&str>,
        why: &Trouble,
    ) -> Result<(), Failure> {
        match why {
            Trouble::Line(_) => self.refused += 1,
            Trouble::Call(error) | Trouble::Taken(error) if exit(error) == Exit::Refused => {
                self.refused += 1;
            }
            Trouble::Call(_) | Trouble::Taken(_) => self.failed += 1,
        }
        if self.json {
            let (problem, open) = match why {
                Trouble::Line(text) => (json!({ "detail": text }), false),
                Trouble::Call(error) => (as_json(error), error.may_have_been_created()),
                Trouble::Taken(error) => {
                    let mut problem = as_json(error);
                    problem["note"] = json!(TAKEN);
                    (problem, error.may_have_been_created())
                }
            };
            let report = json!({
                "line": line,
                "name": name,
                "problem": problem,
                "mayHaveBeenCreated": open,
            });
            self.print(&report.to_string())?;
        }
        if self.listed.len() < MOST_LISTED {
            let why = match why {
                Trouble::Line(text) => text.clone(),
                Trouble::Call(error) => one_line(error),
                Trouble::Taken(error) => format!("{}; {TAKEN}", one_line(error)),
            };
            let name = name.map_or_else(String::new, |name| format!(", {}", quoted(name)));
            self.listed
                .push((line, format!("line {line}{name}: {why}")));
        }
        Ok(())
    }

    /// Prints the result. `stopped` is why not all lines were tried.
    pub(super) fn finish(mut self, stopped: Option<Stop>) -> Result<(), Failure> {
        self.bar.finish_and_clear();
        let failed = self.refused + self.failed;
        self.listed.sort_unstable_by_key(|(line, _)| *line);
        let mut text: String = self
            .listed
            .iter()
            .map(|(_, message)| format!("{message}\n"))
            .collect();
        let unlisted = failed - u64::try_from(self.listed.len()).unwrap_or(failed);
        if unlisted > 0 {
            text += &format!("and {unlisted} more, which --json lists\n");
        }
        let before = match self.stored_before {
            0 => String::new(),
            before => format!(", {before} by an earlier run"),
        };
        text += &format!("{} stored{before}, {failed} failed\n", self.stored);
        if let (Some(results), 1..) = (&self.results, self.stored) {
            text += &format!("their references are in {results}\n");
        }
        // Nothing is left to be done if stderr is closed.
        let _ = std::io::stderr().write_all(text.as_bytes());
        match stopped {
            Some(Stop::Refused(why)) => {
                Err(Failure::refused(format!("not all lines were tried: {why}")).hint(TWICE))
            }
            Some(Stop::Failed(why)) => Err(Failure::usage(format!(
                "not all lines were tried: {why}"
            ))
            .hint("fix it and run the import again; with --resume it goes on where it ended")),
            None if self.failed > 0 => Err(Failure::usage("not all lines were stored")
                .hint("run the import again; with --resume it goes on with those that failed")),
            None if self.refused > 0 => Err(Failure::refused("not all lines were stored")
                .hint("fix the lines that are named; with --resume the others are not sent again")),
            None if self.stored + self.stored_before == 0 => {
                Err(Failure::refused("there are no lines")
                    .hint("look at what should have written them; a line is {\"name\": \"db\", \"value\": {…}}"))
            }
            None => Ok(()),
        }
    }

    fn print(&self, report: &str) -> Result<(), Failure> {
        self.bar
            .suspend(|| io::write_stdout(format!("{report}\n").as_bytes()))
    }
}

fn bar(length: Option<u64>) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let (bar, template) = match length {
        Some(length) => (
            ProgressBar::new(length),
            "{bar:40} {percent}% {msg}, {eta} left",
        ),
        None => (ProgressBar::new_spinner(), "{spinner} {msg}, {elapsed}"),
    };
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.enable_steady_tick(Duration::from_millis(250));
    bar.with_style(style)
}

/// A problem with its violations on one line.
fn one_line(error: &ClientError) -> String {
    match error {
        ClientError::Problem(problem) => {
            let Problem {
                status,
                title,
                violations,
                ..
            } = &**problem;
            let violations = match violations.as_slice() {
                [] => String::new(),
                some => format!(": {}", some.join("; ")),
            };
            let open = match problem.after_unknown {
                true => " (an earlier attempt had no answer: it may have been stored by it)",
                false => "",
            };
            format!("{status} {title}{violations}{open}")
        }
        error => error.to_string(),
    }
}

fn as_json(error: &ClientError) -> serde_json::Value {
    match error {
        ClientError::Problem(problem) => json!({
            "type": problem.urn,
            "title": problem.title,
            "status": problem.status,
            "detail": problem.detail,
            "violations": problem.violations,
            "requestId": problem.request_id,
        }),
        error => json!({ "detail": error.to_string() }),
    }
}

/// A name as messages show it: control characters escaped, not too long.
pub(super) fn quoted(name: &str) -> String {
    let mut shown: String = name
        .chars()
        .take(LONGEST_NAME)
        .flat_map(char::escape_debug)
        .collect();
    if name.chars().nth(LONGEST_NAME).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}

const TAKEN: &str = "an earlier run sent this name with another value, key or type, had no answer, and may have stored it: put \
                     the old line back to find out, or store this one under another name";
/// What to do about a name that comes twice.
pub(super) const TWICE: &str =
    "a name is stored once: keep the line that is right, or give the other another name or project";
/// The memory for failures has a limit.
const MOST_LISTED: usize = 1000;
const LONGEST_NAME: usize = 60;
