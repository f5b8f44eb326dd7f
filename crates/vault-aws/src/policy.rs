//! The smallest policy.

use sealpost_vault::Access;
use serde_json::{Value, json};

use crate::place::Place;

/// Returns the smallest policy (IAM JSON) for this access.
pub(crate) fn policy(access: Access, place: &Place) -> String {
    // A secret is created with tags, which is a permission of its own. Without PutSecretValue and UpdateSecret nothing can be
    // overwritten.
    let mut actions = vec![CREATE, TAG, DESCRIBE];
    if access >= Access::Resolve {
        actions.push(GET);
    }
    if access >= Access::Delete {
        actions.push(DELETE);
    }
    let mut statements = vec![json!({
        "Sid": "Secrets",
        "Effect": "Allow",
        "Action": actions,
        "Resource": place.all(),
    })];
    statements.extend(place.kms_key.as_deref().map(|key| with_key(key, place)));
    let policy = json!({"Version": "2012-10-17", "Statement": statements});
    format!("{policy:#}\n")
}

/// Permits what the service does with the key on the caller's behalf, and nothing else with it.
fn with_key(key: &str, place: &Place) -> Value {
    let mut condition = json!({
        "StringEquals": {"kms:ViaService": format!("secretsmanager.{}.{}", place.region, place.domain())},
    });
    let is_arn = key.starts_with("arn:");
    // An alias in a policy permits to use the alias, not its key.
    let alias = key.find("alias/").map(|at| &key[at..]);
    let resource = match alias {
        Some(alias) => {
            condition["ForAnyValue:StringEquals"] = json!({"kms:ResourceAliases": alias});
            match is_arn {
                true => key.replace(alias, "key/*"),
                false => place.arn("kms", "key/*"),
            }
        }
        None if is_arn => key.to_owned(),
        None => place.arn("kms", &format!("key/{key}")),
    };
    json!({
        "Sid": "Key",
        "Effect": "Allow",
        "Action": [GENERATE, DECRYPT],
        "Resource": resource,
        "Condition": condition,
    })
}

pub(crate) const CREATE: &str = "secretsmanager:CreateSecret";
pub(crate) const TAG: &str = "secretsmanager:TagResource";
pub(crate) const DESCRIBE: &str = "secretsmanager:DescribeSecret";
pub(crate) const GET: &str = "secretsmanager:GetSecretValue";
pub(crate) const DELETE: &str = "secretsmanager:DeleteSecret";
pub(crate) const GENERATE: &str = "kms:GenerateDataKey";
pub(crate) const DECRYPT: &str = "kms:Decrypt";

#[cfg(test)]
mod tests {
    use super::*;

    fn of(access: Access, key: Option<&str>) -> Value {
        let place = Place {
            region: "eu-central-1".to_owned(),
            account: Some("123456789012".to_owned()),
            prefix: "team".to_owned(),
            kms_key: key.map(str::to_owned),
            owner: "sealpost".to_owned(),
        };
        serde_json::from_str(&policy(access, &place)).unwrap()
    }

    #[test]
    fn a_policy_to_create_reads_no_value_and_overwrites_nothing() {
        let create = of(Access::Create, None);
        assert_eq!(
            create,
            json!({"Version": "2012-10-17", "Statement": [{
                "Sid": "Secrets",
                "Effect": "Allow",
                "Action": ["secretsmanager:CreateSecret", "secretsmanager:TagResource", "secretsmanager:DescribeSecret"],
                "Resource": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:team/*",
            }]})
        );
        let resolve = of(Access::Resolve, None)["Statement"][0]["Action"].clone();
        assert_eq!(resolve[3], "secretsmanager:GetSecretValue");
        assert_eq!(resolve[4], Value::Null);
        let delete = of(Access::Delete, None)["Statement"][0]["Action"].clone();
        assert_eq!(delete[4], "secretsmanager:DeleteSecret");
        for access in [Access::Create, Access::Resolve, Access::Delete] {
            let text = of(access, Some("alias/a")).to_string();
            assert!(
                !text.contains("Put")
                    && !text.contains("Update")
                    && !text.contains("secretsmanager:*")
            );
        }
    }

    #[test]
    fn a_key_may_be_used_through_the_service_alone() {
        let arn = "arn:aws:kms:eu-central-1:123456789012:key/1234";
        for (key, resource, alias) in [
            (arn, arn, Value::Null),
            ("1234", arn, Value::Null),
            (
                "alias/a",
                "arn:aws:kms:eu-central-1:123456789012:key/*",
                json!("alias/a"),
            ),
            (
                "arn:aws:kms:eu-central-1:999999999999:alias/a",
                "arn:aws:kms:eu-central-1:999999999999:key/*",
                json!("alias/a"),
            ),
        ] {
            let statement = of(Access::Create, Some(key))["Statement"][1].clone();
            assert_eq!(
                statement["Action"],
                json!(["kms:GenerateDataKey", "kms:Decrypt"])
            );
            assert_eq!(statement["Resource"], resource, "{key}");
            let condition = &statement["Condition"];
            assert_eq!(
                condition["StringEquals"]["kms:ViaService"],
                "secretsmanager.eu-central-1.amazonaws.com"
            );
            assert_eq!(
                condition["ForAnyValue:StringEquals"]["kms:ResourceAliases"],
                alias
            );
        }
    }
}
