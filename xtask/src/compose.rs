//! `cargo xtask compose-test`: the whole stack in containers, from outside.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{shell, standin};

const UP_LIMIT: Duration = Duration::from_secs(180);
const POLL: Duration = Duration::from_secs(2);

#[derive(clap::Args)]
pub struct Args {
    /// Use the public base images (needs an image registry)
    #[arg(long)]
    public_images: bool,
    /// Make the stand-in images anew
    #[arg(long)]
    fresh: bool,
    /// The experiment file that is submitted
    #[arg(long, default_value = "presets/quick.yaml")]
    experiment: PathBuf,
    /// Give up on the experiment after this many minutes
    #[arg(long, default_value_t = 30)]
    minutes: u64,
}

pub fn run(args: &Args) -> Result<()> {
    shell::catch_stop()?;
    let docker = Command::new("docker")
        .arg("info")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !docker.is_ok_and(|status| status.success()) {
        bail!(
            "no Docker daemon answers: install docker and start it (Debian: apt-get install docker.io)"
        );
    }
    let begun = Instant::now();
    let file = shell::root().join(&args.experiment);
    let experiment =
        fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let images = if args.public_images {
        None
    } else {
        Some(standin::ensure(args.fresh)?)
    };
    let stack = Stack::new(images.as_ref())?;

    shell::phase("compose build", &mut stack.compose(&["build"]))?;
    let tested = shell::phase(
        "compose up",
        stack.compose(&["up", "-d"]).stdin(Stdio::null()),
    )
    .and_then(|()| stack.test(&experiment, Duration::from_secs(args.minutes * 60)));
    if tested.is_err() {
        let _ = stack.compose(&["ps"]).status();
        let _ = stack
            .compose(&["logs", "--no-color", "--tail", "40"])
            .status();
    }
    let down = stack.down();
    tested.and(down)?;
    println!(
        "compose-test: passed in {:.0} s",
        begun.elapsed().as_secs_f64()
    );
    Ok(())
}

/// One compose project with a name, a port and secrets of its own.
struct Stack {
    program: Vec<&'static str>,
    environment: Vec<(&'static str, String)>,
    project: String,
    address: String,
    secrets: PathBuf,
    admin_token: String,
}

impl Stack {
    fn new(images: Option<&standin::Images>) -> Result<Stack> {
        let program = if Command::new("docker")
            .args(["compose", "version"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
        {
            vec!["docker", "compose"]
        } else if shell::is_there("docker-compose") {
            vec!["docker-compose"]
        } else {
            bail!("no compose: install it (Debian: apt-get install docker-compose)");
        };
        let project = format!("assay-test-{}", std::process::id());
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let secrets = std::env::temp_dir().join(&project);
        let admin_token = make_secrets(&secrets)?;
        let mut environment = vec![
            ("ASSAY_PORT", port.to_string()),
            ("ASSAY_SECRETS", secrets.display().to_string()),
        ];
        if let Some(images) = images {
            environment.push(("RUNTIME_IMAGE", images.runtime.clone()));
            environment.push(("RUST_IMAGE", images.rust.clone()));
            environment.push(("POSTGRES_IMAGE", images.postgres.clone()));
        }
        let address = format!("127.0.0.1:{port}");
        Ok(Stack {
            program,
            environment,
            project,
            address,
            secrets,
            admin_token,
        })
    }

    fn compose(&self, arguments: &[&str]) -> Command {
        let mut compose = Command::new(self.program[0]);
        compose
            .args(&self.program[1..])
            .args(["--project-name", &self.project]);
        compose.args(arguments).current_dir(shell::root());
        compose.envs(self.environment.iter().map(|(name, value)| (name, value)));
        compose
    }

    fn test(&self, experiment: &str, limit: Duration) -> Result<()> {
        self.wait_until_healthy()?;
        if shell::http_status(&self.address, "/") == Some(200) {
            bail!("the server outside loopback answers without a token");
        }
        let (status, body) = self.request("POST", "/api/v1/experiments", experiment)?;
        if status != 201 {
            bail!(
                "POST /api/v1/experiments answered {status}: {}",
                one_line(&body)
            );
        }
        let created: Value = serde_json::from_str(&body).context("the answer is no JSON")?;
        let id = created["id"]
            .as_str()
            .context("the answer names no experiment")?;
        eprintln!("==> experiment {id} on http://{}", self.address);
        self.wait_until_done(id, limit)?;
        self.check_page(id)?;
        self.check_pixels(id)
    }

    fn wait_until_healthy(&self) -> Result<()> {
        let deadline = Instant::now() + UP_LIMIT;
        while shell::http_status(&self.address, "/healthz") != Some(200) {
            if Instant::now() > deadline || shell::stopped() {
                bail!(
                    "http://{}/healthz did not answer within {UP_LIMIT:?}",
                    self.address
                );
            }
            std::thread::sleep(Duration::from_millis(250));
        }
        Ok(())
    }

    fn wait_until_done(&self, id: &str, limit: Duration) -> Result<()> {
        let begun = Instant::now();
        let mut said = String::new();
        loop {
            let states = run_states(&self.experiment(id)?)?;
            let count = |state: &str| states.iter().filter(|have| *have == state).count();
            let now = format!("{} of {} runs succeeded", count("succeeded"), states.len());
            if now != said {
                eprintln!("    {:>4.0} s  {now}", begun.elapsed().as_secs_f64());
                said = now;
            }
            if count("failed") + count("cancelled") > 0 {
                bail!("a run failed or was cancelled");
            }
            if count("succeeded") == states.len() && !states.is_empty() {
                return Ok(());
            }
            if begun.elapsed() > limit || shell::stopped() {
                bail!(
                    "the experiment was not done after {:.0} s",
                    begun.elapsed().as_secs_f64()
                );
            }
            std::thread::sleep(POLL);
        }
    }

    /// The comparison page must name every arm of the experiment.
    fn check_page(&self, id: &str) -> Result<()> {
        let answer = self.experiment(id)?;
        let arms = answer["experiment"]["arms"]
            .as_array()
            .context("the experiment has no arms")?;
        let (status, page) = self.request("GET", &format!("/experiments/{id}"), "")?;
        if status != 200 {
            bail!("GET /experiments/{id} answered {status}");
        }
        for arm in arms {
            let label = arm["label"].as_str().context("an arm has no label")?;
            if !page.contains(&escaped(label)) {
                bail!("the comparison page does not show the arm {label:?}");
            }
        }
        eprintln!("    the comparison page shows all {} arms", arms.len());
        Ok(())
    }

    /// The server's image has a font: a figure comes as pixels.
    fn check_pixels(&self, id: &str) -> Result<()> {
        let path = format!("/experiments/{id}/milestones.png");
        let (status, body) = self.request("GET", &path, "")?;
        if status != 200 {
            bail!("GET {path} answered {status}: {}", one_line(&body));
        }
        // The body is read as text: its first byte, which is none, has been replaced.
        if !body.starts_with("\u{fffd}PNG\r\n\u{1a}\n") {
            bail!("GET {path} answered 200, and no PNG");
        }
        eprintln!("    a figure of it comes as PNG");
        Ok(())
    }

    fn experiment(&self, id: &str) -> Result<Value> {
        let path = format!("/api/v1/experiments/{id}");
        let (status, body) = self.request("GET", &path, "")?;
        if status != 200 {
            bail!("GET {path} answered {status}: {}", one_line(&body));
        }
        serde_json::from_str(&body).context("the answer is no JSON")
    }

    fn request(&self, method: &str, path: &str, body: &str) -> Result<(u16, String)> {
        let token = format!("Bearer {}", self.admin_token);
        let headers = [
            ("Authorization", token.as_str()),
            ("Content-Type", "application/yaml"),
        ];
        shell::http(&self.address, method, path, &headers, body)
            .with_context(|| format!("{method} {path}: no answer from {}", self.address))
    }

    fn down(&self) -> Result<()> {
        let mut down = self.compose(&["down", "--volumes", "--remove-orphans"]);
        let done = shell::phase("compose down", down.stdin(Stdio::null()));
        let _ = fs::remove_dir_all(&self.secrets);
        done
    }
}

/// A closed folder with readable files in it: the containers' users are not us.
fn make_secrets(folder: &PathBuf) -> Result<String> {
    use std::io::Read;
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new()
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("cannot make {}", folder.display()))?;
    let mut last = String::new();
    for name in ["db_password", "worker_token", "admin_token"] {
        let mut random = [0; 32];
        fs::File::open("/dev/urandom")?.read_exact(&mut random)?;
        last = hex::encode(random);
        fs::write(folder.join(name), format!("{last}\n"))?;
    }
    Ok(last)
}

fn run_states(answer: &Value) -> Result<Vec<String>> {
    let runs = answer["runs"]
        .as_array()
        .context("the experiment has no list of runs")?;
    runs.iter()
        .map(|run| {
            run["state"]
                .as_str()
                .map(str::to_owned)
                .context("a run without a state")
        })
        .collect()
}

/// As the pages write it.
fn escaped(text: &str) -> String {
    text.chars()
        .map(|c| {
            if "&<>\"'".contains(c) {
                format!("&#{};", u32::from(c))
            } else {
                c.into()
            }
        })
        .collect()
}

fn one_line(text: &str) -> String {
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .take(500)
        .collect()
}
