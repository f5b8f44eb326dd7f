//! Input that is not a message, though it begins like one.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use sealpost_envelope::Format;
use sealpost_files::printable;
use sealpost_json::members;

use crate::error::Failure;

/// What the input is instead of one sealed message, and what to do.
pub(super) fn instead(input: &[u8]) -> Option<Failure> {
    let text = input.trim_ascii();
    if text.starts_with(b"-----BEGIN ") {
        let label = label(text).filter(|label| *label != "CMS" && *label != "PKCS7")?;
        let what = format!(
            "this is PEM of \"{}\", and not a CMS message",
            printable(label)
        );
        return Some(
            Failure::refused(what)
                .hint("give what was sealed; keys go to --identity, certificates to --certificate"),
        );
    }
    if is_compact_jws(text) || has(text, &["payload"]) && !has(text, &["ciphertext"]) {
        let what = "this is a JWS (a JWT, for example), which is signed and not encrypted";
        return Some(Failure::refused(what).hint("give what was sealed: a JWE"));
    }
    if !text.starts_with(b"{") {
        return None;
    }
    let last = text
        .rsplit(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    if has(last, &["envelope"]) {
        let what = "this is a batch, as `sealpost seal --batch` writes it, and not one message";
        return Some(Failure::refused(what).hint("give --batch"));
    }
    if has(text, &["sealpost", "value"]) && !has(text, &["ciphertext"]) {
        let what = "this is a wrapper, as `sealpost wrap` makes it, which nobody has sealed";
        return Some(Failure::refused(what).hint("seal it, and give what that writes"));
    }
    // All of it is read, so that a JWE that was cut is not called another kind of JSON.
    let whole = members(text).all(|member| member.is_ok());
    let jwe = [
        "protected",
        "ciphertext",
        "recipients",
        "encrypted_key",
        "iv",
        "tag",
    ];
    (whole && !jwe.iter().any(|member| has(text, &[member]))).then(|| {
        Failure::refused("this is JSON, and not a JWE, which has \"protected\" and \"ciphertext\"")
            .hint("give what was sealed")
    })
}

/// What the input is instead of a batch, if it is one message in whatever format.
pub(super) fn instead_of_batch(format: Format) -> Option<Failure> {
    let what = match format {
        // It begins as a line does, and is told by its members.
        Format::JweJson => return None,
        Format::Native | Format::NativeText => {
            format!("this is one message, {format}, and not the lines of a batch")
        }
        Format::JweCompact | Format::Cms | Format::CmsPem => {
            format!("a batch is in the native format, and this is {format}")
        }
    };
    Some(Failure::refused(what).hint("leave --batch out, and say which secret it is"))
}

/// Returns whether it is header, payload and signature (RFC 7515 §7.1). A JWE's header has `enc`, also if it was cut.
fn is_compact_jws(text: &[u8]) -> bool {
    let mut parts = text.split(|byte| *byte == b'.');
    let header = parts.next().unwrap_or_default();
    let header = str::from_utf8(header).unwrap_or_default();
    let Ok(header) = Base64UrlUnpadded::decode_vec(header) else {
        return false;
    };
    parts.count() == 2 && has(&header, &["alg"]) && !has(&header, &["enc"])
}

fn label(pem: &[u8]) -> Option<&str> {
    let line = pem.split(|byte| matches!(byte, b'\r' | b'\n')).next()?;
    let line = str::from_utf8(line).ok()?;
    line.strip_prefix("-----BEGIN ")?.strip_suffix("-----")
}

/// Returns whether the object has all of these members, as far as it is one.
fn has(json: &[u8], names: &[&str]) -> bool {
    let found = |name: &str| {
        let mut members = members(json).map_while(Result::ok);
        members.any(|(member, _)| member == *name)
    };
    names.iter().all(|name| found(name))
}
