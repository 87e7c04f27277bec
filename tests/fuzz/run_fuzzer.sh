#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run_fuzzer.sh TARGET CORPUS: runs the target on each kept input, then fuzzes briefly from them. What it finds stays in
# the current folder as crash-…, oom-… or timeout-…; the kept corpus is not written to.
set -eu
target=$1
corpus=$2
found=$(mktemp -d)
trap 'rm -rf "$found"' EXIT
# libFuzzer's own status for a find is 77, which means "skipped" to meson.
"$target" -error_exitcode=1 -rss_limit_mb=1024 -timeout=10 "$corpus"/*
"$target" -error_exitcode=1 -runs=20000 -max_total_time=20 -max_len=16384 -rss_limit_mb=1024 -timeout=10 -print_final_stats=1 \
    -artifact_prefix="$(basename "$target")-" "$found" "$corpus"
