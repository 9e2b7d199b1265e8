//! The bodies of answers: read whole or as they come in, within limits.

use std::io::{self, BufRead, BufReader, Read};

use ureq::Body;
use ureq::http::{HeaderMap, header};

use crate::failure::{TooLarge, TransportError};
use crate::line::one_line;

/// What a reader takes from the body at a time.
const BUFFER_SIZE: usize = 32 << 10;
/// What may stand after the end of what was wanted for the connection to be used again.
const TAIL_LIMIT: u64 = 4096;

/// The beginning of an answer.
#[derive(Debug)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    headers: HeaderMap,
    body: Body,
}

impl Reply {
    pub(crate) const fn new(status: u16, headers: HeaderMap, body: Body) -> Self {
        Self { status, headers, body }
    }

    /// The value of a header, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Where a redirect points to, without the query: it may hold what is not for the log.
    pub fn location(&self) -> Option<String> {
        let location = self.headers.get(header::LOCATION)?;
        let location = String::from_utf8_lossy(location.as_bytes());
        Some(one_line(location.split('?').next().unwrap_or_default(), 300))
    }

    /// Reads the body into an emptied buffer.
    ///
    /// # Errors
    /// [`TransportError::TooLarge`] above `limit` bytes; the connection fails.
    pub fn read_to(self, space: &mut Vec<u8>, limit: u64) -> Result<(), TransportError> {
        space.clear();
        let mut source = self.body.into_reader().take(limit.saturating_add(1));
        source.read_to_end(space).map_err(|error| TransportError::of_io(&error))?;
        if u64::try_from(space.len()).is_ok_and(|length| length > limit) {
            return Err(TransportError::TooLarge(limit));
        }
        Ok(())
    }

    /// Reads the beginning of the body, for a message; what is beyond the limit costs the connection.
    ///
    /// # Errors
    /// The connection fails before the limit.
    pub fn read_beginning(self, limit: u64) -> Result<Vec<u8>, TransportError> {
        let mut beginning = Vec::new();
        let mut source = self.body.into_reader().take(limit);
        source.read_to_end(&mut beginning).map_err(|error| TransportError::of_io(&error))?;
        Ok(beginning)
    }

    /// The body as it comes in, with limits for the whole and for what is in memory at a time.
    pub fn into_stream(self, limit: u64, memory_limit: u64) -> Stream {
        let source = self.body.into_reader().take(limit.saturating_add(1));
        let source = BufReader::with_capacity(BUFFER_SIZE, source);
        Stream { source, limit, memory_limit, piece: 0, kept: 0 }
    }
}

/// A body as it comes in. An error of its limits is one of reading; [`TransportError::of_io`] knows it.
pub struct Stream {
    source: BufReader<io::Take<ureq::BodyReader<'static>>>,
    limit: u64,
    /// For one piece, and for what is kept of all of them.
    memory_limit: u64,
    /// Bytes since the piece began.
    piece: u64,
    /// Bytes that the reader keeps.
    kept: u64,
}

impl Read for Stream {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(space)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Stream {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.source.get_ref().limit() == 0 && self.source.buffer().is_empty() {
            return Err(io::Error::other(TooLarge(self.limit)));
        }
        if self.piece > self.memory_limit {
            return Err(io::Error::other(TooLarge(self.memory_limit)));
        }
        self.source.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.piece = self.piece.saturating_add(count.try_into().unwrap_or(u64::MAX));
        self.source.consume(count);
    }
}

impl Stream {
    /// A piece begins that is in memory by itself.
    pub fn begin_piece(&mut self) {
        self.piece = 0;
    }

    /// Counts what is kept of a piece after its end.
    ///
    /// # Errors
    /// It is more than the limit for memory.
    pub fn keep(&mut self, bytes: usize) -> io::Result<()> {
        self.kept = self.kept.saturating_add(bytes.try_into().unwrap_or(u64::MAX));
        if self.kept > self.memory_limit {
            return Err(io::Error::other(TooLarge(self.memory_limit)));
        }
        Ok(())
    }

    /// Reads what may follow the end of what was wanted, so that the connection can be used again.
    pub fn finish(self) {
        // What is longer or fails costs the connection, not the answer.
        let _ = io::copy(&mut self.source.take(TAIL_LIMIT), &mut io::sink());
    }
}
