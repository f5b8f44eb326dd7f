//! The ways to get a token.

use std::fmt;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use reqwest::Method;
use reqwest::header::HeaderValue;
use sealpost_files::{quoted, read_named};
use sealpost_vault::{Patience, error::VaultFailure};
use tokio::task::spawn_blocking;
use zeroize::Zeroizing;

use crate::http::{Answer, Http, Request};
use crate::layout::{quote, quoted_len};
use crate::meaning::{Meaning, meaning, number, part, string};
use crate::path::escaped;
use crate::tls::Tls;
use crate::token::{Lease, token_header};

/// How an agent authenticates.
#[derive(Clone)]
pub(crate) enum Login {
    /// With a token that is given.
    Token(Zeroizing<String>),
    /// With the token in a file, which another program replaces.
    TokenFile(PathBuf),
    /// With a role and perhaps a secret id.
    AppRole {
        mount: String,
        role_id: String,
        secret_id_file: Option<PathBuf>,
    },
    /// With the token of a Kubernetes service account.
    Kubernetes {
        mount: String,
        role: String,
        jwt_file: PathBuf,
    },
    /// With the certificate that the client shows.
    Certificate {
        mount: String,
        role: Option<String>,
        tls: Tls,
    },
}

/// What a login gives.
pub(crate) struct Granted {
    pub(crate) header: HeaderValue,
    pub(crate) lease: Option<Lease>,
    pub(crate) is_renewable: bool,
}

impl Login {
    /// Returns whether another token can be had whenever this one ends.
    pub(crate) fn repeats(&self) -> bool {
        !matches!(self, Self::Token(_) | Self::TokenFile(_))
    }

    /// Gets a token, and waits for a server that can't serve now.
    pub(crate) async fn run(
        &self,
        http: &Http,
        patience: &mut Patience,
    ) -> Result<Granted, VaultFailure> {
        match self {
            Self::Token(token) => look_up(http, given(token, "the configuration")?, patience).await,
            Self::TokenFile(path) => look_up(http, token_in(path).await?, patience).await,
            Self::AppRole {
                mount,
                role_id,
                secret_id_file,
            } => {
                let secret_id = match secret_id_file {
                    Some(path) => Some(content(path).await?),
                    None => None,
                };
                let mut members = vec![("role_id", role_id.as_str())];
                if let Some(secret_id) = &secret_id {
                    members.push(("secret_id", text(secret_id)));
                }
                exchange(http, mount, &members, patience).await
            }
            Self::Kubernetes {
                mount,
                role,
                jwt_file,
            } => {
                let jwt = content(jwt_file).await?;
                exchange(
                    http,
                    mount,
                    &[("role", role), ("jwt", text(&jwt))],
                    patience,
                )
                .await
            }
            Self::Certificate { mount, role, tls } => {
                // The files may have been replaced since.
                let tls = tls.clone();
                let client = spawn_blocking(move || tls.client()).await;
                http.replace_client(client.map_err(VaultFailure::unavailable)??);
                let name: Vec<_> = role.iter().map(|role| ("name", role.as_str())).collect();
                exchange(http, mount, &name, patience).await
            }
        }
    }

    /// Reads the credentials, and asks no server.
    pub(crate) async fn check(&self) -> Result<(), VaultFailure> {
        match self {
            Self::Token(token) => given(token, "the configuration").map(drop),
            Self::TokenFile(path) => token_in(path).await.map(drop),
            Self::AppRole {
                secret_id_file: Some(path),
                ..
            }
            | Self::Kubernetes { jwt_file: path, .. } => content(path).await.map(drop),
            // The certificate's file was read for the client.
            Self::AppRole { .. } | Self::Certificate { .. } => Ok(()),
        }
    }

    /// Returns a hash of the file with the credentials, to see whether it has changed.
    pub(crate) async fn fingerprint(&self) -> Option<[u8; 32]> {
        let path = match self {
            Self::TokenFile(path)
            | Self::AppRole {
                secret_id_file: Some(path),
                ..
            }
            | Self::Kubernetes { jwt_file: path, .. } => path,
            Self::Certificate { tls, .. } => tls.certificate_file.as_ref()?,
            Self::Token(_) | Self::AppRole { .. } => return None,
        };
        let content = content(path).await.ok()?;
        digest(&SHA256, &content).as_ref().try_into().ok()
    }

    /// Returns the token that is in the file now, if the method has one.
    pub(crate) async fn current(&self) -> Option<HeaderValue> {
        match self {
            Self::TokenFile(path) => token_in(path).await.ok(),
            _ => None,
        }
    }
}

/// Shows the method, and no credential.
impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Token(_) => "Token(..)",
            Self::TokenFile(_) => "TokenFile(..)",
            Self::AppRole { .. } => "AppRole(..)",
            Self::Kubernetes { .. } => "Kubernetes(..)",
            Self::Certificate { .. } => "Certificate(..)",
        })
    }
}

async fn token_in(path: &Path) -> Result<HeaderValue, VaultFailure> {
    given(text(&content(path).await?), &quoted(path))
}

fn given(token: &str, place: &str) -> Result<HeaderValue, VaultFailure> {
    token_header(token).ok_or_else(|| {
        VaultFailure::unauthenticated(format!("{place} holds no token, or more than one"))
    })
}

/// Finds out how long a token is good for.
async fn look_up(
    http: &Http,
    header: HeaderValue,
    patience: &mut Patience,
) -> Result<Granted, VaultFailure> {
    loop {
        let answer = asked(http, Method::GET, LOOK_UP, None, Some(&header), patience).await?;
        return match meaning(&answer) {
            Meaning::Done => Ok(Granted {
                lease: number(&answer.body, &["data", "ttl"]).and_then(Lease::of),
                is_renewable: part(&answer.body, &["data", "renewable"]) == Some("true"),
                header,
            }),
            // Its policy does not let it be looked up, but it is known.
            Meaning::Forbidden { is_policy: true } => Ok(Granted {
                header,
                lease: None,
                is_renewable: false,
            }),
            Meaning::Forbidden { .. } => Err(VaultFailure::unauthenticated(
                "the token has expired, was revoked, or belongs to another namespace or vault",
            )),
            Meaning::Later(cause, wait) => {
                http.leave(answer.address);
                patience.pause(cause, wait).await?;
                continue;
            }
            other => Err(unexpected(other)),
        };
    }
}

/// Exchanges credentials for a token.
async fn exchange(
    http: &Http,
    mount: &str,
    members: &[(&str, &str)],
    patience: &mut Patience,
) -> Result<Granted, VaultFailure> {
    let path = format!("auth/{}/login", escaped(mount));
    let body = object(members);
    loop {
        let answer = asked(
            http,
            Method::POST,
            &path,
            Some(body.clone()),
            None,
            patience,
        )
        .await?;
        return match meaning(&answer) {
            Meaning::Done => granted(&answer).ok_or_else(|| {
                VaultFailure::unusable(
                    "its answer to a login has no token; look whether a proxy answers in its place",
                )
            }),
            Meaning::Later(cause, wait) => {
                http.leave(answer.address);
                patience.pause(cause, wait).await?;
                continue;
            }
            // A wrong role or secret is 400 or 403, depending on the method.
            Meaning::Forbidden { .. } | Meaning::Never(_) if matches!(answer.status, 400 | 403) => {
                Err(VaultFailure::unauthenticated(format!(
                    "it refuses the login at auth/{mount} ({}); compare the role and renew its credentials",
                    answer.status
                )))
            }
            other => Err(unexpected(other)),
        };
    }
}

/// Asks until there is an answer.
async fn asked(
    http: &Http,
    method: Method,
    path: &str,
    body: Option<Bytes>,
    token: Option<&HeaderValue>,
    patience: &mut Patience,
) -> Result<Answer, VaultFailure> {
    let request = Request {
        method,
        path,
        body,
        token,
    };
    loop {
        match http.exchange(&request, patience.deadline()).await {
            Ok(answer) => return Ok(answer),
            Err(cause) => patience.pause(cause, None).await?,
        }
    }
}

fn granted(answer: &Answer) -> Option<Granted> {
    let token = string(&answer.body, &["auth", "client_token"])?;
    let mut buffer = Zeroizing::new(vec![0; token.raw().len()]);
    Some(Granted {
        header: token_header(token.decode_into(&mut buffer)?)?,
        lease: number(&answer.body, &["auth", "lease_duration"]).and_then(Lease::of),
        is_renewable: part(&answer.body, &["auth", "renewable"]) == Some("true"),
    })
}

fn unexpected(meaning: Meaning) -> VaultFailure {
    match meaning {
        Meaning::Never(failure) => failure,
        _ => VaultFailure::unusable(
            "its answer to a login makes no sense; look whether a proxy answers in its place",
        ),
    }
}

/// Reads a small file with a credential.
async fn content(path: &Path) -> Result<Zeroizing<Vec<u8>>, VaultFailure> {
    let owned = path.to_owned();
    let read = spawn_blocking(move || read_named(&owned, MAX_CREDENTIAL)).await;
    let bytes = read
        .map_err(VaultFailure::unavailable)?
        .map_err(|error| VaultFailure::unauthenticated(error.in_one_line()))?;
    if text(&bytes).is_empty() {
        let text = format!("{} is empty", quoted(path));
        return Err(VaultFailure::unauthenticated(text));
    }
    Ok(bytes)
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default().trim()
}

/// Returns an object of strings, in a buffer that is wiped.
fn object(members: &[(&str, &str)]) -> Bytes {
    let length = members
        .iter()
        .map(|(name, value)| quoted_len(name) + quoted_len(value) + 2);
    let mut json = Zeroizing::new(Vec::with_capacity(length.sum::<usize>() + 2));
    json.push(b'{');
    for (index, (name, value)) in members.iter().enumerate() {
        if index > 0 {
            json.push(b',');
        }
        quote(name, &mut json);
        json.push(b':');
        quote(value, &mut json);
    }
    json.push(b'}');
    Bytes::from_owner(json)
}

pub(crate) const LOOK_UP: &str = "auth/token/lookup-self";
/// More than any token, and than a certificate with its issuers and its key.
const MAX_CREDENTIAL: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_escaped_and_not_shown() {
        assert_eq!(
            object(&[("role_id", "a\"b"), ("secret_id", "c\\")]),
            br#"{"role_id":"a\"b","secret_id":"c\\"}"#.as_slice()
        );
        let login = Login::Token(Zeroizing::new("canary".to_owned()));
        assert!(!format!("{login:?}").contains("canary"));
        let refused = given("canary\n1", "the configuration").unwrap_err();
        assert!(!format!("{refused} {refused:?}").contains("canary"));
    }
}
