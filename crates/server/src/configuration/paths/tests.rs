//! Every pair of keys that name paths, in every way in which two names can be one place.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use sealpost_envelope::UnixTime;

use super::{Paths, Role};
use crate::configuration::document::{self, Checked};
use crate::configuration::{Configuration, Weight};

/// All tables that there are, and no path. What is missing beside is found, too, and matters to no test here.
const TABLES: &str = "listen = \"127.0.0.1:0\"\n[tls]\n[auth]\n[limits]\n[metrics]\n[log]\n[audit]\n[idempotency]\n\
    [[agents]]\nvault.kind = \"embedded\"\n[[agents]]\nvault.kind = \"embedded\"\n";
/// The keys of the whole file that are no tables.
const PLAIN: [&str; 5] = [
    "listen",
    "base_path",
    "danger_plain_http_behind_proxy",
    "signed_requests",
    "signing_key_file",
];
const CONFIGURATION: &str = "the configuration";

/// A folder with a configuration and, for each key, a file or a folder of its own.
struct Site {
    folder: tempfile::TempDir,
    keys: Vec<(String, Role)>,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut site = Self {
            folder,
            keys: Vec::new(),
        };
        fs::write(site.path_of(CONFIGURATION), TABLES).unwrap();
        let paths = Paths::default();
        let _ = site.check(&paths, &[]);
        // The stderr of this test may be a file.
        site.keys = paths.keys();
        site.keys.retain(|(key, _)| !key.ends_with("on stderr"));
        for (key, role) in &site.keys {
            match role {
                Role::Folder(files) => {
                    fs::create_dir(site.path_of(key)).unwrap();
                    for file in files.iter().chain(&["another"]) {
                        fs::write(site.path_of(key).join(file), key).unwrap();
                    }
                }
                Role::Read | Role::Written if *key != CONFIGURATION => {
                    fs::write(site.path_of(key), key).unwrap();
                }
                Role::Read | Role::Written => {}
            }
        }
        site
    }

    /// The path that a key has unless a test gives it another.
    fn path_of(&self, key: &str) -> PathBuf {
        self.folder.path().join(key)
    }

    fn check(&self, paths: &Paths, changed: &[(&str, &Path)]) -> Checked<Configuration> {
        let usual = self.keys.iter().filter(|(key, _)| *key != CONFIGURATION);
        let usual = usual.map(|(key, _)| (key.as_str(), self.path_of(key)));
        let changed = changed.iter().map(|(key, path)| (*key, path.to_path_buf()));
        let variables = usual.chain(changed).map(|(key, path)| {
            let key = key
                .replace("].", "__")
                .replace(['[', '.'], "__")
                .to_ascii_uppercase();
            (
                OsString::from(format!("SEALPOST_GATEWAY__{key}")),
                path.into_os_string(),
            )
        });
        // The later one of two counts.
        let variables: std::collections::BTreeMap<_, _> = variables.collect();
        let (path, now) = (self.path_of(CONFIGURATION), UnixTime::now());
        document::check_with(paths, &path, TABLES.as_bytes(), variables.into_iter(), now).unwrap()
    }

    /// Returns what is said of paths that meet.
    fn meetings(&self, changed: &[(&str, &Path)]) -> Vec<(String, String)> {
        let findings = self.check(&Paths::default(), changed).findings;
        let meet = |what: &str| {
            what.starts_with("is that of ") || what.starts_with("lies in the folder of ")
        };
        let findings = findings.into_iter().filter(|finding| meet(&finding.what));
        findings
            .inspect(|finding| assert_eq!(finding.weight, Weight::Wrong))
            .map(|finding| (finding.place, finding.what))
            .collect()
    }

    /// Asserts that `written` at this path is refused, and that the finding names `other`, too.
    #[track_caller]
    fn assert_refused(&self, written: &str, other: &str, path: &Path) {
        let meetings = self.meetings(&[(written, path)]);
        let names = |(place, what): &(String, String)| {
            (place == written && what.contains(&format!(" of {other}, ")))
                || (place == other && what.contains(&format!(" of {written}, ")))
        };
        assert!(
            meetings.iter().any(names),
            "{written} at {path:?} beside {other}: {meetings:?}"
        );
    }
}

#[test]
fn every_pair_of_paths_is_refused_if_one_of_them_is_written() {
    let site = Site::new();
    assert_eq!(site.meetings(&[]), [], "each has its own");
    let mut pairs = 0;
    for (written, role) in &site.keys {
        for (other, other_role) in site.keys.iter().filter(|(other, _)| other != written) {
            if *role == Role::Read {
                continue;
            }
            pairs += 1;
            let path = site.path_of(other);
            site.assert_refused(written, other, &path);
            site.assert_refused(
                written,
                other,
                &path.join("../.").join(path.file_name().unwrap()),
            );
            let link = site.folder.path().join("link");
            symlink(&path, &link).unwrap();
            site.assert_refused(written, other, &link);
            if let (Role::Folder(files), Role::Written) = (other_role, role) {
                for file in files.iter().chain(&["another", "new", "below/new"]) {
                    site.assert_refused(written, other, &path.join(file));
                    site.assert_refused(written, other, &link.join(file));
                }
            }
            if let (Role::Folder(_), Role::Folder(_)) = (other_role, role) {
                site.assert_refused(written, other, &path.join("below"));
                site.assert_refused(written, other, &link.join("below/below"));
            }
            fs::remove_file(&link).unwrap();
            // A hard link is another name of the file, which no path shows.
            let files = match other_role {
                Role::Folder(_) => fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path())
                    .collect(),
                Role::Read | Role::Written => vec![path.clone()],
            };
            if *role == Role::Written {
                for file in files {
                    fs::hard_link(file, &link).unwrap();
                    site.assert_refused(written, other, &link);
                    fs::remove_file(&link).unwrap();
                }
            }
            // Nor need it exist yet.
            if *other_role == Role::Written {
                let content = fs::read(&path).unwrap();
                fs::remove_file(&path).unwrap();
                site.assert_refused(written, other, &path);
                symlink(&path, &link).unwrap();
                site.assert_refused(written, other, &link);
                fs::remove_file(&link).unwrap();
                fs::write(&path, content).unwrap();
            }
        }
    }
    // Two agents with a vault, a ledger and a socket each, and the trail.
    assert_eq!(pairs, 7 * (site.keys.len() - 1));
}

#[test]
fn a_file_of_a_vault_is_read_by_nothing_else_and_the_folder_may_hold_others() {
    let site = Site::new();
    for (read, role) in &site.keys {
        if *role != Role::Read || read == CONFIGURATION {
            continue;
        }
        let vault = site.path_of("agents[0].vault.path");
        for file in ["vault.key", "vault.redb", "vault.key.new"] {
            site.assert_refused(read, "agents[0].vault.path", &vault.join(file));
        }
        assert_eq!(
            site.meetings(&[(read, &vault.join("another"))]),
            [],
            "{read}"
        );
    }
}

#[test]
fn every_key_that_names_a_path_takes_part() {
    let site = Site::new();
    let keys: Vec<_> = site.keys.iter().map(|(key, _)| key.as_str()).collect();
    for key in [
        "signing_key_file",
        "tls.key",
        "auth.jwks_ca",
        "agents[1].ca",
        "agents[1].vault.path",
    ] {
        assert!(keys.contains(&key), "{keys:?}");
    }
    let text = format!("unknown = 1\n{TABLES}");
    let path = site.path_of(CONFIGURATION);
    let checked: Checked<Configuration> =
        document::check(&path, text.as_bytes(), std::iter::empty(), UnixTime::now()).unwrap();
    let mut findings = checked.findings.iter();
    let unknown = findings.find(|finding| finding.place == "unknown").unwrap();
    let (_, known) = unknown.what.split_once("the keys here are ").unwrap();
    for key in known.split(", ") {
        let is_table = TABLES.contains(&format!("[{key}]"));
        assert!(
            is_table || PLAIN.contains(&key),
            "{key} is missing in the tables of this test"
        );
    }
}

#[test]
fn a_stream_that_is_a_file_is_one_that_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let file = fs::File::create(&path).unwrap();
    let findings = crate::configuration::findings::Findings::default();
    let paths = Paths::default();
    paths.add_stream(&findings, "the log, on stderr", &file);
    paths.add_stream(&findings, "the audit trail, on stdout", &file);
    paths.add(
        &findings,
        "auth.jwks_file".to_owned(),
        Role::Read,
        Some(&path),
    );
    paths.add(&findings, "not given".to_owned(), Role::Written, None);
    let findings = findings.into_all();
    let texts: Vec<_> = findings.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "auth.jwks_file: is that of the log, on stderr, too; give each its own",
            "auth.jwks_file: is that of the audit trail, on stdout, too; give each its own"
        ]
    );
}
