//! The rules of `docs/OPERATIONS.md`, written a second time: what each key may be, and what must not stand beside what.

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
    path::{Component, Path},
    time::Duration,
};

use sealpost_envelope::{Certificate, Fingerprint};
use sealpost_server::Configuration;
use toml::{Table, Value};
use url::{Host, Url};

use super::{FILES, PRIVATE};

/// What a key may be.
pub(super) enum Rule {
    Text,
    Address,
    /// Where keys are fetched from: nobody on the way can change them.
    Source,
    /// `true` or `false`.
    Flag,
    /// One of the folder's files.
    File,
    /// One or more of its private files.
    Private,
    /// Where something is made.
    Place,
    /// From, to.
    Number(i64, i64),
    /// Milliseconds: from, to.
    Time(u64, u64),
    /// One or more of these.
    Words(&'static [&'static str]),
}

use Rule::{Address, File, Flag, Number, Place, Private, Source, Text, Time, Words};

const MINUTES_10: u64 = 600_000;
const MILLION: i64 = 1_000_000;

/// Every key there is.
pub(super) const RULES: &[(&str, Rule)] = &[
    ("listen", Address),
    ("base_path", Text),
    ("danger_plain_http_behind_proxy", Flag),
    ("signing_key_file", Private),
    ("signed_requests", Flag),
    ("tls.certificate", File),
    ("tls.key", Private),
    ("tls.client_ca", File),
    ("auth.issuer", Text),
    ("auth.audience", Text),
    ("auth.jwks_url", Source),
    ("auth.jwks_file", File),
    ("auth.jwks_ca", File),
    ("auth.jwks_timeout", Time(1_000, MINUTES_10)),
    ("auth.jwks_max_age", Time(1_000, 86_400_000)),
    ("auth.jwks_max_stale", Time(1_000, 30 * 86_400_000)),
    ("auth.jwks_min_interval", Time(1_000, MINUTES_10)),
    (
        "auth.algorithms",
        Words(&["RS256", "PS256", "ES256", "EdDSA"]),
    ),
    ("auth.leeway", Time(0, MINUTES_10)),
    ("limits.handshake_timeout", Time(100, MINUTES_10)),
    ("limits.header_timeout", Time(100, MINUTES_10)),
    ("limits.body_timeout", Time(100, MINUTES_10)),
    ("limits.write_timeout", Time(100, MINUTES_10)),
    ("limits.deadline", Time(100, MINUTES_10)),
    ("limits.drain", Time(100, MINUTES_10)),
    ("limits.connections", Number(1, MILLION)),
    ("limits.connections_per_address", Number(1, MILLION)),
    ("limits.requests", Number(1, MILLION)),
    ("limits.requests_per_agent", Number(1, MILLION)),
    ("limits.requests_per_principal", Number(1, MILLION)),
    ("limits.body_memory", Number(1 << 20, 1 << 40)),
    ("limits.rate_per_second", Number(0, MILLION)),
    ("limits.rate_burst", Number(1, MILLION)),
    ("metrics.listen", Address),
    ("log.format", Words(&["human", "json"])),
    ("log.level", Text),
    ("audit.file", Place),
    ("audit.stdout", Flag),
    ("idempotency.secret_file", Private),
    ("agents[].id", Text),
    ("agents[].identity", Private),
    ("agents[].certificate", File),
    ("agents[].old_certificates", File),
    ("agents[].pin", Text),
    ("agents[].ca", File),
    ("agents[].accept", Words(&["native", "jwe", "cms"])),
    ("agents[].ledger", Place),
    ("agents[].ledger_capacity", Number(1_000, 1_000_000_000)),
    ("agents[].resolve_socket", Place),
    ("agents[].vault.kind", Words(&["embedded"])),
    ("agents[].vault.path", Place),
    ("agents[].vault.max_value", Number(1, 65_536)),
    ("agents[].vault.cache", Number(1 << 20, 1 << 40)),
];

/// Whether the last part of a place names files.
pub(super) fn is_path(key: &str) -> bool {
    RULES.iter().any(|(place, rule)| {
        matches!(rule, File | Private | Place) && place.rsplit('.').next() == Some(key)
    }) || [
        "identity",
        "certificate",
        "old_certificates",
        "ca",
        "ledger",
        "resolve_socket",
    ]
    .contains(&key)
}

/// Panics if a configuration that was found in order breaks a rule, or if the result is not what it says.
pub(super) fn kept(table: &Table, configuration: &Configuration) {
    each("", table);
    endpoint(table);
    let auth = section(table, "auth").expect("[auth]");
    assert!(auth.contains_key("issuer") && auth.contains_key("audience"));
    assert!(auth.contains_key("jwks_url") != auth.contains_key("jwks_file"));
    for key in ["issuer", "audience"] {
        let claim = text(auth, key).expect("a text");
        assert!(
            claim.trim() == claim && !claim.contains(char::is_control),
            "{claim:?}"
        );
    }
    let time = |key, seconds| match text(auth, key) {
        Some(text) => humantime::parse_duration(text).expect("it was taken"),
        None => Duration::from_secs(seconds),
    };
    assert!(time("jwks_max_age", 300) < time("jwks_max_stale", 86_400));
    if let Some(audit) = section(table, "audit") {
        let stdout = audit.get("stdout").and_then(Value::as_bool);
        assert!(audit.contains_key("file") != stdout.unwrap_or_default());
    }
    agents(table);
    limits(table, configuration);
}

fn each(above: &str, table: &Table) {
    for (key, value) in table {
        let place = format!("{above}{key}");
        match value {
            Value::Table(table) => each(&format!("{place}."), table),
            Value::Array(values) if place == "agents" => {
                for value in values {
                    each("agents[].", value.as_table().expect("a table"));
                }
            }
            _ => {
                let rule = RULES.iter().find(|(known, _)| *known == place);
                let (_, rule) = rule.unwrap_or_else(|| panic!("{place} is no key"));
                assert!(holds(rule, value), "{place} = {value:?}");
            }
        }
    }
}

fn holds(rule: &Rule, value: &Value) -> bool {
    match (rule, value) {
        (File | Private | Words(_), Value::Array(values)) => values
            .iter()
            .all(|value| value.is_str() && holds(rule, value)),
        (Text | Place, Value::String(text)) => !text.is_empty(),
        (Address, Value::String(text)) => text.parse::<SocketAddr>().is_ok(),
        (Source, Value::String(url)) => Url::parse(url).is_ok_and(|url| {
            let here = match url.host() {
                Some(Host::Domain(name)) => name == "localhost",
                Some(Host::Ipv4(ip)) => local(ip.into()),
                Some(Host::Ipv6(ip)) => local(ip.into()),
                None => false,
            };
            let anonymous = url.username().is_empty() && url.password().is_none();
            anonymous && (url.scheme() == "https" || url.scheme() == "http" && here)
        }),
        (Flag, Value::Boolean(_)) => true,
        (File, Value::String(path)) => mode(path).is_some(),
        (Private, Value::String(path)) => mode(path) == Some(PRIVATE),
        (Number(from, to), Value::Integer(number)) => (from..=to).contains(&number),
        (Time(from, to), Value::String(text)) => {
            let range = Duration::from_millis(*from)..=Duration::from_millis(*to);
            humantime::parse_duration(text).is_ok_and(|time| range.contains(&time))
        }
        (Words(words), Value::String(word)) => words.contains(&word.as_str()),
        _ => false,
    }
}

/// Nobody but a proxy that was promised reads plain HTTP.
fn endpoint(table: &Table) {
    let address = |text: &str| text.parse::<SocketAddr>().expect("an address");
    let listen = address(text(table, "listen").expect("listen"));
    let plain = table.get("danger_plain_http_behind_proxy") == Some(&Value::Boolean(true));
    match section(table, "tls") {
        Some(tls) => assert!(tls.contains_key("certificate") && tls.contains_key("key") && !plain),
        None => assert!(plain || local(listen.ip()), "{listen} without TLS"),
    }
    if let Some(metrics) = section(table, "metrics") {
        let metrics = address(text(metrics, "listen").expect("metrics.listen"));
        assert!(metrics != listen || listen.port() == 0);
    }
    let base = text(table, "base_path").unwrap_or("/");
    assert!(
        base.starts_with('/') && !base.contains([' ', '%', '?', '#', '{']) && !base.contains("..")
    );
}

fn local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.octets()[0] == 127,
        IpAddr::V6(ip) => ip.segments() == [0, 0, 0, 0, 0, 0, 0, 1],
    }
}

fn agents(table: &Table) {
    let agents = table["agents"].as_array().expect("[[agents]]");
    assert!(!agents.is_empty());
    let (mut ids, mut places) = (BTreeSet::new(), BTreeSet::new());
    for agent in agents {
        let agent = agent.as_table().expect("a table");
        let id = text(agent, "id").expect("id");
        let sound = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        assert!((1..=64).contains(&id.len()) && id.bytes().all(sound));
        assert!(ids.insert(id), "two agents are {id}");
        let vault = section(agent, "vault").expect("[agents.vault]");
        assert_eq!(text(vault, "kind"), Some("embedded"));
        let vault = text(vault, "path").expect("vault.path");
        let used = [
            Some(vault),
            text(agent, "ledger"),
            text(agent, "resolve_socket"),
        ];
        for place in used.into_iter().flatten() {
            assert!(places.insert(plain(place)), "two things at {place}");
        }
        // The first key is the certificate's, and none is there twice.
        let keys = texts(&agent["identity"]);
        let certificate = plain(text(agent, "certificate").expect("certificate"));
        assert_eq!(
            plain(keys[0]).strip_suffix(".key"),
            certificate.strip_suffix(".pem")
        );
        let distinct: BTreeSet<_> = keys.iter().map(|key| plain(key)).collect();
        assert_eq!(distinct.len(), keys.len());
        match (text(agent, "pin"), agent.contains_key("ca")) {
            (Some(pin), false) => {
                let pin: Fingerprint = pin.parse().expect("a fingerprint");
                assert_eq!(pin.to_string(), fingerprint(&certificate));
            }
            // No authority in the folder issued one of its certificates.
            other => panic!("trusted by {other:?}"),
        }
        assert!(
            !agent
                .get("accept")
                .is_some_and(|accept| texts(accept).is_empty())
        );
    }
}

/// What is given is in the result, and the rest is as by default.
fn limits(table: &Table, configuration: &Configuration) {
    let limits = section(table, "limits").cloned().unwrap_or_default();
    let time = |key, seconds| match text(&limits, key) {
        Some(text) => humantime::parse_duration(text).expect("it was taken"),
        None => Duration::from_secs(seconds),
    };
    let number = |key: &str, default| {
        limits
            .get(key)
            .and_then(Value::as_integer)
            .unwrap_or(default)
    };
    let has = configuration.gateway.limits;
    assert_eq!(
        [
            has.handshake_timeout,
            has.header_timeout,
            has.body_timeout,
            has.write_timeout,
            has.deadline,
            has.drain
        ],
        [
            time("handshake_timeout", 5),
            time("header_timeout", 10),
            time("body_timeout", 10),
            time("write_timeout", 10),
            time("deadline", 30),
            time("drain", 35),
        ]
    );
    // It depends on the machine.
    let requests_per_principal = sealpost_gateway::Limits::default().requests_per_principal;
    let requests_per_principal = number(
        "requests_per_principal",
        i64::try_from(requests_per_principal).expect("few processors"),
    );
    let numbers = [
        has.connections,
        has.connections_per_address,
        has.requests,
        has.requests_per_agent,
        has.requests_per_principal,
        has.body_memory,
    ];
    assert_eq!(
        numbers.map(|number| i64::try_from(number).expect("at most a tebibyte")),
        [
            number("connections", 1024),
            number("connections_per_address", 256),
            number("requests", 256),
            number("requests_per_agent", 128),
            requests_per_principal,
            number("body_memory", 64 << 20),
        ]
    );
    let rate = has
        .rate
        .map(|rate| (rate.per_second.get().into(), rate.burst.get().into()));
    let given = (number("rate_per_second", 1000), number("rate_burst", 2000));
    assert_eq!(rate, (given.0 > 0).then_some(given));
}

fn section<'a>(table: &'a Table, key: &str) -> Option<&'a Table> {
    table.get(key)?.as_table()
}

fn text<'a>(table: &'a Table, key: &str) -> Option<&'a str> {
    table.get(key)?.as_str()
}

/// One text or a list of them.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(values) => values.iter().filter_map(Value::as_str).collect(),
        value => value.as_str().into_iter().collect(),
    }
}

/// The mode of one of the folder's files.
fn mode(path: &str) -> Option<u32> {
    let path = plain(path);
    let file = FILES.iter().find(|(name, ..)| *name == path);
    file.map(|(_, mode, _)| *mode)
}

/// A path without `.`: nothing else leads astray, as there is no folder in the folder.
fn plain(path: &str) -> String {
    let parts = Path::new(path).components();
    let parts = parts.filter(|part| !matches!(part, Component::CurDir));
    parts.collect::<std::path::PathBuf>().display().to_string()
}

/// The fingerprint of a certificate in the folder.
pub(super) fn fingerprint(name: &str) -> String {
    let (.., bytes) = FILES
        .iter()
        .find(|(file, ..)| *file == name)
        .expect("a file");
    let certificate = Certificate::from_pem(&bytes()).expect("a certificate");
    certificate.fingerprint().to_string()
}
