//! The suite that every implementation of [`Vault`] must pass.
//!
//! ```
//! use std::sync::Arc;
//! use sealpost_vault::{Vault, conformance};
//!
//! # async fn example<V: Vault + 'static>(vault: V) {
//! let report = conformance::run(Arc::new(vault), "kit1").await;
//! println!("{report}");
//! report.assert_passed();
//! # }
//! ```
//!
//! What is tested follows from the vault's [`Guarantees`](crate::guarantees::Guarantees) and from whether it has a
//! [`Lifecycle`](crate::Lifecycle). A case that does not apply is reported as skipped, with the reason.
//!
//! # What it leaves behind
//!
//! All names start with the prefix, which must be new in the vault. With a lifecycle, each case deletes what it
//! stored if it passes. Without one, everything stays: about 250 secrets, of which nine are as long as the vault
//! takes. A run makes about 1,000 requests.
//!
//! # What it does not test
//!
//! How fast a vault is. What needs a server that fails – lost answers, crashes, throttling, expired credentials, what a person
//! deleted – is tested by [`run_with_faults`], with [`Faults`] that the vault's own tests bring along.

mod concurrency;
mod contract;
mod failing;
mod faults;
mod interruption;
mod life;
mod names;
mod recorder;
mod stage;
mod values;

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use sealpost_vault_key::VaultSecretName;

use tokio::time::{Duration, Instant};

use crate::deadline::Deadline;
use crate::vault::Vault;
pub use faults::Faults;
use recorder::Recorder;
use stage::{Stage, Stop};

/// Runs all cases, one after the other, and closes the vault at the end.
///
/// `prefix` is of `[a-z0-9]`, starts with a letter, and has at most 16 characters.
pub async fn run(vault: Arc<dyn Vault>, prefix: &str) -> Report {
    run_all(vault, None, prefix).await
}

/// As [`run`], with the cases for which the server has to fail. Without them, these are skipped.
pub async fn run_with_faults(
    vault: Arc<dyn Vault>,
    faults: Arc<dyn Faults>,
    prefix: &str,
) -> Report {
    run_all(vault, Some(faults), prefix).await
}

async fn run_all(vault: Arc<dyn Vault>, faults: Option<Arc<dyn Faults>>, prefix: &str) -> Report {
    let soon = Deadline::at(Instant::now() + PERMISSIONS);
    let missing = vault.missing_permissions(soon).await;
    let recorder = Arc::new(Recorder::new(vault));
    recorder.lack(missing);
    let stage = Stage::new(Arc::clone(&recorder) as Arc<dyn Vault>, faults, prefix);
    let mut results = Vec::with_capacity(CASES.len());
    for case in CASES {
        let verdict = match (case.run)(&stage).await {
            Ok(()) => Verdict::Passed,
            Err(Stop::Skipped(reason)) => Verdict::Skipped(reason),
            Err(Stop::Failed(finding)) => Verdict::Failed(finding),
        };
        results.push((case.name, verdict));
    }
    let seen = recorder.seen();
    Report {
        results,
        left: seen.left.into_values().collect(),
        missing: seen.missing.into_iter().collect(),
    }
}

/// The time to try permissions.
const PERMISSIONS: Duration = Duration::from_secs(20);

/// The names of all cases, in the order in which they run.
pub fn cases() -> impl Iterator<Item = &'static str> {
    CASES.iter().map(|case| case.name)
}

/// What came out of each case. It prints one line for each and a count.
#[derive(Clone, Debug)]
pub struct Report {
    results: Vec<(&'static str, Verdict)>,
    left: Vec<VaultSecretName>,
    missing: Vec<String>,
}

/// What came out of one case.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// The vault does what it must.
    Passed,
    /// It does not. The text says what was found, and holds no value.
    Failed(String),
    /// The case does not apply, for this reason.
    Skipped(&'static str),
}

impl Report {
    /// Returns each case with its verdict.
    pub fn results(&self) -> impl Iterator<Item = (&'static str, &Verdict)> {
        self.results.iter().map(|(name, verdict)| (*name, verdict))
    }

    /// Returns the names of the cases that failed.
    pub fn failed(&self) -> impl Iterator<Item = &'static str> {
        self.results()
            .filter(|(_, verdict)| matches!(verdict, Verdict::Failed(_)))
            .map(|(name, _)| name)
    }

    /// Returns the names of the secrets that may still be there.
    #[must_use]
    pub fn left(&self) -> &[VaultSecretName] {
        &self.left
    }

    /// Returns the permissions that the vault's credentials lack, in the vault's own words.
    #[must_use]
    pub fn missing_permissions(&self) -> &[String] {
        &self.missing
    }

    /// Ends a test.
    ///
    /// # Panics
    ///
    /// If a case failed, with the report.
    pub fn assert_passed(&self) {
        assert!(self.failed().next().is_none(), "{self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut passed, mut failed, mut skipped) = (0, 0, 0);
        for (name, verdict) in self.results() {
            match verdict {
                Verdict::Passed => {
                    passed += 1;
                    writeln!(f, "passed   {name}")?;
                }
                Verdict::Failed(finding) => {
                    failed += 1;
                    writeln!(f, "FAILED   {name}: {finding}")?;
                }
                Verdict::Skipped(reason) => {
                    skipped += 1;
                    writeln!(f, "skipped  {name}: {reason}")?;
                }
            }
        }
        write!(f, "{passed} passed, {failed} failed, {skipped} skipped")
    }
}

struct Case {
    name: &'static str,
    run: for<'s> fn(&'s Stage) -> Running<'s>,
}

type Running<'s> = Pin<Box<dyn Future<Output = Result<(), Stop>> + Send + 's>>;

macro_rules! cases {
    ($($module:ident::$name:ident),* $(,)?) => {
        &[$(Case {
            name: stringify!($name),
            run: |stage| Box::pin($module::$name(stage)),
        }),*]
    };
}

const CASES: &[Case] = cases![
    contract::what_is_created_can_be_fetched,
    contract::nothing_is_overwritten,
    contract::a_retry_is_recognised,
    contract::a_retry_gets_the_same_receipt,
    contract::names_of_other_kinds_are_refused,
    contract::nothing_shows_a_value,
    values::every_byte_up_to_the_limit_is_kept,
    values::json_is_kept_byte_for_byte,
    values::long_strings_are_kept_byte_for_byte,
    values::many_members_are_kept_or_refused,
    names::every_valid_name_is_taken,
    names::similar_names_are_kept_apart,
    concurrency::one_of_many_creators_wins,
    concurrency::one_operation_is_answered_alike_however_often_it_comes,
    concurrency::a_dropped_call_leaves_the_vault_in_order,
    concurrency::a_deadline_that_has_passed_ends_the_call,
    life::what_is_deleted_is_gone,
    life::the_name_of_a_deleted_secret_is_as_declared,
    failing::a_lost_answer_is_no_conflict,
    failing::a_lost_answer_is_recognised_after_a_restart,
    failing::a_crash_at_any_point_is_made_good,
    failing::throttling_is_waited_for,
    failing::a_server_that_is_away_is_waited_for,
    failing::credentials_that_expire_are_got_again,
    failing::wrong_credentials_are_told_as_such,
    failing::what_a_person_deleted_is_told_apart,
    // It closes the vault.
    life::closing_loses_nothing,
];
