//! A running `sealpost gateway`, with a key set and tokens of a test issuer.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aws_lc_rs::signature::Ed25519KeyPair;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};

use super::server::{Answer, answer};
use super::support::{AGENT, agent, path, sealpost};

/// A folder with everything that a configuration names, and the configuration.
pub(crate) struct Site {
    pub(crate) folder: PathBuf,
    pub(crate) port: u16,
    key: EncodingKey,
}

/// A running gateway. It is killed when dropped.
pub(crate) struct Gateway {
    child: Child,
    site: Site,
}

impl Site {
    /// Makes the files in `folder`; the configuration has `more` before its tables.
    pub(crate) fn new(folder: &Path, more: &str) -> Self {
        let pair = Ed25519KeyPair::generate().unwrap();
        let key = EncodingKey::from_ed_der(pair.to_pkcs8v1().unwrap().as_ref());
        let mut jwk = Jwk::from_encoding_key(&key, Algorithm::EdDSA).unwrap();
        jwk.common.key_id = Some("one".into());
        let jwks = serde_json::json!({ "keys": [jwk] });
        fs::write(folder.join("jwks.json"), jwks.to_string()).unwrap();
        fs::create_dir(folder.join("state")).unwrap();
        let site = Self {
            folder: folder.to_owned(),
            port: free_port(),
            key,
        };
        site.configure(more);
        site
    }

    /// Writes the configuration.
    pub(crate) fn configure(&self, more: &str) {
        let agent = agent();
        let mut text = format!("listen = \"127.0.0.1:{}\"\n{more}\n", self.port);
        write!(
            text,
            "[auth]\nissuer = \"https://issuer.example\"\naudience = \"sealpost\"\njwks_file = \"jwks.json\"\n\
             [audit]\nfile = \"audit.jsonl\"\n\
             [[agents]]\nid = \"{AGENT}\"\nidentity = \"{}\"\ncertificate = \"{}\"\npin = \"{}\"\n\
             ledger = \"state/ledger.redb\"\nresolve_socket = \"state/resolve.sock\"\n\
             vault = {{ kind = \"embedded\", path = \"state/vault\" }}\n",
            agent.identity(),
            agent.certificate(),
            agent.fingerprint,
        )
        .unwrap();
        fs::write(self.config(), text).unwrap();
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.folder.join("gateway.toml")
    }

    pub(crate) fn command(&self) -> Command {
        sealpost(&["gateway", "--config", &path(&self.config())])
    }

    /// Starts it and waits until it listens.
    pub(crate) fn start(self, environment: &[(&str, &str)]) -> Gateway {
        let mut command = self.command();
        command.envs(environment.iter().copied());
        self.start_command(command)
    }

    /// Runs this command with its stderr in the log, and waits until it listens.
    pub(crate) fn start_command(self, mut command: Command) -> Gateway {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.join("log"))
            .unwrap();
        command.stderr(log);
        self.run(command)
    }

    /// Runs this command, and waits until it listens.
    pub(crate) fn run(self, mut command: Command) -> Gateway {
        let child = command.spawn().unwrap();
        let mut gateway = Gateway { child, site: self };
        let deadline = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(("127.0.0.1", gateway.site.port)).is_err() {
            let ended = gateway.child.try_wait().unwrap();
            assert!(
                ended.is_none() && Instant::now() < deadline,
                "{}",
                gateway.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        gateway
    }

    /// Its configuration begins with this, so that metrics and health are served at the port.
    pub(crate) fn metrics() -> (u16, String) {
        let port = free_port();
        (
            port,
            format!("metrics = {{ listen = \"127.0.0.1:{port}\" }}\n"),
        )
    }

    pub(crate) fn token(&self) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some("one".into());
        let claims = serde_json::json!({
            "iss": "https://issuer.example", "aud": "sealpost", "sub": "tester", "scope": "secrets:write",
            "exp": now.as_secs() + 600,
        });
        jsonwebtoken::encode(&header, &claims, &self.key).unwrap()
    }

    /// A request that creates a secret, as its head and its body.
    pub(crate) fn request(&self, base: &str, more: &str, name: &str) -> (String, String) {
        self.request_of(base, more, name, &format!("P@ss {name}"))
    }

    fn request_of(&self, base: &str, more: &str, name: &str, value: &str) -> (String, String) {
        let body = format!(r#"{{"secret":{{"name":"{name}","value":{{"password":"{value}"}}}}}}"#);
        let head = format!(
            "POST {base}/v1/secrets/{AGENT}/secret-value HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Authorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{more}\r\n",
            self.token(),
            body.len()
        );
        (head, body)
    }
}

impl Gateway {
    pub(crate) fn site(&self) -> &Site {
        &self.site
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.site.port)).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        stream
    }

    /// Creates a secret of this name.
    pub(crate) fn create(&self, name: &str) -> Answer {
        self.create_with("", "", name)
    }

    /// The same under a base path and with other headers.
    pub(crate) fn create_with(&self, base: &str, more: &str, name: &str) -> Answer {
        let (head, body) = self.site.request(base, more, name);
        let mut stream = self.connect();
        stream.write_all((head + &body).as_bytes()).unwrap();
        answer(stream)
    }

    /// Creates a secret of this name and so many bytes.
    pub(crate) fn create_of(&self, name: &str, bytes: usize) -> Answer {
        let (head, body) = self.site.request_of("", "", name, &"x".repeat(bytes));
        let mut stream = self.connect();
        stream.write_all((head + &body).as_bytes()).unwrap();
        answer(stream)
    }

    pub(crate) fn signal(&self, name: &str) {
        // The shell has `kill` built in; a small machine may have no other.
        let kill = format!("kill -{name} {}", self.child.id());
        let done = Command::new("sh").args(["-c", &kill]).status().unwrap();
        assert!(done.success());
    }

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

    /// Kills it, and returns what it can be started from again.
    pub(crate) fn kill(mut self) -> Site {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let Site { folder, port, key } = &self.site;
        Site {
            folder: folder.clone(),
            port: *port,
            key: key.clone(),
        }
    }

    /// Takes what is to be done with a stream of the process.
    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    pub(crate) fn log(&self) -> String {
        // There is none if stderr goes elsewhere.
        fs::read_to_string(self.site.folder.join("log")).unwrap_or_default()
    }

    pub(crate) fn audit(&self) -> String {
        fs::read_to_string(self.site.folder.join("audit.jsonl")).unwrap()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks for a page of metrics and health.
pub(crate) fn page(port: u16, route: &str) -> Answer {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    write!(
        stream,
        "GET {route} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    answer(stream)
}

/// Returns the value of a metric without labels.
pub(crate) fn metric(port: u16, name: &str) -> u64 {
    let text = page(port, "/metrics").body;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("{text}"))
        .trim()
        .parse()
        .unwrap()
}

pub(crate) fn free_port() -> u16 {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    free.local_addr().unwrap().port()
}

/// Waits until something holds.
#[track_caller]
pub(crate) fn eventually(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
