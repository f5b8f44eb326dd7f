//! A call that is answered for good: with credentials, over failures and pauses.

use std::fmt;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::http::HttpResponse;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_secretsmanager::operation::create_secret::CreateSecretOutput;
use aws_sdk_secretsmanager::operation::delete_secret::DeleteSecretOutput;
use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use aws_sdk_secretsmanager::primitives::Blob;
use sealpost_vault::error::VaultFailure;
use sealpost_vault::{Health, Patience};
use tokio::time::{Duration, Instant, timeout_at};
use zeroize::Zeroizing;

use super::{Shared, failure, senseless};
use crate::meaning::{Meaning, meaning};
use crate::policy::{CREATE, DELETE, DESCRIBE, GET};
use crate::request::Body;
use crate::session::quiet;

impl Shared {
    pub(super) async fn create_secret(
        &self,
        body: &Body,
        patience: &mut Patience,
    ) -> Result<Meaning<CreateSecretOutput>, VaultFailure> {
        let call = |client: Client| {
            let call = client.create_secret().customize().interceptor(body.clone());
            async move { call.send().await }
        };
        self.call(CREATE, patience, call).await
    }

    pub(super) async fn describe(
        &self,
        name: &str,
        patience: &mut Patience,
    ) -> Result<Meaning<DescribeSecretOutput>, VaultFailure> {
        let name = self.place.name(name);
        let call = |client: Client| client.describe_secret().secret_id(&name).send();
        self.call(DESCRIBE, patience, call).await
    }

    /// Returns the newest value.
    pub(super) async fn get(
        &self,
        name: &str,
        patience: &mut Patience,
    ) -> Result<Meaning<Zeroizing<Vec<u8>>>, VaultFailure> {
        let name = self.place.name(name);
        let call = |client: Client| client.get_secret_value().secret_id(&name).send();
        Ok(match self.call(GET, patience, call).await? {
            Meaning::Done(mut secret) => {
                let text = secret.secret_string.take().map(String::into_bytes);
                let binary = secret.secret_binary.take().map(Blob::into_inner);
                match text.or(binary) {
                    Some(value) => Meaning::Done(Zeroizing::new(value)),
                    None => Meaning::Never(senseless()),
                }
            }
            Meaning::Absent => Meaning::Absent,
            Meaning::State => Meaning::State,
            other => Meaning::Never(failure(other)),
        })
    }

    pub(super) async fn delete_secret(
        &self,
        name: &str,
        patience: &mut Patience,
    ) -> Result<Meaning<DeleteSecretOutput>, VaultFailure> {
        let name = self.place.name(name);
        let call = |client: Client| {
            let call = client.delete_secret().secret_id(&name);
            call.force_delete_without_recovery(true).send()
        };
        self.call(DELETE, patience, call).await
    }

    /// Calls until there is an answer that is neither "later" nor about the credentials. The call must be one that may be done
    /// twice.
    ///
    /// # Errors
    ///
    /// What stood in the way at the last attempt.
    async fn call<T, E, F>(
        &self,
        permission: &'static str,
        patience: &mut Patience,
        call: impl Fn(Client) -> F,
    ) -> Result<Meaning<T>, VaultFailure>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let mut refusals = 0;
        loop {
            if self.is_closed() {
                return Err(VaultFailure::unusable("the vault was closed"));
            }
            let session = self.session.client().await;
            let begun = Instant::now();
            let until = patience.deadline().min(begun + LONGEST);
            let answer = timeout_at(until, quiet(call(session.client.clone()))).await;
            let Ok(answer) = answer else {
                let waited = begun.elapsed();
                let text = format!("its endpoint has not answered for {waited:.1?}");
                let cause = match waited < LONGEST {
                    // The caller's time was over.
                    true => VaultFailure::unavailable(Late(text)),
                    false => VaultFailure::unavailable(text),
                };
                patience.pause(cause, None).await?;
                continue;
            };
            match meaning(answer, permission) {
                Meaning::Later(cause, wait) => patience.pause(cause, wait).await?,
                Meaning::Credentials(cause) => {
                    self.session.forget(&session);
                    refusals += 1;
                    if refusals > REFUSALS {
                        return Err(cause);
                    }
                }
                meaning => {
                    // It serves again, whatever was known of it.
                    self.set(Health::Ready);
                    return Ok(meaning);
                }
            }
        }
    }

    /// Notes that a call failed, if it is because of the vault's state and not of the call.
    pub(super) fn note(&self, failure: &VaultFailure) {
        match failure {
            VaultFailure::Unavailable(cause) if cause.is::<Late>() => {}
            VaultFailure::Unavailable(_)
            | VaultFailure::Unauthenticated(_)
            | VaultFailure::Throttled { .. } => self.set(Health::recovering(failure.to_string())),
            VaultFailure::WrongKind { .. }
            | VaultFailure::Denied { .. }
            | VaultFailure::Full
            | VaultFailure::Unusable(_) => {}
        }
    }

    /// A vault that was closed stays so.
    fn set(&self, now: Health) {
        let mut health = self.health.lock();
        if !matches!(*health, Health::Failed { .. }) {
            *health = now;
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        matches!(*self.health.lock(), Health::Failed { .. })
    }
}

/// The caller's time was over before the service could answer, which says nothing of the service.
#[derive(Debug)]
struct Late(String);

impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Late {}

/// After this time a service that does not answer is taken for one that never will.
const LONGEST: Duration = Duration::from_secs(10);
/// How often credentials are read again within one call.
const REFUSALS: u32 = 1;
