use std::vec::Vec;

use super::*;

/// Each byte of a long text is looked at about once, whatever its shape.
#[test]
fn the_work_is_linear_in_the_bytes() {
    for unit in ["a", "é", "\\n", "\\u0061", "\\ud83d\\ude00", "\\ud83d"] {
        let text = [b"\"", unit.repeat(10_000).as_bytes(), b"\""].concat();
        let mut scan = Scanner::new(&text);
        let (_, steps) = steps::taken_by(|| scan.string().is_ok());
        assert!(
            steps >= text.len() / 6 && steps <= 2 * text.len(),
            "{unit}: {steps}"
        );
    }
}

#[test]
fn a_position_is_the_first_byte_that_cannot_stand_there() {
    let sound = br#"{"a\n\u00e9": [-0.5e+1, true, null, {}, [], "\ud83d\ude00"], "b": false} "#;
    // Whatever is left out behind a byte, the error is at the end; what is put in its place
    // and cannot stand there is the error itself.
    for at in 0..sound.len() - 1 {
        let mut scan = Scanner::new(&sound[..at]);
        let error = scan.skip_value(9).and_then(|()| scan.finish()).unwrap_err();
        assert_eq!((error.at, error.at_end), (at, true));
        let broken: Vec<u8> = sound[..at].iter().chain(b"\x01").copied().collect();
        let mut scan = Scanner::new(&broken);
        let error = scan.skip_value(9).and_then(|()| scan.finish()).unwrap_err();
        assert_eq!((error.at, error.at_end), (at, false));
    }
    let mut scan = Scanner::new(sound);
    assert_eq!(scan.skip_value(9).and_then(|()| scan.finish()), Ok(()));
    assert_eq!(scan.take_lone_surrogate(), None);
}

#[test]
fn a_bound_beyond_the_deepest_nesting_counts_as_that() {
    let nested = |depth| [b"[".repeat(depth), b"]".repeat(depth)].concat();
    for bound in [MAX_DEPTH, MAX_DEPTH + 1, usize::MAX] {
        assert_eq!(Scanner::new(&nested(MAX_DEPTH)).skip_value(bound), Ok(()));
        let deeper = nested(MAX_DEPTH + 1);
        let error = Scanner::new(&deeper).skip_value(bound).unwrap_err();
        assert!(error.is_too_deep());
        assert_eq!(error.at, MAX_DEPTH);
    }
}
