//! A message to the agent, and its answer back.

use std::time::Duration;

use bytes::Bytes;
use tokio::{
    task::JoinSet,
    time::{Instant, timeout},
};

use super::{Fixture, LONG, SHORT, SLACK, agent, ask, ask_within, named, receive};
use crate::{CarrierError, InboxError, MAX_MESSAGE, any_answer};

/// The agent gets the bytes that were sent, and the asker those that were answered, of whatever length.
pub(super) async fn delivers_a_message_and_its_answer(fixture: &dyn Fixture) {
    let mut inbox = fixture.connect(&agent()).await;
    for (message, answer) in [
        (Bytes::from("question"), Bytes::from("answer")),
        (Bytes::new(), Bytes::from_iter(0..=u8::MAX)),
        (Bytes::from_iter((0..=u8::MAX).rev()), Bytes::new()),
    ] {
        let answering = async {
            let delivery = receive(&mut *inbox).await;
            assert_eq!(delivery.message(), &message, "another message arrived");
            assert!(!delivery.is_abandoned(), "the asker still waits");
            let responded = delivery.respond(answer.clone()).await;
            responded.expect("the asker still waits");
        };
        let (answered, ()) = tokio::join!(ask(fixture, message.clone()), answering);
        let answered = answered.expect("there is an answer");
        assert_eq!(answered, answer, "another answer arrived");
    }
}

/// A message and an answer of [`MAX_MESSAGE`] bytes arrive; one byte more is refused.
pub(super) async fn carries_the_largest_and_refuses_more(fixture: &dyn Fixture) {
    let mut inbox = fixture.connect(&agent()).await;
    let largest = |first: u8| -> Bytes {
        (0..251)
            .cycle()
            .take(MAX_MESSAGE)
            .map(|n: u8| n ^ first)
            .collect()
    };
    let answering = async {
        let delivery = receive(&mut *inbox).await;
        assert!(delivery.message() == &largest(1), "the message was changed");
        let responded = delivery.respond(largest(2)).await;
        responded.expect("an answer of this length is carried");
    };
    let (answered, ()) = tokio::join!(ask(fixture, largest(1)), answering);
    let answered = answered.expect("a message of this length is carried");
    assert!(answered == largest(2), "the answer was changed");

    let longer = Bytes::from(vec![0; MAX_MESSAGE + 1]);
    let refused = ask_within(fixture, &agent(), longer.clone(), SHORT).await;
    assert!(
        matches!(refused, Err(CarrierError::NotSent(_))),
        "one byte more: {refused:?}"
    );
    let answering = async {
        let delivery = receive(&mut *inbox).await;
        let responded = delivery.respond(longer).await;
        assert!(responded.is_err(), "one byte more is answered");
    };
    let id = agent();
    let asking = ask_within(fixture, &id, Bytes::new(), SHORT);
    let (answered, ()) = tokio::join!(asking, answering);
    assert!(
        answered.is_err(),
        "one byte more is an answer: {answered:?}"
    );
}

/// Of two agents that are connected, each gets its own messages.
pub(super) async fn delivers_to_the_named_agent(fixture: &dyn Fixture) {
    let (one, two) = (agent(), named("conformance-2"));
    let (mut of_one, mut of_two) = (fixture.connect(&one).await, fixture.connect(&two).await);
    let (to_one, to_two) = (Bytes::from("to one"), Bytes::from("to two"));
    let answering = async {
        for (inbox, message) in [(&mut of_one, &to_one), (&mut of_two, &to_two)] {
            let delivery = receive(&mut **inbox).await;
            assert_eq!(delivery.message(), message, "the other agent's message");
            let answer = delivery.message().clone();
            delivery.respond(answer).await.expect("the asker waits");
        }
    };
    let (first, second, ()) = tokio::join!(
        ask_within(fixture, &one, to_one.clone(), LONG),
        ask_within(fixture, &two, to_two.clone(), LONG),
        answering
    );
    assert_eq!(first.expect("there is an answer"), to_one);
    assert_eq!(second.expect("there is an answer"), to_two);
}

/// Of 32 requests at a time, answered in another order, each gets its own answer.
pub(super) async fn keeps_many_exchanges_apart(fixture: &dyn Fixture) {
    let mut inbox = fixture.connect(&agent()).await;
    let mut asking = JoinSet::new();
    for n in 0..32_u8 {
        let carrier = fixture.carrier();
        asking.spawn(async move {
            let (message, deadline) = (Bytes::from(vec![n]), Instant::now() + LONG);
            let answer = carrier
                .request(&agent(), message.clone(), deadline, &mut any_answer)
                .await;
            assert_eq!(answer.expect("there is an answer"), message);
        });
    }
    let mut deliveries = Vec::new();
    while deliveries.len() < 32 {
        let delivery = timeout(LONG, inbox.receive()).await;
        let delivery = delivery.expect("32 deliveries can be open at a time");
        deliveries.push(delivery.expect("the inbox is open"));
    }
    while let Some(delivery) = deliveries.pop() {
        let answer = delivery.message().clone();
        delivery.respond(answer).await.expect("the asker waits");
    }
    while let Some(asked) = asking.join_next().await {
        asked.expect("each gets its own answer");
    }
}

/// A message that arrives while the agent gives up receiving is received the next time.
pub(super) async fn loses_nothing_when_receiving_is_given_up(fixture: &dyn Fixture) {
    let mut inbox = fixture.connect(&agent()).await;
    for n in 0..8_u8 {
        let message = Bytes::from(vec![n]);
        let answering = async {
            for given_up in 0..32_u32 {
                // From at once to a few milliseconds, which is when the message arrives.
                let limit = Duration::from_micros(u64::from(given_up) * 100);
                let received = tokio::select! {
                    biased;
                    received = inbox.receive() => received,
                    () = tokio::time::sleep(limit) => continue,
                };
                return received;
            }
            timeout(LONG, inbox.receive())
                .await
                .unwrap_or(Err(InboxError::Closed))
        };
        let answering = async {
            let delivery = answering.await.expect("the message was lost");
            assert_eq!(delivery.message(), &message);
            let answer = delivery.message().clone();
            delivery.respond(answer).await.expect("the asker waits");
        };
        let asking = async {
            tokio::time::sleep(Duration::from_millis(u64::from(n))).await;
            ask(fixture, message.clone()).await
        };
        let (answered, ()) = tokio::join!(asking, answering);
        assert_eq!(answered.expect("there is an answer"), message);
    }
}

/// An answer that is refused does not end the request with success.
pub(super) async fn returns_no_answer_that_the_judge_refuses(fixture: &dyn Fixture) {
    let mut inbox = fixture.connect(&agent()).await;
    let carrier = fixture.carrier();
    let (agent, mut seen) = (agent(), Vec::new());
    let mut judge = |answer: &Bytes| {
        seen.push(answer.clone());
        false
    };
    let deadline = Instant::now() + SHORT + SLACK;
    let asking = carrier.request(&agent, Bytes::new(), deadline, &mut judge);
    let answering = async {
        let delivery = receive(&mut *inbox).await;
        // Whether it is used is not the carrier's to know.
        let _ = delivery.respond("forged".into()).await;
    };
    let (answered, ()) = tokio::join!(asking, answering);
    assert!(
        matches!(
            answered,
            Err(CarrierError::NoAnswer | CarrierError::DeadlineExceeded)
        ),
        "a refused answer was returned: {answered:?}"
    );
    assert_eq!(seen, ["forged"], "the judge was not asked");
}

/// The delivery knows when its asker gives up, within what a message takes.
pub(super) async fn passes_the_deadline_on(fixture: &dyn Fixture) {
    let mut inbox = fixture.connect(&agent()).await;
    for limit in [Duration::from_secs(5), Duration::from_secs(60)] {
        let answering = async {
            let delivery = receive(&mut *inbox).await;
            let left = delivery.deadline().duration_since(Instant::now());
            assert!(
                left <= limit + SLACK && left + fixture.abilities().settles + SLACK >= limit,
                "{left:?} are left of {limit:?}"
            );
            let responded = delivery.respond(Bytes::new()).await;
            responded.expect("the asker waits");
        };
        let (agent, message) = (agent(), Bytes::new());
        let asking = ask_within(fixture, &agent, message, limit);
        let (answered, ()) = tokio::join!(asking, answering);
        answered.expect("there is an answer");
    }
}
