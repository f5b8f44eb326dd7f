//! The Unix socket over which `sealpost resolve` asks a running process.
//!
//! ```text
//! question = reference LF
//! answer   = status u8 ‖ length u32 ‖ bytes        status: 0 the value, 1 refused, 2 failed; big-endian
//! ```
//!
//! One question a connection. The socket has mode 0600 in a folder of mode 0700: only the owner of both may connect.

mod place;

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sealpost_agent::Resolver;
use sealpost_vault_key::MAX_RESOLVER_REF;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use zeroize::Zeroizing;

use self::place::{Place, There, is_left_behind};
use super::answer::{Answer, Refusal, resolve};
use crate::descriptors::MAX_QUESTIONS;
use crate::error::Error;

/// The listening side. Dropping it removes the file.
#[derive(Debug)]
pub struct ResolveSocket {
    listener: UnixListener,
    place: Place,
    /// As many questions are answered at a time.
    questions: Arc<Semaphore>,
}

impl ResolveSocket {
    /// Listens at `path`. It removes the socket that a killed process left there, and nothing else: a path may be wrong.
    ///
    /// # Errors
    ///
    /// [`Error::ResolveSocket`].
    pub fn bind(path: &Path) -> Result<Self, Error> {
        let bound = is_left_behind(path).and_then(|_| Place::bind(path));
        let (listener, place) = bound.map_err(|source| Error::ResolveSocket {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self {
            listener,
            place,
            questions: Arc::new(Semaphore::new(MAX_QUESTIONS)),
        })
    }

    /// Finds what [`bind`](Self::bind) would fail with, and changes nothing.
    ///
    /// # Errors
    ///
    /// [`Error::ResolveSocket`].
    pub(crate) fn check(path: &Path) -> Result<(), Error> {
        is_left_behind(path)
            .map(drop)
            .map_err(|source| Error::ResolveSocket {
                path: path.to_owned(),
                source,
            })
    }

    /// Answers until the future is dropped. A socket whose file was removed is bound again. `panicked` is called when a question ends in a
    /// panic, which ends nothing else.
    pub async fn serve(
        &mut self,
        resolver: Arc<Resolver>,
        panicked: impl Fn() + Clone + Send + 'static,
    ) {
        let mut was_taken = false;
        loop {
            tokio::select! {
                question = self.question() => match question {
                    Ok((stream, permit)) => {
                        let answer = answer(stream, Arc::clone(&resolver));
                        let answering = tokio::spawn(timeout(PATIENCE, answer));
                        let panicked = panicked.clone();
                        tokio::spawn(async move {
                            let _permit = permit;
                            if answering.await.is_err_and(|error| error.is_panic()) {
                                tracing::error!(
                                    "a question to resolve was not answered: its task panicked"
                                );
                                panicked();
                            }
                        });
                    }
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept a question to resolve");
                        sleep(LOOK_PAUSE).await;
                    }
                },
                () = sleep(LOOK_PAUSE) => {}
            }
            self.keep_in_place(&mut was_taken);
        }
    }

    async fn question(&self) -> io::Result<(tokio::net::UnixStream, OwnedSemaphorePermit)> {
        let permit = Arc::clone(&self.questions).acquire_owned().await;
        let permit = permit.map_err(io::Error::other)?;
        let (stream, _) = self.listener.accept().await?;
        Ok((stream, permit))
    }

    /// Binds the socket again if its file was removed: nobody could ask any more.
    fn keep_in_place(&mut self, was_taken: &mut bool) {
        let socket = self.place.path().to_owned();
        let socket = socket.display();
        match self.place.look() {
            Ok(There::Ours) => *was_taken = false,
            Ok(There::Nothing) => match Self::bind(self.place.path()) {
                Ok(again) => {
                    tracing::warn!(%socket, "the resolve socket was removed, and bound again");
                    (self.listener, self.place) = (again.listener, again.place);
                }
                Err(error) if !*was_taken => {
                    *was_taken = true;
                    tracing::error!(%error, "the resolve socket was removed, and can't be bound again");
                }
                Err(_) => {}
            },
            Ok(There::Another) if !*was_taken => {
                *was_taken = true;
                tracing::error!(
                    %socket,
                    "something else was put in the place of the resolve socket: questions don't reach this process; remove it, and the \
                     socket is bound again"
                );
            }
            Err(error) if !*was_taken => {
                *was_taken = true;
                tracing::error!(%socket, %error, "the resolve socket can't be looked at");
            }
            Ok(There::Another) | Err(_) => {}
        }
    }
}

async fn answer(stream: tokio::net::UnixStream, resolver: Arc<Resolver>) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut question = String::new();
    (&mut stream)
        .take(MAX_RESOLVER_REF as u64 + 1)
        .read_line(&mut question)
        .await?;
    let reference = question.strip_suffix('\n').unwrap_or(&question);
    let answer = resolve(&resolver, reference).await;
    let (status, bytes) = match &answer {
        Ok(value) => (VALUE, value.as_slice()),
        Err(Refusal::Refused(why)) => (REFUSED, why.as_bytes()),
        Err(Refusal::Failed(why)) => (FAILED, why.as_bytes()),
    };
    let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    stream.write_u8(status).await?;
    stream.write_u32(length).await?;
    stream.write_all(bytes).await?;
    stream.flush().await
}

/// Asks the process that listens at `path`; `None` if no process does. It blocks.
#[must_use]
pub fn ask(path: &Path, reference: &str) -> Option<Answer> {
    let stream = match UnixStream::connect(path) {
        Ok(stream) => stream,
        // Nothing is there, nothing listens any more, or nothing can listen on such a path.
        Err(e)
            if matches!(
                e.kind(),
                io::ErrorKind::NotFound
                    | io::ErrorKind::ConnectionRefused
                    | io::ErrorKind::InvalidInput
            ) =>
        {
            return None;
        }
        Err(e) => return Some(Err(failed(&e))),
    };
    Some(exchange(stream, reference).unwrap_or_else(|e| Err(failed(&e))))
}

fn exchange(mut stream: UnixStream, reference: &str) -> io::Result<Answer> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(format!("{reference}\n").as_bytes())?;
    let mut head = [0; 5];
    stream.read_exact(&mut head)?;
    let [status, length @ ..] = head;
    let length = usize::try_from(u32::from_be_bytes(length)).map_err(io::Error::other)?;
    if length > MAX_ANSWER {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut bytes = Zeroizing::new(vec![0; length]);
    stream.read_exact(&mut bytes)?;
    let text = || String::from_utf8_lossy(&bytes).into_owned();
    Ok(match status {
        VALUE => Ok(bytes),
        REFUSED => Err(Refusal::Refused(text())),
        _ => Err(Refusal::Failed(text())),
    })
}

fn failed(error: &io::Error) -> Refusal {
    Refusal::Failed(format!("the running process does not answer: {error}"))
}

const VALUE: u8 = 0;
const REFUSED: u8 = 1;
const FAILED: u8 = 2;
/// No vault holds larger values.
const MAX_ANSWER: usize = 1 << 20;
const PATIENCE: Duration = Duration::from_secs(10);
/// How long it goes unnoticed that the socket's file was removed.
const LOOK_PAUSE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[tokio::test]
    async fn only_a_socket_makes_way() {
        let folder = tempfile::tempdir().unwrap();
        let (socket, key) = (folder.path().join("s"), folder.path().join("key.pem"));
        drop(UnixListener::bind(&socket).unwrap());
        assert!(socket.exists(), "left behind");
        drop(ResolveSocket::bind(&socket).unwrap());
        assert!(!socket.exists());
        fs::write(&key, "key").unwrap();
        let error = ResolveSocket::bind(&key).unwrap_err().to_string();
        assert!(error.contains("not a socket"), "{error}");
        assert_eq!(fs::read(&key).unwrap(), b"key");
    }

    #[tokio::test]
    async fn a_socket_is_for_its_owner_alone_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let socket = ResolveSocket::bind(&path).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        // What another process has put there stays.
        fs::remove_file(&path).unwrap();
        let other = UnixListener::bind(&path).unwrap();
        drop(socket);
        assert!(path.exists());
        drop(other);
    }

    #[tokio::test]
    async fn a_socket_that_is_removed_while_it_is_served_is_bound_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let mut socket = ResolveSocket::bind(&path).unwrap();
        let mut was_taken = false;
        fs::remove_file(&path).unwrap();
        socket.keep_in_place(&mut was_taken);
        assert!(UnixStream::connect(&path).is_ok());
        // Something else is left alone, and the socket comes back when it is gone.
        fs::remove_file(&path).unwrap();
        fs::write(&path, "other").unwrap();
        socket.keep_in_place(&mut was_taken);
        assert_eq!(fs::read(&path).unwrap(), b"other");
        fs::remove_file(&path).unwrap();
        socket.keep_in_place(&mut was_taken);
        assert!(UnixStream::connect(&path).is_ok());
    }

    #[tokio::test]
    async fn as_many_questions_are_open_as_descriptors_are_counted_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let socket = ResolveSocket::bind(&path).unwrap();
        let _silent: Vec<_> = (0..=MAX_QUESTIONS)
            .map(|_| UnixStream::connect(&path).unwrap())
            .collect();
        let mut open = Vec::new();
        for _ in 0..MAX_QUESTIONS {
            open.push(socket.question().await.unwrap());
        }
        let one_more = timeout(Duration::from_millis(50), socket.question());
        assert!(one_more.await.is_err());
        drop(open.pop());
        drop(socket.question().await.unwrap());
    }
}
