#!/bin/bash -eu
# Builds every target with what it starts from and its dictionary, for ClusterFuzzLite and OSS-Fuzz.
cd "$SRC/sealpost"
# With debug assertions and overflow checks, as in campaign.sh.
cargo fuzz build -O -a
binaries=fuzz/target/$(rustc -vV | sed -n 's/^host: //p')/release
for source in fuzz/fuzz_targets/*.rs; do
    target=$(basename "$source" .rs)
    cp "$binaries/$target" "$OUT/"
    # Not every target has a corpus yet, and few have ever failed.
    for kind in seeds corpus crashes; do
        [ ! -d "fuzz/$kind/$target" ] || find "fuzz/$kind/$target" -type f
    done | zip -jq "$OUT/${target}_seed_corpus.zip" -@
    dictionary=$(sed -n "s/^ *$target, .*, \"\(.*\)\";/\1/p" oracles/src/lib.rs)
    cp "fuzz/dictionaries/$dictionary.dict" "$OUT/$target.dict"
    printf '[libfuzzer]\nmax_len = 4096\n' >"$OUT/$target.options"
done
