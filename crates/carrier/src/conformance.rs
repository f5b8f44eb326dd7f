//! The suite that every carrier must pass.
//!
//! Implement [`Fixture`] for a carrier, and call [`run`]. Each case panics with what went wrong, as a test does. The
//! cases can be run one by one, too: [`CASES`] has them with their names.
//!
//! ```
//! use std::sync::Arc;
//!
//! use async_trait::async_trait;
//! use sealpost_carrier::{Carrier, InProcess, Inbox, conformance};
//! use sealpost_context::AgentId;
//!
//! #[derive(Debug)]
//! struct Fixture(Arc<InProcess>);
//!
//! #[async_trait]
//! impl conformance::Fixture for Fixture {
//!     fn carrier(&self) -> Arc<dyn Carrier> {
//!         self.0.clone()
//!     }
//!
//!     async fn connect(&self, agent: &AgentId) -> Box<dyn Inbox> {
//!         Box::new(self.0.register(agent.clone()).expect("no other inbox is open"))
//!     }
//! }
//!
//! # #[tokio::main]
//! # async fn main() {
//! conformance::run(&Fixture(Arc::new(InProcess::new(64)))).await;
//! # }
//! ```
#![allow(clippy::missing_panics_doc)] // each case is a test

mod endings;
mod exchange;

use std::{fmt, pin::Pin, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use sealpost_context::AgentId;
use tokio::time::{Instant, timeout};

use crate::{Carrier, CarrierError, Delivery, Inbox, any_answer};

/// A carrier under test, both ends of it.
#[async_trait]
pub trait Fixture: Send + Sync + fmt::Debug {
    /// Returns the gateway's end.
    fn carrier(&self) -> Arc<dyn Carrier>;

    /// Connects an agent, and waits until requests reach it. No two inboxes of one agent are open at a time.
    async fn connect(&self, agent: &AgentId) -> Box<dyn Inbox>;

    /// Cuts every connection, which the inboxes then make again by themselves. Returns whether there was one to cut.
    async fn cut(&self) -> bool {
        false
    }

    /// How far the carrier knows what happens at its other end.
    fn abilities(&self) -> Abilities {
        Abilities::default()
    }
}

/// How far a carrier knows what happens at its other end. The default is a carrier that knows everything, at once.
#[derive(Clone, Copy, Debug)]
pub struct Abilities {
    /// The agent is told that the asker has given up.
    pub tells_abandonment: bool,
    /// The asker is told that a delivery was dropped.
    pub tells_no_answer: bool,
    /// How long one end may take to learn what happened at the other.
    pub settles: Duration,
}

impl Default for Abilities {
    fn default() -> Self {
        Self {
            tells_abandonment: true,
            tells_no_answer: true,
            settles: Duration::from_millis(50),
        }
    }
}

/// Runs the whole suite.
pub async fn run(fixture: &dyn Fixture) {
    for (_, case) in CASES {
        case(fixture).await;
    }
}

/// One case, ready when it has passed.
pub type Case = for<'f> fn(&'f dyn Fixture) -> Pin<Box<dyn Future<Output = ()> + Send + 'f>>;

/// The names of the cases, and the cases.
pub const CASES: &[(&str, Case)] = &[
    ("delivers_a_message_and_its_answer", |f| {
        Box::pin(exchange::delivers_a_message_and_its_answer(f))
    }),
    ("carries_the_largest_and_refuses_more", |f| {
        Box::pin(exchange::carries_the_largest_and_refuses_more(f))
    }),
    ("delivers_to_the_named_agent", |f| {
        Box::pin(exchange::delivers_to_the_named_agent(f))
    }),
    ("keeps_many_exchanges_apart", |f| {
        Box::pin(exchange::keeps_many_exchanges_apart(f))
    }),
    ("loses_nothing_when_receiving_is_given_up", |f| {
        Box::pin(exchange::loses_nothing_when_receiving_is_given_up(f))
    }),
    ("returns_no_answer_that_the_judge_refuses", |f| {
        Box::pin(exchange::returns_no_answer_that_the_judge_refuses(f))
    }),
    ("passes_the_deadline_on", |f| {
        Box::pin(exchange::passes_the_deadline_on(f))
    }),
    ("finds_an_agent_offline", |f| {
        Box::pin(endings::finds_an_agent_offline(f))
    }),
    ("gives_up_at_the_deadline", |f| {
        Box::pin(endings::gives_up_at_the_deadline(f))
    }),
    ("tells_the_agent_that_the_asker_gave_up", |f| {
        Box::pin(endings::tells_the_agent_that_the_asker_gave_up(f))
    }),
    ("gives_a_late_answer_to_no_other_request", |f| {
        Box::pin(endings::gives_a_late_answer_to_no_other_request(f))
    }),
    ("tells_the_asker_that_a_delivery_was_dropped", |f| {
        Box::pin(endings::tells_the_asker_that_a_delivery_was_dropped(f))
    }),
    ("closes_and_finishes_what_arrived", |f| {
        Box::pin(endings::closes_and_finishes_what_arrived(f))
    }),
    ("connects_again_after_a_cut", |f| {
        Box::pin(endings::connects_again_after_a_cut(f))
    }),
];

/// The agent that most cases use.
fn agent() -> AgentId {
    named("conformance-1")
}

fn named(id: &str) -> AgentId {
    id.parse().expect("an agent id")
}

async fn ask(fixture: &dyn Fixture, message: Bytes) -> Result<Bytes, CarrierError> {
    ask_within(fixture, &agent(), message, LONG).await
}

async fn ask_within(
    fixture: &dyn Fixture,
    agent: &AgentId,
    message: Bytes,
    limit: Duration,
) -> Result<Bytes, CarrierError> {
    let carrier = fixture.carrier();
    let mut judge = any_answer;
    let asking = carrier.request(agent, message, Instant::now() + limit, &mut judge);
    let slack = fixture.abilities().settles + SLACK;
    match timeout(limit + slack, asking).await {
        Ok(answer) => answer,
        Err(_) => panic!("the request did not end within {slack:?} after its deadline"),
    }
}

async fn receive(inbox: &mut dyn Inbox) -> Delivery {
    let received = timeout(LONG, inbox.receive()).await;
    let received = received.expect("a message arrives");
    received.expect("the inbox is open")
}

/// Waits until something is so, for as long as the carrier may take to notice.
async fn settles(fixture: &dyn Fixture, what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + fixture.abilities().settles + SLACK;
    while !is_so() {
        assert!(Instant::now() < end, "{what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// More than any step of a case takes.
const LONG: Duration = Duration::from_secs(10);
/// The deadline of requests that are not answered.
const SHORT: Duration = Duration::from_millis(200);
/// What a loaded machine may add.
const SLACK: Duration = Duration::from_secs(1);
