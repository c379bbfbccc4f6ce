//! What work is done on. A stage on a GPU says nothing of how long one takes on a processor, so
//! whatever is estimated from past stages is estimated by device.

use crate::wire::Host;
use serde::Serialize;

/// Of what no worker has named.
pub const UNKNOWN: &str = "unknown device";

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Device {
    /// A GPU's or a processor's own name; its class where nobody has told one.
    pub name: String,
    /// `cpu` or `cuda`; empty where nobody has told it.
    pub class: String,
}

impl Device {
    /// Of a worker.
    pub fn of(host: &Host) -> Self {
        let names = [&host.device_name, &host.device];
        let told = names.into_iter().find(|name| !name.is_empty());
        Self {
            name: told.map_or_else(|| UNKNOWN.to_string(), Clone::clone),
            class: host.device.clone(),
        }
    }

    /// Whether a price or an answer that is given for `word` is for this device.
    pub fn is_called(&self, word: &str) -> bool {
        [&self.name, &self.class]
            .into_iter()
            .any(|own| own.eq_ignore_ascii_case(word))
    }
}

/// Threads of live workers on one device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Threads {
    /// The device's name.
    pub device: String,
    pub count: u32,
}

impl Threads {
    /// Adds up by device, in the order in which each is first seen.
    pub fn sum(each: impl IntoIterator<Item = (String, u32)>) -> Vec<Self> {
        let mut all: Vec<Self> = vec![];
        for (device, count) in each {
            match all.iter_mut().find(|own| own.device == device) {
                Some(own) => own.count = own.count.saturating_add(count),
                None => all.push(Self { device, count }),
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_called_by_its_own_name_and_by_its_class() {
        let host = |device: &str, device_name: &str| Host {
            device: device.into(),
            device_name: device_name.into(),
            ..Host::default()
        };
        let h200 = Device::of(&host("cuda", "NVIDIA H200"));
        assert_eq!(h200.name, "NVIDIA H200");
        assert!(h200.is_called("nvidia h200") && h200.is_called("CUDA"));
        assert!(!h200.is_called("cpu") && !h200.is_called("NVIDIA H100"));
        assert_eq!(Device::of(&host("cpu", "")).name, "cpu");
        assert_eq!(Device::of(&Host::default()).name, UNKNOWN);
    }

    #[test]
    fn threads_of_one_device_are_added_up() {
        let each = [("a", 2), ("b", 1), ("a", 3)].map(|(name, n)| (name.to_string(), n));
        let all = Threads::sum(each);
        let found: Vec<(&str, u32)> = all.iter().map(|t| (t.device.as_str(), t.count)).collect();
        assert_eq!(found, [("a", 5), ("b", 1)]);
    }
}
