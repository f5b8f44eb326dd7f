//! Where a path leads.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf, absolute};

/// Where a path leads, whether something is there or not, and over which folders.
///
/// The standard library's `canonicalize` tells neither for a file that is yet to be created.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Route {
    /// The path without links. What does not exist is taken as it is written.
    pub end: PathBuf,
    /// Every folder in which a name on the way is looked up: those of links, too. All of them exist.
    pub folders: Vec<PathBuf>,
}

impl Route {
    /// Follows a path.
    ///
    /// # Errors
    ///
    /// Fails if a folder on the way can't be entered, or links lead in a circle.
    pub fn of(path: &Path) -> io::Result<Self> {
        let mut route = Self {
            end: PathBuf::from("/"),
            folders: Vec::new(),
        };
        let mut rest: VecDeque<OsString> = names(&absolute(path)?).collect();
        let mut links = 0;
        while let Some(name) = rest.pop_front() {
            if name == ".." {
                route.end.pop();
                continue;
            }
            let next = route.end.join(&name);
            let found = match next.symlink_metadata() {
                Ok(found) => found,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    // Of the missing parts only the first has a folder.
                    route.look_in_end();
                    route.end = rest.iter().fold(next, |end, name| end.join(name));
                    return Ok(route);
                }
                Err(error) => return Err(error),
            };
            route.look_in_end();
            if !found.is_symlink() {
                route.end = next;
                continue;
            }
            links += 1;
            if links > MAX_LINKS {
                return Err(io::Error::other("its links lead in a circle"));
            }
            let target = next.read_link()?;
            if target.is_absolute() {
                route.end = PathBuf::from("/");
            }
            for name in names(&target).collect::<Vec<_>>().into_iter().rev() {
                rest.push_front(name);
            }
        }
        Ok(route)
    }

    /// Returns the first folder on the way in which other users can put something else in place of what the path names, and
    /// its mode.
    ///
    /// A sticky folder such as `/tmp` is none: there only its owner can replace what exists. Nor is a folder of root that one
    /// of the system's own groups may write to, such as `/var/log` of some distributions.
    ///
    /// # Errors
    ///
    /// Fails if a folder can't be looked at.
    pub fn exposed(&self) -> io::Result<Option<(&Path, u32)>> {
        for folder in &self.folders {
            let found = folder.metadata()?;
            let mode = found.mode() & 0o7777;
            let is_sticky = mode & 0o1000 != 0;
            let is_of_system = found.uid() == 0 && (1..FIRST_USER_GROUP).contains(&found.gid());
            let others = if is_of_system { 0o002 } else { 0o022 };
            if mode & others != 0 && !is_sticky {
                return Ok(Some((folder, mode)));
            }
        }
        Ok(None)
    }

    fn look_in_end(&mut self) {
        if self.folders.last() != Some(&self.end) {
            self.folders.push(self.end.clone());
        }
    }
}

/// The parts of a path, without its root.
fn names(path: &Path) -> impl Iterator<Item = OsString> {
    path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::Prefix(_) | Component::RootDir | Component::CurDir => None,
    })
}

/// As many as Linux follows.
const MAX_LINKS: usize = 40;
/// Groups below are the system's: `SYS_GID_MAX` of login.defs is 999.
const FIRST_USER_GROUP: u32 = 1000;

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap();
        (folder, path)
    }

    #[test]
    fn what_exists_leads_where_the_system_says() {
        let (_folder, at) = folder();
        fs::create_dir_all(at.join("a/b")).unwrap();
        fs::write(at.join("a/b/file"), "").unwrap();
        symlink("../a/b", at.join("a/link")).unwrap();
        symlink(at.join("a/link/file"), at.join("other")).unwrap();
        for path in [
            "a/b/file",
            "a/./b/../b/file",
            "a/link/file",
            "other",
            "a/link/../b",
            "",
        ] {
            let path = at.join(path);
            let route = Route::of(&path).unwrap();
            assert_eq!(route.end, path.canonicalize().unwrap(), "{path:?}");
        }
        symlink("one", at.join("two")).unwrap();
        symlink("two", at.join("one")).unwrap();
        assert!(Route::of(&at.join("one")).is_err());
    }

    #[test]
    fn what_does_not_exist_leads_where_it_would_be_created() {
        let (_folder, at) = folder();
        fs::create_dir(at.join("a")).unwrap();
        symlink("a/missing", at.join("dangling")).unwrap();
        symlink("a", at.join("link")).unwrap();
        let end = |path| Route::of(&at.join(path)).unwrap().end;
        assert_eq!(end("dangling"), at.join("a/missing"));
        assert_eq!(end("link/missing"), at.join("a/missing"));
        assert_eq!(end("dangling/x/y"), at.join("a/missing/x/y"));
    }

    #[test]
    fn a_folder_on_the_way_that_others_may_write_is_found_also_behind_links() {
        let (_folder, at) = folder();
        fs::create_dir_all(at.join("open/own")).unwrap();
        symlink("open/own", at.join("link")).unwrap();
        symlink("../own", at.join("open/own/back")).unwrap();
        let exposed = |path: &str| {
            let route = Route::of(&at.join(path)).unwrap();
            route
                .exposed()
                .unwrap()
                .map(|(folder, _)| folder.to_owned())
        };
        for (mode, is_open) in [
            (0o777, true),
            (0o775, true),
            (0o702, true),
            (0o1777, false),
            (0o755, false),
        ] {
            fs::set_permissions(at.join("open"), Permissions::from_mode(mode)).unwrap();
            for path in ["open/own/file", "link/file", "link/back/file", "open/file"] {
                let expected = is_open.then(|| at.join("open"));
                assert_eq!(exposed(path), expected, "{mode:o} {path}");
            }
            assert_eq!(exposed("file"), None);
        }
    }
}
