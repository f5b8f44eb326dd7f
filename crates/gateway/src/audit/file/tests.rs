use std::os::unix::fs::PermissionsExt as _;

use super::*;

#[test]
fn lines_are_appended_to_a_private_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit");
    for line in ["a\n", "b\n"] {
        let file = AuditFile::open(&path).unwrap();
        file.write_line(line.as_bytes()).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), "a\nb\n");
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[test]
fn a_renamed_file_is_left_behind() {
    let dir = tempfile::tempdir().unwrap();
    let (path, old) = (dir.path().join("audit"), dir.path().join("audit.1"));
    let file = AuditFile::open(&path).unwrap();
    file.write_line(b"a\n").unwrap();
    fs::rename(&path, &old).unwrap();
    file.write_line(b"b\n").unwrap();
    file.reopen().unwrap();
    file.write_line(b"c\n").unwrap();
    // Without being told, a second later.
    fs::remove_file(&path).unwrap();
    file.current.lock().looked -= LOOK_PAUSE;
    file.write_line(b"d\n").unwrap();
    assert_eq!(fs::read_to_string(&old).unwrap(), "a\nb\n");
    assert_eq!(fs::read_to_string(&path).unwrap(), "d\n");
}

#[test]
fn the_first_audit_line_after_a_restart_is_not_glued_to_a_torn_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit");
    fs::write(&path, "a\n{\"event\":\"int").unwrap();
    let file = AuditFile::open(&path).unwrap();
    file.write_line(b"b\n").unwrap();
    file.write_line(b"c\n").unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text, "a\n{\"event\":\"int\nb\nc\n");
}

#[test]
fn a_line_after_rotation_to_a_file_that_exists_is_not_glued_to_a_torn_one() {
    let dir = tempfile::tempdir().unwrap();
    let (path, other) = (dir.path().join("audit"), dir.path().join("other"));
    let file = AuditFile::open(&path).unwrap();
    file.write_line(b"a\n").unwrap();
    for told in [true, false] {
        fs::write(&other, "torn").unwrap();
        let opened = options().open(&other).unwrap();
        opened
            .set_permissions(fs::Permissions::from_mode(0o600))
            .unwrap();
        fs::rename(&other, &path).unwrap();
        match told {
            true => file.reopen().unwrap(),
            false => file.current.lock().looked -= LOOK_PAUSE,
        }
        file.write_line(b"b\n").unwrap();
        file.write_line(b"c\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "torn\nb\nc\n");
    }
}

#[test]
fn a_trail_that_can_not_be_opened_again_takes_no_line_until_it_can() {
    let dir = tempfile::tempdir().unwrap();
    let (path, old) = (dir.path().join("audit"), dir.path().join("audit.1"));
    let file = AuditFile::open(&path).unwrap();
    file.write_line(b"a\n").unwrap();
    fs::rename(&path, &old).unwrap();
    fs::create_dir(&path).unwrap();
    file.current.lock().looked -= LOOK_PAUSE;
    for _ in 0..3 {
        assert!(file.write_line(b"b\n").is_err());
    }
    assert!(file.reopen().is_err());
    assert!(file.write_line(b"b\n").is_err());
    fs::remove_dir(&path).unwrap();
    file.write_line(b"c\n").unwrap();
    assert_eq!(fs::read_to_string(&old).unwrap(), "a\n");
    assert_eq!(fs::read_to_string(&path).unwrap(), "c\n");
}

#[test]
fn what_others_may_write_is_not_taken_and_a_check_finds_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit");
    AuditFile::check(&path, true).unwrap();
    assert!(!path.exists(), "the check made it");
    fs::write(&path, "").unwrap();
    for (mode, is_fine) in [
        (0o600, true),
        (0o640, true),
        (0o644, true),
        (0o660, false),
        (0o602, false),
    ] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(AuditFile::check(&path, false).is_ok(), is_fine, "{mode:o}");
        assert_eq!(AuditFile::open(&path).is_ok(), is_fine, "{mode:o}");
    }
}

#[test]
fn a_folder_is_not_taken_and_a_check_finds_it() {
    let dir = tempfile::tempdir().unwrap();
    assert!(AuditFile::check(dir.path(), false).is_err());
    assert!(AuditFile::open(dir.path()).is_err());
}

#[test]
#[cfg(target_os = "linux")]
fn a_device_can_not_be_synchronised() {
    let path = Path::new("/dev/full");
    AuditFile::check(path, false).unwrap();
    assert!(AuditFile::check(path, true).is_err());
    assert!(AuditFile::open(path).unwrap().with_sync().is_err());
}

#[test]
fn the_null_device_is_no_place_for_a_trail() {
    let dir = tempfile::tempdir().unwrap();
    let link = dir.path().join("link");
    std::os::unix::fs::symlink("/dev/null", &link).unwrap();
    for path in [Path::new("/dev/null"), &link] {
        for error in [
            AuditFile::check(path, false).unwrap_err(),
            AuditFile::open(path).unwrap_err(),
        ] {
            assert!(error.to_string().contains("null device"), "{error}");
        }
    }
}

#[test]
fn a_pipe_needs_a_reader_only_when_a_line_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pipe");
    let mut made = std::process::Command::new("mkfifo");
    assert!(
        made.args(["-m", "600"])
            .arg(&path)
            .status()
            .unwrap()
            .success()
    );
    AuditFile::check(&path, false).unwrap();
    assert!(AuditFile::check(&path, true).is_err());
    let file = AuditFile::open(&path).unwrap();
    file.write_line(b"no reader\n").unwrap_err();
    let mut reader = options().read(true).append(false).open(&path).unwrap();
    file.write_line(b"line\n").unwrap();
    let mut bytes = [0; 5];
    io::Read::read_exact(&mut reader, &mut bytes).unwrap();
    assert_eq!(&bytes, b"line\n");
    drop(reader);
    file.write_line(b"no reader\n").unwrap_err();
}

/// A device that is always full.
#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_an_error() {
    let file = AuditFile::open("/dev/full").unwrap();
    let error = file.write_line(b"a\n").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StorageFull);
}
