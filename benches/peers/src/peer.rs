//! One side of the comparison: something that seals and opens.

use std::{
    hint::black_box,
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Instant,
};

/// What is asked of a peer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Task {
    pub(crate) op: Op,
    pub(crate) bits: usize,
    pub(crate) bytes: usize,
    /// How many messages for one time.
    pub(crate) batch: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Seal,
    Open,
}

impl Op {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Seal => "seal",
            Self::Open => "open",
        }
    }
}

/// Something that seals and opens.
pub(crate) trait Peer {
    /// Does the task `count` times and returns the nanoseconds that each took. Keys are parsed before, and what is
    /// to be opened is sealed before; it is opened once, and compared. Empty if the peer can't do that.
    fn run(&mut self, task: Task, count: usize) -> Vec<u64>;
}

/// A peer, and what is said of it.
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) kind: Kind,
    pub(crate) peer: Box<dyn Peer>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Ours, or the floor: no peer.
    Ours,
    /// A peer that seals to an RSA key.
    Rsa,
    /// One with X25519: its times are the same for every RSA key, and no bar.
    X25519,
}

/// What is done with each opened message.
pub(crate) type Each<'a> = &'a mut dyn FnMut(&[u8]);

/// A peer in this process: functions that seal and open with a key of `bits` bits.
pub(crate) struct Local<S> {
    pub(crate) state: S,
    pub(crate) seal: fn(&S, usize, &[u8]) -> Vec<u8>,
    pub(crate) open: fn(&S, usize, &[u8], Each<'_>),
    /// For many messages at once, if it has that.
    pub(crate) batch: Option<Batch<S>>,
}

pub(crate) struct Batch<S> {
    pub(crate) seal: fn(&S, usize, &[Vec<u8>]) -> Vec<u8>,
    pub(crate) open: fn(&S, usize, &[u8], Each<'_>),
}

impl<S> Local<S> {
    fn seal(&self, task: Task, messages: &[Vec<u8>]) -> Vec<Vec<u8>> {
        match &self.batch {
            Some(batch) if task.batch > 1 => vec![(batch.seal)(&self.state, task.bits, messages)],
            _ => messages
                .iter()
                .map(|message| (self.seal)(&self.state, task.bits, message))
                .collect(),
        }
    }

    fn open(&self, task: Task, sealed: &[Vec<u8>], each: Each<'_>) {
        let open = match &self.batch {
            Some(batch) if task.batch > 1 => batch.open,
            _ => self.open,
        };
        for sealed in sealed {
            open(&self.state, task.bits, sealed, each);
        }
    }
}

impl<S> Peer for Local<S> {
    fn run(&mut self, task: Task, count: usize) -> Vec<u64> {
        let messages = vec![vec![b'x'; task.bytes]; task.batch];
        let sealed = self.seal(task, &messages);
        let mut opened = 0;
        self.open(task, &sealed, &mut |message| {
            assert_eq!(message, messages[opened], "it does not open");
            opened += 1;
        });
        assert_eq!(opened, task.batch, "not all of it opens");
        let once = || {
            let start = Instant::now();
            match task.op {
                Op::Seal => drop(black_box(self.seal(task, &messages))),
                Op::Open => self.open(task, &sealed, &mut |message| {
                    black_box(message);
                }),
            }
            u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
        };
        std::iter::repeat_with(once).take(count).collect()
    }
}

/// A peer in a process of its own, which reads tasks as lines and answers with times. None has batches: one is as
/// many single messages.
pub(crate) struct Remote {
    child: Child,
    tasks: ChildStdin,
    times: BufReader<ChildStdout>,
}

impl Remote {
    /// Starts it; its first line says what it is.
    pub(crate) fn start(command: &str) -> (Self, String) {
        let mut child = Command::new("sh")
            .args(["-c", &format!("exec {command}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell can be run");
        let tasks = child.stdin.take().expect("it is piped");
        let times = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut remote = Self {
            child,
            tasks,
            times,
        };
        let version = remote.line();
        (remote, version)
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        let read = self.times.read_line(&mut line);
        assert!(read.is_ok_and(|read| read > 0), "a peer has ended early");
        line.trim().into()
    }
}

impl Peer for Remote {
    fn run(&mut self, task: Task, count: usize) -> Vec<u64> {
        let Task { bits, bytes, .. } = task;
        let asked = count * task.batch;
        writeln!(self.tasks, "{} {bits} {bytes} {asked}", task.op.name()).expect("the peer reads");
        let line = self.line();
        if line == CANNOT {
            return Vec::new();
        }
        let times: Vec<u64> = line
            .split_whitespace()
            .map(|time| time.parse().expect("times are numbers"))
            .collect();
        assert_eq!(
            times.len(),
            asked,
            "the peer has not done what it was asked"
        );
        times
            .chunks(task.batch)
            .map(|batch| batch.iter().sum())
            .collect()
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        // It also ends with its input; this is for one that hangs.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a process answers to a task that its library can't do.
const CANNOT: &str = "-";
