//! Locks of files that one process has at a time.

use std::fs::{File, TryLockError};
use std::io;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Locks a file for as long as it is open. Waits a moment for a process that is just ending or that only looks.
///
/// # Errors
///
/// [`TryLockError::WouldBlock`] if another process keeps it.
pub fn lock(file: &File) -> Result<(), TryLockError> {
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if begun.elapsed() < PATIENCE => sleep(PAUSE),
            result => return result,
        }
    }
}

/// Returns whether another process has the file locked. The process that asks keeps no lock.
///
/// # Errors
///
/// Fails if the file can't be locked at all.
fn is_locked(file: &File) -> io::Result<bool> {
    match file.try_lock_shared() {
        Ok(()) => file.unlock().map(|()| false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Looks at a file that another process may begin to use meanwhile, without keeping it from that: first without a lock, and
/// with one only if `is_fine` does not take what was seen. `None` if another process has it locked.
///
/// # Errors
///
/// Fails if the file can't be locked at all.
pub fn look_unlocked<T>(
    file: &File,
    look: impl Fn() -> T,
    is_fine: impl Fn(&T) -> bool,
) -> io::Result<Option<T>> {
    if is_locked(file)? {
        return Ok(None);
    }
    let seen = look();
    if is_fine(&seen) {
        return Ok(Some(seen));
    }
    // It may have been written to while it was read.
    match file.try_lock_shared() {
        Ok(()) => {
            let seen = look();
            file.unlock().map(|()| Some(seen))
        }
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Longer than a process looks, and shorter than a person waits.
const PATIENCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_look_keeps_nothing_from_being_locked_and_waits_for_no_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let [one, other] = [(); 2].map(|()| File::create(&path).unwrap());
        let looks = Cell::new(0);
        let look = || looks.replace(looks.get() + 1);
        // Another process begins while it looks: what was seen does not count.
        let begins = || {
            other.try_lock().unwrap();
            look()
        };
        assert_eq!(look_unlocked(&one, begins, |_| false).unwrap(), None);
        assert_eq!(look_unlocked(&one, look, |_| true).unwrap(), None);
        other.unlock().unwrap();
        assert_eq!(look_unlocked(&one, look, |_| true).unwrap(), Some(1));
        assert_eq!(
            look_unlocked(&one, look, |_| false).unwrap(),
            Some(3),
            "once more"
        );
        lock(&other).unwrap();
        assert!(is_locked(&one).unwrap());
    }

    #[test]
    fn a_lock_waits_for_a_process_that_is_just_ending() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let [one, other] = [(); 2].map(|()| File::create(&path).unwrap());
        one.try_lock().unwrap();
        let ends = std::thread::spawn(move || {
            sleep(Duration::from_millis(200));
            drop(one);
        });
        lock(&other).unwrap();
        ends.join().unwrap();
        let third = File::open(&path).unwrap();
        assert!(matches!(lock(&third), Err(TryLockError::WouldBlock)));
    }
}
