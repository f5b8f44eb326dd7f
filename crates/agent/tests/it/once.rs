//! What happens once, whatever is sent again: messages, requests with a key, values sealed at the source.

use std::{fs, sync::Arc, time::Duration};

use sealpost_agent::{Accept, Ledger, LedgerError};
use sealpost_channel::Outcome;
use sealpost_vault::error::{CreateError, VaultFailure};

use crate::harness::{Fault, World, keyed, world, world_with};

const VALUE: &[u8] = br#"{"password":"cAnArY-in-a-value"}"#;

fn is_stored(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Stored { .. })
}

/// As if somebody had deleted everything.
fn delete(world: &World) {
    world.vault.secrets.lock().unwrap().clear();
}

fn is_empty(world: &World) -> bool {
    world.vault.secrets.lock().unwrap().is_empty()
}

#[tokio::test]
async fn a_message_that_is_played_again_stores_nothing() {
    let world = world();
    let request = world.request(world.context("db"), VALUE);
    let message = world.sign(&request);
    let first = world.play(&message).await;
    assert!(is_stored(&first));
    delete(&world);
    assert_eq!(world.play(&message).await, first);
    assert!(is_empty(&world));
    // Until it can't be believed any more.
    world.clock.set(89);
    assert_eq!(world.play(&message).await, first);
    world.clock.set(90);
    assert_eq!(world.play(&message).await, Outcome::Expired);
    assert!(is_empty(&world));
}

#[tokio::test]
async fn a_message_that_found_the_name_taken_does_not_store_later() {
    let world = world();
    let taken = world.ask(&world.request(world.context("db"), VALUE)).await;
    assert!(is_stored(&taken));
    let request = world.request(world.context("db"), VALUE);
    let message = world.sign(&request);
    assert_eq!(world.play(&message).await, Outcome::Exists);
    delete(&world);
    assert_eq!(world.play(&message).await, Outcome::Exists);
    assert!(is_empty(&world));
}

#[tokio::test]
async fn a_message_that_failed_may_come_again() {
    let world = world();
    let request = world.request(world.context("db"), VALUE);
    let message = world.sign(&request);
    let failure = CreateError::Failed(VaultFailure::unavailable("x"));
    *world.vault.fault.lock().unwrap() = Some(Fault::Create(failure));
    assert_eq!(world.play(&message).await, Outcome::Failed);
    *world.vault.fault.lock().unwrap() = None;
    assert!(is_stored(&world.play(&message).await));
}

#[tokio::test]
async fn a_retry_with_a_key_gets_the_same_answer() {
    let world = world();
    // Sealed anew, as a gateway does.
    let attempt = || keyed(world.request(world.context("db"), VALUE), 1, 1);
    let first = world.ask(&attempt()).await;
    assert!(is_stored(&first));
    assert_eq!(world.ask(&attempt()).await, first);
    delete(&world);
    assert_eq!(world.ask(&attempt()).await, first);
    assert!(is_empty(&world));
    // Another payload, another key, and none.
    let other = keyed(world.request(world.context("db"), VALUE), 1, 2);
    assert_eq!(world.ask(&other).await, Outcome::KeyReused);
    assert!(is_empty(&world));
    let another = keyed(world.request(world.context("db"), VALUE), 2, 1);
    assert!(is_stored(&world.ask(&another).await));
    let none = world.request(world.context("db"), VALUE);
    assert_eq!(world.ask(&none).await, Outcome::Exists);
    // After 24 hours it is a new key.
    delete(&world);
    world.clock.set(24 * 3600 - 1);
    assert_eq!(world.ask(&attempt()).await, first);
    assert!(is_empty(&world));
    world.clock.set(24 * 3600);
    assert!(is_stored(&world.ask(&attempt()).await));
    assert!(!is_empty(&world));
}

/// [A15]: a retry may come by another channel, also to an agent that has forgotten the first.
#[tokio::test]
async fn retry_same_key_other_channel_stored() {
    let world = world();
    let attempt = || keyed(world.request(world.context("db"), VALUE), 1, 1);
    let first = world.ask(&attempt()).await;
    assert!(is_stored(&first));
    world.clock.set(1);
    assert_eq!(world.ask(&attempt()).await, first);
    assert_eq!(world.agent.open_channels(), 2);
    let forgetful = world_with(|agent| agent);
    *forgetful.vault.secrets.lock().unwrap() = world.vault.secrets.lock().unwrap().clone();
    assert_eq!(forgetful.ask(&attempt()).await, first);
    assert_eq!(forgetful.vault.secrets.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn the_ledgers_file_holds_nothing_of_a_value() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.redb");
    let world = world_with(|agent| {
        let accept = Accept::parse(["native", "jwe", "cms"]).unwrap();
        agent
            .with_ledger(Ledger::open(&path).unwrap())
            .with_accept(accept)
    });
    let context = |name| world.context(name);
    for request in [
        keyed(world.request(context("clear-1"), VALUE), 1, 1),
        keyed(world.jwe(context("jwe-1"), "jti-of-the-jwe", VALUE), 2, 2),
        keyed(world.cms(&context("cms-1"), "jti-of-the-cms", VALUE), 3, 3),
    ] {
        assert!(is_stored(&world.ask(&request).await));
    }
    world.agent.close().await.unwrap();
    let file = fs::read(&path).unwrap();
    let holds = |text: &[u8]| file.windows(text.len()).any(|window| window == text);
    // A reference is there to be told again, so the search finds what is there.
    assert!(holds(b"clear-1") && holds(b"jwe-1") && holds(b"cms-1"));
    let secrets = [&b"cAnArY"[..], b"in-a-value", b"password"];
    for secret in secrets {
        assert!(!holds(secret), "{}", String::from_utf8_lossy(secret));
    }
}

#[tokio::test]
async fn what_stored_nothing_may_be_mended_under_the_same_key() {
    let world = world();
    let taken = world
        .ask(&world.request(world.context("taken"), VALUE))
        .await;
    assert!(is_stored(&taken));
    let broken = keyed(world.request(world.context("db"), b"[]"), 1, 1);
    assert!(matches!(world.ask(&broken).await, Outcome::Refused(_)));
    let failure = CreateError::Failed(VaultFailure::unavailable("x"));
    *world.vault.fault.lock().unwrap() = Some(Fault::Create(failure));
    let mended = || keyed(world.request(world.context("db"), VALUE), 1, 2);
    assert_eq!(world.ask(&mended()).await, Outcome::Failed);
    *world.vault.fault.lock().unwrap() = None;
    assert!(is_stored(&world.ask(&mended()).await));
    // A name that is taken is an answer, and stays one.
    let taken = || keyed(world.request(world.context("taken"), VALUE), 3, 3);
    assert_eq!(world.ask(&taken()).await, Outcome::Exists);
    delete(&world);
    assert_eq!(world.ask(&taken()).await, Outcome::Exists);
    assert!(is_empty(&world));
}

#[tokio::test]
async fn of_two_at_a_time_the_second_waits_for_the_firsts_outcome() {
    let world = world();
    *world.vault.fault.lock().unwrap() = Some(Fault::Slow);
    let attempt = || keyed(world.request(world.context("db"), VALUE), 1, 1);
    let (a, b) = (attempt(), attempt());
    let later = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        world.ask(&b).await
    };
    let (first, second) = tokio::join!(world.ask(&a), later);
    assert!(is_stored(&first));
    assert_eq!(second, first);
}

#[tokio::test(start_paused = true)]
async fn waiting_ends_with_the_deadline() {
    let world = world();
    // With the channel open, requests begin in the order in which they are sent.
    let first = world.request(world.context("first"), VALUE);
    assert!(is_stored(&world.ask(&first).await));
    *world.vault.fault.lock().unwrap() = Some(Fault::Never);
    let attempt = |payload| keyed(world.request(world.context("db"), VALUE), 1, payload);
    let (a, b, other) = (attempt(1), attempt(1), attempt(2));
    let at_once = tokio::time::timeout(Duration::from_secs(1), world.ask(&other));
    let (first, second, other) = tokio::join!(world.ask(&a), world.ask(&b), at_once);
    // Nobody waits for either by now. Whether the first is stored, nobody knows.
    assert_eq!([first, second], [Outcome::Failed, Outcome::Expired]);
    // For something else the key is not free: that is known without waiting.
    assert_eq!(other.ok(), Some(Outcome::KeyReused));
    *world.vault.fault.lock().unwrap() = None;
    assert!(is_stored(&world.ask(&attempt(1)).await));
}

#[tokio::test]
async fn a_value_sealed_at_the_source_is_used_once() {
    let world = world_with(|agent| agent.with_accept(Accept::parse(["jwe", "cms"]).unwrap()));
    let context = world.context("db");
    for request in [
        world.jwe(context.clone(), "j-1", VALUE),
        world.cms(&context, "c-1", VALUE),
    ] {
        let first = world.ask(&request).await;
        assert!(is_stored(&first));
        delete(&world);
        // In another message, with a key of its own, whatever: the bytes were used.
        assert_eq!(world.ask(&request).await, first);
        assert_eq!(world.ask(&keyed(request.clone(), 7, 7)).await, first);
        world.clock.set(659);
        assert_eq!(world.ask(&request).await, first);
        assert!(is_empty(&world));
        world.clock.set(660);
        assert!(matches!(world.ask(&request).await, Outcome::Refused(_)));
        world.clock.set(0);
    }
    // The identifier for another value.
    for request in [
        world.jwe(context.clone(), "j-1", b"{}"),
        world.cms(&context, "c-1", b"{}"),
    ] {
        match world.ask(&request).await {
            Outcome::Refused(violations) => {
                assert!(
                    violations[0].starts_with("#/sealpost/jti: "),
                    "{violations:?}"
                );
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(is_empty(&world));
    // For another secret it is another identifier: nobody can use up somebody else's.
    let other = world.jwe(world.context("other"), "j-1", VALUE);
    assert!(is_stored(&world.ask(&other).await));
}

/// A request that came in time waits for its turn with the time at which it came, and must find what happened meanwhile.
#[tokio::test]
async fn a_use_is_remembered_for_as_long_as_a_request_may_wait() {
    let world = world_with(|agent| agent.with_ledger(Ledger::in_memory().with_capacity(1)));
    let source = world.jwe(world.context("source"), "j-1", VALUE);
    assert!(is_stored(&world.ask(&source).await));
    let next = || keyed(world.request(world.context("next"), VALUE), 1, 1);
    let last = 600 + 60 + 240;
    for full in [0, 660, last - 1] {
        world.clock.set(full);
        assert_eq!(world.ask(&next()).await, Outcome::Busy, "{full}");
    }
    world.clock.set(last);
    assert!(is_stored(&world.ask(&next()).await));
}

/// As an operator does who makes room on a full disk. A ledger that began again would forget the keys.
#[tokio::test]
async fn a_ledger_whose_file_is_emptied_while_it_is_open_refuses_keys_and_does_not_begin_again() {
    let dir = tempfile::tempdir().unwrap();
    for length in [0, 4096] {
        let path = dir.path().join(format!("{length}.redb"));
        let ledger = Ledger::open(&path).unwrap();
        let world = world_with(|agent| agent.with_ledger(ledger));
        let attempt = |n: u8| {
            let context = world.context(&format!("n{n}"));
            keyed(world.request(context, VALUE), n, n)
        };
        assert!(is_stored(&world.ask(&attempt(1)).await));
        let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(length).unwrap();
        for n in [2, 3] {
            let outcome = world.ask(&attempt(n)).await;
            assert!(!is_stored(&outcome), "{length}: {outcome:?}");
            assert!(!world.agent.ledger_health().is_ready(), "{length}");
        }
        // It stays so when the writer has tried again.
        tokio::time::sleep(Duration::from_millis(1500)).await;
        assert!(!world.agent.ledger_health().is_ready(), "{length}");
        assert!(!is_stored(&world.ask(&attempt(1)).await), "{length}");
        // Not closed in order, and not written to.
        world.agent.close().await.unwrap_err();
        assert_eq!(file.metadata().unwrap().len(), length);
    }
}

#[tokio::test]
async fn a_full_ledger_turns_requests_away_and_forgets_nothing() {
    let world = world_with(|agent| agent.with_ledger(Ledger::in_memory().with_capacity(2)));
    full_ledger(&world).await;
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(dir.path().join("ledger.redb")).unwrap();
    full_ledger(&world_with(|agent| {
        agent.with_ledger(ledger.with_capacity(2))
    }))
    .await;
}

async fn full_ledger(world: &World) {
    let attempt = |n: u8| {
        let context = world.context(&format!("n{n}"));
        keyed(world.request(context, VALUE), n, n)
    };
    let mut first = Vec::new();
    for n in [1, 2] {
        first.push(world.ask(&attempt(n)).await);
        assert!(is_stored(&first[usize::from(n) - 1]));
    }
    assert_eq!(world.ask(&attempt(3)).await, Outcome::Busy);
    assert_eq!(world.vault.secrets.lock().unwrap().len(), 2);
    for n in [1, 2] {
        assert_eq!(world.ask(&attempt(n)).await, first[usize::from(n) - 1]);
    }
    // Who needs no entry is let through.
    let plain = world.request(world.context("plain"), VALUE);
    assert!(is_stored(&world.ask(&plain).await));
    // What has expired makes room.
    world.clock.set(24 * 3600);
    assert!(is_stored(&world.ask(&attempt(3)).await));
}

/// As if the process had ended, or the ledger failed, between the vault and the outcome.
#[tokio::test]
async fn a_key_whose_outcome_is_unknown_stays_bound_to_its_payload_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.redb");
    let agent = || {
        let ledger = Ledger::open(&path).unwrap().with_capacity(1);
        world_with(|agent| agent.with_ledger(ledger))
    };
    let attempt = |world: &World, payload| {
        let context = world.context(&format!("name-{payload}"));
        keyed(world.request(context, VALUE), 1, payload)
    };
    let world = agent();
    let failure = CreateError::Failed(VaultFailure::unavailable("x"));
    *world.vault.fault.lock().unwrap() = Some(Fault::Create(failure));
    assert_eq!(world.ask(&attempt(&world, 1)).await, Outcome::Failed);
    assert_eq!(world.ask(&attempt(&world, 2)).await, Outcome::KeyReused);
    drop(world);
    let world = agent();
    assert_eq!(world.ask(&attempt(&world, 2)).await, Outcome::KeyReused);
    assert!(is_empty(&world));
    // It has its entry already: a full ledger has room for it.
    assert!(is_stored(&world.ask(&attempt(&world, 1)).await));
    assert_eq!(world.ask(&attempt(&world, 2)).await, Outcome::KeyReused);
}

#[tokio::test]
async fn a_key_whose_request_the_vault_refused_is_free_for_another_payload() {
    let world = world();
    let refused = CreateError::ValueRefused {
        limit: "at most 498 members".into(),
    };
    *world.vault.fault.lock().unwrap() = Some(Fault::Create(refused));
    let attempt = |payload| keyed(world.request(world.context("db"), VALUE), 1, payload);
    let outcome = world.ask(&attempt(1)).await;
    assert!(matches!(outcome, Outcome::Refused(_)), "{outcome:?}");
    *world.vault.fault.lock().unwrap() = None;
    assert!(is_stored(&world.ask(&attempt(2)).await));
}

#[tokio::test]
async fn a_ledger_in_a_file_outlives_the_process() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.redb");
    let agent = |path: &std::path::Path| {
        let ledger = Ledger::open(path).unwrap();
        world_with(|agent| agent.with_ledger(ledger))
    };
    let before = agent(&path);
    let attempt = |world: &World| keyed(world.request(world.context("db"), VALUE), 1, 1);
    let source = before.jwe(before.context("s"), "j-1", VALUE);
    let first = before.ask(&attempt(&before)).await;
    let sealed = before.ask(&source).await;
    assert!(is_stored(&first) && is_stored(&sealed));
    // One at a time.
    assert!(matches!(
        Ledger::open(&path),
        Err(LedgerError::InUse { .. })
    ));
    drop(before);

    let after = agent(&path);
    assert_eq!(after.ask(&attempt(&after)).await, first);
    assert_eq!(after.ask(&source).await, sealed);
    assert!(is_empty(&after), "answered from the ledger");
    let other = keyed(after.request(after.context("db"), VALUE), 1, 2);
    assert_eq!(after.ask(&other).await, Outcome::KeyReused);
    drop(after);

    // Nothing of a value is in the file, sealed or not.
    let file = fs::read(&path).unwrap();
    let has = |text: &[u8]| file.windows(text.len()).any(|window| window == text);
    assert!(has(b"secret:db"), "the control: what is there is found");
    for secret in [&b"cAnArY"[..], b"password", b"eyJ"] {
        assert!(!has(secret));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_crash_between_vault_and_ledger_is_mended_by_the_vault() {
    let world = world();
    let attempt = |payload| keyed(world.request(world.context("db"), VALUE), 1, payload);
    let source = world.jwe(world.context("s"), "j-1", VALUE);
    let (first, sealed) = (world.ask(&attempt(1)).await, world.ask(&source).await);
    assert!(is_stored(&first) && is_stored(&sealed));
    // The same vault, and an agent that remembers nothing.
    let secrets = world.vault.secrets.lock().unwrap().clone();
    let forgetful = world_with(|agent| agent);
    *forgetful.vault.secrets.lock().unwrap() = secrets;
    assert_eq!(forgetful.ask(&attempt(1)).await, first);
    assert_eq!(forgetful.ask(&source).await, sealed);
    let other = world_with(|agent| agent);
    *other.vault.secrets.lock().unwrap() = world.vault.secrets.lock().unwrap().clone();
    // For another payload it is another operation.
    assert_eq!(other.ask(&attempt(2)).await, Outcome::Exists);
}

#[tokio::test]
async fn ledgers_that_can_not_be_trusted_are_not_opened() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let garbage = dir.path().join("garbage.redb");
    fs::write(&garbage, vec![7; 5000]).unwrap();
    let opened = Ledger::open(&garbage);
    assert!(
        matches!(opened, Err(LedgerError::Damaged { .. })),
        "{opened:?}"
    );
    let nowhere = Ledger::open(dir.path().join("nowhere/ledger.redb"));
    assert!(
        matches!(nowhere, Err(LedgerError::Io { .. })),
        "{nowhere:?}"
    );
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let exposed = Ledger::open(dir.path().join("ledger.redb"));
    assert!(
        matches!(exposed, Err(LedgerError::DirectoryExposed { .. })),
        "{exposed:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_a_time_share_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(dir.path().join("ledger.redb")).unwrap();
    let world = Arc::new(world_with(|agent| agent.with_ledger(ledger)));
    let attempts = (0..64_u8).map(|n| {
        let world = Arc::clone(&world);
        tokio::spawn(async move {
            let context = world.context(&format!("n{n}"));
            world.ask(&keyed(world.request(context, VALUE), n, n)).await
        })
    });
    for attempt in attempts.collect::<Vec<_>>() {
        assert!(is_stored(&attempt.await.unwrap()));
    }
}
