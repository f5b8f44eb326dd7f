//! The suite itself: a vault with the weakest promises passes, and each case finds a vault that breaks it.
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

mod broken;
mod memory;
mod remote;

use std::sync::Arc;

use broken::{Broken, Defect};
use memory::Memory;
use remote::{Flaw, Remote};
use sealpost_vault::{
    conformance::{self, Verdict},
    guarantees::DeletedNames,
};

#[tokio::test(start_paused = true)]
async fn a_vault_that_checks_and_verifies_passes() {
    for deleted_names in [DeletedNames::Free, DeletedNames::Held] {
        let report = conformance::run(Arc::new(Memory::new(deleted_names)), "memory").await;
        report.assert_passed();
        assert!(
            report
                .to_string()
                .ends_with("\n19 passed, 0 failed, 8 skipped"),
            "{report}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_adapter_that_waits_for_its_server_passes() {
    let remote = Remote::new(None);
    let faults = remote.faults();
    let report = conformance::run_with_faults(Arc::new(remote), faults, "remote").await;
    report.assert_passed();
    assert!(
        report
            .to_string()
            .ends_with("\n27 passed, 0 failed, 0 skipped"),
        "{report}"
    );
    let left: Vec<_> = report
        .left()
        .iter()
        .map(sealpost_vault::VaultSecretName::as_str)
        .collect();
    assert!(left.contains(&"remote-closed"), "{left:?}");
    assert!(report.missing_permissions().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_a_vault_does_not_have_is_skipped() {
    let mut vault = Memory::new(DeletedNames::Free);
    vault.deletes = false;
    let report = conformance::run(Arc::new(vault), "memory").await;
    report.assert_passed();
    let skipped: Vec<_> = report
        .results()
        .filter(|(_, verdict)| *verdict == &Verdict::Skipped("the vault deletes nothing"))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(
        skipped,
        [
            "what_is_deleted_is_gone",
            "the_name_of_a_deleted_secret_is_as_declared"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn each_case_finds_a_vault_that_breaks_it() {
    let mut found = Vec::new();
    for (defect, case) in [
        (Defect::Forgets, "what_is_created_can_be_fetched"),
        (Defect::Overwrites, "nothing_is_overwritten"),
        (Defect::ForgetsOperations, "a_retry_is_recognised"),
        (Defect::NewReceiptEachTime, "a_retry_gets_the_same_receipt"),
        (Defect::TakesOtherKinds, "names_of_other_kinds_are_refused"),
        (Defect::ShowsValues, "nothing_shows_a_value"),
        (Defect::Truncates, "every_byte_up_to_the_limit_is_kept"),
        (Defect::KnowsNoLimit, "every_byte_up_to_the_limit_is_kept"),
        (Defect::RemovesBlanks, "json_is_kept_byte_for_byte"),
        (
            Defect::HasNoRoomForEscapes,
            "long_strings_are_kept_byte_for_byte",
        ),
        (
            Defect::CallsTooManyMembersExists,
            "many_members_are_kept_or_refused",
        ),
        (Defect::RefusesLongNames, "every_valid_name_is_taken"),
        (Defect::FoldsCase, "similar_names_are_kept_apart"),
        (Defect::LetsTwoWin, "one_of_many_creators_wins"),
        (Defect::ShowsLosers, "one_of_many_creators_wins"),
        (
            Defect::RefusesOwnRetryUnderWay,
            "one_operation_is_answered_alike_however_often_it_comes",
        ),
        (
            Defect::KeepsReservations,
            "a_dropped_call_leaves_the_vault_in_order",
        ),
        (
            Defect::IgnoresDeadlines,
            "a_deadline_that_has_passed_ends_the_call",
        ),
        (Defect::KeepsDeleted, "what_is_deleted_is_gone"),
        (
            Defect::HoldsDeletedNames,
            "the_name_of_a_deleted_secret_is_as_declared",
        ),
        (Defect::ForgetsOnClose, "closing_loses_nothing"),
    ] {
        let report = conformance::run(Arc::new(Broken::new(defect)), "broken").await;
        assert!(
            report.failed().any(|failed| failed == case),
            "{defect:?}: {report}"
        );
        found.push(case);
    }
    for (flaw, case) in [
        (Flaw::TakesLostForTaken, "a_lost_answer_is_no_conflict"),
        (
            Flaw::ForgetsOnRestart,
            "a_lost_answer_is_recognised_after_a_restart",
        ),
        (Flaw::ForgetsOnRestart, "a_crash_at_any_point_is_made_good"),
        (Flaw::GivesUpWhenThrottled, "throttling_is_waited_for"),
        (Flaw::GivesUpWhenAway, "a_server_that_is_away_is_waited_for"),
        (
            Flaw::GivesUpWhenExpired,
            "credentials_that_expire_are_got_again",
        ),
        (
            Flaw::CallsWrongCredentialsDenied,
            "wrong_credentials_are_told_as_such",
        ),
        (
            Flaw::CallsDeletedExists,
            "what_a_person_deleted_is_told_apart",
        ),
    ] {
        let remote = Remote::new(Some(flaw));
        let faults = remote.faults();
        let report = conformance::run_with_faults(Arc::new(remote), faults, "broken").await;
        assert!(
            report.failed().any(|failed| failed == case),
            "{flaw:?}: {report}"
        );
        found.push(case);
    }
    for case in conformance::cases() {
        assert!(found.contains(&case), "nothing breaks {case}");
    }
}
