//! Devices, tokens, codes, revocation and the roster's version. [`crate::store::devices`] says what each does.

use super::super::devices::{
    Bearer, DEVICES_MAX, Enrolment, KnownDevice, KnownViewer, NewToken, Revoked, TOKENS_PER_NODE,
};
use super::super::{Device, StoreError};
use super::immediate;
use crate::domain::id::{NodeId, UserName};
use crate::domain::scope::Scope;
use crate::domain::time::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};

pub(in crate::store) fn register(
    connection: &mut Connection,
    device: &Device,
    token: &NewToken,
) -> Result<bool, StoreError> {
    let tx = immediate(connection)?;
    let changed = put_device(&tx, device, token.created_at)?;
    put_token(&tx, &device.user, device.node, token)?;
    tx.commit()?;
    Ok(changed)
}

fn refused<T>(why: &str) -> Result<T, StoreError> {
    Err(StoreError::Unsafe { path: "the console's mirror".into(), why: why.into() })
}

/// Returns whether the device is a new one.
fn put_device(tx: &Transaction<'_>, device: &Device, now: Timestamp) -> Result<bool, StoreError> {
    let revoked: bool = tx.query_row(
        "SELECT EXISTS (SELECT 1 FROM device WHERE public_key = ?1 AND revoked_at_seq IS NOT NULL)",
        [device.public_key],
        |row| row.get(0),
    )?;
    if revoked {
        return refused("this device was revoked at the hub; its key is never taken again");
    }
    let known = self::device_of(tx, device.node)?;
    if let Some(known) = known {
        return match known == *device {
            true => Ok(false),
            false => refused("this console is known under another user or key; it needs a new mirror"),
        };
    }
    let devices: i64 = tx.query_row("SELECT count(*) FROM device", (), |row| row.get(0))?;
    if devices as u64 >= DEVICES_MAX {
        return refused("the hub knows 10,000 devices and takes no more");
    }
    tx.execute(
        "INSERT INTO device (node, user, public_key, nseq, hash, created_at) VALUES (?1, ?2, ?3, 0, zeroblob(32), ?4)",
        params![device.node.as_bytes(), device.user.as_str(), device.public_key, now.as_millis()],
    )?;
    raise_version(tx)?;
    Ok(true)
}

fn put_token(tx: &Transaction<'_>, user: &UserName, node: NodeId, token: &NewToken) -> Result<(), StoreError> {
    // A viewer names its node itself: it must not be one that another has tokens for.
    let taken: bool = tx.query_row(
        "SELECT EXISTS (SELECT 1 FROM token WHERE node = ?1 AND (user <> ?2 OR scope <> ?3)
                        UNION ALL SELECT 1 FROM device WHERE node = ?1 AND ?3 = 'viewer')",
        params![node.as_bytes(), user.as_str(), token.scope.word()],
        |row| row.get(0),
    )?;
    if taken {
        return refused("this mirror is known as another's, or with other rights; it needs a new mirror");
    }
    tx.execute(
        "INSERT INTO token (id, hash, scope, user, node, created_at, last_used_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
        params![token.id, token.hash, token.scope.word(), user.as_str(), node.as_bytes(), token.created_at.as_millis()],
    )?;
    tx.execute(
        "DELETE FROM token WHERE node = ?1 AND id NOT IN
         (SELECT id FROM token WHERE node = ?1 ORDER BY created_at DESC, rowid DESC LIMIT ?2)",
        params![node.as_bytes(), TOKENS_PER_NODE as i64],
    )?;
    Ok(())
}

fn raise_version(tx: &Transaction<'_>) -> Result<(), StoreError> {
    tx.execute("UPDATE roster SET version = version + 1", ())?;
    Ok(())
}

pub(in crate::store) fn device(connection: &mut Connection, node: NodeId) -> Result<Option<Device>, StoreError> {
    device_of(connection, node)
}

fn device_of(connection: &Connection, node: NodeId) -> Result<Option<Device>, StoreError> {
    let mut select = connection.prepare_cached("SELECT node, user, public_key FROM device WHERE node = ?1")?;
    Ok(select.query_row([node.as_bytes()], read_device).optional()?)
}

fn read_device(row: &Row<'_>) -> rusqlite::Result<Device> {
    Ok(Device { node: NodeId::from_bytes(row.get(0)?), user: user(row, 1)?, public_key: row.get(2)? })
}

fn user(row: &Row<'_>, column: usize) -> rusqlite::Result<UserName> {
    let name: String = row.get(column)?;
    UserName::parse(&name)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))
}

fn scope(row: &Row<'_>, column: usize) -> rusqlite::Result<Scope> {
    let word: String = row.get(column)?;
    // The table's CHECK allows no other word.
    Scope::of_word(&word).ok_or(rusqlite::Error::InvalidColumnType(column, word, Type::Text))
}

fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    Ok(Timestamp::from_millis(row.get(column)?))
}

pub(in crate::store) fn bearer(connection: &mut Connection, id: &str) -> Result<Option<Bearer>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT token.id, token.hash, scope, token.user, token.node, token.created_at, last_used_at, public_key
         FROM token LEFT JOIN device ON device.node = token.node AND scope = 'console' WHERE token.id = ?1",
    )?;
    let row = select.query_row([id], |row| {
        Ok(Bearer {
            token: NewToken { id: row.get(0)?, hash: row.get(1)?, scope: scope(row, 2)?, created_at: time(row, 5)? },
            user: user(row, 3)?,
            node: NodeId::from_bytes(row.get(4)?),
            last_used_at: time(row, 6)?,
            public_key: row.get(7)?,
        })
    });
    Ok(row.optional()?)
}

pub(in crate::store) fn used(connection: &mut Connection, id: &str, now: Timestamp) -> Result<(), StoreError> {
    connection
        .prepare_cached("UPDATE token SET last_used_at = max(last_used_at, ?2) WHERE id = ?1")?
        .execute(params![id, now.as_millis()])?;
    Ok(())
}

pub(in crate::store) fn enrol(
    connection: &mut Connection,
    enrolment: &Enrolment,
    now: Timestamp,
) -> Result<(), StoreError> {
    let tx = immediate(connection)?;
    tx.execute("DELETE FROM enrolment WHERE expires_at <= ?1", [now.as_millis()])?;
    tx.execute(
        "INSERT INTO enrolment (hash, user, scope, expires_at) VALUES (?1, ?2, ?3, ?4)",
        params![enrolment.hash, enrolment.user.as_str(), enrolment.scope.word(), enrolment.expires_at.as_millis()],
    )?;
    Ok(tx.commit()?)
}

pub(in crate::store) fn enrolment(
    connection: &mut Connection,
    hash: &[u8; 32],
    now: Timestamp,
) -> Result<Option<Enrolment>, StoreError> {
    enrolment_of(connection, hash, now)
}

fn enrolment_of(connection: &Connection, hash: &[u8; 32], now: Timestamp) -> Result<Option<Enrolment>, StoreError> {
    let mut select = connection
        .prepare_cached("SELECT hash, user, scope, expires_at FROM enrolment WHERE hash = ?1 AND expires_at > ?2")?;
    let row = select.query_row(params![hash, now.as_millis()], |row| {
        Ok(Enrolment { hash: row.get(0)?, user: user(row, 1)?, scope: scope(row, 2)?, expires_at: time(row, 3)? })
    });
    Ok(row.optional()?)
}

pub(in crate::store) fn redeem(
    connection: &mut Connection,
    hash: &[u8; 32],
    node: NodeId,
    public_key: [u8; 32],
    mut token: NewToken,
) -> Result<Option<Enrolment>, StoreError> {
    let tx = immediate(connection)?;
    let Some(enrolment) = enrolment_of(&tx, hash, token.created_at)? else { return Ok(None) };
    tx.execute("DELETE FROM enrolment WHERE hash = ?1", [hash])?;
    token.scope = enrolment.scope;
    if enrolment.scope == Scope::Console {
        put_device(&tx, &Device { node, user: enrolment.user.clone(), public_key }, token.created_at)?;
    }
    put_token(&tx, &enrolment.user, node, &token)?;
    tx.commit()?;
    Ok(Some(enrolment))
}

pub(in crate::store) fn known(connection: &mut Connection) -> Result<(Vec<KnownDevice>, Vec<KnownViewer>), StoreError> {
    let tx = connection.transaction()?;
    let devices = devices(&tx)?;
    let viewers = tx
        .prepare_cached(
            "SELECT node, user, min(created_at), max(last_used_at) FROM token WHERE scope = 'viewer'
             GROUP BY node, user ORDER BY 3, node",
        )?
        .query_map((), |row| {
            Ok(KnownViewer {
                node: NodeId::from_bytes(row.get(0)?),
                user: user(row, 1)?,
                created_at: time(row, 2)?,
                last_used_at: time(row, 3)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok((devices, viewers))
}

fn devices(connection: &Connection) -> Result<Vec<KnownDevice>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT node, user, public_key, created_at, revoked_at_seq, revoked_at,
                (SELECT max(last_used_at) FROM token WHERE token.node = device.node AND scope = 'console')
         FROM device ORDER BY created_at, node",
    )?;
    let rows = select.query_map((), |row| {
        let instant = |column| -> rusqlite::Result<Option<Timestamp>> {
            Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_millis))
        };
        Ok(KnownDevice {
            device: read_device(row)?,
            created_at: time(row, 3)?,
            revoked_at_seq: row.get::<_, Option<i64>>(4)?.map(|seq| seq as u64),
            revoked_at: instant(5)?,
            last_used_at: instant(6)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(in crate::store) fn revoke(
    connection: &mut Connection,
    whom: &Revoked,
    now: Timestamp,
) -> Result<Vec<NodeId>, StoreError> {
    let tx = immediate(connection)?;
    let nodes = match whom {
        Revoked::User(user) => {
            tx.execute("DELETE FROM enrolment WHERE user = ?1", [user.as_str()])?;
            nodes(
                &tx,
                "SELECT node FROM device WHERE user = ?1 UNION SELECT node FROM token WHERE user = ?1",
                user.as_str(),
            )?
        }
        // A device that had to become another node kept its key: the key is what is revoked.
        Revoked::Node(node) => nodes(
            &tx,
            "SELECT node FROM device WHERE public_key = (SELECT public_key FROM device WHERE node = ?1)
             UNION SELECT node FROM token WHERE node = ?1",
            node.as_bytes(),
        )?,
    };
    let mut changed = 0;
    for node in &nodes {
        tx.execute("DELETE FROM token WHERE node = ?1", [node.as_bytes()])?;
        changed += tx.execute(
            "UPDATE device SET revoked_at_seq = (SELECT seq FROM feed_head), revoked_at = ?2
             WHERE node = ?1 AND revoked_at_seq IS NULL",
            params![node.as_bytes(), now.as_millis()],
        )?;
    }
    if changed > 0 {
        raise_version(&tx)?;
    }
    tx.commit()?;
    Ok(nodes)
}

fn nodes(tx: &Transaction<'_>, sql: &str, value: impl rusqlite::ToSql) -> Result<Vec<NodeId>, StoreError> {
    let mut select = tx.prepare(sql)?;
    let rows = select.query_map([value], |row| Ok(NodeId::from_bytes(row.get(0)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(in crate::store) fn roster(connection: &mut Connection) -> Result<(u64, Vec<KnownDevice>), StoreError> {
    let tx = connection.transaction()?;
    Ok((version(&tx)?, devices(&tx)?))
}

fn version(connection: &Connection) -> Result<u64, StoreError> {
    let version: i64 = connection.query_row("SELECT version FROM roster", (), |row| row.get(0))?;
    Ok(version as u64)
}

pub(in crate::store) fn roster_rest(connection: &mut Connection, rest: &[u8; 32]) -> Result<u64, StoreError> {
    let tx = immediate(connection)?;
    tx.execute("UPDATE roster SET version = version + 1, rest = ?1 WHERE rest <> ?1", [rest])?;
    let version = version(&tx)?;
    tx.commit()?;
    Ok(version)
}
