//! Reading a body: of a media type that is taken, up to a size, in time.

use std::{future::poll_fn, pin::Pin, time::Duration};

use axum::{
    body::{Body, Bytes, HttpBody},
    http::{HeaderMap, HeaderName, header},
};
use sealpost_validator::MAX_BODY;
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::problem::ProblemType;

/// Why a body was not read: the problem, and the violation that says what to do.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct BodyError(pub(crate) ProblemType, pub(crate) String);

/// What a body is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum MediaType {
    /// A request in clear.
    Json,
    /// A JWE, in compact serialisation (RFC 7515 §9.2.1).
    Jose,
    /// A JWE, in one of the JSON serialisations.
    JoseJson,
    /// CMS (RFC 8551 §3.2.1).
    Pkcs7,
}

/// Finds what the headers announce; it must not be compressed.
pub(crate) fn media_type(headers: &HeaderMap) -> Result<MediaType, BodyError> {
    let unsupported =
        |violation: &str| BodyError(ProblemType::UnsupportedMediaType, violation.into());
    let Some(media_type) = single(headers, &header::CONTENT_TYPE).and_then(MediaType::of) else {
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

/// Reads a body of at most [`MAX_BODY`] bytes into one buffer that is wiped when dropped.
///
/// The buffer is allocated once, because a growing one would leave copies behind.
pub(crate) async fn read(
    headers: &HeaderMap,
    mut body: Body,
    time: Duration,
) -> Result<Zeroizing<Vec<u8>>, BodyError> {
    let announced = body.size_hint().exact().or_else(|| content_length(headers));
    let capacity = announced.map_or(Some(MAX_BODY), |n| usize::try_from(n).ok());
    let Some(capacity) = capacity.filter(|n| *n <= MAX_BODY) else {
        linger(headers, body);
        return Err(too_large());
    };
    let mut buffer = Zeroizing::new(Vec::with_capacity(capacity));
    let read = async {
        while let Some(data) = next_data(&mut body).await {
            let data = data.map_err(|_| incomplete())?;
            if buffer.len() + data.len() > buffer.capacity() {
                return Err(too_large());
            }
            buffer.extend_from_slice(&data);
        }
        Ok(())
    };
    match timeout(time, read)
        .await
        .unwrap_or_else(|_| Err(too_slow()))
    {
        Ok(()) => Ok(buffer),
        Err(error) => {
            linger(headers, body);
            Err(error)
        }
    }
}

/// Goes on reading a body that nobody wants, for a while, so that the caller gets round to reading the answer:
/// a connection closed on data that was not read is reset, and the answer may be lost with it.
///
/// Not with `Expect: 100-continue` (RFC 9110 §10.1.1): who asks first has sent nothing, and reading would tell
/// them to.
pub(crate) fn linger(headers: &HeaderMap, mut body: Body) {
    if body.is_end_stream() || headers.contains_key(header::EXPECT) {
        return;
    }
    tokio::spawn(async move {
        let mut left = LINGER_BYTES;
        let discard = async {
            while let Some(Ok(data)) = next_data(&mut body).await {
                match left.checked_sub(data.len()) {
                    Some(rest) => left = rest,
                    None => break,
                }
            }
        };
        let _ = timeout(LINGER_TIME, discard).await;
    });
}

/// The next piece of data; trailers are passed over.
async fn next_data(body: &mut Body) -> Option<Result<Bytes, axum::Error>> {
    loop {
        match poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await? {
            Ok(frame) => {
                if let Ok(data) = frame.into_data() {
                    return Some(Ok(data));
                }
            }
            Err(error) => return Some(Err(error)),
        }
    }
}

impl MediaType {
    /// RFC 8259 §11 defines no parameter for JSON; `charset=utf-8` is common and true. What sealed bytes are shows
    /// when they are read: their parameters, such as `smime-type`, don't matter.
    fn of(content_type: &str) -> Option<Self> {
        let mut parts = content_type.split(';').map(str::trim);
        let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
        match essence.as_str() {
            "application/json" => parts.all(is_no_other_charset).then_some(Self::Json),
            "application/jose" => Some(Self::Jose),
            "application/jose+json" => Some(Self::JoseJson),
            "application/pkcs7-mime" => Some(Self::Pkcs7),
            _ => None,
        }
    }
}

fn is_no_other_charset(parameter: &str) -> bool {
    match parameter.split_once('=') {
        Some((name, value)) if name.trim_end().eq_ignore_ascii_case("charset") => value
            .trim_start()
            .trim_matches('"')
            .eq_ignore_ascii_case("utf-8"),
        _ => true,
    }
}

/// A header's value if it is there exactly once and is ASCII.
fn single<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    single(headers, &header::CONTENT_LENGTH)?.parse().ok()
}

fn too_large() -> BodyError {
    BodyError(
        ProblemType::TooLarge,
        format!("#: the body is larger than {MAX_BODY} bytes; send a smaller value"),
    )
}

fn incomplete() -> BodyError {
    BodyError(
        ProblemType::BodyIncomplete,
        "#: the connection ended before the body was complete; send all of it".into(),
    )
}

fn too_slow() -> BodyError {
    BodyError(
        ProblemType::BodyTimeout,
        "#: the body did not arrive in time; send it without pauses".into(),
    )
}

/// The largest body that is read to its end although it is refused.
const LINGER_BYTES: usize = 2 << 20;
const LINGER_TIME: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        task::{Context, Poll},
    };

    use hyper::body::Frame;

    use super::*;

    #[test]
    fn json_in_utf_8_is_taken() {
        for good in [
            "application/json",
            "Application/JSON",
            "application/json;charset=utf-8",
            "application/json; charset=\"UTF-8\"",
            "application/json ; profile=x",
        ] {
            assert_eq!(MediaType::of(good), Some(MediaType::Json), "{good}");
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
            assert_eq!(MediaType::of(bad), None, "{bad}");
        }
    }

    #[test]
    fn sealed_values_are_taken() {
        for (text, media_type) in [
            ("application/jose", MediaType::Jose),
            ("Application/JOSE; charset=x", MediaType::Jose),
            ("application/jose+json", MediaType::JoseJson),
            (
                "application/pkcs7-mime; smime-type=authEnveloped-data; name=smime.p7m",
                MediaType::Pkcs7,
            ),
        ] {
            assert_eq!(MediaType::of(text), Some(media_type), "{text}");
        }
        for bad in [
            "application/x-pkcs7-mime",
            "application/jwe",
            "application/jwt",
        ] {
            assert_eq!(MediaType::of(bad), None, "{bad}");
        }
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_its_limit() {
        let read = |length: usize| async move {
            read(
                &HeaderMap::new(),
                Body::from(vec![b'x'; length]),
                Duration::from_secs(5),
            )
            .await
            .map(|b| b.len())
        };
        assert_eq!(read(0).await, Ok(0));
        assert_eq!(read(MAX_BODY).await, Ok(MAX_BODY));
        assert_eq!(read(MAX_BODY + 1).await, Err(too_large()));
    }

    /// A body in pieces whose length is not announced.
    struct Pieces(usize);

    impl HttpBody for Pieces {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            self.0 = self.0.saturating_sub(1);
            let piece = Frame::data(Bytes::from_static(&[b'x'; MAX_BODY / 8]));
            Poll::Ready((self.0 > 0).then_some(Ok(piece)))
        }
    }

    #[tokio::test]
    async fn the_buffer_never_grows() {
        let read = |pieces: usize| async move {
            let body = Body::new(Pieces(pieces + 1));
            read(&HeaderMap::new(), body, Duration::from_secs(5)).await
        };
        let buffer = read(8).await.unwrap();
        assert_eq!((buffer.len(), buffer.capacity()), (MAX_BODY, MAX_BODY));
        assert_eq!(read(9).await.err(), Some(too_large()));
    }
}
