//! A look at everything in the process's heap, alive or freed, Rust's and C's.

use std::{fs, fs::File, os::unix::fs::FileExt};

use super::canaries::{Canaries, Found};

/// Looks for the secrets in the heap: `[heap]` and the anonymous mappings, of which larger blocks are
/// made. Not in stacks, registers and statics.
pub(crate) fn look(canaries: &Canaries) -> Found {
    let memory = File::open("/proc/self/mem").expect("Linux shows a process its own memory");
    let mut found = Found::default();
    for (start, end) in regions() {
        let mut at = start;
        // On the stack, where nobody looks.
        let mut buffer = [0; CHUNK + OVERLAP];
        while at < end {
            let length = buffer
                .len()
                .min(usize::try_from(end - at).expect("64 bits"));
            let chunk = &mut buffer[..length];
            if memory.read_exact_at(chunk, at).is_err() {
                break; // guard pages
            }
            found.add(canaries.find(chunk));
            at += CHUNK as u64;
        }
    }
    found
}

fn regions() -> Vec<(u64, u64)> {
    let maps =
        fs::read_to_string("/proc/self/maps").expect("Linux shows a process its own mappings");
    let mut regions = Vec::new();
    let mut file_ends = 0;
    for line in maps.lines() {
        // address perms offset dev inode pathname (proc_pid_maps(5))
        let mut fields = line.split_ascii_whitespace();
        let (Some(range), Some(permissions)) = (fields.next(), fields.next()) else {
            continue;
        };
        let name = fields.nth(3).unwrap_or_default();
        let (start, end) = range.split_once('-').expect("a range");
        let [start, end] =
            [start, end].map(|bound| u64::from_str_radix(bound, 16).expect("hexadecimal"));
        if name.starts_with('/') {
            file_ends = end;
            continue;
        }
        // What follows a file without a gap are its zero-initialised statics.
        let statics = name.is_empty() && start == file_ends;
        if permissions.starts_with("rw") && !statics && (name.is_empty() || name == "[heap]") {
            regions.push((start, end));
        }
    }
    regions
}

const CHUNK: usize = 64 << 10;
/// A secret across two chunks is found in the second look.
const OVERLAP: usize = 15;
