//! Finding the accelerator. The binary is linked against libtorch's CPU part
//! alone; the CUDA part is opened at run time where there is one, so that one
//! binary serves both.

use assay_core::wire::HostFacts;
use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
use std::path::{Path, PathBuf};
use tch::{Cuda, Device};

/// Where the loaded libtorch lies.
fn library_folder() -> Option<PathBuf> {
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    let line = maps
        .lines()
        .find(|line| line.ends_with("/libtorch_cpu.so"))?;
    Path::new(&line[line.find('/')?..])
        .parent()
        .map(Path::to_path_buf)
}

/// Opens libtorch's CUDA part if it is there. Only needed once a process.
fn open_cuda() -> Result<(), String> {
    let beside = library_folder()
        .map(|folder| folder.join("libtorch_cuda.so"))
        .filter(|path| path.exists());
    let path = beside.unwrap_or_else(|| PathBuf::from("libtorch_cuda.so"));
    // SAFETY: libtorch's own library; its initialisers register kernels and nothing else.
    let library = unsafe { Library::open(Some(&path), RTLD_NOW | RTLD_GLOBAL) };
    // It must stay loaded for as long as the process lives.
    library
        .map(std::mem::forget)
        .map_err(|e| format!("{}: {e}", path.display()))
}

/// The device of a name: `cpu`, `cuda` (the first), `cuda:N` or `auto`.
///
/// # Errors
/// One line that says what is missing, where `cuda` was asked for and is not to be had.
pub fn device(name: &str) -> Result<Device, String> {
    match name {
        "cpu" => Ok(Device::Cpu),
        "cuda" => cuda(0),
        "auto" => Ok(if open_cuda().is_ok() && Cuda::is_available() {
            Device::Cuda(0)
        } else {
            Device::Cpu
        }),
        other => match other.strip_prefix("cuda:").map(str::parse) {
            Some(Ok(index)) => cuda(index),
            _ => Err(format!(
                "unknown device {other:?}; use cpu, cuda, cuda:N or auto"
            )),
        },
    }
}

fn cuda(index: usize) -> Result<Device, String> {
    open_cuda()?;
    match Cuda::device_count() {
        0 => Err("libtorch sees no CUDA device; is the driver installed?".into()),
        n if index as i64 >= n => Err(format!("there is no device cuda:{index}; there are {n}")),
        _ => Ok(Device::Cuda(index)),
    }
}

/// Version and commit of the sources that this program was built from.
fn built_from() -> String {
    let commit = match env!("ASSAY_COMMIT") {
        "" => "unknown",
        commit => commit,
    };
    format!("{}, commit {commit}", env!("CARGO_PKG_VERSION"))
}

/// The facts of this machine that an attempt records.
pub fn host_facts(device: Device) -> HostFacts {
    let version = library_folder()
        .and_then(|lib| std::fs::read_to_string(lib.parent()?.join("version.py")).ok())
        .and_then(|text| {
            text.lines()
                .find_map(|l| l.strip_prefix("__version__ = "))
                .map(|v| v.trim_matches(['\'', '"']).to_string())
        });
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|l| l.strip_prefix("model name"))
        .map(|l| l.trim_start_matches([' ', '\t', ':']).to_string());
    HostFacts {
        device: if device.is_cuda() {
            "cuda".into()
        } else {
            "cpu".into()
        },
        libtorch: version.unwrap_or_else(|| "unknown".into()),
        cpu_model: model.unwrap_or_else(|| "unknown".into()),
        code: built_from(),
    }
}
