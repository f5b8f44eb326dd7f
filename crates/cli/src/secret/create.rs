//! `sealpost secret create`: stores one secret and prints its reference.

use clap::Args;
use sealpost_client::{ClientError, IdempotencyKey, NewSecret, ProblemType};
use serde_json::json;

use super::endpoint::EndpointArgs;
use super::failure::failure;
use crate::error::Failure;
use crate::io::{self, Input};

/// Arguments of `sealpost secret create`.
#[derive(Args, Debug)]
pub(crate) struct Create {
    #[command(flatten)]
    endpoint: EndpointArgs,
    /// The secret's name
    #[arg(long)]
    name: String,
    /// The top-level property of the value that the reference points to [default: the whole object]
    #[arg(long)]
    key: Option<String>,
    /// The secret's type, such as PASSWORD
    #[arg(long = "type", value_name = "TYPE")]
    secret_type: Option<String>,
    /// Recognise the call by this key if it is repeated: the same for the same secret, and for nothing else [default:
    /// one at random]
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// The value, a JSON object
    #[command(flatten)]
    input: Input,
}

impl Create {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let is_own = self.idempotency_key.is_some();
        let key = match self.idempotency_key {
            Some(key) => IdempotencyKey::new(key),
            None => IdempotencyKey::random(),
        };
        let key = key.map_err(failure)?;
        let endpoint = self.endpoint.open()?;
        let value = self.input.read_text(MAX_READ)?;
        let endpoint = endpoint.prepared().await?;
        let mut secret = NewSecret::new(self.name, value).with_idempotency_key(key.clone());
        if let Some(key) = self.key {
            secret = secret.with_key(key);
        }
        if let Some(secret_type) = self.secret_type {
            secret = secret.with_type(secret_type);
        }
        let created = endpoint.create(None, &secret).await.map_err(|error| {
            let hint = after(&error, endpoint.seals(), is_own, &key);
            let failure = failure(error);
            match hint {
                Some(hint) => failure.hint(hint),
                None => failure,
            }
        })?;
        let report = match self.json {
            true => json!({
                "resolver_ref": created.resolver_ref,
                "vaultSecretName": created.vault_secret_name,
                "requestId": created.request_id,
            })
            .to_string(),
            false => created.resolver_ref,
        };
        io::write_stdout(format!("{report}\n").as_bytes())
    }
}

/// What to do after a call that failed, beyond what its error says. `seals`: the value was sealed here. `is_own`: the user
/// chose the idempotency key.
fn after(error: &ClientError, seals: bool, is_own: bool, key: &IdempotencyKey) -> Option<String> {
    let reused = matches!(error, ClientError::Problem(problem)
        if problem.kind == Some(ProblemType::IdempotencyKeyReused));
    match (error.may_have_been_created(), seals) {
        (true, false) => Some(format!(
            "find out with the same command and --idempotency-key {key}: it creates the secret only if it is not there yet"
        )),
        // Sealed anew the value has other bytes: with the same key it would be refused as another request.
        (true, true) => Some(format!(
            "find out with the same command{}: it creates the secret only if there is none of that name; {TAKEN}",
            if is_own {
                " and another --idempotency-key, or none"
            } else {
                ""
            }
        )),
        (false, true) if reused => Some(format!(
            "sealing again gives other bytes, so that with --seal-at-source a key recognises no later command: leave \
             --idempotency-key out; {TAKEN}"
        )),
        (false, _) => None,
    }
}

const TAKEN: &str =
    "a 409 (secret-exists) says that one is there: resolve it to see whether it has this value";
/// More than the gateway accepts, so that the refusal with the limit is its own.
const MAX_READ: usize = 1 << 20;
