// SPDX-License-Identifier: Apache-2.0
#include "base/metrics_file.h"

#include "base/file.h"
#include "support/catch.h"
#include "support/temporary_directory.h"

#include <sys/stat.h>

#include <string>
#include <vector>

using namespace candor;

namespace {

std::vector<std::string> complaints;
void complain(const std::string& problem) { complaints.push_back(problem); }

} // namespace

TEST_CASE("the file of metrics is replaced whole, and anybody may read it") {
    const test::TemporaryDirectory folder;
    EventLoop loop;
    std::string text = "a 1\n# EOF\n";
    MetricsFile metrics(
        loop, folder / "candord.prom", [&] { return text; }, complain);
    metrics.write();
    CHECK(read_text(folder / "candord.prom", 100).value() == text);
    struct stat first {};
    REQUIRE(::stat((folder / "candord.prom").c_str(), &first) == 0);
    CHECK((first.st_mode & 0777) == 0644);
    text = "a 2\n# EOF\n";
    metrics.write();
    CHECK(read_text(folder / "candord.prom", 100).value() == text);
    struct stat second {};
    REQUIRE(::stat((folder / "candord.prom").c_str(), &second) == 0);
    CHECK(first.st_ino != second.st_ino);
}

TEST_CASE("what is the same as before is not written again") {
    const test::TemporaryDirectory folder;
    EventLoop loop;
    MetricsFile metrics(
        loop, folder / "candord.prom", [] { return std::string("# EOF\n"); }, complain);
    metrics.write();
    std::filesystem::remove(folder / "candord.prom");
    metrics.write();
    CHECK_FALSE(std::filesystem::exists(folder / "candord.prom"));
}

TEST_CASE("a folder that is not there is no reason to end, and is tried again") {
    const test::TemporaryDirectory folder;
    EventLoop loop;
    MetricsFile metrics(
        loop, (folder / "later") / "candord.prom", [] { return std::string("# EOF\n"); }, complain);
    complaints.clear();
    metrics.write();
    metrics.write();
    CHECK(complaints.size() == 1);
    std::filesystem::create_directory(folder / "later");
    metrics.write();
    CHECK(std::filesystem::exists((folder / "later") / "candord.prom"));
}

TEST_CASE("without a file nothing is measured") {
    EventLoop loop;
    int measured = 0;
    MetricsFile metrics(
        loop, std::nullopt,
        [&] {
            ++measured;
            return std::string();
        },
        complain);
    metrics.changed();
    metrics.write();
    CHECK(measured == 0);
}
