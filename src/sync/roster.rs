//! Who is who, signed by the hub: what peers check each other by when no hub is near.
//!
//! The bytes that came are what is verified, kept and passed on; a member that this version does not know stays in them.

use super::foresight::Known;
use crate::domain::id::{NodeId, UserName, hex, unhex, unhex_all};
use crate::domain::paging::Paging;
use crate::store::StoreError;
use crate::store::mirror::Mirror;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

/// The response header of the feed that tells the roster's version: another than the one that is held is fetched.
pub const VERSION_HEADER: &str = "nightdesk-roster";
/// The response header of the roster that carries the signature, hex.
pub const SIGNATURE_HEADER: &str = "nightdesk-signature";
/// The mirror's note that holds the newest roster.
pub const NOTE: &str = "roster";
/// Longest roster that is read, in bytes: 10,000 devices have room.
pub const ROSTER_BYTES_MAX: usize = 8 << 20;
/// What stands before the bytes when they are signed: it keeps a roster apart from all else that the hub's key signs.
const DOMAIN: &[u8] = b"nightdesk roster 1\n";

/// What the roster says. Members are only added (such as who is called when); a reader passes over those it does not know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roster {
    /// Rises with each change.
    pub version: u64,
    /// The hub's key, hex.
    pub hub_key: String,
    /// The branch of the hub's history that the version counts in.
    pub epoch: String,
    /// Every device that the hub ever knew, oldest first.
    pub devices: Vec<Member>,
    /// Who is called when and in which order, for a console that the hub does not reach; `None` from a hub of before.
    #[serde(default)]
    pub paging: Option<Paging>,
}

/// A device of the roster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its database.
    pub node: NodeId,
    /// Whose it is: the only actor of its operations.
    pub user: UserName,
    /// What its signatures are checked with, hex.
    pub public_key: String,
    /// Nothing that it says counts any more.
    pub revoked: bool,
}

impl Member {
    /// Returns its key, or `None` when it is revoked or the text is no key.
    pub fn key(&self) -> Option<VerifyingKey> {
        let bytes = unhex(&self.public_key).filter(|_| !self.revoked)?;
        VerifyingKey::from_bytes(&bytes).ok()
    }
}

/// Why bytes are no roster to go by.
#[derive(Debug, thiserror::Error)]
pub enum RosterError {
    /// Signed by another than the hub, or changed on the way.
    #[error("the hub did not sign this roster")]
    Forged,
    /// Longer than a roster can be.
    #[error("the roster is {0} bytes long, at most {ROSTER_BYTES_MAX} are taken")]
    TooLong(usize),
    /// Not the form it must have.
    #[error("the roster cannot be read")]
    Unreadable(#[from] serde_json::Error),
}

/// A roster whose signature holds, with the bytes that carry it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedRoster {
    /// What the bytes say.
    pub roster: Roster,
    /// The bytes as they came.
    pub bytes: Vec<u8>,
    /// The hub's signature, hex.
    pub signature: String,
}

impl SignedRoster {
    /// Returns the roster signed with the hub's key.
    ///
    /// # Errors
    /// [`RosterError::Unreadable`] when it cannot be written as JSON.
    pub fn sign(roster: Roster, key: &SigningKey) -> Result<Self, RosterError> {
        let bytes = serde_json::to_vec(&roster)?;
        let signature = hex(&key.sign(&[DOMAIN, &bytes].concat()).to_bytes());
        Ok(Self { roster, bytes, signature })
    }

    /// Returns the roster that the bytes are, if the hub with this key (hex) signed them.
    ///
    /// # Errors
    /// [`RosterError`].
    pub fn read(bytes: Vec<u8>, signature: &str, hub_key: &str) -> Result<Self, RosterError> {
        if bytes.len() > ROSTER_BYTES_MAX {
            return Err(RosterError::TooLong(bytes.len()));
        }
        verify(&bytes, signature, hub_key).ok_or(RosterError::Forged)?;
        let roster: Roster = serde_json::from_slice(&bytes)?;
        if roster.hub_key != hub_key {
            return Err(RosterError::Forged);
        }
        Ok(Self { roster, bytes, signature: signature.to_owned() })
    }

    /// Returns it as the text that a mirror keeps: the signature, a line end, the bytes.
    pub fn to_note(&self) -> String {
        format!("{}\n{}", self.signature, String::from_utf8_lossy(&self.bytes))
    }

    /// Returns the roster of a note.
    ///
    /// # Errors
    /// [`RosterError`].
    pub fn of_note(note: &str, hub_key: &str) -> Result<Self, RosterError> {
        let (signature, text) = note.split_once('\n').ok_or(RosterError::Forged)?;
        Self::read(text.as_bytes().to_vec(), signature, hub_key)
    }

    /// Returns whether a peer's roster replaces this one: of the same history and newer, for an older one would bring revoked devices
    /// back. What the hub itself says replaces any.
    pub fn yields_to(&self, other: &Self) -> bool {
        other.roster.epoch == self.roster.epoch && other.roster.version > self.roster.version
    }
}

impl Roster {
    /// Returns the device of that node.
    pub fn device(&self, node: NodeId) -> Option<&Member> {
        self.devices.iter().find(|member| member.node == node)
    }

    /// Returns the device with that key, unless it is revoked: the one that a peer proved to hold.
    pub fn device_by_key(&self, key: &[u8; 32]) -> Option<&Member> {
        self.devices.iter().find(|member| member.key().is_some_and(|held| held.as_bytes() == key))
    }
}

fn verify(bytes: &[u8], signature: &str, hub_key: &str) -> Option<()> {
    let key = VerifyingKey::from_bytes(&unhex(hub_key)?).ok()?;
    let signature = Signature::from_slice(&unhex_all(signature)?).ok()?;
    key.verify_strict(&[DOMAIN, bytes].concat(), &signature).ok()
}

/// Returns who may be called and who there is, by the roster that the mirror holds and by what it heard of people.
///
/// # Errors
/// [`StoreError`].
pub fn known(mirror: &mut Mirror) -> Result<Known, StoreError> {
    let mut people = mirror.people()?;
    // The bytes were verified before they were kept.
    let roster = mirror.note(NOTE)?;
    let roster = roster.as_deref().and_then(|note| note.split_once('\n'));
    let roster = roster.and_then(|(_, json)| serde_json::from_str::<Roster>(json).ok());
    let (devices, paging) = roster.map_or((Vec::new(), None), |roster| (roster.devices, roster.paging));
    let devices = devices.into_iter();
    people.extend(devices.filter(|device| !device.revoked).map(|device| device.user));
    if let Some(paging) = &paging {
        people = paging.everybody(&people);
    }
    Ok(Known { paging, people })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_bytes(&[seed; 32])
    }

    fn public(seed: u8) -> String {
        hex(key(seed).verifying_key().as_bytes())
    }

    fn roster(version: u64) -> Roster {
        let member = |number: u8, revoked| Member {
            node: NodeId::from_bytes([number; 16]),
            user: UserName::parse("mira").unwrap(),
            public_key: public(number),
            revoked,
        };
        let devices = vec![member(1, false), member(2, true)];
        Roster { version, hub_key: public(9), epoch: "e".into(), devices, paging: None }
    }

    fn signed(version: u64) -> SignedRoster {
        SignedRoster::sign(roster(version), &key(9)).unwrap()
    }

    #[test]
    fn what_the_hub_signed_is_read_and_kept_byte_for_byte() {
        let signed = signed(3);
        assert_eq!(SignedRoster::of_note(&signed.to_note(), &public(9)).unwrap(), signed);
    }

    #[test]
    fn any_other_byte_or_key_is_refused() {
        let signed = signed(3);
        for at in 0..signed.bytes.len() {
            let mut bytes = signed.bytes.clone();
            bytes[at] ^= 1;
            assert!(SignedRoster::read(bytes, &signed.signature, &public(9)).is_err(), "at {at}");
        }
        assert!(SignedRoster::read(signed.bytes.clone(), &signed.signature, &public(8)).is_err());
        let bare = hex(&key(9).sign(&signed.bytes).to_bytes());
        assert!(SignedRoster::read(signed.bytes, &bare, &public(9)).is_err(), "without the domain before it");
        let lent = SignedRoster::sign(roster(3), &key(8)).unwrap();
        assert!(SignedRoster::read(lent.bytes, &lent.signature, &public(8)).is_err(), "it names another hub");
    }

    #[test]
    fn members_that_this_version_does_not_know_stay_in_the_bytes() {
        let mut value = serde_json::to_value(roster(1)).unwrap();
        value["schedules"] = serde_json::json!({ "of": [] });
        let bytes = serde_json::to_vec(&value).unwrap();
        let signature = hex(&key(9).sign(&[DOMAIN, &bytes].concat()).to_bytes());
        let read = SignedRoster::read(bytes.clone(), &signature, &public(9)).unwrap();
        assert_eq!((read.roster, read.bytes), (roster(1), bytes));
    }

    #[test]
    fn a_revoked_device_has_no_key_and_an_older_roster_does_not_bring_it_back() {
        let roster = roster(1);
        assert!(roster.device(NodeId::from_bytes([1; 16])).unwrap().key().is_some());
        assert!(roster.device(NodeId::from_bytes([2; 16])).unwrap().key().is_none());
        assert!(roster.device_by_key(key(1).verifying_key().as_bytes()).is_some());
        assert!(roster.device_by_key(key(2).verifying_key().as_bytes()).is_none());
        assert!(
            signed(3).yields_to(&signed(4)) && !signed(4).yields_to(&signed(3)) && !signed(4).yields_to(&signed(4))
        );
    }
}
