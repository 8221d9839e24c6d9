//! A store that stores nothing: `GET /any/4096` is answered with 4,096 fixed bytes, and whatever
//! is put is read and forgotten. Cheap, so that the proxy before it is what is measured.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

/// Written again and again until a body is complete.
static BLOCK: [u8; 1 << 18] = [b'x'; 1 << 18];

/// Serves on a loopback port until the process ends; one thread for each connection.
pub(crate) fn serve(port: u16) {
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    for stream in listener.incoming().flatten() {
        std::thread::spawn(move || {
            // A client that went away is no news.
            let _ = converse(stream);
        });
    }
}

fn converse(stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::with_capacity(1 << 18, stream);
    let mut line = String::new();
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let mut words = line.split(' ');
        let method = words.next().unwrap_or_default().to_owned();
        let path = words.next().unwrap_or_default().split('?').next();
        let size = path
            .and_then(|path| path.rsplit('/').next()?.parse().ok())
            .unwrap_or(0);
        let length = read_headers(&mut reader)?;
        let copied = io::copy(&mut reader.by_ref().take(length), &mut io::sink())?;
        if copied < length {
            return Ok(());
        }
        answer(reader.get_mut(), &method, size)?;
    }
}

/// Reads to the end of the head and lets the client go on; the length of the body.
fn read_headers(reader: &mut BufReader<TcpStream>) -> io::Result<u64> {
    let (mut length, mut line) = (0, String::new());
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            return Ok(length);
        };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().map_err(io::Error::other)?;
        } else if name.eq_ignore_ascii_case("expect") {
            reader
                .get_mut()
                .write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
    }
}

fn answer(stream: &mut TcpStream, method: &str, size: usize) -> io::Result<()> {
    let (length, mut left) = match method {
        "GET" => (size, size),
        "HEAD" => (size, 0),
        _ => (0, 0),
    };
    let head = format!(
        "HTTP/1.1 200 OK\r\nx-amz-id-2: bench\r\nx-amz-request-id: 0123456789ABCDEF\r\n\
         Date: Sat, 01 Aug 2026 00:00:00 GMT\r\nLast-Modified: Sat, 01 Aug 2026 00:00:00 GMT\r\n\
         ETag: \"0123456789abcdef0123456789abcdef\"\r\nAccept-Ranges: bytes\r\n\
         Content-Type: application/octet-stream\r\nContent-Length: {length}\r\n\r\n"
    );
    // Head and body in one write where they fit: two writes would be two wake-ups of the proxy.
    let first = left.min(BLOCK.len());
    let mut begin = head.into_bytes();
    begin.extend_from_slice(&BLOCK[..first]);
    stream.write_all(&begin)?;
    left -= first;
    while left > 0 {
        let next = left.min(BLOCK.len());
        stream.write_all(&BLOCK[..next])?;
        left -= next;
    }
    Ok(())
}
