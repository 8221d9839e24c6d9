//! The load: each connection sends the same signed bytes and waits for the whole answer.

use crate::case::Prepared;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// What a load saw.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Requests that were answered as they should.
    pub(crate) requests: usize,
    /// From the first byte sent to the last byte received, sorted.
    pub(crate) latencies: Vec<Duration>,
    /// How long the load ran.
    pub(crate) elapsed: Duration,
}

/// Sends to `host` over `connections` for at least `time`, and at least one request on each.
pub(crate) fn run(host: &str, prepared: &Prepared, connections: usize, time: Duration) -> Outcome {
    let start = Instant::now();
    let deadline = start + time;
    let latencies = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..connections)
            .map(|_| scope.spawn(|| repeat(host, prepared, deadline)))
            .collect();
        let mut all = Vec::new();
        for thread in threads {
            all.extend(
                thread
                    .join()
                    .unwrap()
                    .unwrap_or_else(|error| panic!("{host}: {error}")),
            );
        }
        all
    });
    let elapsed = start.elapsed();
    let mut latencies = latencies;
    latencies.sort_unstable();
    Outcome {
        requests: latencies.len(),
        latencies,
        elapsed,
    }
}

fn repeat(host: &str, prepared: &Prepared, deadline: Instant) -> io::Result<Vec<Duration>> {
    let mut connection = None;
    let mut buffer = vec![0; 1 << 18];
    let mut latencies = Vec::with_capacity(1 << 16);
    loop {
        let begun = Instant::now();
        let mut stream = match connection.take() {
            Some(stream) => stream,
            None => connect(host)?,
        };
        stream.write_all(&prepared.bytes)?;
        let (status, goes_on) = drain(&mut stream, &mut buffer, prepared.is_head)?;
        if status != prepared.status {
            let message = format!("answered {status} instead of {}", prepared.status);
            return Err(io::Error::other(message));
        }
        connection = goes_on.then_some(stream);
        let ended = Instant::now();
        latencies.push(ended - begun);
        if ended >= deadline {
            return Ok(latencies);
        }
    }
}

fn connect(host: &str) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(host)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    Ok(stream)
}

/// Reads one response to its end: its status, and whether the connection can be used again.
fn drain(stream: &mut TcpStream, buffer: &mut [u8], is_head: bool) -> io::Result<(u16, bool)> {
    let mut filled = 0;
    let head_end = loop {
        if let Some(end) = memchr::memmem::find(&buffer[..filled], b"\r\n\r\n") {
            break end + 4;
        }
        match stream.read(&mut buffer[filled..])? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => filled += read,
        }
    };
    let head = String::from_utf8_lossy(&buffer[..head_end]).to_ascii_lowercase();
    let status = head
        .get(9..12)
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(0);
    let goes_on = !head.contains("\r\nconnection: close");
    let mut left = match head.split_once("\r\ncontent-length:") {
        Some((_, rest)) if !is_head => {
            let digits = rest.split("\r\n").next().unwrap_or_default().trim();
            digits.parse::<usize>().map_err(io::Error::other)?
        }
        _ => 0,
    };
    left = left.saturating_sub(filled - head_end);
    while left > 0 {
        let most = left.min(buffer.len());
        match stream.read(&mut buffer[..most])? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => left -= read,
        }
    }
    Ok((status, goes_on))
}
