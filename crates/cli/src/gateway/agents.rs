//! `[[agents]]`: the agents that run in this process.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sealpost_agent::Accept;
use sealpost_envelope::{
    AwsLc, Certificate, Fingerprint, Identity, Trust, TrustAnchors, TrustPolicy, UnixTime,
};
use sealpost_gateway::AgentEntry;
use sealpost_protocol::{AgentId, SigningKey};

use super::files;
use super::findings::Weight;
use super::section::Section;
use crate::render::quoted;

/// An agent that can be started.
#[derive(Debug)]
pub(crate) struct AgentPlan {
    pub(crate) id: AgentId,
    /// What it opens with; the first is the certificate's, the others are old.
    pub(crate) identities: Vec<Identity<AwsLc>>,
    pub(crate) accept: Accept,
    /// What the gateway knows of it.
    pub(crate) entry: AgentEntry,
    /// What it signs its replies with. It never leaves the process.
    pub(crate) signing_key: SigningKey,
    pub(crate) vault: VaultPlan,
    pub(crate) ledger: LedgerPlan,
    /// Where to answer `sealpost resolve`.
    pub(crate) resolve_socket: Option<PathBuf>,
}

/// The embedded vault: the only kind so far.
#[derive(Debug)]
pub(crate) struct VaultPlan {
    pub(crate) path: PathBuf,
    /// Bytes.
    pub(crate) max_value: Option<usize>,
    /// Bytes.
    pub(crate) cache: Option<usize>,
}

/// What it remembers of requests.
#[derive(Debug)]
pub(crate) struct LedgerPlan {
    /// In memory without it.
    pub(crate) path: Option<PathBuf>,
    /// Entries.
    pub(crate) capacity: Option<usize>,
}

/// Reads all agents. No two may have the same id, or write to the same place.
pub(crate) fn read(root: &mut Section<'_>, now: UnixTime) -> Option<Vec<AgentPlan>> {
    let sections = root.sections("agents");
    if sections.is_empty() {
        root.wrong("agents", "there is none; add one under [[agents]]");
    }
    let mut taken = Taken::default();
    // Not `collect`: what is wrong with the later ones is to be found, too.
    let agents: Vec<_> = sections
        .into_iter()
        .map(|section| agent(section, &mut taken, now))
        .collect();
    agents.into_iter().collect()
}

fn agent(mut section: Section<'_>, taken: &mut Taken, now: UnixTime) -> Option<AgentPlan> {
    section.require("id", "give the agent's id, as in its certificate");
    let id: Option<AgentId> = section.parsed("id");
    if let Some(id) = &id {
        taken.claim(&section, "id", id.to_string());
    }
    let mut identities = identities(&mut section);
    let certificate = certificate(&mut section);
    let accept = accept(&mut section);
    let ledger = ledger(&mut section, taken);
    let vault = vault(&mut section, taken);
    let resolve_socket = section.path("resolve_socket");
    if let Some(path) = &resolve_socket {
        files::check_writable_folder(section.findings(), &section.at("resolve_socket"), path);
        taken.claim_path(&section, "resolve_socket", path);
    }

    let old_certificates = section.paths("old_certificates");
    if let (Some(identities), Some((_, certificate))) = (&mut identities, &certificate) {
        add_certificates(&section, identities, certificate, &old_certificates);
    }
    let signing_key = SigningKey::generate()
        .map_err(|e| section.wrong("id", e))
        .ok();
    require_trust(&section, certificate.as_ref());
    let trusted = (section.text("pin"), section.path("ca"));
    if let (Some(_), Some(_)) = &trusted {
        section.wrong("pin", "is given beside ca; give one of them");
    }
    let entry = match (&id, &certificate, &signing_key) {
        (Some(id), Some((pem, certificate)), Some(key)) => {
            check_dates(&section, certificate, now);
            entry(&section, id, pem, key, trusted)
        }
        _ => {
            // What can be said without them.
            let pin = trusted.0.map(|pin| pin.parse::<Fingerprint>());
            if let Some(Err(error)) = pin {
                section.wrong("pin", error);
            }
            None
        }
    };
    section.finish();
    Some(AgentPlan {
        id: id?,
        identities: identities?,
        accept: accept?,
        entry: entry?,
        signing_key: signing_key?,
        vault: vault?,
        ledger,
        resolve_socket,
    })
}

fn identities(section: &mut Section<'_>) -> Option<Vec<Identity<AwsLc>>> {
    let place = section.at("identity");
    section.require(
        "identity",
        "give the file of the private key (sealpost keygen makes one), or a list: the current one first, then old \
         ones that still open",
    );
    let paths = section.paths("identity");
    let identity = |path: &PathBuf| {
        let bytes = files::read_private(section.findings(), &place, path)?;
        Identity::from_pem_or_der(&bytes)
            .map_err(|e| section.wrong("identity", format_args!("{}: {e}", quoted(path))))
            .ok()
    };
    let all: Vec<_> = paths.iter().map(identity).collect();
    let all: Vec<Identity<AwsLc>> = all.into_iter().collect::<Option<_>>()?;
    for (index, one) in all.iter().enumerate() {
        if all[..index]
            .iter()
            .any(|other| other.key_id() == one.key_id())
        {
            section.wrong("identity", "has the same key twice; name each file once");
            return None;
        }
    }
    (!all.is_empty()).then_some(all)
}

fn certificate(section: &mut Section<'_>) -> Option<(Vec<u8>, Certificate)> {
    section.require("certificate", "give the agent's certificate in PEM");
    let path = section.path("certificate")?;
    let pem = files::read(section.findings(), &section.at("certificate"), &path)?;
    match Certificate::from_pem(&pem) {
        Ok(certificate) => Some((pem.to_vec(), certificate)),
        Err(error) => {
            section.wrong("certificate", format_args!("{}: {error}", quoted(&path)));
            None
        }
    }
}

/// Values in JWE and CMS may name the certificate that they were sealed to.
fn add_certificates(
    section: &Section<'_>,
    identities: &mut [Identity<AwsLc>],
    current: &Certificate,
    old: &[PathBuf],
) {
    let Some((identity, _)) = identities.split_first_mut() else {
        return;
    };
    if identity.add_certificate(current.clone()).is_err() {
        section.wrong(
            "certificate",
            "is for another key than the first file of identity: what is sealed to it would not open; name the \
             certificate of that key, or put its key first",
        );
    }
    for path in old {
        let place = section.at("old_certificates");
        let Some(pem) = files::read(section.findings(), &place, path) else {
            continue;
        };
        match Certificate::from_pem(&pem) {
            Ok(old) => {
                if !identities
                    .iter_mut()
                    .any(|identity| identity.add_certificate(old.clone()).is_ok())
                {
                    section.wrong(
                        "old_certificates",
                        format_args!(
                            "{} is for no key of identity; add its key, or leave it out",
                            quoted(path)
                        ),
                    );
                }
            }
            Err(error) => section.wrong(
                "old_certificates",
                format_args!("{}: {error}", quoted(path)),
            ),
        }
    }
}

fn accept(section: &mut Section<'_>) -> Option<Accept> {
    match section.has("accept") {
        false => Some(Accept::default()),
        true => Accept::parse(section.texts("accept")?)
            // The error itself repeats the word.
            .map_err(|_| section.wrong("accept", ACCEPTED))
            .ok(),
    }
}

fn ledger(section: &mut Section<'_>, taken: &mut Taken) -> LedgerPlan {
    let path = section.path("ledger");
    if let Some(path) = &path {
        files::check_writable_folder(section.findings(), &section.at("ledger"), path);
        taken.claim_path(section, "ledger", path);
    }
    let capacity = section.number("ledger_capacity", MIN_LEDGER..=MAX_LEDGER);
    LedgerPlan { path, capacity }
}

fn check_dates(section: &Section<'_>, certificate: &Certificate, now: UnixTime) {
    if let Err(error) = Trust::check_validity(certificate, now) {
        let what = format!("{error}; until then its requests are refused");
        section
            .findings()
            .add(Weight::Degraded, section.at("certificate"), what);
    } else if let Some(days) = days_left(certificate.not_after(), now) {
        let what = format!("ends in {days} days; make a new one in time");
        section
            .findings()
            .add(Weight::Notice, section.at("certificate"), what);
    }
}

/// How many days are left, if it is time to say so.
pub(crate) fn days_left(not_after: UnixTime, now: UnixTime) -> Option<u64> {
    let days = not_after.as_secs().saturating_sub(now.as_secs()) / (24 * 60 * 60);
    (days < SOON_DAYS).then_some(days)
}

fn entry(
    section: &Section<'_>,
    id: &AgentId,
    pem: &[u8],
    key: &SigningKey,
    trusted: (Option<String>, Option<PathBuf>),
) -> Option<AgentEntry> {
    let (key_of_trust, trust) = match trusted {
        (Some(pin), None) => {
            let pin: Fingerprint = pin.parse().map_err(|e| section.wrong("pin", e)).ok()?;
            ("pin", TrustPolicy::pinned([pin]))
        }
        (None, Some(path)) => {
            let bytes = files::read(section.findings(), &section.at("ca"), &path)?;
            let anchors = TrustAnchors::from_pem_or_der(&bytes)
                .map_err(|e| section.wrong("ca", format_args!("{}: {e}", quoted(&path))))
                .ok()?;
            ("ca", TrustPolicy::chain(anchors))
        }
        // Which was said.
        _ => return None,
    };
    AgentEntry::new(id.clone(), pem, &trust, key.verify_key())
        .map_err(|e| section.wrong(key_of_trust, e))
        .ok()
}

/// Notes that neither a pin nor an authority is there, if so.
fn require_trust(section: &Section<'_>, certificate: Option<&(Vec<u8>, Certificate)>) {
    if section.has("ca") {
        return;
    }
    let compare = certificate.map_or_else(String::new, |(_, certificate)| {
        format!(
            ". If whoever made the certificate says so too, it is {}",
            certificate.fingerprint()
        )
    });
    section.require(
        "pin",
        &format!(
            "give the certificate's SHA-256, or ca, the file of the authority that issued it{compare}"
        ),
    );
}

fn vault(agent: &mut Section<'_>, taken: &mut Taken) -> Option<VaultPlan> {
    agent.require(
        "vault",
        "give [agents.vault] with kind = \"embedded\" and a path",
    );
    let mut section = agent.section("vault")?;
    section.require("kind", "give \"embedded\"");
    let kind = section.choice("kind", &[("embedded", ())]);
    section.require(
        "path",
        "give the folder of the vault; it is made at the first start",
    );
    let path = section.path("path");
    if let Some(path) = &path {
        files::check_writable_folder(section.findings(), &section.at("path"), path);
        if path.exists() && !path.is_dir() {
            section.wrong("path", "is not a folder; name the folder of the vault");
        }
        taken.claim_path(&section, "path", path);
    }
    let max_value = section.number("max_value", 1..=MAX_VALUE);
    let cache = section.number("cache", MIN_CACHE..=MAX_CACHE);
    section.finish();
    kind?;
    Some(VaultPlan {
        path: path?,
        max_value,
        cache,
    })
}

/// What only one agent may have, and the place of the one that has it.
#[derive(Debug, Default)]
struct Taken(BTreeMap<String, String>);

impl Taken {
    fn claim(&mut self, section: &Section<'_>, key: &str, what: String) {
        if let Some(other) = self.0.insert(what, section.at(key)) {
            section.wrong(
                key,
                format_args!("is that of {other}, too; give each its own"),
            );
        }
    }

    /// Two ways to one file are found as long as the folder exists.
    fn claim_path(&mut self, section: &Section<'_>, key: &str, path: &Path) {
        self.claim(section, key, canonical(path).display().to_string());
    }
}

fn canonical(path: &Path) -> PathBuf {
    if let Ok(path) = path.canonicalize() {
        return path;
    }
    match (path.parent().map(Path::canonicalize), path.file_name()) {
        (Some(Ok(parent)), Some(name)) => parent.join(name),
        _ => path.to_owned(),
    }
}

/// Certificates that end within so many days are pointed out.
const SOON_DAYS: u64 = 30;
/// The longest value that the endpoint takes.
const MAX_VALUE: usize = 64 * 1024;
const ACCEPTED: &str = "must be a list of \"native\", \"jwe\" and \"cms\", at least one of them";
const MIN_LEDGER: usize = 1000;
const MAX_LEDGER: usize = 1_000_000_000;
const MIN_CACHE: usize = 1 << 20;
const MAX_CACHE: usize = 1 << 40;
