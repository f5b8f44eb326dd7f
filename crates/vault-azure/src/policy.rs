//! The smallest roles for an agent's identity.

use sealpost_vault::Access;

/// Returns a custom role with what this access needs and no more, as `az role definition create` reads it.
pub(crate) fn role(access: Access) -> String {
    let what = match access {
        Access::Create => "create",
        Access::Resolve => "resolve",
        Access::Delete => "delete",
    };
    let actions: Vec<_> = actions(access)
        .iter()
        .map(|action| format!("    \"{action}\""))
        .collect();
    format!(
        "{{\n  \"Name\": \"Sealpost {what}\",\n  \"Description\": \"What an agent with access = \\\"{what}\\\" needs\",\n  \
         \"Actions\": [],\n  \"NotActions\": [],\n  \"DataActions\": [\n{}\n  ],\n  \"NotDataActions\": [],\n  \
         \"AssignableScopes\": [\"/subscriptions/SUBSCRIPTION\"]\n}}\n",
        actions.join(",\n")
    )
}

fn actions(access: Access) -> Vec<&'static str> {
    let mut actions = vec![SET, LIST, GET];
    if access >= Access::Delete {
        actions.push(DELETE);
    }
    actions
}

pub(crate) const SET: &str = "Microsoft.KeyVault/vaults/secrets/setSecret/action";
pub(crate) const LIST: &str = "Microsoft.KeyVault/vaults/secrets/readMetadata/action";
/// An agent that only creates needs it, too: to restore the winner's value.
pub(crate) const GET: &str = "Microsoft.KeyVault/vaults/secrets/getSecret/action";
pub(crate) const DELETE: &str = "Microsoft.KeyVault/vaults/secrets/delete";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_has_no_more_than_the_calls_need() {
        for (access, count) in [
            (Access::Create, 3),
            (Access::Resolve, 3),
            (Access::Delete, 4),
        ] {
            let role: serde_json::Value = serde_json::from_str(&role(access)).unwrap();
            let actions = role["DataActions"].as_array().unwrap();
            assert_eq!(actions.len(), count);
            assert!(
                actions
                    .iter()
                    .all(|action| !action.as_str().unwrap().contains('*'))
            );
            assert_eq!(role["Actions"], serde_json::json!([]));
        }
    }
}
