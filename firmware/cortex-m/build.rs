//! Hands the linker the memory map of the board that the target stands for.

use std::{env, error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let memory = match env::var("TARGET")?.as_str() {
        // QEMU's lm3s6965evb: a Cortex-M3 with 256 KiB of flash and 64 KiB of RAM.
        "thumbv7m-none-eabi" => "256K",
        // QEMU's mps2-an386: a Cortex-M4F with as much as one likes.
        "thumbv7em-none-eabihf" => "4M",
        _ => return Ok(()),
    };
    let ram = if memory == "256K" { "64K" } else { "4M" };
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    let map = format!(
        "MEMORY {{\n  FLASH : ORIGIN = 0x00000000, LENGTH = {memory}\n  RAM : ORIGIN = 0x20000000, LENGTH = {ram}\n}}\n"
    );
    fs::write(out.join("memory.x"), map)?;
    println!("cargo:rustc-link-search={}", out.display());
    println!("cargo:rerun-if-changed=build.rs");
    Ok(())
}
