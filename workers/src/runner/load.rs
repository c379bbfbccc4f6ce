//! How busy this machine is, looked at every ten seconds in a thread of its own: no request
//! waits for it.

use assay_core::load::Load;
use assay_core::wire::HEARTBEAT_SECONDS;
use std::io::ErrorKind;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

const EVERY: Duration = Duration::from_secs(HEARTBEAT_SECONDS);
/// A share of the processor needs two looks; the first comes this soon.
const FIRST: Duration = Duration::from_secs(1);
/// The driver's tool may take this long.
const PATIENCE: Duration = Duration::from_secs(2);
const MIB: u64 = 1 << 20;

/// The latest look that was not sent yet.
#[derive(Debug, Clone, Default)]
pub struct Latest(Arc<Mutex<Option<Load>>>);

impl Latest {
    fn lock(&self) -> MutexGuard<'_, Option<Load>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For whichever request goes next.
    pub fn take(&self) -> Option<Load> {
        self.lock().take()
    }

    fn put(&self, load: Load) {
        if load != Load::default() {
            *self.lock() = Some(load);
        }
    }
}

/// Looks for as long as the process lives. `gpu` is what the driver's tool calls it.
pub fn watch(gpu: Option<String>) -> Latest {
    let latest = Latest::default();
    let to = latest.clone();
    std::thread::spawn(move || keep_looking(&to, gpu));
    latest
}

fn keep_looking(to: &Latest, mut gpu: Option<String>) {
    let mut before = cpu_times(&read("/proc/stat"));
    let mut pause = FIRST;
    loop {
        std::thread::sleep(pause);
        pause = EVERY;
        let now = cpu_times(&read("/proc/stat"));
        let mut load = with_memory(Load::default(), &read("/proc/meminfo"));
        load.cpu_percent = before.zip(now).and_then(|(a, b)| cpu_percent(a, b));
        before = now;
        to.put(with_gpu(load, &ask(&mut gpu)));
    }
}

/// Which GPU a device means; `None` for the processor.
pub fn gpu_index(device: &str) -> Option<String> {
    gpu_of(
        device,
        std::env::var("CUDA_VISIBLE_DEVICES").ok().as_deref(),
    )
}

/// Of several that are visible, devices count those alone.
fn gpu_of(device: &str, visible: Option<&str>) -> Option<String> {
    let index = match device {
        "auto" | "cuda" => 0,
        named => named.strip_prefix("cuda:")?.parse::<usize>().ok()?,
    };
    let Some(visible) = visible else {
        return Some(index.to_string());
    };
    let named = visible.split(',').nth(index)?.trim();
    (!named.is_empty() && !named.starts_with('-')).then(|| named.to_string())
}

/// Nothing where there is no such file: not on Linux.
fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// Ticks of all cores since the machine started.
#[derive(Debug, Clone, Copy, PartialEq)]
struct CpuTimes {
    busy: u64,
    all: u64,
}

/// From `cpu  user nice system idle iowait irq softirq steal`; guests are in `user` already.
fn cpu_times(stat: &str) -> Option<CpuTimes> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let words = line.split_whitespace().take(8);
    let times: Vec<u64> = words.map(|w| w.parse().ok()).collect::<Option<_>>()?;
    let all = times.iter().try_fold(0_u64, |sum, t| sum.checked_add(*t))?;
    let idle = times.get(3)?.checked_add(*times.get(4)?)?;
    Some(CpuTimes {
        busy: all.checked_sub(idle)?,
        all,
    })
}

/// Between two looks; `None` where no time has passed, or the counts went back.
fn cpu_percent(before: CpuTimes, now: CpuTimes) -> Option<f64> {
    let all = now.all.checked_sub(before.all).filter(|all| *all > 0)?;
    let busy = now.busy.checked_sub(before.busy)?;
    Some((100.0 * busy as f64 / all as f64).min(100.0))
}

/// In use is what could not be had without swapping.
fn with_memory(load: Load, meminfo: &str) -> Load {
    let bytes = |key: &str| {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(key))?;
        let kib = line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?;
        kib.checked_mul(1 << 10)
    };
    let total = bytes("MemTotal:");
    let available = bytes("MemAvailable:");
    Load {
        memory_bytes: total.zip(available).and_then(|(t, a)| t.checked_sub(a)),
        memory_total_bytes: total,
        ..load
    }
}

/// The driver's tool on one GPU; where there is no such tool it is never asked again.
fn ask(gpu: &mut Option<String>) -> String {
    let Some(name) = gpu else {
        return String::new();
    };
    let spawned = Command::new("nvidia-smi")
        .arg("--query-gpu=utilization.gpu,memory.used,memory.total")
        .arg("--format=csv,noheader,nounits")
        .args(["-i", name.as_str()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    match spawned {
        Ok(child) => said_within(child, PATIENCE).unwrap_or_default(),
        Err(error) => {
            if error.kind() == ErrorKind::NotFound {
                *gpu = None;
            }
            String::new()
        }
    }
}

/// What a child says, if it ends well in time; else it is ended.
fn said_within(mut child: Child, limit: Duration) -> Option<String> {
    let until = Instant::now() + limit;
    while let Ok(None) = child.try_wait() {
        if Instant::now() >= until {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let output = child.wait_with_output().ok()?;
    let said = String::from_utf8_lossy(&output.stdout);
    output.status.success().then(|| said.into_owned())
}

/// From `92, 61000, 143771`: percent, MiB, MiB. What a GPU cannot tell is `[N/A]`.
fn with_gpu(load: Load, said: &str) -> Load {
    let mut words = said.lines().next().unwrap_or("").split(',').map(str::trim);
    let percent = words.next().and_then(|w| w.parse::<f64>().ok());
    let mut bytes = || words.next()?.parse::<u64>().ok()?.checked_mul(MIB);
    Load {
        gpu_percent: percent.filter(|p| (0.0..=100.0).contains(p)),
        gpu_memory_bytes: bytes(),
        gpu_memory_total_bytes: bytes(),
        ..load
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processors_share_is_of_the_time_between_two_looks() {
        let before = cpu_times("cpu  100 0 50 800 50 0 0 0 90 0\ncpu0 1 2 3 4 5\n").unwrap();
        assert_eq!(
            before,
            CpuTimes {
                busy: 150,
                all: 1000
            }
        );
        let now = cpu_times("cpu  160 0 60 820 50 5 3 2 99 0\n").unwrap();
        assert_eq!(cpu_percent(before, now), Some(80.0));
        assert_eq!(cpu_percent(now, before), None);
        assert_eq!(cpu_percent(now, now), None);
        for wrong in [
            "",
            "cpu0 1 2 3 4 5\n",
            "cpu  1 2 3\n",
            "cpu  1 2 x 4 5 6 7 8\n",
            "cpu  1 2 3 18446744073709551615 5\n",
        ] {
            assert_eq!(cpu_times(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn memory_in_use_is_all_but_what_is_available() {
        let text = "MemTotal:       24000 kB\nMemFree:  10 kB\nMemAvailable:   21000 kB\n";
        let load = with_memory(Load::default(), text);
        assert_eq!(load.memory_bytes, Some(3_000 << 10));
        assert_eq!(load.memory_total_bytes, Some(24_000 << 10));
        let load = with_memory(Load::default(), "MemTotal: 5 kB\nMemAvailable: 6 kB\n");
        assert_eq!(
            (load.memory_bytes, load.memory_total_bytes),
            (None, Some(5 << 10))
        );
        for wrong in ["", "MemTotal: kB\n", "MemTotal: -1 kB\n", "MemTotal: 5\n"] {
            assert_eq!(with_memory(Load::default(), wrong), Load::default());
        }
    }

    #[test]
    fn a_gpu_tells_what_it_can() {
        let read = |said: &str| {
            let load = with_gpu(Load::default(), said);
            (
                load.gpu_percent,
                load.gpu_memory_bytes,
                load.gpu_memory_total_bytes,
            )
        };
        assert_eq!(
            read("92, 61000, 143771\n"),
            (Some(92.0), Some(61_000 * MIB), Some(143_771 * MIB))
        );
        assert_eq!(
            read("[N/A], 5, [Not Supported]\n"),
            (None, Some(5 * MIB), None)
        );
        for wrong in ["", "No devices were found\n", "nan, x, -1\n", "101,,\n"] {
            assert_eq!(read(wrong), (None, None, None), "{wrong}");
        }
        assert_eq!(
            read("7, 18446744073709551615\n"),
            (Some(7.0), None, None),
            "more than there can be"
        );
    }

    #[test]
    fn a_device_means_one_of_the_gpus_that_are_visible() {
        let of = gpu_of;
        assert_eq!(of("cpu", None), None);
        assert_eq!(of("auto", None).as_deref(), Some("0"));
        assert_eq!(of("cuda:3", None).as_deref(), Some("3"));
        assert_eq!(of("cuda:x", None), None);
        assert_eq!(of("cuda:1", Some("4, GPU-7")).as_deref(), Some("GPU-7"));
        assert_eq!(of("cuda", Some("4,5")).as_deref(), Some("4"));
        assert_eq!(of("cuda:2", Some("4,5")), None);
        assert_eq!(of("cuda", Some("")), None);
        assert_eq!(of("cuda", Some("-1")), None);
    }

    #[test]
    fn a_tool_that_hangs_is_ended_and_one_that_fails_says_nothing() {
        let run = |script: &str, limit| {
            let child = Command::new("sh")
                .args(["-c", script])
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            said_within(child, Duration::from_millis(limit))
        };
        assert_eq!(run("echo 1, 2, 3", 30_000).as_deref(), Some("1, 2, 3\n"));
        assert_eq!(run("echo 1; exit 9", 30_000), None);
        let begun = Instant::now();
        assert_eq!(run("exec sleep 60", 50), None);
        assert!(begun.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn a_look_is_sent_once() {
        let latest = Latest::default();
        latest.put(Load::default());
        assert_eq!(latest.take(), None, "nothing was seen");
        let load = Load {
            cpu_percent: Some(1.0),
            ..Load::default()
        };
        latest.put(load);
        assert_eq!(latest.take(), Some(load));
        assert_eq!(latest.take(), None);
    }
}
