//! The Unix socket over which `sealpost resolve` asks a running process.
//!
//! ```text
//! question = reference LF
//! answer   = status u8 ‖ length u32 ‖ bytes        status: 0 the value, 1 refused, 2 failed; big-endian
//! ```
//!
//! One question a connection. The socket has mode 0600 in a folder of mode 0700: only the owner of both may connect.

use std::fs::{self, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::{SocketAddr, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sealpost_agent::Resolver;
use sealpost_vault_key::MAX_RESOLVER_REF;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixListener;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::answer::{Answer, Refusal, resolve};
use crate::error::Error;

/// The listening side. Dropping it removes the file.
#[derive(Debug)]
pub struct ResolveSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl ResolveSocket {
    /// Listens at `path`. It removes the socket that a killed process left there, and nothing else: a path may be wrong.
    ///
    /// # Errors
    ///
    /// [`Error::ResolveSocket`].
    pub fn bind(path: &Path) -> Result<Self, Error> {
        let bind = || {
            if is_left_behind(path)? {
                fs::remove_file(path)?;
            }
            let listener = UnixListener::bind(path)?;
            fs::set_permissions(path, Permissions::from_mode(0o600))?;
            Ok(listener)
        };
        let listener = bind().map_err(|source| Error::ResolveSocket {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self {
            listener,
            path: path.to_owned(),
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

    /// Answers until the future is dropped. `panicked` is called when a question ends in a panic, which ends nothing else.
    pub async fn serve(
        &self,
        resolver: Arc<Resolver>,
        panicked: impl Fn() + Clone + Send + 'static,
    ) {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    let answer = answer(stream, Arc::clone(&resolver));
                    let answering = tokio::spawn(timeout(PATIENCE, answer));
                    let panicked = panicked.clone();
                    tokio::spawn(async move {
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
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }
}

/// Returns whether there is a socket at `path`, which a process left. Fails if there is something else, or none can be.
fn is_left_behind(path: &Path) -> io::Result<bool> {
    // A path that is too long, or has a zero byte.
    SocketAddr::from_pathname(path)?;
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => Ok(true),
        Ok(_) => Err(io::Error::other("it exists and is not a socket")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

impl Drop for ResolveSocket {
    fn drop(&mut self) {
        // Left behind it does no harm: nothing answers there, and the next start removes it.
        let _ = fs::remove_file(&self.path);
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

#[cfg(test)]
mod tests {
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
}
