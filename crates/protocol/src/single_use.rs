//! What a value that was sealed at the source must say of its use.

use std::time::Duration;

use sealpost_envelope::{UnixTime, binding::Binding};

/// The identifier that a sealed value is used up with, and until when it can be used.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SingleUse {
    /// The binding's `jti`.
    pub jti: String,
    /// The binding's `exp`.
    pub expires_at: UnixTime,
}

impl SingleUse {
    /// How far ahead `exp` may be: agents remember what was used until then.
    pub const MAX_AHEAD: Duration = Duration::from_secs(24 * 60 * 60);

    /// Reads a binding, whose clock may differ by `leeway`, in whole seconds.
    ///
    /// # Errors
    ///
    /// The violations, each in the form `#/sealpost/exp: …`.
    pub fn parse(binding: &Binding, now: UnixTime, leeway: Duration) -> Result<Self, Vec<String>> {
        let mut violations = Vec::new();
        if binding.jti().is_none() {
            violations.push(
                "#/sealpost/jti: is missing; seal with a random identifier for each value".into(),
            );
        }
        match binding.expires_at() {
            None => violations.push(
                "#/sealpost/exp: is missing; seal with the time until which the value is to be taken".into(),
            ),
            Some(exp) if exp.saturating_add(leeway) <= now => {
                violations.push("#/sealpost/exp: has passed; seal the value again".into());
            }
            Some(exp) if exp > now.saturating_add(Self::MAX_AHEAD).saturating_add(leeway) => {
                violations.push("#/sealpost/exp: is more than 24 hours ahead; seal for a shorter time".into());
            }
            Some(_) => {}
        }
        match (binding.jti(), binding.expires_at()) {
            (Some(jti), Some(expires_at)) if violations.is_empty() => Ok(Self {
                jti: jti.into(),
                expires_at,
            }),
            (Some(_) | None, Some(_) | None) => Err(violations),
        }
    }
}

#[cfg(test)]
mod tests {
    use sealpost_envelope::SecretContext;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn until(exp: u64) -> Result<SingleUse, Vec<String>> {
        let binding = Binding::new(&SecretContext::unchecked("a", "n"));
        let binding = binding.with_use("j", UnixTime::from_secs(exp)).unwrap();
        SingleUse::parse(&binding, UnixTime::from_secs(1_000_000), MINUTE)
    }

    #[test]
    fn a_use_has_its_time() {
        let last = 1_000_000 + SingleUse::MAX_AHEAD.as_secs() + 60;
        for good in [999_941, 1_000_000, last] {
            assert_eq!(until(good).map(|u| u.expires_at.as_secs()), Ok(good));
        }
        for bad in [0, 999_940, last + 1, u64::MAX] {
            let violations = until(bad).unwrap_err();
            assert!(
                violations[0].starts_with("#/sealpost/exp: "),
                "{violations:?}"
            );
        }
    }

    #[test]
    fn both_are_needed() {
        let binding = Binding::new(&SecretContext::unchecked("a", "n"));
        let violations = SingleUse::parse(&binding, UnixTime::from_secs(0), MINUTE).unwrap_err();
        assert_eq!(violations.len(), 2, "{violations:?}");
    }
}
