//! Is one network guessing? A bucket of failed sign-ins per network (IPv4 /24, IPv6 /56), in memory.
//!
//! Accounts have their own delays in the database; this one stops a single place from trying one password on every
//! account. A sign-in that succeeds costs nothing, so an office behind one address is not locked out by its own people.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use domain::views::UnixMs;
use parking_lot::Mutex;

/// One failure is forgiven every two seconds …
const REFILL_MS: i64 = 2_000;
/// … and this many may come at once.
const BURST: i64 = 30;
/// Networks remembered at most. When all of them are guessing, newcomers share one bucket: memory stays bounded.
const MOST_NETWORKS: usize = 20_000;

/// The first bytes of an address: which network it is in. Version 4 and 6 cannot collide.
pub(super) type Network = [u8; 8];
pub(super) const SHARED: Network = [0xff; 8];

/// GCRA: per network the time at which its bucket will be full again.
#[derive(Default)]
pub(super) struct Gate(Mutex<HashMap<Network, UnixMs>>);

impl Gate {
    /// Counts a try. `Err` says how long this network has to wait.
    pub(super) fn enter(&self, from: IpAddr, now: UnixMs) -> Result<(), Duration> {
        let mut buckets = self.0.lock();
        let mut network = network(from);
        if buckets.len() >= MOST_NETWORKS && !buckets.contains_key(&network) {
            buckets.retain(|_, full_at| *full_at > now);
            if buckets.len() >= MOST_NETWORKS {
                network = SHARED;
            }
        }
        let full_at = buckets
            .get(&network)
            .map_or(now, |&full_at| full_at.max(now))
            .saturating_add(REFILL_MS);
        let over = full_at - now - BURST * REFILL_MS;
        if over > 0 {
            return Err(Duration::from_millis(over.unsigned_abs()));
        }
        buckets.insert(network, full_at);
        Ok(())
    }

    /// Takes a try back: it succeeded, or was never made.
    pub(super) fn forgive(&self, from: IpAddr) {
        let mut buckets = self.0.lock();
        let network = network(from);
        let network = if buckets.contains_key(&network) {
            network
        } else {
            SHARED
        };
        if let Some(full_at) = buckets.get_mut(&network) {
            *full_at -= REFILL_MS;
        }
    }
}

pub(super) fn network(from: IpAddr) -> Network {
    let mut network = Network::default();
    match from.to_canonical() {
        IpAddr::V4(v4) => {
            network[0] = 4;
            network[1..4].copy_from_slice(&v4.octets()[..3]);
        }
        IpAddr::V6(v6) => {
            network[0] = 6;
            network[1..].copy_from_slice(&v6.octets()[..7]);
        }
    }
    network
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_network_has_a_burst_and_then_waits() {
        let gate = Gate::default();
        for host in 0..30 {
            assert_eq!(gate.enter(ip(&format!("203.0.113.{host}")), 1_000), Ok(()));
        }
        assert_eq!(
            gate.enter(ip("203.0.113.200"), 1_000),
            Err(Duration::from_secs(2))
        );
        assert_eq!(
            gate.enter(ip("::ffff:203.0.113.1"), 1_000),
            Err(Duration::from_secs(2)),
            "the same network, mapped"
        );
        assert_eq!(
            gate.enter(ip("203.0.114.1"), 1_000),
            Ok(()),
            "another network"
        );
        assert_eq!(
            gate.enter(ip("203.0.113.200"), 3_000),
            Ok(()),
            "one is forgiven every two seconds"
        );
        assert_eq!(
            gate.enter(ip("203.0.113.200"), 3_000),
            Err(Duration::from_secs(2))
        );
    }

    #[test]
    fn neighbours_in_a_56_share_a_bucket() {
        let gate = Gate::default();
        for _ in 0..30 {
            assert_eq!(gate.enter(ip("2001:db8:0:1200::1"), 0), Ok(()));
        }
        assert!(gate.enter(ip("2001:db8:0:12ff::1"), 0).is_err());
        assert_eq!(gate.enter(ip("2001:db8:0:1300::1"), 0), Ok(()));
    }

    #[test]
    fn successes_are_free() {
        let gate = Gate::default();
        for _ in 0..1_000 {
            assert_eq!(gate.enter(ip("192.0.2.1"), 0), Ok(()));
            gate.forgive(ip("192.0.2.1"));
        }
    }

    #[test]
    fn memory_is_bounded() {
        let gate = Gate::default();
        for number in 0..30_000_u32 {
            let _ = gate.enter(IpAddr::from(std::net::Ipv4Addr::from(number << 8)), 0);
        }
        assert!(gate.0.lock().len() <= MOST_NETWORKS + 1);
        assert!(
            gate.enter(ip("198.51.100.1"), 0).is_err(),
            "newcomers share one bucket, and it is empty"
        );
        assert_eq!(
            gate.enter(ip("198.51.100.1"), 10_000),
            Ok(()),
            "old buckets make room"
        );
    }
}
