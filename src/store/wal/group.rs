//! Group commit: entries are queued under a lock and written and synced by one thread, all that are there at a time
//! with one sync.

use super::{
    WAL_DIR,
    frame::{PAYLOAD_BYTES_MAX, put_frame},
    recover::Recovered,
    segment::{Segment, SegmentWriter, segment_path},
};
use crate::store::{
    disk::Disk,
    error::{StorageError, io_error},
};
use std::{
    fmt,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};
use tokio::sync::oneshot;

/// The longest that entries wait for those that are under way to share their sync.
const GATHER_TIME_MAX: Duration = Duration::from_millis(2);

/// Entries for each one under way that make a group. The more share a sync, the less work each is; but who waits sends
/// nothing new. Of 1, 2, 3, 4 and 6 the fastest with 8 writers on 2 cores.
const GROUP_PER_INCOMING: usize = 3;

/// How a log is written.
pub struct WalOptions {
    /// Bytes at which a segment is full.
    pub segment_bytes_max: u64,
    /// Files of segments that are not needed any more but kept, to be used again.
    pub spare_segments_max: usize,
    /// Called on the log's thread when a write has failed, before anybody hears of it: every entry after the given
    /// number is lost. Until it returns, nothing can be appended.
    pub on_failure: Box<dyn Fn(u64) + Send>,
    /// Called on the log's thread after every sync with the bytes written since the start, those read then included.
    pub on_written: Box<dyn Fn(u64) + Send>,
}

impl fmt::Debug for WalOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WalOptions").field("segment_bytes_max", &self.segment_bytes_max).finish_non_exhaustive()
    }
}

/// The log, open for writing.
#[derive(Debug)]
pub struct Wal {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// An entry, or everything up to one, that waits for its sync.
#[derive(Debug)]
pub struct Ticket {
    /// The entry's number.
    pub seq: u64,
    /// `None` when there is nothing to wait for.
    outcome: Option<oneshot::Receiver<Result<(), String>>>,
}

#[derive(Debug)]
struct Shared {
    disk: Arc<dyn Disk>,
    state: Mutex<State>,
    /// Tells the thread that there is something to write, or that it is to end.
    wake: Condvar,
    synced: Arc<AtomicU64>,
    files: Mutex<Files>,
}

/// The files of the log.
#[derive(Debug, Default)]
struct Files {
    /// In order.
    segments: Vec<Segment>,
    /// The numbers of files that are not needed any more.
    spare: Vec<u64>,
    spare_max: usize,
    /// Segments that begin with this entry or a later one may be used again. What others hold beyond their last entry,
    /// after a failed write or a restart, could be taken for new ones.
    reusable_from: u64,
}

#[derive(Debug)]
struct State {
    /// Frames to be written, one after the other.
    frames: Vec<u8>,
    waiters: Vec<Waiter>,
    /// Who waits for what is being written now.
    writing: Vec<Waiter>,
    is_writing: bool,
    first_seq: u64,
    next_seq: u64,
    /// A write has failed, and what was applied of it is being undone.
    is_failing: bool,
    is_closed: bool,
    /// Entries that are being made; each has its [`Incoming`].
    incoming: usize,
    /// The thread sleeps until there is an entry.
    is_idle: bool,
}

/// An entry that is being made. Until it is appended or this is dropped, entries that are there already wait for it, for a
/// moment.
#[derive(Debug)]
pub struct Incoming(Arc<Shared>);

type Waiter = oneshot::Sender<Result<(), String>>;

impl Wal {
    /// Goes on after what was recovered. `synced` is kept at the number of the last durable entry.
    ///
    /// # Errors
    /// [`StorageError::Io`] when the thread cannot be started.
    pub fn start(
        disk: Arc<dyn Disk>,
        recovered: Recovered,
        synced: Arc<AtomicU64>,
        options: WalOptions,
    ) -> Result<Self, StorageError> {
        synced.store(recovered.last_seq, Ordering::SeqCst);
        let state = State {
            frames: Vec::new(),
            waiters: Vec::new(),
            writing: Vec::new(),
            is_writing: false,
            first_seq: recovered.last_seq + 1,
            next_seq: recovered.last_seq + 1,
            is_failing: false,
            is_closed: false,
            incoming: 0,
            is_idle: false,
        };
        let files = Files {
            segments: recovered.segments,
            spare: Vec::new(),
            spare_max: options.spare_segments_max,
            reusable_from: recovered.last_seq + 1,
        };
        let shared = Arc::new(Shared {
            disk: Arc::clone(&disk),
            state: Mutex::new(state),
            wake: Condvar::new(),
            synced,
            files: Mutex::new(files),
        });
        let bytes = recovered.bytes;
        let writer = SegmentWriter::new(disk, options.segment_bytes_max);
        let for_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("timebrook-wal".to_owned());
        let thread =
            thread.spawn(move || for_thread.write_groups(writer, bytes, &options)).map_err(io_error(WAL_DIR))?;
        Ok(Self { shared, thread: Mutex::new(Some(thread)) })
    }

    /// Says that an entry is being made.
    #[must_use]
    pub fn incoming(&self) -> Incoming {
        self.shared.state().incoming += 1;
        Incoming(Arc::clone(&self.shared))
    }

    /// A ticket for everything appended so far.
    #[must_use]
    pub fn barrier(&self) -> Ticket {
        let mut state = self.shared.state();
        let seq = state.next_seq - 1;
        let waiters = if !state.frames.is_empty() {
            &mut state.waiters
        } else if state.is_writing {
            &mut state.writing
        } else {
            return Ticket::ready(seq);
        };
        let (waiter, outcome) = oneshot::channel();
        waiters.push(waiter);
        Ticket { seq, outcome: Some(outcome) }
    }

    /// The number that the next entry gets.
    #[must_use]
    pub fn next_seq(&self) -> u64 {
        self.shared.state().next_seq
    }

    /// Every entry up to this number is durable.
    #[must_use]
    pub fn synced(&self) -> u64 {
        self.shared.synced.load(Ordering::SeqCst)
    }

    /// Lets the segments go that hold nothing after `seq`, which must be durable elsewhere: their files are used again, or
    /// deleted when enough are kept for that.
    ///
    /// # Errors
    /// [`StorageError::Io`].
    pub fn release_until(&self, seq: u64) -> Result<(), StorageError> {
        let disk = &self.shared.disk;
        let mut files = self.shared.files();
        let mut has_deleted = false;
        while files.segments.get(1).is_some_and(|next| next.first_seq <= seq + 1) {
            let Segment { first_seq, file } = files.segments[0];
            if first_seq >= files.reusable_from && files.spare.len() < files.spare_max {
                files.spare.push(file);
            } else {
                let path = segment_path(file);
                disk.delete(&path).map_err(io_error(&path))?;
                has_deleted = true;
            }
            files.segments.remove(0);
        }
        if has_deleted { disk.sync_dir(WAL_DIR).map_err(io_error(WAL_DIR)) } else { Ok(()) }
    }

    /// Writes what is queued and ends the thread; later entries are refused.
    pub fn close(&self) {
        self.shared.state().is_closed = true;
        self.shared.wake.notify_one();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.thread().id() != std::thread::current().id()
            && thread.join().is_err()
        {
            tracing::error!("the thread of the log has panicked");
        }
    }
}

impl Drop for Wal {
    fn drop(&mut self) {
        self.close();
    }
}

impl Incoming {
    /// Queues the entry, given in parts.
    ///
    /// # Errors
    /// [`StorageError::Failed`] while a failed write is being undone, [`StorageError::Closed`].
    pub fn append(self, payload: &[&[u8]]) -> Result<Ticket, StorageError> {
        if payload.iter().map(|part| part.len()).sum::<usize>() > PAYLOAD_BYTES_MAX {
            return Err(StorageError::Failed(format!("an entry is larger than {PAYLOAD_BYTES_MAX} bytes")));
        }
        let mut state = self.0.state();
        if state.is_closed {
            return Err(StorageError::Closed);
        }
        if state.is_failing {
            return Err(StorageError::Failed("an earlier write is being undone".to_owned()));
        }
        let seq = state.next_seq;
        state.next_seq += 1;
        put_frame(&mut state.frames, seq, self.0.synced.load(Ordering::SeqCst), payload);
        let (waiter, outcome) = oneshot::channel();
        state.waiters.push(waiter);
        Ok(Ticket { seq, outcome: Some(outcome) })
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.incoming -= 1;
        let is_to_wake = !state.is_writing && !state.frames.is_empty() && (state.is_idle || state.is_group());
        drop(state);
        if is_to_wake {
            self.0.wake.notify_one();
        }
    }
}

impl State {
    /// Whether no more entries are waited for. Those under way keep the cores busy meanwhile, and the sync after that. A
    /// single writer never waits.
    fn is_group(&self) -> bool {
        self.is_closed || self.waiters.len() >= self.incoming * GROUP_PER_INCOMING
    }
}

impl Ticket {
    /// A ticket that need not wait.
    #[must_use]
    pub fn ready(seq: u64) -> Self {
        Self { seq, outcome: None }
    }

    /// Waits for the sync.
    ///
    /// # Errors
    /// [`StorageError::Failed`] when the write failed: the entry is lost.
    pub async fn synced(self) -> Result<(), StorageError> {
        match self.outcome {
            None => Ok(()),
            Some(outcome) => told(outcome.await),
        }
    }

    /// Waits for the sync, holding the thread, which must not be one that serves sockets.
    ///
    /// # Errors
    /// As [`Ticket::synced`].
    pub fn synced_blocking(self) -> Result<(), StorageError> {
        match self.outcome {
            None => Ok(()),
            Some(outcome) => told(outcome.blocking_recv()),
        }
    }
}

fn told(outcome: Result<Result<(), String>, oneshot::error::RecvError>) -> Result<(), StorageError> {
    match outcome {
        Ok(written) => written.map_err(StorageError::Failed),
        Err(_) => Err(StorageError::Closed),
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn files(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the thread does until the log is closed.
    fn write_groups(&self, mut writer: SegmentWriter, mut written_bytes: u64, options: &WalOptions) {
        let mut frames = Vec::new();
        while let Some((first_seq, last_seq)) = self.next_group(&mut frames) {
            match writer.write(first_seq, &frames, || self.files().spare.pop()) {
                Ok(new_segment) => {
                    if let Some(segment) = new_segment {
                        self.files().segments.push(segment);
                    }
                    self.synced.store(last_seq, Ordering::SeqCst);
                    let waiters = {
                        let mut state = self.state();
                        state.is_writing = false;
                        std::mem::take(&mut state.writing)
                    };
                    written_bytes += frames.len() as u64;
                    // Who stopped waiting is no concern of the log.
                    waiters.into_iter().for_each(|waiter| drop(waiter.send(Ok(()))));
                    (options.on_written)(written_bytes);
                }
                Err(error) => self.fail(&error, options),
            }
        }
    }

    /// Waits for frames and takes all there are: the numbers of the first and the last. `None` when the log is closed.
    fn next_group(&self, frames: &mut Vec<u8>) -> Option<(u64, u64)> {
        let mut state = self.state();
        while state.frames.is_empty() {
            if state.is_closed {
                return None;
            }
            state.is_idle = true;
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.is_idle = false;
        }
        let waited = self.wake.wait_timeout_while(state, GATHER_TIME_MAX, |state| !state.is_group());
        (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        frames.clear();
        std::mem::swap(frames, &mut state.frames);
        state.writing = std::mem::take(&mut state.waiters);
        state.is_writing = true;
        let first_seq = state.first_seq;
        state.first_seq = state.next_seq;
        Some((first_seq, state.next_seq - 1))
    }

    /// Undoes everything that is not durable, and then tells who waits for it.
    fn fail(&self, error: &StorageError, options: &WalOptions) {
        tracing::error!(%error, "the log cannot be written");
        let mut state = self.state();
        state.is_failing = true;
        state.frames.clear();
        drop(state);
        let synced = self.synced.load(Ordering::SeqCst);
        self.files().reusable_from = synced + 1;
        (options.on_failure)(synced);
        let mut state = self.state();
        (state.first_seq, state.next_seq) = (synced + 1, synced + 1);
        state.is_writing = false;
        state.is_failing = false;
        let mut waiters = std::mem::take(&mut state.writing);
        waiters.append(&mut state.waiters);
        drop(state);
        let text = error.to_string();
        waiters.into_iter().for_each(|waiter| drop(waiter.send(Err(text.clone()))));
    }
}

#[cfg(test)]
mod tests;
