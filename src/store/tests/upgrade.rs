//! A mirror whose program grows old while it has it open. The layouts 3 and 99 are made up.

use super::*;
use crate::domain::grouping::Group;
use crate::domain::id::Number;
use crate::store::mirror::AppendError;

fn incident() -> Incident {
    let group = Group { key: "1".into(), service: "db".into(), summary: "disk".into() };
    Incident::open(IncidentId::from_bytes([1; 16]), Number(1), group, at(0))
}

/// Gives the mirror in that folder a layout, as a newer program does.
fn set_layout(dir: &TempDir, version: i64) {
    let connection = rusqlite::Connection::open(dir.path().join("mirror.db")).unwrap();
    connection.execute_batch(&format!("PRAGMA user_version = {version}")).unwrap();
}

/// Asks for something with a mirror that must not be written; returns the operation that it kept aside.
fn append_aside(mirror: &mut Mirror, incident: &Incident, op_no: u128) -> SignedOp {
    let mut kept = None;
    let sign = |node, nseq, prev_hash| {
        let mut op = op(incident, nseq, prev_hash, Act::Ack).op;
        (op.op_id, op.node) = (OpId(Uuid::from_u128(op_no)), node);
        kept.insert(SignedOp::sign(op, &key())).clone()
    };
    let error = mirror.append(sign).unwrap_err();
    assert!(matches!(error, AppendError::Aside(_)), "{error}");
    kept.unwrap()
}

#[test]
fn a_newer_database_is_looked_at_and_not_touched() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mirror.db");
    let mut before = mirror(&dir);
    before.set_note("word", "kept").unwrap();
    drop(before);
    set_layout(&dir, 99);
    let bytes = std::fs::read(&path).unwrap();
    let mut newer = mirror(&dir);
    assert!(newer.check().unwrap_err().to_string().contains("newer nightdesk (schema 99"));
    assert_eq!(newer.note("word").unwrap().as_deref(), Some("kept"));
    assert!(newer.set_note("word", "other").unwrap_err().is_outdated());
    assert!(newer.prune(at(0)).unwrap_err().is_outdated());
    drop(newer);
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
    let eve = UserName::parse("eve").unwrap();
    assert!(Mirror::open(&path, &eve, NODE, at(0)).is_err(), "it is still another user's");
}

#[test]
fn what_is_done_in_a_program_that_was_upgraded_underneath_is_kept_and_taken_in_once() {
    let dir = tempfile::tempdir().unwrap();
    let incident = incident();
    let mut old = mirror(&dir);
    let first = append(&mut old, &incident, 1);
    set_layout(&dir, 3);
    assert!(matches!(old.check(), Err(StoreError::Underneath { .. })));
    assert!(old.set_note("word", "late").unwrap_err().is_outdated());
    let kept: Vec<SignedOp> = (2..20).map(|seed| append_aside(&mut old, &incident, seed)).collect();
    let aside = dir.path().join("mirror.unsent");
    // A crash in the middle of a line costs that line.
    let mut file = std::fs::OpenOptions::new().append(true).open(&aside).unwrap();
    std::io::Write::write_all(&mut file, b"8301").unwrap();
    let last = append_aside(&mut old, &incident, 20);
    let text = std::fs::read(&aside).unwrap();

    set_layout(&dir, 2);
    let mut new = mirror(&dir);
    let sign = |op| SignedOp::sign(op, &key());
    assert_eq!(new.take_aside(sign).unwrap(), 19);
    assert!(!aside.exists());
    // Read again, as after a crash before it was removed.
    std::fs::write(&aside, text).unwrap();
    std::fs::set_permissions(&aside, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    assert_eq!((new.take_aside(sign).unwrap(), new.take_aside(sign).unwrap()), (0, 0));
    let waiting = new.waiting(100).unwrap();
    let ids: Vec<OpId> = waiting.iter().map(|signed| signed.op.op_id).collect();
    let asked: Vec<OpId> = [&first].into_iter().chain(&kept).chain([&last]).map(|signed| signed.op.op_id).collect();
    assert_eq!(ids, asked);
    for (before, after) in waiting.iter().zip(&waiting[1..]) {
        assert_eq!((after.op.nseq, after.op.prev_hash), (before.op.nseq + 1, before.hash()), "one chain");
    }
}

#[test]
fn a_file_put_in_the_place_of_an_open_database_is_not_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mirror.db");
    let mut old = mirror(&dir);
    let moved = dir.path().join("moved.db");
    std::fs::rename(&path, &moved).unwrap();
    assert!(matches!(old.check(), Err(StoreError::Underneath { .. })), "it is gone");
    std::fs::copy(&moved, &path).unwrap();
    assert!(old.set_note("word", "lost").unwrap_err().is_outdated());
    append_aside(&mut old, &incident(), 1);
    assert!(dir.path().join("mirror.unsent").exists());
}

#[test]
fn many_may_open_a_new_database_at_the_same_moment() {
    for _ in 0..10 {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mirror.db");
        let start = std::sync::Barrier::new(8);
        std::thread::scope(|scope| {
            let open = |_| {
                scope.spawn(|| {
                    start.wait();
                    Mirror::open(&path, &mira(), NODE, at(0)).map(drop)
                })
            };
            let all: Vec<_> = (0..8).map(open).collect();
            all.into_iter().for_each(|one| one.join().unwrap().unwrap());
        });
    }
}
