//! Tokens as text: `nd<kind>_<id>_<secret><checksum>`.
//!
//! ```text
//! ndc_7Qm2xR0a_<43 base-62 digits: 256 random bits><6 base-62 digits: CRC-32 of all before them>
//!   |  |
//!   |  the name under which the hub knows it: no secret
//!   i ingest, c console, v viewer, a admin
//! ```
//!
//! Beginning and checksum let a scanner find a leaked one without asking the hub. The hub keeps the hash alone.

use super::device::random;
use crate::domain::scope::Scope;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The mirror's note that holds this console's token.
pub const NOTE: &str = "token";
/// The mirror's note of when it came, in milliseconds since 1970 by this machine's clock.
pub const NOTE_AT: &str = "token_at";
/// The mirror's note of what this console may do: the word of a scope.
pub const NOTE_SCOPE: &str = "scope";
/// Digits of the id.
const ID: usize = 8;
/// Digits that 256 bits take.
pub const DIGITS_256: usize = 43;
/// Digits that the checksum takes.
pub const DIGITS_CRC: usize = 6;

/// A new token: the text for its owner, and what the hub keeps.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// The whole text; shown once.
    pub text: String,
    /// The id within it.
    pub id: String,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Token({})", self.id)
    }
}

impl Token {
    /// Returns a new token of that scope.
    pub fn new(scope: Scope) -> Self {
        // An id tells tokens apart and is no secret: 2^40 of them are enough.
        let id: String = base62(&random::<6>()).chars().rev().take(ID).collect();
        let text = with_checksum(format!("nd{}_{id}_{}", scope.letter(), base62(&random::<32>())));
        Self { text, id }
    }

    /// Returns the hash that the hub keeps.
    pub fn hash(&self) -> [u8; 32] {
        hash(&self.text)
    }
}

/// Returns scope and id of a text in the form of a token whose checksum is right; that it is valid the hub alone knows.
pub fn read(text: &str) -> Option<(Scope, &str)> {
    let body = checked(text)?;
    let (kind, rest) = body.strip_prefix("nd")?.split_once('_')?;
    let (id, secret) = rest.split_once('_')?;
    let scope = Scope::ALL.into_iter().find(|scope| kind.chars().eq([scope.letter()]))?;
    let digits = |text: &str| text.bytes().all(|digit| DIGITS.contains(&digit));
    (id.len() == ID && digits(id) && secret.len() == DIGITS_256 && digits(secret)).then_some((scope, id))
}

/// Returns the hash under which a token is known; a plain one is enough for 256 random bits.
pub fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// Returns whether two hashes are the same, in a time that does not tell how far they are.
pub fn same(left: &[u8; 32], right: &[u8; 32]) -> bool {
    left.ct_eq(right).into()
}

/// Returns the bytes as one number in base 62, with leading zeros so that as many bytes always give as many digits.
pub fn base62(bytes: &[u8]) -> String {
    let mut number = bytes.to_vec();
    let mut digits: Vec<u8> = (0..digits_of(bytes.len()))
        .map(|_| {
            let mut rest = 0;
            for byte in &mut number {
                let value = rest << 8 | usize::from(*byte);
                *byte = (value / 62) as u8;
                rest = value % 62;
            }
            DIGITS[rest]
        })
        .collect();
    digits.reverse();
    digits.into_iter().map(char::from).collect()
}

/// Returns the bytes that [`base62`] made these digits of, or `None`.
pub fn unbase62<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != digits_of(N) {
        return None;
    }
    let mut number = [0u8; N];
    for digit in text.bytes() {
        let mut carry = DIGITS.iter().position(|known| *known == digit)?;
        for byte in number.iter_mut().rev() {
            let value = usize::from(*byte) * 62 + carry;
            *byte = value as u8;
            carry = value >> 8;
        }
        if carry > 0 {
            return None;
        }
    }
    Some(number)
}

/// Returns how many digits so many bytes take.
fn digits_of(bytes: usize) -> usize {
    // 8 / log2(62) = 1.34359…
    (bytes * 134_360).div_ceil(100_000)
}

/// Returns the text with its checksum behind it.
pub fn with_checksum(text: String) -> String {
    let checksum = base62(&crc32fast::hash(text.as_bytes()).to_be_bytes());
    text + &checksum
}

/// Returns the text before a checksum that is right: a slip of the hand is found before anybody is asked.
pub fn checked(text: &str) -> Option<&str> {
    let at = text.len().checked_sub(DIGITS_CRC)?;
    let (body, checksum) = (text.get(..at)?, text.get(at..)?);
    (base62(&crc32fast::hash(body.as_bytes()).to_be_bytes()) == checksum).then_some(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_token_names_its_scope_and_id_and_has_the_agreed_form() {
        for scope in Scope::ALL {
            let token = Token::new(scope);
            assert_eq!(read(&token.text), Some((scope, token.id.as_str())));
            assert_eq!(token.text.len(), "ndc_".len() + 8 + 1 + 43 + 6);
            assert!(token.text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'));
            assert!(!format!("{token:?}").contains(&token.text[13..30]), "the secret is not for logs");
        }
        assert_ne!(Token::new(Scope::Console), Token::new(Scope::Console));
    }

    #[test]
    fn one_changed_character_anywhere_is_found() {
        let text = Token::new(Scope::Console).text;
        for at in 0..text.len() {
            let other = if &text[at..=at] == "7" { "8" } else { "7" };
            assert_eq!(read(&format!("{}{other}{}", &text[..at], &text[at + 1..])), None, "at {at}");
        }
        for wrong in ["", "ndc_", &text[1..], &text[..text.len() - 1], &format!("{text}0"), "nd_c_00ff", "🦀🦀🦀"]
        {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        assert_eq!(read(&with_checksum("ndx_12345678_".to_owned() + &"0".repeat(43))), None);
        assert_eq!(read(&with_checksum("ndc_1234567_".to_owned() + &"0".repeat(44))), None);
    }

    #[test]
    fn the_digits_are_as_many_as_the_form_says_and_the_checksum_is_the_known_one() {
        assert_eq!([4, 16, 32].map(digits_of), [DIGITS_CRC, 22, DIGITS_256]);
        for bytes in 1..64 {
            assert_eq!(unbase62::<64>(&base62(&[255; 64])), Some([255; 64]));
            assert!(62f64.log2() * digits_of(bytes) as f64 >= 8.0 * bytes as f64, "{bytes}");
        }
        assert_eq!(crc32fast::hash(b"123456789"), 0xcbf4_3926);
        assert_eq!(base62(&[0, 0, 0, 62]), "000010");
        assert_eq!(unbase62::<4>("zzzzzz"), None, "more than 32 bits");
    }

    #[test]
    fn hashes_are_compared_whole() {
        let one = hash("a");
        assert!(same(&one, &hash("a")));
        for bit in 0..256 {
            let mut other = one;
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(!same(&one, &other), "{bit}");
        }
    }

    proptest! {
        #[test]
        fn base_62_comes_back_as_the_same_bytes(bytes: [u8; 32]) {
            prop_assert_eq!(unbase62::<32>(&base62(&bytes)), Some(bytes));
        }

        #[test]
        fn no_text_makes_the_reader_fail(text: String) {
            let _ = (read(&text), checked(&text), unbase62::<32>(&text));
        }
    }
}
