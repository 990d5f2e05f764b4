//! A row of the feed under the hub's signature: what a console may believe though another console tells it.

use crate::domain::time::Timestamp;
use crate::store::mirror::SignedRow;
use crate::store::{FeedKind, FeedPage, Signatures};
use crate::sync::wire::kind_word;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};

/// What stands before a row when it is signed: it keeps rows apart from all else that the hub's key signs.
const DOMAIN: &[u8] = b"nightdesk row 1\n";

/// Returns whether rows of this kind are signed: those that say what is so, and what was answered to whom.
pub fn is_signed(kind: FeedKind) -> bool {
    matches!(kind, FeedKind::Incident | FeedKind::Verdict)
}

/// Returns the signatures of the rows of a page that are to be passed on.
pub fn sign(page: &FeedPage, key: &SigningKey, now: Timestamp) -> Signatures {
    let hub_key = key.verifying_key();
    let signed = page.rows.iter().filter(|row| is_signed(row.kind)).map(|row| {
        let text = message(&hub_key, &page.epoch, row.seq, row.kind, now, &row.body);
        (row.seq, key.sign(&text).to_bytes())
    });
    Signatures { signed_at: now, of: signed.collect() }
}

/// Returns whether the hub with this key signed the row, as one of this history.
pub fn is_genuine(row: &SignedRow, epoch: &str, hub_key: &VerifyingKey) -> bool {
    let text = message(hub_key, epoch, row.seq, row.kind, row.signed_at, &row.body);
    is_signed(row.kind) && hub_key.verify_strict(&text, &Signature::from_bytes(&row.signature)).is_ok()
}

/// Every part but the last has a fixed length or its length before it, so that no two rows make one text.
fn message(hub_key: &VerifyingKey, epoch: &str, seq: u64, kind: FeedKind, at: Timestamp, body: &str) -> Vec<u8> {
    let mut text = Vec::with_capacity(body.len() + 128);
    text.extend_from_slice(DOMAIN);
    text.extend_from_slice(hub_key.as_bytes());
    for part in [epoch, kind_word(kind)] {
        text.extend_from_slice(&(part.len() as u64).to_be_bytes());
        text.extend_from_slice(part.as_bytes());
    }
    text.extend_from_slice(&seq.to_be_bytes());
    text.extend_from_slice(&at.as_millis().to_be_bytes());
    text.extend_from_slice(body.as_bytes());
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::FeedRow;

    fn page() -> FeedPage {
        let row = |seq, kind| FeedRow { seq, kind, body: format!("{{\"n\":{seq}}}") };
        let rows = vec![row(1, FeedKind::Incident), row(2, FeedKind::Series), row(3, FeedKind::Verdict)];
        FeedPage { epoch: "e".into(), after: 0, next: 3, head: 3, rows, signatures: None }
    }

    fn signed() -> Vec<SignedRow> {
        let (page, at) = (page(), Timestamp::from_millis(7));
        let Signatures { signed_at, of } = sign(&page, &SigningKey::from_bytes(&[1; 32]), at);
        assert_eq!(of.keys().copied().collect::<Vec<_>>(), [1, 3], "a series is not passed on");
        let rows = page.rows.into_iter().filter(|row| of.contains_key(&row.seq));
        rows.map(|row| SignedRow { seq: row.seq, kind: row.kind, signed_at, signature: of[&row.seq], body: row.body })
            .collect()
    }

    #[test]
    fn a_row_is_genuine_as_it_was_signed_and_in_no_other_way() {
        let key = SigningKey::from_bytes(&[1; 32]).verifying_key();
        let other = SigningKey::from_bytes(&[2; 32]).verifying_key();
        for row in signed() {
            assert!(is_genuine(&row, "e", &key));
            assert!(!is_genuine(&row, "f", &key), "another history");
            assert!(!is_genuine(&row, "e", &other), "another hub");
            let wrong: [fn(&mut SignedRow); 5] = [
                |row| row.seq += 1,
                |row| row.kind = if row.kind == FeedKind::Verdict { FeedKind::Incident } else { FeedKind::Verdict },
                |row| row.signed_at = Timestamp::from_millis(8),
                |row| row.body.push(' '),
                |row| row.signature[5] ^= 1,
            ];
            for spoil in wrong {
                let mut spoilt = row.clone();
                spoil(&mut spoilt);
                assert!(!is_genuine(&spoilt, "e", &key), "{spoilt:?}");
            }
        }
    }
}
