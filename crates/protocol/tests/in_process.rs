//! The embedded transport.
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

use std::time::Duration;

use sealpost_protocol::{AgentId, InProcess, Inbox, Transport, TransportError};
use tokio::time::Instant;

fn agent() -> AgentId {
    "agent-1".parse().unwrap()
}

async fn ask(transport: &InProcess, message: &[u8]) -> Result<Vec<u8>, TransportError> {
    let deadline = Instant::now() + Duration::from_secs(1);
    transport
        .request(&agent(), message.to_vec(), deadline)
        .await
}

#[tokio::test]
async fn a_message_is_answered() {
    let transport = InProcess::new(1);
    let mut inbox = transport.register(agent()).unwrap();
    let answering = async {
        let delivery = inbox.receive().await.unwrap();
        assert_eq!(delivery.message(), b"question");
        assert!(!delivery.is_abandoned());
        delivery.answer(b"answer".to_vec());
    };
    let (answer, ()) = tokio::join!(ask(&transport, b"question"), answering);
    assert_eq!(answer.unwrap(), b"answer");
}

#[tokio::test]
async fn an_agent_is_offline_before_and_after_its_inbox() {
    let transport = InProcess::new(1);
    assert!(matches!(
        ask(&transport, b"").await,
        Err(TransportError::Offline)
    ));
    drop(transport.register(agent()).unwrap());
    assert!(matches!(
        ask(&transport, b"").await,
        Err(TransportError::Offline)
    ));
}

#[tokio::test]
async fn an_id_belongs_to_one_inbox_at_a_time() {
    let transport = InProcess::new(1);
    let first = transport.register(agent()).unwrap();
    assert!(transport.register(agent()).is_err());
    assert!(transport.register("agent-2".parse().unwrap()).is_ok());
    drop(first);
    assert!(transport.register(agent()).is_ok());
}

#[tokio::test]
async fn a_dropped_message_is_no_answer() {
    let transport = InProcess::new(1);
    let mut inbox = transport.register(agent()).unwrap();
    let dropping = async { drop(inbox.receive().await) };
    let (answer, ()) = tokio::join!(ask(&transport, b""), dropping);
    assert!(matches!(answer, Err(TransportError::NoAnswer)));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_holds_in_the_queue_and_at_its_door() {
    let transport = InProcess::new(1);
    let mut inbox = transport.register(agent()).unwrap();
    // The first waits in the queue, the second for a place in it.
    let (first, second) = tokio::join!(ask(&transport, b"first"), ask(&transport, b"second"));
    assert!(matches!(first, Err(TransportError::DeadlineExceeded)));
    assert!(matches!(second, Err(TransportError::DeadlineExceeded)));
    // What was in the queue is delivered, and known to be for nobody. What was at the door is gone.
    assert!(inbox.receive().await.unwrap().is_abandoned());
    let nothing = tokio::time::timeout(Duration::from_secs(1), inbox.receive()).await;
    assert!(nothing.is_err());
}
