//! A carrier with a fault: the one within a process, and something around it that does one thing wrong.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use sealpost_carrier::{
    Carrier, CarrierError, Delivery, InProcess, InProcessInbox, Inbox, InboxError, Judge,
    MAX_MESSAGE, RespondError, Responder, any_answer, conformance::Fixture,
};
use sealpost_context::AgentId;
use tokio::time::{Instant, sleep};

/// What a carrier does wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fault {
    ChangesMessages,
    ChangesAnswers,
    CutsLongMessages,
    TakesAnyLength,
    DeliversToAnyAgent,
    OneAtATime,
    MixesAnswers,
    LosesWhenGivenUp,
    IgnoresTheJudge,
    InventsDeadlines,
    WaitsForOfflineAgents,
    ForgetsTheDeadline,
    GivesUpEarly,
    HidesAbandonment,
    SwallowsLateAnswers,
    HidesDrops,
    NeverCloses,
    ForgetsAtClose,
    NeverEnds,
    StaysCut,
}

/// Both ends of a carrier with a fault.
#[derive(Debug)]
pub(crate) struct Broken(Arc<Faulty>);

#[derive(Debug)]
struct Faulty {
    fault: Option<Fault>,
    inner: InProcess,
    /// The first agent that connected.
    first: Mutex<Option<AgentId>>,
    is_cut: AtomicBool,
    /// Deliveries that are never dropped.
    kept: Mutex<Vec<Delivery>>,
    /// The last answer, which the next request gets.
    last: Mutex<Option<Bytes>>,
    one: tokio::sync::Mutex<()>,
}

impl Broken {
    pub(crate) fn new(fault: Option<Fault>) -> Self {
        Self(Arc::new(Faulty {
            fault,
            inner: InProcess::new(64),
            first: Mutex::default(),
            is_cut: AtomicBool::new(false),
            kept: Mutex::default(),
            last: Mutex::default(),
            one: tokio::sync::Mutex::default(),
        }))
    }
}

#[async_trait]
impl Fixture for Broken {
    fn carrier(&self) -> Arc<dyn Carrier> {
        self.0.clone()
    }

    async fn connect(&self, agent: &AgentId) -> Box<dyn Inbox> {
        let mut first = self.0.first.lock().unwrap();
        first.get_or_insert_with(|| *agent);
        Box::new(FaultyInbox {
            inner: self.0.inner.register(*agent).unwrap(),
            carrier: Arc::clone(&self.0),
            is_closed: false,
        })
    }

    async fn cut(&self) -> bool {
        self.0.is_cut.store(true, Ordering::SeqCst);
        true
    }
}

impl Faulty {
    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }
}

#[async_trait]
impl Carrier for Faulty {
    async fn request(
        &self,
        agent: &AgentId,
        message: Bytes,
        deadline: Instant,
        judge: &mut Judge<'_>,
    ) -> Result<Bytes, CarrierError> {
        if self.has(Fault::StaysCut) && self.is_cut.load(Ordering::SeqCst) {
            return Err(CarrierError::Offline);
        }
        let _one = match self.fault {
            Some(Fault::OneAtATime) => Some(self.one.lock().await),
            _ => None,
        };
        let mut message = message;
        let mut agent = *agent;
        let mut deadline = deadline;
        match self.fault {
            Some(Fault::ChangesMessages) => message = changed(&message),
            Some(Fault::CutsLongMessages) => message.truncate(1 << 16),
            Some(Fault::TakesAnyLength) => message.truncate(MAX_MESSAGE),
            Some(Fault::DeliversToAnyAgent) => {
                agent = (*self.first.lock().unwrap()).unwrap_or(agent);
            }
            Some(Fault::ForgetsTheDeadline) => deadline += Duration::from_secs(3600),
            Some(Fault::GivesUpEarly) => deadline -= Duration::from_millis(100),
            _ => {}
        }
        if self.has(Fault::IgnoresTheJudge) {
            let mut any = any_answer;
            return self
                .inner
                .request(&agent, message, deadline, &mut any)
                .await;
        }
        let answer = self.inner.request(&agent, message, deadline, judge).await;
        match answer {
            Err(CarrierError::Offline) if self.has(Fault::WaitsForOfflineAgents) => {
                tokio::time::sleep_until(deadline).await;
                Err(CarrierError::DeadlineExceeded)
            }
            Ok(answer) if self.has(Fault::ChangesAnswers) => Ok(changed(&answer)),
            Ok(answer) if self.has(Fault::MixesAnswers) => {
                let last = self.last.lock().unwrap().replace(answer);
                Ok(last.unwrap_or_default())
            }
            answer => answer,
        }
    }
}

fn changed(bytes: &Bytes) -> Bytes {
    let mut bytes = bytes.to_vec();
    match bytes.last_mut() {
        Some(last) => *last ^= 1,
        None => bytes.push(0),
    }
    bytes.into()
}

#[derive(Debug)]
struct FaultyInbox {
    inner: InProcessInbox,
    carrier: Arc<Faulty>,
    is_closed: bool,
}

#[async_trait]
impl Inbox for FaultyInbox {
    async fn receive(&mut self) -> Result<Delivery, InboxError> {
        let carrier = Arc::clone(&self.carrier);
        if self.is_closed && carrier.has(Fault::ForgetsAtClose) {
            return Err(InboxError::Closed);
        }
        let delivery = match self.inner.receive().await {
            Err(InboxError::Closed) if carrier.has(Fault::NeverEnds) => {
                std::future::pending().await
            }
            received => received?,
        };
        if carrier.has(Fault::LosesWhenGivenUp) {
            // What has been taken is dropped with the future.
            sleep(Duration::from_millis(5)).await;
        }
        let deadline = match carrier.fault {
            Some(Fault::InventsDeadlines) => Instant::now() + Duration::from_secs(30),
            _ => delivery.deadline(),
        };
        let (message, inner) = (delivery.message().clone(), Some(delivery));
        Ok(Delivery::new(message, deadline, Around { inner, carrier }))
    }

    async fn close(&mut self) {
        self.is_closed = true;
        if !self.carrier.has(Fault::NeverCloses) {
            self.inner.close().await;
        }
    }
}

/// The responder of a delivery, with the fault.
#[derive(Debug)]
struct Around {
    inner: Option<Delivery>,
    carrier: Arc<Faulty>,
}

#[async_trait]
impl Responder for Around {
    async fn respond(mut self: Box<Self>, answer: Bytes) -> Result<(), RespondError> {
        let inner = self.inner.take().unwrap();
        let responded = inner.respond(answer).await;
        if self.carrier.has(Fault::SwallowsLateAnswers) {
            return Ok(());
        }
        responded
    }

    fn is_abandoned(&self) -> bool {
        let inner = self.inner.as_ref();
        !self.carrier.has(Fault::HidesAbandonment) && inner.is_some_and(Delivery::is_abandoned)
    }
}

impl Drop for Around {
    fn drop(&mut self) {
        if let Some(delivery) = self.inner.take()
            && self.carrier.has(Fault::HidesDrops)
        {
            self.carrier.kept.lock().unwrap().push(delivery);
        }
    }
}
