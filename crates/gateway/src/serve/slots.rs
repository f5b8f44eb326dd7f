//! Limits how many connections are open: in all, and for each address.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
};

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{limits::Limits, metrics::Metrics};

/// The slots of one listener.
#[derive(Debug)]
pub(super) struct ConnectionSlots {
    all: Arc<Semaphore>,
    per_address: usize,
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
    metrics: Option<Arc<Metrics>>,
}

/// The slot of one connection; freed when dropped.
#[derive(Debug)]
pub(super) struct ConnectionSlot {
    address: IpAddr,
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
    metrics: Option<Arc<Metrics>>,
    _one_of_all: Option<OwnedSemaphorePermit>,
}

impl ConnectionSlots {
    pub(super) fn new(limits: &Limits, metrics: Option<Arc<Metrics>>) -> Self {
        Self {
            all: Arc::new(Semaphore::new(limits.connections)),
            per_address: limits.connections_per_address,
            taken: Arc::default(),
            metrics,
        }
    }

    /// Waits until there is room for a connection.
    pub(super) async fn room(&self) -> Option<OwnedSemaphorePermit> {
        // It is never closed, which would be the only error.
        Arc::clone(&self.all).acquire_owned().await.ok()
    }

    /// Gives the room to a connection from this address. Returns `None` if the address has too many.
    pub(super) fn assign(
        &self,
        room: Option<OwnedSemaphorePermit>,
        address: IpAddr,
    ) -> Option<ConnectionSlot> {
        let address = network(address);
        let mut taken = self.taken.lock();
        let count = taken.entry(address).or_insert(0);
        if *count >= self.per_address {
            if let Some(metrics) = &self.metrics {
                metrics.connection_refused();
            }
            return None;
        }
        *count += 1;
        if let Some(metrics) = &self.metrics {
            metrics.connection_opened();
        }
        Some(ConnectionSlot {
            address,
            taken: Arc::clone(&self.taken),
            metrics: self.metrics.clone(),
            _one_of_all: room,
        })
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        let mut taken = self.taken.lock();
        if let Some(count) = taken.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.address);
            }
        }
        if let Some(metrics) = &self.metrics {
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
mod tests {
    use super::*;

    fn slots(connections: usize, per_address: usize) -> ConnectionSlots {
        let limits = Limits {
            connections,
            connections_per_address: per_address,
            ..Limits::default()
        };
        ConnectionSlots::new(&limits, None)
    }

    #[tokio::test]
    async fn an_address_has_so_many_and_leaves_room_for_others() {
        let slots = slots(9, 2);
        let give = async |address: &str| {
            let room = slots.room().await;
            slots.assign(room, address.parse().unwrap())
        };
        let first = give("192.0.2.1").await;
        let second = give("::ffff:192.0.2.1").await;
        assert!(first.is_some() && second.is_some());
        assert!(give("192.0.2.1").await.is_none());
        assert!(give("192.0.2.2").await.is_some());
        drop(first);
        assert!(give("192.0.2.1").await.is_some());

        let one = give("2001:db8::1").await;
        let two = give("2001:db8::2").await;
        assert!(one.is_some() && two.is_some());
        assert!(give("2001:db8::3").await.is_none());
        assert!(give("2001:db8:0:1::3").await.is_some());

        drop((one, two, second));
        assert!(slots.taken.lock().is_empty(), "nothing is left behind");
        assert_eq!(slots.all.available_permits(), 9);
    }
}
