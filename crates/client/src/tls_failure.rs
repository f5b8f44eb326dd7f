//! Why TLS with the gateway fails, and what helps.

use std::{
    error::Error as StdError,
    fmt, io,
    time::{Duration, SystemTime},
};

use httpdate::fmt_http_date;
use rustls::{
    AlertDescription as Alert, CertificateError as Refused, Error as TlsError, InvalidMessage,
    pki_types::UnixTime,
};

use crate::printable::printable;

/// Why there is no TLS with the gateway. Its text says what helps.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum TlsFailure {
    /// No trusted authority has issued the gateway's certificate.
    UnknownIssuer,
    /// The gateway's certificate is an authority's.
    AuthorityAsServer,
    /// The gateway's certificate is not valid any more.
    Expired {
        /// Its last second and this machine's clock, if they are known.
        at: Option<(SystemTime, SystemTime)>,
    },
    /// The gateway's certificate is not valid yet.
    NotYetValid {
        /// Its first second and this machine's clock, if they are known.
        at: Option<(SystemTime, SystemTime)>,
    },
    /// The gateway's certificate is for other hosts.
    OtherHost {
        /// The host of the URL, if it is known.
        expected: Option<String>,
        /// The names in the certificate, made safe to show.
        presented: Vec<String>,
    },
    /// The gateway's certificate is not for servers.
    NotForServers,
    /// The gateway's certificate can't be used for another reason, in the library's words.
    Certificate(String),
    /// The gateway wants a certificate of the client, and got none.
    WantsClientCertificate {
        /// Whether the client has one, of a kind that the gateway does not take.
        has_one: bool,
    },
    /// The gateway refuses the client's certificate.
    RefusesClientCertificate(&'static str),
    /// No version of TLS or no cipher suite in common.
    NothingInCommon,
    /// The gateway refuses and does not say why.
    Refuses {
        /// Whether the client has a certificate.
        has_certificate: bool,
    },
    /// The gateway does not serve the host of the URL.
    UnknownHost,
    /// Something else, in the library's words.
    Other(String),
}

impl TlsFailure {
    /// Returns the reason in a failure of TLS; `has_certificate` is whether the client has one to show.
    pub(crate) fn new(error: &TlsError, has_certificate: bool) -> Self {
        match error {
            TlsError::InvalidCertificate(refused) => of_certificate(refused),
            TlsError::AlertReceived(alert) => of_alert(*alert, has_certificate),
            TlsError::PeerIncompatible(_) => Self::NothingInCommon,
            other => Self::Other(printable(other.to_string())),
        }
    }

    /// Returns the failure of a request that was written before the server had looked at the client's certificate, as TLS
    /// 1.3 does it: `None` unless it is certain that the server gave the request to no application.
    pub(crate) fn after_request(error: &reqwest::Error, has_certificate: bool) -> Option<Self> {
        let alert = alert_in(error)?;
        is_about_certificate(alert).then(|| of_alert(alert, has_certificate))
    }
}

impl fmt::Display for TlsFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownIssuer => f.write_str(
                "its certificate was issued by no authority that this client trusts: give it the authority's certificate, and \
                 have the gateway send those between the two",
            ),
            Self::AuthorityAsServer => f.write_str(
                "its certificate is an authority's own (basicConstraints CA:TRUE), which this client takes from no server: \
                 give the gateway one with CA:FALSE",
            ),
            Self::Expired { at } => {
                f.write_str("its certificate has expired")?;
                match at {
                    Some((until, now)) => {
                        write!(f, ", at {}, and this machine's clock says {}", fmt_http_date(*until), fmt_http_date(*now))?;
                    }
                    // The library says no more of one whose dates contradict each other.
                    None => f.write_str(", or ends before it begins")?,
                }
                f.write_str(": renew it, or set the clock right")
            }
            Self::NotYetValid { at } => {
                f.write_str("its certificate is not valid yet")?;
                if let Some((from, now)) = at {
                    write!(f, ", only from {}, and this machine's clock says {}", fmt_http_date(*from), fmt_http_date(*now))?;
                }
                f.write_str(": wait until then, or set the clock right")
            }
            Self::OtherHost { expected, presented } => {
                let expected = expected.as_deref().unwrap_or("the host of the URL");
                write!(f, "its certificate is not for {expected}, ")?;
                match presented.is_empty() {
                    true => f.write_str("it names no host in subjectAltName: give the gateway one that does"),
                    false => write!(
                        f,
                        "only for {}: use one of these in the URL, or give the gateway a certificate that names this host",
                        presented.join(", ")
                    ),
                }
            }
            Self::NotForServers => f.write_str(
                "its certificate is not for servers (extendedKeyUsage without serverAuth): give the gateway one that is",
            ),
            Self::Certificate(why) => {
                write!(f, "its certificate can't be used ({why}): give the gateway another")
            }
            Self::WantsClientCertificate { has_one: false } => {
                f.write_str("it wants a client certificate: give the client one, with its key")
            }
            Self::WantsClientCertificate { has_one: true } => f.write_str(
                "it wants a client certificate and does not take this one's kind of key: ask its operator which it takes",
            ),
            Self::RefusesClientCertificate(why) => write!(
                f,
                "it refuses the client certificate{why}: use one that an authority has issued which the gateway trusts, and \
                 that is valid"
            ),
            Self::NothingInCommon => f.write_str(
                "it has no version of TLS or no cipher suite in common with this client: let it, or what stands before it, \
                 speak TLS 1.3, or TLS 1.2 with ECDHE",
            ),
            Self::Refuses { has_certificate } => write!(
                f,
                "it refuses the handshake and does not say why: it may want {} client certificate, or have no cipher suite in \
                 common with this client; its log tells",
                if *has_certificate { "another" } else { "a" }
            ),
            Self::UnknownHost => f.write_str(
                "it does not serve the host of the URL: use the name that it is set up for",
            ),
            Self::Other(why) => write!(f, "{why}: check host and port, and what is in between"),
        }
    }
}

fn of_certificate(refused: &Refused) -> TlsFailure {
    match refused {
        Refused::UnknownIssuer => TlsFailure::UnknownIssuer,
        Refused::Expired => TlsFailure::Expired { at: None },
        Refused::ExpiredContext { time, not_after } => TlsFailure::Expired {
            at: at(*not_after, *time),
        },
        Refused::NotValidYet => TlsFailure::NotYetValid { at: None },
        Refused::NotValidYetContext { time, not_before } => TlsFailure::NotYetValid {
            at: at(*not_before, *time),
        },
        Refused::NotValidForName => TlsFailure::OtherHost {
            expected: None,
            presented: Vec::new(),
        },
        Refused::NotValidForNameContext {
            expected,
            presented,
        } => TlsFailure::OtherHost {
            expected: Some(expected.to_str().into_owned()),
            presented: presented.iter().map(|name| shown(name)).collect(),
        },
        Refused::InvalidPurpose | Refused::InvalidPurposeContext { .. } => {
            TlsFailure::NotForServers
        }
        Refused::BadEncoding => TlsFailure::Certificate(
            "it is malformed, or has a date before 1970, which is not read".to_owned(),
        ),
        Refused::BadSignature => {
            TlsFailure::Certificate("its issuer's key has not signed it".to_owned())
        }
        // webpki's error, which rustls has no name for; a test holds it to its words.
        Refused::Other(other) if other.to_string() == "CaUsedAsEndEntity" => {
            TlsFailure::AuthorityAsServer
        }
        Refused::Other(other) if other.to_string() == "UnsupportedCriticalExtension" => {
            TlsFailure::Certificate("it has a critical extension that is not known here".to_owned())
        }
        other => TlsFailure::Certificate(printable(other.to_string())),
    }
}

fn of_alert(alert: Alert, has_certificate: bool) -> TlsFailure {
    match alert {
        Alert::CertificateRequired => TlsFailure::WantsClientCertificate {
            has_one: has_certificate,
        },
        // Go and others say so to a client without one, before TLS 1.3.
        alert if is_about_certificate(alert) && !has_certificate => {
            TlsFailure::WantsClientCertificate { has_one: false }
        }
        Alert::UnknownCA => {
            TlsFailure::RefusesClientCertificate(", it does not know its authority")
        }
        Alert::CertificateExpired => {
            TlsFailure::RefusesClientCertificate(", it has expired or is not valid yet")
        }
        Alert::CertificateRevoked => TlsFailure::RefusesClientCertificate(", it was revoked"),
        alert if is_about_certificate(alert) => TlsFailure::RefusesClientCertificate(""),
        Alert::ProtocolVersion | Alert::InsufficientSecurity => TlsFailure::NothingInCommon,
        Alert::HandshakeFailure => TlsFailure::Refuses { has_certificate },
        Alert::UnrecognisedName => TlsFailure::UnknownHost,
        other => TlsFailure::Other(TlsError::AlertReceived(other).to_string()),
    }
}

/// Returns whether the alert is about the certificate of the one who gets it (RFC 8446 §6.2). A server sends it before the
/// handshake is over, and the application has read nothing then.
fn is_about_certificate(alert: Alert) -> bool {
    ABOUT_CERTIFICATE.contains(&alert)
}

const ABOUT_CERTIFICATE: [Alert; 7] = [
    Alert::BadCertificate,
    Alert::UnsupportedCertificate,
    Alert::CertificateRevoked,
    Alert::CertificateExpired,
    Alert::CertificateUnknown,
    Alert::UnknownCA,
    Alert::CertificateRequired,
];

/// Returns the failure of TLS among the causes: the layers between wrap it several times.
pub(crate) fn find(error: &reqwest::Error) -> Option<&TlsError> {
    causes(error).find_map(|cause| match cause.downcast_ref::<io::Error>() {
        Some(io) => within(io),
        None => cause.downcast_ref(),
    })
}

fn within(error: &io::Error) -> Option<&TlsError> {
    let inner = error.get_ref()?;
    match inner.downcast_ref::<io::Error>() {
        Some(deeper) => within(deeper),
        None => inner.downcast_ref(),
    }
}

/// HTTP/2 keeps the words of an error of TLS, not the error.
fn alert_in(error: &reqwest::Error) -> Option<Alert> {
    match find(error) {
        Some(TlsError::AlertReceived(alert)) => Some(*alert),
        Some(_) => None,
        None => ABOUT_CERTIFICATE.into_iter().find(|alert| {
            let words = TlsError::AlertReceived(*alert).to_string();
            causes(error).any(|cause| cause.to_string().contains(&words))
        }),
    }
}

/// Returns whether the first byte of the answer begins no record of TLS.
pub(crate) fn is_not_tls(error: &TlsError) -> bool {
    matches!(
        error,
        TlsError::InvalidMessage(InvalidMessage::InvalidContentType)
    )
}

pub(crate) fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    std::iter::successors(error.source(), |&cause| cause.source())
}

/// rustls writes names as its enumeration does: `DnsName("gateway.example")`, `IpAddress(192.0.2.1)`.
fn shown(name: &str) -> String {
    let inner = name
        .split_once('(')
        .and_then(|(_, rest)| rest.strip_suffix(')'));
    printable(inner.unwrap_or(name).trim_matches('"').to_owned())
}

/// `None` if a clock of this machine can't show one of them.
fn at(bound: UnixTime, now: UnixTime) -> Option<(SystemTime, SystemTime)> {
    let time = |time: UnixTime| {
        let seconds = Some(time.as_secs()).filter(|seconds| *seconds < YEAR_10000)?;
        SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
    };
    Some((time(bound)?, time(now)?))
}

/// Seconds; no certificate has a later date, and HTTP's dates end there.
const YEAR_10000: u64 = 253_402_300_800;
