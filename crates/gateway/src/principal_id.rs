//! Principals as numbers, for what is counted or queued by principal.

use std::hash::{BuildHasher as _, RandomState};

use crate::auth::Principal;

/// A principal, its issuer and subject, within this process.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct PrincipalId(u64);

/// Gives principals their numbers, which a caller can't predict: two principals don't share one but by chance (2⁻⁶⁴).
#[derive(Debug, Default)]
pub(crate) struct PrincipalIds(RandomState);

impl PrincipalIds {
    pub(crate) fn of(&self, principal: &Principal) -> PrincipalId {
        PrincipalId(self.0.hash_one((&principal.issuer, &principal.subject)))
    }
}

#[cfg(test)]
impl PrincipalId {
    pub(crate) const fn new(number: u64) -> Self {
        Self(number)
    }
}
