//! What the reader of a vault sees of its section.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use sealpost_vault::configuration;

use crate::configuration::named_files;
use crate::configuration::paths::Role;
use crate::configuration::section::Section;

/// A vault's section.
#[derive(Debug)]
pub(super) struct VaultSection<'a, 's> {
    section: &'a mut Section<'s>,
}

impl<'a, 's> VaultSection<'a, 's> {
    pub(super) fn new(section: &'a mut Section<'s>) -> Self {
        Self { section }
    }
}

impl configuration::Section for VaultSection<'_, '_> {
    fn require(&mut self, key: &'static str, what_to_do: &str) {
        self.section.require(key, what_to_do);
    }

    fn own_folder(&mut self, key: &'static str, files: &'static [&'static str]) -> Option<PathBuf> {
        let section = &mut *self.section;
        let path = section.path_as(Role::Folder(files), key)?;
        named_files::check_own_folder(section.findings(), &section.at(key), &path);
        Some(path)
    }

    fn number(&mut self, key: &'static str, range: RangeInclusive<usize>) -> Option<usize> {
        self.section.number(key, range)
    }

    fn has(&self, key: &'static str) -> bool {
        self.section.has(key)
    }

    fn wrong(&mut self, key: &'static str, what: &str) {
        self.section.wrong(key, what);
    }

    fn text(&mut self, key: &'static str) -> Option<String> {
        self.section.text(key)
    }

    fn texts(&mut self, key: &'static str) -> Option<Vec<String>> {
        self.section.texts(key)
    }

    fn file(&mut self, key: &'static str) -> Option<PathBuf> {
        let path = self.section.path(key)?;
        named_files::read(self.section.findings(), &self.section.at(key), &path)?;
        Some(path)
    }

    fn private_file(&mut self, key: &'static str) -> Option<PathBuf> {
        let path = self.section.path(key)?;
        if path.symlink_metadata().is_ok() {
            named_files::read_private(self.section.findings(), &self.section.at(key), &path)?;
        }
        Some(path)
    }
}
