//! The way to the server: the socket, TLS over it, and what looks at each byte before the protocol
//! library sees it.
//!
//! The library would connect and switch to TLS itself, but then nothing could stand in between. It is
//! given one end of a pair of sockets instead.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use ldap3::StdStream;
use rustix::net::sockopt;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::ber::{self, ENUMERATED, INTEGER, NotBer, Reader, SEQUENCE};
use crate::error::{Error, NOT_LDAP};
use crate::framing::Framing;
use crate::settings::{Endpoint, Settings};
use crate::tls;
use crate::window::Window;

/// The protocol library finds its socket given, and looks at no more than the scheme.
pub(crate) const PAIRED: &str = "ldapi:///";

/// Bytes that are looked at together.
const PIECE: usize = 16 * 1024;

/// Longest answer to StartTLS; it is some result code with a sentence.
const LONGEST_ANSWER: usize = 4096;

/// The request to switch to TLS (RFC 4511 4.14.1), as message 1.
const START_TLS: &[u8] = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";

/// ExtendedResponse (RFC 4511 4.12).
const EXTENDED_RESPONSE: u8 = 0x78;

/// What is read from and written to.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Connects, and switches to TLS if it is asked for.
pub(crate) async fn open(
    settings: &Settings,
    endpoint: &Endpoint,
    tls: Option<Arc<ClientConfig>>,
) -> Result<Box<dyn Stream>, Error> {
    let limit = settings.timeout;
    let url = || settings.url.clone();
    let late = |doing| Error::Timeout { doing, url: url(), limit };
    let unreachable = |source| Error::Unreachable { url: url(), source };
    // One limit for all steps would be simpler, but would not say which of them is slow.
    let (host, port, is_tls) = match endpoint {
        Endpoint::Unix { path } => {
            let stream = timeout(limit, UnixStream::connect(path))
                .await
                .map_err(|_| late("connect"))?
                .map_err(unreachable)?;
            return Ok(Box::new(stream));
        }
        Endpoint::Tcp { host, port, is_tls } => (host, *port, *is_tls),
    };
    let mut stream = timeout(limit, TcpStream::connect((host.as_str(), port)))
        .await
        .map_err(|_| late("connect"))?
        .and_then(|stream| {
            // Several searches are sent one right after the other; none shall wait for the
            // acknowledgement of the one before.
            stream.set_nodelay(true)?;
            keep_alive(&stream, settings.receive_buffer)?;
            Ok(stream)
        })
        .map_err(unreachable)?;
    let Some(config) = tls else { return Ok(Box::new(stream)) };
    let name = ServerName::try_from(host.clone())
        .map_err(|_| Error::Url { url: url(), problem: "its host name cannot be used" })?;
    if !is_tls {
        let answer = timeout(limit, start_tls(&mut stream));
        match answer.await.map_err(|_| late("switch to TLS"))? {
            Ok(0) => {}
            Ok(code) => return Err(Error::StartTls { url: url(), code }),
            Err(Ended::Closed) => return Err(Error::Closed { doing: "switch to TLS", url: url() }),
            Err(Ended::Malformed(problem)) => {
                return Err(Error::Malformed { doing: "switch to TLS", url: url(), problem });
            }
        }
    }
    let stream = timeout(limit, TlsConnector::from(config).connect(name, stream))
        .await
        .map_err(|_| late("connect (TLS handshake)"))?
        .map_err(|source| match tls::certificate_problem(&source) {
            Some((problem, remedy)) => Error::Untrusted { url: url(), problem, remedy },
            None => Error::Unreachable { url: url(), source },
        })?;
    Ok(Box::new(stream))
}

/// A server that has vanished without a word (power, firewall) is noticed within two minutes, also by
/// a search that waits for changes and sends nothing.
fn keep_alive(stream: &TcpStream, receive_buffer: Option<usize>) -> io::Result<()> {
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, Duration::from_secs(60))?;
    sockopt::set_tcp_keepintvl(stream, Duration::from_secs(15))?;
    sockopt::set_tcp_keepcnt(stream, 4)?;
    if let Some(bytes) = receive_buffer {
        sockopt::set_socket_recv_buffer_size(stream, bytes)?;
    }
    Ok(())
}

/// Why nothing more comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// One of both sides has closed.
    Closed,
    /// The server does not speak LDAP.
    Malformed(&'static str),
}

impl From<io::Error> for Ended {
    fn from(_: io::Error) -> Self {
        Self::Closed
    }
}

/// Asks for TLS; returns the result code.
async fn start_tls(stream: &mut TcpStream) -> Result<u32, Ended> {
    stream.write_all(START_TLS).await?;
    let mut framing = Framing::default();
    let mut answer = Vec::new();
    let mut piece = [0; LONGEST_ANSWER];
    loop {
        let length = stream.read(&mut piece).await?;
        let bytes = piece.get(..length).unwrap_or_default();
        if bytes.is_empty() {
            return Err(Ended::Closed);
        }
        framing.take(bytes, |_| ()).map_err(Ended::Malformed)?;
        answer.extend_from_slice(bytes);
        if answer.len() > LONGEST_ANSWER {
            return Err(Ended::Malformed(NOT_LDAP));
        }
        if framing.is_between_messages() {
            // More than one message could be something that somebody has slipped in: what is not
            // protected must not be taken for what is.
            return result_code(&answer).map_err(|NotBer| Ended::Malformed(NOT_LDAP));
        }
    }
}

fn result_code(answer: &[u8]) -> Result<u32, NotBer> {
    let mut message = Reader::only(answer, SEQUENCE)?;
    message.expect(INTEGER)?;
    let mut response = Reader::new(message.expect(EXTENDED_RESPONSE)?);
    ber::unsigned(response.expect(ENUMERATED)?)
}

/// A pair of sockets: ours, and the one for the protocol library.
pub(crate) fn pair(receive_buffer: Option<usize>) -> io::Result<(UnixStream, StdStream)> {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    if let Some(bytes) = receive_buffer {
        sockopt::set_socket_send_buffer_size(&ours, bytes)?;
    }
    Ok((UnixStream::from_std(ours)?, StdStream::Unix(theirs)))
}

/// Carries bytes between the server and the protocol library until one of them closes, or the server
/// sends what is no LDAP. The server has to wait while the window is full.
pub(crate) async fn relay(server: Box<dyn Stream>, library: UnixStream, window: Window) -> Ended {
    let (mut from_server, mut to_server) = tokio::io::split(server);
    let (mut from_library, mut to_library) = library.into_split();
    let answers = async {
        let mut framing = Framing::default();
        let mut piece = vec![0; PIECE];
        loop {
            window.room().await;
            let length = from_server.read(&mut piece).await?;
            let bytes = piece.get(..length).unwrap_or_default();
            if bytes.is_empty() {
                return Err(Ended::Closed);
            }
            framing.take(bytes, |size| window.add(size)).map_err(Ended::Malformed)?;
            to_library.write_all(bytes).await?;
        }
    };
    let requests = tokio::io::copy(&mut from_library, &mut to_server);
    let ended: Result<std::convert::Infallible, Ended> = tokio::select! {
        ended = answers => ended,
        _ = requests => Err(Ended::Closed),
    };
    match ended {
        Ok(never) => match never {},
        Err(ended) => ended,
    }
}
