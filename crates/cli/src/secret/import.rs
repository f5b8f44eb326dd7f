//! `sealpost secret import`: many secrets, a JSON line each.
//!
//! One thread reads lines, `--concurrency` calls run at a time, and one task collects their results, records which lines
//! are stored, and decides whether to go on. Memory holds the lines that are being sent, and 40 bytes for each line that
//! the resume file names.

mod line;
mod lines;
mod resume;
mod tally;

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use sealpost_client::{ClientError, Created, NewSecret};
use sealpost_files::{FileError, quoted};
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};

use super::endpoint::{Endpoint, EndpointArgs};
use super::failure::{exit, is_for_all};
use crate::error::{Exit, Failure};
use line::Line;
use lines::{Lines, Numbered};
use resume::{Digest, Known, Resume};
use tally::{Tally, Trouble};

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
    digest: Option<Digest>,
    result: Result<Created, ClientError>,
}

/// An import that runs.
struct Run {
    endpoint: Arc<Endpoint>,
    resume: Option<Resume>,
    tally: Tally,
    calls: JoinSet<Sent>,
    /// Calls in a row that failed for a reason other than the line.
    in_a_row: usize,
    stopped: Option<String>,
}

impl Import {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let endpoint = self.endpoint.open()?;
        let (input, length) = self.input()?;
        let resume = match &self.resume {
            Some(path) => Some(Resume::open(path, self.endpoint.url(), endpoint.agent())?),
            None => None,
        };
        let run = Run {
            endpoint: Arc::new(endpoint.prepared().await?),
            resume,
            tally: Tally::new(self.json, length),
            calls: JoinSet::new(),
            in_a_row: 0,
            stopped: None,
        };
        run.drive(input, usize::from(self.concurrency)).await
    }

    /// The input, and its length if it has one.
    fn input(&self) -> Result<(File, Option<u64>), Failure> {
        use std::os::fd::AsFd as _;
        if self.file.as_os_str() == "-" {
            let stdin = std::io::stdin().as_fd().try_clone_to_owned();
            return stdin.map(|fd| (File::from(fd), None)).map_err(|e| {
                Failure::usage(format!("cannot read stdin: {e}")).hint("name a file instead")
            });
        }
        let cannot = |e| FileError::new("read", &self.file, e);
        let file = File::open(&self.file).map_err(cannot)?;
        let metadata = file.metadata().map_err(cannot)?;
        if metadata.is_dir() {
            let message = format!("{} is a folder", quoted(&self.file));
            return Err(Failure::usage(message).hint("name a file of JSON lines"));
        }
        Ok((file, metadata.is_file().then_some(metadata.len())))
    }
}

impl Run {
    async fn drive(mut self, input: File, concurrency: usize) -> Result<(), Failure> {
        let mut lines = read(input, concurrency);
        let mut interrupt = std::pin::pin!(tokio::signal::ctrl_c());
        let mut ended = false;
        while !(self.calls.is_empty() && (ended || self.stopped.is_some())) {
            let more = !ended && self.stopped.is_none() && self.calls.len() < concurrency;
            tokio::select! {
                line = lines.recv(), if more => match line {
                    None => ended = true,
                    Some(Ok(line)) => self.start(line)?,
                    Some(Err(error)) => self.stopped = Some(format!("the input can't be read: {error}")),
                },
                Some(sent) = self.calls.join_next(), if !self.calls.is_empty() => self.collect(sent)?,
                _ = &mut interrupt, if self.stopped.is_none() => {
                    self.stopped = Some("interrupted".to_owned());
                }
            }
        }
        self.tally.finish(self.stopped)
    }

    /// Sends a line, unless it is empty, malformed or stored already.
    fn start(&mut self, line: Numbered) -> Result<(), Failure> {
        let (number, length) = (line.number, line.length);
        let parsed = match &line.text {
            Some(text) if text.trim_ascii().is_empty() => {
                self.tally.advance(length);
                return Ok(());
            }
            Some(text) => Line::parse(text),
            None => Err(format!("longer than {} bytes", lines::MAX_LINE)),
        };
        let prepared = parsed
            .map_err(|error| (None, Trouble::Line(error)))
            .and_then(|line| {
                let name = line.name.clone().into_owned();
                self.prepare(number, &line)
                    .map_err(|trouble| (Some(name), trouble))
            });
        match prepared {
            Ok(Some((secret, project, name, digest))) => {
                let endpoint = Arc::clone(&self.endpoint);
                self.calls.spawn(async move {
                    let result = endpoint.create(project.as_deref(), &secret).await;
                    Sent {
                        number,
                        length,
                        name,
                        digest,
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
        number: u64,
        line: &Line<'_>,
    ) -> Result<Option<(NewSecret, Option<String>, String, Option<Digest>)>, Trouble> {
        let mut secret = line.to_send();
        let mut digest = None;
        if let Some(resume) = &self.resume {
            let project = self.endpoint.project();
            let own = resume.digest(number, line, project);
            match resume.known(number, &own) {
                Known::New => {}
                Known::Stored => return Ok(None),
                Known::Other => return Err(Trouble::Line(OTHER.to_owned())),
            }
            // What is sealed here is never sealed to the same bytes twice: to the gateway it is another request.
            if !self.endpoint.seals() {
                let key = resume.idempotency_key(number, line, project);
                secret = secret.with_idempotency_key(key.map_err(Trouble::Call)?);
            }
            digest = Some(own);
        }
        let project = line.project.as_deref().map(str::to_owned);
        Ok(Some((
            secret,
            project,
            line.name.clone().into_owned(),
            digest,
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
        if let Some(resume) = &mut self.resume {
            let decided: Vec<_> = done
                .iter()
                .filter_map(|sent| match &sent.result {
                    Ok(_) => Some((sent.number, sent.digest)),
                    Err(ClientError::Problem(problem)) if matches!(problem.status, 400 | 409) => {
                        Some((sent.number, None))
                    }
                    Err(_) => None,
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
                    () if is_for_all(&error) => Some(format!("line {}: {error}", sent.number)),
                    () if self.in_a_row >= MOST_IN_A_ROW => Some(format!(
                        "{MOST_IN_A_ROW} failed in a row, the last with: {error}"
                    )),
                    () => None,
                };
                let trouble = Trouble::Call(error);
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

/// Reads lines on a thread of its own, at most `ahead` lines ahead. The thread ends with the receiver.
fn read(
    input: impl Read + Send + 'static,
    ahead: usize,
) -> mpsc::Receiver<std::io::Result<Numbered>> {
    let (sender, receiver) = mpsc::channel(ahead);
    std::thread::spawn(move || {
        let mut lines = Lines::new(input);
        while let Some(line) = lines.next().transpose() {
            let failed = line.is_err();
            if sender.blocking_send(line).is_err() || failed {
                break;
            }
        }
    });
    receiver
}

/// After so many failures in a row that no line causes, the gateway, the agent or the token is at fault.
const MOST_IN_A_ROW: usize = 20;
const OTHER: &str = "an earlier run stored another line in this place; give the file as it was, or another --resume";
const AFTER_HELP: &str = "\
A line is {\"name\": \"db\", \"value\": {\"password\": \"…\"}}, with \"key\", \"type\" and \"project\" as needed; \
\"project\" replaces --project. Empty lines are skipped.

With --resume, the same command continues a run that was interrupted. Gateway and agent recognise a line whose answer \
was lost and do not store it twice, as long as they remember it. With --seal-at-source they do not recognise it, and the \
line fails with 409: the secret is there.

Exit codes: 0 all are stored, 1 lines are refused, 2 wrong usage, or lines failed for another reason.";
