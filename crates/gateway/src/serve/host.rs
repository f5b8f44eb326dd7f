//! The `Host` of a request (RFC 9112 §3.2).
//!
//! A proxy in front and the gateway must not disagree on whom a request is for; nothing here reads the name itself.

use axum::http::{HeaderMap, Version, header::HOST};
use sealpost_rest::ProblemType;

use crate::rejection::Rejection;

/// Checks that there is one `Host`, and that it is a host with or without a port. HTTP/1.0 does not know it.
pub(super) fn check(version: Version, headers: &HeaderMap) -> Result<(), Rejection> {
    let mut values = headers.get_all(HOST).iter();
    match (values.next(), values.next()) {
        (None, _) if version == Version::HTTP_10 => Ok(()),
        (Some(host), None) if is_valid(host.as_bytes()) => Ok(()),
        (None, _) => Err(invalid("it is missing; send one with the name in the URL")),
        (Some(_), Some(_)) => Err(invalid("it is there more than once; send one")),
        (Some(_), None) => Err(invalid(
            "it is not a host and perhaps a port; send the name in the URL",
        )),
    }
}

fn invalid(what: &str) -> Rejection {
    Rejection::one(ProblemType::InvalidParameter, format!("Host: {what}"))
}

/// RFC 9110 §7.2: `uri-host [ ":" port ]`. The host may be empty.
fn is_valid(value: &[u8]) -> bool {
    let Ok(value) = str::from_utf8(value) else {
        return false;
    };
    let (host, port) = match value.strip_prefix('[') {
        Some(literal) => match literal.split_once(']') {
            Some((literal, "")) => return is_ip_literal(literal),
            Some((literal, rest)) => match rest.strip_prefix(':') {
                Some(port) => return is_ip_literal(literal) && is_port(port),
                None => return false,
            },
            None => return false,
        },
        None => value.split_once(':').unwrap_or((value, "")),
    };
    is_reg_name(host) && is_port(port)
}

/// RFC 3986 §3.2.2. Of the form for addresses of the future there is none.
fn is_ip_literal(text: &str) -> bool {
    text.parse::<std::net::Ipv6Addr>().is_ok()
}

/// A port may be empty, too.
fn is_port(text: &str) -> bool {
    text.is_empty() || text.bytes().all(|b| b.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

/// RFC 3986 §3.2.2: `*( unreserved / pct-encoded / sub-delims )`, which IPv4 addresses are, too.
fn is_reg_name(text: &str) -> bool {
    let mut rest = text.as_bytes();
    loop {
        rest = match rest {
            [] => return true,
            [b'%', high, low, rest @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                rest
            }
            [b, rest @ ..] if b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(b) => rest,
            _ => return false,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(version: Version, hosts: &[&[u8]]) -> bool {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(HOST, axum::http::HeaderValue::from_bytes(host).unwrap());
        }
        check(version, &headers).is_ok()
    }

    #[test]
    fn http_1_1_needs_one_host_and_http_1_0_none() {
        assert!(!checked(Version::HTTP_11, &[]));
        assert!(checked(Version::HTTP_10, &[]));
        for version in [Version::HTTP_10, Version::HTTP_11] {
            assert!(checked(version, &[b"x"]));
            assert!(!checked(version, &[b"x", b"x"]));
            assert!(!checked(version, &[b"", b""]));
            assert!(!checked(version, &[b"x y"]));
        }
    }

    #[test]
    fn a_host_is_a_name_or_an_address_and_perhaps_a_port() {
        for host in [
            "",
            ":",
            "x",
            "gateway.example",
            "gateway.example.",
            "GATEWAY.example:443",
            "x:",
            "127.0.0.1:8080",
            "[::1]",
            "[::1]:",
            "[2001:db8::1]:8443",
            "a_b",
            "a,b",
            "%41",
            "xn--bcher-kva.example",
            ":80",
        ] {
            assert!(is_valid(host.as_bytes()), "{host:?}");
        }
        for host in [
            " ",
            "a b",
            "a, b",
            "a/b",
            "http://x",
            "u@x",
            "x:y",
            "x:+1",
            "x:65536",
            "x:1:2",
            "::1",
            "[::1",
            "::1]",
            "[::1]x",
            "[::1]:x",
            "[]",
            "[x]",
            "[127.0.0.1]",
            "%",
            "%4",
            "%zz",
            "a\\b",
            "x?y",
            "x#y",
            "\"x\"",
            "<x>",
            "bücher",
        ] {
            assert!(!is_valid(host.as_bytes()), "{host:?}");
        }
        assert!(!is_valid(b"\xff"));
    }
}
