#!/usr/bin/env bash
# usage: tools/fuzz.sh [SECONDS]   fuzzes every decoder for that long, 60 unless told otherwise.
#
# With a nightly compiler and cargo-fuzz (`cargo install cargo-fuzz`): coverage-guided, from the corpus and the dictionary
# in fuzz/. What it finds worth keeping goes to .cache/fuzz, what makes it fail to fuzz/artifacts. Without them: the
# property tests of the same decoders, with many more cases than usual.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}

if ! cargo +nightly fuzz --version >/dev/null 2>&1; then
    echo "no nightly compiler with cargo-fuzz (rustup toolchain install nightly; cargo install cargo-fuzz):" >&2
    echo "running the decoders' property tests with 20,000 cases each instead" >&2
    PROPTEST_CASES=20000 exec cargo test --release --locked --package scrubjay-protocol
fi

for target in $(cd fuzz && cargo +nightly fuzz list); do
    found=$PWD/.cache/fuzz/$target
    mkdir -p "$found"
    words=$PWD/fuzz/dictionaries/$target.dict
    (cd fuzz && cargo +nightly fuzz run "$target" "$found" "corpus/$target" -- \
        -max_total_time="$seconds" -max_len=4096 -print_final_stats=1 $([ -f "$words" ] && echo "-dict=$words"))
done
