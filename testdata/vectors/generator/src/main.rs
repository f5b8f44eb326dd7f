//! Makes the test vectors in `testdata/vectors`: the same bytes each time.
//!
//! It builds envelopes from the primitives by itself, since most of them must be wrong in a way that no
//! sealer can be made to write.
#![allow(clippy::unwrap_used)] // a generator that fails should stop

mod builder;
mod cases;
mod vector;

use std::{fs, path::Path};

fn main() {
    let folder = folder();
    let vectors = cases::all();
    for stale in fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
    {
        if stale
            .extension()
            .is_some_and(|extension| extension == "txt")
        {
            fs::remove_file(stale).unwrap();
        }
    }
    for vector in &vectors {
        fs::write(folder.join(vector.file_name()), vector.to_text()).unwrap();
    }
    vector::write_table(&folder.join("../../docs/FORMAT.md"), &vectors);
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_are_those_that_are_generated() {
        let vectors = cases::all();
        for vector in &vectors {
            let path = folder().join(vector.file_name());
            let text = fs::read_to_string(&path).unwrap_or_default();
            assert!(
                text == vector.to_text(),
                "{} differs: run `cargo run -p sealpost-vectors`",
                path.display()
            );
        }
        let files = fs::read_dir(folder())
            .unwrap()
            .filter(|entry| {
                entry
                    .as_ref()
                    .unwrap()
                    .path()
                    .extension()
                    .is_some_and(|extension| extension == "txt")
            })
            .count();
        assert_eq!(files, vectors.len());
    }
}
