//! A double, vaults on it, and its faults.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use sealpost_vault::conformance::Faults;
use sealpost_vault::error::VaultFailure;
use sealpost_vault::{Access, Vault, VaultSecretName};
use sealpost_vault_azure::{AzureBuilder, AzureVault};
use sealpost_vault_http::TokenSource;
use zeroize::Zeroizing;

use crate::double::Double;

#[derive(Clone)]
pub(crate) struct Rig {
    pub(crate) double: Double,
    issued: Arc<AtomicUsize>,
}

/// Issues tokens that the double accepts, or ones that it does not know.
struct Issuer {
    rig: Rig,
    now: Mutex<Option<String>>,
    is_known: bool,
}

impl Rig {
    pub(crate) async fn new() -> Self {
        Self {
            double: Double::start().await,
            issued: Arc::default(),
        }
    }

    pub(crate) fn builder(&self) -> AzureBuilder {
        self.with_tokens(true)
    }

    pub(crate) async fn vault(&self) -> AzureVault {
        self.builder().open().await.unwrap()
    }

    fn with_tokens(&self, is_known: bool) -> AzureBuilder {
        let issuer = Issuer {
            rig: self.clone(),
            now: Mutex::default(),
            is_known,
        };
        AzureVault::builder(self.double.address.as_str())
            .resource("https://vault.azure.net")
            .token_source(Arc::new(issuer))
            .settle(SETTLE)
            .access(Access::Delete)
    }
}

#[async_trait]
impl TokenSource for Issuer {
    async fn token(&self, fresh: bool) -> Result<Zeroizing<String>, VaultFailure> {
        let mut now = self.now.lock().unwrap();
        if fresh || now.is_none() {
            let number = self.rig.issued.fetch_add(1, Ordering::SeqCst);
            let token = format!("eyJ.canary-{number}");
            if self.is_known {
                self.rig.double.vault().tokens.insert(token.clone());
            }
            *now = Some(token);
        }
        Ok(Zeroizing::new(now.clone().unwrap()))
    }
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Issuer")
    }
}

#[async_trait]
impl Faults for Rig {
    async fn again(&self) -> Arc<dyn Vault> {
        Arc::new(self.vault().await)
    }

    async fn lose_answers(&self, count: usize) -> bool {
        self.double.vault().lose = count;
        true
    }

    async fn throttle(&self, count: usize) -> bool {
        self.double.vault().throttle = count;
        true
    }

    async fn be_away(&self, count: usize) -> bool {
        self.double.vault().away = count;
        true
    }

    async fn expire_credentials(&self) -> bool {
        self.double.vault().tokens.clear();
        true
    }

    async fn with_wrong_credentials(&self) -> Option<Result<Arc<dyn Vault>, VaultFailure>> {
        let wrong = self.with_tokens(false).open().await;
        Some(wrong.map(|vault| Arc::new(vault) as Arc<dyn Vault>))
    }

    async fn delete_as_a_person(&self, name: &VaultSecretName) -> bool {
        self.double.vault().delete(name.as_str()).0 == 200
    }
}

/// More than two units of the double's time stamps.
const SETTLE: Duration = Duration::from_millis(50);
