// SPDX-License-Identifier: Apache-2.0
#include "lake.h"

#include "base/file.h"
#include "base/ini.h"
#include "consent/policy.h"

#include <sys/stat.h>

using namespace candor;
using namespace candor::test;

namespace {

/// The policy with this line in [Recipients].
std::expected<consent::Policy, Refusal> policy_with(const std::string& line) {
    const auto entries =
        parse_ini("[Policy]\nController=A\nContact=B\nPurpose=C\n[Recipients]\n" + line, "policy.conf");
    if (!entries) {
        return std::unexpected(entries.error());
    }
    return consent::make_policy(*entries, "Every key is recorded.\n", "policy.conf");
}

} // namespace

TEST_CASE("the printed line is taken by a policy, and its key is the public half of the file") {
    const TemporaryDirectory folder;
    const Result result = refine({"keygen", "--name", "data-team.1", folder / "key"});
    REQUIRE(result.status == 0);
    const auto policy = policy_with(result.output);
    INFO((policy ? std::string() : policy.error().message));
    REQUIRE(policy.has_value());
    REQUIRE(policy->recipients.size() == 1);
    CHECK(policy->recipients[0].name == "data-team.1");
    const auto pair = wire::RecipientKeyPair::load(folder / "key");
    REQUIRE(pair.has_value());
    CHECK(policy->recipients[0].key == pair->public_key);
}

TEST_CASE("without a name the recipient is called recipient") {
    const TemporaryDirectory folder;
    CHECK(refine({"keygen", folder / "key"}).output.starts_with("recipient = "));
}

TEST_CASE("a secret key is for its owner alone, whatever the umask") {
    const TemporaryDirectory folder;
    for (const mode_t mask : {mode_t{0}, mode_t{022}, mode_t{0277}}) {
        const std::string path = folder / std::to_string(mask);
        const mode_t before = ::umask(mask);
        const Result result = refine({"keygen", path});
        ::umask(before);
        CHECK(result.status == 0);
        struct stat status {};
        REQUIRE(::stat(path.c_str(), &status) == 0);
        CHECK((status.st_mode & 07777u) == 0600);
    }
}

TEST_CASE("the secret key is not printed") {
    const TemporaryDirectory folder;
    const Result result = refine({"keygen", folder / "key"});
    const auto secret = read_text(folder / "key", 100);
    REQUIRE(secret.has_value());
    CHECK_FALSE(has(result.output + result.errors, secret->substr(0, 64)));
}

TEST_CASE("keys differ") {
    const TemporaryDirectory folder;
    CHECK(refine({"keygen", folder / "a"}).output != refine({"keygen", folder / "b"}).output);
}

TEST_CASE("a file that exists is kept") {
    const TemporaryDirectory folder;
    const std::string path = folder / "key";
    std::ofstream(path) << "what was there\n";
    const Result result = refine({"keygen", path});
    CHECK(result.status == 1);
    CHECK(result.output.empty());
    CHECK(result.errors == "candor-refine: " + path + ": exists already, and is kept\n");
    CHECK(read_text(path, 100) == "what was there\n");
}

TEST_CASE("a link is not followed to a new file") {
    const TemporaryDirectory folder;
    std::filesystem::create_symlink(folder / "elsewhere", folder / "key");
    CHECK(refine({"keygen", folder / "key"}).status == 1);
    CHECK_FALSE(std::filesystem::exists(folder / "elsewhere"));
}

TEST_CASE("a folder that is not there is said") {
    const TemporaryDirectory folder;
    const std::string path = folder / "missing/key";
    const Result result = refine({"keygen", path});
    CHECK(result.status == 1);
    CHECK(result.errors == "candor-refine: " + path + ": No such file or directory\n");
}

TEST_CASE("a name that no policy would take is wrong usage, and no key is made") {
    const TemporaryDirectory folder;
    for (const std::string& name :
         {std::string("data team"), std::string(""), std::string("a=b"), std::string(65, 'a')}) {
        const Result result = refine({"keygen", "--name", name, folder / "key"});
        INFO(name);
        CHECK(result.status == 2);
        CHECK(has(result.errors, "--name"));
        CHECK_FALSE(std::filesystem::exists(folder / "key"));
    }
}
