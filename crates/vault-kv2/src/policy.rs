//! The smallest policy.

use std::fmt::Write as _;

use sealpost_vault::Access;

use crate::path::Place;

/// Returns the smallest policy (HCL) for this access.
pub(crate) fn policy(access: Access, place: &Place) -> String {
    let mut text = String::new();
    let mut rule = |why: &str, part: Option<&str>, path: &str, capability: &str| {
        let path = match part {
            Some(part) => place.full(part, "*"),
            None => path.to_owned(),
        };
        let _ = write!(
            text,
            "# {why}\npath \"{path}\" {{\n  capabilities = [\"{capability}\"]\n}}\n\n"
        );
    };
    rule(
        "Stores a secret under a name that is free. Without \"update\" nothing can be overwritten.",
        Some("data"),
        "",
        match access {
            Access::Create => "create",
            Access::Resolve | Access::Delete => "create\", \"read",
        },
    );
    rule(
        "Recognises its own secret after a lost answer, by the names of members, without values.",
        Some("subkeys"),
        "",
        "read",
    );
    if access >= Access::Delete {
        rule("Deletes secrets for good.", Some("metadata"), "", "delete");
    }
    rule(
        "Tells an expired token from a policy that refuses.",
        None,
        crate::login::LOOK_UP,
        "read",
    );
    rule(
        "Renews its token, and ends it.",
        None,
        crate::session::RENEW,
        "update",
    );
    rule("", None, crate::session::REVOKE, "update");
    text.replace("# \n", "").trim_end().to_owned() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_to_create_reads_no_value_and_overwrites_nothing() {
        let place = Place {
            mount: "secret".to_owned(),
            prefix: "team/a".to_owned(),
        };
        let create = policy(Access::Create, &place);
        assert!(
            create.contains("path \"secret/data/team/a/*\" {\n  capabilities = [\"create\"]\n}"),
            "{create}"
        );
        assert!(create.contains("path \"secret/subkeys/team/a/*\" {\n  capabilities = [\"read\"]"));
        assert!(!create.contains("metadata/"));
        let resolve = policy(Access::Resolve, &place);
        assert!(
            resolve.contains("capabilities = [\"create\", \"read\"]"),
            "{resolve}"
        );
        assert!(!resolve.contains("delete"));
        let delete = policy(Access::Delete, &place);
        assert!(
            delete.contains("path \"secret/metadata/team/a/*\" {\n  capabilities = [\"delete\"]")
        );
        for policy in [create, resolve, delete] {
            let rules: Vec<_> = policy.lines().filter(|l| !l.starts_with('#')).collect();
            let rules = rules.concat();
            assert!(
                !rules.contains("list") && !rules.contains("sudo"),
                "{rules}"
            );
        }
    }
}
