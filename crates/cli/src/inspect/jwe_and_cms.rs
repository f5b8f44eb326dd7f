//! What a JWE or a CMS message tells without a key.

use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

use sealpost_envelope::{
    Format, UnixTime,
    binding::Binding,
    cms::{Cms, RecipientName},
    jwe::{Jwe, KeyName, Serialization},
};
use sealpost_files::printable;
use serde_json::{Value, json};
use x509_cert::der::{Decode as _, Reader as _, SliceReader};
use x509_cert::{name::Name, serial_number::SerialNumber};

use crate::render::{hex, rfc3339};

/// What there is to say, for people and for programs.
pub(super) struct MessageReport {
    title: String,
    format: &'static str,
    form: &'static str,
    bytes: usize,
    recipients: Vec<Recipient>,
    /// CMS has no place for one that shows.
    context: Option<Option<Binding>>,
    message_len: usize,
}

/// How one recipient is named.
enum Recipient {
    Jwe(KeyName),
    /// The certificate's issuer (RFC 4514) and serial number in hex.
    Issued {
        issuer: String,
        serial: String,
    },
    /// The certificate's subjectKeyIdentifier in hex.
    SubjectKeyId(String),
}

impl MessageReport {
    pub(super) fn of_jwe(format: Format, input: &[u8], jwe: &Jwe<'_>) -> Self {
        let (title, form) = match jwe.serialization() {
            Serialization::Compact => (format.to_string(), "compact"),
            Serialization::Flattened => {
                ("JWE, flattened JSON serialisation".to_owned(), "flattened")
            }
            Serialization::General => ("JWE, general JSON serialisation".to_owned(), "general"),
        };
        Self {
            title,
            format: "jwe",
            form,
            bytes: input.len(),
            recipients: jwe.recipients().map(Recipient::Jwe).collect(),
            context: Some(jwe.binding().cloned()),
            message_len: jwe.message_len(),
        }
    }

    pub(super) fn of_cms(format: Format, input: &[u8], cms: &Cms) -> Self {
        Self {
            title: format.to_string(),
            format: "cms",
            form: super::form(format),
            bytes: input.len(),
            recipients: cms.recipients().map(Recipient::from).collect(),
            context: None,
            message_len: cms.message_len(),
        }
    }

    pub(super) fn to_json(&self) -> Value {
        let recipients: Vec<_> = self.recipients.iter().map(Recipient::to_json).collect();
        let mut report = json!({
            "authenticated": false,
            "format": self.format,
            "form": self.form,
            "bytes": self.bytes,
            "recipients": recipients,
            "messageBytes": self.message_len,
        });
        if let Some(context) = &self.context {
            report["context"] = context.as_ref().map_or(Value::Null, context_json);
        }
        report
    }
}

impl fmt::Display for MessageReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}, {} bytes. Unauthenticated: proven only by opening it.",
            self.title, self.bytes
        )?;
        for recipient in &self.recipients {
            writeln!(f, "recipient  {recipient}")?;
        }
        match &self.context {
            None => writeln!(f, "context    none that shows before it is opened")?,
            Some(None) => writeln!(f, "context    none: it can be given out for any secret")?,
            Some(Some(binding)) => write_context(f, binding)?,
        }
        writeln!(f, "message    {} bytes", self.message_len)
    }
}

impl From<RecipientName<'_>> for Recipient {
    fn from(name: RecipientName<'_>) -> Self {
        match name {
            RecipientName::IssuerAndSerialNumber(der) => match issuer_and_serial(der) {
                Some((issuer, serial)) => Self::Issued { issuer, serial },
                None => Self::Issued {
                    issuer: "a name that can't be shown".to_owned(),
                    serial: hex(der),
                },
            },
            RecipientName::SubjectKeyIdentifier(id) => Self::SubjectKeyId(hex(id)),
        }
    }
}

impl Recipient {
    fn to_json(&self) -> Value {
        match self {
            Self::Jwe(name) => json!({
                "keyId": name.key_id().map(|id| id.to_string()),
                "certificate": name.fingerprint().map(|fingerprint| fingerprint.to_string()),
            }),
            Self::Issued { issuer, serial } => json!({ "issuer": issuer, "serial": serial }),
            Self::SubjectKeyId(id) => json!({ "subjectKeyId": id }),
        }
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Jwe(name) => match (name.key_id(), name.fingerprint()) {
                (Some(key), Some(certificate)) => write!(f, "key {key}, certificate {certificate}"),
                (Some(key), None) => write!(f, "key {key}"),
                (None, Some(certificate)) => write!(f, "certificate {certificate}"),
                (None, None) if name.is_empty() => f.write_str("not named"),
                (None, None) => f.write_str("named in a way that no key of sealpost is"),
            },
            Self::Issued { issuer, serial } => {
                write!(f, "issuer {}, serial {serial}", printable(issuer))
            }
            Self::SubjectKeyId(id) => write!(f, "subject key id {id}"),
        }
    }
}

fn write_context(f: &mut fmt::Formatter<'_>, binding: &Binding) -> fmt::Result {
    let context = binding.context();
    write!(f, "context    agent {}", printable(context.agent_id()))?;
    if let Some(project) = context.project_id() {
        write!(f, ", project {}", project)?;
    }
    write!(f, ", name {:?}", context.name())?;
    if let Some(key) = context.key() {
        write!(f, ", key {key:?}")?;
    }
    if let Some(secret_type) = context.secret_type() {
        write!(f, ", type {}", printable(secret_type))?;
    }
    writeln!(f)?;
    if let (Some(jti), Some(end)) = (binding.jti(), binding.expires_at()) {
        writeln!(f, "once       {jti}, until {}", time(end.as_secs()))?;
    } else if let Some(end) = binding.expires_at() {
        writeln!(f, "until      {}", time(end.as_secs()))?;
    } else if let Some(jti) = binding.jti() {
        writeln!(f, "once       {jti}")?;
    }
    Ok(())
}

fn context_json(binding: &Binding) -> Value {
    let context = binding.context();
    json!({
        "agent": context.agent_id(),
        "project": context.project_id().map(|id| id.to_string()),
        "name": context.name(),
        "key": context.key(),
        "type": context.secret_type(),
        "jti": binding.jti(),
        "exp": binding.expires_at().map(UnixTime::as_secs),
    })
}

/// `IssuerAndSerialNumber ::= SEQUENCE { issuer Name, serialNumber CertificateSerialNumber }` (RFC 5652 §10.2.4)
fn issuer_and_serial(der: &[u8]) -> Option<(String, String)> {
    if der.len() > MAX_SHOWN {
        return None;
    }
    let mut reader = SliceReader::new(der).ok()?;
    let parts = reader.sequence(|parts| -> x509_cert::der::Result<_> {
        let issuer: Name = Name::decode(parts)?;
        let serial: SerialNumber = SerialNumber::decode(parts)?;
        Ok((issuer.to_string(), hex(serial.as_bytes())))
    });
    parts.ok()
}

/// RFC 3339, or the number where that has no year for it.
fn time(seconds: u64) -> String {
    match UNIX_EPOCH.checked_add(Duration::from_secs(seconds)) {
        Some(time) if seconds < YEAR_10000 => rfc3339(time),
        _ => format!("{seconds} seconds after 1970"),
    }
}

/// Bytes of a name that is worth showing.
const MAX_SHOWN: usize = 8 * 1024;
const YEAR_10000: u64 = 253_402_300_800;
