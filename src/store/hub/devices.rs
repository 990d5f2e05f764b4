//! Devices, tokens, codes, revocation and the roster's version. [`crate::store::devices`] says what each does.

use super::super::devices::{
    Bearer, DEVICES_MAX, Enrolment, KnownDevice, KnownViewer, NewToken, Revoked, TOKENS_PER_NODE,
};
use super::super::{Device, StoreError};
use super::tables::Tables;
use crate::domain::id::{NodeId, UserName, hex};
use crate::domain::scope::Scope;
use crate::domain::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// The row of `meta` that holds the roster's version.
const VERSION: &str = "roster_version";
/// The row of `meta` that holds a hash of what stands in the roster beside devices.
const REST: &str = "roster_rest";

pub(in crate::store) fn register<T: Tables>(
    tables: &mut T,
    device: &Device,
    token: NewToken,
) -> Result<bool, StoreError> {
    let changed = put_device(tables, device, token.created_at)?;
    put_token(tables, &device.user, device.node, token)?;
    Ok(changed)
}

fn refused<T>(why: &str) -> Result<T, StoreError> {
    Err(StoreError::Unsafe { path: "the console's mirror".into(), why: why.into() })
}

/// Returns whether the device is a new one.
fn put_device<T: Tables>(tables: &mut T, device: &Device, now: Timestamp) -> Result<bool, StoreError> {
    if tables.is_revoked_key(&device.public_key)? {
        return refused("this device was revoked at the hub; its key is never taken again");
    }
    if let Some(known) = tables.device(device.node)? {
        return match known == *device {
            true => Ok(false),
            false => refused("this console is known under another user or key; it needs a new mirror"),
        };
    }
    if tables.count_devices()? >= DEVICES_MAX {
        return refused("the hub knows 10,000 devices and takes no more");
    }
    tables.insert_device(device, now)?;
    raise_version(tables)?;
    Ok(true)
}

fn put_token<T: Tables>(tables: &mut T, user: &UserName, node: NodeId, token: NewToken) -> Result<(), StoreError> {
    let mut others = tables.tokens_of(node)?;
    // A viewer names its node itself: it must not be one that another has tokens for.
    let anothers = others.iter().any(|other| other.user != *user || other.token.scope != token.scope);
    if anothers || (token.scope == Scope::Viewer && tables.device(node)?.is_some()) {
        return refused("this mirror is known as another's, or with other rights; it needs a new mirror");
    }
    others.sort_by_key(|other| (std::cmp::Reverse(other.token.created_at), other.token.id.clone()));
    for old in others.iter().skip(TOKENS_PER_NODE as usize - 1) {
        tables.remove_token(&old.token.id)?;
    }
    let last_used_at = token.created_at;
    tables.put_token(&Bearer { token, user: user.clone(), node, last_used_at, public_key: None })
}

pub(in crate::store) fn bearer<T: Tables>(tables: &T, id: &str) -> Result<Option<Bearer>, StoreError> {
    let Some(mut bearer) = tables.token(id)? else { return Ok(None) };
    if bearer.token.scope == Scope::Console {
        bearer.public_key = tables.device(bearer.node)?.map(|device| device.public_key);
    }
    Ok(Some(bearer))
}

pub(in crate::store) fn used<T: Tables>(tables: &mut T, id: &str, now: Timestamp) -> Result<(), StoreError> {
    match tables.token(id)? {
        Some(bearer) if bearer.last_used_at < now => tables.put_token(&Bearer { last_used_at: now, ..bearer }),
        _ => Ok(()),
    }
}

pub(in crate::store) fn enrol<T: Tables>(
    tables: &mut T,
    enrolment: &Enrolment,
    now: Timestamp,
) -> Result<(), StoreError> {
    for old in tables.enrolments()?.iter().filter(|old| old.expires_at <= now) {
        tables.remove_enrolment(&old.hash)?;
    }
    tables.put_enrolment(enrolment)
}

pub(in crate::store) fn enrolment<T: Tables>(
    tables: &T,
    hash: &[u8; 32],
    now: Timestamp,
) -> Result<Option<Enrolment>, StoreError> {
    Ok(tables.enrolment(hash)?.filter(|enrolment| enrolment.expires_at > now))
}

pub(in crate::store) fn redeem<T: Tables>(
    tables: &mut T,
    hash: &[u8; 32],
    node: NodeId,
    public_key: [u8; 32],
    token: NewToken,
) -> Result<Option<Enrolment>, StoreError> {
    let Some(enrolment) = enrolment(tables, hash, token.created_at)? else { return Ok(None) };
    tables.remove_enrolment(hash)?;
    if enrolment.scope == Scope::Console {
        put_device(tables, &Device { node, user: enrolment.user.clone(), public_key }, token.created_at)?;
    }
    put_token(tables, &enrolment.user, node, NewToken { scope: enrolment.scope, ..token })?;
    Ok(Some(enrolment))
}

pub(in crate::store) fn known<T: Tables>(tables: &T) -> Result<(Vec<KnownDevice>, Vec<KnownViewer>), StoreError> {
    let mut used: BTreeMap<NodeId, Timestamp> = BTreeMap::new();
    let mut viewers: BTreeMap<NodeId, KnownViewer> = BTreeMap::new();
    for Bearer { token, user, node, last_used_at, .. } in tables.tokens()? {
        if token.scope == Scope::Console {
            let latest = used.entry(node).or_insert(last_used_at);
            *latest = last_used_at.max(*latest);
            continue;
        }
        let fresh = KnownViewer { node, user, created_at: token.created_at, last_used_at };
        let viewer = viewers.entry(node).or_insert(fresh);
        viewer.created_at = token.created_at.min(viewer.created_at);
        viewer.last_used_at = last_used_at.max(viewer.last_used_at);
    }
    let mut devices = tables.devices()?;
    devices.sort_by_key(|known| (known.created_at, known.device.node));
    for known in &mut devices {
        known.last_used_at = used.get(&known.device.node).copied();
    }
    let mut viewers: Vec<KnownViewer> = viewers.into_values().collect();
    viewers.sort_by_key(|viewer| (viewer.created_at, viewer.node));
    Ok((devices, viewers))
}

pub(in crate::store) fn revoke<T: Tables>(
    tables: &mut T,
    whom: &Revoked,
    now: Timestamp,
) -> Result<Vec<NodeId>, StoreError> {
    let devices = tables.devices()?;
    let tokens = tables.tokens()?;
    // A device that had to become another node kept its key: the key is what is revoked.
    let key =
        |node: &NodeId| devices.iter().find(|known| known.device.node == *node).map(|known| known.device.public_key);
    let meant = |node: NodeId, user: &UserName| match whom {
        Revoked::User(name) => name == user,
        Revoked::Node(named) => node == *named || key(named).is_some_and(|named| key(&node) == Some(named)),
    };
    let of_devices = devices.iter().map(|known| (known.device.node, &known.device.user));
    let of_tokens = tokens.iter().map(|bearer| (bearer.node, &bearer.user));
    let nodes: BTreeSet<NodeId> =
        of_devices.chain(of_tokens).filter(|(node, user)| meant(*node, user)).map(|(node, _)| node).collect();
    if let Revoked::User(user) = whom {
        for waiting in tables.enrolments()?.iter().filter(|waiting| waiting.user == *user) {
            tables.remove_enrolment(&waiting.hash)?;
        }
    }
    for bearer in tokens.iter().filter(|bearer| nodes.contains(&bearer.node)) {
        tables.remove_token(&bearer.token.id)?;
    }
    let alive: Vec<NodeId> = devices
        .iter()
        .filter(|known| known.revoked_at_seq.is_none() && nodes.contains(&known.device.node))
        .map(|known| known.device.node)
        .collect();
    let head = tables.head()?;
    for node in &alive {
        tables.set_revoked(*node, head, now)?;
    }
    if !alive.is_empty() {
        raise_version(tables)?;
    }
    Ok(nodes.into_iter().collect())
}

fn version<T: Tables>(tables: &T) -> Result<u64, StoreError> {
    Ok(tables.meta(VERSION)?.and_then(|text| text.parse().ok()).unwrap_or(0))
}

fn raise_version<T: Tables>(tables: &mut T) -> Result<u64, StoreError> {
    let version = version(tables)? + 1;
    tables.set_meta(VERSION, &version.to_string())?;
    Ok(version)
}

pub(in crate::store) fn roster<T: Tables>(tables: &T) -> Result<(u64, Vec<KnownDevice>), StoreError> {
    Ok((version(tables)?, known(tables)?.0))
}

pub(in crate::store) fn roster_rest<T: Tables>(tables: &mut T, rest: &[u8; 32]) -> Result<u64, StoreError> {
    let rest = hex(rest);
    if tables.meta(REST)?.as_ref() == Some(&rest) {
        return version(tables);
    }
    tables.set_meta(REST, &rest)?;
    raise_version(tables)
}
