//! This machine's user as the hub knows it: one device key, and which mirror belongs to which hub.

use super::client::HubAddress;
use super::tls::Trust;
use super::wire::{HubCard, Introduction};
use crate::domain::envelope::SignedOp;
use crate::domain::id::{NodeId, UserName, hex, unhex};
use crate::store::mirror::Mirror;
use crate::store::{StoreError, file};
use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A hub as it was met at an address: what is pinned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownHub {
    /// Its Ed25519 key, hex.
    pub key: String,
    /// Who vouches for its certificate, as [`Trust::to_text`] has it; `None` where no TLS is spoken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<String>,
    /// Who this console's user is there, by the hub's word; `None`: by the configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserName>,
}

impl KnownHub {
    /// Returns the eight digits that name this hub's mirror file.
    pub fn short_key(&self) -> &str {
        self.key.get(..8).unwrap_or("00000000")
    }

    /// Returns who vouches for its certificate.
    pub fn trust(&self) -> Option<Trust> {
        Trust::of_text(self.trust.as_deref()?)
    }
}

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
        let stored = || Ok::<_, StoreError>(file::read_secret(&path)?.and_then(|text| unhex::<32>(&text)));
        let seed = match stored()? {
            Some(seed) => seed,
            None => {
                let seed = random::<32>();
                let made = hex(&seed);
                // Of several processes that start for the first time, one makes the key, and all sign with that.
                match file::make_private(&path, made.as_bytes())? {
                    true => seed,
                    false => match stored()? {
                        Some(seed) => seed,
                        // What stands there is no key.
                        None => file::write_private(&path, made.as_bytes()).map(|()| seed)?,
                    },
                }
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

    /// Returns the hub that was last met at this address.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn known_hub(&self, address: &HubAddress) -> Result<Option<KnownHub>, StoreError> {
        let entry = self.known()?.remove(&address.to_string());
        // An entry that this version cannot read is a hub that it has yet to meet; one over TLS is not met without a new code.
        Ok(entry.and_then(|entry| serde_json::from_value(entry).ok()))
    }

    /// Pins a hub that was joined, in place of any that was known at this address.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn pin_hub(&self, address: &HubAddress, hub: &KnownHub) -> Result<(), StoreError> {
        let mut known = self.known()?;
        let entry = serde_json::to_value(hub)?;
        if known.insert(address.to_string(), entry.clone()) == Some(entry) {
            return Ok(());
        }
        file::write_private(&self.dir.join("hubs.json"), &serde_json::to_vec_pretty(&known)?)
    }

    /// Remembers which hub was met at this address of this machine. What was joined over TLS stays pinned until it is joined anew.
    ///
    /// # Errors
    /// [`StoreError::Unsafe`] when another hub than the joined one answers over TLS.
    pub fn remember_hub(&self, address: &HubAddress, card: &HubCard) -> Result<(), StoreError> {
        if let HubAddress::Https(at) = address {
            return match self.known_hub(address)? {
                Some(known) if known.key == card.hub_key => Ok(()),
                _ => Err(StoreError::Unsafe {
                    path: at.into(),
                    why: "another hub answers there than the one that was joined; ask its admin for a code, then `nightdesk join`".into(),
                }),
            };
        }
        self.pin_hub(address, &KnownHub { key: card.hub_key.clone(), trust: None, user: None })
    }

    fn known(&self) -> Result<BTreeMap<String, serde_json::Value>, StoreError> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_that_start_for_the_first_time_at_once_sign_with_one_key() {
        for _ in 0..20 {
            let dir = tempfile::tempdir().unwrap();
            let data = dir.path().join("data");
            let start = std::sync::Barrier::new(8);
            let keys: Vec<[u8; 32]> = std::thread::scope(|scope| {
                let open = |_| {
                    scope.spawn(|| {
                        start.wait();
                        Device::open(&data, UserName::parse("mira").unwrap()).unwrap().key.to_bytes()
                    })
                };
                let all: Vec<_> = (0..8).map(open).collect();
                all.into_iter().map(|one| one.join().unwrap()).collect()
            });
            let stored = Device::open(&data, UserName::parse("mira").unwrap()).unwrap().key.to_bytes();
            assert!(keys.iter().all(|key| *key == stored));
            assert_eq!(std::fs::read_dir(&data).unwrap().count(), 1, "nothing is left beside it");
        }
    }

    #[test]
    fn what_is_no_key_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let user = || UserName::parse("mira").unwrap();
        drop(Device::open(&data, user()).unwrap());
        std::fs::write(data.join("device.key"), "cut off").unwrap();
        let made = Device::open(&data, user()).unwrap().key.to_bytes();
        assert_eq!(Device::open(&data, user()).unwrap().key.to_bytes(), made);
    }
}
