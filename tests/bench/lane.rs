//! One connection of the generator, with the alerts that only it sends: so each alert's words arrive in their order.

use super::alerts::Alert;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Of ten alerts of a lane, the first flaps.
const FLAPS_EVERY: usize = 10;

/// What is sent in a phase.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Each alert once.
    First,
    /// All in turn until the time is over: a tenth says at each turn the contrary of what it said before, the others repeat.
    Mixed(Duration),
    /// Each that is over burns again.
    Settle,
    /// All in turn until the time is over, none says anything new.
    Repeat(Duration),
}

/// What came of it.
#[derive(Default)]
pub struct Tally {
    /// Alerts in requests that were answered 200.
    pub taken: u64,
    /// Requests with another answer.
    pub refused: u64,
    /// How long each request took, in microseconds.
    pub micros: Vec<u32>,
}

/// One connection.
pub struct Lane {
    stream: TcpStream,
    head: String,
    alerts: Vec<Alert>,
    /// Alerts in a request.
    batch: usize,
    next: usize,
    request: Vec<u8>,
    answer: Vec<u8>,
}

impl Lane {
    /// Connects; `authorization` is a header line with its line end, or empty.
    pub fn connect(address: &str, authorization: &str, alerts: Vec<Alert>, batch: usize) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        let head = format!(
            "POST /api/v2/alerts HTTP/1.1\r\nHost: {address}\r\nUser-Agent: Prometheus/2.42.0\r\n{authorization}\
             Content-Type: application/json\r\nContent-Length: "
        );
        Ok(Self { stream, head, alerts, batch, next: 0, request: Vec::new(), answer: Vec::new() })
    }

    /// Sends what the phase wants.
    pub fn run(&mut self, phase: Phase) -> io::Result<Tally> {
        let (began, mut tally) = (Instant::now(), Tally::default());
        match phase {
            Phase::First => self.pass(&mut tally, &(0..self.alerts.len()).collect::<Vec<_>>())?,
            Phase::Settle => {
                let over: Vec<usize> = (0..self.alerts.len()).filter(|index| !self.alerts[*index].burns).collect();
                self.pass(&mut tally, &over)?;
            }
            Phase::Mixed(span) | Phase::Repeat(span) => {
                while began.elapsed() < span {
                    let turn: Vec<usize> =
                        (0..self.batch).map(|offset| (self.next + offset) % self.alerts.len()).collect();
                    self.next = (self.next + self.batch) % self.alerts.len();
                    self.send(&mut tally, &turn, phase)?;
                }
            }
        }
        Ok(tally)
    }

    /// Returns how many of its alerts burn.
    pub fn burning(&self) -> usize {
        self.alerts.iter().filter(|alert| alert.burns).count()
    }

    fn pass(&mut self, tally: &mut Tally, alerts: &[usize]) -> io::Result<()> {
        alerts.chunks(self.batch).try_for_each(|turn| self.send(tally, turn, Phase::First))
    }

    fn send(&mut self, tally: &mut Tally, turn: &[usize], phase: Phase) -> io::Result<()> {
        let now = now();
        for index in turn {
            let alert = &mut self.alerts[*index];
            let flaps = matches!(phase, Phase::Mixed(_)) && index % FLAPS_EVERY == 0;
            if flaps && alert.burns { alert.resolve(now) } else { alert.fire(now) }
        }
        let length = turn.iter().map(|index| self.alerts[*index].json().len() + 1).sum::<usize>() + 1;
        self.request.clear();
        write!(self.request, "{}{length}\r\n\r\n", self.head)?;
        for (place, index) in turn.iter().enumerate() {
            self.request.push(if place == 0 { b'[' } else { b',' });
            self.request.extend_from_slice(self.alerts[*index].json());
        }
        self.request.push(b']');
        let began = Instant::now();
        self.stream.write_all(&self.request)?;
        let status = self.read_answer()?;
        tally.micros.push(u32::try_from(began.elapsed().as_micros()).unwrap_or(u32::MAX));
        if status == 200 {
            tally.taken += turn.len() as u64
        } else {
            tally.refused += 1
        }
        Ok(())
    }

    /// Reads one answer, no byte of the next, and returns its status.
    fn read_answer(&mut self) -> io::Result<u16> {
        self.answer.clear();
        let mut buffer = [0; 4096];
        loop {
            if let Some(end) = self.answer.windows(4).position(|window| window == b"\r\n\r\n") {
                let head = std::str::from_utf8(&self.answer[..end]).map_err(io::Error::other)?;
                let (status, length) = status_and_length(head).ok_or_else(|| io::Error::other(head.to_owned()))?;
                if self.answer.len() >= end + 4 + length {
                    return Ok(status);
                }
            }
            match self.stream.read(&mut buffer)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => self.answer.extend_from_slice(&buffer[..count]),
            }
        }
    }
}

fn status_and_length(head: &str) -> Option<(u16, usize)> {
    let status = head.get(9..12)?.parse().ok()?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    })?;
    Some((status, length))
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}
