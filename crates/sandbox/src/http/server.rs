//! Listening, the threads of the connections, and stopping.

use std::collections::HashMap;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::connection::serve_connection;
use super::message::Request;
use super::response::Reaction;
use super::{StartError, Tls, tls};

/// Connections at once; one more is closed at once, as a server without free threads does.
const MAX_CONNECTIONS: usize = 1024;
/// Depth of the types and size of the buffers are known; the usual 2 MiB are not needed.
const STACK: usize = 512 * 1024;

/// What is served.
pub(crate) trait Site: Send + Sync + 'static {
    fn react(&self, request: &Request) -> Reaction;

    /// How long a client may take to send one request, and how long a connection may idle.
    fn client_timeout(&self) -> Duration;
}

/// Listens, and serves what `site` makes of scheme (`http` or `https`) and address.
pub(crate) fn host<S: Site, E: From<StartError>>(
    wanted: SocketAddr,
    tls: Option<&Tls>,
    site: impl FnOnce(&'static str, SocketAddr) -> Result<S, E>,
) -> Result<Host<S>, E> {
    let tls = tls.map(tls::config).transpose()?;
    let listen = |source| StartError::Listen { address: wanted, source };
    let listener = TcpListener::bind(wanted).map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let shared = Arc::new(Shared {
        site: site(scheme, address)?,
        is_stopping: AtomicBool::new(false),
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
        .map_err(StartError::Thread)?;
    Ok(Host { shared, scheme, address, acceptor: Some(acceptor) })
}

/// A site that is being served; dropping it stops at once, also in the middle of an answer.
pub(crate) struct Host<S: Site> {
    shared: Arc<Shared<S>>,
    scheme: &'static str,
    address: SocketAddr,
    acceptor: Option<JoinHandle<()>>,
}

impl<S: Site> Host<S> {
    pub(crate) fn site(&self) -> &S {
        &self.shared.site
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Scheme, host and port, without a slash at the end.
    pub(crate) fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// Blocks until it is stopped from elsewhere.
    pub(crate) fn wait(mut self) {
        if let Some(acceptor) = self.acceptor.take() {
            // It ends by itself only when it panicked; there is nothing to clean up then.
            let _ = acceptor.join();
        }
    }
}

impl<S: Site> Drop for Host<S> {
    fn drop(&mut self) {
        self.shared.is_stopping.store(true, Ordering::Release);
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

struct Shared<S> {
    site: S,
    is_stopping: AtomicBool,
    connections: Mutex<HashMap<u64, TcpStream>>,
    last_connection: AtomicU64,
    tls: Option<Arc<ServerConfig>>,
}

impl<S> Shared<S> {
    fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Acquire)
    }

    fn connections(&self) -> std::sync::MutexGuard<'_, HashMap<u64, TcpStream>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn accept<S: Site>(listener: &TcpListener, shared: &Arc<Shared<S>>) {
    loop {
        let accepted = listener.accept();
        if shared.is_stopping() {
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

fn start_connection<S: Site>(stream: TcpStream, shared: &Arc<Shared<S>>) {
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
struct Listed<'a, S>(&'a Shared<S>, u64);

impl<S> Drop for Listed<'_, S> {
    fn drop(&mut self) {
        self.0.connections().remove(&self.1);
    }
}

fn run_connection<S: Site>(mut stream: TcpStream, shared: &Shared<S>) -> io::Result<()> {
    let timeout = Some(shared.site.client_timeout()).filter(|timeout| !timeout.is_zero());
    stream.set_nodelay(true)?;
    stream.set_read_timeout(timeout)?;
    stream.set_write_timeout(timeout)?;
    let is_stopping = || shared.is_stopping();
    match &shared.tls {
        None => serve_connection(&shared.site, is_stopping, &mut stream),
        Some(config) => {
            let session = ServerConnection::new(config.clone()).map_err(io::Error::other)?;
            let mut stream = StreamOwned::new(session, stream);
            serve_connection(&shared.site, is_stopping, &mut stream);
            stream.conn.send_close_notify();
            // The client may be gone already.
            let _ = stream.conn.complete_io(&mut stream.sock);
        }
    }
    Ok(())
}
