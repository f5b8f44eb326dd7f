//! Files of the vault and the ledger that something else removes, replaces or empties while the gateway runs.

use std::fs;
use std::path::Path;

use super::faults::World;
use super::gateway_server::eventually;

/// What something else does to a file.
struct Loss {
    what: &'static str,
    make: fn(&Path),
}

const LOSSES: &[Loss] = &[
    Loss {
        what: "deleted",
        make: |file| fs::remove_file(file).unwrap(),
    },
    Loss {
        what: "replaced by a copy",
        make: |file| {
            let copy = file.with_extension("copy");
            fs::copy(file, &copy).unwrap();
            fs::rename(copy, file).unwrap();
        },
    },
    Loss {
        what: "truncated",
        make: |file| fs::write(file, "").unwrap(),
    },
    Loss {
        what: "overwritten with zeros",
        make: |file| {
            let length = usize::try_from(file.metadata().unwrap().len()).unwrap();
            let mut zeros = fs::File::options().write(true).open(file).unwrap();
            std::io::Write::write_all(&mut zeros, &vec![0; length]).unwrap();
        },
    },
];

#[test]
fn a_vault_file_that_is_replaced_deleted_zeroed_or_truncated_is_not_ready_and_stores_nothing() {
    for Loss { what, make } in LOSSES {
        for waits in [true, false] {
            let folder = tempfile::tempdir().unwrap();
            let world = World::start(folder.path());
            assert_eq!(world.gateway.create("before").status, 201);
            make(&world.file("vault/vault.redb"));
            if waits {
                // Without a request.
                eventually("it is not ready", || !world.is_ready());
            }
            for n in 0..3 {
                let refused = world.gateway.create(&format!("while-{n}"));
                // The one that found it does not know whether something was stored; later ones do.
                let status = if n == 0 && !waits { 500 } else { 504 };
                assert_eq!(refused.status, status, "{what}: {}", refused.body);
                eprintln!("{what} {waits} {n} {}", world.gateway.log());
                world.assert_missing("vault");
            }
            if ["deleted", "replaced by a copy"].contains(what) {
                assert!(world.is_resolved("before"), "{what}");
            }
            assert!(!world.is_resolved("while-0"), "{what}");
            assert_one_error(world, "vault.redb", what);
        }
    }
}

#[test]
fn a_ledger_file_that_is_replaced_deleted_zeroed_or_truncated_is_not_ready_and_takes_no_key() {
    for Loss { what, make } in LOSSES {
        for waits in [true, false] {
            let folder = tempfile::tempdir().unwrap();
            let world = World::start(folder.path());
            assert_eq!(world.keyed("key-number-000000", "before").status, 201);
            make(&world.file("ledger.redb"));
            if waits {
                eventually("it is not ready", || !world.is_ready());
            }
            for n in 0..3 {
                let refused = world.keyed(&format!("key-number-10000{n}"), &format!("while-{n}"));
                assert_eq!(refused.status, 504, "{what}: {}", refused.body);
                assert!(
                    refused.body.contains("may be stored or not"),
                    "{}",
                    refused.body
                );
                world.assert_missing("ledger");
                assert!(!world.is_resolved(&format!("while-{n}")), "{what}");
            }
            assert!(world.is_resolved("before"), "{what}");
            assert_one_error(world, "ledger.redb", what);
        }
    }
}

/// Ends it, and asserts that one line said which file it was and what to do, and that the end was not an orderly one.
fn assert_one_error(world: World, file: &str, what: &str) {
    let mut gateway = world.gateway;
    gateway.signal("TERM");
    let ended = gateway.wait();
    let log = gateway.log();
    let says = |line: &&str| {
        line.contains("ERROR") && line.contains(file) && line.contains("stop the program")
    };
    assert_eq!(log.lines().filter(says).count(), 1, "{what}: {log}");
    assert_eq!(ended.code(), Some(2), "{what}: {log}");
}
