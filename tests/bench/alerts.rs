//! The alerts that are sent: one fixed JSON text each, whose two times are patched in place.

/// Bytes of a time: `2026-01-31T03:16:02.000Z`.
const TIME_BYTES: usize = 24;
/// Different names of alerts; with the scopes below, 10,000 series speak of 2,000 incidents.
const NAMES: usize = 200;
const CLUSTERS: usize = 2;
const SERVICES: usize = 5;

/// One series as its sender sees it.
pub struct Alert {
    json: Vec<u8>,
    starts_at: usize,
    ends_at: usize,
    /// When its present episode began, in milliseconds since 1970; 0 before the first.
    started: i64,
    /// When the episode before ended.
    ended: i64,
    /// Whether the last word on it was that it burns.
    pub burns: bool,
}

/// How long a firing alert's word holds: what Prometheus gives with an evaluation and resend interval of a minute.
const PROMISE_MS: i64 = 4 * 60 * 1000;

impl Alert {
    /// Returns the alert of that number; the same number is the same series.
    pub fn new(number: usize) -> Self {
        let time = "0000-00-00T00:00:00.000Z";
        let head = format!(
            "{{\"labels\":{labels},\"annotations\":{annotations},\"startsAt\":\"",
            labels = labels(number),
            annotations = annotations(number)
        );
        let middle = "\",\"endsAt\":\"";
        let tail = format!("\",\"generatorURL\":\"http://prometheus-0:9090/graph?g0.expr=bench_{number}&g0.tab=1\"}}");
        let json = [&head, time, middle, time, &tail].concat().into_bytes();
        let starts_at = head.len();
        Self { starts_at, ends_at: starts_at + TIME_BYTES + middle.len(), json, started: 0, ended: 0, burns: false }
    }

    /// Makes it say that it burns.
    pub fn fire(&mut self, now: i64) {
        if !self.burns {
            self.burns = true;
            self.started = now.max(self.ended + 1);
            write_time(&mut self.json[self.starts_at..][..TIME_BYTES], self.started);
        }
        write_time(&mut self.json[self.ends_at..][..TIME_BYTES], now + PROMISE_MS);
    }

    /// Makes it say that it is over.
    pub fn resolve(&mut self, now: i64) {
        self.burns = false;
        self.ended = now.max(self.started);
        write_time(&mut self.json[self.ends_at..][..TIME_BYTES], self.ended);
    }

    /// Returns it as JSON.
    pub fn json(&self) -> &[u8] {
        &self.json
    }
}

/// Returns the label `instance` of the alert of that number: no other has it.
pub fn instance(number: usize) -> String {
    format!("10.{}.{}.{}:9100", number >> 16 & 255, number >> 8 & 255, number & 255)
}

fn labels(number: usize) -> String {
    let (name, rest) = (number % NAMES, number / NAMES);
    let (cluster, rest) = (rest % CLUSTERS, rest / CLUSTERS);
    let service = rest % SERVICES;
    let severity = ["critical", "warning", "info"][name % 3];
    format!(
        "{{\"alertname\":\"BenchProbeFailing{name:03}\",\"cluster\":\"eu-central-{cluster}\",\
         \"namespace\":\"team-{service}\",\"service\":\"checkout-{service}\",\"job\":\"probe-{service}\",\
         \"instance\":\"{instance}\",\"severity\":\"{severity}\",\"pod\":\"checkout-{service}-7d9f8b6c5-{number:06x}\"}}",
        instance = instance(number)
    )
}

fn annotations(number: usize) -> String {
    format!(
        "{{\"summary\":\"Probe of checkout on {instance} fails\",\
         \"description\":\"More than 5% of the probes failed within the last 5 minutes; see https://runbooks.example/probe.\"}}",
        instance = instance(number)
    )
}

/// Writes the milliseconds since 1970 as RFC 3339 in UTC, 24 bytes. By hand, for the generator writes two of them for each alert.
fn write_time(into: &mut [u8], millis: i64) {
    let (days, ms) = (millis.div_euclid(86_400_000), millis.rem_euclid(86_400_000));
    let (year, month, day) = civil(days);
    let (seconds, ms) = (ms / 1000, ms % 1000);
    digits(&mut into[0..4], year);
    digits(&mut into[5..7], month);
    digits(&mut into[8..10], day);
    digits(&mut into[11..13], seconds / 3600);
    digits(&mut into[14..16], seconds / 60 % 60);
    digits(&mut into[17..19], seconds % 60);
    digits(&mut into[20..23], ms);
}

fn digits(into: &mut [u8], mut number: i64) {
    for digit in into.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// Returns the date of a day since 1970 (Howard Hinnant's `civil_from_days`).
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day)
}
