#!/bin/bash -eu
# Builds every target with its seeds and its dictionary, for ClusterFuzzLite and OSS-Fuzz.
cd "$SRC/sealpost"
cargo fuzz build -O
for binary in fuzz/target/x86_64-unknown-linux-gnu/release/*; do
    target=$(basename "$binary")
    [ -f "fuzz/fuzz_targets/$target.rs" ] || continue
    cp "$binary" "$OUT/"
    zip -jq "$OUT/${target}_seed_corpus.zip" "fuzz/seeds/$target"/* "fuzz/corpus/$target"/*
    dictionary=$(sed -n "s/^ *$target, .*, \"\(.*\)\";/\1/p" oracles/src/lib.rs)
    cp "fuzz/dictionaries/$dictionary.dict" "$OUT/$target.dict"
    printf '[libfuzzer]\nmax_len = 4096\n' >"$OUT/$target.options"
done
