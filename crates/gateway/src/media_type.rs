//! The media types of bodies.

use axum::http::{HeaderMap, header};
use sealpost_rest::ProblemType;

use crate::{headers::single, rejection::Rejection};

/// What a body holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum MediaType {
    /// A request in clear.
    Json,
    /// A value that the caller has sealed.
    Sealed(SealedType),
}

/// What a sealed value is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum SealedType {
    /// A JWE, in compact serialisation (RFC 7515 §9.2.1).
    Jose,
    /// A JWE, in one of the JSON serialisations.
    JoseJson,
    /// CMS (RFC 8551 §3.2.1).
    Pkcs7,
}

impl MediaType {
    /// Parses a media type. RFC 8259 §11 defines no parameter for JSON; `charset=utf-8` is common and correct. The
    /// parameters of sealed values, such as `smime-type`, don't matter: reading the bytes shows what they are.
    fn parse(content_type: &str) -> Option<Self> {
        let mut parts = content_type.split(';').map(str::trim);
        let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
        match essence.as_str() {
            "application/json" => parts.all(permits_utf_8).then_some(Self::Json),
            "application/jose" => Some(Self::Sealed(SealedType::Jose)),
            "application/jose+json" => Some(Self::Sealed(SealedType::JoseJson)),
            "application/pkcs7-mime" => Some(Self::Sealed(SealedType::Pkcs7)),
            _ => None,
        }
    }
}

impl TryFrom<&HeaderMap> for MediaType {
    type Error = Rejection;

    /// Reads the media type that the headers announce. Fails if it is not supported, or the body is compressed.
    fn try_from(headers: &HeaderMap) -> Result<Self, Rejection> {
        let unsupported = |violation| Rejection::one(ProblemType::UnsupportedMediaType, violation);
        let Some(media_type) = single(headers, &header::CONTENT_TYPE).and_then(Self::parse) else {
            return Err(unsupported(
                "Content-Type: must be application/json, once, without another charset than utf-8; or for a sealed value \
                 application/jose, application/jose+json or application/pkcs7-mime",
            ));
        };
        let is_plain = match single(headers, &header::CONTENT_ENCODING) {
            Some(coding) => coding.eq_ignore_ascii_case("identity"),
            None => !headers.contains_key(header::CONTENT_ENCODING),
        };
        if !is_plain {
            return Err(unsupported(
                "Content-Encoding: compressed bodies are not read; send the body as it is",
            ));
        }
        // RFC 9112 §6.1 allows codings before `chunked`: they would be compression under another name.
        let mut transfer = headers.get_all(header::TRANSFER_ENCODING).iter();
        if !transfer.all(|coding| coding.as_bytes().eq_ignore_ascii_case(b"chunked")) {
            return Err(unsupported(
                "Transfer-Encoding: compressed bodies are not read; send the body as it is, or chunked",
            ));
        }
        Ok(media_type)
    }
}

/// Returns whether a parameter of a media type leaves UTF-8 as the charset.
fn permits_utf_8(parameter: &str) -> bool {
    match parameter.split_once('=') {
        Some((name, value)) if name.trim_end().eq_ignore_ascii_case("charset") => value
            .trim_start()
            .trim_matches('"')
            .eq_ignore_ascii_case("utf-8"),
        Some(_) | None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_in_utf_8_is_accepted() {
        for good in [
            "application/json",
            "Application/JSON",
            "application/json;charset=utf-8",
            "application/json; charset=\"UTF-8\"",
            "application/json ; profile=x",
        ] {
            assert_eq!(MediaType::parse(good), Some(MediaType::Json), "{good}");
        }
        for bad in [
            "",
            "text/plain",
            "application/json5",
            "application/jsonp",
            "application/problem+json",
            "application/json; charset=latin-1",
            "application/json; charset=utf-8; charset=utf-16",
        ] {
            assert_eq!(MediaType::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn sealed_values_are_accepted() {
        for (text, sealed_type) in [
            ("application/jose", SealedType::Jose),
            ("Application/JOSE; charset=x", SealedType::Jose),
            ("application/jose+json", SealedType::JoseJson),
            (
                "application/pkcs7-mime; smime-type=authEnveloped-data; name=smime.p7m",
                SealedType::Pkcs7,
            ),
        ] {
            let media_type = MediaType::Sealed(sealed_type);
            assert_eq!(MediaType::parse(text), Some(media_type), "{text}");
        }
        for bad in [
            "application/x-pkcs7-mime",
            "application/jwe",
            "application/jwt",
        ] {
            assert_eq!(MediaType::parse(bad), None, "{bad}");
        }
    }
}
