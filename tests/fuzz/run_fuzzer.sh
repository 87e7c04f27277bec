#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run_fuzzer.sh TARGET CORPUS: runs the target on each kept input, then fuzzes briefly from them. What it finds stays in
# the current folder as crash-…, oom-… or timeout-…; the kept corpus is not written to.
set -eu
target=$1
corpus=$2
found=$(mktemp -d)
trap 'rm -rf "$found"' EXIT
"$target" -rss_limit_mb=1024 -timeout=10 "$corpus"/*
"$target" -runs=20000 -max_total_time=20 -max_len=4096 -rss_limit_mb=1024 -timeout=10 -print_final_stats=1 \
    -artifact_prefix="$(basename "$target")-" "$found" "$corpus"
