//! Batches as JSON lines.
//!
//! ```text
//! in       {"name":"db","key":"password","value":{"password":"…"}}       a line for each secret
//! sealed   {"name":"db","key":"password"}                                a line for each, without its value,
//!          {"envelope":"sealpost.v1.…"}                                  and one envelope for them all
//! ```
//!
//! The names have to travel beside the envelope, since a message opens only under its own. They are not
//! believed: who changes one gets nothing opened.

use std::borrow::Cow;
use std::io::IsTerminal as _;
use std::ops::Deref;

use base64ct::{Base64, Encoding as _};
use indicatif::{ProgressBar, ProgressStyle};
use sealpost_context::{Owner, SecretContext};
use sealpost_envelope::{
    AwsLc, AwsLcRng, Envelope, Error, Identity, Keyring, Plaintext, Recipient, Sealer,
    key::{KeyStatus, KeyringError},
    text,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::context::{refused, secret};
use crate::error::Failure;

/// One line: a secret, or the envelope.
#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    key: Option<Cow<'a, str>>,
    #[serde(
        borrow,
        rename = "type",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    secret_type: Option<Cow<'a, str>>,
    /// The bytes of this JSON text are what is sealed.
    #[serde(borrow, default, skip_serializing)]
    value: Option<&'a RawValue>,
    /// RFC 4648 §4.
    #[serde(borrow, default, skip_serializing)]
    base64: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    envelope: Option<Cow<'a, str>>,
}

/// The bytes to seal for a line.
enum Message<'a> {
    Json(&'a [u8]),
    Decoded(Zeroizing<Vec<u8>>),
}

impl Deref for Message<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Json(bytes) => bytes,
            Self::Decoded(bytes) => bytes,
        }
    }
}

/// Seals each line; returns the lines without their values, and the envelope.
pub(crate) fn seal(
    recipients: &[Recipient<AwsLc>],
    owner: &Owner,
    input: &[u8],
) -> Result<String, Failure> {
    let lines = parse(input)?;
    let (mut out, mut envelope) = (String::new(), Vec::new());
    let mut sealer =
        Some(Sealer::new(recipients, &mut AwsLcRng, &mut envelope).map_err(Failure::refused)?);
    let progress = progress(lines.len());
    let count = lines.len();
    for (index, line) in lines.iter().enumerate() {
        let number = index + 1;
        let context = context(line, owner, number)?;
        let message = message(line, number)?;
        let sealed = match sealer.take() {
            Some(last) if number == count => last.seal_last(&context, &message, &mut envelope),
            Some(mut more) => {
                let sealed = more.seal(&context, &message, &mut envelope);
                sealer = Some(more);
                sealed
            }
            None => break,
        };
        sealed.map_err(|e| Failure::refused(format!("line {number}: {e}")))?;
        push_line(&mut out, line)?;
        progress.inc(1);
    }
    progress.finish_and_clear();
    let envelope = Line {
        envelope: Some(text::encode(&envelope).into()),
        ..Line::default()
    };
    push_line(&mut out, &envelope)?;
    Ok(out)
}

/// Opens what [`seal`] wrote; returns the lines that it was given, all or none.
pub(crate) fn open(
    keyring: &Keyring<Identity<AwsLc>>,
    owner: &Owner,
    input: &[u8],
) -> Result<(Zeroizing<Vec<u8>>, KeyStatus), Failure> {
    let mut lines = parse(input)?;
    let envelope = lines.pop().and_then(|line| line.envelope).ok_or_else(|| {
        Failure::refused("the last line has no envelope")
            .hint("give what `sealpost seal --batch` wrote, whole")
    })?;
    let bytes = text::decode(&envelope).map_err(Failure::refused)?;
    let envelope = Envelope::parse(&bytes).map_err(Failure::refused)?;
    if usize::try_from(envelope.message_count()) != Ok(lines.len()) || !envelope.is_complete() {
        return Err(Failure::refused(format!(
            "the envelope holds {} messages{}, and there are lines for {}",
            envelope.message_count(),
            if envelope.is_complete() {
                ""
            } else {
                " and is cut off"
            },
            lines.len()
        ))
        .hint("give what `sealpost seal --batch` wrote, whole"));
    }
    let contexts = lines
        .iter()
        .enumerate()
        .map(|(index, line)| context(line, owner, index + 1))
        .collect::<Result<Vec<_>, _>>()?;

    let (opener, status) = keyring
        .opener(&envelope, &mut AwsLcRng)
        .map_err(Failure::of_opening)?;
    let mut sequence = opener.sequence(&envelope);
    // Never grows: growing would leave values behind in freed memory.
    let mut out = Zeroizing::new(Vec::with_capacity(6 * input.len() + 64 * lines.len()));
    let progress = progress(lines.len());
    for (index, (line, context)) in lines.iter().zip(&contexts).enumerate() {
        let opened = sequence.open_next(context);
        let message = opened.and_then(Result::ok).ok_or_else(|| {
            Failure::cannot_open(format!("line {}: the message does not open", index + 1)).hint(
                "give the --agent-id and --project that the batch was sealed with, and leave its lines as they were",
            )
        })?;
        push_opened(&mut out, line, &message)?;
        progress.inc(1);
    }
    progress.finish_and_clear();
    sequence
        .finish()
        .map_err(|error: Error| Failure::of_opening(KeyringError::Opening(error)))?;
    Ok((out, status))
}

fn parse(input: &[u8]) -> Result<Vec<Line<'_>>, Failure> {
    let text = str::from_utf8(input).map_err(|e| {
        Failure::refused(format!("byte {} is not UTF-8", e.valid_up_to()))
            .hint("give JSON lines in UTF-8")
    })?;
    let first = text.lines().position(|line| !line.trim().is_empty());
    let lines = text
        .lines()
        .enumerate()
        .map(|(index, line)| (index, unmarked(first == Some(index), line)))
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(index, line)| {
            // The error's own text may quote what it found there.
            serde_json::from_str(line).map_err(|e| {
                Failure::refused(format!(
                    "line {}: malformed at column {}",
                    index + 1,
                    e.column()
                ))
                .hint(FORM)
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    if lines.is_empty() {
        return Err(Failure::refused("there are no lines").hint(FORM));
    }
    Ok(lines)
}

/// A line without a byte-order mark, which stands within a file that was put together. The file's own was taken off.
fn unmarked(is_first: bool, line: &str) -> &str {
    match is_first {
        true => line,
        false => line.strip_prefix(MARK).unwrap_or(line),
    }
}

fn context<'a>(
    line: &'a Line<'_>,
    owner: &'a Owner,
    number: usize,
) -> Result<SecretContext<'a>, Failure> {
    let name = line
        .name
        .as_deref()
        .ok_or_else(|| Failure::refused(format!("line {number}: there is no name")).hint(FORM))?;
    let (key, secret_type) = (line.key.as_deref(), line.secret_type.as_deref());
    secret(owner, name, key, secret_type)
        .map_err(|(field, broken)| refused(&format!("line {number}: {field}"), &broken))
}

fn message<'a>(line: &'a Line<'_>, number: usize) -> Result<Message<'a>, Failure> {
    let wrong = |what: &str| Failure::refused(format!("line {number}: {what}")).hint(FORM);
    match (line.value, &line.base64, &line.envelope) {
        (Some(value), None, None) => Ok(Message::Json(value.get().as_bytes())),
        (None, Some(base64), None) => Base64::decode_vec(base64)
            .map(|bytes| Message::Decoded(Zeroizing::new(bytes)))
            .map_err(|_| wrong("the base64 is not canonical")),
        (None, None, None) => Err(wrong("there is no value")),
        (_, _, None) => Err(wrong("there are both a value and base64")),
        (_, _, Some(_)) => Err(wrong(
            "there is an envelope: this is a batch that was sealed",
        )),
    }
}

fn push_line(out: &mut String, line: &Line<'_>) -> Result<(), Failure> {
    let json = serde_json::to_string(line).map_err(Failure::usage)?;
    out.push_str(&json);
    out.push('\n');
    Ok(())
}

/// The line as it went in: its value in place, as JSON if it is one value, else in base64.
fn push_opened(out: &mut Vec<u8>, line: &Line<'_>, message: &Plaintext) -> Result<(), Failure> {
    serde_json::to_writer(&mut *out, line).map_err(Failure::usage)?;
    // The closing brace gives way.
    out.pop();
    let json = str::from_utf8(message).ok().filter(|text| {
        !text.contains('\n')
            && serde_json::from_str::<&RawValue>(text).is_ok_and(|raw| raw.get() == *text)
    });
    match json {
        Some(json) => {
            out.extend_from_slice(b",\"value\":");
            out.extend_from_slice(json.as_bytes());
        }
        None => {
            out.extend_from_slice(b",\"base64\":\"");
            let base64 = Zeroizing::new(Base64::encode_string(message));
            out.extend_from_slice(base64.as_bytes());
            out.push(b'"');
        }
    }
    out.extend_from_slice(b"}\n");
    Ok(())
}

/// A bar on a terminal, nothing elsewhere.
fn progress(count: usize) -> ProgressBar {
    if count < WORTH_A_BAR || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {per_sec}, {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(u64::try_from(count).unwrap_or(u64::MAX)).with_style(style)
}

/// 256 MiB of JSON lines.
pub(crate) const MAX_INPUT: usize = 256 << 20;
const WORTH_A_BAR: usize = 100;
/// Files that were put together have a byte-order mark within.
const MARK: char = '\u{feff}';
const FORM: &str =
    r#"write a line for each secret: {"name": …, "value": …}, with "key" and "type" as needed"#;
