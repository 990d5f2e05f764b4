//! A blocking HTTP/1.1 client, one connection a request: small enough to trust in a test of the real server.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// How long a read or write may take; longer than the hub's longest wait (10 s, DECISIONS 16).
const TIMEOUT: Duration = Duration::from_secs(30);

/// What the server answered.
#[derive(Debug)]
pub struct Response {
    /// 100 to 599.
    pub status: u16,
    /// Names in lower case, in the order they came.
    pub headers: Vec<(String, String)>,
    /// The whole body, no longer chunked.
    pub body: Vec<u8>,
}

impl Response {
    /// Returns the first header of that lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Returns the body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Returns the body as JSON.
    ///
    /// # Panics
    /// When it is none.
    pub fn json(&self) -> serde_json::Value {
        let text = self.text();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: status {}, body {text}", self.status))
    }
}

/// Sends a GET to `address` (`127.0.0.1:7400`).
///
/// # Errors
/// When the connection fails, breaks off or stalls, or the answer is not HTTP.
pub fn get(address: &str, path: &str, headers: &[(&str, &str)]) -> io::Result<Response> {
    send(address, "GET", path, headers, b"")
}

/// Sends a POST of JSON to `address`; a `content-type` or `host` among `headers` replaces ours.
///
/// # Errors
/// As [`get`].
pub fn post(address: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<Response> {
    let typed = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    let json = [("content-type", "application/json")];
    let all = [headers, if typed { &[] } else { &json }].concat();
    send(address, "POST", path, &all, body)
}

/// Sends a POST whose length is not told, in one chunk.
///
/// # Errors
/// As [`get`].
pub fn post_chunked(address: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<Response> {
    let framed = [format!("{:x}\r\n", body.len()).as_bytes(), body, b"\r\n0\r\n\r\n"].concat();
    send(address, "POST", path, &[headers, &[("transfer-encoding", "chunked")]].concat(), &framed)
}

fn send(address: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<Response> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let chunked = headers.iter().any(|(name, _)| *name == "transfer-encoding");
    let length = if chunked { String::new() } else { format!("content-length: {}\r\n", body.len()) };
    let named = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host"));
    let host = if named { String::new() } else { format!("host: {address}\r\n") };
    let head = format!("{method} {path} HTTP/1.1\r\n{host}connection: close\r\n{length}{lines}\r\n");
    let sent = stream.write_all(&[head.as_bytes(), body].concat());
    // A server that refuses a large body answers and closes before all is written: its answer still counts.
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Err(error) if bytes.is_empty() => Err(sent.err().unwrap_or(error)),
        _ => parse(&bytes).ok_or_else(|| io::Error::other(format!("not a whole HTTP answer ({} bytes)", bytes.len()))),
    }
}

fn parse(bytes: &[u8]) -> Option<Response> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    let pair = |line: &str| line.split_once(':').map(|(k, v)| (k.to_ascii_lowercase(), v.trim().to_owned()));
    let headers: Vec<_> = lines.filter_map(pair).collect();
    let mut response = Response { status, headers, body: Vec::new() };
    let rest = &bytes[end + 4..];
    response.body = match (response.header("transfer-encoding"), response.header("content-length")) {
        (Some("chunked"), _) => dechunk(rest)?,
        (_, Some(length)) => rest.get(..length.parse().ok()?)?.to_vec(),
        _ => rest.to_vec(),
    };
    Some(response)
}

fn dechunk(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|window| window == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).ok()?.split(';').next()?.trim(), 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(end + 2..end + 2 + size)?);
        rest = rest.get(end + 2 + size + 2..)?;
    }
}

#[test]
fn an_answer_in_chunks_is_put_together() {
    let answer = parse(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    assert_eq!(answer.map(|answer| (answer.status, answer.text())), Some((200, "abcde".to_owned())));
}

#[test]
fn an_answer_that_broke_off_is_none() {
    assert!(parse(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc").is_none());
    assert!(parse(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n").is_none());
}
