//! Permissions that are tried before a secret depends on them.

use std::borrow::Cow;

use reqwest::Method;
use sealpost_vault::{Access, Patience};

use super::Shared;
use crate::login::LOOK_UP;
use crate::meaning::Meaning;
use crate::session::RENEW;

impl Shared {
    /// Tries what leaves no trace, on a name that is free. What creating lacks, a create says.
    pub(super) async fn missing_permissions(
        &self,
        mut patience: Patience,
    ) -> Vec<Cow<'static, str>> {
        let Some(free) = free_name() else {
            return Vec::new();
        };
        let mut missing = Vec::new();
        for (needed, method, part, capability) in [
            (Access::Create, Method::GET, "subkeys", "read"),
            (Access::Resolve, Method::GET, "data", "read"),
            (Access::Delete, Method::DELETE, "metadata", "delete"),
        ] {
            let path = self.place.request(part, &free);
            if self.access >= needed && self.is_refused(method, &path, &mut patience).await {
                missing.push(self.permission(capability, part).into());
            }
        }
        for (method, path, capability) in [
            (Method::GET, LOOK_UP, "read"),
            (Method::POST, RENEW, "update"),
        ] {
            if self.is_refused(method, path, &mut patience).await {
                let permission =
                    format!("\"{capability}\" on {path} (sealpost vault policy prints it)");
                missing.push(permission.into());
            }
        }
        missing
    }

    /// What fails otherwise is told by what depends on it.
    async fn is_refused(&self, method: Method, path: &str, patience: &mut Patience) -> bool {
        let call = self.call(method, path, None, patience).await;
        call.is_ok_and(|call| matches!(call.meaning, Meaning::Forbidden { .. }))
    }
}

/// Returns a name that nobody has taken; `None` if there is no randomness.
fn free_name() -> Option<String> {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).ok()?;
    Some(format!("permissions-{:032x}", u128::from_be_bytes(bytes)))
}
