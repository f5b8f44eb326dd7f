//! Exchanges that end without an answer, and what each end learns of it.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, timeout};

use super::{Fixture, LONG, SHORT, SLACK, agent, ask, ask_within, named, receive, settles};
use crate::{CarrierError, InboxError, RespondError, any_answer};

/// A request to an agent that is not connected ends as offline, before its deadline.
pub(super) async fn finds_an_agent_offline(fixture: &dyn Fixture) {
    let _other = fixture.connect(&named("conformance-2")).await;
    let never = named("conformance-3");
    is_offline(ask_within(fixture, &never, Bytes::new(), LONG).await);
    let inbox = fixture.connect(&agent()).await;
    drop(inbox);
    tokio::time::sleep(fixture.abilities().settles).await;
    is_offline(ask(fixture, Bytes::new()).await);
}

/// A request that is not answered ends at its deadline, whether it was received or not.
pub(super) async fn gives_up_at_the_deadline(fixture: &dyn Fixture) {
    let mut inbox = fixture.connect(&agent()).await;
    let started = Instant::now();
    let holding = async {
        let delivery = receive(&mut *inbox).await;
        tokio::time::sleep(SHORT + SLACK).await;
        drop(delivery);
    };
    let (agent_id, message) = (agent(), Bytes::from("held"));
    let asking = async {
        let answer = ask_within(fixture, &agent_id, message, SHORT).await;
        (answer, started.elapsed())
    };
    let ((answer, took), ()) = tokio::join!(asking, holding);
    assert!(
        matches!(answer, Err(CarrierError::DeadlineExceeded)),
        "held: {answer:?}"
    );
    assert!(took >= SHORT, "it gave up {:?} early", SHORT - took);
    // This one is not received in time. Later it is gone, or is known to be abandoned.
    let answer = ask_within(fixture, &agent(), "missed".into(), SHORT).await;
    assert!(
        matches!(answer, Err(CarrierError::DeadlineExceeded)),
        "missed: {answer:?}"
    );
    if let Ok(late) = timeout(SHORT, inbox.receive()).await {
        let late = late.expect("the inbox is open");
        assert!(late.is_abandoned(), "delivered after its deadline");
    }
}

/// When the request is dropped, the delivery learns that it is abandoned.
pub(super) async fn tells_the_agent_that_the_asker_gave_up(fixture: &dyn Fixture) {
    let mut inbox = fixture.connect(&agent()).await;
    let carrier = fixture.carrier();
    let (agent, deadline) = (agent(), Instant::now() + LONG);
    let delivery = {
        let mut judge = any_answer;
        let asking = carrier.request(&agent, Bytes::new(), deadline, &mut judge);
        tokio::select! {
            answer = asking => panic!("it ended, and nothing was answered: {answer:?}"),
            delivery = receive(&mut *inbox) => delivery,
        }
    };
    if fixture.abilities().tells_abandonment {
        let what = "the agent does not learn that the asker gave up";
        settles(fixture, what, || delivery.is_abandoned()).await;
        let responded = delivery.respond("late".into()).await;
        assert!(
            matches!(responded, Err(RespondError::Abandoned)),
            "a late answer: {responded:?}"
        );
    }
}

/// An answer after the deadline fails where the carrier can tell, and is never the answer to another request.
pub(super) async fn gives_a_late_answer_to_no_other_request(fixture: &dyn Fixture) {
    let mut inbox = fixture.connect(&agent()).await;
    let (agent_id, first) = (agent(), Bytes::from("first"));
    let asking = ask_within(fixture, &agent_id, first, SHORT);
    let (answer, late) = tokio::join!(asking, receive(&mut *inbox));
    assert!(
        matches!(answer, Err(CarrierError::DeadlineExceeded)),
        "{answer:?}"
    );
    let answering = async {
        let second = receive(&mut *inbox).await;
        assert_eq!(second.message(), "second");
        let responded = late.respond("late".into()).await;
        assert!(
            matches!(responded, Err(RespondError::Abandoned)),
            "after the deadline: {responded:?}"
        );
        tokio::time::sleep(fixture.abilities().settles).await;
        let responded = second.respond("right".into()).await;
        responded.expect("the second asker waits");
    };
    let (answer, ()) = tokio::join!(ask(fixture, "second".into()), answering);
    assert_eq!(answer.expect("there is an answer"), "right");
}

/// When a delivery is dropped, the request ends before its deadline.
pub(super) async fn tells_the_asker_that_a_delivery_was_dropped(fixture: &dyn Fixture) {
    let mut inbox = fixture.connect(&agent()).await;
    let tells = fixture.abilities().tells_no_answer;
    let limit = if tells { LONG } else { SHORT };
    let started = Instant::now();
    let dropping = async { drop(receive(&mut *inbox).await) };
    let (agent_id, message) = (agent(), Bytes::new());
    let asking = async {
        let answer = ask_within(fixture, &agent_id, message, limit).await;
        (answer, started.elapsed())
    };
    let ((answer, took), ()) = tokio::join!(asking, dropping);
    match answer {
        Err(CarrierError::NoAnswer) => {}
        Err(CarrierError::DeadlineExceeded) if !tells => {}
        answer => panic!("dropped, and the asker hears {answer:?}"),
    }
    let soon = fixture.abilities().settles + SLACK;
    assert!(
        !tells || took < soon,
        "the asker learns of it after {took:?}"
    );
}

/// After closing, requests find the agent offline; what had arrived is received and answered, and then the inbox ends.
pub(super) async fn closes_and_finishes_what_arrived(fixture: &dyn Fixture) {
    let mut inbox = fixture.connect(&agent()).await;
    let carrier = fixture.carrier();
    let (agent_id, deadline) = (agent(), Instant::now() + LONG);
    let (mut any, mut either) = (any_answer, any_answer);
    let taken = carrier.request(&agent_id, "taken".into(), deadline, &mut any);
    let waiting = carrier.request(&agent_id, "waiting".into(), deadline, &mut either);
    let closing = async {
        let first = receive(&mut *inbox).await;
        // The other one arrives meanwhile.
        tokio::time::sleep(fixture.abilities().settles).await;
        inbox.close().await;
        tokio::time::sleep(fixture.abilities().settles).await;
        is_offline(ask(fixture, "too late".into()).await);
        let second = match timeout(LONG, inbox.receive()).await {
            Ok(Ok(second)) => second,
            other => panic!("what had arrived was not received: {other:?}"),
        };
        for delivery in [first, second] {
            let answer = delivery.message().clone();
            let responded = delivery.respond(answer).await;
            responded.expect("what was received can be answered after closing");
        }
        for _ in 0..2 {
            let end = timeout(LONG, inbox.receive()).await;
            assert!(
                matches!(end, Ok(Err(InboxError::Closed))),
                "after the end: {end:?}"
            );
        }
    };
    let (taken, waiting, ()) = tokio::join!(taken, waiting, closing);
    assert_eq!(taken.expect("there is an answer"), "taken");
    assert_eq!(waiting.expect("there is an answer"), "waiting");
    drop(inbox);
    // The agent may come back.
    let mut inbox = fixture.connect(&agent()).await;
    let answering = async { receive(&mut *inbox).await.respond("back".into()).await };
    let (answer, _) = tokio::join!(ask(fixture, Bytes::new()), answering);
    assert_eq!(answer.expect("there is an answer"), "back");
}

/// After a cut the inbox connects again by itself. An exchange that was open ends with its own answer, or without one.
pub(super) async fn connects_again_after_a_cut(fixture: &dyn Fixture) {
    let mut inbox = fixture.connect(&agent()).await;
    let cutting = async {
        let delivery = receive(&mut *inbox).await;
        let cut = fixture.cut().await;
        let responded = delivery.respond("before".into()).await;
        assert!(cut || responded.is_ok(), "without a cut: {responded:?}");
        cut
    };
    let (agent_id, message) = (agent(), Bytes::from("before"));
    let asking = ask_within(fixture, &agent_id, message, SHORT + SLACK);
    let (answer, cut) = tokio::join!(asking, cutting);
    match answer {
        Ok(answer) => assert_eq!(answer, "before"),
        Err(error) => assert!(
            cut && error.may_be_delivered(),
            "it was delivered, and the asker hears {error:?}"
        ),
    }
    let answering = async {
        loop {
            let delivery = receive(&mut *inbox).await;
            let answer = delivery.message().clone();
            // To a request that was given up it fails.
            let _ = delivery.respond(answer).await;
        }
    };
    let asking = async {
        let end = Instant::now() + fixture.abilities().settles + SLACK;
        loop {
            let answer = ask_within(fixture, &agent_id, "after".into(), SHORT + SLACK).await;
            match answer {
                Ok(answer) => return assert_eq!(answer, "after"),
                Err(error) => assert!(Instant::now() < end, "not connected again: {error}"),
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        () = answering => {}
        () = asking => {}
    }
}

fn is_offline(answer: Result<Bytes, CarrierError>) {
    assert!(
        matches!(answer, Err(CarrierError::Offline)),
        "the agent is not connected, and the asker hears {answer:?}"
    );
}
