//! TLS on top of a connection of the HTTP library, whose own connector takes no verifier.
//!
//! Apart from that it does what the library's does: the handshake is part of making the connection
//! and of its time, and the limits of each read and write reach the socket below.

use std::fmt;
use std::io::{self, Read, Write};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use ureq::Error;
use ureq::unversioned::transport::time::{Duration, Instant};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, Transport,
    TransportAdapter,
};

use super::Tls;

/// Wraps connections to `https` addresses. Without settings it wraps none, and the library refuses
/// `https`.
#[derive(Debug)]
pub(crate) struct TlsConnector(pub(crate) Option<Tls>);

impl<In: Transport> Connector<In> for TlsConnector {
    type Out = Either<In, TlsTransport>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        let Some(transport) = chained else { return Ok(None) };
        let config = match &self.0 {
            Some(Tls(config)) if details.needs_tls() => Arc::clone(config),
            _ => return Ok(Some(Either::A(transport))),
        };
        let mut connection = ClientConnection::new(config, server_name(details)?)?;
        let mut socket =
            TransportAdapter::new(transport.boxed(), Arc::clone(&details.current_time));
        socket.set_timeout(remaining(details.timeout, details.now, (details.current_time)()));
        connection.complete_io(&mut socket)?;
        let buffers = LazyBuffers::new(
            details.config.input_buffer_size(),
            details.config.output_buffer_size(),
        );
        let stream = StreamOwned::new(connection, socket);
        Ok(Some(Either::B(TlsTransport { buffers, stream })))
    }
}

fn server_name(details: &ConnectionDetails<'_>) -> Result<ServerName<'static>, Error> {
    let host = details.uri.host().unwrap_or_default();
    // An IPv6 address stands in brackets in a URL only.
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    ServerName::try_from(host.to_owned())
        .map_err(|_| Error::Tls("its host name is not one that a certificate can have"))
}

/// What is left of the time for connecting: the connector below has used some of it.
fn remaining(mut timeout: NextTimeout, begin: Instant, now: Instant) -> NextTimeout {
    if let (Duration::Exact(limit), Instant::Exact(begin), Instant::Exact(now)) =
        (timeout.after, begin, now)
    {
        timeout.after = limit.saturating_sub(now.saturating_duration_since(begin)).into();
    }
    timeout
}

/// A connection with TLS.
pub(crate) struct TlsTransport {
    buffers: LazyBuffers,
    stream: StreamOwned<ClientConnection, TransportAdapter>,
}

impl Transport for TlsTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.stream.get_mut().set_timeout(timeout);
        let Some(output) = self.buffers.output().get(..amount) else {
            return Err(io::Error::from(io::ErrorKind::InvalidInput).into());
        };
        self.stream.write_all(output)?;
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.stream.get_mut().set_timeout(timeout);
        let amount = self.stream.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        self.stream.get_mut().get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}

impl fmt::Debug for TlsTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsTransport").field("below", &self.stream.sock.get_ref()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_handshake_has_what_is_left_of_the_time() {
        let begin = Instant::now();
        let timeout = NextTimeout { after: Duration::from_secs(10), ..NextTimeout::default() };
        let left = |seconds| remaining(timeout, begin, begin + Duration::from_secs(seconds)).after;
        assert_eq!(left(0), Duration::from_secs(10));
        assert_eq!(left(3), Duration::from_secs(7));
        assert_eq!(left(11), Duration::from_secs(0));
        let endless = NextTimeout::default();
        assert!(remaining(endless, begin, Instant::now()).after.is_not_happening());
    }
}
