//! This machine's user as the hub knows it: one device key, and which mirror belongs to which hub.

use super::client::HubAddress;
use super::wire::{HubCard, Introduction};
use crate::domain::id::{NodeId, UserName, hex, unhex};
use crate::domain::envelope::SignedOp;
use crate::store::mirror::Mirror;
use crate::store::{StoreError, file};
use ed25519_dalek::SigningKey;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The device key and the directory of its mirrors.
pub struct Device {
    dir: PathBuf,
    /// Signs this user's operations.
    pub key: SigningKey,
    /// Whose they are.
    pub user: UserName,
}

impl Device {
    /// Reads the device key, or makes it.
    ///
    /// # Errors
    /// [`StoreError`] says what stands against it.
    pub fn open(dir: &Path, user: UserName) -> Result<Self, StoreError> {
        file::private_dir(dir)?;
        let path = dir.join("device.key");
        let stored = file::read_secret(&path)?.and_then(|text| unhex::<32>(&text));
        let seed = match stored {
            Some(seed) => seed,
            None => {
                let seed = random::<32>();
                file::write_private(&path, hex(&seed).as_bytes())?;
                seed
            }
        };
        Ok(Self { dir: dir.to_owned(), key: SigningKey::from_bytes(&seed), user })
    }

    /// Returns what this console says of itself.
    pub fn introduction(&self, node: NodeId) -> Introduction {
        Introduction { node, user: self.user.clone(), public_key: hex(self.key.verifying_key().as_bytes()) }
    }

    /// Makes the mirror another node: its database was copied or restored, and there is, or may be, another of its name. What waits is
    /// signed anew; nothing is lost.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn become_another(&self, mirror: &mut Mirror) -> Result<bool, StoreError> {
        let (was, fresh) = (mirror.node(), NodeId::from_bytes(random()));
        let done = mirror.rotate(was, fresh, |op| SignedOp::sign(op, &self.key))?;
        if done {
            tracing::warn!(%was, now = %mirror.node(), "this database has a twin; it is another node now");
        }
        Ok(done)
    }

    /// Returns the file of the mirror of the hub with this key.
    pub fn mirror_of(&self, short_key: &str) -> PathBuf {
        self.dir.join(format!("mirror-{short_key}.db"))
    }

    /// Returns the short key of the hub that was last met at this address.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn known_hub(&self, address: &HubAddress) -> Result<Option<String>, StoreError> {
        Ok(self.known()?.remove(&address.to_string()))
    }

    /// Remembers which hub was met at this address.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn remember_hub(&self, address: &HubAddress, card: &HubCard) -> Result<(), StoreError> {
        let mut known = self.known()?;
        if known.insert(address.to_string(), card.short_key().to_owned()).as_deref() == Some(card.short_key()) {
            return Ok(());
        }
        file::write_private(&self.dir.join("hubs.json"), &serde_json::to_vec_pretty(&known)?)
    }

    fn known(&self) -> Result<BTreeMap<String, String>, StoreError> {
        match file::read_secret(&self.dir.join("hubs.json"))? {
            Some(text) => Ok(serde_json::from_str(&text)?),
            None => Ok(BTreeMap::new()),
        }
    }
}

/// Returns bytes nobody can guess.
///
/// # Panics
/// When the system has no randomness.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system gives random bytes");
    bytes
}
