//! A value that the caller has sealed: the checks that need no key. The agent repeats them.

use base64::{
    Engine as _,
    engine::{Simd, general_purpose::PAD},
};
use sealpost_channel::Kind;
use sealpost_context::{InvalidIdentifier, OwnedContext, Owner, error::Field};
use sealpost_envelope::{
    Error, Format, Message, UnixTime, cms::from_pem, jwe::JweError, message::Declared,
};
use sealpost_protocol::{mismatches, single_use::SingleUse};
use sealpost_rest::ProblemType;

use crate::{media_type::SealedType, rejection::Rejection};

/// A value that the caller has sealed.
pub(crate) enum AtSource {
    /// With the context that it claims.
    Jwe { context: OwnedContext, jwe: String },
    /// DER; its context is sealed with it.
    Cms(Vec<u8>),
}

impl AtSource {
    pub(super) fn check(
        sealed_type: SealedType,
        body: &[u8],
        now: UnixTime,
    ) -> Result<Self, Rejection> {
        match sealed_type {
            SealedType::Jose => jwe(Format::JweCompact, body, now),
            SealedType::JoseJson => jwe(Format::JweJson, body, now),
            SealedType::Pkcs7 => cms(body),
        }
    }

    pub(super) fn mismatches(&self, owner: &Owner) -> Vec<String> {
        match self {
            Self::Jwe { context, .. } => mismatches(owner, &context.borrow()),
            // The agent finds out.
            Self::Cms(_) => Vec::new(),
        }
    }

    pub(super) fn name(&self) -> Option<&str> {
        match self {
            Self::Jwe { context, .. } => Some(context.name().as_str()),
            Self::Cms(_) => None,
        }
    }

    /// Returns the sealed bytes, as the agent gets them.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Jwe { jwe, .. } => jwe.as_bytes(),
            Self::Cms(der) => der,
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Jwe { .. } => Kind::Jwe,
            Self::Cms(_) => Kind::Cms,
        }
    }

    /// Returns the context that it claims, if it can be read.
    pub(crate) fn context(&self) -> Option<&OwnedContext> {
        match self {
            Self::Jwe { context, .. } => Some(context),
            Self::Cms(_) => None,
        }
    }
}

fn jwe(format: Format, body: &[u8], now: UnixTime) -> Result<AtSource, Rejection> {
    // A file often ends with a line break.
    let body = body.trim_ascii();
    let message = Message::parse_as(format, body).map_err(|error| match error {
        Error::OtherFormat { .. } => unreadable(
            &"this is another serialisation than Content-Type says: application/jose is the compact one, \
             application/jose+json the other two",
        ),
        error => unreadable(&error),
    })?;
    let binding = match message.declared() {
        Declared::Header(binding) => binding,
        Declared::Committed | Declared::Inside => None,
    };
    let binding = binding.ok_or_else(|| unreadable(&JweError::NoContext))?;
    if !message.names_every_key() {
        return Err(unreadable(&JweError::NoKeyName));
    }
    let context = OwnedContext::check(&binding.context());
    let of_agent = |broken: &&InvalidIdentifier| broken.field() == Field::AgentId;
    if let Err(broken) = &context
        && let Some(broken) = broken.iter().find(of_agent)
    {
        return Err(Rejection::one(
            ProblemType::ContextMismatch,
            broken.to_string(),
        ));
    }
    let single_use = SingleUse::parse(binding, now, LEEWAY);
    let context = match (context, single_use) {
        (Ok(context), Ok(_)) => context,
        (context, single_use) => {
            let broken = context.err().into_iter().flatten();
            let mut violations: Vec<_> = broken.map(|broken| broken.to_string()).collect();
            violations.extend(single_use.err().into_iter().flatten());
            return Err(Rejection::new(ProblemType::InvalidRequest, violations));
        }
    };
    let jwe = str::from_utf8(body).map_err(|error| unreadable(&error))?;
    Ok(AtSource::Jwe {
        context,
        jwe: jwe.to_owned(),
    })
}

fn cms(body: &[u8]) -> Result<AtSource, Rejection> {
    let der = if body.first() == Some(&SEQUENCE) {
        body.to_vec()
    } else if body.trim_ascii_start().starts_with(b"-----BEGIN ") {
        from_pem(body).map_err(|error| unreadable(&error))?
    } else {
        decode(body)?
    };
    // The content of base64 must be DER, not text again.
    if der.first() != Some(&SEQUENCE) {
        return Err(not_der());
    }
    Message::parse_as(Format::Cms, &der).map_err(|error| unreadable(&error))?;
    Ok(AtSource::Cms(der))
}

/// Decodes base64 with line breaks anywhere (RFC 2045 §6.8).
fn decode(text: &[u8]) -> Result<Vec<u8>, Rejection> {
    let text: Vec<u8> = text
        .iter()
        .copied()
        .filter(|b| !b.is_ascii_whitespace())
        .collect();
    Simd::standard(PAD).decode(text).map_err(|_| not_der())
}

fn not_der() -> Rejection {
    unreadable(
        &"this is neither DER, PEM nor base64 of DER: write it with openssl cms -encrypt -outform DER or PEM",
    )
}

fn unreadable(error: &dyn ToString) -> Rejection {
    let violation = format!("#: {}", error.to_string());
    Rejection::one(ProblemType::SealedUnreadable, violation)
}

/// The first byte of DER.
const SEQUENCE: u8 = 0x30;
/// By how much the caller's clock may differ.
const LEEWAY: std::time::Duration = std::time::Duration::from_secs(60);
