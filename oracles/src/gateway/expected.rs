//! What the gateway is to make of a request, by `docs/API.md`: computed beside it, with the readers that it has, too, since
//! those have targets of their own.

use std::time::Duration;

use base64ct::{Base64, Encoding as _};
use sealpost_channel::Kind;
use sealpost_context::{AgentId, OwnedContext, Owner, ProjectId, SecretContext};
use sealpost_envelope::{
    cms::Cms,
    jwe::{Jwe, Serialization},
};
use sealpost_gateway::ProblemType;
use sealpost_protocol::single_use::SingleUse;
use sealpost_validator::{MAX_MEMBERS, Request, Slot, ViolationKind, Violations, validate_request};

use super::{AGENT, agent::Sent};
use crate::keys::NOW;

/// What is wrong with a body: the problem, and its violations, if these are known.
pub(super) type Wrong = (ProblemType, Option<Vec<String>>);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Media {
    Json,
    Jose,
    JoseJson,
    Pkcs7,
}

/// RFC 9110 §8.3.1, with blanks around `=`, too.
pub(super) fn media(content_type: &[u8]) -> Option<Media> {
    let text = str::from_utf8(content_type).ok()?;
    let printable = |b: u8| b == b'\t' || (b' '..=b'~').contains(&b);
    let mut parts = text.bytes().all(printable).then_some(text)?.split(';');
    let media = match parts.next()?.trim().to_ascii_lowercase().as_str() {
        "application/json" => Media::Json,
        "application/jose" => Media::Jose,
        "application/jose+json" => Media::JoseJson,
        "application/pkcs7-mime" => Media::Pkcs7,
        _ => return None,
    };
    let other_charset = |parameter: &str| {
        let parameter = parameter.to_ascii_lowercase();
        let (name, value) = parameter.split_once('=').unwrap_or_default();
        name.trim() == "charset" && value.trim().trim_matches('"') != "utf-8"
    };
    let sound = media != Media::Json || !parts.any(other_charset);
    sound.then_some(media)
}

/// The project in a query, or how many violations it has.
pub(super) fn project(query: &str) -> Result<Option<ProjectId>, usize> {
    let folded = |name: &[u8]| {
        let letters = name.iter().filter(|b| !b"-_".contains(b));
        letters.map(u8::to_ascii_lowercase).collect::<Vec<_>>()
    };
    let (mut given, mut misspelt) = (Vec::new(), 0);
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decoded(name);
        if name == b"projectId" {
            given.push(decoded(value));
        } else if folded(&name) == b"projectid" {
            misspelt += 1;
        }
    }
    let wrong = misspelt + given.len().saturating_sub(1);
    match given.as_slice() {
        _ if wrong > 0 => Err(wrong),
        [] => Ok(None),
        [id, ..] => str::from_utf8(id)
            .ok()
            .and_then(|id| id.parse().ok())
            .map_or(Err(1), |id| Ok(Some(id))),
    }
}

/// `application/x-www-form-urlencoded`.
fn decoded(text: &str) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = |digits: &[u8]| {
            let both = digits.iter().all(u8::is_ascii_hexdigit);
            let digits = str::from_utf8(digits).ok().filter(|_| both)?;
            u8::from_str_radix(digits, 16).ok()
        };
        let escaped = tail.get(..2).filter(|_| *first == b'%').and_then(hex);
        decoded.push(escaped.unwrap_or(if *first == b'+' { b' ' } else { *first }));
        rest = tail.get(escaped.map_or(0, |_| 2)..).unwrap_or_default();
    }
    decoded
}

/// A string of RFC 9651 §3.3.3 with 1 to 255 characters, or one without its quotes.
pub(super) fn idempotency_key(value: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(value) else {
        return false;
    };
    let text = text.trim_matches(' ');
    let mut length = 0;
    let Some(quoted) = text.strip_prefix('"') else {
        let bare = |b: u8| (b'!'..=b'~').contains(&b) && !b"\"\\,;".contains(&b);
        return (1..=255).contains(&text.len()) && text.bytes().all(bare);
    };
    let mut rest = quoted.as_bytes();
    loop {
        rest = match rest {
            [b'"'] => return (1..=255).contains(&length),
            [b'\\', b'"' | b'\\', rest @ ..] => rest,
            [b'"' | b'\\', ..] => return false,
            [b' '..=b'~', rest @ ..] => rest,
            _ => return false,
        };
        length += 1;
    }
}

pub(super) fn body(media: Media, body: &[u8], owner: Option<&Owner>) -> Result<(), Wrong> {
    match media {
        Media::Json => clear(body, |_| ()),
        Media::Jose | Media::JoseJson => jwe(media, body, owner),
        Media::Pkcs7 => match der(body).as_deref().map(Cms::parse) {
            Some(Ok(_)) => Ok(()),
            _ => Err((ProblemType::SealedUnreadable, None)),
        },
    }
}

fn clear<T>(body: &[u8], of: impl FnOnce(Request<'_>) -> T) -> Result<T, Wrong> {
    let mut scratch = [Slot::EMPTY; MAX_MEMBERS];
    let mut violations = Violations::<64>::new();
    if let Some(request) = validate_request(body, &mut scratch, &mut violations) {
        return Ok(of(request));
    }
    let is = |kind| violations.iter().any(|violation| violation.kind() == kind);
    let kind = match () {
        // What is beyond the list decides, too.
        () if violations.overflowed() => ProblemType::Internal,
        () if is(ViolationKind::TooLarge) => ProblemType::TooLarge,
        () if is(ViolationKind::Syntax) => ProblemType::MalformedJson,
        () => ProblemType::InvalidRequest,
    };
    let texts = violations.iter().map(ToString::to_string).collect();
    Err((kind, (!violations.overflowed()).then_some(texts)))
}

fn jwe(media: Media, body: &[u8], owner: Option<&Owner>) -> Result<(), Wrong> {
    let unreadable = (ProblemType::SealedUnreadable, None);
    let Ok(message) = Jwe::parse(body.trim_ascii()) else {
        return Err(unreadable);
    };
    let compact = message.serialization() == Serialization::Compact;
    let binding = message
        .binding()
        .filter(|_| compact == (media == Media::Jose))
        .filter(|_| !message.recipients().any(|name| name.is_empty()));
    let Some(binding) = binding else {
        return Err(unreadable);
    };
    if binding.context().agent_id().parse::<AgentId>().is_err() {
        return Err((ProblemType::ContextMismatch, None));
    }
    let context = OwnedContext::check(&binding.context()).ok();
    let Some(context) =
        context.filter(|_| SingleUse::parse(binding, NOW, Duration::from_secs(60)).is_ok())
    else {
        return Err((ProblemType::InvalidRequest, None));
    };
    match owner {
        // Where it is sent to is looked at last.
        Some(owner) if owner != context.owner() => Err((ProblemType::ContextMismatch, None)),
        _ => Ok(()),
    }
}

/// What CMS is in DER, out of DER, PEM or base64.
fn der(body: &[u8]) -> Option<Vec<u8>> {
    if body.first() == Some(&0x30) {
        return Some(body.to_vec());
    }
    let text = str::from_utf8(body).ok()?;
    if text.trim_ascii_start().starts_with("-----BEGIN ") {
        Cms::parse(body).ok()?;
        let block = text.split("-----").nth(2)?;
        return base64(block);
    }
    base64(text)
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let text: String = text.split_ascii_whitespace().collect();
    Base64::decode_vec(&text).ok()
}

/// What the agent gets is what was sent, for whom it was sent to.
pub(super) fn same(sent: &Sent, media: Media, body: &[u8], owner: &Owner) {
    assert_eq!(sent.project, owner.project);
    match (sent.kind, media, &sent.names) {
        (Kind::Clear, Media::Json, Some([name, key, secret_type])) => {
            let read = clear(body, |request| {
                assert_eq!(sent.content, request.value.as_bytes());
                let text =
                    |text: sealpost_validator::JsonStr<'_>| -> String { text.chars().collect() };
                assert_eq!(*name, Some(text(request.name)));
                assert_eq!(*key, request.key.map(text));
                assert_eq!(*secret_type, request.secret_type.map(text));
            });
            assert!(read.is_ok());
        }
        (Kind::Jwe, Media::Jose | Media::JoseJson, Some([Some(name), key, secret_type])) => {
            assert_eq!(sent.content, body.trim_ascii());
            let message = Jwe::parse(&sent.content).expect("it was read");
            let binding = message.binding().expect("it has one");
            let mut context = SecretContext::unchecked(AGENT, name);
            if let Some(project) = sent.project {
                context = context.with_project(project);
            }
            if let Some(key) = key {
                context = context.with_unchecked_key(key);
            }
            if let Some(secret_type) = secret_type {
                context = context.with_unchecked_type(secret_type);
            }
            assert_eq!(binding.check(&context), Ok(()));
        }
        (Kind::Cms, Media::Pkcs7, None) => {
            assert_eq!(Some(&sent.content), der(body).as_ref());
        }
        _ => panic!("{media:?} is sent as something else"),
    }
}
