//! The loop: several at a time, none lost, an end in good order.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use async_trait::async_trait;

use sealpost_carrier::{
    Bytes, Carrier, CarrierError, Delivery, InProcess, Inbox, InboxError, RespondError, Responder,
    any_answer,
};
use sealpost_channel::{Outcome, gateway::Answer};
use tokio::{
    sync::oneshot,
    time::{Instant, timeout},
};

use crate::harness::{Fault, World, world};

async fn request(world: &World, carrier: &InProcess, name: &str) -> Result<Outcome, CarrierError> {
    let message = world.sign(&world.request(world.context(name), b"{}"));
    let deadline = Instant::now() + Duration::from_secs(5);
    let bytes = message.bytes.clone().into();
    let reply = carrier
        .request(&world.id, bytes, deadline, &mut any_answer)
        .await?;
    match world.read(&reply, &message) {
        Answer::Outcome(outcome) => Ok(outcome),
        Answer::Refused(code) => panic!("{code:?}"),
    }
}

#[tokio::test]
async fn many_are_answered_and_then_the_agent_is_offline() {
    let world = world();
    let carrier = InProcess::new(4);
    let inbox = carrier.register(world.id).unwrap();
    let (stop, stopping) = oneshot::channel::<()>();
    let serving =
        tokio::spawn(Arc::clone(&world.agent).serve(inbox, async { drop(stopping.await) }));

    let names: Vec<_> = (0..40).map(|n| format!("n{n}")).collect();
    let mut outcomes = Vec::new();
    for chunk in names.chunks(4) {
        let [a, b, c, d] = chunk else { panic!() };
        let (a, b, c, d) = tokio::join!(
            request(&world, &carrier, a),
            request(&world, &carrier, b),
            request(&world, &carrier, c),
            request(&world, &carrier, d)
        );
        outcomes.extend([a, b, c, d]);
    }
    assert!(
        outcomes
            .iter()
            .all(|outcome| matches!(outcome, Ok(Outcome::Stored { .. })))
    );

    stop.send(()).unwrap();
    serving.await.unwrap().unwrap();
    assert!(matches!(
        request(&world, &carrier, "late").await,
        Err(CarrierError::Offline)
    ));
}

#[tokio::test]
async fn a_panic_costs_one_answer_and_not_the_agent() {
    let world = world();
    let carrier = InProcess::new(4);
    let inbox = carrier.register(world.id).unwrap();
    tokio::spawn(Arc::clone(&world.agent).serve(inbox, std::future::pending()));

    *world.vault.fault.lock().unwrap() = Some(Fault::Panic);
    assert!(matches!(
        request(&world, &carrier, "a").await,
        Err(CarrierError::NoAnswer)
    ));
    let panics = || world.counts.panics.load(Ordering::SeqCst);
    while panics() == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(panics(), 1);
    *world.vault.fault.lock().unwrap() = None;
    assert!(matches!(
        request(&world, &carrier, "a").await,
        Ok(Outcome::Stored { .. })
    ));
}

#[tokio::test]
async fn one_that_hangs_does_not_hold_up_the_others() {
    let world = world();
    let carrier = InProcess::new(4);
    let inbox = carrier.register(world.id).unwrap();
    tokio::spawn(Arc::clone(&world.agent).serve(inbox, std::future::pending()));

    *world.vault.fault.lock().unwrap() = Some(Fault::Never);
    let hanging = request(&world, &carrier, "a");
    tokio::pin!(hanging);
    let soon = timeout(Duration::from_millis(200), &mut hanging).await;
    assert!(soon.is_err());
    *world.vault.fault.lock().unwrap() = None;
    assert!(matches!(
        request(&world, &carrier, "b").await,
        Ok(Outcome::Stored { .. })
    ));
}

#[tokio::test]
async fn stopping_finishes_what_was_begun() {
    let world = world();
    let carrier = InProcess::new(4);
    let inbox = carrier.register(world.id).unwrap();
    let (stop, stopping) = oneshot::channel::<()>();
    let serving =
        tokio::spawn(Arc::clone(&world.agent).serve(inbox, async { drop(stopping.await) }));
    *world.vault.fault.lock().unwrap() = Some(Fault::Slow);
    let asking = request(&world, &carrier, "a");
    tokio::pin!(asking);
    // Far enough for the agent to have taken it, not for it to be done.
    assert!(
        timeout(Duration::from_millis(100), &mut asking)
            .await
            .is_err()
    );
    stop.send(()).unwrap();
    assert!(matches!(asking.await, Ok(Outcome::Stored { .. })));
    serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn what_arrived_before_stopping_is_answered() {
    let world = world();
    let carrier = InProcess::new(4);
    let inbox = carrier.register(world.id).unwrap();
    let asking = async {
        tokio::join!(
            request(&world, &carrier, "a"),
            request(&world, &carrier, "b")
        )
    };
    // Both wait in the queue when the agent is told to stop, before it has begun.
    let serving = async {
        tokio::task::yield_now().await;
        let agent = Arc::clone(&world.agent);
        agent.serve(inbox, std::future::ready(())).await
    };
    let ((a, b), served) = tokio::join!(asking, serving);
    assert!(matches!(a, Ok(Outcome::Stored { .. })), "{a:?}");
    assert!(matches!(b, Ok(Outcome::Stored { .. })), "{b:?}");
    assert!(served.is_ok());
    assert_eq!(world.counts.ended.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_message_that_nobody_waits_for_is_not_carried_out() {
    let world = world();
    let carrier = InProcess::new(4);
    let inbox = carrier.register(world.id).unwrap();
    let gone = timeout(Duration::ZERO, request(&world, &carrier, "gone")).await;
    assert!(gone.is_err());
    tokio::spawn(Arc::clone(&world.agent).serve(inbox, std::future::pending()));
    assert!(request(&world, &carrier, "here").await.is_ok());
    assert_eq!(world.counts.carried_out.load(Ordering::SeqCst), 1);
    assert_eq!(world.vault.secrets.lock().unwrap().len(), 1);
}

/// Gives a message to an agent, and then ends.
#[derive(Debug)]
struct Ending {
    message: Option<Vec<u8>>,
    error: Option<InboxError>,
}

#[async_trait]
impl Inbox for Ending {
    async fn receive(&mut self) -> Result<Delivery, InboxError> {
        let Some(message) = self.message.take() else {
            return Err(self.error.take().expect("it ends once"));
        };
        let deadline = Instant::now() + Duration::from_secs(5);
        Ok(Delivery::new(message.into(), deadline, Losing))
    }

    async fn close(&mut self) {}
}

/// Loses every answer.
#[derive(Debug)]
struct Losing;

#[async_trait]
impl Responder for Losing {
    async fn respond(self: Box<Self>, _: Bytes) -> Result<(), RespondError> {
        Err(RespondError::Failed("the connection is gone".into()))
    }

    fn is_abandoned(&self) -> bool {
        false
    }
}

#[tokio::test]
async fn an_inbox_that_ends_by_itself_is_an_error_and_what_was_begun_is_finished() {
    for error in [
        InboxError::Closed,
        InboxError::Failed("no such agent".into()),
    ] {
        let world = world();
        let request = world.request(world.context("db"), b"{}");
        let inbox = Ending {
            message: Some(world.sign(&request).bytes),
            error: Some(error),
        };
        let agent = Arc::clone(&world.agent);
        let served = agent.serve(inbox, std::future::pending()).await;
        assert!(served.is_err());
        let counts = &world.counts;
        assert_eq!(counts.ended.load(Ordering::SeqCst), 1);
        assert_eq!(counts.carried_out.load(Ordering::SeqCst), 1);
        assert_eq!(counts.lost.load(Ordering::SeqCst), 1);
        assert_eq!(world.vault.secrets.lock().unwrap().len(), 1);
    }
}
