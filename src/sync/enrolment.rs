//! How a device on another machine comes to be a user's: a code from the hub's administrator, used once.
//!
//! ```text
//! hub's machine                     another machine
//! nightdesk enrol mira  --code-->   nightdesk join
//!                                   GET  /v1/join   who is the hub, whom is the code for   (TLS, authority known by its fingerprint)
//!                                   POST /v1/join   node, device key, proof that it is held   -> token
//! ```

use super::token::{self, DIGITS_256, base62, checked, unbase62, with_checksum};
use super::wire::HubCard;
use crate::domain::id::{NodeId, UserName, hex, unhex, unhex_all};
use crate::domain::scope::Scope;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

/// How long a code holds, in minutes.
pub const CODE_MINUTES: u64 = 10;
/// Digits of its secret: 128 random bits.
const SECRET: usize = 22;

/// The code as a person pastes it: `ndj_<host:port>_<fingerprint>_<secret><checksum>`.
#[derive(Clone, PartialEq, Eq)]
pub struct Code {
    /// Where the hub is: `host:port`.
    pub address: String,
    /// Who vouches for the hub; `None` when its certificate is a public one.
    pub authority: Option<[u8; 32]>,
    /// What the hub knows it by.
    pub secret: String,
}

/// A text that is no code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is not the whole code, or a character of it is wrong; paste the line that `nightdesk enrol` printed, from ndj_ to its end"
)]
pub struct NoCode;

impl Code {
    /// Returns a new code for the hub at that address.
    pub fn new(address: String, authority: Option<[u8; 32]>) -> Self {
        Self { address, authority, secret: base62(&super::device::random::<16>()) }
    }

    /// Returns it as text.
    pub fn to_text(&self) -> String {
        let authority = self.authority.map_or("public".to_owned(), |bytes| base62(&bytes));
        with_checksum(format!("ndj_{}_{authority}_{}", self.address, self.secret))
    }

    /// Returns the code that the text is.
    ///
    /// # Errors
    /// [`NoCode`].
    pub fn parse(text: &str) -> Result<Self, NoCode> {
        let body = checked(text.trim()).and_then(|body| body.strip_prefix("ndj_")).ok_or(NoCode)?;
        let mut parts = body.rsplitn(3, '_');
        let (Some(secret), Some(authority), Some(address)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoCode);
        };
        let authority = match authority {
            "public" => None,
            digits if digits.len() == DIGITS_256 => Some(unbase62(digits).ok_or(NoCode)?),
            _ => return Err(NoCode),
        };
        if secret.len() != SECRET || unbase62::<16>(secret).is_none() {
            return Err(NoCode);
        }
        Ok(Self { address: address.to_owned(), authority, secret: secret.to_owned() })
    }

    /// Returns the hash under which the hub keeps it.
    pub fn hash(&self) -> [u8; 32] {
        token::hash(&self.secret)
    }
}

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Code({})", self.address)
    }
}

/// What an administrator asks: a code for this person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// For whom.
    pub user: UserName,
    /// To look and do nothing.
    #[serde(default)]
    pub viewer: bool,
    /// Where the other machine reaches the hub: `host:port`; absent: what the hub takes for it.
    #[serde(default)]
    pub address: Option<String>,
}

/// The code for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invited {
    /// As a person pastes it.
    pub code: String,
    /// Until when it holds, in milliseconds since 1970.
    pub expires_at_ms: i64,
}

/// What a code is for; asking does not use it up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// Who the hub is.
    pub hub: HubCard,
    /// Whose device it would be.
    pub user: UserName,
    /// The word of the scope that it would have.
    pub scope: String,
}

/// A device takes the offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Join {
    /// Its database.
    pub node: NodeId,
    /// Its key, hex.
    pub public_key: String,
    /// The key's signature that proves it is held, hex.
    pub proof: String,
}

/// Let in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined {
    /// The bearer token; shown once.
    pub token: String,
    /// Whose device it is now.
    pub user: UserName,
    /// The word of its scope.
    pub scope: String,
}

impl Join {
    /// Returns what a device says that holds this key.
    pub fn new(key: &SigningKey, node: NodeId, hub_key: &str, code_hash: &[u8; 32]) -> Self {
        let public_key = hex(key.verifying_key().as_bytes());
        let proof = key.sign(&proven(hub_key, node, code_hash));
        Self { node, public_key, proof: hex(&proof.to_bytes()) }
    }

    /// Returns the key, if the sender has proven that it holds it.
    pub fn proven_key(&self, hub_key: &str, code_hash: &[u8; 32]) -> Option<[u8; 32]> {
        let bytes = unhex::<32>(&self.public_key)?;
        let signature = Signature::from_slice(&unhex_all(&self.proof)?).ok()?;
        let key = VerifyingKey::from_bytes(&bytes).ok()?;
        key.verify_strict(&proven(hub_key, self.node, code_hash), &signature).ok()?;
        Some(bytes)
    }
}

/// What is signed: this hub, this node, this code. The beginning keeps it apart from all else that the key signs.
fn proven(hub_key: &str, node: NodeId, code_hash: &[u8; 32]) -> Vec<u8> {
    [b"nightdesk join 1\n", hub_key.as_bytes(), b"\n", node.as_bytes(), code_hash].concat()
}

impl Offer {
    /// Returns the scope, if this version knows it.
    pub fn scope(&self) -> Option<Scope> {
        Scope::of_word(&self.scope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_survives_the_clipboard_and_a_wrong_character_does_not() {
        for address in ["192.0.2.2:7400", "[fd00::2]:7400", "hub_1.example:7400"] {
            for authority in [Some([7; 32]), None] {
                let code = Code::new(address.to_owned(), authority);
                let text = code.to_text();
                assert_eq!(Code::parse(&format!("  {text}\n")), Ok(code.clone()));
                assert!(!format!("{code:?}").contains(&code.secret));
                for at in 0..text.len() {
                    let other = if &text[at..=at] == "7" { "8" } else { "7" };
                    assert!(Code::parse(&format!("{}{other}{}", &text[..at], &text[at + 1..])).is_err(), "at {at}");
                }
                assert!(Code::parse(&text[..text.len() - 1]).is_err());
            }
        }
        assert!(Code::parse("").is_err());
        assert_ne!(Code::new(String::new(), None).secret, Code::new(String::new(), None).secret);
    }

    #[test]
    fn a_key_that_is_not_held_cannot_be_joined_nor_a_proof_be_used_elsewhere() {
        let key = SigningKey::from_bytes(&[1; 32]);
        let node = NodeId::from_bytes([2; 16]);
        let join = Join::new(&key, node, "aa", &[3; 32]);
        assert_eq!(join.proven_key("aa", &[3; 32]), Some(*key.verifying_key().as_bytes()));
        assert_eq!(join.proven_key("ab", &[3; 32]), None, "another hub");
        assert_eq!(join.proven_key("aa", &[4; 32]), None, "another code");
        let moved = Join { node: NodeId::from_bytes([9; 16]), ..join.clone() };
        assert_eq!(moved.proven_key("aa", &[3; 32]), None, "another node");
        let other = hex(SigningKey::from_bytes(&[5; 32]).verifying_key().as_bytes());
        assert_eq!(Join { public_key: other, ..join.clone() }.proven_key("aa", &[3; 32]), None, "another's key");
        assert_eq!(Join { proof: "00".into(), ..join }.proven_key("aa", &[3; 32]), None);
    }
}
