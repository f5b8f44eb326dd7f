//! A running `sealpost dev`, and raw HTTP to talk to it.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::support::{path, sealpost};

/// A running `sealpost dev`. It is killed when dropped.
pub(crate) struct Dev {
    child: Child,
    /// What it has printed, up to the line that says how to resolve.
    pub(crate) welcome: String,
    pub(crate) token: String,
    address: String,
    /// Where its stderr goes.
    pub(crate) log: PathBuf,
}

/// An answer of the endpoint.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Dev {
    /// Starts it on `data`, on any free port, and waits until it serves. The log goes beside `data`.
    pub(crate) fn start(data: &Path) -> Self {
        Self::start_with(data, &[])
    }

    pub(crate) fn start_with(data: &Path, environment: &[(&str, &str)]) -> Self {
        let log = data.with_extension("log");
        let file = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .unwrap();
        let mut command = sealpost(&["dev", "--listen", "127.0.0.1:0", "--data", &path(data)]);
        command.envs(environment.iter().copied());
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(file)
            .spawn()
            .unwrap();
        let mut welcome = String::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            welcome += &format!("{}\n", line.unwrap());
            if welcome.contains("sealpost resolve") {
                break;
            }
        }
        let between = |start, end| {
            let (_, rest) = welcome.split_once(start).unwrap_or_else(|| {
                panic!(
                    "{welcome}{}",
                    std::fs::read_to_string(&log).unwrap_or_default()
                )
            });
            rest.split_once(end).unwrap().0.to_owned()
        };
        let (address, token) = (between("http://", ","), between("Bearer ", "'"));
        Self {
            child,
            welcome,
            token,
            address,
            log,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        // The shell has `kill` built in; a small machine may have no other.
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(
            Command::new("sh")
                .args(["-c", &kill])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            match self.child.try_wait().unwrap() {
                Some(status) => return status,
                None if Instant::now() > deadline => panic!("it does not end"),
                None => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Posts a body to the agent `dev-agent`.
    pub(crate) fn post(&self, body: &[u8]) -> Answer {
        self.post_to("/v1/secrets/dev-agent/secret-value", body)
    }

    pub(crate) fn post_to(&self, target: &str, body: &[u8]) -> Answer {
        let mut stream = self.connect();
        stream
            .write_all(self.head(target, body.len()).as_bytes())
            .unwrap();
        // An answer may come before all of a body that is too large is sent.
        let _ = stream.write_all(body);
        answer(stream)
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        stream
    }

    /// A request's head for a body of this length.
    pub(crate) fn head(&self, target: &str, length: usize) -> String {
        format!(
            "POST {target} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n",
            self.address, self.token
        )
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads an answer up to the end of the connection.
pub(crate) fn answer(mut stream: TcpStream) -> Answer {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("{text:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer {
        status,
        head: head.to_owned(),
        body: body.to_owned(),
    }
}
