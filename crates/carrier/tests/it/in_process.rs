//! What only the carrier within one process promises.

use std::time::Duration;

use bytes::Bytes;
use sealpost_carrier::{Carrier as _, CarrierError, InProcess, Inbox as _, InboxError, any_answer};
use sealpost_context::AgentId;
use tokio::time::Instant;

fn agent() -> AgentId {
    "agent-1".parse().unwrap()
}

async fn ask(carrier: &InProcess, message: &'static str) -> Result<Bytes, CarrierError> {
    let deadline = Instant::now() + Duration::from_secs(1);
    carrier
        .request(&agent(), message.into(), deadline, &mut any_answer)
        .await
}

#[tokio::test]
async fn an_id_belongs_to_one_inbox_at_a_time() {
    let carrier = InProcess::new(1);
    let mut first = carrier.register(agent()).unwrap();
    assert!(carrier.register(agent()).is_err());
    assert!(carrier.register("agent-2".parse().unwrap()).is_ok());
    first.close().await;
    let second = carrier.register(agent()).unwrap();
    assert!(carrier.register(agent()).is_err());
    drop(second);
    assert!(carrier.register(agent()).is_ok());
}

#[tokio::test(start_paused = true)]
async fn the_deadline_holds_in_the_queue_and_at_its_door() {
    let carrier = InProcess::new(1);
    let mut inbox = carrier.register(agent()).unwrap();
    // The first waits in the queue, the second for a place in it.
    let (first, second) = tokio::join!(ask(&carrier, "first"), ask(&carrier, "second"));
    assert!(matches!(first, Err(CarrierError::DeadlineExceeded)));
    assert!(matches!(second, Err(CarrierError::DeadlineExceeded)));
    // What was in the queue is delivered, and known to be abandoned. What was at the door is gone.
    assert!(inbox.receive().await.unwrap().is_abandoned());
    let nothing = tokio::time::timeout(Duration::from_secs(1), inbox.receive()).await;
    assert!(nothing.is_err());
}

#[tokio::test]
async fn an_inbox_ends_with_its_carrier() {
    let carrier = InProcess::new(1);
    let mut inbox = carrier.register(agent()).unwrap();
    drop(carrier);
    assert!(matches!(inbox.receive().await, Err(InboxError::Closed)));
}

#[tokio::test]
async fn errors_say_whether_the_message_may_be_delivered() {
    assert!(!CarrierError::Offline.may_be_delivered());
    assert!(!CarrierError::NotSent("x".into()).may_be_delivered());
    for error in [
        CarrierError::DeadlineExceeded,
        CarrierError::NoAnswer,
        CarrierError::Failed("x".into()),
    ] {
        assert!(error.may_be_delivered(), "{error}");
    }
}
