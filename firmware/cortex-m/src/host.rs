//! Files of QEMU's host in place of a radio: what comes in, what goes out, and how it ended.

use core::ffi::CStr;

use semihosting::{
    fs::{self, File},
    io::{Read as _, Write as _},
    process,
};

/// Reads a file into the front of `buffer`. Ends the program if it is not there or does not fit.
pub fn read<'b>(path: &CStr, buffer: &'b mut [u8]) -> &'b mut [u8] {
    let Ok(mut file) = File::open(path) else {
        fail("a file is missing")
    };
    let mut length = 0;
    while let Some(rest) = buffer.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => return buffer.get_mut(..length).unwrap_or_default(),
            Ok(count) => length += count,
            Err(_) => fail("a file can't be read"),
        }
    }
    fail("a file is too long")
}

/// Writes a file. Ends the program if it can't.
pub fn write(path: &CStr, bytes: &[u8]) {
    if fs::write(path, bytes).is_err() {
        fail("a file can't be written");
    }
}

/// Prints texts, one after the other. What can't be printed is lost.
pub fn print(texts: &[&str]) {
    if let Ok(mut out) = semihosting::io::stdout() {
        for text in texts {
            let _ = out.write_all(text.as_bytes());
        }
    }
}

/// Prints a number in decimal, without the formatting machinery.
pub fn print_number(number: u64) {
    let mut digits = [0; 20];
    let mut rest = number;
    let mut start = digits.len();
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
        start -= 1;
        if rest == 0 {
            break;
        }
    }
    print(&[core::str::from_utf8(digits.get(start..).unwrap_or_default()).unwrap_or_default()]);
}

/// Ends the program as failed, and says why.
pub fn fail(why: &str) -> ! {
    print(&["FAILED: ", why, "\n"]);
    exit(1)
}

/// Ends the program; the code is QEMU's exit code.
pub fn exit(code: i32) -> ! {
    process::exit(code)
}

/// The exit code of a program that panicked. It prints nothing: a message may hold what a log must not, and formatting
/// takes flash.
pub const PANICKED: i32 = 101;
/// The exit code of a fault.
pub const FAULTED: i32 = 102;
