//! The carrier within one process passes the suite, and carriers with a fault fail it.
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

mod broken;
mod in_process;

use std::sync::Arc;

use async_trait::async_trait;
use sealpost_carrier::{
    Carrier, InProcess, Inbox,
    conformance::{self, CASES, Fixture},
};
use sealpost_context::AgentId;

use crate::broken::{Broken, Fault};

#[derive(Debug)]
struct Whole(Arc<InProcess>);

#[async_trait]
impl Fixture for Whole {
    fn carrier(&self) -> Arc<dyn Carrier> {
        self.0.clone()
    }

    async fn connect(&self, agent: &AgentId) -> Box<dyn Inbox> {
        Box::new(self.0.register(*agent).unwrap())
    }
}

#[tokio::test]
async fn in_process_passes() {
    conformance::run(&Whole(Arc::new(InProcess::new(64)))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_process_passes_with_a_short_queue_on_two_threads() {
    conformance::run(&Whole(Arc::new(InProcess::new(1)))).await;
}

/// What is put around a carrier here breaks nothing by itself.
#[tokio::test]
async fn without_a_fault_the_wrapper_passes() {
    conformance::run(&Broken::new(None)).await;
}

/// Each fault is found by the case that is about it, and each case finds a fault.
#[tokio::test(start_paused = true)]
async fn every_case_fails_for_its_fault() {
    for (fault, expected) in FAULTS {
        let (_, case) = CASES.iter().find(|(name, _)| name == expected).unwrap();
        let outcome = tokio::spawn(async move { case(&Broken::new(Some(*fault))).await }).await;
        assert!(
            outcome.is_err_and(|error| error.is_panic()),
            "{expected} does not find {fault:?}"
        );
    }
    for (name, _) in CASES {
        let found = FAULTS.iter().any(|(_, case)| case == name);
        assert!(found, "no fault is for {name}");
    }
}

const FAULTS: &[(Fault, &str)] = &[
    (Fault::ChangesMessages, "delivers_a_message_and_its_answer"),
    (Fault::ChangesAnswers, "delivers_a_message_and_its_answer"),
    (
        Fault::CutsLongMessages,
        "carries_the_largest_and_refuses_more",
    ),
    (
        Fault::TakesAnyLength,
        "carries_the_largest_and_refuses_more",
    ),
    (Fault::DeliversToAnyAgent, "delivers_to_the_named_agent"),
    (Fault::OneAtATime, "keeps_many_exchanges_apart"),
    (Fault::MixesAnswers, "keeps_many_exchanges_apart"),
    (
        Fault::LosesWhenGivenUp,
        "loses_nothing_when_receiving_is_given_up",
    ),
    (
        Fault::IgnoresTheJudge,
        "returns_no_answer_that_the_judge_refuses",
    ),
    (Fault::InventsDeadlines, "passes_the_deadline_on"),
    (Fault::WaitsForOfflineAgents, "finds_an_agent_offline"),
    (Fault::ForgetsTheDeadline, "gives_up_at_the_deadline"),
    (Fault::GivesUpEarly, "gives_up_at_the_deadline"),
    (
        Fault::HidesAbandonment,
        "tells_the_agent_that_the_asker_gave_up",
    ),
    (
        Fault::SwallowsLateAnswers,
        "gives_a_late_answer_to_no_other_request",
    ),
    (
        Fault::HidesDrops,
        "tells_the_asker_that_a_delivery_was_dropped",
    ),
    (Fault::NeverCloses, "closes_and_finishes_what_arrived"),
    (Fault::ForgetsAtClose, "closes_and_finishes_what_arrived"),
    (Fault::NeverEnds, "closes_and_finishes_what_arrived"),
    (Fault::StaysCut, "connects_again_after_a_cut"),
];
