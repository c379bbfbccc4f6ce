//! A real browser: Debian's Chromium, driven from Python by Playwright, with axe for
//! accessibility. The Python packages are installed once into the cache folder, in the
//! versions of tests/browser/requirements.txt.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{libtorch, shell};

const CHROMIUM: &str = "/usr/bin/chromium";
const PACKAGES: [&str; 2] = ["chromium", "fonts-dejavu-core"];
const LOCK: &str = "DPkg::Lock::Timeout=240";

pub struct Browser {
    python_path: PathBuf,
    chromium: PathBuf,
}

/// Finds or installs all that a browser test needs.
pub fn ensure() -> Result<Browser> {
    Ok(Browser {
        chromium: chromium()?,
        python_path: python_packages()?,
    })
}

impl Browser {
    /// `python3 …` in tests/browser, knowing the site that it is to look at.
    pub fn python(&self, site: &Value) -> Command {
        let mut python = Command::new("python3");
        python
            .current_dir(shell::root().join("tests/browser"))
            .env("PYTHONPATH", &self.python_path)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("ASSAY_CHROMIUM", &self.chromium)
            .env("ASSAY_SITE", site.to_string());
        python
    }
}

/// As root it is installed when it is missing; anyone else is told how.
fn chromium() -> Result<PathBuf> {
    let named = std::env::var_os("ASSAY_CHROMIUM").map(PathBuf::from);
    if let Some(path) = named {
        return Ok(path);
    }
    let path = PathBuf::from(CHROMIUM);
    if path.exists() {
        return Ok(path);
    }
    let install = format!(
        "apt-get install -y --no-install-recommends {}",
        PACKAGES.join(" ")
    );
    if !nix::unistd::geteuid().is_root() || !shell::is_there("apt-get") {
        bail!(
            "no {CHROMIUM}: install it (Debian, Ubuntu: sudo {install}), or name another with ASSAY_CHROMIUM"
        );
    }
    let apt = |arguments: &[&str]| {
        let mut apt = Command::new("apt-get");
        apt.args(["-o", LOCK, "-q"])
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive");
        apt
    };
    shell::phase("apt-get update", &mut apt(&["update"]))?;
    let mut arguments = vec!["install", "-y", "--no-install-recommends"];
    arguments.extend(PACKAGES);
    shell::phase(&install, &mut apt(&arguments))?;
    if !path.exists() {
        bail!("{CHROMIUM} is still missing after {install}");
    }
    Ok(path)
}

/// Beside other things in the cache, in a folder named by what is in it. Made under
/// another name and renamed: an interrupted install is never taken for a good one.
fn python_packages() -> Result<PathBuf> {
    let list = shell::root().join("tests/browser/requirements.txt");
    let wanted = std::fs::read(&list).with_context(|| format!("cannot read {}", list.display()))?;
    let tag = hex::encode(&Sha256::digest(&wanted)[..6]);
    let cache = libtorch::cache_folder()?;
    let folder = cache.join(format!("browser-{tag}"));
    if folder.exists() {
        return Ok(folder);
    }
    let pip = shell::output(Command::new("python3").args(["-m", "pip", "--version"]));
    if pip.is_err() {
        bail!(
            "python3 with pip is missing: install it (Debian, Ubuntu: apt-get install python3 python3-pip)"
        );
    }
    std::fs::create_dir_all(&cache).with_context(|| format!("cannot make {}", cache.display()))?;
    let temporary = cache.join(format!(".browser-{tag}.{}", std::process::id()));
    let mut install = Command::new("python3");
    install.args(["-m", "pip", "install", "--quiet", "--no-input"]);
    install.args(["--disable-pip-version-check", "--root-user-action=ignore"]);
    install.args(["--only-binary=:all:", "--target"]);
    install.arg(&temporary).arg("--requirement").arg(&list);
    let installed =
        shell::phase("pip installs pytest, Playwright and axe", &mut install).and_then(|()| {
            std::fs::rename(&temporary, &folder)
                .with_context(|| format!("cannot make {}", folder.display()))
        });
    let _ = std::fs::remove_dir_all(&temporary);
    installed.map(|()| folder)
}
