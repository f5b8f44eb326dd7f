//! The binary, a folder to run it in, and one agent's key for all tests.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

/// The id of the agent of [`agent`].
pub(crate) const AGENT: &str = "berlin-1";

/// A run of the binary that has ended.
pub(crate) struct Run(Output);

/// `sealpost` with arguments, ready to be run or changed further.
pub(crate) fn sealpost(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sealpost"));
    command
        .args(arguments)
        .env_remove("RUST_LOG")
        .env("TERM", "dumb")
        .env("COLUMNS", "100");
    command
}

/// Runs `sealpost` to its end with these bytes on stdin.
pub(crate) fn run(arguments: &[&str], stdin: &[u8]) -> Run {
    run_command(sealpost(arguments), stdin)
}

pub(crate) fn run_command(mut command: Command, stdin: &[u8]) -> Run {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        // A program that does not read all of it is not at fault.
        scope.spawn(move || drop(pipe.write_all(stdin)));
        Run(child.wait_with_output().unwrap())
    })
}

impl Run {
    /// Asserts success and returns stdout.
    #[track_caller]
    pub(crate) fn stdout(self) -> Vec<u8> {
        assert_eq!(self.code(), 0, "{}", self.transcript());
        self.0.stdout
    }

    /// Asserts success and returns stdout as text.
    #[track_caller]
    pub(crate) fn text(self) -> String {
        String::from_utf8(self.stdout()).unwrap()
    }

    pub(crate) fn code(&self) -> i32 {
        self.0.status.code().expect("ended by a signal")
    }

    /// Everything that a user sees, for snapshots. Digests and folders are replaced.
    pub(crate) fn transcript(&self) -> String {
        let part = |bytes: &[u8]| scrub(&String::from_utf8_lossy(bytes));
        let (stdout, stderr) = (part(&self.0.stdout), part(&self.0.stderr));
        format!(
            "exit {}\n--- stdout ---\n{stdout}--- stderr ---\n{stderr}",
            self.code()
        )
    }

    /// Stdout and stderr, as they are.
    pub(crate) fn streams(&self) -> (&[u8], &[u8]) {
        (&self.0.stdout, &self.0.stderr)
    }
}

/// An agent's key, made once with the binary itself.
pub(crate) struct Agent {
    folder: TempDir,
    pub(crate) fingerprint: String,
}

impl Agent {
    pub(crate) fn identity(&self) -> String {
        path(&self.folder.path().join("identity.pem"))
    }

    pub(crate) fn certificate(&self) -> String {
        path(&self.folder.path().join("agent.pem"))
    }
}

/// The agent [`AGENT`].
pub(crate) fn agent() -> &'static Agent {
    static ONE: OnceLock<Agent> = OnceLock::new();
    ONE.get_or_init(|| new_agent(AGENT))
}

/// Another agent of another id and key.
pub(crate) fn other_agent() -> &'static Agent {
    static OTHER: OnceLock<Agent> = OnceLock::new();
    OTHER.get_or_init(|| new_agent("lisbon-1"))
}

fn new_agent(id: &str) -> Agent {
    let folder = tempfile::tempdir().unwrap();
    let out = path(folder.path());
    let report = run(
        &[
            "keygen",
            "--agent-id",
            id,
            "--out",
            &out,
            "--bits",
            "2048",
            "--json",
        ],
        b"",
    )
    .text();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    Agent {
        folder,
        fingerprint: report["fingerprint"].as_str().unwrap().to_owned(),
    }
}

pub(crate) fn path(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// A file of the repository's test data.
pub(crate) fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../testdata")
        .join(name)
}

pub(crate) fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}

/// Replaces what differs from run to run: SHA-256 digests, times, temporary folders.
fn scrub(text: &str) -> String {
    let mut scrubbed = String::new();
    for word in text.split_inclusive(|c: char| !c.is_ascii_alphanumeric() && !"/.-_:".contains(c)) {
        let end = word.len()
            - word.chars().next_back().map_or(0, |c| {
                if c.is_ascii_alphanumeric() {
                    0
                } else {
                    c.len_utf8()
                }
            });
        let (word, rest) = word.split_at(end);
        scrubbed.push_str(&scrub_word(word));
        scrubbed.push_str(rest);
    }
    scrubbed
}

fn scrub_word(word: &str) -> String {
    let is_digest = word.len() == 64 && word.bytes().all(|b| b.is_ascii_hexdigit());
    let is_time = word.len() == 20 && word.ends_with('Z') && word.starts_with("20");
    let temporary = std::env::temp_dir();
    match () {
        () if is_digest => "<digest>".to_owned(),
        () if is_time => "<time>".to_owned(),
        () => match Path::new(word).strip_prefix(&temporary) {
            Ok(below) => {
                let below: PathBuf = below.components().skip(1).collect();
                format!("<temp>/{}", below.display())
            }
            Err(_) => word.to_owned(),
        },
    }
}
