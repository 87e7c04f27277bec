#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# patch-expected.sh FOLDER COMPILER…: writes into FOLDER the <expected> that this compiler would include, patched by
# clang14-expected.sed.
set -eu
folder=$1
shift
header=$(printf '#include <expected>\n' | "$@" -std=c++2b -x c++ -M - | tr ' ' '\n' | grep '/expected$')
mkdir -p "$folder"
sed -f "$(dirname "$0")/clang14-expected.sed" "$header" > "$folder/expected.new"
if ! grep -q '__cpp_concepts >= 201907L' "$folder/expected.new"; then
    echo "$header is not the <expected> of libstdc++ 12" >&2
    exit 1
fi
# The time of an unchanged header stays, or everything would be compiled again.
if cmp -s "$folder/expected.new" "$folder/expected"; then
    rm "$folder/expected.new"
else
    mv "$folder/expected.new" "$folder/expected"
fi
