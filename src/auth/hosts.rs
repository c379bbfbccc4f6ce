//! Under which names this server answers. A page of another site whose name was
//! pointed at our address (DNS rebinding) sends that name in `Host`.

use std::net::{IpAddr, SocketAddr};

#[derive(Debug, Clone)]
pub struct Hosts {
    loopback_only: bool,
    names: Vec<String>,
}

impl Hosts {
    /// `public` holds names, each with or without a port.
    pub fn new(listen: SocketAddr, public: &[String]) -> Self {
        Self {
            loopback_only: listen.ip().is_loopback(),
            names: public
                .iter()
                .map(|name| name.to_ascii_lowercase())
                .collect(),
        }
    }

    /// Localhost and configured names; addresses cannot be pointed elsewhere, so
    /// outside loopback any address is as good as another. Ports differ behind a
    /// container's mapping and are not compared.
    pub fn allows(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let Some(name) = without_port(&host) else {
            return false;
        };
        if self
            .names
            .iter()
            .any(|known| *known == host || known == name)
            || name == "localhost"
        {
            return true;
        }
        let literal = name
            .strip_prefix('[')
            .and_then(|n| n.strip_suffix(']'))
            .unwrap_or(name);
        match literal.parse::<IpAddr>() {
            Ok(ip) => ip.is_loopback() || !self.loopback_only,
            Err(_) => false,
        }
    }
}

fn without_port(host: &str) -> Option<&str> {
    let (name, port) = match host.rfind(':') {
        Some(at) if !host.ends_with(']') => (&host[..at], &host[at + 1..]),
        _ => (host, ""),
    };
    let plain = !name.is_empty() && !name.contains(['/', '@', ' ', '\\']);
    (plain && port.bytes().all(|b| b.is_ascii_digit())).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_names_are_answered() {
        let local = Hosts::new("127.0.0.1:8337".parse().unwrap(), &["assay.example".into()]);
        for good in [
            "127.0.0.1:8337",
            "localhost:8337",
            "LOCALHOST",
            "[::1]:8337",
            "assay.example:443",
        ] {
            assert!(local.allows(good), "{good}");
        }
        for bad in [
            "evil.example",
            "127.0.0.1.evil.example:8337",
            "10.0.0.5:8337",
            "",
            ":8337",
            "localhost:80@evil",
            "localhost:x",
        ] {
            assert!(!local.allows(bad), "{bad}");
        }
        let open = Hosts::new("0.0.0.0:8337".parse().unwrap(), &["server".into()]);
        assert!(open.allows("10.0.0.5:80") && open.allows("server:8337"));
        assert!(!open.allows("evil.example:8337"));
    }
}
