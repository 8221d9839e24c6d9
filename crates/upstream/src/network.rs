//! Networks in CIDR notation.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A block of addresses: `10.0.0.0/8`, `fd00::/8`, `192.168.1.5/32`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network {
    first: IpAddr,
    prefix: u8,
}

/// Why a text is no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// Not `address/length`.
    #[error("a network is written address/length, like 10.0.0.0/8")]
    Form,
    /// A length beyond 32 or 128.
    #[error("the length is beyond the address's bits")]
    Length,
    /// `10.1.0.0/8`: one of the two is not what was meant.
    #[error("the address has bits set behind the length")]
    HostBits,
}

impl Network {
    /// Whether `address` lies in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.first, address) {
            (IpAddr::V4(first), IpAddr::V4(address)) => {
                let unused = 32 - u32::from(self.prefix);
                let differ = first.to_bits() ^ address.to_bits();
                differ.checked_shr(unused).unwrap_or(0) == 0
            }
            (IpAddr::V6(first), IpAddr::V6(address)) => {
                let unused = 128 - u32::from(self.prefix);
                let differ = first.to_bits() ^ address.to_bits();
                differ.checked_shr(unused).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = NetworkError;
    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (first, prefix) = text.split_once('/').ok_or(NetworkError::Form)?;
        let first: IpAddr = first.parse().map_err(|_| NetworkError::Form)?;
        if prefix.is_empty() || !prefix.bytes().all(|b| b.is_ascii_digit()) {
            return Err(NetworkError::Form);
        }
        let prefix: u8 = prefix.parse().map_err(|_| NetworkError::Length)?;
        let host_bits = match first {
            IpAddr::V4(_) if prefix > 32 => return Err(NetworkError::Length),
            IpAddr::V6(_) if prefix > 128 => return Err(NetworkError::Length),
            IpAddr::V4(v4) => v4.to_bits().checked_shl(prefix.into()).unwrap_or(0) != 0,
            IpAddr::V6(v6) => v6.to_bits().checked_shl(prefix.into()).unwrap_or(0) != 0,
        };
        if host_bits {
            return Err(NetworkError::HostBits);
        }
        Ok(Self { first, prefix })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.first, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_its_first_and_last_address_and_not_their_neighbours() {
        for (network, inside, outside) in [
            (
                "10.0.0.0/8",
                ["10.0.0.0", "10.255.255.255"],
                ["9.255.255.255", "11.0.0.0"],
            ),
            (
                "172.16.0.0/12",
                ["172.16.0.0", "172.31.255.255"],
                ["172.15.255.255", "172.32.0.0"],
            ),
            (
                "192.168.1.5/32",
                ["192.168.1.5", "192.168.1.5"],
                ["192.168.1.4", "192.168.1.6"],
            ),
            ("fd00::/8", ["fd00::", "fdff:ffff::1"], ["fc00::", "fe00::"]),
        ] {
            let network: Network = network.parse().unwrap();
            for address in inside {
                assert!(
                    network.contains(address.parse().unwrap()),
                    "{network} {address}"
                );
            }
            for address in outside {
                assert!(
                    !network.contains(address.parse().unwrap()),
                    "{network} {address}"
                );
            }
        }
    }

    #[test]
    fn the_whole_of_one_family_holds_nothing_of_the_other() {
        let v4: Network = "0.0.0.0/0".parse().unwrap();
        let v6: Network = "::/0".parse().unwrap();
        assert!(v4.contains("8.8.8.8".parse().unwrap()));
        assert!(!v4.contains("2001:4860::1".parse().unwrap()));
        assert!(v6.contains("2001:4860::1".parse().unwrap()));
        assert!(!v6.contains("8.8.8.8".parse().unwrap()));
    }

    #[test]
    fn networks_that_say_two_things_are_refused() {
        for (text, error) in [
            ("10.0.0.0", NetworkError::Form),
            ("10.0.0/8", NetworkError::Form),
            ("10.0.0.0/", NetworkError::Form),
            ("10.0.0.0/+8", NetworkError::Form),
            ("10.0.0.0/33", NetworkError::Length),
            ("10.0.0.0/999", NetworkError::Length),
            ("fd00::/129", NetworkError::Length),
            ("10.1.0.0/8", NetworkError::HostBits),
            ("fd00::1/8", NetworkError::HostBits),
        ] {
            assert_eq!(text.parse::<Network>(), Err(error), "{text}");
        }
    }
}
