//! Which addresses a customer's endpoint may lead to.
//!
//! A customer names a host; whoever controls its DNS decides the address, at any time. So the
//! decision is made on the address itself, each time before connecting, and [`VettedAddress`] is
//! the only thing that a connection can be opened to.

use crate::network::Network;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use types::Endpoint;

/// What kind of address it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AddressClass {
    /// Reachable from anywhere.
    Public,
    /// The machine itself.
    Loopback,
    /// RFC 1918.
    Private,
    /// 169.254/16, fe80::/10.
    LinkLocal,
    /// Where clouds hand out credentials and configuration to machines.
    Metadata,
    /// fc00::/7, and the fec0::/10 before it.
    UniqueLocal,
    /// 100.64/10, between a provider and its customers.
    CarrierShared,
    /// To many.
    Multicast,
    /// 0/8 and `::`.
    Unspecified,
    /// 255.255.255.255.
    Broadcast,
    /// For examples.
    Documentation,
    /// 198.18/15, 2001:2::/48.
    Benchmarking,
    /// 6to4 and Teredo: obsolete ways to hide an IPv4 address in an IPv6 one.
    Tunnel,
    /// Set aside for protocols or for later.
    Reserved,
}

impl AddressClass {
    /// The class of `address`; an IPv4 address inside an IPv6 one is judged as what it is.
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => class_of_v4(v4),
            IpAddr::V6(v6) => match embedded_v4(v6) {
                Some(v4) => class_of_v4(v4),
                None => class_of_v6(v6),
            },
        }
    }
}

impl fmt::Display for AddressClass {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Public => "a public address",
            Self::Loopback => "a loopback address",
            Self::Private => "a private address",
            Self::LinkLocal => "a link-local address",
            Self::Metadata => "a cloud metadata address",
            Self::UniqueLocal => "a unique local address",
            Self::CarrierShared => "a carrier-grade NAT address",
            Self::Multicast => "a multicast address",
            Self::Unspecified => "an unspecified address",
            Self::Broadcast => "the broadcast address",
            Self::Documentation => "a documentation address",
            Self::Benchmarking => "a benchmarking address",
            Self::Tunnel => "a 6to4 or Teredo address",
            Self::Reserved => "a reserved address",
        })
    }
}

/// Why an endpoint or address is not connected to. For operators; a customer hears only that the
/// endpoint is not allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GuardError {
    /// Not public, and not in the operator's list.
    #[error("{address} is {class}; the operator can allow its network")]
    Address {
        /// The address.
        address: IpAddr,
        /// What it is.
        class: AddressClass,
    },
    /// `http://` where only `https://` is allowed.
    #[error("clear-text endpoints are not allowed here")]
    ClearText,
    /// A port that is not in the list.
    #[error("port {0} is not allowed here")]
    Port(u16),
}

/// What the operator allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressPolicy {
    /// Networks that are not public and still allowed: the operator's own stores. Metadata
    /// addresses, multicast and the like stay refused.
    pub allowed_networks: Vec<Network>,
    /// Whether endpoints may be `http://`.
    pub allow_http: bool,
    /// The ports that endpoints may use.
    pub allowed_ports: Vec<u16>,
}

impl Default for AddressPolicy {
    /// The public internet, TLS only, the usual ports of TLS.
    fn default() -> Self {
        Self {
            allowed_networks: Vec::new(),
            allow_http: false,
            allowed_ports: vec![443, 8443],
        }
    }
}

/// An address that passed the policy just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct VettedAddress(SocketAddr);

impl VettedAddress {
    /// The address.
    pub fn get(self) -> SocketAddr {
        self.0
    }
}

impl AddressPolicy {
    /// Checks what can be said before any lookup: scheme, port, and the address if it is written
    /// out. For the moment when someone saves an endpoint.
    pub fn check_endpoint(&self, endpoint: &Endpoint) -> Result<(), GuardError> {
        if !endpoint.is_tls() && !self.allow_http {
            return Err(GuardError::ClearText);
        }
        if !self.allowed_ports.contains(&endpoint.port()) {
            return Err(GuardError::Port(endpoint.port()));
        }
        match endpoint.ip() {
            Some(address) => self.check_address(address),
            None => Ok(()),
        }
    }

    /// Checks `address`, to which the host of `endpoint` leads at this moment.
    pub fn vet(&self, endpoint: &Endpoint, address: IpAddr) -> Result<VettedAddress, GuardError> {
        self.check_endpoint(endpoint)?;
        self.check_address(address)?;
        Ok(VettedAddress(SocketAddr::new(address, endpoint.port())))
    }

    /// Checks an address alone.
    pub fn check_address(&self, address: IpAddr) -> Result<(), GuardError> {
        let class = AddressClass::of(address);
        let allowed = match class {
            AddressClass::Public => true,
            // No store lives at these, whatever someone wrote into the list.
            AddressClass::Metadata
            | AddressClass::Multicast
            | AddressClass::Unspecified
            | AddressClass::Broadcast
            | AddressClass::Tunnel => false,
            _ => {
                let plain = match address {
                    IpAddr::V6(v6) => embedded_v4(v6).map_or(address, IpAddr::V4),
                    IpAddr::V4(_) => address,
                };
                self.allowed_networks.iter().any(|it| it.contains(plain))
            }
        };
        if allowed {
            Ok(())
        } else {
            Err(GuardError::Address { address, class })
        }
    }
}

/// Single addresses at which machines are told their secrets.
const METADATA_V4: [Ipv4Addr; 7] = [
    Ipv4Addr::new(169, 254, 169, 254), // AWS, Azure, Google Cloud, OpenStack and others
    Ipv4Addr::new(169, 254, 169, 253), // AWS: the VPC's resolver
    Ipv4Addr::new(169, 254, 170, 2),   // AWS ECS task credentials
    Ipv4Addr::new(169, 254, 170, 23),  // AWS EKS pod identity
    Ipv4Addr::new(100, 100, 100, 200), // Alibaba Cloud
    Ipv4Addr::new(168, 63, 129, 16),   // Azure: the host's own service, in public space
    Ipv4Addr::new(192, 0, 0, 192),     // Oracle Cloud
];

/// The same in IPv6.
const METADATA_V6: [Ipv6Addr; 4] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), // AWS instance metadata
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x253), // AWS: the VPC's resolver
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23),  // AWS EKS pod identity
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),  // Google Cloud
];

/// Sources: IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890 and its updates).
fn class_of_v4(address: Ipv4Addr) -> AddressClass {
    if METADATA_V4.contains(&address) {
        return AddressClass::Metadata;
    }
    match address.octets() {
        [0, ..] => AddressClass::Unspecified,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => AddressClass::Private,
        [100, 64..=127, ..] => AddressClass::CarrierShared,
        [127, ..] => AddressClass::Loopback,
        [169, 254, ..] => AddressClass::LinkLocal,
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => AddressClass::Documentation,
        [198, 18..=19, ..] => AddressClass::Benchmarking,
        [192, 0, 0, _] | [192, 88, 99, _] => AddressClass::Reserved,
        [224..=239, ..] => AddressClass::Multicast,
        [255, 255, 255, 255] => AddressClass::Broadcast,
        [240..=255, ..] => AddressClass::Reserved,
        _ => AddressClass::Public,
    }
}

fn class_of_v6(address: Ipv6Addr) -> AddressClass {
    if METADATA_V6.contains(&address) {
        return AddressClass::Metadata;
    }
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => AddressClass::Unspecified,
        [0, 0, 0, 0, 0, 0, 0, 1] => AddressClass::Loopback,
        [0xff00..=0xffff, ..] => AddressClass::Multicast,
        [0xfe80..=0xfebf, ..] => AddressClass::LinkLocal,
        [0xfec0..=0xfeff, ..] | [0xfc00..=0xfdff, ..] => AddressClass::UniqueLocal,
        [0x2001, 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => AddressClass::Documentation,
        [0x2001, 0x0002, 0, ..] => AddressClass::Benchmarking,
        [0x2001, 0, ..] | [0x2002, ..] => AddressClass::Tunnel,
        [0x2001, 0x0001..=0x01ff, ..] => AddressClass::Reserved,
        // Only 2000::/3 is handed out.
        [0x2000..=0x3fff, ..] => AddressClass::Public,
        _ => AddressClass::Reserved,
    }
}

/// The IPv4 address that an IPv6 address stands for: mapped, compatible, translated, NAT64.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let v4 = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(v4(high, low)),
        _ => None,
    }
}
