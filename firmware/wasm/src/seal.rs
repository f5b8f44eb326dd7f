//! Sealing.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use sealpost_context::{InvalidIdentifier, OwnedContext, Owner, SecretId};
use sealpost_envelope::{Certificate, Fingerprint, Recipient, RustCrypto, Trust, UnixTime, text};
use sealpost_validator::{MAX_MEMBERS, Naming, Slot, Violations, validate_value};

use crate::{
    fields::{Fields, Malformed},
    memory::{self, Answer},
    noise::Noise,
};

/// Seals a value: the fields are the certificate in PEM, the pins (fingerprints, one a line; absent: any certificate),
/// agent id, project, name, key, type and value. The answer is the text form of the envelope.
///
/// # Safety
///
/// `start` and `length` are of memory from [`reserve`](crate::reserve).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn seal(start: *const u8, length: usize, now_seconds: u64) -> *mut u8 {
    // SAFETY: the caller's promise.
    let message = unsafe { memory::message(start, length) };
    memory::give(sealed(message, UnixTime::from_secs(now_seconds)))
}

fn sealed(message: &[u8], now: UnixTime) -> Answer {
    let mut fields = Fields::new(message);
    let certificate = fields.bytes()?;
    let pins = fields.optional_text()?;
    let context = context(&mut fields)?;
    let context = context.borrow();
    let value = fields.bytes()?;

    let pins = pins.map(fingerprints).transpose()?;
    let trust = pins
        .as_deref()
        .map_or(Trust::DangerAnyCertificate, Trust::Pinned);
    let certificate = Certificate::from_pem(certificate).map_err(|error| error.to_string())?;
    // What a pin can't say: that the certificate is that of the agent named.
    if !certificate.agent_ids().any(|id| id == context.agent_id())
        && certificate.agent_ids().next().is_some()
    {
        return Err(format!(
            "the certificate is not that of agent {}: take the one that was issued for it",
            context.agent_id()
        ));
    }
    let recipient = Recipient::<RustCrypto>::from_certificate(&certificate, &trust, now)
        .map_err(|error| error.to_string())?;
    let mut scratch = [Slot::EMPTY; MAX_MEMBERS];
    let mut violations = Violations::<16>::new();
    let value = validate_value(
        value,
        context.key(),
        Naming::Withhold,
        &mut scratch,
        &mut violations,
    )
    .ok_or_else(|| {
        let lines: Vec<_> = violations.iter().map(ToString::to_string).collect();
        lines.join("\n")
    })?;
    let envelope = sealpost_envelope::seal(&[recipient], &context, value.as_bytes(), &mut Noise)
        .map_err(|error| error.to_string())?;
    Ok(text::encode(&envelope).into_bytes())
}

/// Agent id, project, name, key and type, by the rules of the endpoint.
pub(crate) fn context(fields: &mut Fields<'_>) -> Result<OwnedContext, String> {
    let agent = fields.text()?.parse().map_err(broken)?;
    let project = fields.optional_text()?;
    let mut secret = SecretId::new(fields.text()?.try_into().map_err(broken)?);
    let project = project.map(str::parse).transpose().map_err(broken)?;
    if let Some(key) = fields.optional_text()? {
        secret = secret.with_key(key.try_into().map_err(broken)?);
    }
    if let Some(secret_type) = fields.optional_text()? {
        secret = secret.with_type(secret_type.try_into().map_err(broken)?);
    }
    Ok(OwnedContext::new(Owner { agent, project }, secret))
}

fn broken(broken: InvalidIdentifier) -> String {
    broken.to_string()
}

fn fingerprints(lines: &str) -> Result<Vec<Fingerprint>, String> {
    let parsed = lines.lines().map(|line| line.parse());
    parsed
        .collect::<Result<_, _>>()
        .map_err(|error: sealpost_envelope::key::InvalidDigest| error.to_string())
}

impl From<Malformed> for String {
    fn from(_: Malformed) -> Self {
        "sealpost.mjs and sealpost.wasm are not of one release: take both from the same build"
            .into()
    }
}
