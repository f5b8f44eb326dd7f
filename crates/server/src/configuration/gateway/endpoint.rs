//! `listen`, `base_path`, `[tls]` and `[metrics]`: where and how HTTP is spoken.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use sealpost_envelope::UnixTime;
use sealpost_gateway::{
    BasePath, Metrics, Tls,
    tls::{TlsError, TlsFiles},
};

use crate::configuration::certificate_dates::days_left;
use crate::configuration::findings::Weight;
use crate::configuration::metrics;
use crate::configuration::section::Section;

/// Finds whether a file of TLS can be read.
type Check = fn(&Path) -> Result<(), TlsError>;

/// Where and how HTTP is spoken.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) listen: SocketAddr,
    pub(super) base_path: BasePath,
    pub(super) tls: Option<Arc<Tls>>,
    pub(super) operations: Option<SocketAddr>,
}

pub(super) fn read(
    root: &mut Section<'_>,
    metrics: &Arc<Metrics>,
    now: UnixTime,
) -> Option<Endpoint> {
    root.require(
        "listen",
        "give an address and a port, such as \"127.0.0.1:8080\"",
    );
    let listen = root.address("listen");
    let base_path = root.parsed_or_default("base_path");
    let plain = root
        .flag("danger_plain_http_behind_proxy")
        .unwrap_or_default();
    let with_tls = root.has("tls");
    let tls = tls(root, metrics, now);
    if with_tls && plain {
        root.wrong(
            "danger_plain_http_behind_proxy",
            "is true although there is [tls]; leave one of them out",
        );
    }
    if !with_tls && !plain && listen.is_some_and(|address| !address.ip().is_loopback()) {
        root.wrong(
            "listen",
            "is not a loopback address: plain HTTP there would show tokens and values to everyone on the way; give \
             [tls], or listen on 127.0.0.1. If a proxy speaks TLS with callers, and no one else is on the network \
             between it and the gateway: danger_plain_http_behind_proxy = true",
        );
    }
    let operations = metrics::read(root);
    if let (Some(listen), Some(operations)) = (listen, operations)
        && clash(listen, operations)
    {
        root.wrong(
            "metrics.listen",
            "has the port of listen; give it another port",
        );
    }
    Some(Endpoint {
        listen: listen?,
        base_path: base_path?,
        tls,
        operations,
    })
}

fn tls(root: &mut Section<'_>, metrics: &Arc<Metrics>, now: UnixTime) -> Option<Arc<Tls>> {
    let mut section = root.section("tls")?;
    section.require(
        "certificate",
        "give the server's certificate, then its intermediates, in PEM",
    );
    let certificate = section.path("certificate");
    section.require("key", "give the private key of the certificate, in PEM");
    let key = section.path("key");
    let client_authorities = section.path("client_ca");
    section.finish();
    let given = [
        ("certificate", &certificate, Tls::check_public as Check),
        ("key", &key, Tls::check_private as Check),
        ("client_ca", &client_authorities, Tls::check_public as Check),
    ];
    // Each by itself, by the code that loads them, so that everything that is wrong is found.
    let mut readable = true;
    for (key, path, check) in given {
        if let Some(Err(error)) = path.as_deref().map(check) {
            section.wrong(key, error);
            readable = false;
        }
    }
    let files = TlsFiles {
        certificate: certificate?,
        key: key?,
        client_authorities,
    };
    if !readable {
        return None;
    }
    let tls = Tls::load(files, Arc::clone(metrics))
        .map_err(|error| section.wrong("certificate", error))
        .ok()?;
    check_dates(&section, tls.not_after(), now);
    Some(Arc::new(tls))
}

fn check_dates(section: &Section<'_>, not_after: UnixTime, now: UnixTime) {
    let place = section.at("certificate");
    if not_after < now {
        let what = "has expired: clients refuse it; give a new one";
        section.findings().add(Weight::Degraded, place, what);
    } else if let Some(days) = days_left(not_after, now) {
        let what = format!("ends in {days} days; give a new one in time");
        section.findings().add(Weight::Notice, place, what);
    }
}

/// Returns whether two sockets can't both listen; port 0 takes any free port.
fn clash(one: SocketAddr, other: SocketAddr) -> bool {
    // An IPv4 address may be written as one of IPv6.
    let [one_ip, other_ip] = [one, other].map(|address| address.ip().to_canonical());
    let same_host = one_ip == other_ip || one_ip.is_unspecified() || other_ip.is_unspecified();
    one.port() != 0 && one.port() == other.port() && same_host
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_in_two_forms_is_taken_for_one() {
        let clashes = |one: &str, other: &str| clash(one.parse().unwrap(), other.parse().unwrap());
        for (one, other) in [
            ("127.0.0.1:80", "127.0.0.1:80"),
            ("127.0.0.1:80", "[::ffff:127.0.0.1]:80"),
            ("127.0.0.1:80", "[::ffff:0.0.0.0]:80"),
            ("127.0.0.1:80", "[::]:80"),
            ("[::1]:80", "0.0.0.0:80"),
            ("[::ffff:10.0.0.1]:80", "[::ffff:a00:1]:80"),
        ] {
            assert!(clashes(one, other) && clashes(other, one), "{one} {other}");
        }
        for (one, other) in [
            ("127.0.0.1:80", "127.0.0.1:81"),
            ("127.0.0.1:80", "[::ffff:127.0.0.2]:80"),
            ("127.0.0.1:80", "[::1]:80"),
            ("127.0.0.1:0", "[::ffff:127.0.0.1]:0"),
        ] {
            assert!(
                !clashes(one, other) && !clashes(other, one),
                "{one} {other}"
            );
        }
    }
}
