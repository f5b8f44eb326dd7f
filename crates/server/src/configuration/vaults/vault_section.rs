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
}
