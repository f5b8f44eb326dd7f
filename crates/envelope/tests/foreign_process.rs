//! Opening with a private key that lives in another process.
//!
//! Two of them: this test binary, started again as a server that holds a key and dies when told to, and
//! the `openssl` command, which is another implementation of RSA-OAEP.

#![cfg(any(feature = "aws-lc", feature = "rustcrypto"))]
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

use std::{
    env,
    future::Future,
    io::{self, Read, Write},
    pin::pin,
    process::{Child, ChildStderr, ChildStdin, Command, Stdio},
    task::{Context, Poll, Waker},
};

use rand::{SeedableRng, rngs::ChaCha20Rng};
use sealpost_envelope::{
    Certificate, Envelope, Error, Identity, Keyring, OpenError, Recipient, Sealer, SecretContext,
    Trust, UnixTime,
    backend::Backend,
    key::{KeyAnswer, PublicKey},
    native::{Opener, Pending},
    seal,
};
use zeroize::Zeroizing;

const CONTEXT: SecretContext<'static> = SecretContext::unchecked("agent-1", "db-login");

/// The library of the process that holds the key.
#[cfg(feature = "rustcrypto")]
type ServerBackend = sealpost_envelope::RustCrypto;
#[cfg(not(feature = "rustcrypto"))]
type ServerBackend = sealpost_envelope::AwsLc;

/// Where the server finds its key; how many requests it is too busy for; whether it never answers.
const KEY_FILE: &str = "KEY_SERVER_KEY_FILE";
const BUSY: &str = "KEY_SERVER_BUSY";
const SILENT: &str = "KEY_SERVER_SILENT";

/// What a key in another process says, owned. An adapter to a KMS has the same shape.
enum Reply {
    Seed(Zeroizing<Vec<u8>>),
    Rejected,
    Unavailable,
}

impl Reply {
    fn answer(&self) -> KeyAnswer<'_> {
        match self {
            Self::Seed(bytes) => KeyAnswer::Seed(bytes),
            Self::Rejected => KeyAnswer::Rejected,
            Self::Unavailable => KeyAnswer::Unavailable,
        }
    }
}

/// This test binary as a key server. Requests come over its standard input, answers go over its standard
/// error, because the test harness writes to the standard output.
struct KeyServer {
    child: Child,
    questions: ChildStdin,
    answers: ChildStderr,
    requests: u32,
}

impl KeyServer {
    fn start(key: &str, settings: &[(&str, &str)]) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "key_server", "--ignored", "--nocapture"])
            .env(KEY_FILE, path(&format!("agent-{key}.key.pem")))
            .envs(settings.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            questions: child.stdin.take().unwrap(),
            answers: child.stderr.take().unwrap(),
            child,
            requests: 0,
        }
    }

    fn ask(&mut self, ciphertext: &[u8]) -> Reply {
        self.send(ciphertext)
            .and_then(|()| self.receive())
            .unwrap_or(Reply::Unavailable)
    }

    fn send(&mut self, ciphertext: &[u8]) -> io::Result<()> {
        self.requests += 1;
        let length = u16::try_from(ciphertext.len()).unwrap();
        self.questions.write_all(&length.to_be_bytes())?;
        self.questions.write_all(ciphertext)
    }

    fn receive(&mut self) -> io::Result<Reply> {
        let mut kind = [0];
        self.answers.read_exact(&mut kind)?;
        match &kind {
            b"S" => {
                let mut seed = Zeroizing::new(vec![0; 33]);
                self.answers.read_exact(&mut seed)?;
                Ok(Reply::Seed(seed))
            }
            b"R" => Ok(Reply::Rejected),
            b"B" => Ok(Reply::Unavailable),
            _ => {
                let mut rest = kind.to_vec();
                self.answers.read_to_end(&mut rest)?;
                panic!("the key server said {:?}", String::from_utf8_lossy(&rest));
            }
        }
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for KeyServer {
    fn drop(&mut self) {
        self.kill();
    }
}

#[test]
#[ignore = "the process that holds the key; the other tests start it"]
fn key_server() {
    let Ok(file) = env::var(KEY_FILE) else { return };
    let (_, der) = pem_rfc7468::decode_vec(&std::fs::read(file).unwrap()).unwrap();
    let key = ServerBackend::private_key(&der).unwrap();
    let mut busy: u32 = env::var(BUSY).map_or(0, |count| count.parse().unwrap());
    let silent = env::var(SILENT).is_ok();
    let (mut stdin, mut stderr) = (io::stdin().lock(), io::stderr());
    loop {
        let mut length = [0; 2];
        if stdin.read_exact(&mut length).is_err() {
            return;
        }
        let mut ciphertext = vec![0; u16::from_be_bytes(length).into()];
        stdin.read_exact(&mut ciphertext).unwrap();
        if silent {
            continue;
        }
        if busy > 0 {
            busy -= 1;
            stderr.write_all(b"B").unwrap();
            continue;
        }
        let mut seed = [0; 33];
        let decrypted = ServerBackend::oaep_decrypt(&key, &mut rng(), &ciphertext, &mut seed);
        if bool::from(decrypted.exactly(seed.len())) {
            stderr.write_all(b"S").unwrap();
            stderr.write_all(&seed).unwrap();
        } else {
            stderr.write_all(b"R").unwrap();
        }
    }
}

/// The second step of opening, with at most three requests. Only a key that did not answer is asked again.
fn unseal<B: Backend>(
    pending: &Pending<'_>,
    mut ask: impl FnMut(&[u8]) -> Reply,
) -> Result<Opener<B>, Error> {
    let mut attempts = 1;
    loop {
        let reply = ask(pending.encapsulation());
        match pending.finish(reply.answer(), &mut rng()) {
            Err(Error::KeyUnavailable) if attempts < 3 => attempts += 1,
            result => return result,
        }
    }
}

fn a_process_opens<B: Backend>() {
    for key in ["a2048", "a3072", "a4096"] {
        let mut server = KeyServer::start(key, &[]);
        let sealed = sealed::<B>(key);
        let envelope = Envelope::parse(&sealed).unwrap();
        let pending = envelope.pending(&public_key::<B>(key)).unwrap();
        let opener = unseal::<B>(&pending, |ciphertext| server.ask(ciphertext)).unwrap();
        let opened = opener.open(&envelope.single().unwrap(), &CONTEXT).unwrap();
        assert_eq!(&*opened, b"secret");
    }
}

fn a_batch_takes_one_request<B: Backend>() {
    let mut batch = Vec::new();
    let mut sealer = Sealer::new(&[recipient::<B>("a2048")], &mut rng(), &mut batch).unwrap();
    for number in 0..99_u8 {
        sealer.seal(&CONTEXT, &[number], &mut batch).unwrap();
    }
    sealer.seal_last(&CONTEXT, &[99], &mut batch).unwrap();

    let mut server = KeyServer::start("a2048", &[]);
    let envelope = Envelope::parse(&batch).unwrap();
    let pending = envelope.pending(&public_key::<B>("a2048")).unwrap();
    let opener = unseal::<B>(&pending, |ciphertext| server.ask(ciphertext)).unwrap();
    let mut sequence = opener.sequence(&envelope);
    for number in 0..100_u8 {
        let opened = sequence.open_next(&CONTEXT).unwrap().unwrap();
        assert_eq!(&*opened, &[number]);
    }
    sequence.finish().unwrap();
    assert_eq!(server.requests, 1);
}

fn unavailable_is_asked_again<B: Backend>() {
    let sealed = sealed::<B>("a2048");
    let envelope = Envelope::parse(&sealed).unwrap();
    let pending = envelope.pending(&public_key::<B>("a2048")).unwrap();

    let mut server = KeyServer::start("a2048", &[(BUSY, "2")]);
    let opener = unseal::<B>(&pending, |ciphertext| server.ask(ciphertext)).unwrap();
    opener.open(&envelope.single().unwrap(), &CONTEXT).unwrap();
    assert_eq!(server.requests, 3);

    let mut server = KeyServer::start("a2048", &[(BUSY, "3")]);
    let error = unseal::<B>(&pending, |ciphertext| server.ask(ciphertext)).unwrap_err();
    assert_eq!(error, Error::KeyUnavailable);
    assert_eq!(server.requests, 3);
}

fn rejected_is_not<B: Backend>() {
    let mut sealed = sealed::<B>("a2048");
    sealed[100] ^= 1; // inside the encapsulated seed
    let envelope = Envelope::parse(&sealed).unwrap();
    let pending = envelope.pending(&public_key::<B>("a2048")).unwrap();
    let mut server = KeyServer::start("a2048", &[]);
    let mut rejections = 0;
    let opener = unseal::<B>(&pending, |ciphertext| {
        let reply = server.ask(ciphertext);
        rejections += u32::from(matches!(reply, Reply::Rejected));
        reply
    })
    .unwrap();
    assert_eq!((server.requests, rejections), (1, 1));
    // The rejection shows at the message, as every failure does.
    let opened = opener.open(&envelope.single().unwrap(), &CONTEXT);
    assert_eq!(opened.unwrap_err(), OpenError);
}

fn a_killed_process_is_unavailable<B: Backend>() {
    let sealed = sealed::<B>("a2048");
    let envelope = Envelope::parse(&sealed).unwrap();
    let pending = envelope.pending(&public_key::<B>("a2048")).unwrap();

    // Killed with the request in its hands.
    let mut server = KeyServer::start("a2048", &[(SILENT, "")]);
    server.send(pending.encapsulation()).unwrap();
    server.kill();
    let reply = server.receive().unwrap_or(Reply::Unavailable);
    let error = pending
        .finish::<B, _>(reply.answer(), &mut rng())
        .unwrap_err();
    assert_eq!(error, Error::KeyUnavailable);

    // Asking the dead one again changes nothing; a new one opens, with the same pending envelope.
    let error = unseal::<B>(&pending, |ciphertext| server.ask(ciphertext)).unwrap_err();
    assert_eq!(error, Error::KeyUnavailable);
    let mut server = KeyServer::start("a2048", &[]);
    let opener = unseal::<B>(&pending, |ciphertext| server.ask(ciphertext)).unwrap();
    opener.open(&envelope.single().unwrap(), &CONTEXT).unwrap();
}

/// A ring with the current key in another process and an old one in memory.
fn a_ring_mixes_keys<B: Backend>() {
    enum Key<B: Backend> {
        Memory(Identity<B>),
        Process(PublicKey),
    }

    impl<B: Backend> AsRef<PublicKey> for Key<B> {
        fn as_ref(&self) -> &PublicKey {
            match self {
                Self::Memory(identity) => identity.public_key(),
                Self::Process(public) => public,
            }
        }
    }

    let old = std::fs::read(path("agent-b2048.key.pem")).unwrap();
    let mut ring = Keyring::new(Key::Memory(Identity::<B>::from_pem(&old).unwrap()));
    ring.rotate(Key::Process(public_key::<B>("a2048"))).unwrap();
    let mut server = KeyServer::start("a2048", &[]);
    for (key, requests) in [("a2048", 1), ("b2048", 1)] {
        let sealed = sealed::<B>(key);
        let envelope = Envelope::parse(&sealed).unwrap();
        let selected = ring.select(&envelope).unwrap();
        let pending = selected.pending();
        let opener = match selected.key() {
            Key::Memory(identity) => pending.decrypt(identity, &mut rng()).unwrap(),
            Key::Process(_) => unseal(&pending, |ciphertext| server.ask(ciphertext)).unwrap(),
        };
        let opened = opener.open(&envelope.single().unwrap(), &CONTEXT).unwrap();
        assert_eq!(&*opened, b"secret");
        assert_eq!(server.requests, requests);
    }
}

fn async_code_can_wait_for_the_key<B: Backend>() {
    /// A key behind an `await`; it is ready at the second poll.
    struct Request<'a> {
        server: &'a mut KeyServer,
        ciphertext: &'a [u8],
        polled: bool,
    }

    impl Future for Request<'_> {
        type Output = Reply;

        fn poll(mut self: std::pin::Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Reply> {
            if !self.polled {
                self.polled = true;
                return Poll::Pending;
            }
            let ciphertext = self.ciphertext;
            Poll::Ready(self.server.ask(ciphertext))
        }
    }

    async fn open<B: Backend>(sealed: &[u8], server: &mut KeyServer) -> Vec<u8> {
        let envelope = Envelope::parse(sealed).unwrap();
        let pending = envelope.pending(&public_key::<B>("a2048")).unwrap();
        let reply = Request {
            server,
            ciphertext: pending.encapsulation(),
            polled: false,
        }
        .await;
        let opener: Opener<B> = pending.finish(reply.answer(), &mut rng()).unwrap();
        let opened = opener.open(&envelope.single().unwrap(), &CONTEXT).unwrap();
        opened.to_vec()
    }

    // What is alive across the `await` may move to another thread.
    fn spawnable<F: Future + Send>(future: F) -> F {
        future
    }

    let sealed = sealed::<B>("a2048");
    let mut server = KeyServer::start("a2048", &[]);
    let mut future = pin!(spawnable(open::<B>(&sealed, &mut server)));
    let mut context = Context::from_waker(Waker::noop());
    assert!(future.as_mut().poll(&mut context).is_pending());
    assert_eq!(
        future.as_mut().poll(&mut context),
        Poll::Ready(b"secret".to_vec())
    );
}

fn the_openssl_command_opens<B: Backend>() {
    if !has_openssl() {
        return;
    }
    let ask = |ciphertext: &[u8]| {
        let key = path("agent-a2048.key.pem");
        let mut child = Command::new("openssl")
            .args(["pkeyutl", "-decrypt", "-inkey", &key])
            .args(["-pkeyopt", "rsa_padding_mode:oaep"])
            .args(["-pkeyopt", "rsa_oaep_md:sha256"])
            .args(["-pkeyopt", "rsa_mgf1_md:sha256"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("has_openssl said that it is there");
        child.stdin.take().unwrap().write_all(ciphertext).unwrap();
        let output = child.wait_with_output().unwrap();
        if output.status.success() {
            Reply::Seed(Zeroizing::new(output.stdout))
        } else {
            Reply::Rejected
        }
    };
    let mut sealed = sealed::<B>("a2048");
    for expected in [Ok(b"secret".to_vec()), Err(OpenError)] {
        let envelope = Envelope::parse(&sealed).unwrap();
        let pending = envelope.pending(&public_key::<B>("a2048")).unwrap();
        let opener = unseal::<B>(&pending, ask).unwrap();
        let opened = opener.open(&envelope.single().unwrap(), &CONTEXT);
        assert_eq!(opened.map(|opened| opened.to_vec()), expected);
        sealed[100] ^= 1;
    }
}

/// As `docs/FOREIGN-KEYS.md` has it: a key that only decrypts can't sign a certificate request.
fn a_certificate_needs_no_private_key<B: Backend>() {
    if !has_openssl() {
        return;
    }
    let openssl = |arguments: &[&str]| {
        let status = Command::new("openssl").args(arguments).status();
        assert!(status.is_ok_and(|status| status.success()), "{arguments:?}");
    };
    // One folder a backend: tests run at the same time.
    let folder = format!(
        "{}/{}",
        env!("CARGO_TARGET_TMPDIR"),
        std::any::type_name::<B>().replace(':', "-")
    );
    std::fs::create_dir_all(&folder).unwrap();
    let file = |name: &str| format!("{folder}/{name}");
    let extensions = "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,keyEncipherment\n\
                      subjectAltName=URI:urn:sealpost:agent:agent-1\n";
    std::fs::write(file("agent.ext"), extensions).unwrap();
    let key = path("agent-a2048.key.pem");
    openssl(&[
        "pkey",
        "-in",
        &key,
        "-pubout",
        "-out",
        &file("agent.pub.pem"),
    ]);
    let ca = (path("agent-b2048.pem"), path("agent-b2048.key.pem"));
    openssl(&[
        "x509",
        "-new",
        "-force_pubkey",
        &file("agent.pub.pem"),
        "-CA",
        &ca.0,
        "-CAkey",
        &ca.1,
        "-subj",
        "/CN=agent-1",
        "-days",
        "398",
        "-extfile",
        &file("agent.ext"),
        "-out",
        &file("agent.pem"),
    ]);
    let pem = std::fs::read(file("agent.pem")).unwrap();
    let certificate = Certificate::from_pem(&pem).unwrap();
    assert_eq!(certificate.agent_ids().collect::<Vec<_>>(), ["agent-1"]);

    // The proof of possession that the guide asks for.
    let issued = certificate.not_before();
    let recipient =
        Recipient::<B>::from_certificate(&certificate, &Trust::DangerAnyCertificate, issued)
            .unwrap();
    let sealed = seal(&[recipient], &CONTEXT, b"secret", &mut rng()).unwrap();
    let envelope = Envelope::parse(&sealed).unwrap();
    let pending = envelope.pending(certificate.public_key()).unwrap();
    let mut server = KeyServer::start("a2048", &[]);
    let opener = unseal::<B>(&pending, |ciphertext| server.ask(ciphertext)).unwrap();
    opener.open(&envelope.single().unwrap(), &CONTEXT).unwrap();
}

/// Is the `openssl` command there? Where not, the test says so and is not run; where everything is meant to
/// be run, it fails.
fn has_openssl() -> bool {
    let there = Command::new("openssl")
        .arg("version")
        .output()
        .is_ok_and(|output| output.status.success());
    if !there {
        assert!(
            env::var_os("CI").is_none(),
            "this test needs the `openssl` command: install it"
        );
        // Not by the macro, whose output the test harness keeps to itself.
        let _ = Write::write_all(
            &mut io::stderr(),
            b"NOT RUN: a test that needs the `openssl` command\n",
        );
    }
    there
}

fn sealed<B: Backend>(key: &str) -> Vec<u8> {
    seal(&[recipient::<B>(key)], &CONTEXT, b"secret", &mut rng()).unwrap()
}

fn recipient<B: Backend>(key: &str) -> Recipient<B> {
    let pem = std::fs::read(path(&format!("agent-{key}.pem"))).unwrap();
    let now = UnixTime::from_secs(2_000_000_000);
    Recipient::from_certificate_pem(&pem, &Trust::DangerAnyCertificate, now).unwrap()
}

/// All that the opening side knows of a key that lives elsewhere.
fn public_key<B: Backend>(key: &str) -> PublicKey {
    recipient::<B>(key).public_key().clone()
}

fn path(name: &str) -> String {
    format!("{}/../../testdata/keys/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(1)
}

macro_rules! suite {
    ($module:ident, $backend:ident: $($test:ident)*) => {
        mod $module {
            $(#[test]
            fn $test() {
                super::$test::<sealpost_envelope::$backend>();
            })*
        }
    };
}

macro_rules! suite_for {
    ($module:ident, $backend:ident) => {
        suite! { $module, $backend:
            a_process_opens
            a_batch_takes_one_request
            unavailable_is_asked_again
            rejected_is_not
            a_killed_process_is_unavailable
            a_ring_mixes_keys
            async_code_can_wait_for_the_key
            the_openssl_command_opens
            a_certificate_needs_no_private_key
        }
    };
}

#[cfg(feature = "rustcrypto")]
suite_for!(rustcrypto, RustCrypto);

#[cfg(feature = "aws-lc")]
suite_for!(aws_lc, AwsLc);
