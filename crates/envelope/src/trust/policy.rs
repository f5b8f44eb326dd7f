//! Trust policies that a program keeps.

use alloc::vec::Vec;

use super::Trust;
#[cfg(feature = "chain")]
use super::{ChainPolicy, TrustAnchors};
use crate::fingerprint::Fingerprint;

/// Which agents' certificates to seal to: the owned form of [`Trust`], which a configuration holds.
///
/// It does not say which agent is meant: [`for_agent`](Self::for_agent) does.
#[derive(Clone, Debug)]
pub struct TrustPolicy {
    roots: Roots,
    #[cfg(feature = "chain")]
    accept_unnamed: bool,
}

#[derive(Clone, Debug)]
enum Roots {
    Pinned(Vec<Fingerprint>),
    #[cfg(feature = "chain")]
    Anchors(TrustAnchors),
    DangerAnyCertificate,
}

impl TrustPolicy {
    /// Only certificates with one of these fingerprints that do not name other agents alone, see [`Trust::PinnedFor`].
    #[must_use]
    pub fn pinned(fingerprints: impl IntoIterator<Item = Fingerprint>) -> Self {
        Self::new(Roots::Pinned(fingerprints.into_iter().collect()))
    }

    /// Only certificates of the agent meant, issued by one of these authorities or below it, see [`ChainPolicy`].
    #[cfg(feature = "chain")]
    #[cfg_attr(docsrs, doc(cfg(feature = "chain")))]
    #[must_use]
    pub const fn chain(anchors: TrustAnchors) -> Self {
        Self::new(Roots::Anchors(anchors))
    }

    /// Any certificate at all, see [`Trust::DangerAnyCertificate`].
    #[must_use]
    pub const fn danger_any_certificate() -> Self {
        Self::new(Roots::DangerAnyCertificate)
    }

    /// With authorities, also takes a certificate that names no agent, see
    /// [`ChainPolicy::danger_accept_certificate_without_agent_id`].
    #[cfg(feature = "chain")]
    #[cfg_attr(docsrs, doc(cfg(feature = "chain")))]
    #[must_use]
    pub const fn danger_accept_certificate_without_agent_id(mut self) -> Self {
        self.accept_unnamed = true;
        self
    }

    /// The policy for the certificates of one agent. With an empty id a pin is for any agent.
    #[must_use]
    pub fn for_agent<'a>(&'a self, agent_id: &'a str) -> Trust<'a> {
        match &self.roots {
            Roots::Pinned(pins) if agent_id.is_empty() => Trust::Pinned(pins),
            Roots::Pinned(pins) => Trust::PinnedFor { pins, agent_id },
            #[cfg(feature = "chain")]
            Roots::Anchors(anchors) => {
                let policy = ChainPolicy::new(anchors, agent_id);
                Trust::Chain(if self.accept_unnamed {
                    policy.danger_accept_certificate_without_agent_id()
                } else {
                    policy
                })
            }
            Roots::DangerAnyCertificate => Trust::DangerAnyCertificate,
        }
    }

    const fn new(roots: Roots) -> Self {
        Self {
            roots,
            #[cfg(feature = "chain")]
            accept_unnamed: false,
        }
    }
}
