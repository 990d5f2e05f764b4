//! What Prometheus sends: `POST /api/v2/alerts` (Alertmanager's api/v2/openapi.yaml). WIRE.md, 6.1.
//!
//! The sender repeats each alert that burns, and each `endsAt` in the future is his promise to do so before.

use super::batch::{self, Swift};
use super::scan::{Piece, Places};
use super::wire::WireAlert;
use super::{Limits, Parsed, Unreadable};
use crate::domain::event::{Alert, End};
use crate::domain::time::Timestamp;
use serde::de::DeserializeSeed;

/// Returns what the array holds.
pub(super) fn parse(body: &[u8], limits: &Limits, now: Timestamp) -> Result<Parsed, Unreadable> {
    if let Some(alerts) = swift(body, limits, now) {
        return Ok(Parsed { alerts, ..Parsed::default() });
    }
    let array = Piece::of(body, 0, body.len());
    batch::careful(array, &mut Places::of(body), limits, |wire| convert(wire, limits, now))
}

fn swift(body: &[u8], limits: &Limits, now: Timestamp) -> Option<Vec<Alert>> {
    let mut reader = serde_json::Deserializer::from_str(std::str::from_utf8(body).ok()?);
    let seed = Swift { convert: |wire| convert(wire, limits, now), alerts_max: limits.alerts_max };
    let alerts = seed.deserialize(&mut reader).ok()?;
    reader.end().ok().map(|()| alerts)
}

fn convert(wire: WireAlert<'_>, limits: &Limits, now: Timestamp) -> Result<Alert, String> {
    let starts_at = wire.starts_at.time("startsAt")?;
    let ends_at = wire.ends_at.time("endsAt")?;
    if let (Some(start), Some(end)) = (starts_at, ends_at)
        && end < start
    {
        return Err(format!("endsAt {end} is before startsAt {start}; compare the clocks of sender and rule"));
    }
    wire.alert(starts_at, end(ends_at, limits, now), limits)
}

fn end(ends_at: Option<Timestamp>, limits: &Limits, now: Timestamp) -> End {
    match ends_at {
        None => End::Until(now.plus(limits.resolve_timeout)),
        Some(at) if at > now => End::Until(at),
        Some(at) => End::Ended(at),
    }
}
