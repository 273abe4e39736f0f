//! How many mails may somebody make us send? Sign-ups and wishes for links, by network, by address and in all, in memory.
//!
//! Buckets that refill steadily (GCRA). A network is an IPv4 /24 or an IPv6 /56: the least that one customer of a
//! provider gets; loopback is none: it is the operator's own machine, or a proxy behind which nobody can be told from
//! another. An address has a bucket whether or not an account has it, so that the bucket tells nothing.

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use super::gate::{Network, SHARED, network};
use crate::clock::Clock;

/// From one network: twenty at once, then one a minute.
pub(super) const NETWORK: (u32, Duration) = (20, Duration::from_secs(60));
/// To one address: three at once, then one every five minutes.
pub(super) const ADDRESS: (u32, Duration) = (3, Duration::from_secs(300));
/// In all: two hundred at once, then two a second. More than this is no rush of customers.
pub(super) const ALL: (u32, Duration) = (200, Duration::from_millis(500));
/// Buckets remembered at most; beyond, newcomers share one.
const MOST: usize = 20_000;

/// Whose mailbox is meant: a keyed hash.
pub(super) type Address = [u8; 32];
type Keyed<K> = RateLimiter<K, DashMapStateStore<K>, Time, NoOpMiddleware<Duration>>;
type Single = RateLimiter<NotKeyed, InMemoryState, Time, NoOpMiddleware<Duration>>;

/// Our clock, as governor reads it.
#[derive(Clone)]
struct Time(Clock);

impl governor::clock::Clock for Time {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::from_millis(self.0.now_ms().unsigned_abs())
    }
}

pub(super) struct Limits {
    time: Time,
    networks: Keyed<Network>,
    addresses: Keyed<Address>,
    all: Single,
}

impl Limits {
    pub(super) fn new(clock: Clock) -> Self {
        let time = Time(clock);
        Self {
            networks: RateLimiter::dashmap_with_clock(quota(NETWORK), time.clone()),
            addresses: RateLimiter::dashmap_with_clock(quota(ADDRESS), time.clone()),
            all: RateLimiter::direct_with_clock(quota(ALL), time.clone()),
            time,
        }
    }

    /// Counts a wish. `Err` says how long to wait.
    pub(super) fn enter(&self, from: Option<IpAddr>, address: Address) -> Result<(), Duration> {
        if let Some(from) = from.filter(|from| !from.to_canonical().is_loopback()) {
            self.check(&self.networks, network(from), SHARED)?;
        }
        self.check(&self.addresses, address, [0xff; 32])?;
        let all = self.all.check();
        all.map_err(|until| until.wait_time_from(self.time.now()))
    }

    fn check<K: Hash + Eq + Clone>(
        &self,
        buckets: &Keyed<K>,
        key: K,
        shared: K,
    ) -> Result<(), Duration> {
        if buckets.len() >= MOST {
            buckets.retain_recent();
        }
        let key = if buckets.len() >= MOST { shared } else { key };
        buckets
            .check_key(&key)
            .map_err(|until| until.wait_time_from(self.time.now()))
    }
}

fn quota((burst, period): (u32, Duration)) -> Quota {
    let burst = NonZeroU32::new(burst).expect("the bursts are constants above zero");
    Quota::with_period(period)
        .expect("the periods are constants above zero")
        .allow_burst(burst)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: Address = [1; 32];

    fn ip(text: &str) -> Option<IpAddr> {
        Some(text.parse().expect("an address"))
    }

    fn other(number: u32) -> Address {
        let mut address = [2; 32];
        address[..4].copy_from_slice(&number.to_be_bytes());
        address
    }

    #[test]
    fn an_address_a_network_and_everybody_have_a_bucket_each() {
        let clock = Clock::fixed(1_790_000_000_000);
        let limits = Limits::new(clock.clone());
        for host in 1..=3 {
            assert_eq!(limits.enter(ip(&format!("192.0.{host}.1")), ANN), Ok(()));
        }
        assert_eq!(limits.enter(ip("192.0.9.1"), ANN), Err(ADDRESS.1));
        clock.advance(300_000);
        assert_eq!(limits.enter(ip("192.0.9.1"), ANN), Ok(()));

        for number in 0..20 {
            assert_eq!(
                limits.enter(ip(&format!("2001:db8:0:12{number:02x}::1")), other(number)),
                Ok(())
            );
        }
        let neighbour = limits.enter(ip("2001:db8:0:12ff::9"), other(99));
        assert_eq!(neighbour, Err(NETWORK.1));
        assert_eq!(limits.enter(ip("2001:db8:0:1300::1"), other(99)), Ok(()));

        for number in 0..25 {
            assert_eq!(limits.enter(ip("127.0.0.1"), other(500 + number)), Ok(()));
        }
        let crowd = (0..).find(|number| {
            let [_, _, a, b] = u32::to_be_bytes(*number);
            let wait = limits.enter(ip(&format!("198.{a}.{b}.1")), other(1_000 + number));
            wait == Err(ALL.1)
        });
        assert!(
            crowd.is_some_and(|crowd| (120..=200).contains(&crowd)),
            "{crowd:?}"
        );
    }

    #[test]
    fn memory_is_bounded() {
        let limits = Limits::new(Clock::fixed(1_790_000_000_000));
        for number in 0..60_000_u32 {
            let from = std::net::Ipv4Addr::from(number << 8);
            let _ = limits.enter(Some(from.into()), ANN);
        }
        assert!(limits.networks.len() <= MOST + 1);
    }
}
