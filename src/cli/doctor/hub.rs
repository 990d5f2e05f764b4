//! The hub and other consoles: reached, in what time, by whom vouched, until when.

use super::{Finding, Scene, chain};
use crate::domain::scope::Scope;
use crate::domain::time::Timestamp;
use crate::store::health::{self, Kept};
use crate::sync::certificate;
use crate::sync::client::{ClientError, HubAddress, HubClient, Seen};
use crate::sync::clock;
use crate::sync::device::KnownHub;
use std::collections::BTreeMap;
use std::net::ToSocketAddrs as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long the hub may take: within what the whole check may.
const ASK_WITHIN: Duration = Duration::from_secs(4);
/// How long a peer may take; they are asked one after the other, so few of them.
const PEER_WITHIN: Duration = Duration::from_millis(800);
/// Most peers that are asked.
const PEERS_MAX: usize = 5;
/// A clock that is further off is told.
const SKEW: Duration = Duration::from_secs(5);
/// A certificate or token that ends within this is told.
const SOON: Duration = Duration::from_secs(14 * 86_400);
/// A hub that answers later is slow.
const SLOW: Duration = Duration::from_secs(1);

/// Asks the hub who it is.
pub(super) fn check(scene: &Scene) -> Vec<Finding> {
    let Ok(console) = &scene.console else { return Vec::new() };
    let address = match &console.hub {
        None => HubAddress::Unix(scene.paths.hub().join("hub.sock")),
        Some(text) => match HubAddress::parse(text) {
            Ok(address) => address,
            Err(error) => {
                let remedy = "write https://HOST:7400, http://127.0.0.1:7400 or unix:/path/to/hub.sock";
                return vec![Finding::broken("hub.address", error.to_string(), remedy)];
            }
        },
    };
    if console.hub.is_none() && !scene.paths.hub().join("hub.sock").exists() {
        let says = "none is configured; `nightdesk` runs one itself, and none runs now";
        return vec![Finding::note("hub.reach", says)];
    }
    let known = known(scene, &address);
    let kept = known.as_ref().map(|known| mirror(scene, known)).filter(|path| path.exists());
    let kept = kept.and_then(|path| health::kept(&path).ok()).unwrap_or_default();
    let mut found = ask(scene, &address, known.as_ref(), &kept);
    found.extend(mirrored(&kept));
    found
}

/// Returns what is pinned of the hub at that address.
fn known(scene: &Scene, address: &HubAddress) -> Option<KnownHub> {
    let text = std::fs::read_to_string(scene.paths.data.join("hubs.json")).ok()?;
    let mut hubs: BTreeMap<String, serde_json::Value> = serde_json::from_str(&text).ok()?;
    serde_json::from_value(hubs.remove(&address.to_string())?).ok()
}

fn mirror(scene: &Scene, known: &KnownHub) -> PathBuf {
    scene.paths.data.join(format!("mirror-{}.db", known.short_key()))
}

fn ask(scene: &Scene, address: &HubAddress, known: Option<&KnownHub>, kept: &Kept) -> Vec<Finding> {
    let began = Instant::now();
    let seen = look(address, known, kept.token.as_deref());
    let took = began.elapsed();
    match seen {
        Ok(seen) => answered(scene, &seen, known, took),
        Err(error) => vec![failed(scene, address, &error, kept)],
    }
}

fn look(address: &HubAddress, known: Option<&KnownHub>, token: Option<&str>) -> Result<Seen, ClientError> {
    let slow = || ClientError::Slow(address.clone());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|_| slow())?;
    runtime.block_on(async {
        let client = HubClient::new(address.clone(), known.and_then(KnownHub::trust).as_ref())?;
        tokio::time::timeout(ASK_WITHIN, client.look(token)).await.unwrap_or_else(|_| Err(slow()))
    })
}

fn failed(scene: &Scene, address: &HubAddress, error: &ClientError, kept: &Kept) -> Finding {
    let says = chain(error);
    match error {
        ClientError::Denied if kept.token.is_none() => {
            // It answers, which is what was asked; whether it lets in is known once a console came.
            Finding::note("hub.reach", format!("{address} answers; this console has not met it yet"))
        }
        ClientError::Denied => {
            Finding::broken("hub.token", says, "ask its admin for a code, then run `nightdesk join`")
        }
        ClientError::NotJoined(_) | ClientError::NotTheHub { .. } => {
            Finding::broken("hub.trust", says, "ask its admin for a code, then run `nightdesk join`")
        }
        ClientError::Unreachable { .. } => {
            let own = matches!(address, HubAddress::Unix(socket) if socket.starts_with(scene.paths.hub()));
            let remedy = match address {
                _ if own => "start the hub: `nightdesk serve`, or `nightdesk` for one of your own",
                HubAddress::Unix(_) => "start the hub that has its data there, as it was started before",
                _ => "look whether the hub runs, and whether a firewall lets you through",
            };
            Finding::broken("hub.reach", says, remedy)
        }
        _ => Finding::broken("hub.reach", says, "look whether the hub runs, and whether a firewall lets you through"),
    }
}

fn answered(scene: &Scene, seen: &Seen, known: Option<&KnownHub>, took: Duration) -> Vec<Finding> {
    let says = format!("hub {} answers after {} ms", seen.card.short_key(), took.as_millis());
    let mut found = vec![if took > SLOW {
        Finding::warning("hub.reach", says, "look at the way to the hub (mtr, a VPN), and at its load")
    } else {
        Finding::good("hub.reach", says)
    }];
    if known.is_some_and(|known| known.key != seen.card.hub_key) {
        let remedy = "if its admin says that it is new: start a console once, or `nightdesk join` again";
        found.push(Finding::broken("hub.trust", "another hub answers there than the one that was met", remedy));
    }
    found.extend(seen.time.map(|time| skew(clock::now(), time)));
    let ends = seen.certificate.as_deref().and_then(certificate::ends_at);
    found.extend(
        ends.map(|at| ends_at("hub.certificate", "its certificate", at, scene.now, "ask the hub's admin to renew it")),
    );
    found
}

/// Says how far this clock is from the hub's; the hub tells whole seconds.
fn skew(own: Timestamp, hub: Timestamp) -> Finding {
    let (off, way) = if own >= hub { (own.since(hub), "ahead of") } else { (hub.since(own), "behind") };
    if off < SKEW {
        return Finding::good("hub.clock", "this clock and the hub's agree");
    }
    let says = format!("this clock is {} s {way} the hub's", off.as_secs());
    Finding::warning("hub.clock", says, "set this machine's clock (timedatectl set-ntp true), or the hub's")
}

fn ends_at(check: &str, what: &str, at: Timestamp, now: Timestamp, remedy: &str) -> Finding {
    let day = &at.date_and_second()[..10];
    if at <= now {
        return Finding::broken(check, format!("{what} ended on {day}"), remedy);
    }
    let says = format!("{what} holds until {day}");
    if at.since(now) < SOON { Finding::warning(check, says, remedy) } else { Finding::good(check, says) }
}

/// Says what the mirror tells of this console's standing.
fn mirrored(kept: &Kept) -> Vec<Finding> {
    let now = clock::now();
    let mut found = Vec::new();
    if let Some(at) = kept.token_at.filter(|_| kept.token.is_some()) {
        // It lives on by being used, so at the latest then.
        let end = Scope::Console.token_ends_at(at, now).unwrap_or(now);
        let remedy = "start a console while the hub answers: it asks for a fresh one";
        found.push(ends_at("hub.token", "this console's token", end, now, remedy));
    }
    found
        .extend(kept.as_of.map(|at| {
            Finding::note("hub.mirror", format!("the mirror is as the hub was at {}", at.date_and_second()))
        }));
    if kept.unsent > 0 {
        let says = format!("{} of your operations wait for the hub", kept.unsent);
        found.push(Finding::warning("hub.unsent", says, "start a console, or any command, while the hub answers"));
    }
    if !kept.silent.is_empty() {
        let names: Vec<String> =
            kept.silent.iter().take(5).map(|(source, count)| format!("{source} ({count} series)")).collect();
        let says = format!("silent sources: {}", names.join(", "));
        found.push(Finding::warning(
            "hub.sources",
            says,
            "look whether those still send: nobody knows what burns there",
        ));
    }
    found
}

/// Looks whether other consoles can be reached.
pub(super) fn check_peers(scene: &Scene) -> Vec<Finding> {
    let Ok(console) = &scene.console else { return Vec::new() };
    let peers = &console.peers;
    if !peers.is_on() {
        return Vec::new();
    }
    let mut found: Vec<Finding> = peers.call.iter().take(PEERS_MAX).map(|peer| reached(peer)).collect();
    found.extend(peers.dirs.iter().map(|dir| {
        let shown = dir.display();
        match dir.is_dir() {
            true => Finding::good("peers.directory", format!("{shown} is there")),
            false => {
                let remedy = format!("mkdir {shown}, writable for those who meet there");
                Finding::warning("peers.directory", format!("{shown} is not there"), remedy)
            }
        }
    }));
    found
}

fn reached(peer: &str) -> Finding {
    let connected = peer.to_socket_addrs().and_then(|mut addresses| {
        let address = addresses.next().ok_or(std::io::ErrorKind::NotFound)?;
        std::net::TcpStream::connect_timeout(&address, PEER_WITHIN)
    });
    match connected {
        Ok(_) => Finding::good("peers.reach", format!("{peer} answers")),
        Err(error) => {
            let remedy = "nothing, if that console is switched off; else look at its listen_peers and at the way there";
            Finding::warning("peers.reach", format!("{peer}: {error}"), remedy)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use super::*;

    fn at(days: u64) -> Timestamp {
        Timestamp::from_millis(0).plus(Duration::from_secs(86_400 * days))
    }

    #[test]
    fn what_ends_soon_is_told_and_what_ended_is_broken() {
        let status = |end| ends_at("hub.token", "it", at(end), at(100), "renew it").status;
        assert_eq!([status(200), status(110), status(100)], [Status::Good, Status::Warning, Status::Broken]);
    }

    #[test]
    fn a_clock_may_be_a_little_off() {
        let seconds = |seconds: i64| Timestamp::from_millis(seconds * 1000);
        assert_eq!(skew(seconds(100), seconds(97)).status, Status::Good);
        let behind = skew(seconds(100), seconds(160));
        assert_eq!((behind.status, behind.says.as_str()), (Status::Warning, "this clock is 60 s behind the hub's"));
    }

    #[test]
    fn what_the_mirror_tells_is_told() {
        let kept = Kept { unsent: 2, silent: vec![("prom".into(), 3)], ..Kept::default() };
        let found: Vec<String> = mirrored(&kept).into_iter().map(|finding| finding.check).collect();
        assert_eq!(found, ["hub.unsent", "hub.sources"]);
    }
}
