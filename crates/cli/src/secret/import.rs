//! `sealpost secret import`: many secrets, a JSON line each.
//!
//! First the input is looked through for names that come twice. Then one thread reads lines, `--concurrency` calls run at a
//! time, and one task collects their results, records which lines are stored and where, and decides whether to go on.
//! Memory holds the lines that are being sent, and some 100 bytes for each line: its name, and what the resume file and the
//! file of results say of it.

mod content;
mod digest;
mod input;
mod journal;
mod line;
mod lines;
mod names;
mod results;
mod resume;
mod tally;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use sealpost_client::{ClientError, Created, NewSecret, ProblemType};
use sealpost_files::quoted;
use tokio::task::{JoinError, JoinSet};

use super::endpoint::{Endpoint, EndpointArgs};
use super::failure::{exit, is_for_all};
use crate::error::{Exit, Failure};
use input::{Checked, Input};
use line::Line;
use lines::Numbered;
use names::Names;
use results::{Results, Stored};
use resume::{Decision, Known, Recognised, Resume};
use tally::{Stop, Tally, Trouble};

/// Arguments of `sealpost secret import`.
#[derive(Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Import {
    #[command(flatten)]
    endpoint: EndpointArgs,
    /// How many secrets are sent at a time
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    concurrency: u16,
    /// Record in this file which lines are stored, and skip the lines that it names; created if it does not exist
    #[arg(long, value_name = "FILE")]
    resume: Option<PathBuf>,
    /// Add a JSON line for each secret that is stored, with its reference, to this file [default: with --resume, that file's
    /// name and `.results.jsonl`; else they are printed]
    #[arg(long, value_name = "FILE")]
    results: Option<PathBuf>,
    /// Print a JSON line for each secret, in the order in which they are done
    #[arg(long)]
    json: bool,
    /// The lines; `-` is stdin
    #[arg(value_name = "FILE.jsonl")]
    file: PathBuf,
}

/// A line on its way.
struct Sent {
    number: u64,
    length: u64,
    name: String,
    project: Option<String>,
    recognised: Option<Recognised>,
    result: Result<Created, ClientError>,
}

/// An import that runs.
struct Run {
    endpoint: Arc<Endpoint>,
    names: Names,
    resume: Option<Resume>,
    results: Option<Results>,
    tally: Tally,
    calls: JoinSet<Sent>,
    /// Calls in a row that failed for a reason other than the line.
    in_a_row: usize,
    stopped: Option<Stop>,
}

/// Returns whether two paths name one file, which need not exist.
fn is_one_file(one: &Path, other: &Path) -> bool {
    let place = |path: &Path| {
        path.canonicalize().ok().or_else(|| {
            let folder = path.parent()?;
            let folder = if folder.as_os_str().is_empty() {
                Path::new(".")
            } else {
                folder
            };
            Some(folder.canonicalize().ok()?.join(path.file_name()?))
        })
    };
    place(one).is_some_and(|one| place(other) == Some(one))
}

impl Import {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let endpoint = self.endpoint.open()?;
        let input = Input::open(&self.file)?;
        let length = input.length();
        if let (Some(resume), Some(results)) = (&self.resume, &self.results)
            && is_one_file(resume, results)
        {
            let what = format!("--resume and --results name one file, {}", quoted(resume));
            return Err(
                Failure::usage(what).hint("give each a file of its own, or leave --results out")
            );
        }
        let resume = self.resume.as_ref();
        let resume = resume.map(|path| Resume::open(path, self.endpoint.url(), endpoint.agent()));
        let resume = resume.transpose()?;
        let results = self
            .results()
            .map(|path| Results::open(&path))
            .transpose()?;
        let mut names = Names::new()?;
        let checked = input.check(&mut names, endpoint.project())?;
        let run = Run {
            endpoint: Arc::new(endpoint.prepared().await?),
            names,
            tally: Tally::new(self.json, length, resume.as_ref(), results.as_ref()),
            resume,
            results,
            calls: JoinSet::new(),
            in_a_row: 0,
            stopped: None,
        };
        run.drive(checked, usize::from(self.concurrency)).await
    }

    /// Where results are kept, if anywhere.
    fn results(&self) -> Option<PathBuf> {
        let beside = self.resume.as_ref().map(|path| {
            let mut name = OsString::from(path);
            name.push(".results.jsonl");
            PathBuf::from(name)
        });
        self.results.clone().or(beside)
    }
}

impl Run {
    async fn drive(mut self, input: Checked, concurrency: usize) -> Result<(), Failure> {
        let mut lines = input.start(concurrency);
        let mut interrupt = std::pin::pin!(tokio::signal::ctrl_c());
        let mut ended = false;
        while !(self.calls.is_empty() && (ended || self.stopped.is_some())) {
            let more = !ended && self.stopped.is_none() && self.calls.len() < concurrency;
            tokio::select! {
                line = lines.recv(), if more => match line {
                    None => ended = true,
                    Some(Ok(line)) => self.start(line)?,
                    Some(Err(error)) => {
                        self.stopped = Some(Stop::Failed(format!("the input can't be read: {error}")));
                    }
                },
                Some(sent) = self.calls.join_next(), if !self.calls.is_empty() => self.collect(sent)?,
                _ = &mut interrupt, if self.stopped.is_none() => {
                    self.stopped = Some(Stop::Failed("interrupted".to_owned()));
                }
            }
        }
        self.tally.finish(self.stopped)
    }

    /// Sends a line, unless it is empty, malformed or stored already.
    fn start(&mut self, line: Numbered) -> Result<(), Failure> {
        let (number, length) = (line.number, line.length);
        let parsed = match &line.text {
            Some(text) if line::unmarked(text).trim_ascii().is_empty() => {
                self.tally.advance(length);
                return Ok(());
            }
            Some(text) => Line::parse(line::unmarked(text)),
            None => Err(format!("longer than {} bytes", lines::MAX_LINE)),
        };
        if let Ok(line) = &parsed
            && let Err(first) = self.names.claim(number, line, self.endpoint.project())
        {
            // Of a file: it has changed since it was looked through.
            let clash = input::clash(first, number, line);
            self.stopped = Some(Stop::Refused(clash));
            return Ok(());
        }
        let prepared = parsed
            .map_err(|error| (None, Box::new(Trouble::Line(error))))
            .and_then(|line| {
                let name = line.name.clone().into_owned();
                (self.prepare(&line)).map_err(|trouble| (Some(name), Box::new(trouble)))
            });
        match prepared {
            Ok(Some((secret, project, name, recognised))) => {
                let endpoint = Arc::clone(&self.endpoint);
                self.calls.spawn(async move {
                    let result = endpoint.create(project.as_deref(), &secret).await;
                    Sent {
                        number,
                        length,
                        name,
                        project,
                        recognised,
                        result,
                    }
                });
                Ok(())
            }
            Ok(None) => {
                self.tally.stored_before();
                self.tally.advance(length);
                Ok(())
            }
            Err((name, trouble)) => {
                self.tally.failed(number, name.as_deref(), &trouble)?;
                self.tally.advance(length);
                Ok(())
            }
        }
    }

    /// Returns what to send for a line; `None` if it is stored already.
    #[expect(clippy::type_complexity, reason = "the parts of one call, used once")]
    fn prepare(
        &self,
        line: &Line<'_>,
    ) -> Result<Option<(NewSecret, Option<String>, String, Option<Recognised>)>, Trouble> {
        let mut secret = line.to_send();
        let mut recognised = None;
        if let Some(resume) = &self.resume {
            let project = self.endpoint.project();
            let own = resume.recognise(line, project);
            match resume.known(&own) {
                Known::New => {}
                Known::Stored => return Ok(None),
                Known::OtherValue => return Err(Trouble::Line(OTHER_VALUE.to_owned())),
                Known::OtherMembers => return Err(Trouble::Line(OTHER_MEMBERS.to_owned())),
            }
            // What is sealed here is never sealed to the same bytes twice: to the gateway it is another request.
            if !self.endpoint.seals() {
                let key = resume.idempotency_key(line, &own);
                secret = secret.with_idempotency_key(key.map_err(Trouble::Call)?);
            }
            recognised = Some(own);
        }
        let project = line.project.as_deref().map(str::to_owned);
        Ok(Some((
            secret,
            project,
            line.name.clone().into_owned(),
            recognised,
        )))
    }

    /// Collects every call that has ended: one write to the disk serves many lines.
    fn collect(&mut self, first: Result<Sent, JoinError>) -> Result<(), Failure> {
        let mut done = Vec::new();
        let mut next = Some(first);
        while let Some(sent) = next {
            let sent = sent.map_err(|e| {
                Failure::usage(format!("a call ended unexpectedly: {e}")).hint("report it as a bug")
            })?;
            done.push(sent);
            next = self.calls.try_join_next();
        }
        // Results first: what the resume file names is not sent again, and its reference is never told again.
        if let Some(results) = &mut self.results {
            let of_flags = self.endpoint.project();
            results.record(done.iter().filter_map(|sent| {
                let created = sent.result.as_ref().ok()?;
                let project = sent.project.as_deref().or(of_flags);
                Some(Stored::new(sent.number, &sent.name, project, created))
            }))?;
        }
        if let Some(resume) = &mut self.resume {
            let decided: Vec<_> = done
                .iter()
                .filter_map(|sent| {
                    let decision = match &sent.result {
                        Ok(_) => Decision::Stored,
                        Err(ClientError::Problem(problem))
                            if matches!(problem.status, 400 | 409) =>
                        {
                            Decision::Refused
                        }
                        Err(error) if error.may_have_been_created() => Decision::Unknown,
                        Err(_) => return None,
                    };
                    Some((sent.recognised?, decision))
                })
                .collect();
            if !decided.is_empty() {
                resume.record(&decided)?;
            }
        }
        for sent in done {
            self.note(sent)?;
        }
        Ok(())
    }

    fn note(&mut self, sent: Sent) -> Result<(), Failure> {
        match sent.result {
            Ok(created) => {
                self.in_a_row = 0;
                self.tally.stored(sent.number, &sent.name, &created)?;
            }
            Err(error) => {
                let of_the_line = exit(&error) == Exit::Refused;
                self.in_a_row = if of_the_line { 0 } else { self.in_a_row + 1 };
                let stop = match () {
                    () if is_for_all(&error) => {
                        Some(Stop::Failed(format!("line {}: {error}", sent.number)))
                    }
                    () if self.in_a_row >= MOST_IN_A_ROW => Some(Stop::Failed(format!(
                        "{MOST_IN_A_ROW} failed in a row, the last with: {error}"
                    ))),
                    () => None,
                };
                let is_taken = matches!(&error, ClientError::Problem(problem)
                    if problem.kind == Some(ProblemType::SecretExists));
                let other =
                    |own| (self.resume.as_ref()).is_some_and(|r| r.may_have_stored_another(own));
                let trouble = match is_taken && sent.recognised.as_ref().is_some_and(other) {
                    true => Trouble::Taken(error),
                    false => Trouble::Call(error),
                };
                self.tally.failed(sent.number, Some(&sent.name), &trouble)?;
                if self.stopped.is_none() {
                    self.stopped = stop;
                }
            }
        }
        self.tally.advance(sent.length);
        Ok(())
    }
}

/// After so many failures in a row that no line causes, the gateway, the agent or the token is at fault.
const MOST_IN_A_ROW: usize = 20;
const OTHER_VALUE: &str = "its value is not the one that an earlier run stored, which is still there, since a secret is \
                           never replaced; put the old value back, or store the new one under another name";
const OTHER_MEMBERS: &str = "its key or type is not the one that an earlier run stored, which is still there; put the old one \
                             back, or store it under another name";
const AFTER_HELP: &str = "\
A line is {\"name\": \"db\", \"value\": {\"password\": \"…\"}}, with \"key\", \"type\" and \"project\" as needed; \
\"project\" replaces --project. Empty lines are skipped.

If two lines have one name, nothing is sent. Of a pipe the first 64 MiB are read before anything is sent; a name that comes \
again after them stops the import before it is sent.

With --resume FILE, the same command continues a run that was interrupted, also if lines were added or moved: a line is \
recognised by name and project. Gateway and agent recognise a line whose answer \
was lost and do not store it twice, as long as they remember it. With --seal-at-source they do not recognise it, and the \
line fails with 409: the secret is there. A line whose value was changed after it was stored is named; white \
space, escapes and the order of members do not count. FILE.key is the key \
under which FILE recognises lines: keep the two together, and who reads FILE alone learns nothing of the values.

Exit codes: 0 all are stored, 1 lines are refused, 2 wrong usage, or lines failed for another reason.";
