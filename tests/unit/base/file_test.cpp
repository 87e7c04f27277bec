// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include "support/catch.h"
#include "support/temporary_directory.h"

#include <sys/stat.h>

using namespace candor;

TEST_CASE("a file that was written atomically is read back and leaves nothing beside it") {
    const test::TemporaryDirectory directory;
    const auto path = directory / "file";
    write_file_atomically(path, as_bytes("old"), 0600);
    write_file_atomically(path, as_bytes("new"), 0640);
    CHECK(read_text(path, 3) == std::string("new"));
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0640);
    std::size_t names = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(directory.path())) {
        ++names;
    }
    CHECK(names == 1);
}

TEST_CASE("a write that cannot be finished keeps the old file") {
    const test::TemporaryDirectory directory;
    std::filesystem::create_directory(directory / "taken");
    CHECK_THROWS_AS(write_file_atomically(directory / "taken", as_bytes("x"), 0600), std::system_error);
    CHECK_THROWS_AS(write_file_atomically(directory / "none/file", as_bytes("x"), 0600), std::system_error);
    CHECK(std::filesystem::is_directory(directory / "taken"));
    CHECK(std::distance(std::filesystem::directory_iterator(directory.path()), {}) == 1);
}

TEST_CASE("reading stops at the limit and names the file") {
    const test::TemporaryDirectory directory;
    write_file_atomically(directory / "big", std::vector<std::uint8_t>(10'000, 7), 0600);
    CHECK(read_file(directory / "big", 10'000)->size() == 10'000);
    const auto refused = read_file(directory / "big", 9'999);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().message.ends_with("big: larger than the limit of 9999 bytes"));
}

TEST_CASE("what is not a regular file is refused without waiting for it") {
    const test::TemporaryDirectory directory;
    REQUIRE(::mkfifo((directory / "pipe").c_str(), 0600) == 0);
    CHECK(read_file(directory / "pipe", 10).error().message.ends_with("pipe: not a regular file"));
    CHECK(read_file(directory / "none", 10).error().message.ends_with("none: No such file or directory"));
}
