// SPDX-License-Identifier: Apache-2.0
#include "base/printable.h"

#include "support/catch.h"

using candor::printable;

TEST_CASE("text without control characters is printed as it is") {
    CHECK(printable("Größe 7 \xe2\x82\xac") == "Größe 7 \xe2\x82\xac");
}

TEST_CASE("what a terminal would obey is printed as a question mark") {
    CHECK(printable("a\x1b[31mb\x7f\n") == "a?[31mb??");
    // U+009B, which some terminals take for an escape sequence.
    CHECK(printable("a\xc2\x9b"
                    "31mb") == "a?31mb");
}

TEST_CASE("newlines and tabs are kept where they are wanted") { CHECK(printable("a\n\tb\r", true) == "a\n\tb?"); }
