//! `sealpost inspect`: what an envelope, a JWE or a CMS message tells without a key.

mod jwe_and_cms;

use std::fmt;

use clap::Args;
use sealpost_envelope::{
    Envelope, Format, Message,
    native::{Stanza, StanzaType},
};
use serde_json::json;

use crate::error::Failure;
use crate::io::{self, Input};
use crate::open::{MAX_ENVELOPE, parse};
use crate::render::hex;

/// Arguments of `sealpost inspect`.
#[derive(Args, Debug)]
pub(crate) struct Inspect {
    #[command(flatten)]
    input: Input,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Inspect {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let input = self.input.read_text(MAX_ENVELOPE)?;
        let message = parse(&self.input, &input)?;
        let format = message.format();
        let report = match &message {
            Message::Native(native) => {
                let envelope = native.envelope();
                match self.json {
                    true => format!("{}\n", as_json(&envelope, form(format))),
                    false => EnvelopeReport(&envelope).to_string(),
                }
            }
            Message::Jwe(jwe) => {
                self.show(&jwe_and_cms::MessageReport::of_jwe(format, &input, jwe))
            }
            Message::Cms(cms) => {
                self.show(&jwe_and_cms::MessageReport::of_cms(format, &input, cms))
            }
        };
        io::write_stdout(report.as_bytes())
    }

    fn show(&self, report: &jwe_and_cms::MessageReport) -> String {
        match self.json {
            true => format!("{}\n", report.to_json()),
            false => report.to_string(),
        }
    }
}

/// What a form is called in JSON.
fn form(format: Format) -> &'static str {
    match format {
        Format::Native => "binary",
        Format::NativeText => "text",
        Format::JweCompact => "compact",
        Format::JweJson => "json",
        Format::Cms => "der",
        Format::CmsPem => "pem",
    }
}

/// An envelope's structure, for people.
pub(crate) struct EnvelopeReport<'a>(pub(crate) &'a Envelope<'a>);

impl fmt::Display for EnvelopeReport<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let envelope = self.0;
        writeln!(
            f,
            "sealpost envelope version {}, {} bytes. Unauthenticated: proven only by opening it.",
            envelope.version(),
            envelope.as_bytes().len()
        )?;
        for stanza in envelope.stanzas() {
            writeln!(
                f,
                "recipient  {}, {} bytes, key {}",
                type_name(&stanza),
                stanza.body().len(),
                stanza.key_id()
            )?;
        }
        for frame in envelope.frames() {
            writeln!(
                f,
                "message {}  {} bytes with padding, commitment {}{}",
                frame.index(),
                frame.padded_len(),
                hex(frame.commitment()),
                if frame.is_last() { ", last" } else { "" },
            )?;
        }
        match envelope.is_complete() {
            true => Ok(()),
            false => writeln!(f, "incomplete: the last message is missing"),
        }
    }
}

fn as_json(envelope: &Envelope<'_>, form: &str) -> serde_json::Value {
    let recipients = envelope.stanzas().map(|stanza| {
        json!({
            "type": stanza.type_number(),
            "typeName": stanza.stanza_type().map(name),
            "keyId": stanza.key_id().to_string(),
            "encapsulationBytes": stanza.body().len(),
        })
    });
    let frames = envelope.frames().map(|frame| {
        json!({
            "index": frame.index(),
            "last": frame.is_last(),
            "paddedBytes": frame.padded_len(),
            "commitment": hex(frame.commitment()),
        })
    });
    json!({
        "authenticated": false,
        "format": "sealpost",
        "version": envelope.version(),
        "form": form,
        "bytes": envelope.as_bytes().len(),
        "headerBytes": envelope.header_bytes().len(),
        "recipients": recipients.collect::<Vec<_>>(),
        "frames": frames.collect::<Vec<_>>(),
        "complete": envelope.is_complete(),
    })
}

fn type_name(stanza: &Stanza<'_>) -> String {
    match stanza.stanza_type() {
        Some(known) => name(known).to_owned(),
        None => format!("type {} (unknown)", stanza.type_number()),
    }
}

fn name(stanza_type: StanzaType) -> &'static str {
    match stanza_type {
        StanzaType::RsaOaep => "RSA-OAEP-256",
        StanzaType::ChannelRsaOaep => "RSA-OAEP-256 of a channel, with which no envelope opens",
        _ => "a type that this release can't name",
    }
}
