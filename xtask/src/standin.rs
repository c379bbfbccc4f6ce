//! Base images for a host without an image registry, made from what it has: a
//! Debian root, its certificates and registry settings, its Rust toolchain.
//! Only `compose-test` uses them; the repository names the public images.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::shell;

const DEBIAN: &str = "assay-standin-debian:bookworm";
const POSTGRES: &str = "assay-standin-postgres:bookworm";
const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

pub struct Images {
    pub runtime: String,
    pub rust: String,
    pub postgres: String,
}

/// Makes what is missing (everything if `fresh`); the images stay as a cache.
pub fn ensure(fresh: bool) -> Result<Images> {
    let rustc = shell::output(Command::new("rustc").arg("--version"))?;
    let version = rustc.split_whitespace().nth(1).unwrap_or("host").to_owned();
    let images = Images {
        runtime: DEBIAN.to_owned(),
        rust: format!("assay-standin-rust:{version}"),
        postgres: POSTGRES.to_owned(),
    };
    let work = Work::new()?;
    if fresh || !exists(&images.runtime) {
        debian(&work.0)?;
    }
    if fresh || !exists(&images.rust) {
        rust(&work.0, &images.rust)?;
    }
    if fresh || !exists(&images.postgres) {
        postgres(&work.0)?;
    }
    Ok(images)
}

/// A folder for what goes into the images, removed at the end.
struct Work(PathBuf);

impl Work {
    fn new() -> Result<Work> {
        let path = std::env::temp_dir().join(format!("assay-standin-{}", std::process::id()));
        fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Work(path))
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn exists(image: &str) -> bool {
    Command::new("docker")
        .args(["image", "inspect", image])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn debian(work: &Path) -> Result<()> {
    if !shell::is_there("mmdebstrap") {
        if !nix::unistd::geteuid().is_root() || !shell::is_there("apt-get") {
            bail!("no mmdebstrap: install it (Debian, Ubuntu: apt-get install mmdebstrap)");
        }
        shell::phase(
            "apt-get update",
            Command::new("apt-get")
                .args(["update", "-q"])
                .stdout(Stdio::null()),
        )?;
        let mut install = Command::new("apt-get");
        install.args([
            "install",
            "-y",
            "-q",
            "--no-install-recommends",
            "mmdebstrap",
        ]);
        install
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdout(Stdio::null());
        shell::phase("apt-get install mmdebstrap", &mut install)?;
    }
    let tar = work.join("debian.tar");
    let mut make = Command::new("mmdebstrap");
    make.args(["--quiet", "--variant=minbase", "--include=ca-certificates"]);
    if Path::new(CERTIFICATES).is_file() {
        make.arg(format!(
            "--customize-hook=upload {CERTIFICATES} /usr/local/share/ca-certificates/host.crt"
        ));
        make.arg("--customize-hook=chroot \"$1\" update-ca-certificates 2>/dev/null");
    }
    for (name, text, to) in [
        ("apt.conf", apt_settings(), "/etc/apt/apt.conf.d/99host"),
        ("pip.conf", pip_settings(), "/etc/pip.conf"),
    ] {
        if !text.is_empty() {
            let from = work.join(name);
            fs::write(&from, text)?;
            make.arg(format!("--customize-hook=upload {} {to}", from.display()));
        }
    }
    make.arg("bookworm").arg(&tar);
    let sources = [
        "/etc/apt/sources.list",
        "/etc/apt/sources.list.d/debian.sources",
    ];
    make.args(
        sources
            .into_iter()
            .filter(|path| fs::metadata(path).is_ok_and(|meta| meta.len() > 0)),
    );
    shell::phase("a Debian root by mmdebstrap", make.stdout(Stdio::null()))?;
    let mut import = Command::new("docker");
    import
        .args(["import", "--change", "CMD [\"bash\"]"])
        .arg(&tar)
        .arg(DEBIAN);
    shell::phase(
        &format!("docker import {DEBIAN}"),
        import.stdout(Stdio::null()),
    )?;
    Ok(fs::remove_file(tar)?)
}

/// How this host reaches its Debian packages, where that is not the default way.
fn apt_settings() -> String {
    let dump = shell::output(Command::new("apt-config").arg("dump")).unwrap_or_default();
    let wanted = [
        "::Proxy ",
        "::Check-Valid-Until ",
        "::Check-Date ",
        "::Verify-Peer ",
    ];
    dump.lines()
        .filter(|line| {
            line.starts_with("Acquire::") && wanted.iter().any(|part| line.contains(part))
        })
        .map(|line| format!("{line}\n"))
        .collect()
}

/// How this host reaches its Python packages.
fn pip_settings() -> String {
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "config", "list"]);
    let list = shell::output(&mut pip).unwrap_or_default();
    let wanted = [
        "index-url",
        "extra-index-url",
        "trusted-host",
        "proxy",
        "default-timeout",
    ];
    let mut text = String::new();
    for line in list.lines() {
        let Some((name, value)) = line.split_once('=') else {
            continue;
        };
        let Some(key) = name.rsplit('.').next().filter(|key| wanted.contains(key)) else {
            continue;
        };
        text.push_str(&format!("{key} = {}\n", value.trim_matches(['\'', '"'])));
    }
    if Path::new(CERTIFICATES).is_file() {
        text.push_str(&format!("cert = {CERTIFICATES}\n"));
    }
    format!("[global]\n{text}")
}

fn rust(work: &Path, image: &str) -> Result<()> {
    let sysroot = shell::output(Command::new("rustc").args(["--print", "sysroot"]))?;
    let context = work.join("rust");
    fs::create_dir_all(context.join("cargo"))?;
    let cargo_home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo_home = cargo_home.or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    for name in ["config.toml", "config"] {
        if let Some(from) = cargo_home
            .as_ref()
            .map(|home| home.join(name))
            .filter(|path| path.is_file())
        {
            fs::copy(from, context.join("cargo/config.toml"))?;
        }
    }
    fs::write(
        context.join("Dockerfile"),
        format!(
            "FROM {DEBIAN}\n\
             RUN apt-get update && apt-get install -y --no-install-recommends g++ make \\\n \
             && rm -rf /var/lib/apt/lists/*\n\
             COPY bin /usr/local/bin\n\
             COPY lib /usr/local/lib\n\
             COPY cargo /usr/local/cargo\n\
             ENV CARGO_HOME=/usr/local/cargo\n\
             RUN ldconfig && cargo --version && rustc --version\n"
        ),
    )?;
    // As a stream: the toolchain is not copied once more on the host.
    let mut tar = Command::new("tar");
    tar.args(["--create", "--exclude=lib/rustlib/src", "--directory"])
        .arg(&context);
    tar.args([
        "Dockerfile",
        "cargo",
        "--directory",
        sysroot.trim(),
        "bin",
        "lib",
    ]);
    let mut tar = tar
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run tar")?;
    let stream = tar.stdout.take().context("tar gives no output")?;
    let mut build = Command::new("docker");
    build
        .args(["build", "--quiet", "--tag", image, "-"])
        .stdin(stream)
        .stdout(Stdio::null());
    let built = shell::phase(
        &format!("docker build {image}, the host's toolchain"),
        &mut build,
    );
    tar.wait()?;
    built
}

/// Debian's Postgres behind the same environment as the public image.
const ENTRYPOINT: &str = r#"#!/bin/bash
set -euo pipefail
if [ "$(id -u)" = 0 ]; then
    mkdir -p "$PGDATA"
    chown -R postgres "$PGDATA"
    chmod 700 "$PGDATA"
    export POSTGRES_PASSWORD="${POSTGRES_PASSWORD:-$(cat "$POSTGRES_PASSWORD_FILE")}"
    exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    initdb --username="$POSTGRES_USER" --pwfile=<(echo "$POSTGRES_PASSWORD") \
        --auth-local=trust --auth-host=scram-sha-256 --encoding=UTF8 ${POSTGRES_INITDB_ARGS:-}
    echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
    echo "create database $POSTGRES_DB" | postgres --single -D "$PGDATA" postgres
fi
unset POSTGRES_PASSWORD
exec "$@"
"#;

fn postgres(work: &Path) -> Result<()> {
    let context = work.join("postgres");
    fs::create_dir_all(&context)?;
    fs::write(context.join("entrypoint.sh"), ENTRYPOINT)?;
    fs::write(
        context.join("Dockerfile"),
        format!(
            "FROM {DEBIAN}\n\
             RUN mkdir -p /etc/postgresql-common \\\n \
             && echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf \\\n \
             && apt-get update && apt-get install -y --no-install-recommends postgresql-15 \\\n \
             && rm -rf /var/lib/apt/lists/*\n\
             ENV PATH=/usr/lib/postgresql/15/bin:/usr/sbin:/usr/bin:/sbin:/bin\n\
             ENV PGDATA=/var/lib/postgresql/cluster LANG=C.UTF-8\n\
             COPY entrypoint.sh /usr/local/bin/entrypoint.sh\n\
             RUN chmod 755 /usr/local/bin/entrypoint.sh\n\
             VOLUME /var/lib/postgresql\n\
             STOPSIGNAL SIGINT\n\
             EXPOSE 5432\n\
             ENTRYPOINT [\"/usr/local/bin/entrypoint.sh\"]\n\
             CMD [\"postgres\", \"-c\", \"listen_addresses=*\"]\n"
        ),
    )?;
    let mut build = Command::new("docker");
    build
        .args(["build", "--quiet", "--tag", POSTGRES])
        .arg(&context)
        .stdout(Stdio::null());
    shell::phase(
        &format!("docker build {POSTGRES}, Debian's package"),
        &mut build,
    )
}
