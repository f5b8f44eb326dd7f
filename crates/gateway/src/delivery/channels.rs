//! The channels of this process: one to each agent, opened when it is needed, wiped by a timer.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use sealpost_channel::{
    ChannelId, SigningKey,
    gateway::{self, Answer, Channel, Clocks, Current, Destination, Dropped, OpenError, Place},
};
use sealpost_context::AgentId;
use sealpost_envelope::AwsLcRng;
use sealpost_protocol::Clock;
use sealpost_rest::ProblemType;
use tokio::{
    sync::Notify,
    task::spawn_blocking,
    time::{Instant, sleep, timeout_at},
};
use tracing::{debug, warn};

use crate::{directory::AgentEntry, metrics::Metrics, problem::Problem, rejection::Rejection};

/// The channels, and what opens them.
#[derive(Debug)]
pub(crate) struct Channels(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<gateway::Channels>,
    /// Notified whenever one was opened.
    opened: Notify,
    /// Whether a timer looks for what is to be wiped.
    is_watched: AtomicBool,
    clock: Arc<dyn Clock>,
    started: Instant,
    signing_key: SigningKey,
    longest_wait: Duration,
    metrics: Arc<Metrics>,
}

/// A channel that is about to be opened.
struct Opening {
    to: Arc<AgentEntry>,
    signed_requests: bool,
}

impl Channels {
    /// No request waits longer than `longest_wait`.
    pub(crate) fn new(
        clock: Arc<dyn Clock>,
        signing_key: SigningKey,
        longest_wait: Duration,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self(Arc::new(Shared {
            state: Mutex::default(),
            opened: Notify::new(),
            is_watched: AtomicBool::new(false),
            clock,
            started: Instant::now(),
            signing_key,
            longest_wait,
            metrics,
        }))
    }

    /// Sees to it that there is a channel to this agent.
    ///
    /// # Errors
    ///
    /// The answer: the certificate is not valid, or no channel could be opened before the deadline.
    pub(super) async fn ready(
        &self,
        entry: &Arc<AgentEntry>,
        deadline: Instant,
    ) -> Result<(), Problem> {
        self.current(entry, deadline).await.map(drop)
    }

    /// Takes a place in the channel to this agent for a request that waits until the deadline.
    ///
    /// # Errors
    ///
    /// Those of [`ready`](Self::ready).
    pub(super) async fn place(
        &self,
        entry: &Arc<AgentEntry>,
        deadline: Instant,
    ) -> Result<(Arc<Channel>, Place), Problem> {
        loop {
            let channel = self.current(entry, deadline).await?;
            let left = deadline.saturating_duration_since(Instant::now());
            // One that has no numbers left is not current any more.
            if let Ok(place) = channel.place(self.0.clock.now(), left) {
                return Ok((channel, place));
            }
        }
    }

    /// Draws the consequence of an answer.
    pub(super) fn answered(&self, agent: &AgentId, channel: ChannelId, answer: &Answer) {
        if let Answer::Refused(code) = answer {
            warn!(?code, "the agent refused the channel");
            self.0.metrics.channel_refused(*code);
        }
        self.0.state.lock().answered(agent, channel, answer);
    }

    /// Counts an answer that was none.
    pub(super) fn answer_dropped(&self, dropped: Dropped) {
        self.0.metrics.answer_dropped(dropped);
    }

    async fn current(
        &self,
        entry: &Arc<AgentEntry>,
        deadline: Instant,
    ) -> Result<Arc<Channel>, Problem> {
        let shared = &self.0;
        loop {
            // Of each request, as the channel may be older than the certificate is valid.
            entry.recipient(shared.clock.now()).map_err(|error| {
                warn!(%error, "agent certificate not valid");
                let violation = format!("agentId: {error}");
                Rejection::one(ProblemType::CertificateExpired, violation)
            })?;
            // Before the look, so that no opening goes unnoticed.
            let opened = shared.opened.notified();
            let key = entry.channel_entry();
            let current = shared.state.lock().current(*entry.id(), key, shared.now());
            let signed_requests = match current {
                Current::Use(channel) => return Ok(channel),
                Current::TooSoon => {
                    let pause = async {
                        tokio::select! {
                            () = opened => {}
                            () = sleep(PAUSE) => {}
                        }
                    };
                    let waited = timeout_at(deadline, pause).await;
                    waited.map_err(|_| Problem::overloaded())?;
                    continue;
                }
                Current::Open { signed_requests } => signed_requests,
            };
            let opening = Opening {
                to: Arc::clone(entry),
                signed_requests: signed_requests || entry.signed_requests(),
            };
            let shared = Arc::clone(shared);
            // Off the async threads. It ends, and serves others, whether or not this request still waits.
            return match spawn_blocking(move || shared.open(opening)).await {
                Ok(Ok(channel)) => Ok(channel),
                Ok(Err(error)) => Err(Problem::failed(error)),
                Err(stopped) => Err(Problem::failed(stopped)),
            };
        }
    }
}

/// Wipes what is over; returns whether the timer is needed on.
fn is_any_left(watched: &Weak<Shared>) -> bool {
    let Some(shared) = watched.upgrade() else {
        return false;
    };
    let mut state = shared.state.lock();
    state.wipe(shared.now());
    let is_any_left = state.are_any();
    // Beneath the lock: a channel that is installed after this finds it so.
    shared.is_watched.store(is_any_left, Ordering::SeqCst);
    is_any_left
}

impl Shared {
    fn now(&self) -> Clocks {
        Clocks {
            wall: self.clock.now(),
            monotonic: self.started.elapsed(),
        }
    }

    fn open(self: &Arc<Self>, opening: Opening) -> Result<Arc<Channel>, OpenError> {
        let (to, now) = (&*opening.to, self.now());
        let destination = Destination {
            agent: *to.id(),
            recipient: to.recipient(now.wall).map_err(|_| OpenError)?,
            signed_requests: opening.signed_requests,
            longest_wait: self.longest_wait,
        };
        let channel = Channel::open(&destination, &self.signing_key, now, &mut AwsLcRng)?;
        let channel = Arc::new(channel);
        debug!(agent = %to.id(), "channel opened");
        self.metrics.channel_opened();
        let mut state = self.state.lock();
        state.install(*to.id(), to.channel_entry(), Arc::clone(&channel));
        drop(state);
        self.opened.notify_waiters();
        self.watch();
        Ok(channel)
    }

    /// Has a timer wipe channels that take no more requests, for as long as there are any.
    fn watch(self: &Arc<Self>) {
        if self.is_watched.swap(true, Ordering::SeqCst) {
            return;
        }
        let watched = Arc::downgrade(self);
        tokio::spawn(async move {
            while is_any_left(&watched) {
                sleep(SECOND).await;
            }
        });
    }
}

/// How long a request waits before it looks again for a channel that another one opens.
const PAUSE: Duration = Duration::from_millis(50);
const SECOND: Duration = Duration::from_secs(1);
