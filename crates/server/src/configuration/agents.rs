//! `[[agents]]`: the agents that run in a process.

mod identities;
mod trust;

use std::path::PathBuf;

use sealpost_agent::Accept;
use sealpost_context::AgentId;
use sealpost_envelope::{AwsLc, Identity, UnixTime};
use sealpost_gateway::directory::AgentCertificate;
use sealpost_vault::configuration::{Opening, VaultConfiguration};

use super::claims::Claims;
use super::named_files::{self, Written};
use super::paths::Role;
use super::section::Section;
use super::vaults;
use crate::resolve::ResolveSocket;
use identities::CertificateFile;

/// An agent that runs in the gateway's process: its own part, and what the gateway has to know of it.
#[derive(Debug)]
pub struct LocalAgent {
    /// The agent's part.
    pub agent: AgentConfiguration,
    /// The certificate that the gateway seals to.
    pub certificate: AgentCertificate,
}

/// An agent that can be started.
#[derive(Debug)]
pub struct AgentConfiguration {
    /// Its id.
    pub id: AgentId,
    /// The key that it opens with.
    pub identity: Identity<AwsLc>,
    /// Older keys, which still open.
    pub old_identities: Vec<Identity<AwsLc>>,
    /// The formats that it takes.
    pub accept: Accept,
    /// Where it stores.
    pub vault: Box<dyn VaultConfiguration>,
    /// What it remembers of requests.
    pub ledger: LedgerConfiguration,
    /// Where it answers `sealpost resolve`.
    pub resolve_socket: Option<PathBuf>,
}

/// What an agent remembers of requests.
#[derive(Clone, Debug, Default)]
pub struct LedgerConfiguration {
    /// In memory without it.
    pub path: Option<PathBuf>,
    /// Entries. Without it, the ledger's default.
    pub capacity: Option<usize>,
}

impl LedgerConfiguration {
    /// A ledger remembers what is in the vault, so where one is, a vault must be there already.
    pub(crate) fn opening(&self) -> Opening {
        match &self.path {
            Some(path) if path.symlink_metadata().is_ok() => Opening::ExistingOnly,
            _ => Opening::CreateIfNew,
        }
    }
}

impl AgentConfiguration {
    /// An agent with one key and one vault, and the defaults of everything else.
    #[must_use]
    pub fn new(id: AgentId, identity: Identity<AwsLc>, vault: Box<dyn VaultConfiguration>) -> Self {
        Self {
            id,
            identity,
            old_identities: Vec::new(),
            accept: Accept::default(),
            vault,
            ledger: LedgerConfiguration::default(),
            resolve_socket: None,
        }
    }
}

/// Reads all agents. No two may have the same id.
pub(super) fn read(
    root: &mut Section<'_>,
    claims: &mut Claims,
    now: UnixTime,
) -> Option<Vec<LocalAgent>> {
    let sections = root.sections("agents");
    if sections.is_empty() {
        root.wrong("agents", "there is none; add one under [[agents]]");
    }
    // Not `collect`: it would stop at the first that is wrong.
    let agents: Vec<_> = sections
        .into_iter()
        .map(|section| agent(section, claims, now))
        .collect();
    agents.into_iter().collect()
}

fn agent(mut section: Section<'_>, claims: &mut Claims, now: UnixTime) -> Option<LocalAgent> {
    let own = OwnPart::read(&mut section, claims);
    let certificate = trust::read(&mut section, own.id.as_ref(), own.certificate.as_ref(), now);
    section.finish();
    Some(LocalAgent {
        agent: own.agent?,
        certificate: certificate?,
    })
}

/// What a section says of the agent itself, wherever the gateway runs.
pub(super) struct OwnPart {
    id: Option<AgentId>,
    certificate: Option<CertificateFile>,
    pub(super) agent: Option<AgentConfiguration>,
}

impl OwnPart {
    pub(super) fn read(section: &mut Section<'_>, claims: &mut Claims) -> Self {
        section.require("id", "give the agent's id, as in its certificate");
        let id: Option<AgentId> = section.parsed("id");
        if let Some(id) = &id {
            claims.claim(section, "id", id.to_string());
        }
        let mut identities = identities::read(section);
        let certificate = identities::certificate(section);
        let accept = accept(section);
        let ledger = ledger(section);
        let vault = vaults::read(section);
        let resolve_socket = resolve_socket(section);
        if resolve_socket.is_some() && vault.as_ref().is_some_and(|vault| !vault.permits_reading())
        {
            section.wrong(
                "resolve_socket",
                "the vault's access does not permit reading; set access = \"resolve\" in [agents.vault], or leave this out",
            );
        }
        let old_certificates = section.paths("old_certificates");
        if let (Some(identities), Some(file)) = (&mut identities, &certificate) {
            identities::add_certificates(section, identities, &file.certificate, &old_certificates);
        }
        let agent = || {
            let mut identities = identities?.into_iter();
            Some(AgentConfiguration {
                id: id?,
                identity: identities.next()?,
                old_identities: identities.collect(),
                accept: accept?,
                vault: vault?,
                ledger,
                resolve_socket,
            })
        };
        Self {
            agent: agent(),
            id,
            certificate,
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

fn ledger(section: &mut Section<'_>) -> LedgerConfiguration {
    let path = section.path_as(Role::Written, "ledger");
    if let Some(path) = &path {
        named_files::check_own(
            section.findings(),
            &section.at("ledger"),
            path,
            Written::IfMissing,
        );
    }
    let capacity = section.number("ledger_capacity", MIN_LEDGER..=MAX_LEDGER);
    LedgerConfiguration { path, capacity }
}

fn resolve_socket(section: &mut Section<'_>) -> Option<PathBuf> {
    let path = section.path_as(Role::Written, "resolve_socket")?;
    named_files::check_own(
        section.findings(),
        &section.at("resolve_socket"),
        &path,
        Written::EachTime,
    );
    if let Err(error) = ResolveSocket::check(&path) {
        section.wrong("resolve_socket", error);
    }
    Some(path)
}

const ACCEPTED: &str = "must be a list of \"native\", \"jwe\" and \"cms\", at least one of them";
const MIN_LEDGER: usize = 1000;
const MAX_LEDGER: usize = 1_000_000_000;
