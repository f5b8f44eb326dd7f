//! A double of the service, which answers as its documentation says, also where moto does not: limits of names and values, names
//! that are to be deleted, deletions that take a while, reads from the past, keys, permissions.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};

#[derive(Clone)]
pub(crate) struct Double {
    address: String,
    service: Arc<Mutex<Service>>,
}

#[derive(Default)]
struct Service {
    secrets: BTreeMap<String, Secret>,
    numbers: usize,
    /// The policy of the caller. Without one everything is permitted.
    policy: Option<Value>,
    quota: Option<usize>,
    /// How long a new secret is not described.
    lag: Duration,
}

struct Secret {
    arn: String,
    /// By token, the newest last.
    versions: Vec<(String, Value)>,
    tags: Value,
    key: Option<String>,
    created: Instant,
    /// It is to be deleted, and can be restored.
    is_deleted: bool,
    /// It is being deleted, and gone then.
    gone: Option<Instant>,
    /// Another service manages it.
    is_managed: bool,
}

type Answer = Result<Value, (StatusCode, Value)>;

impl Double {
    pub(crate) async fn start() -> Self {
        let service = Arc::new(Mutex::new(Service::default()));
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&service));
        Self {
            address: super::listen(router).await,
            service,
        }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Permits from now on what this policy does, and nothing else.
    pub(crate) fn permit(&self, policy: &str) {
        self.service.lock().unwrap().policy = Some(serde_json::from_str(policy).unwrap());
    }

    /// Takes no more secrets than this.
    pub(crate) fn set_quota(&self, secrets: usize) {
        self.service.lock().unwrap().quota = Some(secrets);
    }

    /// Describes new secrets only after this time. The documentation promises what is current; a read of a value may be older.
    pub(crate) fn set_lag(&self, lag: Duration) {
        self.service.lock().unwrap().lag = lag;
    }

    pub(crate) fn manage(&self, name: &str) {
        let mut service = self.service.lock().unwrap();
        service.secrets.get_mut(name).unwrap().is_managed = true;
    }

    /// What a person does who puts other values in the place of this one: after two, the first version has no label, and is gone.
    pub(crate) fn replace(&self, name: &str, tokens: &[&str]) {
        let mut service = self.service.lock().unwrap();
        let secret = service.secrets.get_mut(name).unwrap();
        for token in tokens {
            let value = json!({"SecretString": "{\"other\":1}"});
            secret.versions.push(((*token).to_owned(), value));
        }
        let old = secret.versions.len().saturating_sub(2);
        secret.versions.drain(..old);
    }

    pub(crate) fn tags(&self, name: &str) -> Value {
        self.service.lock().unwrap().secrets[name].tags.clone()
    }

    pub(crate) fn key(&self, name: &str) -> Option<String> {
        self.service.lock().unwrap().secrets[name].key.clone()
    }
}

async fn answer(
    State(service): State<Arc<Mutex<Service>>>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    let target = headers["x-amz-target"].to_str().unwrap();
    let action = target.strip_prefix("secretsmanager.").unwrap();
    assert_eq!(headers["content-type"], "application/x-amz-json-1.1");
    let body: Value = serde_json::from_slice(&body).unwrap();
    match service.lock().unwrap().answer(action, &body) {
        Ok(value) => (StatusCode::OK, value.to_string()),
        Err((status, value)) => (status, value.to_string()),
    }
}

impl Service {
    fn answer(&mut self, action: &str, body: &Value) -> Answer {
        let now = Instant::now();
        self.secrets
            .retain(|_, secret| secret.gone.is_none_or(|gone| gone > now));
        let name = body["SecretId"].as_str().or(body["Name"].as_str()).unwrap();
        self.authorize(action, name)?;
        if action == "CreateSecret" {
            if body["Tags"].as_array().is_some_and(|tags| !tags.is_empty()) {
                self.authorize("TagResource", name)?;
            }
            return self.create(name, body);
        }
        let force = body["ForceDeleteWithoutRecovery"] == true;
        // What is new is not seen at once.
        let lag = match action {
            "GetSecretValue" => LAG,
            _ => self.lag,
        };
        let is_seen = |secret: &Secret| secret.created.elapsed() >= lag;
        let Some(secret) = self.secrets.get_mut(name).filter(|s| is_seen(s)) else {
            return match action == "DeleteSecret" && force {
                true => Ok(json!({"Name": name})),
                false => Err(error(
                    "ResourceNotFoundException",
                    "Secrets Manager can't find the specified secret.",
                )),
            };
        };
        match action {
            "DescribeSecret" => Ok(secret.described(name)),
            "GetSecretValue" => secret.value(name, &body["VersionId"]),
            "DeleteSecret" if force => {
                secret.gone = Some(now + DELETION);
                Ok(json!({"ARN": secret.arn, "Name": name, "DeletionDate": 1}))
            }
            "DeleteSecret" => {
                let days = body["RecoveryWindowInDays"].as_u64().unwrap_or(30);
                assert!((7..=30).contains(&days));
                secret.is_deleted = true;
                Ok(json!({"ARN": secret.arn, "Name": name, "DeletionDate": 1}))
            }
            other => panic!("{other}"),
        }
    }

    /// As IAM does, of what a policy of this vault says.
    fn authorize(&self, action: &str, name: &str) -> Result<(), (StatusCode, Value)> {
        let Some(policy) = &self.policy else {
            return Ok(());
        };
        let action = format!("secretsmanager:{action}");
        let arn = format!("arn:aws:secretsmanager:eu-central-1:123456789012:secret:{name}-AbCdEf");
        let permits = |statement: &Value| {
            let resource = statement["Resource"].as_str().unwrap();
            let start = resource
                .strip_suffix('*')
                .unwrap()
                .replace(":*:", ":123456789012:");
            statement["Action"]
                .as_array()
                .unwrap()
                .contains(&json!(action))
                && arn.starts_with(&start)
        };
        match policy["Statement"].as_array().unwrap().iter().any(permits) {
            true => Ok(()),
            // With a capital letter here, unlike other errors.
            false => Err((
                StatusCode::BAD_REQUEST,
                json!({
                    "__type": "AccessDeniedException",
                    "Message": format!("User: arn:aws:iam::123456789012:user/agent is not authorized to perform: {action} on resource: {name} because no identity-based policy allows the {action} action"),
                }),
            )),
        }
    }

    fn create(&mut self, name: &str, body: &Value) -> Answer {
        let token = body["ClientRequestToken"].as_str().unwrap();
        let is_name = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c);
        if !(1..=512).contains(&name.len()) || !name.chars().all(is_name) {
            return Err(error("ValidationException", "Invalid name."));
        }
        if !(32..=64).contains(&token.len()) {
            return Err(error(
                "InvalidParameterException",
                "ClientRequestToken must be 32-64 characters long.",
            ));
        }
        let mut value = Map::new();
        for member in ["SecretString", "SecretBinary"] {
            if let Some(text) = body[member].as_str() {
                let len = match member {
                    "SecretString" => text.len(),
                    _ => text.len() / 4 * 3 - text.bytes().filter(|byte| *byte == b'=').count(),
                };
                if !(1..=65_536).contains(&len) {
                    return Err(error(
                        "ValidationException",
                        "Member must have length less than or equal to 65536",
                    ));
                }
                value.insert(member.to_owned(), body[member].clone());
            }
        }
        assert_eq!(value.len(), 1, "one of the two");
        match body["KmsKeyId"].as_str() {
            Some("alias/foreign") => {
                return Err(error(
                    "AccessDeniedException",
                    "Access to KMS is not allowed",
                ));
            }
            Some("alias/disabled") => return Err(error("EncryptionFailure", "")),
            _ => {}
        }
        if let Some(secret) = self.secrets.get(name) {
            if secret.is_deleted || secret.gone.is_some() {
                return Err(error(
                    "InvalidRequestException",
                    "You can't create this secret because a secret with this name is already scheduled for deletion.",
                ));
            }
            let known = secret.versions.iter().find(|(known, _)| known == token);
            return match known {
                Some((_, stored)) if *stored == Value::Object(value) => {
                    Ok(json!({"ARN": secret.arn, "Name": name, "VersionId": token}))
                }
                _ => Err(error(
                    "ResourceExistsException",
                    &format!("The operation failed because the secret {name} already exists."),
                )),
            };
        }
        if self.quota.is_some_and(|quota| self.secrets.len() >= quota) {
            return Err(error(
                "LimitExceededException",
                "You have reached your quota",
            ));
        }
        self.numbers += 1;
        let arn = format!(
            "arn:aws:secretsmanager:eu-central-1:123456789012:secret:{name}-{:06}",
            self.numbers
        );
        let secret = Secret {
            arn: arn.clone(),
            versions: vec![(token.to_owned(), Value::Object(value))],
            tags: body["Tags"].clone(),
            key: body["KmsKeyId"].as_str().map(str::to_owned),
            created: Instant::now(),
            is_deleted: false,
            gone: None,
            is_managed: false,
        };
        self.secrets.insert(name.to_owned(), secret);
        Ok(json!({"ARN": arn, "Name": name, "VersionId": token}))
    }
}

impl Secret {
    fn described(&self, name: &str) -> Value {
        let stages = ["AWSCURRENT", "AWSPREVIOUS"];
        let versions: Map<_, _> = self
            .versions
            .iter()
            .rev()
            .zip(stages)
            .map(|((token, _), stage)| (token.clone(), json!([stage])))
            .collect();
        let mut described = json!({"ARN": self.arn, "Name": name, "VersionIdsToStages": versions, "Tags": self.tags});
        if self.is_deleted || self.gone.is_some() {
            described["DeletedDate"] = json!(1_764_500_000.5);
        }
        described
    }

    fn value(&self, name: &str, version: &Value) -> Answer {
        if self.is_deleted || self.gone.is_some() {
            return Err(error(
                "InvalidRequestException",
                "You can't perform this operation on the secret because it was marked for deletion.",
            ));
        }
        if self.is_managed {
            return Err(error(
                "InvalidRequestException",
                "The secret is managed by another service.",
            ));
        }
        let found = match version.as_str() {
            Some(version) => self.versions.iter().find(|(token, _)| token == version),
            None => self.versions.last(),
        };
        let Some((token, value)) = found else {
            return Err(error(
                "ResourceNotFoundException",
                "Secrets Manager can't find the specified secret version.",
            ));
        };
        let mut answer = json!({"ARN": self.arn, "Name": name, "VersionId": token});
        for (member, text) in value.as_object().unwrap() {
            answer[member] = text.clone();
        }
        Ok(answer)
    }
}

/// The actions of the service that no policy of this vault may permit.
pub(crate) fn others() -> HashSet<&'static str> {
    [
        "BatchGetSecretValue",
        "CancelRotateSecret",
        "DeleteResourcePolicy",
        "GetResourcePolicy",
        "ListSecretVersionIds",
        "ListSecrets",
        "PutResourcePolicy",
        "PutSecretValue",
        "RemoveRegionsFromReplication",
        "ReplicateSecretToRegions",
        "RestoreSecret",
        "RotateSecret",
        "StopReplicationToReplica",
        "UntagResource",
        "UpdateSecret",
        "UpdateSecretVersionStage",
    ]
    .into()
}

fn error(kind: &str, message: &str) -> (StatusCode, Value) {
    (
        StatusCode::BAD_REQUEST,
        json!({"__type": kind, "message": message}),
    )
}

const LAG: Duration = Duration::from_millis(30);
const DELETION: Duration = Duration::from_millis(60);
