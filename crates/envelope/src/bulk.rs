//! One message of a batch with its context, as the endpoint takes it.
//!
//! ```text
//! body    = u16 |context| ‖ context ‖ header with one stanza ‖ frame of any index
//! context = opt(project [16]) ‖ s(name) ‖ opt(s(key)) ‖ opt(s(type))
//! opt(x)  = 0x00 | 0x01 ‖ x            s(x) = u16 |x| ‖ x, UTF-8, one byte or more
//! ```
//!
//! The agent is the one that the body is sent to. What is sealed is a [wrapper](crate::wrapper) with a single use, as in CMS.

use alloc::{vec, vec::Vec};
use core::fmt;

use rand_core::TryCryptoRng;
use sealpost_context::{ProjectId, SecretContext};

use crate::{
    backend::Backend,
    error::{ParseError, SealError},
    one_frame::OneFrame,
    reader::Reader,
    recipient::Recipient,
    seal::Sealer,
};

/// The media type of such a body.
pub const MEDIA_TYPE: &str = "application/vnd.sealpost.frame";

/// A body, parsed: nothing of it is authenticated before it has been opened.
#[derive(Clone, Copy, Debug)]
pub struct Body<'a> {
    project: Option<ProjectId>,
    name: &'a str,
    key: Option<&'a str>,
    secret_type: Option<&'a str>,
    message: &'a [u8],
    frame: OneFrame<'a>,
}

impl<'a> Body<'a> {
    /// Parses a body; nothing may follow.
    ///
    /// # Errors
    ///
    /// [`BodyError`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, BodyError> {
        let mut reader = Reader::new(bytes);
        let length = reader.u16().map_err(|_| BodyError::Context)?;
        let context = reader.take(length.into());
        let context = context.map_err(|_| BodyError::Context)?;
        let message = reader.rest();
        let [project, name, key, secret_type] = parts(context).ok_or(BodyError::Context)?;
        let project = project
            .map(|bytes| bytes.try_into().map(ProjectId::from_bytes))
            .transpose();
        let text = |part: Option<&'a [u8]>| {
            let text = part.map(str::from_utf8).transpose();
            text.map_err(|_| BodyError::Context)
        };
        Ok(Self {
            project: project.map_err(|_| BodyError::Context)?,
            name: text(name)?.ok_or(BodyError::Context)?,
            key: text(key)?,
            secret_type: text(secret_type)?,
            message,
            frame: OneFrame::parse(message).map_err(BodyError::Message)?,
        })
    }

    /// The context that the message claims, for the agent that it is sent to. Its texts have not been checked.
    #[must_use]
    pub fn context(&self, agent: &'a str) -> SecretContext<'a> {
        let mut context = SecretContext::unchecked(agent, self.name);
        if let Some(project) = self.project {
            context = context.with_project(project);
        }
        if let Some(key) = self.key {
            context = context.with_unchecked_key(key);
        }
        if let Some(secret_type) = self.secret_type {
            context = context.with_unchecked_type(secret_type);
        }
        context
    }

    /// Header and frame.
    #[must_use]
    pub fn message(&self) -> &'a [u8] {
        self.message
    }

    /// Header and frame, parsed.
    #[must_use]
    pub fn frame(&self) -> &OneFrame<'a> {
        &self.frame
    }
}

/// Seals messages of a batch, each to a body of its own.
///
/// The recipient's private key is used once for all of them, if it keeps what it opened.
pub struct BodySealer<B: Backend> {
    header: Vec<u8>,
    sealer: Sealer<B>,
}

impl<B: Backend> BodySealer<B> {
    /// Encrypts a new seed to the recipient.
    ///
    /// # Errors
    ///
    /// A [`SealError`].
    pub fn new<R: TryCryptoRng + ?Sized>(
        recipient: &Recipient<B>,
        rng: &mut R,
    ) -> Result<Self, SealError> {
        let mut header = Vec::new();
        let sealer = Sealer::new(core::slice::from_ref(recipient), rng, &mut header)?;
        Ok(Self { header, sealer })
    }

    /// The body of one message.
    ///
    /// # Errors
    ///
    /// [`SealError::MessageTooLong`]; [`SealError::Context`] for a context that no body can have;
    /// [`SealError::Finished`] after 2³² messages.
    pub fn seal(
        &mut self,
        context: &SecretContext<'_>,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, SealError> {
        let mut body = vec![0; 2];
        put(context, &mut body).ok_or(SealError::Context)?;
        let length = u16::try_from(body.len() - 2).map_err(|_| SealError::Context)?;
        if let Some(field) = body.first_chunk_mut() {
            *field = length.to_be_bytes();
        }
        body.extend_from_slice(&self.header);
        self.sealer.seal(context, plaintext, &mut body)?;
        Ok(body)
    }
}

impl<B: Backend> fmt::Debug for BodySealer<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodySealer").finish_non_exhaustive()
    }
}

/// Why a body can't be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum BodyError {
    /// What stands before the message is not a context.
    Context,
    /// What follows the context is not a header with one recipient and one frame.
    Message(ParseError),
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Context => f.write_str(
                "the context before the message can't be read: a length in two bytes, then project, name, key and type, as \
                 docs/FORMATS.md has it",
            ),
            Self::Message(error) => write!(f, "after the context: {error}"),
        }
    }
}

impl core::error::Error for BodyError {}

/// Project, name, key and type.
fn parts(context: &[u8]) -> Option<[Option<&[u8]>; 4]> {
    let mut reader = Reader::new(context);
    let project = optional(&mut reader, |reader| reader.take(16).ok())?;
    let name = text(&mut reader)?;
    let key = optional(&mut reader, text)?;
    let secret_type = optional(&mut reader, text)?;
    reader
        .is_empty()
        .then_some([project, Some(name), key, secret_type])
}

fn optional<'a>(
    reader: &mut Reader<'a>,
    read: impl FnOnce(&mut Reader<'a>) -> Option<&'a [u8]>,
) -> Option<Option<&'a [u8]>> {
    match reader.u8().ok()? {
        0 => Some(None),
        1 => read(reader).map(Some),
        _ => None,
    }
}

fn text<'a>(reader: &mut Reader<'a>) -> Option<&'a [u8]> {
    let length = reader.u16().ok()?;
    let text = reader.take(length.into()).ok()?;
    (!text.is_empty()).then_some(text)
}

fn put(context: &SecretContext<'_>, out: &mut Vec<u8>) -> Option<()> {
    match context.project_id() {
        Some(project) => {
            out.push(1);
            out.extend_from_slice(project.as_bytes());
        }
        None => out.push(0),
    }
    put_text(context.name(), out)?;
    for text in [context.key(), context.secret_type()] {
        out.push(u8::from(text.is_some()));
        if let Some(text) = text {
            put_text(text, out)?;
        }
    }
    Some(())
}

fn put_text(text: &str, out: &mut Vec<u8>) -> Option<()> {
    let length = u16::try_from(text.len())
        .ok()
        .filter(|length| *length > 0)?;
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(text.as_bytes());
    Some(())
}

#[cfg(test)]
#[cfg(all(feature = "rustcrypto", feature = "std"))]
mod tests;
