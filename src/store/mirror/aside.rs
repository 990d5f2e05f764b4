//! Operations of a program that must not write the database any more: kept in a file beside it, which every version reads, until the next
//! start takes them in.
//!
//! A line is the hex of a signed operation, whose number and chain mean nothing: both are given when it is taken in, under its own id, so
//! that it happens once however often the file is read.

use super::super::{StoreError, file};
use super::rows::own_node;
use super::{AppendError, Mirror};
use crate::domain::envelope::SignedOp;
use crate::domain::id::hex;
use crate::domain::op::Op;
use rusqlite::{OptionalExtension as _, params};
use rustix::fs::FlockOperation;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Longest file: some thousand operations by a hand that does not read what the screen says.
const BYTES_MAX: u64 = 4 << 20;

/// Returns the file beside a database.
fn beside(database: &Path) -> PathBuf {
    database.with_extension("unsent")
}

/// Keeps an operation beside the database; the error says where.
pub(super) fn keep(database: &Path, signed: &SignedOp) -> AppendError {
    let path = beside(database);
    match write(&path, signed) {
        Ok(()) => AppendError::Aside(path),
        Err(error) => error,
    }
}

fn write(path: &Path, signed: &SignedOp) -> Result<(), AppendError> {
    let io = |source| StoreError::Io { path: path.to_owned(), source };
    let mut file = lock(path)?;
    if file.seek(SeekFrom::End(0)).map_err(io)? > BYTES_MAX {
        return Err(AppendError::TooManyWait);
    }
    // A line that a crash cut off ends here.
    let line = format!("\n{}\n", hex(&signed.bytes));
    file.write_all(line.as_bytes()).and_then(|()| file.sync_all()).map_err(io)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)?;
    Ok(())
}

/// Opens the file alone: who takes it in removes it, and nothing may be written into a file that is gone.
fn lock(path: &Path) -> Result<File, StoreError> {
    let io = |source: io::Error| StoreError::Io { path: path.to_owned(), source };
    loop {
        let file = file::private_file(path)?;
        rustix::fs::flock(&file, FlockOperation::LockExclusive).map_err(|errno| io(errno.into()))?;
        if file.metadata().map_err(io)?.nlink() > 0 {
            return Ok(file);
        }
    }
}

/// Returns the operation that a line says; none for one that a crash cut off.
fn read(line: &str) -> Option<SignedOp> {
    let digits = line.as_bytes().chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok());
    SignedOp::read(digits.collect::<Option<_>>()?).ok()
}

impl Mirror {
    /// Takes in what an outdated program kept beside the database: signed anew, numbered, each once. Returns how many were new.
    ///
    /// # Errors
    /// [`StoreError`]; the file stays then.
    pub fn take_aside(&mut self, mut sign: impl FnMut(Op) -> SignedOp) -> Result<usize, StoreError> {
        let path = beside(self.watch.path());
        if !path.exists() || self.check().is_err() {
            return Ok(0);
        }
        let io = |source| StoreError::Io { path: path.clone(), source };
        let mut file = lock(&path)?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(io)?;
        let kept = text.lines().filter_map(read);
        let tx = self.watch.begin(&mut self.connection)?;
        let node = own_node(&tx)?;
        let mut taken = 0;
        for SignedOp { op, .. } in kept {
            if tx.prepare_cached("SELECT 1 FROM op WHERE op_id = ?1")?.exists([op.op_id.as_bytes()])? {
                continue;
            }
            let last = tx
                .query_row("SELECT nseq, hash FROM op WHERE nseq > 0 ORDER BY nseq DESC LIMIT 1", (), |row| {
                    Ok((row.get::<_, i64>(0)?, row.get(1)?))
                })
                .optional()?;
            let (nseq, prev_hash) = last.unwrap_or((0, [0; 32]));
            let signed = sign(Op { node, nseq: nseq as u64 + 1, prev_hash, ..op });
            let op = &signed.op;
            tx.prepare_cached("INSERT INTO op (nseq, op_id, incident, hash, bytes) VALUES (?1, ?2, ?3, ?4, ?5)")?
                .execute(params![
                    op.nseq as i64,
                    op.op_id.as_bytes(),
                    op.incident.as_bytes(),
                    signed.hash(),
                    signed.bytes
                ])?;
            taken += 1;
        }
        tx.commit()?;
        // On the disk under its own id: read once more after a crash, it is known.
        std::fs::remove_file(&path).map_err(io)?;
        Ok(taken)
    }
}
