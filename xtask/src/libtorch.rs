//! `cargo xtask libtorch`: finds libtorch, or installs it into a cache outside
//! the repository, and makes `.libtorch/`, the view that cargo links against.
//!
//! The view has the CPU libraries only: with libtorch_cuda.so in it, the linker
//! would ask for all of CUDA. The worker loads that library when it finds a GPU.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::shell;

pub const VERSION: &str = "2.11.0";
/// What libtorch_cpu.so of that wheel names as needed, also on a machine without a GPU.
const CPU_WHEELS: [&str; 3] = [
    "torch==2.11.0",
    "nvidia-cuda-cupti==13.0.*",
    "nvidia-cuda-runtime==13.0.*",
];
const LINKED: [&str; 4] = [
    "libc10.so",
    "libtorch.so",
    "libtorch_cpu.so",
    "libgomp.so.1",
];
const OPTIONAL: &str = "libgomp.so.1";

#[derive(clap::Args)]
pub struct Args {
    /// When installing: with everything that a GPU needs (several GB)
    #[arg(long)]
    cuda: bool,
}

pub fn run(args: &Args) -> Result<()> {
    ensure(args.cuda).map(|line| println!("{line}"))
}

/// Makes the view if it is not there; returns one line about what it shows.
pub fn ensure(cuda: bool) -> Result<String> {
    if !shell::is_there("c++") {
        bail!("no C++ compiler: install g++ (Debian, Ubuntu: apt-get install g++)");
    }
    let view = shell::root().join(".libtorch");
    let named = explicit();
    if let Some(torch) = recorded(&view) {
        let still = version_of(&torch).is_ok_and(|version| version == VERSION);
        let asked = named.as_ref().is_none_or(|named| *named == torch);
        let enough = !cuda || torch.join("../nvidia/cudnn").exists();
        if still && asked && enough {
            return Ok(format!("libtorch {VERSION}: {}", torch.display()));
        }
    }
    let (torch, origin) = choose(named, cuda)?;
    make_view(&view, &torch).with_context(|| format!("cannot make {}", view.display()))?;
    Ok(format!(
        "libtorch {VERSION}: {} ({origin})",
        torch.display()
    ))
}

fn choose(named: Option<PathBuf>, cuda: bool) -> Result<(PathBuf, &'static str)> {
    if let Some(torch) = named {
        let version = version_of(&torch)?;
        if version != VERSION {
            bail!(
                "LIBTORCH={} is version {version}: unset it or point it at {VERSION}",
                torch.display()
            );
        }
        return Ok((torch, "from LIBTORCH"));
    }
    if let Some(torch) = python_torch() {
        return Ok((torch, "of python3"));
    }
    let cache = cache_folder()?.join(if cuda {
        "libtorch-2.11.0-cuda"
    } else {
        "libtorch-2.11.0"
    });
    let torch = cache.join("torch");
    if version_of(&torch).is_ok_and(|version| version == VERSION) {
        return Ok((torch, "from the cache"));
    }
    install(&cache, cuda)?;
    Ok((torch, "installed by pip"))
}

/// `LIBTORCH` as the user set it; cargo sets it to the view when nobody did.
fn explicit() -> Option<PathBuf> {
    let named = PathBuf::from(std::env::var_os("LIBTORCH").filter(|value| !value.is_empty())?);
    let is_view = named == shell::root().join(".libtorch");
    (!is_view).then(|| fs::canonicalize(&named).unwrap_or(named))
}

/// The torch folder of `python3`, if it has exactly our version. torch itself is
/// not imported, which would take seconds.
fn python_torch() -> Option<PathBuf> {
    let find = "import importlib.util as u; s = u.find_spec('torch'); print(s.origin if s else '')";
    let told = Command::new("python3")
        .args(["-c", find])
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let origin = PathBuf::from(String::from_utf8(told.stdout).ok()?.trim());
    let torch = fs::canonicalize(origin.parent()?).ok()?;
    (version_of(&torch).ok()? == VERSION).then_some(torch)
}

/// The version that a libtorch or torch folder tells of itself, without `+cu130`.
fn version_of(torch: &Path) -> Result<String> {
    if !torch.join("lib/libtorch_cpu.so").exists() {
        bail!(
            "{} has no lib/libtorch_cpu.so: LIBTORCH must name a libtorch folder",
            torch.display()
        );
    }
    let quoted = |text: &str| text.split(['\'', '"']).nth(1).map(str::to_owned);
    let read = |name: &str| fs::read_to_string(torch.join(name)).ok();
    let found = read("build-version")
        .or_else(|| {
            let text = read("version.py")?;
            quoted(text.lines().find(|line| line.starts_with("__version__"))?)
        })
        .or_else(|| {
            let text = read("include/torch/headeronly/version.h")?;
            quoted(text.split("#define TORCH_VERSION \\").nth(1)?)
        })
        .with_context(|| format!("{} does not tell its version", torch.display()))?;
    Ok(found
        .trim()
        .split('+')
        .next()
        .unwrap_or_default()
        .to_owned())
}

pub fn cache_folder() -> Result<PathBuf> {
    let set = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    if let Some(folder) = set("ASSAY_CACHE") {
        return Ok(folder);
    }
    let base = set("XDG_CACHE_HOME").or_else(|| Some(std::env::home_dir()?.join(".cache")));
    Ok(base
        .context("no home folder: set ASSAY_CACHE")?
        .join("assay"))
}

/// Into a folder beside the final one, then renamed: an interrupted install is
/// never taken for a good one.
fn install(target: &Path, cuda: bool) -> Result<()> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        bail!(
            "libtorch is installed by itself only on Linux x86_64: set LIBTORCH to a libtorch {VERSION}"
        );
    }
    if !shell::is_there("python3") {
        bail!(
            "no python3: install python3 and pip (Debian, Ubuntu: apt-get install python3 python3-pip)"
        );
    }
    let pip = Command::new("python3")
        .args(["-m", "pip", "--version"])
        .output();
    if !pip.is_ok_and(|told| told.status.success()) {
        bail!("python3 has no pip: install it (Debian, Ubuntu: apt-get install python3-pip)");
    }
    let parent = target.parent().context("the cache folder has no parent")?;
    fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let temporary = parent.join(format!(".{name}.{}", std::process::id()));
    let mut command = Command::new("python3");
    command.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-input",
        "--disable-pip-version-check",
    ]);
    command
        .args([
            "--root-user-action=ignore",
            "--only-binary=:all:",
            "--target",
        ])
        .arg(&temporary);
    if cuda {
        command.arg(CPU_WHEELS[0]);
    } else {
        command.arg("--no-deps").args(CPU_WHEELS);
    }
    let size = if cuda { "several GB" } else { "1.2 GB" };
    let installed = shell::phase(
        &format!("pip installs libtorch {VERSION} ({size})"),
        &mut command,
    )
    .with_context(|| format!("pip could not install {}", CPU_WHEELS[0]))
    .and_then(|()| {
        if target.exists() {
            fs::remove_dir_all(target).context("cannot remove a broken install")?;
        }
        fs::rename(&temporary, target).with_context(|| format!("cannot make {}", target.display()))
    });
    let _ = fs::remove_dir_all(&temporary);
    installed
}

/// `.libtorch/`: links to headers and CPU libraries, and `env`, from which
/// workers/build.rs learns where the libraries really are.
fn make_view(view: &Path, torch: &Path) -> Result<()> {
    if view.is_symlink() || view.is_file() {
        fs::remove_file(view)?;
    } else if view.exists() {
        fs::remove_dir_all(view)?;
    }
    fs::create_dir_all(view.join("lib"))?;
    symlink(torch.join("include"), view.join("include"))?;
    for name in LINKED {
        let library = torch.join("lib").join(name);
        if library.exists() {
            symlink(library, view.join("lib").join(name))?;
        } else if name != OPTIONAL {
            bail!("{} is missing", library.display());
        }
    }
    fs::write(view.join("build-version"), format!("{VERSION}\n"))?;
    let mut folders = vec![torch.join("lib")];
    let nvidia = torch.join("../nvidia/cu13/lib");
    if nvidia.exists() {
        folders.push(fs::canonicalize(nvidia)?);
    }
    let folders: Vec<_> = folders
        .iter()
        .map(|folder| folder.display().to_string())
        .collect();
    // Written last: a view without it is made anew.
    fs::write(
        view.join("env"),
        format!(
            "TORCH={}\nLIBRARY_PATH={}\n",
            torch.display(),
            folders.join(":")
        ),
    )?;
    Ok(())
}

fn recorded(view: &Path) -> Option<PathBuf> {
    let text = fs::read_to_string(view.join("env")).ok()?;
    let torch = PathBuf::from(text.lines().find_map(|line| line.strip_prefix("TORCH="))?);
    let whole = LINKED
        .iter()
        .filter(|name| **name != OPTIONAL)
        .all(|name| view.join("lib").join(name).exists());
    (whole && view.join("include").exists()).then_some(torch)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn torch(name: &str, file: &str, text: &str) -> PathBuf {
        let folder =
            std::env::temp_dir().join(format!("assay-torch-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        for path in [
            "lib/libtorch_cpu.so",
            "lib/libtorch.so",
            "lib/libc10.so",
            "include/x.h",
            file,
        ] {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        fs::write(folder.join(file), text).unwrap();
        folder
    }

    #[test]
    fn each_kind_of_libtorch_folder_tells_its_version() {
        let header = "#define TORCH_VERSION_MAJOR 2\n#define TORCH_VERSION \\\n  \"2.11.0\"\n";
        for (name, file, text) in [
            ("zip", "build-version", "2.11.0+cpu\n"),
            (
                "wheel",
                "version.py",
                "from typing import Optional\n\n__version__ = '2.11.0+cu130'\n",
            ),
            ("header", "include/torch/headeronly/version.h", header),
        ] {
            let folder = torch(name, file, text);
            assert_eq!(version_of(&folder).unwrap(), VERSION, "{name}");
            fs::remove_dir_all(folder).unwrap();
        }
    }

    #[test]
    fn a_view_links_the_cpu_libraries_alone_and_is_made_anew_when_broken() {
        let folder = torch("view", "lib/libtorch_cuda.so", "");
        let view = folder.join("view");
        make_view(&view, &folder).unwrap();
        assert_eq!(recorded(&view), Some(folder.clone()));
        assert!(view.join("lib/libtorch_cpu.so").exists());
        assert!(!view.join("lib/libtorch_cuda.so").exists());

        fs::remove_file(folder.join("lib/libc10.so")).unwrap();
        assert_eq!(recorded(&view), None, "a dangling link");
        assert!(make_view(&view, &folder).is_err());
        assert_eq!(recorded(&view), None, "a view that was not finished");
        fs::remove_dir_all(folder).unwrap();
    }
}
