//! The wire between the server and Postgres, which a test can cut.

use sqlx::postgres::PgConnectOptions;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

#[derive(Default)]
struct Shared {
    is_cut: AtomicBool,
    target: Mutex<Option<PgConnectOptions>>,
    open: Mutex<Vec<TcpStream>>,
}

pub struct Wire {
    port: u16,
    shared: Arc<Shared>,
}

impl Wire {
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared::default());
        let own = Arc::clone(&shared);
        // Ends with the process; a cut wire hangs up on whoever comes.
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if !own.is_cut.load(Ordering::SeqCst) {
                    own.connect(client);
                }
            }
        });
        Self { port, shared }
    }

    /// The same database by way of this wire.
    pub fn through(&self, url: &str) -> String {
        *self.shared.target.lock().unwrap() = Some(url.parse().unwrap());
        let (scheme, rest) = url.split_once("://").unwrap();
        let (authority, path) = rest.split_once('/').unwrap();
        let user = authority
            .rsplit_once('@')
            .map_or(String::new(), |(user, _)| format!("{user}@"));
        let database = path.split('?').next().unwrap();
        format!("{scheme}://{user}127.0.0.1:{}/{database}", self.port)
    }

    pub fn cut(&self) {
        self.shared.is_cut.store(true, Ordering::SeqCst);
        for stream in self.shared.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    pub fn mend(&self) {
        self.shared.is_cut.store(false, Ordering::SeqCst);
    }
}

impl Shared {
    fn connect(&self, client: TcpStream) {
        let target = self.target.lock().unwrap().clone().unwrap();
        self.open.lock().unwrap().push(client.try_clone().unwrap());
        match target.get_socket() {
            Some(folder) => {
                let path: PathBuf = folder.join(format!(".s.PGSQL.{}", target.get_port()));
                let server = UnixStream::connect(path).unwrap();
                pump(client.try_clone().unwrap(), server.try_clone().unwrap());
                pump(server, client);
            }
            None => {
                let server = TcpStream::connect((target.get_host(), target.get_port())).unwrap();
                pump(client.try_clone().unwrap(), server.try_clone().unwrap());
                pump(server, client);
            }
        }
    }
}

/// One direction, until either side ends. Closing the far side ends the other pump.
fn pump(mut from: impl Read + Send + 'static, mut to: impl Write + Send + 'static) {
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
    });
}
