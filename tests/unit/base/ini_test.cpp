// SPDX-License-Identifier: Apache-2.0
#include "base/ini.h"

#include "base/file.h"
#include "support/catch.h"
#include "support/temporary_directory.h"

#include <fstream>

using namespace candor;

namespace {

std::string refusal_of(std::string_view text) {
    const auto parsed = parse_ini(text, "x.conf");
    return parsed ? "accepted" : parsed.error().message;
}

} // namespace

TEST_CASE("sections, keys, values and comments are told apart") {
    const auto parsed =
        parse_ini("# about\n[One]\nKey = a value; with # marks \n\n;c\n[Two]\nKey=\nKey=\"q\"", "x.conf");
    REQUIRE(parsed.has_value());
    REQUIRE(parsed->size() == 3);
    CHECK((*parsed)[0].section == "One");
    CHECK((*parsed)[0].key == "Key");
    CHECK((*parsed)[0].value == "a value; with # marks");
    CHECK((*parsed)[0].line == 3);
    CHECK((*parsed)[1].section == "Two");
    CHECK((*parsed)[1].value.empty());
    CHECK((*parsed)[2].value == "\"q\"");
    CHECK((*parsed)[2].refuse("expected a number").message == "x.conf:8: [Two] Key: expected a number");
}

TEST_CASE("a long value is kept whole") {
    const std::string value(5000, 'v');
    const auto parsed = parse_ini("[S]\nK=" + value, "x.conf");
    REQUIRE(parsed.has_value());
    CHECK((*parsed)[0].value == value);
}

TEST_CASE("a line that is none of these is refused with its place") {
    CHECK(refusal_of("[S]\nnonsense\n").starts_with("x.conf:2: expected Key=Value"));
    CHECK(refusal_of("[S\nK=1\n") == "x.conf:1: expected a section as [Name]");
    CHECK(refusal_of("[]\n") == "x.conf:1: expected a section as [Name]");
    CHECK(refusal_of("K=1\n") == "x.conf:1: 'K' stands before the first [Section]");
    CHECK(refusal_of("[S]\n=1\n").starts_with("x.conf:2: expected a key"));
    CHECK(refusal_of("[S]\nK=a\x01\n") == "x.conf:2: a control character, expected text");
    CHECK(refusal_of("[S]\r\n") == "x.conf:1: a control character, expected text");
    CHECK(refusal_of(std::string(max_config_bytes + 1, '\n')) == "x.conf: larger than the limit of 65536 bytes");
}

TEST_CASE("drop-ins follow the file in the order of their names") {
    const test::TemporaryDirectory directory;
    std::filesystem::create_directory(directory / "a.conf.d");
    std::ofstream(directory / "a.conf") << "[S]\nK=main\n";
    std::ofstream(directory / "a.conf.d/20-b.conf") << "[S]\nK=second\n";
    std::ofstream(directory / "a.conf.d/10-a.conf") << "[S]\nK=first\n";
    std::ofstream(directory / "a.conf.d/notes.txt") << "not read";
    const auto entries = read_ini_with_drop_ins(directory / "a.conf");
    REQUIRE(entries.has_value());
    REQUIRE(entries->size() == 3);
    CHECK((*entries)[0].value == "main");
    CHECK((*entries)[1].value == "first");
    CHECK((*entries)[2].value == "second");
}

TEST_CASE("a missing configuration is empty and an unreadable one is refused") {
    const test::TemporaryDirectory directory;
    CHECK(read_ini_with_drop_ins(directory / "none.conf")->empty());
    std::filesystem::create_directory(directory / "folder.conf");
    const auto refused = read_ini_with_drop_ins(directory / "folder.conf");
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().message.find("folder.conf: not a regular file") != std::string::npos);
}
