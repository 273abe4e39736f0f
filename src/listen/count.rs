//! How many connections are open, in total and of one address?

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Shared counters. Cheap to clone.
#[derive(Clone)]
pub struct Counts {
    room: Arc<Semaphore>,
    total: usize,
    by_address: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// An open connection; counted until dropped.
pub struct Connected {
    address: IpAddr,
    by_address: Arc<Mutex<HashMap<IpAddr, usize>>>,
    _room: OwnedSemaphorePermit,
}

impl Counts {
    #[must_use]
    pub fn new(total: usize) -> Self {
        let total = total.min(Semaphore::MAX_PERMITS);
        Self {
            room: Arc::new(Semaphore::new(total)),
            total,
            by_address: Arc::default(),
        }
    }

    /// How many are open now.
    #[must_use]
    pub fn open(&self) -> usize {
        self.by_address.lock().values().sum()
    }

    /// The bound that [`Counts::open`] stays under.
    #[must_use]
    pub const fn total(&self) -> usize {
        self.total
    }

    /// Waits until one more may come in.
    pub(super) async fn room(&self) -> OwnedSemaphorePermit {
        self.room
            .clone()
            .acquire_owned()
            .await
            .expect("the semaphore is never closed")
    }

    /// Counts a connection, unless its address has `bound` already.
    pub(super) fn enter(
        &self,
        address: IpAddr,
        bound: usize,
        room: OwnedSemaphorePermit,
    ) -> Option<Connected> {
        let address = whole_home(address);
        let mut counts = self.by_address.lock();
        let count = counts.entry(address).or_insert(0);
        if *count >= bound {
            return None;
        }
        *count += 1;
        Some(Connected {
            address,
            by_address: self.by_address.clone(),
            _room: room,
        })
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        let mut counts = self.by_address.lock();
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

/// An IPv6 subscriber has a whole /64: its addresses count as one.
fn whole_home(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        v4 @ IpAddr::V4(_) => v4,
    }
}
