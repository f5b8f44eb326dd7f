//! Other programs, where they are installed, and files to run them on.

use std::{
    fmt::Display,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Stdio},
};

use sealpost_envelope::key::{Identity, IdentityError, KeyId};

use super::Any;

pub(crate) fn test_file(name: &str) -> Vec<u8> {
    let path = format!("{}/../../testdata/{name}", env!("CARGO_MANIFEST_DIR"));
    fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub(crate) fn key_pem() -> Vec<u8> {
    test_file("keys/agent-a2048.key.pem")
}

pub(crate) fn key_id() -> KeyId {
    Identity::<Any>::from_pem(&key_pem()).unwrap().key_id()
}

pub(crate) fn parse(file: &[u8]) -> Result<KeyId, IdentityError> {
    Identity::<Any>::from_pem_or_der(file).map(|identity| identity.key_id())
}

/// Where a program is not installed, the test says so and is not run; where everything is meant to be run, `openssl` and
/// `ssh-keygen` have to be there.
pub(crate) fn has(program: &str) -> bool {
    let found = Command::new("sh")
        .args(["-c", &format!("command -v {program}")])
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !found {
        let needed = matches!(program, "openssl" | "ssh-keygen");
        assert!(
            !needed || std::env::var_os("CI").is_none(),
            "this test needs `{program}`: install it"
        );
        let note = format!("NOT RUN: what needs `{program}`\n");
        let _ = std::io::Write::write_all(&mut std::io::stderr(), note.as_bytes());
    }
    found
}

/// What a shell's commands write to stdout, in a folder with these files.
pub(crate) fn shell(script: &str, files: &[(&str, &[u8])]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        write(&folder.path().join(name), content, 0o600);
    }
    run(script, folder.path())
}

/// Follows what an error says: the commands between its backticks are run on a file, changed as a user has to (a
/// passphrase); returns the file that they write.
pub(crate) fn follow(error: &impl Display, file: &[u8], change: &[(&str, &str)]) -> Vec<u8> {
    let text = error.to_string();
    let commands: Vec<_> = text.split('`').skip(1).step_by(2).collect();
    assert!(!commands.is_empty(), "no command in: {text}");
    let folder = tempfile::tempdir().unwrap();
    // Readable by all, as a download is, which ssh-keygen refuses.
    write(&folder.path().join("FILE"), file, 0o644);
    for command in commands {
        let command = change
            .iter()
            .fold(command.to_owned(), |command, (from, to)| {
                command.replace(from, to)
            });
        run(&command, folder.path());
    }
    let after = fs::read(folder.path().join("FILE")).unwrap();
    assert!(
        after == file,
        "the user's own file is left as it was: {text}"
    );
    let written = ["KEY.pem", "CERT.pem", "KEY.json", "KEY", "CERT"];
    let mut written = written.iter().map(|name| folder.path().join(name));
    let path = written.find(|path| path.exists());
    fs::read(path.unwrap_or_else(|| panic!("nothing is written by: {text}"))).unwrap()
}

fn write(path: &Path, content: &[u8], mode: u32) {
    fs::write(path, content).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn run(script: &str, folder: &Path) -> Vec<u8> {
    let output = Command::new("sh")
        .args(["-ec", script])
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}: {said}");
    output.stdout
}
