//! The places for connections: so many in all, and so many for each address. When they run short, the connection that
//! has waited longest makes room.
//!
//! A connection waits from when it is accepted, or its last request was answered, until all of the next request is here:
//! through a TLS handshake, headers that come byte by byte, and a slow body. The bytes that it sends meanwhile change
//! nothing, or trickling would keep a place; only the end of a request's headers makes it the last one that waits, once a request:
//! a caller that was silent before is not closed in the middle of its body, and a body that never comes gains no more than a
//! new connection would. A request whose body is complete is worked on, and keeps its place.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    sync::{Notify, oneshot},
    time::Instant,
};

use crate::{
    limits::{Limits, MOST_LEAVING},
    metrics::Metrics,
};

/// The places of one listener.
#[derive(Clone, Debug)]
pub(super) struct ConnectionSlots(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    most: usize,
    most_per_address: usize,
    /// How long a connection may wait while places are short.
    short_wait: Duration,
    table: Mutex<Table>,
    /// A place was left, or a connection has begun to wait.
    changed: Notify,
    metrics: Option<Arc<Metrics>>,
}

#[derive(Debug, Default)]
struct Table {
    open: usize,
    /// Connections that have lost their place and whose sockets are not closed yet.
    leaving: usize,
    /// The waiting ones, in the order in which they began.
    waiting: BTreeMap<u64, Arc<Connection>>,
    addresses: HashMap<IpAddr, Address>,
    next_turn: u64,
}

/// What one address has.
#[derive(Debug, Default)]
struct Address {
    open: usize,
    waiting: BTreeSet<u64>,
}

#[derive(Debug)]
struct Connection {
    address: IpAddr,
    /// Changed under the lock of the table.
    state: Mutex<State>,
    /// Requests that were answered.
    answered: AtomicU64,
}

#[derive(Debug)]
enum State {
    Waiting {
        turn: u64,
        since: Instant,
        leave: oneshot::Sender<()>,
    },
    Working {
        leave: oneshot::Sender<()>,
    },
    /// It has no place any more.
    Leaving,
}

/// The place of one connection; freed when dropped.
#[derive(Debug)]
pub(super) struct ConnectionSlot {
    activity: Activity,
    leave: oneshot::Receiver<()>,
}

/// Says what a connection does.
#[derive(Clone, Debug)]
pub(super) struct Activity {
    shared: Arc<Shared>,
    connection: Arc<Connection>,
}

impl ConnectionSlots {
    pub(super) fn new(limits: &Limits, metrics: Option<Arc<Metrics>>) -> Self {
        Self(Arc::new(Shared {
            most: limits.connections,
            most_per_address: limits.connections_per_address,
            short_wait: limits.header_timeout / 4,
            table: Mutex::default(),
            changed: Notify::new(),
            metrics,
        }))
    }

    /// Waits until there is a place or a connection that can leave one. Until then others stay in the listener's queue.
    pub(super) async fn room(&self) {
        loop {
            let changed = self.0.changed.notified();
            {
                let table = self.0.table.lock();
                let is_free = table.open < self.0.most || !table.waiting.is_empty();
                if is_free && table.leaving < MOST_LEAVING {
                    return;
                }
            }
            changed.await;
        }
    }

    /// Gives a place to a connection from this address. Returns `None` if its address, or all of them, have too many
    /// that are worked on.
    pub(super) fn assign(&self, address: IpAddr) -> Option<ConnectionSlot> {
        let slot = self.0.assign(network(address));
        if let Some(metrics) = &self.0.metrics {
            match slot {
                Some(_) => metrics.connection_opened(),
                None => metrics.connection_refused(),
            }
        }
        let (connection, leave) = slot?;
        Some(ConnectionSlot {
            activity: Activity {
                shared: Arc::clone(&self.0),
                connection,
            },
            leave,
        })
    }
}

impl Shared {
    fn assign(&self, address: IpAddr) -> Option<(Arc<Connection>, oneshot::Receiver<()>)> {
        let mut table = self.table.lock();
        let mut displaced = 0;
        if table.open >= self.most - self.most / 4 {
            while let Some((turn, connection)) = table.longest_waiting()
                && connection.waits_since().elapsed() > self.short_wait
            {
                table.displace(turn);
                displaced += 1;
            }
        }
        let of_address = table.addresses.entry(address).or_default();
        let mut is_refused = false;
        if of_address.open >= self.most_per_address {
            let longest = of_address.waiting.first().copied();
            is_refused = longest.is_none_or(|turn| !table.displace(turn));
            displaced += usize::from(!is_refused);
        }
        if !is_refused && table.open >= self.most {
            let longest = table.longest_waiting().map(|(turn, _)| turn);
            is_refused = longest.is_none_or(|turn| !table.displace(turn));
            displaced += usize::from(!is_refused);
        }
        if let Some(metrics) = &self.metrics {
            metrics.connections_displaced(displaced);
        }
        if is_refused {
            table.forget_unused(address);
            return None;
        }
        let (leave, told) = oneshot::channel();
        let connection = Arc::new(Connection {
            address,
            state: Mutex::new(State::Working { leave }),
            answered: AtomicU64::new(0),
        });
        table.open += 1;
        table.addresses.entry(address).or_default().open += 1;
        table.wait(&connection);
        Some((connection, told))
    }
}

impl Table {
    fn longest_waiting(&self) -> Option<(u64, &Arc<Connection>)> {
        let (turn, connection) = self.waiting.first_key_value()?;
        Some((*turn, connection))
    }

    /// Has a connection wait as the last one.
    fn wait(&mut self, connection: &Arc<Connection>) {
        let mut state = connection.state.lock();
        self.next_turn += 1;
        let turn = self.next_turn;
        let since = Instant::now();
        let (before, leave) = match std::mem::replace(&mut *state, State::Leaving) {
            State::Waiting { turn, leave, .. } => (Some(turn), leave),
            State::Working { leave } => (None, leave),
            State::Leaving => return,
        };
        *state = State::Waiting { turn, since, leave };
        if let Some(before) = before {
            self.stop_waiting(before, connection.address);
        }
        self.waiting.insert(turn, Arc::clone(connection));
        if let Some(address) = self.addresses.get_mut(&connection.address) {
            address.waiting.insert(turn);
        }
    }

    fn stop_waiting(&mut self, turn: u64, address: IpAddr) {
        self.waiting.remove(&turn);
        if let Some(address) = self.addresses.get_mut(&address) {
            address.waiting.remove(&turn);
        }
    }

    /// Takes the place of a connection that waits, and has it leave. Returns whether there was one.
    fn displace(&mut self, turn: u64) -> bool {
        let Some(connection) = self.waiting.get(&turn).map(Arc::clone) else {
            return false;
        };
        let mut state = connection.state.lock();
        if let State::Waiting { leave, .. } = std::mem::replace(&mut *state, State::Leaving) {
            // It may be about to end by itself.
            let _ = leave.send(());
        }
        self.leaving += 1;
        self.stop_waiting(turn, connection.address);
        self.leave_place(connection.address);
        true
    }

    fn leave_place(&mut self, address: IpAddr) {
        self.open -= 1;
        if let Some(of_address) = self.addresses.get_mut(&address) {
            of_address.open -= 1;
        }
        self.forget_unused(address);
    }

    fn forget_unused(&mut self, address: IpAddr) {
        if self.addresses.get(&address).is_some_and(|a| a.open == 0) {
            self.addresses.remove(&address);
        }
    }
}

impl Connection {
    fn waits_since(&self) -> Instant {
        match &*self.state.lock() {
            State::Waiting { since, .. } => *since,
            State::Working { .. } | State::Leaving => Instant::now(),
        }
    }
}

impl ConnectionSlot {
    pub(super) fn activity(&self) -> Activity {
        self.activity.clone()
    }

    /// Waits until the connection has to leave.
    pub(super) async fn displaced(&mut self) {
        // The sender lives as long as this slot, unless it was used.
        let _ = (&mut self.leave).await;
    }
}

impl Activity {
    /// A request's headers are here, and its body is awaited. Returns whether the connection still has its place.
    pub(super) fn receiving(&self) -> bool {
        self.shared.table.lock().wait(&self.connection);
        !matches!(*self.connection.state.lock(), State::Leaving)
    }

    /// A request is here as a whole. Returns whether the connection still has its place, which it now keeps until it
    /// [waits](Self::waiting): if not, the request must not be carried out.
    pub(super) fn working(&self) -> bool {
        self.work(&mut self.shared.table.lock())
    }

    /// The rest of this request is here. As [`working`](Self::working), unless it was answered before: then it says nothing of
    /// the connection, which may wait for long.
    pub(super) fn received(&self, request: u64) -> bool {
        let mut table = self.shared.table.lock();
        self.request() != request || self.work(&mut table)
    }

    /// Returns the number of the request that is under way, or is next.
    pub(super) fn request(&self) -> u64 {
        self.connection.answered.load(Ordering::Relaxed)
    }

    fn work(&self, table: &mut Table) -> bool {
        let mut state = self.connection.state.lock();
        match std::mem::replace(&mut *state, State::Leaving) {
            State::Waiting { turn, leave, .. } => {
                *state = State::Working { leave };
                table.stop_waiting(turn, self.connection.address);
                true
            }
            State::Working { leave } => {
                *state = State::Working { leave };
                true
            }
            State::Leaving => false,
        }
    }

    /// The request was answered.
    pub(super) fn waiting(&self) {
        let mut table = self.shared.table.lock();
        // It changes under the table's lock alone.
        self.connection.answered.fetch_add(1, Ordering::Relaxed);
        table.wait(&self.connection);
        drop(table);
        self.shared.changed.notify_one();
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        let Activity { shared, connection } = &self.activity;
        let mut table = shared.table.lock();
        let state = std::mem::replace(&mut *connection.state.lock(), State::Leaving);
        match state {
            State::Waiting { turn, .. } => {
                table.stop_waiting(turn, connection.address);
                table.leave_place(connection.address);
            }
            State::Working { .. } => table.leave_place(connection.address),
            State::Leaving => table.leaving -= 1,
        }
        drop(table);
        shared.changed.notify_one();
        if let Some(metrics) = &shared.metrics {
            metrics.connection_closed();
        }
    }
}

/// Returns what counts as one client: an IPv4 address, or the first 64 bits of an IPv6 address.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests;
