//! A thread that owns one connection and does whole transactions on it, one after the other.

use super::super::StoreError;
use rusqlite::Connection;
use std::thread;
use tokio::sync::{mpsc, oneshot};

/// Transactions that may wait for the thread; more wait at the sender.
const QUEUE: usize = 64;

type Job = Box<dyn FnOnce(&mut Connection) -> Health + Send>;

/// Whether the connection may be used again.
enum Health {
    Good,
    /// The disk failed in a way that leaves open what was kept.
    Broken,
}

/// A handle on the thread; the thread ends when the last handle is dropped.
#[derive(Clone)]
pub(in crate::store) struct Lane {
    jobs: mpsc::Sender<Job>,
}

impl Lane {
    /// Gives the connection to a thread of its own.
    pub fn spawn(name: &str, mut connection: Connection) -> Result<Self, std::io::Error> {
        let (jobs, mut queue) = mpsc::channel::<Job>(QUEUE);
        thread::Builder::new().name(name.to_owned()).spawn(move || {
            while let Some(job) = queue.blocking_recv() {
                if let Health::Broken = job(&mut connection) {
                    // Whoever asks from now on gets `Stopped`; a retried fsync would lie.
                    break;
                }
            }
        })?;
        Ok(Self { jobs })
    }

    /// Does `work` on the thread and returns what it returned.
    ///
    /// # Errors
    /// [`StoreError::Stopped`] when the thread has ended; what `work` says otherwise.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (done, result) = oneshot::channel();
        let job = Box::new(move |connection: &mut Connection| {
            let outcome = work(connection);
            let health = if matches!(outcome, Err(StoreError::Disk(_))) { Health::Broken } else { Health::Good };
            let _ = done.send(outcome);
            health
        });
        self.jobs.send(job).await.map_err(|_| StoreError::Stopped)?;
        result.await.map_err(|_| StoreError::Stopped)?
    }
}
