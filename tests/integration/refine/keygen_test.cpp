// SPDX-License-Identifier: Apache-2.0
#include "lake.h"

#include "base/file.h"
#include "base/ini.h"
#include "consent/policy.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <chrono>
#include <csignal>

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

/// What is typed once the program has written `after`, which it had not before.
struct Step {
    std::string after;
    std::string typed;
};

struct Session {
    Result result;
    bool echoes = false; ///< the terminal, when the program has ended
};

/// Runs candor-refine on a terminal whose user waits for the questions.
Session on_terminal(const Arguments& arguments, const std::vector<Step>& steps) {
    int master = -1;
    const std::string program = program_of("CANDOR_REFINE");
    const pid_t pid = ::forkpty(&master, nullptr, nullptr, nullptr);
    REQUIRE(pid >= 0);
    if (pid == 0) {
        execute(program, arguments, {{"TZ", "UTC"}});
    }
    const UniqueFd terminal(master);
    // Keeps the settings when the program, the last to have it open, ends.
    const UniqueFd kept(::open(::ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC));
    Session session;
    std::size_t read_to = 0;
    auto step = steps.begin();
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    bool ended = false;
    while (std::chrono::steady_clock::now() < end) {
        const std::size_t at =
            step == steps.end() ? std::string::npos : session.result.output.find(step->after, read_to);
        if (at != std::string::npos) {
            read_to = at + step->after.size();
            write_fully(terminal.get(), as_bytes(step->typed));
            ++step;
            continue;
        }
        pollfd readable{terminal.get(), POLLIN, 0};
        if (::poll(&readable, 1, 20) > 0) {
            read_some(terminal.get(), session.result.output);
        } else if (ended) {
            break;
        } else {
            siginfo_t info{};
            ended =
                ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid;
        }
    }
    if (!ended) {
        ::kill(pid, SIGKILL);
    }
    session.result.status = exit_status(pid);
    termios settings{};
    REQUIRE(::tcgetattr(terminal.get(), &settings) == 0);
    session.echoes = (settings.c_lflag & ECHO) != 0;
    return session;
}

} // namespace

TEST_CASE("the printed line is taken by a policy, and its key is the public half of the file") {
    const TemporaryDirectory folder;
    const Result result = refine({"keygen", "--no-passphrase", "--name", "data-team.1", folder / "key"});
    REQUIRE(result.status == 0);
    const auto policy = policy_with(result.output);
    INFO((policy ? std::string() : policy.error().message));
    REQUIRE(policy.has_value());
    REQUIRE(policy->recipients.size() == 1);
    CHECK(policy->recipients[0].name == "data-team.1");
    const auto pair = wire::RecipientKeyPair::load(folder / "key");
    REQUIRE(pair.has_value());
    CHECK(policy->recipients[0].key == pair->public_key);
    CHECK(policy->recipients[0].signing_key == pair->signer().public_key());
}

TEST_CASE("without a name the recipient is called recipient") {
    const TemporaryDirectory folder;
    CHECK(refine({"keygen", "--no-passphrase", folder / "key"}).output.starts_with("recipient = "));
}

TEST_CASE("a secret key is for its owner alone, whatever the umask") {
    const TemporaryDirectory folder;
    for (const mode_t mask : {mode_t{0}, mode_t{022}, mode_t{0277}}) {
        const std::string path = folder / std::to_string(mask);
        const mode_t before = ::umask(mask);
        const Result result = refine({"keygen", "--no-passphrase", path});
        ::umask(before);
        CHECK(result.status == 0);
        struct stat status {};
        REQUIRE(::stat(path.c_str(), &status) == 0);
        CHECK((status.st_mode & 07777u) == 0600);
    }
}

TEST_CASE("the secret key is not printed") {
    const TemporaryDirectory folder;
    const Result result = refine({"keygen", "--no-passphrase", folder / "key"});
    const auto secret = read_text(folder / "key", 100);
    REQUIRE(secret.has_value());
    CHECK_FALSE(has(result.output + result.errors, secret->substr(0, 64)));
}

TEST_CASE("keys differ") {
    const TemporaryDirectory folder;
    CHECK(refine({"keygen", "--no-passphrase", folder / "a"}).output !=
          refine({"keygen", "--no-passphrase", folder / "b"}).output);
}

TEST_CASE("a file that exists is kept") {
    const TemporaryDirectory folder;
    const std::string path = folder / "key";
    std::ofstream(path) << "what was there\n";
    const Result result = refine({"keygen", "--no-passphrase", path});
    CHECK(result.status == 1);
    CHECK(result.output.empty());
    CHECK(result.errors == "candor-refine: " + path + ": exists already, and is kept\n");
    CHECK(read_text(path, 100) == "what was there\n");
}

TEST_CASE("a link is not followed to a new file") {
    const TemporaryDirectory folder;
    std::filesystem::create_symlink(folder / "elsewhere", folder / "key");
    CHECK(refine({"keygen", "--no-passphrase", folder / "key"}).status == 1);
    CHECK_FALSE(std::filesystem::exists(folder / "elsewhere"));
}

TEST_CASE("a folder that is not there is said") {
    const TemporaryDirectory folder;
    const std::string path = folder / "missing/key";
    const Result result = refine({"keygen", "--no-passphrase", path});
    CHECK(result.status == 1);
    CHECK(result.errors == "candor-refine: " + path + ": No such file or directory\n");
}

TEST_CASE("a name that no policy would take is wrong usage, and no key is made") {
    const TemporaryDirectory folder;
    for (const std::string& name :
         {std::string("data team"), std::string(""), std::string("a=b"), std::string(65, 'a')}) {
        const Result result = refine({"keygen", "--no-passphrase", "--name", name, folder / "key"});
        INFO(name);
        CHECK(result.status == 2);
        CHECK(has(result.errors, "--name"));
        CHECK_FALSE(std::filesystem::exists(folder / "key"));
    }
}

TEST_CASE("a key is protected by the passphrase in a file, and opens with that alone") {
    const Lake lake;
    const TemporaryDirectory folder;
    std::ofstream(folder / "passphrase") << "correct horse\nnot this line\n";
    std::ofstream(folder / "wrong") << "correct house\n";
    const Result made = refine({"keygen", "--passphrase-file", folder / "passphrase", folder / "key"});
    REQUIRE(made.status == 0);
    const auto text = read_text(folder / "key", 1024);
    REQUIRE(text.has_value());
    CHECK(text->starts_with("candor-recipient-key 1\nkdf argon2id "));
    const auto open = [&](const Arguments& how) {
        Arguments arguments{"verify", "--any-device", "--key", folder / "key"};
        arguments.insert(arguments.end(), how.begin(), how.end());
        arguments.push_back(lake.root());
        return refine(arguments);
    };
    CHECK(open({"--passphrase-file", folder / "passphrase"}).status == 0);
    CHECK(has(open({"--passphrase-file", folder / "wrong"}).errors,
              "key: the passphrase is wrong, or the file is damaged\n"));
    // Nobody is there to be asked.
    CHECK(has(open({}).errors, "there is no terminal to ask for the passphrase"));
}

TEST_CASE("without a terminal and without a choice no key is made, and it is said how one is") {
    const TemporaryDirectory folder;
    const Result result = refine({"keygen", folder / "key"});
    CHECK(result.status == 1);
    CHECK(has(result.errors, "--passphrase-file"));
    CHECK(has(result.errors, "--no-passphrase"));
    CHECK_FALSE(std::filesystem::exists(folder / "key"));
}

TEST_CASE("a key is taken from a service's credentials") {
    const Lake lake;
    const std::string program = program_of("CANDOR_REFINE");
    const auto run = [&](const Environment& environment) {
        return run_program(program, {"verify", "--any-device", "--credential", "recipient.key", lake.root()},
                           environment);
    };
    CHECK(run({{"CREDENTIALS_DIRECTORY", lake.key().parent_path()}}).status == 0);
    CHECK(run({{"CREDENTIALS_DIRECTORY", lake.root()}}).status == 1);
    CHECK(has(run({{"CREDENTIALS_DIRECTORY", ""}}).errors, "$CREDENTIALS_DIRECTORY is not set"));
}

TEST_CASE("what is no name of a credential, and two sources of a key, are refused") {
    const Lake lake;
    const auto run = [&](const Arguments& how) {
        Arguments arguments{"verify", "--any-device"};
        arguments.insert(arguments.end(), how.begin(), how.end());
        arguments.push_back(lake.root());
        return run_program(program_of("CANDOR_REFINE"), arguments,
                           {{"CREDENTIALS_DIRECTORY", lake.root()}, {"TZ", "UTC"}});
    };
    for (const std::string name : {"../recipient.key", "..", ".", "/etc/passwd"}) {
        CHECK(run({"--credential", name}).errors ==
              "candor-refine: --credential: expected a name, not the path '" + name + "'\n");
    }
    CHECK(run({"--credential", "recipient.key", "--key", lake.key()}).status == 2);
}

TEST_CASE("a passphrase file that is missing, too long or begins with an empty line makes no key") {
    const TemporaryDirectory folder;
    std::ofstream(folder / "empty") << "\nsecond line\n";
    std::ofstream(folder / "long") << std::string(1025, 'x');
    const auto errors_with = [&](const std::string& file) {
        const Result result = refine({"keygen", "--passphrase-file", file, folder / "key"});
        CHECK(result.status == 1);
        CHECK_FALSE(std::filesystem::exists(folder / "key"));
        return result.errors;
    };
    CHECK(errors_with(folder / "missing") ==
          "candor-refine: " + (folder / "missing").string() + ": No such file or directory\n");
    CHECK(errors_with(folder / "empty") ==
          "candor-refine: " + (folder / "empty").string() + ": its first line is empty, expected a passphrase\n");
    CHECK(errors_with(folder / "long") ==
          "candor-refine: " + (folder / "long").string() + ": larger than the limit of 1024 bytes\n");
    CHECK(errors_with(folder / ".").ends_with(": Is a directory\n"));
}

TEST_CASE("a damaged key is refused before anybody is asked") {
    const Lake lake;
    const TemporaryDirectory folder;
    const std::string path = folder / "key";
    std::ofstream(path) << "candor-recipient-key 1\nkdf argon2id 3 18446744073709551615 " << std::string(32, '0')
                        << "\nbox " << std::string(48, '0') << " " << std::string(96, '0') << "\n";
    const Session session = on_terminal({"verify", "--any-device", "--key", path, lake.root()}, {});
    CHECK(session.result.status == 1);
    CHECK(session.result.output ==
          "candor-refine: " + path + ": line 2: expected 1 to 16 passes over 8192 bytes to 1 GiB\r\n");
}

TEST_CASE("a passphrase is asked for twice, unseen, and then opens the key") {
    const Lake lake;
    const TemporaryDirectory folder;
    const std::string path = folder / "key";
    const Session made = on_terminal(
        {"keygen", path}, {{"Passphrase for the new key: ", "correct horse\n"}, {"Once more: ", "correct horse\n"}});
    INFO(made.result.output);
    REQUIRE(made.result.status == 0);
    CHECK_FALSE(has(made.result.output, "horse"));
    CHECK(has(made.result.output, "Once more: \r\nrecipient = "));
    CHECK(made.echoes);
    const Arguments verify{"verify", "--any-device", "--key", path, lake.root()};
    const std::string question = "Passphrase of " + path + ": ";
    CHECK(on_terminal(verify, {{question, "correct horse\n"}}).result.status == 0);
    // The terminal lets the typist correct himself.
    CHECK(on_terminal(verify, {{question, "correct house\x7f\x7f\x7frse\n"}}).result.status == 0);
    const Session wrong = on_terminal(verify, {{question, "correct house\n"}});
    CHECK(wrong.result.status == 1);
    CHECK(has(wrong.result.output, path + ": the passphrase is wrong, or the file is damaged\r\n"));
    CHECK(wrong.echoes);
}

TEST_CASE("two passphrases that differ, an empty one and none make no key") {
    const TemporaryDirectory folder;
    const std::string path = folder / "key";
    const std::string first = "Passphrase for the new key: ";
    const auto refusal = [&](const std::vector<Step>& steps) {
        const Session session = on_terminal({"keygen", path}, steps);
        CHECK(session.result.status == 1);
        CHECK(session.echoes);
        CHECK_FALSE(std::filesystem::exists(path));
        return session.result.output;
    };
    CHECK(has(refusal({{first, "one\n"}, {"Once more: ", "other\n"}}), "the two passphrases are not the same"));
    CHECK(has(refusal({{first, "\n"}}), "a passphrase has one character at least"));
    CHECK(has(refusal({{first, "\x04"}}), "nothing was typed"));
    CHECK(has(refusal({{first, std::string(1025, 'x') + "\n"}}), "a passphrase has 1024 bytes at most"));
}

TEST_CASE("who interrupts the question gets the terminal back as it was") {
    const TemporaryDirectory folder;
    const std::string path = folder / "key";
    for (const std::string key : {"\x03", "\x1c"}) {
        const Session session = on_terminal({"keygen", path}, {{"Passphrase for the new key: ", "half" + key}});
        CHECK(session.result.status == -1);
        CHECK(session.echoes);
        CHECK_FALSE(has(session.result.output, "half"));
        CHECK_FALSE(std::filesystem::exists(path));
    }
}

TEST_CASE("who stops the program and goes on is asked anew, still unseen") {
    const TemporaryDirectory folder;
    const std::string question = "Passphrase for the new key: ";
    const Session session = on_terminal({"keygen", folder / "key"},
                                        {{question, "half\x1a"}, {question, "whole\n"}, {"Once more: ", "whole\n"}});
    INFO(session.result.output);
    CHECK(session.result.status == 0);
    CHECK_FALSE(has(session.result.output, "half"));
    CHECK_FALSE(has(session.result.output, "whole"));
    CHECK(session.echoes);
}
