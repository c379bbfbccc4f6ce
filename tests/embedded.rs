//! The private Postgres, with its real binaries.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use assay::embedded::cluster::{self, Embedded};
use assay::embedded::{EmbeddedError, account::Account};
use sqlx::{Connection, PgConnection, Row};

/// Set for the process that `holder` runs in.
const HELD: &str = "ASSAY_TEST_HELD_FOLDER";

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("assay-test-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.expect("a connection")
}

async fn setting(connection: &mut PgConnection, name: &str) -> String {
    let row = sqlx::query("select current_setting($1)")
        .bind(name)
        .fetch_one(connection)
        .await;
    row.expect("the setting").get(0)
}

fn start(folder: &Path) -> Embedded {
    cluster::start(folder).expect("a cluster")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_start_gives_a_durable_private_cluster() {
    let folder = Folder::new("first");
    let embedded = start(&folder.0);

    let mut connection = connect(embedded.url()).await;
    for durable in [
        "fsync",
        "synchronous_commit",
        "full_page_writes",
        "data_checksums",
    ] {
        assert_eq!(setting(&mut connection, durable).await, "on", "{durable}");
    }
    assert_eq!(
        setting(&mut connection, "listen_addresses").await,
        "127.0.0.1"
    );
    assert_eq!(setting(&mut connection, "server_encoding").await, "UTF8");
    let row = sqlx::query(
        "select current_database()::text, current_user::text, inet_server_addr() is null",
    );
    let row = row.fetch_one(&mut connection).await.expect("a row");
    assert_eq!(
        (row.get::<&str, _>(0), row.get::<&str, _>(1)),
        ("assay", "assay")
    );
    assert!(row.get::<bool, _>(2), "the URL goes over the socket");
    connect(embedded.tcp_url()).await;

    let wrong = embedded.tcp_url().replacen("assay:", "assay:x", 1);
    assert!(
        PgConnection::connect(&wrong).await.is_err(),
        "a wrong password over TCP"
    );
    let wrong = embedded.url().replacen("assay:", "assay:x", 1);
    assert!(
        PgConnection::connect(&wrong).await.is_err(),
        "a wrong password over the socket"
    );

    let mode = |path: &str| {
        let meta = std::fs::metadata(folder.0.join(path)).expect("the file");
        (meta.permissions().mode() & 0o777, meta.uid())
    };
    let uid = Account::find().expect("an account").uid;
    assert_ne!(uid, 0, "Postgres never runs as root");
    assert_eq!(mode("postgres.password"), (0o600, uid));
    assert_eq!(mode("run"), (0o700, uid));
    assert_eq!(mode("postgres").1, uid);

    let pid = embedded.pid();
    embedded.stop().expect("a clean stop");
    assert!(
        !Path::new(&format!("/proc/{pid}")).exists(),
        "stop waits for the end"
    );
    assert!(
        !folder.0.join("postgres/postmaster.pid").exists(),
        "the stop was clean"
    );
}

#[test]
fn a_second_server_on_the_same_folder_is_refused() {
    let folder = Folder::new("second");
    let first = start(&folder.0);
    let second = cluster::start(&folder.0);
    assert!(matches!(second, Err(EmbeddedError::InUse(_))), "{second:?}");
    first.stop().expect("a clean stop");
    start(&folder.0).stop().expect("free again after the stop");
}

#[test]
fn a_folder_of_another_major_version_is_refused_in_one_line() {
    let folder = Folder::new("major");
    start(&folder.0).stop().expect("a clean stop");
    std::fs::write(folder.0.join("postgres/PG_VERSION"), "14\n").expect("written");
    let error = cluster::start(&folder.0)
        .expect_err("another major")
        .to_string();
    assert!(
        error.contains("Postgres 14") && !error.contains('\n'),
        "{error}"
    );
}

#[test]
fn an_interrupted_first_start_is_begun_again() {
    let folder = Folder::new("interrupted");
    let half = folder.0.join("postgres.new/base");
    std::fs::create_dir_all(&half).expect("made");
    start(&folder.0).stop().expect("a clean stop");
}

#[test]
fn a_folder_that_postgres_may_not_enter_is_left_as_it_is() {
    if !Account::find().expect("an account").switch {
        return; // Only root runs Postgres as somebody else.
    }
    let closed = Folder::new("closed");
    std::fs::create_dir_all(&closed.0).expect("made");
    std::fs::set_permissions(&closed.0, std::fs::Permissions::from_mode(0o700)).expect("closed");
    let error = cluster::start(&closed.0.join("data")).expect_err("out of reach");
    assert!(matches!(error, EmbeddedError::OutOfReach { .. }), "{error}");
    let mode = std::fs::metadata(&closed.0)
        .expect("the folder")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_too_long_for_a_socket_goes_over_tcp() {
    let folder = Folder::new(&"long".repeat(25));
    let embedded = start(&folder.0);
    assert_eq!(embedded.url(), embedded.tcp_url());
    connect(embedded.url()).await;
    embedded.stop().expect("a clean stop");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_postgres_is_started_again() {
    let folder = Folder::new("restart");
    let embedded = start(&folder.0);
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(embedded.pid().cast_signed()),
        nix::sys::signal::Signal::SIGKILL,
    )
    .expect("killed");
    let deadline = Instant::now() + Duration::from_secs(30);
    while PgConnection::connect(embedded.url()).await.is_err() {
        assert!(Instant::now() < deadline, "Postgres did not come back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    embedded.stop().expect("a clean stop");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_committed_survives_the_killing_of_the_server() {
    let folder = Folder::new("killed");
    let mut kept = Vec::new();
    for round in 0..3 {
        let (mut server, url, postgres) = hold(&folder.0);
        let mut connection = connect(&url).await;
        if round == 0 {
            sqlx::query("create table kept(n int)")
                .execute(&mut connection)
                .await
                .expect("made");
        }
        sqlx::query("insert into kept values ($1)")
            .bind(round)
            .execute(&mut connection)
            .await
            .expect("kept");
        kept.push(round);
        server.kill().expect("killed");
        server.wait().expect("reaped");
        if round == 1 {
            // This time Postgres does not get to its own clean end.
            let pid = nix::unistd::Pid::from_raw(postgres.cast_signed());
            let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL);
        }
    }
    let embedded = start(&folder.0);
    let mut connection = connect(embedded.url()).await;
    let rows =
        sqlx::query_scalar::<_, i32>("select n from kept order by n").fetch_all(&mut connection);
    assert_eq!(rows.await.expect("rows"), kept);
    embedded.stop().expect("a clean stop");
}

/// Starts this test binary again as a server that only holds the folder.
fn hold(folder: &Path) -> (Child, String, u32) {
    let mut server = Command::new(std::env::current_exe().expect("this binary"))
        .args(["--exact", "holder", "--ignored", "--nocapture"])
        .env(HELD, folder)
        .stdout(Stdio::piped())
        .spawn()
        .expect("a second process");
    let mut lines = BufReader::new(server.stdout.take().expect("its output")).lines();
    let line = lines
        .find_map(|line| {
            line.expect("a line")
                .split_once("HELD ")
                .map(|(_, rest)| rest.to_owned())
        })
        .expect("the server's address");
    let (pid, url) = line.split_once(' ').expect("pid and address");
    (server, url.to_owned(), pid.parse().expect("a pid"))
}

#[test]
#[ignore = "the process that other tests kill"]
fn holder() {
    let Some(folder) = std::env::var_os(HELD) else {
        return;
    };
    let embedded = start(Path::new(&folder));
    println!("HELD {} {}", embedded.pid(), embedded.url());
    loop {
        std::thread::park();
    }
}
