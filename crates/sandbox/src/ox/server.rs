//! Starting and stopping the server.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::calls::{Call, Count};
use super::engine::Engine;
use super::http::{Site, serve_connection, tls};
use super::options::{Failure, Options};
use super::world::World;
use super::{Error, view};

/// Connections at once; one more is closed at once, as a server without free threads does.
const MAX_CONNECTIONS: usize = 1024;
/// Depth of the types and size of the buffers are known; the usual 2 MiB are not needed.
const STACK: usize = 512 * 1024;

/// Starts the server; it runs until [`Server::stop`] or until the handle is dropped.
///
/// # Errors
///
/// When the address cannot be listened on, the TLS files cannot be used, or a failure on purpose
/// names an unknown operation.
pub fn serve(options: Options) -> Result<Server, Error> {
    let tls = options.tls.as_ref().map(tls::config).transpose()?;
    let wanted = options.listen;
    let engine = Engine::new(options)?;
    let listen = |source| Error::Listen { address: wanted, source };
    let listener = TcpListener::bind(wanted).map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let shared = Arc::new(Shared {
        site: Site {
            engine,
            scheme: if tls.is_some() { "https" } else { "http" },
            address: address.to_string(),
            is_stopping: AtomicBool::new(false),
        },
        connections: Mutex::default(),
        last_connection: AtomicU64::new(0),
        tls,
    });
    let acceptor = thread::Builder::new()
        .name("accept".to_owned())
        .spawn({
            let shared = shared.clone();
            move || accept(&listener, &shared)
        })
        .map_err(Error::Thread)?;
    Ok(Server { shared, address, acceptor: Some(acceptor) })
}

/// A running server.
pub struct Server {
    shared: Arc<Shared>,
    address: SocketAddr,
    acceptor: Option<JoinHandle<()>>,
}

impl Server {
    /// Where it listens; the port is the real one, also when port 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Scheme, host and port, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}", self.shared.site.scheme, self.address)
    }

    /// Looks at the state between two calls.
    pub fn inspect<T>(&self, look: impl FnOnce(&World) -> T) -> T {
        look(&self.shared.site.engine.state().world)
    }

    /// The calls after number `since`, in the order in which they took effect.
    #[must_use]
    pub fn calls(&self, since: u64) -> Vec<Call> {
        self.shared.site.engine.state().calls.since(since).cloned().collect()
    }

    /// Calls per operation, by `Service.operation`.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<String, Count> {
        self.shared.site.engine.state().calls.counts()
    }

    /// The same as `GET /state`.
    #[must_use]
    pub fn dump(&self) -> serde_json::Value {
        serde_json::from_slice(&view::json::state(&self.shared.site.engine, None))
            .unwrap_or_default()
    }

    /// Adds a failure on purpose; calls are counted from now.
    ///
    /// # Errors
    ///
    /// When no service has such an operation.
    pub fn fail(&self, failure: Failure) -> Result<(), Error> {
        self.shared.site.engine.add_failures(vec![failure])
    }

    /// Back to the state of the start.
    pub fn reset(&self) {
        self.shared.site.engine.reset();
    }

    /// Blocks until the server is stopped from elsewhere.
    pub fn wait(mut self) {
        if let Some(acceptor) = self.acceptor.take() {
            // It ends by itself only when it panicked; there is nothing to clean up then.
            let _ = acceptor.join();
        }
    }

    /// Stops at once; open connections are closed, also in the middle of an answer.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.site.is_stopping.store(true, Ordering::Release);
        // The acceptor waits for a connection; this one wakes it. A server on all addresses is
        // reached on the local one.
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip(match address {
                SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
            });
        }
        let woken = TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok();
        for connection in self.shared.connections().values() {
            // It may be closed already.
            let _ = connection.shutdown(Shutdown::Both);
        }
        if let Some(acceptor) = self.acceptor.take()
            && woken
        {
            // A panic there was reported on stderr already.
            let _ = acceptor.join();
        }
    }
}

struct Shared {
    site: Site,
    connections: Mutex<HashMap<u64, TcpStream>>,
    last_connection: AtomicU64,
    tls: Option<Arc<ServerConfig>>,
}

impl Shared {
    fn connections(&self) -> std::sync::MutexGuard<'_, HashMap<u64, TcpStream>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    loop {
        let accepted = listener.accept();
        if shared.site.is_stopping() {
            return;
        }
        match accepted {
            Ok((stream, _)) => start_connection(stream, shared),
            Err(error) => {
                // Out of descriptors, most likely; without a pause this would be a busy loop.
                tracing::warn!("cannot accept a connection: {error}");
                thread::sleep(Duration::from_millis(50));
            }
        }
    }
}

fn start_connection(stream: TcpStream, shared: &Arc<Shared>) {
    let number = shared.last_connection.fetch_add(1, Ordering::Relaxed);
    {
        let mut connections = shared.connections();
        if connections.len() >= MAX_CONNECTIONS {
            tracing::warn!("more than {MAX_CONNECTIONS} connections, closing the newest");
            return;
        }
        match stream.try_clone() {
            Ok(clone) => connections.insert(number, clone),
            Err(error) => {
                tracing::warn!("cannot keep a connection: {error}");
                return;
            }
        };
    }
    let started = thread::Builder::new().name("connection".to_owned()).stack_size(STACK).spawn({
        let shared = shared.clone();
        move || {
            // Also when handling panics, the connection must leave the list.
            let _listed = Listed(&shared, number);
            if let Err(error) = run_connection(stream, &shared) {
                tracing::debug!("connection ended: {error}");
            }
        }
    });
    if let Err(error) = started {
        tracing::warn!("cannot start a thread: {error}");
        shared.connections().remove(&number);
    }
}

/// A connection's place in the list of open ones.
struct Listed<'a>(&'a Shared, u64);

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        self.0.connections().remove(&self.1);
    }
}

fn run_connection(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    let timeout = Some(shared.site.client_timeout()).filter(|timeout| !timeout.is_zero());
    stream.set_nodelay(true)?;
    stream.set_read_timeout(timeout)?;
    stream.set_write_timeout(timeout)?;
    match &shared.tls {
        None => serve_connection(&shared.site, &mut stream),
        Some(config) => {
            let session = ServerConnection::new(config.clone()).map_err(io::Error::other)?;
            let mut stream = StreamOwned::new(session, stream);
            serve_connection(&shared.site, &mut stream);
            stream.conn.send_close_notify();
            // The client may be gone already.
            let _ = stream.conn.complete_io(&mut stream.sock);
        }
    }
    Ok(())
}
