//! A disk that fails under the vault or the ledger of a running gateway.

use std::fs::{self, Permissions};
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::gateway_server::{Gateway, Site, eventually, metric, page};
use super::server::Answer;
use super::strace::{Fault, has_strace, not_tested, under_strace};
use super::support::{AGENT, path, run};

/// A gateway whose retries outlive it, and that serves metrics.
pub(crate) struct World {
    pub(crate) gateway: Gateway,
    metrics: u16,
}

impl World {
    pub(crate) fn start(folder: &Path) -> Self {
        Self::start_with(folder, "")
    }

    fn start_with(folder: &Path, more: &str) -> Self {
        let secret = folder.join("idempotency.hex");
        fs::write(&secret, "a5".repeat(32)).unwrap();
        fs::set_permissions(&secret, Permissions::from_mode(0o600)).unwrap();
        let (metrics, listens) = Site::metrics();
        let more = listens + more;
        let more = format!("idempotency = {{ secret_file = \"idempotency.hex\" }}\n{more}");
        let gateway = Site::new(folder, &more).start(&[]);
        let world = Self { gateway, metrics };
        world.until_ready();
        world
    }

    pub(crate) fn restarted(self) -> Self {
        let Self { gateway, metrics } = self;
        let gateway = gateway.kill().start(&[]);
        let world = Self { gateway, metrics };
        world.until_ready();
        world
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.gateway.site().folder.join("state").join(name)
    }

    fn inject(&mut self, file: &str, injection: &str) -> Fault {
        let file = self.file(file);
        Fault::inject(self.gateway.child().id(), &file, injection)
    }

    pub(crate) fn is_ready(&self) -> bool {
        page(self.metrics, "/readyz").status == 200
    }

    pub(crate) fn until_ready(&self) {
        eventually("it is ready", || self.is_ready());
    }

    /// Fails unless `/readyz` is 503 for exactly this.
    #[track_caller]
    pub(crate) fn assert_missing(&self, component: &str) {
        let ready = page(self.metrics, "/readyz");
        let missing = format!(r#"{{"ready":false,"missing":["{component}"]}}"#);
        assert_eq!((ready.status, ready.body), (503, missing));
    }

    fn metric(&self, name: &str) -> u64 {
        metric(self.metrics, name)
    }

    /// Creates the secret `name` under the idempotency key `key`. Another name is another payload.
    pub(crate) fn keyed(&self, key: &str, name: &str) -> Answer {
        let key = format!("Idempotency-Key: \"{key}\"\r\n");
        self.gateway.create_with("", &key, name)
    }

    pub(crate) fn is_resolved(&self, name: &str) -> bool {
        let state = path(&self.gateway.site().folder.join("state"));
        let reference = format!("secret:{name}#password");
        run(&["resolve", "--data", &state, &reference], b"").code() == 0
    }

    pub(crate) fn is_stored(&self, name: &str) -> bool {
        let state = path(&self.gateway.site().folder.join("state"));
        let reference = format!("secret:{name}#password");
        let resolved = run(&["resolve", "--data", &state, &reference], b"");
        match resolved.code() {
            0 => {
                assert_eq!(resolved.text(), format!("P@ss {name}"));
                true
            }
            _ => false,
        }
    }
}

/// Fails with ENOSPC as a full disk does.
const FULL: &str = "pwrite64,ftruncate,fallocate:error=ENOSPC";
/// Fails as a file system that was mounted again read-only after an error does.
const READ_ONLY: &str = "pwrite64,ftruncate,fallocate:error=EROFS";

#[test]
fn while_the_ledger_can_not_be_written_nothing_is_stored_and_it_reopens_without_a_restart() {
    if !has_strace() {
        return;
    }
    for (case, fault) in [FULL, READ_ONLY].into_iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        let mut world = World::start(folder.path());
        let full = world.inject("ledger.redb", fault);
        for n in 0..60 {
            let refused = world.keyed(&format!("key-number-{n:06}"), &format!("first-{n}"));
            assert_eq!(refused.status, 504, "{}", refused.body);
            assert!(refused.body.contains("agent-busy"), "{}", refused.body);
            assert!(refused.body.contains("may be stored or not"));
            world.assert_missing("ledger");
        }
        let failures = format!("sealpost_agent_ledger_failures_total{{agent=\"{AGENT}\"}}");
        assert_eq!(world.metric(&failures), 60);
        let ready = "sealpost_component_ready{component=\"ledger\"}";
        assert_eq!(world.metric(ready), 0);
        // What needs no ledger is stored.
        assert_eq!(world.gateway.create("plain").status, 201);
        drop(full);
        // Without a request.
        world.until_ready();
        assert_eq!(world.metric(ready), 1);
        for n in [0, 59] {
            let (first, other) = (format!("first-{n}"), format!("other-{n}"));
            assert!(!world.is_stored(&first), "case {case}");
            let key = format!("key-number-{n:06}");
            assert_eq!(world.keyed(&key, &first).status, 201);
            assert_eq!(world.keyed(&key, &first).status, 201, "again");
            let reused = world.keyed(&key, &other);
            assert_eq!(reused.status, 400, "{}", reused.body);
            assert!(!world.is_stored(&other));
        }
    }
}

/// The ledger fails at each of its writes in turn: before the vault is asked, and after it has stored.
#[test]
fn after_a_failed_write_of_the_ledger_the_same_key_with_another_payload_is_refused_in_every_order()
{
    if !has_strace() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::start(folder.path());
    let (mut unknown, mut refused) = (0, 0);
    for n in 1..=24 {
        let key = format!("key-number-{n:06}");
        let (first, other) = (format!("first-{n}"), format!("other-{n}"));
        let full = world.inject(
            "ledger.redb",
            &format!("pwrite64,ftruncate:error=ENOSPC:when={n}+"),
        );
        let answered = world.keyed(&key, &first);
        let is_stored = world.is_stored(&first);
        match answered.status {
            // It may have been stored, and the answer says so.
            500 => {
                assert!(answered.body.contains("may be stored"), "{}", answered.body);
                assert!(answered.body.contains("same Idempotency-Key"));
                world.assert_missing("ledger");
                unknown += 1;
            }
            504 => {
                assert!(answered.body.contains("may be stored or not"));
                assert!(!is_stored, "{n}");
                world.assert_missing("ledger");
                refused += 1;
            }
            status => assert_eq!(status, 201, "{}", answered.body),
        }
        // The other payload while the ledger fails, after it has recovered, and after a restart.
        let other_while = world.keyed(&key, &other);
        assert_ne!(other_while.status, 201, "{n}: {}", answered.status);
        drop(full);
        if n % 8 == 0 {
            world = world.restarted();
        }
        world.until_ready();
        if is_stored {
            assert_eq!(
                world.keyed(&key, &other).status,
                400,
                "{n}: {}",
                answered.status
            );
        }
        let again = world.keyed(&key, &first);
        assert_eq!(again.status, 201, "{n}: {}", again.body);
        assert_eq!(world.keyed(&key, &other).status, 400);
        assert!(world.is_stored(&first) && !world.is_stored(&other));
    }
    assert!(
        unknown > 0 && refused > 0,
        "{unknown} unknown, {refused} refused"
    );
}

#[test]
fn out_of_space_under_the_vault_is_recovered_from_in_place() {
    if !has_strace() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::start(folder.path());
    assert_eq!(world.gateway.create("before").status, 201);
    let full = world.inject("vault/vault.redb", FULL);
    for n in 0..10 {
        let failed = world.gateway.create(&format!("while-{n}"));
        assert!(failed.status >= 500, "{}", failed.status);
        // Not later than the answer, so that no caller is sent here again.
        world.assert_missing("vault");
        std::thread::sleep(Duration::from_millis(250));
    }
    drop(full);
    // Without a request.
    world.until_ready();
    for name in ["while-0", "after"] {
        assert_eq!(world.gateway.create(name).status, 201);
    }
    let world = world.restarted();
    assert!(
        ["before", "while-0", "after"]
            .iter()
            .all(|name| world.is_stored(name))
    );
}

/// With the operating system's own error, and with a signal that ends a process which does not expect it.
#[test]
fn a_file_that_may_not_grow_is_a_full_disk_and_does_not_end_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::start(folder.path());
    let limit = |world: &mut World, bytes: &str| {
        let process = world.gateway.child().id().to_string();
        let limit = ["--pid", &process, &format!("--fsize={bytes}:unlimited")];
        Command::new("prlimit").args(limit).status()
    };
    let size = |name| {
        fs::metadata(folder.path().join("state").join(name))
            .unwrap()
            .len()
    };
    let largest = size("vault/vault.redb").max(size("ledger.redb"));
    if !limit(&mut world, &largest.to_string()).is_ok_and(|status| status.success()) {
        not_tested("prlimit is not installed");
        return;
    }
    let mut stored = 0;
    let failed = loop {
        let created = world.gateway.create_of(&format!("large-{stored}"), 60_000);
        if created.status != 201 {
            break created;
        }
        stored += 1;
    };
    assert_eq!(failed.status, 500, "{}", failed.body);
    world.assert_missing("vault");
    assert!(
        stored == 0 || world.is_resolved("large-0"),
        "what is there can be read"
    );
    std::thread::sleep(Duration::from_millis(2500));
    world.assert_missing("vault");
    assert!(limit(&mut world, "unlimited").unwrap().success());
    world.until_ready();
    let again = world.gateway.create_of(&format!("large-{stored}"), 60_000);
    assert!([201, 409].contains(&again.status), "{}", again.body);
    assert_eq!(world.gateway.create("after").status, 201);
}

#[test]
fn a_vault_that_can_not_be_read_is_not_ready_and_recovers_without_a_request() {
    if !has_strace() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let world = World::start(folder.path());
    assert_eq!(world.gateway.create("before").status, 201);
    // With nothing in the database's cache.
    let mut world = world.restarted();
    let unreadable = world.inject("vault/vault.redb", "pread64,pwrite64:error=EIO");
    assert_ne!(world.gateway.create("while").status, 201);
    world.assert_missing("vault");
    assert!(!world.is_stored("before"));
    world.assert_missing("vault");
    drop(unreadable);
    world.until_ready();
    assert!(world.is_stored("before"));
    assert_eq!(world.gateway.create("after").status, 201);
}

#[test]
fn a_failed_fsync_ends_the_process_and_the_next_start_checks_the_file_before_it_listens() {
    if !has_strace() {
        return;
    }
    // One failure is enough: the next fsync would succeed without having written anything.
    let injection = "fsync,fdatasync:error=EIO:when=1";
    for file in ["vault/vault.redb", "ledger.redb"] {
        let folder = tempfile::tempdir().unwrap();
        let mut world = World::start(folder.path());
        assert_eq!(world.keyed("key-number-000001", "before").status, 201);
        let fault = world.inject(file, injection);
        let failed = world.keyed("key-number-000002", "while");
        assert!(failed.status >= 500, "{file}: {}", failed.status);
        let code = world.gateway.wait().code();
        assert_eq!(code, Some(2), "{file}: {}", world.gateway.log());
        drop(fault);
        let log = world.gateway.log();
        let component = file.split(['/', '.']).next().unwrap();
        assert!(log.contains("a write did not reach the disk"), "{log}");
        assert!(
            log.contains(&format!(
                "error: stopped because a part failed: {component}: "
            )),
            "{log}"
        );
        assert!(!log.contains("was not closed"), "{log}");

        let trace = folder.path().join("trace");
        let site = world.gateway.kill();
        let command = under_strace(site.command(), "openat,fadvise64,pread64,listen", &trace);
        let gateway = site.start_command(command);
        let world = World { gateway, ..world };
        world.until_ready();
        let (log, trace) = (world.gateway.log(), fs::read_to_string(&trace).unwrap());
        assert!(
            log.contains(&format!(
                "the {component} was not closed; checking its file"
            )),
            "{log}"
        );
        let at = |call: &str, path: &str| {
            let mut lines = trace.lines();
            lines.position(|line| line.contains(call) && line.contains(path))
        };
        let dropped = at("fadvise64(", file).expect("cached pages are dropped");
        let read = at("pread64(", file).expect("the file is read");
        let listens = at("listen(", "").expect("it listens");
        assert!(
            trace
                .lines()
                .nth(dropped)
                .unwrap()
                .contains("POSIX_FADV_DONTNEED")
        );
        assert!(
            dropped < read && read < listens,
            "{dropped} {read} {listens}"
        );
        assert!(world.is_stored("before"));
        // In every order: the first attempt may have been stored, and its key is bound to it then.
        if world.is_stored("while") {
            assert_eq!(world.keyed("key-number-000002", "other").status, 400);
        }
        assert_eq!(world.keyed("key-number-000002", "while").status, 201);
        assert_eq!(world.keyed("key-number-000002", "other").status, 400);
    }
}

#[test]
fn an_fsync_that_fails_at_the_close_ends_the_process_with_2_and_a_reason() {
    if !has_strace() {
        return;
    }
    for (file, part) in [
        ("vault/vault.redb", "the vault"),
        ("ledger.redb", "the ledger"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut world = World::start(folder.path());
        assert_eq!(world.keyed("key-number-000001", "before").status, 201);
        let fault = world.inject(file, "fsync,fdatasync:error=EIO");
        world.gateway.signal("TERM");
        let code = world.gateway.wait().code();
        drop(fault);
        let log = world.gateway.log();
        assert_eq!(code, Some(2), "{file}: {log}");
        assert!(
            log.contains("ERROR") && log.contains("a write did not reach the disk"),
            "{log}"
        );
        let reason = format!("error: stopped because a part failed: {part} of agent ");
        assert!(log.contains(&reason), "{log}");
        assert!(world.restarted().is_stored("before"));
    }
}

/// What was acknowledged is on the disk by then, and the next start finds it. That the file was not closed in order is said all the
/// same: the disk fails.
#[test]
fn a_write_that_fails_at_the_close_ends_the_process_with_2_and_a_reason() {
    if !has_strace() {
        return;
    }
    for (file, part) in [
        ("vault/vault.redb", "the vault"),
        ("ledger.redb", "the ledger"),
    ] {
        for fault in [
            "pwrite64:error=EIO",
            "pwrite64:error=ENOSPC",
            "pwrite64,ftruncate:error=EROFS",
            "ftruncate:error=EIO",
        ] {
            // A ledger of this size is not shortened.
            if (file, fault) == ("ledger.redb", "ftruncate:error=EIO") {
                continue;
            }
            let folder = tempfile::tempdir().unwrap();
            let mut world = World::start(folder.path());
            assert_eq!(world.keyed("key-number-000001", "before").status, 201);
            let fault = world.inject(file, fault);
            world.gateway.signal("TERM");
            let code = world.gateway.wait().code();
            drop(fault);
            let log = world.gateway.log();
            assert_eq!(code, Some(2), "{file}: {log}");
            assert!(log.contains("ERROR"), "{log}");
            let reason = format!("error: stopped because a part failed: {part} of agent ");
            assert!(log.contains(&reason), "{log}");
            assert!(world.restarted().is_stored("before"));
        }
    }
}

#[test]
fn with_rust_log_off_the_reason_of_an_unexpected_end_is_on_stderr_all_the_same() {
    if !has_strace() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let site = Site::new(folder.path(), "");
    let mut command = site.command();
    command.env("RUST_LOG", "off").stderr(Stdio::piped());
    let mut gateway = site.run(command);
    let database = folder.path().join("state/vault/vault.redb");
    let injection = "fsync,fdatasync:error=EIO:when=1";
    let fault = Fault::inject(gateway.child().id(), &database, injection);
    assert!(gateway.create("while").status >= 500);
    assert_eq!(gateway.wait().code(), Some(2));
    drop(fault);
    let mut said = String::new();
    let mut stderr = gateway.child().stderr.take().unwrap();
    stderr.read_to_string(&mut said).unwrap();
    assert!(
        said.starts_with("error: stopped because a part failed: vault: "),
        "{said}"
    );
}

/// What is written down when the time is over binds its key, and a retry that is the same finishes.
#[test]
fn after_an_intent_in_the_ledger_hit_the_deadline_the_same_request_finishes_and_another_is_refused()
{
    if !has_strace() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::start_with(folder.path(), "limits = { deadline = \"2s\" }\n");
    assert_eq!(world.keyed("key-number-000001", "before").status, 201);
    let slow = world.inject("ledger.redb", "fsync,fdatasync:delay_enter=4000000");
    let late = world.keyed("key-number-000002", "late");
    assert_eq!(late.status, 504, "{}", late.body);
    drop(slow);
    world.until_ready();
    assert!(!world.is_stored("late"), "the vault was asked too late");
    let other = world.keyed("key-number-000002", "other");
    assert_eq!(other.status, 400, "{}", other.body);
    assert!(
        other.body.contains("idempotency-key-reused"),
        "{}",
        other.body
    );
    for _ in 0..2 {
        let same = world.keyed("key-number-000002", "late");
        assert_eq!(same.status, 201, "{}", same.body);
    }
    assert!(world.is_stored("late") && !world.is_stored("other"));
    // The outcome is remembered, also after a kill.
    let world = world.restarted();
    assert_eq!(world.keyed("key-number-000002", "late").status, 201);
    assert_eq!(world.keyed("key-number-000002", "other").status, 400);
}
