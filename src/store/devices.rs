//! Who the hub lets in: devices, their tokens, codes to enrol by, revocation, and the version of the roster.

use super::hub::tables::Tables as _;
use super::hub::{devices, lock};
use super::{Device, HubStore, StoreError};
use crate::domain::id::{NodeId, UserName};
use crate::domain::scope::Scope;
use crate::domain::time::Timestamp;

/// Most devices that a hub knows, revoked ones among them.
pub const DEVICES_MAX: u64 = 10_000;
/// Tokens that one device has at most: several of its processes may each have asked for a fresh one.
pub const TOKENS_PER_NODE: u64 = 4;

/// A token to be remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// The name of the token, no secret.
    pub id: String,
    /// The SHA-256 of its text.
    pub hash: [u8; 32],
    /// What it is for: [`Scope::Console`] or [`Scope::Viewer`].
    pub scope: Scope,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A token that is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    /// What was said when it was made.
    pub token: NewToken,
    /// Whose it is.
    pub user: UserName,
    /// The database that uses it.
    pub node: NodeId,
    /// When it was last used, to the minute.
    pub last_used_at: Timestamp,
    /// The device's key; a viewer has none.
    pub public_key: Option<[u8; 32]>,
}

/// A code that lets one device in, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolment {
    /// The SHA-256 of the code's secret.
    pub hash: [u8; 32],
    /// Who is let in.
    pub user: UserName,
    /// As what: [`Scope::Console`] or [`Scope::Viewer`].
    pub scope: Scope,
    /// When it runs out.
    pub expires_at: Timestamp,
}

/// A device that the hub knows, for who administers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownDevice {
    /// Who it is.
    pub device: Device,
    /// When it was made known.
    pub created_at: Timestamp,
    /// When one of its tokens was last used, to the minute; `None` when it has none.
    pub last_used_at: Option<Timestamp>,
    /// The newest change when it was revoked: nothing of it that came later was taken.
    pub revoked_at_seq: Option<u64>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// A viewer that the hub knows: it has a token and no key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownViewer {
    /// The database that uses it.
    pub node: NodeId,
    /// Who looks.
    pub user: UserName,
    /// When it was made known.
    pub created_at: Timestamp,
    /// When its token was last used, to the minute.
    pub last_used_at: Timestamp,
}

/// What is revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revoked {
    /// Every device and token of this person, and codes that wait for them.
    User(UserName),
    /// One device: everything that its key signs.
    Node(NodeId),
}

impl HubStore {
    /// Remembers a device, or gives a known one another token. Returns whether the roster changed.
    ///
    /// # Errors
    /// [`StoreError::Unsafe`] when the node is known with another key or user, its key was revoked, or there are too many.
    pub async fn register(&self, device: Device, token: NewToken) -> Result<bool, StoreError> {
        match self {
            Self::Sqlite(hub) => hub.write(move |tables, _| devices::register(tables, &device, token)).await,
            Self::Memory(hub) => lock(hub).write(|tables, _| devices::register(tables, &device, token)),
        }
    }

    /// Returns the device that has this node, revoked or not.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn device(&self, node: NodeId) -> Result<Option<Device>, StoreError> {
        match self {
            Self::Sqlite(hub) => hub.read(move |tables| tables.device(node)).await,
            Self::Memory(hub) => {
                let hub = lock(hub);
                let tables = &hub.tables;
                tables.device(node)
            }
        }
    }

    /// Returns the token of that id; whether it is the one and still lives, its hash and times say.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn bearer(&self, id: String) -> Result<Option<Bearer>, StoreError> {
        match self {
            Self::Sqlite(hub) => hub.read(move |tables| devices::bearer(tables, &id)).await,
            Self::Memory(hub) => {
                let hub = lock(hub);
                let tables = &hub.tables;
                devices::bearer(tables, &id)
            }
        }
    }

    /// Notes that a token was used.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn used(&self, id: String, now: Timestamp) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(hub) => hub.write(move |tables, _| devices::used(tables, &id, now)).await,
            Self::Memory(hub) => lock(hub).write(|tables, _| devices::used(tables, &id, now)),
        }
    }

    /// Remembers a code to enrol by; forgets those that ran out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn enrol(&self, enrolment: Enrolment, now: Timestamp) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(hub) => hub.write(move |tables, _| devices::enrol(tables, &enrolment, now)).await,
            Self::Memory(hub) => lock(hub).write(|tables, _| devices::enrol(tables, &enrolment, now)),
        }
    }

    /// Returns what a code is for, without using it up, or `None` when it is not known, was used or ran out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn enrolment(&self, hash: [u8; 32], now: Timestamp) -> Result<Option<Enrolment>, StoreError> {
        match self {
            Self::Sqlite(hub) => hub.read(move |tables| devices::enrolment(tables, &hash, now)).await,
            Self::Memory(hub) => {
                let hub = lock(hub);
                let tables = &hub.tables;
                devices::enrolment(tables, &hash, now)
            }
        }
    }

    /// Uses a code up and lets the device in with this token, both or neither. Returns what the code was for, or `None` when it is not
    /// known, was used or ran out. A viewer is not made a device: nothing that it signs is ever taken.
    ///
    /// # Errors
    /// As [`HubStore::register`]; the code is not used up then.
    pub async fn redeem(
        &self,
        hash: [u8; 32],
        node: NodeId,
        public_key: [u8; 32],
        token: NewToken,
    ) -> Result<Option<Enrolment>, StoreError> {
        match self {
            Self::Sqlite(hub) => {
                hub.write(move |tables, _| devices::redeem(tables, &hash, node, public_key, token)).await
            }
            Self::Memory(hub) => lock(hub).write(|tables, _| devices::redeem(tables, &hash, node, public_key, token)),
        }
    }

    /// Returns all devices, oldest first, and all viewers.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn known(&self) -> Result<(Vec<KnownDevice>, Vec<KnownViewer>), StoreError> {
        match self {
            Self::Sqlite(hub) => hub.read(move |tables| devices::known(tables)).await,
            Self::Memory(hub) => {
                let hub = lock(hub);
                let tables = &hub.tables;
                devices::known(tables)
            }
        }
    }

    /// Revokes: tokens are gone, and nothing that the keys sign is taken from the present change on. Returns the nodes.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is revoked then.
    pub async fn revoke(&self, whom: Revoked, now: Timestamp) -> Result<Vec<NodeId>, StoreError> {
        match self {
            Self::Sqlite(hub) => hub.write(move |tables, _| devices::revoke(tables, &whom, now)).await,
            Self::Memory(hub) => lock(hub).write(|tables, _| devices::revoke(tables, &whom, now)),
        }
    }

    /// Returns the roster's version and its devices, read together.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn roster(&self) -> Result<(u64, Vec<KnownDevice>), StoreError> {
        match self {
            Self::Sqlite(hub) => hub.read(move |tables| devices::roster(tables)).await,
            Self::Memory(hub) => {
                let hub = lock(hub);
                let tables = &hub.tables;
                devices::roster(tables)
            }
        }
    }

    /// Lets the roster's version rise when what stands in it beside devices is not what it was; `rest` is a hash of that.
    /// Returns the version.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn roster_rest(&self, rest: [u8; 32]) -> Result<u64, StoreError> {
        match self {
            Self::Sqlite(hub) => hub.write(move |tables, _| devices::roster_rest(tables, &rest)).await,
            Self::Memory(hub) => lock(hub).write(|tables, _| devices::roster_rest(tables, &rest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::IncidentId;
    use crate::domain::incident::Timing;
    use crate::domain::label::IdentityRule;
    use crate::domain::paging::Paging;
    use crate::store::hub::{MemoryHub, Mint, Rules};
    use std::sync::{Arc, Mutex};
    use uuid::Uuid;

    struct Desk {
        store: HubStore,
        _dir: Option<tempfile::TempDir>,
    }

    /// Returns a store of each back end.
    fn desks() -> [Desk; 2] {
        let rules = || Rules {
            book: Default::default(),
            timing: Timing::default(),
            paging: Paging::default(),
            identity: IdentityRule::default(),
            mint: Mint::new(|_| IncidentId(Uuid::nil())),
        };
        let dir = tempfile::tempdir().unwrap();
        let sqlite = HubStore::open_sqlite(&dir.path().join("hub.db"), rules(), "epoch").unwrap();
        let memory = HubStore::Memory(Arc::new(Mutex::new(MemoryHub::new(rules(), "epoch").unwrap())));
        [Desk { store: sqlite, _dir: Some(dir) }, Desk { store: memory, _dir: None }]
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1000)
    }

    fn user(name: &str) -> UserName {
        UserName::parse(name).unwrap()
    }

    fn node(number: u8) -> NodeId {
        NodeId::from_bytes([number; 16])
    }

    fn device(number: u8, name: &str, key: u8) -> Device {
        Device { node: node(number), user: user(name), public_key: [key; 32] }
    }

    fn token(id: &str, second: i64) -> NewToken {
        let hash = *blake3::hash(id.as_bytes()).as_bytes();
        NewToken { id: id.to_owned(), hash, scope: Scope::Console, created_at: at(second) }
    }

    fn code(number: u8, scope: Scope) -> Enrolment {
        Enrolment { hash: [number; 32], user: user("mira"), scope, expires_at: at(600) }
    }

    #[tokio::test]
    async fn a_code_lets_one_device_in_once_and_within_its_time() {
        for Desk { store, _dir } in desks() {
            store.enrol(code(1, Scope::Console), at(0)).await.unwrap();
            store.enrol(code(2, Scope::Console), at(0)).await.unwrap();
            assert_eq!(store.enrolment([1; 32], at(599)).await.unwrap(), Some(code(1, Scope::Console)));
            assert_eq!(store.enrolment([1; 32], at(600)).await.unwrap(), None, "it ran out");
            let used = store.redeem([1; 32], node(1), [1; 32], token("aaaaaaaa", 10)).await.unwrap();
            assert_eq!(used, Some(code(1, Scope::Console)));
            assert_eq!(store.device(node(1)).await.unwrap(), Some(device(1, "mira", 1)));
            assert_eq!(store.redeem([1; 32], node(2), [2; 32], token("bbbbbbbb", 11)).await.unwrap(), None, "used");
            assert_eq!(store.redeem([2; 32], node(2), [2; 32], token("bbbbbbbb", 600)).await.unwrap(), None, "ran out");
            assert_eq!(
                store.redeem([3; 32], node(2), [2; 32], token("bbbbbbbb", 11)).await.unwrap(),
                None,
                "never made"
            );
            assert_eq!(store.device(node(2)).await.unwrap(), None);
            assert_eq!(store.bearer("bbbbbbbb".into()).await.unwrap(), None);
        }
    }

    #[tokio::test]
    async fn a_code_that_could_not_be_used_is_not_used_up() {
        for Desk { store, _dir } in desks() {
            store.register(device(1, "noor", 7), token("aaaaaaaa", 0)).await.unwrap();
            store.enrol(code(1, Scope::Console), at(0)).await.unwrap();
            assert!(store.redeem([1; 32], node(1), [1; 32], token("bbbbbbbb", 1)).await.is_err(), "noor's node");
            assert!(store.redeem([1; 32], node(2), [2; 32], token("bbbbbbbb", 2)).await.unwrap().is_some());
        }
    }

    #[tokio::test]
    async fn a_viewer_gets_a_token_and_is_no_device() {
        for Desk { store, _dir } in desks() {
            store.register(device(1, "noor", 7), token("aaaaaaaa", 0)).await.unwrap();
            store.enrol(code(1, Scope::Viewer), at(0)).await.unwrap();
            let stolen = store.redeem([1; 32], node(1), [2; 32], token("bbbbbbbb", 1)).await;
            assert!(stolen.is_err(), "a viewer cannot name noor's node");
            store.redeem([1; 32], node(2), [2; 32], token("bbbbbbbb", 1)).await.unwrap();
            assert_eq!(store.device(node(2)).await.unwrap(), None);
            let bearer = store.bearer("bbbbbbbb".into()).await.unwrap().unwrap();
            assert_eq!((bearer.token.scope, bearer.public_key), (Scope::Viewer, None));
            let (devices, viewers) = store.known().await.unwrap();
            assert_eq!((devices.len(), viewers.len()), (1, 1));
            assert_eq!(store.revoke(Revoked::User(user("mira")), at(2)).await.unwrap(), vec![node(2)]);
            assert_eq!(store.bearer("bbbbbbbb".into()).await.unwrap(), None);
        }
    }

    #[tokio::test]
    async fn a_revoked_key_is_dead_on_all_its_nodes_and_for_ever() {
        for Desk { store, _dir } in desks() {
            for (number, id) in [(1, "aaaaaaaa"), (2, "bbbbbbbb")] {
                store.register(device(number, "mira", 1), token(id, 0)).await.unwrap();
            }
            store.register(device(3, "mira", 3), token("cccccccc", 0)).await.unwrap();
            let (before, _) = store.roster().await.unwrap();
            assert_eq!(store.revoke(Revoked::Node(node(1)), at(9)).await.unwrap(), vec![node(1), node(2)]);
            let (version, devices) = store.roster().await.unwrap();
            assert_eq!(version, before + 1);
            let revoked: Vec<_> = devices.iter().map(|known| (known.device.node, known.revoked_at)).collect();
            assert_eq!(revoked, [(node(1), Some(at(9))), (node(2), Some(at(9))), (node(3), None)]);
            assert_eq!(store.bearer("aaaaaaaa".into()).await.unwrap(), None);
            assert!(store.bearer("cccccccc".into()).await.unwrap().is_some());
            assert!(store.register(device(4, "mira", 1), token("dddddddd", 10)).await.is_err());
            store.enrol(code(1, Scope::Console), at(10)).await.unwrap();
            assert!(store.redeem([1; 32], node(5), [1; 32], token("dddddddd", 11)).await.is_err());
            store.revoke(Revoked::Node(node(1)), at(20)).await.unwrap();
            assert_eq!(store.roster().await.unwrap().0, version, "revoked already");
        }
    }

    #[tokio::test]
    async fn the_version_rises_with_each_change_and_only_then() {
        for Desk { store, _dir } in desks() {
            assert_eq!(store.roster_rest([1; 32]).await.unwrap(), 1);
            assert_eq!(store.roster_rest([1; 32]).await.unwrap(), 1);
            assert!(store.register(device(1, "mira", 1), token("aaaaaaaa", 0)).await.unwrap());
            assert!(!store.register(device(1, "mira", 1), token("bbbbbbbb", 1)).await.unwrap());
            assert_eq!(store.roster().await.unwrap().0, 2);
            assert_eq!(store.roster_rest([2; 32]).await.unwrap(), 3);
        }
    }

    #[tokio::test]
    async fn the_newest_tokens_of_a_node_live_beside_each_other() {
        for Desk { store, _dir } in desks() {
            for second in 0..6 {
                store.register(device(1, "mira", 1), token(&format!("token-0{second}"), second)).await.unwrap();
            }
            for second in 0..6 {
                let found = store.bearer(format!("token-0{second}")).await.unwrap();
                assert_eq!(found.is_some(), second >= 2, "{second}");
            }
            store.used("token-05".into(), at(99)).await.unwrap();
            assert_eq!(store.bearer("token-05".into()).await.unwrap().unwrap().last_used_at, at(99));
        }
    }
}
