//! Permits that are given in turns: each principal that waits gets one before another gets its second.
//!
//! One principal with many requests so delays another's by one permit, not by all of its requests.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    sync::oneshot,
    time::{Instant, timeout_at},
};

use crate::principal_id::PrincipalId;

/// So many permits.
#[derive(Clone, Debug)]
pub(crate) struct Turns(Arc<Mutex<State>>);

/// Permits that one request holds; returned when dropped.
#[derive(Debug)]
pub(crate) struct Permits {
    number: usize,
    principal: PrincipalId,
    /// `None` once they are returned.
    of: Option<Turns>,
}

#[derive(Debug)]
struct State {
    free: usize,
    /// The most that one principal holds at a time while no other sends requests.
    alone: usize,
    /// The same while others do.
    among_others: usize,
    others: Others,
    principals: HashMap<PrincipalId, Standing>,
    /// The principals that wait for nothing but a free permit, in the order of their turns.
    ring: VecDeque<PrincipalId>,
}

/// What one principal holds and waits for.
#[derive(Debug, Default)]
struct Standing {
    held: usize,
    waiting: VecDeque<Waiting>,
    is_in_ring: bool,
}

#[derive(Debug)]
struct Waiting {
    number: usize,
    give: oneshot::Sender<Permits>,
}

/// Whether more than one principal sends requests.
#[derive(Debug, Default)]
struct Others {
    last: Option<PrincipalId>,
    until: Option<Instant>,
}

impl Turns {
    /// Creates `number` permits, all of which one principal may hold.
    pub(crate) fn new(number: usize) -> Self {
        Self::with_shares(number, number, number)
    }

    /// Creates `number` permits, of which one principal holds at most `alone`, and at most `among_others` as long as
    /// others have sent requests within the last minute.
    pub(crate) fn with_shares(number: usize, alone: usize, among_others: usize) -> Self {
        Self(Arc::new(Mutex::new(State {
            free: number,
            alone,
            among_others,
            others: Others::default(),
            principals: HashMap::new(),
            ring: VecDeque::new(),
        })))
    }

    /// Waits for the principal's turn and takes `number` permits, which must not be more than there are. Returns `None` if
    /// they can't be had before the deadline. A caller that leaves takes none.
    pub(crate) async fn take(
        &self,
        principal: PrincipalId,
        number: usize,
        deadline: Instant,
    ) -> Option<Permits> {
        let given = {
            let mut state = self.0.lock();
            let now = Instant::now();
            state.others.note(principal, now);
            if state.take_at_once(principal, number, now) {
                return Some(self.permits(principal, number));
            }
            let (give, given) = oneshot::channel();
            state.wait(principal, Waiting { number, give });
            self.give(&mut state, now);
            given
        };
        timeout_at(deadline, given).await.ok()?.ok()
    }

    /// Returns whether no permit is taken or waited for.
    pub(crate) fn is_unused(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }

    fn permits(&self, principal: PrincipalId, number: usize) -> Permits {
        Permits {
            number,
            principal,
            of: Some(self.clone()),
        }
    }

    /// Gives free permits to those whose turn it is.
    fn give(&self, state: &mut State, now: Instant) {
        while let Some((principal, waiting)) = state.next(now) {
            let number = waiting.number;
            match waiting.give.send(self.permits(principal, number)) {
                Ok(()) => state.given(principal, number),
                // It has left meanwhile. The lock is held, so its permits can't return themselves.
                Err(mut permits) => permits.of = None,
            }
        }
    }
}

impl State {
    fn may_hold(&self, principal: PrincipalId, number: usize, now: Instant) -> bool {
        let share = match self.others.are_there(now) {
            true => self.among_others,
            false => self.alone,
        };
        let held = self.principals.get(&principal).map_or(0, |s| s.held);
        // One request always may: it can be larger than a share.
        held == 0 || held + number <= share
    }

    fn take_at_once(&mut self, principal: PrincipalId, number: usize, now: Instant) -> bool {
        let waits = |standing: &Standing| !standing.waiting.is_empty();
        let may = self.ring.is_empty()
            && !self.principals.get(&principal).is_some_and(waits)
            && number <= self.free
            && self.may_hold(principal, number, now);
        if may {
            self.free -= number;
            self.principals.entry(principal).or_default().held += number;
        }
        may
    }

    fn wait(&mut self, principal: PrincipalId, waiting: Waiting) {
        let standing = self.principals.entry(principal).or_default();
        if standing.waiting.len() == standing.waiting.capacity() {
            // Before it grows: those that have left.
            standing.waiting.retain(|w| !w.give.is_closed());
        }
        standing.waiting.push_back(waiting);
        self.enter_ring(principal);
    }

    fn enter_ring(&mut self, principal: PrincipalId) {
        if let Some(standing) = self.principals.get_mut(&principal)
            && !standing.waiting.is_empty()
            && !standing.is_in_ring
        {
            standing.is_in_ring = true;
            self.ring.push_back(principal);
        }
    }

    fn leave_ring(&mut self, principal: PrincipalId) {
        self.ring.pop_front();
        if let Some(standing) = self.principals.get_mut(&principal) {
            standing.is_in_ring = false;
            if standing.held == 0 && standing.waiting.is_empty() {
                self.principals.remove(&principal);
            }
        }
    }

    /// Takes out the request whose turn it is, if there are permits for it.
    fn next(&mut self, now: Instant) -> Option<(PrincipalId, Waiting)> {
        while let Some(principal) = self.ring.front().copied() {
            let standing = self.principals.get_mut(&principal)?;
            while standing.waiting.front().is_some_and(|w| w.give.is_closed()) {
                standing.waiting.pop_front();
            }
            let number = standing.waiting.front().map(|waiting| waiting.number);
            match number {
                Some(number) if self.may_hold(principal, number, now) => {
                    if number > self.free {
                        // Others don't overtake it, or a large one would wait for ever.
                        return None;
                    }
                    let standing = self.principals.get_mut(&principal)?;
                    return Some((principal, standing.waiting.pop_front()?));
                }
                // It comes back when it returns a permit, or asks for one.
                Some(_) | None => self.leave_ring(principal),
            }
        }
        None
    }

    /// The principal has had its turn.
    fn given(&mut self, principal: PrincipalId, number: usize) {
        self.free -= number;
        self.principals.entry(principal).or_default().held += number;
        self.leave_ring(principal);
        self.enter_ring(principal);
    }

    fn returned(&mut self, principal: PrincipalId, number: usize) {
        self.free += number;
        if let Some(standing) = self.principals.get_mut(&principal) {
            standing.held -= number;
            if standing.held == 0 && standing.waiting.is_empty() && !standing.is_in_ring {
                self.principals.remove(&principal);
            }
        }
        self.enter_ring(principal);
    }
}

impl Others {
    fn note(&mut self, principal: PrincipalId, now: Instant) {
        if self.last != Some(principal) {
            if self.last.is_some() {
                self.until = Some(now + MEMORY);
            }
            self.last = Some(principal);
        }
    }

    fn are_there(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| now < until)
    }
}

impl Drop for Permits {
    fn drop(&mut self) {
        if let Some(turns) = self.of.take() {
            let mut state = turns.0.lock();
            state.returned(self.principal, self.number);
            turns.give(&mut state, Instant::now());
        }
    }
}

/// How long a principal is remembered that sends nothing more.
const MEMORY: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests;
