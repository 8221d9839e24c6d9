//! Where an upstream listens: scheme, host and port, and nothing else.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// HTTP or HTTPS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scheme {
    /// Clear text: only where the operator allows it.
    Http,
    /// TLS.
    Https,
}

impl Scheme {
    /// As in a URL.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// Why a URL is not an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Neither `http://` nor `https://`.
    #[error("an endpoint begins with https:// (or http:// where the operator allows it)")]
    Scheme,
    /// `user:password@`.
    #[error("an endpoint carries no user name or password")]
    UserInfo,
    /// A path, a query or a fragment.
    #[error("an endpoint is a host and a port only: remove the path, query or fragment")]
    Tail,
    /// Not a DNS name and not an IP address in its usual form.
    #[error("the host is neither a DNS name nor an IP address in its usual form")]
    Host,
    /// Not 1 to 65535.
    #[error("the port is not a number from 1 to 65535")]
    Port,
}

/// A scheme, a host and a port.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct Endpoint {
    scheme: Scheme,
    host: String,
    port: u16,
}

impl Endpoint {
    /// Parses `https://host[:port][/]`.
    ///
    /// Decimal, octal and hexadecimal spellings of IP addresses are refused: they exist to slip
    /// past filters.
    pub fn parse(text: &str) -> Result<Self, EndpointError> {
        let (scheme, rest) = if let Some(rest) = text.strip_prefix("https://") {
            (Scheme::Https, rest)
        } else if let Some(rest) = text.strip_prefix("http://") {
            (Scheme::Http, rest)
        } else {
            return Err(EndpointError::Scheme);
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains('@') {
            return Err(EndpointError::UserInfo);
        }
        if authority.contains(['/', '?', '#', '\\']) {
            return Err(EndpointError::Tail);
        }
        let (host, port) = split_port(authority)?;
        let port = match port {
            None => scheme.default_port(),
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => digits
                .parse::<u16>()
                .ok()
                .filter(|p| *p != 0)
                .ok_or(EndpointError::Port)?,
            Some(_) => return Err(EndpointError::Port),
        };
        let host = host.to_ascii_lowercase();
        check_host(&host)?;
        Ok(Self { scheme, host, port })
    }

    /// The scheme.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Whether the endpoint speaks TLS.
    pub fn is_tls(&self) -> bool {
        self.scheme == Scheme::Https
    }

    /// The host, lower case; an IPv6 address without its brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The host as an IP address, when it is one.
    pub fn ip(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// The endpoint with `label.` before its host: virtual-hosted addressing.
    pub fn with_label(&self, label: &crate::BucketName) -> Self {
        Self {
            scheme: self.scheme,
            host: format!("{label}.{}", self.host),
            port: self.port,
        }
    }

    /// The value of the `Host` header: the port only when it is not the scheme's default.
    pub fn host_header(&self) -> String {
        let host = if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        };
        if self.port == self.scheme.default_port() {
            host
        } else {
            format!("{host}:{}", self.port)
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}://{}", self.scheme.as_str(), self.host_header())
    }
}

impl std::str::FromStr for Endpoint {
    type Err = EndpointError;
    fn from_str(text: &str) -> Result<Self, EndpointError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Endpoint {
    type Error = EndpointError;
    fn try_from(text: String) -> Result<Self, EndpointError> {
        Self::parse(&text)
    }
}

impl From<Endpoint> for String {
    fn from(endpoint: Endpoint) -> String {
        endpoint.to_string()
    }
}

fn split_port(authority: &str) -> Result<(&str, Option<&str>), EndpointError> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, after) = rest.split_once(']').ok_or(EndpointError::Host)?;
        host.parse::<Ipv6Addr>().map_err(|_| EndpointError::Host)?;
        return match after.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if after.is_empty() => Ok((host, None)),
            None => Err(EndpointError::Host),
        };
    }
    match authority.split_once(':') {
        Some((_, port)) if port.contains(':') => Err(EndpointError::Host),
        Some((host, port)) => Ok((host, Some(port))),
        None => Ok((authority, None)),
    }
}

fn check_host(host: &str) -> Result<(), EndpointError> {
    if host.parse::<IpAddr>().is_ok() {
        return Ok(());
    }
    let label_is_legal = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    if host.is_empty() || host.len() > 253 || !host.split('.').all(label_is_legal) {
        return Err(EndpointError::Host);
    }
    // A last label of digits (or 0x...) makes resolvers read the whole as an IPv4 address.
    let last = host.rsplit('.').next().unwrap_or_default();
    if last.bytes().all(|b| b.is_ascii_digit()) || last.starts_with("0x") {
        return Err(EndpointError::Host);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_prints_as_it_was_meant() {
        for (text, printed, header) in [
            (
                "https://S3.example.com",
                "https://s3.example.com",
                "s3.example.com",
            ),
            (
                "https://s3.example.com:443/",
                "https://s3.example.com",
                "s3.example.com",
            ),
            (
                "http://127.0.0.1:9000",
                "http://127.0.0.1:9000",
                "127.0.0.1:9000",
            ),
            ("https://[::1]:8443", "https://[::1]:8443", "[::1]:8443"),
        ] {
            let endpoint = Endpoint::parse(text).unwrap();
            assert_eq!(endpoint.to_string(), printed);
            assert_eq!(endpoint.host_header(), header);
        }
    }

    #[test]
    fn hostile_endpoints_are_refused() {
        for text in [
            "",
            "s3.example.com",
            "ftp://a",
            "https://",
            "https://u@h",
            "https://u:p@h",
            "https://h/p",
            "https://h?q",
            "https://h#f",
            "https://h:0",
            "https://h:65536",
            "https://h:+80",
            "https://2130706433",
            "https://0x7f.1",
            "https://0x7f000001",
            "https://127.1",
            "https://0177.0.0.1",
            "https://a..b",
            "https://-a",
            "https://a b",
            "https://h\\e",
            "https://[::1",
            "https://::1",
            "https://h:80:80",
            "https://ex%61mple.com",
        ] {
            assert!(Endpoint::parse(text).is_err(), "{text}");
        }
    }
}
