//! Where plain HTTP is safe.

use core::net::IpAddr;

/// Returns whether a URL's host is this machine: `localhost`, or a loopback address, with or without the brackets that
/// IPv6 addresses have in URLs.
///
/// ```
/// use sealpost_rest::is_loopback;
///
/// assert!(is_loopback("127.0.0.1") && is_loopback("[::1]") && is_loopback("localhost"));
/// assert!(!is_loopback("127.0.0.1.example"));
/// ```
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}
