//! The loop: several at a time, none lost, an end in good order.

use std::{sync::Arc, time::Duration};

use sealpost_protocol::{InProcess, Outcome, Transport, TransportError};
use tokio::{
    sync::oneshot,
    time::{Instant, timeout},
};

use crate::harness::{Fault, World, world};

async fn request(
    world: &World,
    transport: &InProcess,
    name: &str,
) -> Result<Outcome, TransportError> {
    let request = world.request(world.context(name), b"{}");
    let deadline = Instant::now() + Duration::from_secs(5);
    let reply = transport
        .request(&world.id, world.sign(&request), deadline)
        .await?;
    Ok(world.read(&reply, request.id))
}

#[tokio::test]
async fn many_are_answered_and_then_the_agent_is_offline() {
    let world = world();
    let transport = InProcess::new(4);
    let inbox = transport.register(world.id.clone()).unwrap();
    let (stop, stopping) = oneshot::channel::<()>();
    let serving =
        tokio::spawn(Arc::clone(&world.agent).serve(inbox, async { drop(stopping.await) }));

    let names: Vec<_> = (0..40).map(|n| format!("n{n}")).collect();
    let mut outcomes = Vec::new();
    for chunk in names.chunks(4) {
        let [a, b, c, d] = chunk else { panic!() };
        let (a, b, c, d) = tokio::join!(
            request(&world, &transport, a),
            request(&world, &transport, b),
            request(&world, &transport, c),
            request(&world, &transport, d)
        );
        outcomes.extend([a, b, c, d]);
    }
    assert!(
        outcomes
            .iter()
            .all(|outcome| matches!(outcome, Ok(Outcome::Stored { .. })))
    );

    stop.send(()).unwrap();
    serving.await.unwrap();
    assert!(matches!(
        request(&world, &transport, "late").await,
        Err(TransportError::Offline)
    ));
}

#[tokio::test]
async fn a_panic_costs_one_answer_and_not_the_agent() {
    let world = world();
    let transport = InProcess::new(4);
    let inbox = transport.register(world.id.clone()).unwrap();
    tokio::spawn(Arc::clone(&world.agent).serve(inbox, std::future::pending()));

    *world.vault.fault.lock().unwrap() = Some(Fault::Panic);
    assert!(matches!(
        request(&world, &transport, "a").await,
        Err(TransportError::NoAnswer)
    ));
    *world.vault.fault.lock().unwrap() = None;
    assert!(matches!(
        request(&world, &transport, "a").await,
        Ok(Outcome::Stored { .. })
    ));
}

#[tokio::test]
async fn one_that_hangs_does_not_hold_up_the_others() {
    let world = world();
    let transport = InProcess::new(4);
    let inbox = transport.register(world.id.clone()).unwrap();
    tokio::spawn(Arc::clone(&world.agent).serve(inbox, std::future::pending()));

    *world.vault.fault.lock().unwrap() = Some(Fault::Never);
    let hanging = request(&world, &transport, "a");
    tokio::pin!(hanging);
    let soon = timeout(Duration::from_millis(200), &mut hanging).await;
    assert!(soon.is_err());
    *world.vault.fault.lock().unwrap() = None;
    assert!(matches!(
        request(&world, &transport, "b").await,
        Ok(Outcome::Stored { .. })
    ));
}

#[tokio::test]
async fn stopping_finishes_what_was_begun() {
    let world = world();
    let transport = InProcess::new(4);
    let inbox = transport.register(world.id.clone()).unwrap();
    let (stop, stopping) = oneshot::channel::<()>();
    let serving =
        tokio::spawn(Arc::clone(&world.agent).serve(inbox, async { drop(stopping.await) }));
    *world.vault.fault.lock().unwrap() = Some(Fault::Slow);
    let asking = request(&world, &transport, "a");
    tokio::pin!(asking);
    // Far enough for the agent to have taken it, not for it to be done.
    assert!(
        timeout(Duration::from_millis(100), &mut asking)
            .await
            .is_err()
    );
    stop.send(()).unwrap();
    assert!(matches!(asking.await, Ok(Outcome::Stored { .. })));
    serving.await.unwrap();
}
