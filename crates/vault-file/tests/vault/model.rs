//! Any sequence of calls, with the vault closed and opened in between, gives what a map would give.

use std::collections::BTreeMap;

use proptest::prelude::*;
use sealpost_vault::{
    Deadline, Lifecycle, NewSecret, OperationId, Vault, VaultKind, VaultSecretName,
    error::{CreateError, DeleteError, FetchError},
};
use sealpost_vault_file::FileVault;

#[derive(Clone, Debug)]
enum Step {
    Create { name: u8, value: u8, operation: u8 },
    Fetch { name: u8 },
    Delete { name: u8 },
    Reopen,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn it_behaves_like_a_map(steps in prop::collection::vec(step(), 1..40)) {
        tokio::runtime::Runtime::new().unwrap().block_on(run(steps))?;
    }
}

async fn run(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let dir = tempfile::tempdir().unwrap();
    let mut vault = FileVault::open(dir.path()).unwrap();
    let mut model = BTreeMap::new();
    for step in steps {
        match step {
            Step::Create {
                name,
                value,
                operation,
            } => {
                let id = OperationId::from_bytes([operation; 32]);
                let created = vault
                    .create(
                        &NewSecret::new(&name_of(name), &value_of(value), &id),
                        Deadline::NONE,
                    )
                    .await;
                let stored = model.entry(name).or_insert((value, operation));
                match created {
                    Ok(_) => prop_assert_eq!(*stored, (value, operation)),
                    Err(CreateError::Exists) => prop_assert_ne!(*stored, (value, operation)),
                    Err(error) => return Err(TestCaseError::fail(error.to_string())),
                }
            }
            Step::Fetch { name } => match vault.fetch(&name_of(name), Deadline::NONE).await {
                Ok(value) => {
                    let stored = model.get(&name).map(|(value, _)| value_of(*value));
                    prop_assert_eq!(Some(value.to_vec()), stored);
                }
                Err(FetchError::NotFound) => prop_assert!(!model.contains_key(&name)),
                Err(error) => return Err(TestCaseError::fail(error.to_string())),
            },
            Step::Delete { name } => match vault.delete(&name_of(name), Deadline::NONE).await {
                Ok(()) => prop_assert!(model.remove(&name).is_some()),
                Err(DeleteError::NotFound) => prop_assert!(!model.contains_key(&name)),
                Err(error) => return Err(TestCaseError::fail(error.to_string())),
            },
            Step::Reopen => {
                drop(vault);
                vault = FileVault::open(dir.path()).unwrap();
            }
        }
    }
    Ok(())
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..3_u8, 0..2_u8, 0..2_u8)
            .prop_map(|(name, value, operation)| Step::Create { name, value, operation }),
        3 => (0..3_u8).prop_map(|name| Step::Fetch { name }),
        2 => (0..3_u8).prop_map(|name| Step::Delete { name }),
        1 => Just(Step::Reopen),
    ]
}

fn name_of(name: u8) -> VaultSecretName {
    VaultSecretName::derive(VaultKind::EMBEDDED, None, &format!("n{name}"))
}

fn value_of(value: u8) -> Vec<u8> {
    vec![value; 3000 * usize::from(value)]
}
