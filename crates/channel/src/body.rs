//! What a request says, under the frame's key.
//!
//! ```text
//! body    = head ‖ opt(marks) ‖ context ‖ rest
//! head    = u8 verb ‖ u8 kind ‖ caller tag [16] ‖ u64 issued ‖ u64 deadline ‖ u8(|id|) ‖ request id
//! marks   = scope [32] ‖ payload [32]
//! context = opt(project [16]) ‖ s(name) ‖ opt(s(key)) ‖ opt(s(type))         for CMS: opt(project [16])
//! ```

use std::time::Duration;

use sealpost_context::ProjectId;
use sealpost_envelope::UnixTime;
use zeroize::Zeroizing;

use crate::{
    caller::CallerTag,
    frame::MAX_BODY,
    reader::{Malformed, Reader},
};

/// The part of a body that is the same for every verb.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Head<'a> {
    /// What is to be done; [`CREATE`](Self::CREATE) is known.
    pub verb: u8,
    /// How the value is sealed, see [`Kind`].
    pub kind: u8,
    /// Who asks.
    pub caller: CallerTag,
    /// When the gateway sent it.
    pub issued: UnixTime,
    /// When the gateway stops waiting.
    pub deadline: UnixTime,
    /// The id under which the request is logged: 8 to 64 of `A-Z a-z 0-9 - _ .`.
    pub request_id: &'a str,
}

impl<'a> Head<'a> {
    /// The verb that creates a secret.
    pub const CREATE: u8 = 1;

    /// Reads the head of a body; returns it and what follows.
    ///
    /// # Errors
    ///
    /// [`Malformed`].
    pub fn parse(body: &'a [u8]) -> Result<(Self, &'a [u8]), Malformed> {
        let mut reader = Reader::new(body);
        let head = Self {
            verb: reader.u8()?,
            kind: reader.u8()?,
            caller: CallerTag::from_bytes(*reader.array()?),
            issued: UnixTime::from_secs(reader.u64()?),
            deadline: UnixTime::from_secs(reader.u64()?),
            request_id: request_id(reader.short()?)?,
        };
        Ok((head, reader.rest()))
    }

    /// Checks the times against those of the channel.
    pub(crate) fn check_times(
        &self,
        issued_at: UnixTime,
        expires_at: UnixTime,
    ) -> Result<(), Malformed> {
        let [issued, deadline] = [self.issued, self.deadline].map(UnixTime::as_secs);
        let sound = issued_at.as_secs() <= issued.saturating_add(1)
            && issued <= deadline
            && deadline <= expires_at.as_secs()
            && deadline - issued <= MAX_LIFETIME;
        match sound {
            true => Ok(()),
            false => Err(Malformed("the times are not those of the channel")),
        }
    }

    /// How long the gateway waits.
    #[must_use]
    pub fn lifetime(&self) -> Duration {
        Duration::from_secs(self.deadline.seconds_since(self.issued))
    }
}

/// How a value is sealed beneath the channel.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Kind {
    /// Not at all: the channel is what seals it.
    Clear,
    /// By the caller, as JWE.
    Jwe,
    /// By the caller, as CMS in DER.
    Cms,
    /// By the caller, as a native header and one frame.
    Native,
}

impl Kind {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Clear, Self::Jwe, Self::Cms, Self::Native];

    /// The number that stands for it.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Clear => 1,
            Self::Jwe => 2,
            Self::Cms => 3,
            Self::Native => 4,
        }
    }

    /// The kind with this number, if it is known.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }

    const fn longest(self) -> usize {
        match self {
            Self::Clear => 65_536,
            Self::Jwe | Self::Cms | Self::Native => 131_072,
        }
    }
}

/// Digests by which a retry with an idempotency key is known.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Marks {
    /// The caller and the key.
    pub scope: [u8; 32],
    /// What was to be done.
    pub payload: [u8; 32],
}

/// The texts that say whose secret it is. Their lengths alone have been checked: rules of the endpoint come on top.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Names<'a> {
    /// The secret's name.
    pub name: &'a str,
    /// The property that will be referenced.
    pub key: Option<&'a str>,
    /// The secret's type.
    pub secret_type: Option<&'a str>,
}

/// A create, as it follows the head.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Create<'a> {
    /// There if the caller gave an idempotency key.
    pub marks: Option<Marks>,
    /// The project.
    pub project: Option<ProjectId>,
    /// The names; `None` for CMS, in which they are sealed.
    pub names: Option<Names<'a>>,
    /// The value, or what is sealed.
    pub content: &'a [u8],
}

impl<'a> Create<'a> {
    /// Reads what follows the head.
    ///
    /// # Errors
    ///
    /// [`Malformed`].
    pub fn parse(kind: Kind, bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let marks = reader.optional(|reader| {
            Ok(Marks {
                scope: *reader.array()?,
                payload: *reader.array()?,
            })
        })?;
        let project = reader.optional(|reader| reader.array().copied())?;
        let names = match kind {
            Kind::Cms => None,
            Kind::Clear | Kind::Jwe | Kind::Native => Some(Names {
                name: reader.text(MAX_NAME)?,
                key: reader.optional(|reader| reader.text(MAX_KEY))?,
                secret_type: reader.optional(|reader| reader.text(MAX_TYPE))?,
            }),
        };
        let content = reader.rest();
        if content.is_empty() || content.len() > kind.longest() {
            return Err(Malformed("the value is empty or too long"));
        }
        Ok(Self {
            marks,
            project: project.map(ProjectId::from_bytes),
            names,
            content,
        })
    }

    /// The body of a request that creates. It holds the value, and is wiped when dropped.
    ///
    /// # Errors
    ///
    /// [`Malformed`] for what an agent would not take.
    pub fn encode(&self, head: &Head<'_>) -> Result<Zeroizing<Vec<u8>>, Malformed> {
        let id = head.request_id.as_bytes();
        let id_len = u8::try_from(id.len()).map_err(|_| REQUEST_ID)?;
        // Of the right capacity from the start: growing leaves copies behind.
        let mut out = Zeroizing::new(Vec::with_capacity(MAX_FRONT + self.content.len()));
        out.extend_from_slice(&[head.verb, head.kind]);
        out.extend_from_slice(head.caller.as_bytes());
        out.extend_from_slice(&head.issued.as_secs().to_be_bytes());
        out.extend_from_slice(&head.deadline.as_secs().to_be_bytes());
        out.push(id_len);
        out.extend_from_slice(id);
        put_optional(&mut out, self.marks, |out, marks| {
            out.extend_from_slice(&marks.scope);
            out.extend_from_slice(&marks.payload);
            Ok(())
        })?;
        put_optional(&mut out, self.project, |out, project| {
            out.extend_from_slice(project.as_bytes());
            Ok(())
        })?;
        if let Some(names) = &self.names {
            put_text(&mut out, names.name)?;
            put_optional(&mut out, names.key, put_text)?;
            put_optional(&mut out, names.secret_type, put_text)?;
        }
        out.extend_from_slice(self.content);
        // What is written must read the same: an agent is as strict.
        let kind = Kind::from_number(head.kind).ok_or(Malformed("the kind is not known"))?;
        match out.len() <= MAX_BODY && reads_as(&out, head, kind, self) {
            true => Ok(out),
            false => Err(Malformed("a field does not belong to this kind")),
        }
    }
}

impl std::fmt::Debug for Create<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Create").finish_non_exhaustive()
    }
}

fn reads_as(body: &[u8], head: &Head<'_>, kind: Kind, create: &Create<'_>) -> bool {
    Head::parse(body).is_ok_and(|(read, rest)| {
        read == *head && Create::parse(kind, rest).is_ok_and(|read| read == *create)
    })
}

fn request_id(id: &[u8]) -> Result<&str, Malformed> {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    if !(8..=64).contains(&id.len()) || !id.iter().all(allowed) {
        return Err(REQUEST_ID);
    }
    str::from_utf8(id).map_err(|_| REQUEST_ID)
}

fn put_optional<T>(
    out: &mut Vec<u8>,
    value: Option<T>,
    put: impl FnOnce(&mut Vec<u8>, T) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    out.push(u8::from(value.is_some()));
    value.map_or(Ok(()), |value| put(out, value))
}

fn put_text(out: &mut Vec<u8>, text: &str) -> Result<(), Malformed> {
    let length = u16::try_from(text.len()).map_err(|_| Malformed("a text is too long"))?;
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(text.as_bytes());
    Ok(())
}

/// The longest time for which a gateway waits, in seconds.
pub(crate) const MAX_LIFETIME: u64 = 240;
const MAX_NAME: usize = 512;
const MAX_KEY: usize = 256;
const MAX_TYPE: usize = 64;
/// The most that stands before the value: head 99, marks 65, project 17, texts 840.
const MAX_FRONT: usize = 1021;
const REQUEST_ID: Malformed = Malformed("a request id has 8 to 64 of A-Z a-z 0-9 - _ .");
const _: () = assert!(MAX_FRONT + Kind::Native.longest() == MAX_BODY);
