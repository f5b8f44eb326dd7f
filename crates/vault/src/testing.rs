//! The suite that every implementation of [`Vault`] must pass.
//!
//! Each function panics with what went wrong, as a test does. They work on names that start with
//! a prefix, which must be new in the vault, and delete what they made where all goes well.
#![allow(clippy::missing_panics_doc)]

use std::sync::Arc;

use tokio::task::JoinSet;

use crate::error::{CreateError, DeleteError, FetchError, VaultFailure};
use crate::operation::OperationId;
use crate::vault::Vault;
use sealpost_vault_key::{VaultKind, VaultSecretName};

/// Runs the whole suite. `prefix` is of `[a-z0-9]` and has 16 characters at most.
pub async fn conformance(vault: Arc<dyn Vault>, prefix: &str) {
    let suite = Suite {
        vault,
        prefix: prefix.to_owned(),
    };
    suite.creates_fetches_and_deletes().await;
    suite.never_overwrites().await;
    suite.recognises_its_own_retry().await;
    suite.lets_one_of_many_creators_win().await;
    suite
        .answers_one_operation_alike_however_often_it_comes()
        .await;
    suite.keeps_every_byte_up_to_the_limit().await;
    suite.takes_every_valid_name().await;
    suite.keeps_similar_names_apart().await;
    suite.refuses_names_of_other_vaults().await;
}

/// The tests one by one, for vaults that cannot pass all of them.
#[derive(Debug)]
pub struct Suite {
    /// The vault to be tested.
    pub vault: Arc<dyn Vault>,
    /// What the names of secrets start with.
    pub prefix: String,
}

impl Suite {
    /// A secret is there when it was created and gone when it was deleted.
    pub async fn creates_fetches_and_deletes(&self) {
        let name = self.name("basic");
        assert!(matches!(
            self.vault.fetch(&name).await,
            Err(FetchError::NotFound)
        ));
        assert!(matches!(
            self.vault.delete(&name).await,
            Err(DeleteError::NotFound)
        ));
        self.create(&name, b"{}", 1)
            .await
            .expect("the name is free");
        assert_eq!(self.fetch(&name).await, b"{}");
        assert_eq!(self.fetch(&name).await, b"{}", "fetching changes nothing");
        self.delete(&name).await;
        assert!(matches!(
            self.vault.fetch(&name).await,
            Err(FetchError::NotFound)
        ));
        assert!(matches!(
            self.vault.delete(&name).await,
            Err(DeleteError::NotFound)
        ));
    }

    /// Another operation gets `Exists`, with another value and with the same.
    pub async fn never_overwrites(&self) {
        let name = self.name("taken");
        self.create(&name, b"first", 1).await.expect("free");
        assert_exists(self.create(&name, b"second", 2).await);
        assert_exists(self.create(&name, b"first", 3).await);
        assert_eq!(self.fetch(&name).await, b"first");
        self.delete(&name).await;
    }

    /// The same operation with the same value gets `Ok` again, with another value `Exists`.
    pub async fn recognises_its_own_retry(&self) {
        let name = self.name("retry");
        for _ in 0..3 {
            self.create(&name, b"value", 1).await.expect("its own");
        }
        assert_exists(self.create(&name, b"other", 1).await);
        assert_exists(self.create(&name, b"valu", 1).await);
        assert_exists(self.create(&name, b"", 1).await);
        assert_eq!(self.fetch(&name).await, b"value");

        // An operation is known under its name alone.
        let second = self.name("retry-2");
        self.create(&second, b"other", 1).await.expect("free");
        assert_eq!(self.fetch(&name).await, b"value");
        self.delete(&name).await;
        self.delete(&second).await;
    }

    /// Of 64 creators of one name at the same time exactly one wins, and its value is kept.
    pub async fn lets_one_of_many_creators_win(&self) {
        let name = self.name("race");
        let mut creators = JoinSet::new();
        for creator in 0..64_u8 {
            let (vault, name) = (Arc::clone(&self.vault), name.clone());
            creators.spawn(async move {
                let operation = OperationId::from_bytes([creator; 32]);
                (creator, vault.create(&name, &[creator], &operation).await)
            });
        }
        let mut winner = None;
        while let Some(joined) = creators.join_next().await {
            let (creator, outcome) = joined.expect("no creator panics");
            match outcome {
                Ok(()) => assert_eq!(winner.replace(creator), None, "two creators won"),
                outcome => assert_exists(outcome),
            }
        }
        let winner = winner.expect("one creator wins");
        assert_eq!(self.fetch(&name).await, [winner]);
        self.delete(&name).await;
    }

    /// Retries that overtake each other are all told that the secret is stored.
    pub async fn answers_one_operation_alike_however_often_it_comes(&self) {
        let name = self.name("echo");
        let mut retries = JoinSet::new();
        for _ in 0..16 {
            let (vault, name) = (Arc::clone(&self.vault), name.clone());
            retries.spawn(async move {
                let operation = OperationId::from_bytes([1; 32]);
                vault.create(&name, b"value", &operation).await
            });
        }
        while let Some(joined) = retries.join_next().await {
            joined.expect("no retry panics").expect("its own");
        }
        assert_eq!(self.fetch(&name).await, b"value");
        self.delete(&name).await;
    }

    /// Values of 0 and 1 bytes, of all bytes, and up to the limit are kept; one byte more is refused.
    pub async fn keeps_every_byte_up_to_the_limit(&self) {
        let max = self.vault.limits().max_value;
        let pattern: Vec<u8> = (0..=u8::MAX).cycle().take(max + 1).collect();
        for len in [0, 1, 256, max - 1, max] {
            let name = self.name("size");
            self.create(&name, &pattern[..len], 1)
                .await
                .unwrap_or_else(|error| panic!("{len} bytes: {error}"));
            assert!(self.fetch(&name).await == pattern[..len], "{len} bytes");
            self.delete(&name).await;
        }
        let name = self.name("too-long");
        match self.create(&name, &pattern, 1).await {
            Err(CreateError::ValueTooLong { len, max: told }) => {
                assert_eq!((len, told), (max + 1, max));
            }
            outcome => panic!("one byte over the limit: {outcome:?}"),
        }
        assert!(matches!(
            self.vault.fetch(&name).await,
            Err(FetchError::NotFound)
        ));
    }

    /// Names as they pass, as they are rewritten, of projects, with every character, of full length.
    pub async fn takes_every_valid_name(&self) {
        let kind = self.vault.kind();
        let max = self.vault.limits().max_name;
        let mut names = vec![
            VaultSecretName::derive(kind, None, &format!("{}/a b/ü", self.prefix)),
            VaultSecretName::derive(kind, Some(&[0xab; 16]), &format!("{}-a", self.prefix)),
            VaultSecretName::derive(kind, Some(&[0xab; 16]), &format!("{} ü", self.prefix)),
            VaultSecretName::derive(kind, None, &format!("{}{}", self.prefix, "ü".repeat(999))),
            self.valid(&format!(
                "{}{}",
                self.prefix,
                "a".repeat(max - self.prefix.len())
            )),
        ];
        for byte in 0..=0x7f_u8 {
            let candidate = format!("{}-{}-", self.prefix, char::from(byte));
            if let Ok(name) = VaultSecretName::parse(kind, &candidate) {
                // Azure takes upper case, and ignores it.
                if kind != VaultKind::AZURE || !byte.is_ascii_uppercase() {
                    names.push(name);
                }
            }
        }
        for (index, name) in names.iter().enumerate() {
            let value = index.to_be_bytes();
            self.create(name, &value, 1)
                .await
                .unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        for (index, name) in names.iter().enumerate() {
            assert_eq!(self.fetch(name).await, index.to_be_bytes(), "{name}");
            self.delete(name).await;
        }
    }

    /// Names that differ by case, by a segment or by an ending are different secrets.
    pub async fn keeps_similar_names_apart(&self) {
        let kind = self.vault.kind();
        let names = [
            "Foo", "foo", "fo", "foo-", "foo/a", "foo/a/b", "foo_a", "foo.a",
        ]
        .map(|name| format!("{}-{name}", self.prefix))
        .map(|name| VaultSecretName::derive(kind, None, &name));
        for (operation, name) in (0..).zip(&names) {
            self.create(name, name.as_str().as_bytes(), operation)
                .await
                .unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        for name in &names {
            assert_eq!(self.fetch(name).await, name.as_str().as_bytes());
        }
        self.delete(&names[1]).await;
        for (index, name) in names.iter().enumerate() {
            if index != 1 {
                assert_eq!(self.fetch(name).await, name.as_str().as_bytes());
                self.delete(name).await;
            }
        }
    }

    /// A name that was derived for another kind of vault is refused.
    pub async fn refuses_names_of_other_vaults(&self) {
        for kind in VaultKind::KNOWN {
            if kind == self.vault.kind() {
                continue;
            }
            let name = VaultSecretName::derive(kind, None, &format!("{}-kind", self.prefix));
            assert!(matches!(
                self.create(&name, b"", 1).await,
                Err(CreateError::Failed(VaultFailure::WrongKind { .. }))
            ));
            assert!(matches!(
                self.vault.fetch(&name).await,
                Err(FetchError::Failed(VaultFailure::WrongKind { .. }))
            ));
            assert!(matches!(
                self.vault.delete(&name).await,
                Err(DeleteError::Failed(VaultFailure::WrongKind { .. }))
            ));
        }
    }

    fn name(&self, name: &str) -> VaultSecretName {
        self.valid(&format!("{}-{name}", self.prefix))
    }

    fn valid(&self, name: &str) -> VaultSecretName {
        VaultSecretName::parse(self.vault.kind(), name).expect("valid in every vault")
    }

    async fn create(
        &self,
        name: &VaultSecretName,
        value: &[u8],
        operation: u8,
    ) -> Result<(), CreateError> {
        let operation = OperationId::from_bytes([operation; 32]);
        self.vault.create(name, value, &operation).await
    }

    async fn fetch(&self, name: &VaultSecretName) -> Vec<u8> {
        match self.vault.fetch(name).await {
            Ok(value) => value.to_vec(),
            Err(error) => panic!("{name}: {error}"),
        }
    }

    async fn delete(&self, name: &VaultSecretName) {
        if let Err(error) = self.vault.delete(name).await {
            panic!("{name}: {error}");
        }
    }
}

fn assert_exists(outcome: Result<(), CreateError>) {
    assert!(matches!(outcome, Err(CreateError::Exists)), "{outcome:?}");
}
