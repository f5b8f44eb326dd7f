//! Writes the seeds and the dictionaries of all targets to `fuzz/`.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use sealpost_oracles::{TARGETS, seeds};

fn main() -> io::Result<()> {
    let fuzz: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    for target in TARGETS {
        let folder = fuzz.join("seeds").join(target.name);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        for (name, bytes) in seeds::for_target(target.name) {
            fs::write(folder.join(name), bytes)?;
        }
    }
    let folder = fuzz.join("dictionaries");
    fs::create_dir_all(&folder)?;
    for (name, words) in seeds::DICTIONARIES {
        let file = folder.join(format!("{name}.dict"));
        fs::write(file, seeds::dictionary(words))?;
    }
    Ok(())
}
