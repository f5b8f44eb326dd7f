//! What a person does with a vault while no process has it open: look through it, save what can be saved, begin again.

mod target;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use sealpost_vault::maintenance::Report;

use crate::error::OpenVaultError;
use crate::files::{Files, sync_directory};
use crate::image::{Content, Image};
use crate::keys::{FileKey, VaultKeys};
use crate::page::node::Widths;
use crate::rescue::Rescue;
use crate::survey::{Remains, Survey};
use crate::trial;
use crate::vault::FileVault;
use target::Target;

/// A vault that no process has open, opened for reading only.
#[derive(Debug)]
struct Closed {
    files: Files,
    file: File,
    rescue: Rescue,
    keys: VaultKeys,
}

/// Reads everything and verifies it.
pub(crate) fn check(dir: &Path) -> Result<Report, OpenVaultError> {
    Closed::open(dir)?.report(false, &mut |_, _| Ok(()))
}

/// Writes into a new vault what can be read, and what nothing leads to only if that is asked for: it may have been deleted.
pub(crate) fn salvage(dir: &Path, to: &Path, with_strays: bool) -> Result<Report, OpenVaultError> {
    let closed = Closed::open(dir)?;
    let mut target = Target::create(to)?;
    let report = closed.report(with_strays, &mut |name, record| {
        target.store(&closed.keys, name, record)
    })?;
    target.finish()?;
    Ok(report)
}

/// Lists the files of a vault.
fn abandoned(dir: &Path, keep_key: bool) -> Vec<PathBuf> {
    let files = Files::new(dir);
    let key = (!keep_key).then_some(files.key);
    let there = |path: &PathBuf| path.symlink_metadata().is_ok();
    [files.database]
        .into_iter()
        .chain(key)
        .filter(there)
        .collect()
}

/// Moves the files of a vault to other names, and creates an empty vault.
pub(crate) fn begin_again(
    dir: &Path,
    keep_key: bool,
) -> Result<Vec<(PathBuf, PathBuf)>, OpenVaultError> {
    let files = Files::new(dir);
    if keep_key && files.read_key()?.is_none() {
        return Err(OpenVaultError::KeyMissing { path: files.key });
    }
    // Whatever keeps the new vault from being made is found before anything moves.
    files.prepare_directory(true)?;
    let mut moved = Vec::new();
    // Held until the new vault has its own: another process must not come in between.
    let _lock = match files.lock_database_to_read() {
        Ok(file) => Some(file),
        Err(OpenVaultError::Missing { .. } | OpenVaultError::DatabaseMissing { .. }) => None,
        Err(error) => return Err(error),
    };
    let suffix = free_suffix(&abandoned(dir, keep_key));
    match move_and_begin(dir, keep_key, &suffix, &mut moved) {
        Ok(()) => Ok(moved),
        Err(error) if moved.is_empty() => Err(error),
        // Nobody else knows under which names they are.
        Err(error) => Err(OpenVaultError::BegunInPart {
            moved,
            source: Box::new(error),
        }),
    }
}

/// Notes in `moved` what it has moved, whatever it returns.
fn move_and_begin(
    dir: &Path,
    keep_key: bool,
    suffix: &str,
    moved: &mut Vec<(PathBuf, PathBuf)>,
) -> Result<(), OpenVaultError> {
    for old in abandoned(dir, keep_key) {
        let new = with_suffix(&old, suffix);
        fs::rename(&old, &new).map_err(|error| OpenVaultError::io(&old, error))?;
        moved.push((old, new));
    }
    if !moved.is_empty() {
        sync_directory(dir).map_err(|error| OpenVaultError::io(dir, error))?;
    }
    FileVault::builder().begin(dir).map(drop)
}

impl Closed {
    fn open(dir: &Path) -> Result<Self, OpenVaultError> {
        let files = Files::new(dir);
        files.prepare_directory(false)?;
        let file = files.lock_database_to_read()?;
        let key = files.read_key()?;
        let damaged = |fault| OpenVaultError::Damaged {
            path: files.database.clone(),
            fault,
        };
        match Content::read(&file).map_err(|error| OpenVaultError::io(&files.database, error))? {
            Content::Empty | Content::Unfinished | Content::Fresh => {
                return Err(OpenVaultError::DatabaseEmpty {
                    path: files.database,
                });
            }
            Content::Foreign => {
                return Err(OpenVaultError::NotAVault {
                    path: files.database,
                });
            }
            Content::Database(_) => {}
        }
        let Some(key) = key else {
            return Err(OpenVaultError::KeyMissing { path: files.key });
        };
        let Some(mut remains) = read(&files.database, &file, &key)? else {
            return Err(OpenVaultError::KeyMismatch { path: files.key });
        };
        let Some((_, keys)) = remains.vault.take() else {
            return Err(damaged(remains.fault.unwrap_or_default()));
        };
        Ok(Self {
            rescue: Rescue::new(remains),
            files,
            file,
            keys,
        })
    }

    /// Reads every record, and gives `keep` those that are intact, with strays only if that is asked for.
    fn report(&self, with_strays: bool, keep: &mut Keep<'_>) -> Result<Report, OpenVaultError> {
        let remains = self.rescue.remains();
        let mut names: Vec<_> = remains.records.keys().collect();
        names.sort_unstable();
        let mut report = Report::default();
        for name in names {
            match self.rescue.record(&self.file, &self.keys, name) {
                Some(record) => {
                    keep(name, &record)?;
                    report.intact += 1;
                }
                None => report.damaged.push(name.to_string()),
            }
        }
        report.faults.extend(remains.fault.map(str::to_owned));
        if remains.fault.is_some() || !report.damaged.is_empty() {
            report.stray = match with_strays {
                true => self.strays(keep)?,
                false => self.strays(&mut |_, _| Ok(()))?,
            };
        }
        let is_new = |name: &&String| !report.damaged.contains(name);
        let found = report.intact + report.damaged.len();
        let found = found + report.stray.iter().filter(is_new).count();
        report.nameless = match remains.count {
            Some(count) => Some(
                usize::try_from(count)
                    .unwrap_or(usize::MAX)
                    .saturating_sub(found),
            ),
            None => report.faults.is_empty().then_some(0),
        };
        Ok(report)
    }

    /// Looks for records that the tree does not lead to, in every page of the file.
    fn strays(&self, keep: &mut Keep<'_>) -> Result<Vec<String>, OpenVaultError> {
        let remains = self.rescue.remains();
        let mut found = BTreeSet::new();
        let mut result = Ok(());
        self.with_image(|image| {
            image.scan(Widths::default(), &mut |entry| {
                let Ok(name) = std::str::from_utf8(entry.key) else {
                    return;
                };
                let is_known = self.rescue.record(&self.file, &self.keys, name).is_some();
                if result.is_err() || is_known || found.contains(name) {
                    return;
                }
                // Those that are listed are whole: what was deleted stays so.
                let listed = remains.names.as_ref();
                let was_deleted =
                    listed.is_some_and(|names| !names.contains(&self.keys.index().tag(name)));
                if !was_deleted && self.keys.open(name, entry.value).is_ok() {
                    result = keep(name, entry.value);
                    found.insert(name.to_owned());
                }
            });
        })?;
        result.map(|()| found.into_iter().collect())
    }

    fn with_image(&self, use_image: impl FnOnce(&Image<'_>)) -> Result<(), OpenVaultError> {
        let content = Content::read(&self.file);
        let content = content.map_err(|error| OpenVaultError::io(&self.files.database, error))?;
        if let Content::Database(image) = content {
            use_image(&image);
        }
        Ok(())
    }
}

/// Takes a name and its record.
type Keep<'k> = dyn FnMut(&str, &[u8]) -> Result<(), OpenVaultError> + 'k;

/// Reads what there is of a vault; `None` if it is not the key's.
fn read(path: &Path, file: &File, key: &FileKey) -> Result<Option<Remains>, OpenVaultError> {
    match Content::read(file) {
        Ok(Content::Database(image)) => match Survey::make(&image, key) {
            Ok(Survey::Whole(whole)) => {
                let remains = whole.remains(&image);
                // As a start does: redb looks at more.
                let refused =
                    trial::is_refused(file).map_err(|error| OpenVaultError::io(path, error))?;
                let fault = remains.fault.filter(|_| refused);
                Ok(Some(Remains { fault, ..remains }))
            }
            Ok(Survey::Damaged(remains)) => Ok(Some(*remains)),
            Ok(Survey::OtherKey | Survey::Foreign) => Ok(None),
            Err(_) => Err(OpenVaultError::Crypto),
        },
        _ => Ok(None),
    }
}

/// Returns an ending with which none of these files exists.
fn free_suffix(files: &[PathBuf]) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let mut seconds = now.map_or(0, |now| now.as_secs());
    loop {
        let suffix = format!(".old-{seconds}");
        let is_free = |file: &PathBuf| with_suffix(file, &suffix).symlink_metadata().is_err();
        if files.iter().all(is_free) {
            return suffix;
        }
        seconds += 1;
    }
}

fn with_suffix(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
