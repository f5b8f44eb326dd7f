//! Faults of the disk under a running process, which strace injects.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Returns whether strace can be used here. Says so if not, and fails in CI.
pub(crate) fn has_strace() -> bool {
    let traced = Command::new("strace")
        .args(["-qq", "-o", "/dev/null", "true"])
        .stderr(Stdio::null())
        .status();
    let works = traced.is_ok_and(|status| status.success());
    if !works {
        assert!(
            std::env::var_os("CI").is_none(),
            "strace is not installed, or may not trace"
        );
        eprintln!("NOT TESTED: strace is not installed, or may not trace");
    }
    works
}

/// Returns the same command, with these system calls of it and its threads written to `trace`.
pub(crate) fn under_strace(command: Command, calls: &str, trace: &Path) -> Command {
    let mut traced = Command::new("strace");
    // As a grandchild, so that the process is the child that is started, and can be killed.
    traced
        .args([
            "-D",
            "-f",
            "-y",
            "-qq",
            "-e",
            &format!("trace={calls}"),
            "-o",
        ])
        .arg(trace)
        .arg(command.get_program())
        .args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        traced.current_dir(folder);
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => traced.env(name, value),
            None => traced.env_remove(name),
        };
    }
    traced
}

/// System calls of a process on one file that fail, until this is dropped.
#[derive(Debug)]
pub(crate) struct Fault {
    strace: Child,
    process: u32,
}

impl Fault {
    /// Lets calls of the process `process` on `file` fail as `injection` says: `pwrite64:error=ENOSPC`, or
    /// `fsync,fdatasync:error=EIO:when=2`.
    pub(crate) fn inject(process: u32, file: &Path, injection: &str) -> Self {
        let file = fs::canonicalize(file).unwrap();
        let strace = Command::new("strace")
            .args(["-f", "-qq", "-o", "/dev/null"])
            .args(["-p", &process.to_string(), "-P"])
            .arg(file)
            .args(["-e", &format!("inject={injection}")])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let fault = Self { strace, process };
        fault.until("every thread is traced", |traced| traced);
        fault
    }

    /// Waits until every thread of the process is traced or not, or the process has ended.
    fn until(&self, what: &str, wanted: impl Fn(bool) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !threads(self.process).into_iter().all(&wanted) {
            assert!(Instant::now() < deadline, "{what}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Fault {
    fn drop(&mut self) {
        // SIGINT makes it detach; the shell has `kill` built in.
        let kill = format!("kill -INT {}", self.strace.id());
        let _ = Command::new("sh").args(["-c", &kill]).status();
        let _ = self.strace.wait();
        if !std::thread::panicking() {
            self.until("no thread is traced", |traced| !traced);
        }
    }
}

/// Says of each thread of a process whether it is traced. A process that has ended has no threads.
fn threads(process: u32) -> Vec<bool> {
    let tasks = fs::read_dir(format!("/proc/{process}/task"));
    let tasks = tasks.into_iter().flatten().flatten();
    tasks
        .filter_map(|task| {
            let status = fs::read_to_string(task.path().join("status")).ok()?;
            // One that has ended and was not waited for can't be traced.
            if status.contains("State:\tZ") {
                return None;
            }
            let tracer = status
                .lines()
                .find_map(|line| line.strip_prefix("TracerPid:"))?;
            Some(tracer.trim() != "0")
        })
        .collect()
}
