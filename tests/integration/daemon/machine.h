// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "candord_process.h"
#include "capture_client.h"
#include "fake_logind.h"

#include "base/hex.h"
#include "support/catch.h"
#include "support/private_bus.h"
#include "support/temporary_directory.h"
#include "wire/keys.h"

#include <pwd.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <memory>

namespace candor::test {

inline bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

inline bool is_root() { return ::geteuid() == 0; }

/// Where udev has tagged devices for Candor, a test that records would record whoever sits there.
inline bool may_record() {
    std::error_code ignored;
    if (std::filesystem::exists("/run/udev/tags/candor", ignored)) {
        WARN("skipped: this machine has devices that candord would open");
        return false;
    }
    return true;
}

inline bool may_be_another_uid() {
    if (!is_root()) {
        WARN("skipped: it takes root to be another uid");
        return false;
    }
    return true;
}

/// A machine with a bus, a logind, a sound policy with one recipient, and a person at the seat, who is not root.
class Machine {
public:
    explicit Machine(bool with_logind = true) {
        wire::init_crypto();
        folders.config = root_ / "etc";
        folders.state = root_ / "state";
        folders.runtime = root_ / "run";
        folders.leds = root_ / "leds";
        folders.password_prompts = root_ / "ask-password";
        spool = root_ / "spool";
        for (const auto& folder :
             {folders.config, folders.state, folders.runtime, folders.leds, folders.password_prompts, spool}) {
            std::filesystem::create_directory(folder);
        }
        // Other uids must reach the socket.
        std::filesystem::permissions(root_.path(), std::filesystem::perms(0755));
        write_settings();
        write_policy();
        write("notice.txt", "Every key is recorded.\n");
        if (with_logind) {
            start_logind(session());
        }
    }

    [[nodiscard]] FakeSession session() const {
        FakeSession session;
        session.uid = person;
        return session;
    }
    void start_logind(std::optional<FakeSession> session) {
        logind = std::make_unique<FakeLogind>(bus.address(), std::move(session));
    }

    void write(const std::string& name, const std::string& text) const { std::ofstream(folders.config / name) << text; }
    void write_settings(const std::string& more = "") const {
        const passwd* own = ::getpwuid(::geteuid());
        REQUIRE(own != nullptr);
        write("candord.conf", "[Candord]\nSocketPeer=" + std::string(static_cast<const char*>(own->pw_name)) +
                                  "\nSpool=" + spool.string() + "\nMetricsFile=" + metrics().string() + "\n" + more);
    }
    /// `more` is line 6 and on, in [Policy]; what it does not say of the following is said behind it.
    void write_policy(const std::string& more = "", bool with_recipient = true) const {
        std::string text =
            "[Policy]\nController=Example\nContact=a@example.org\nPurpose=To test\nBatchSeconds=1\n" + more;
        // Here is no keyboard whose light could shine; a test that has one says so.
        for (const std::string line : {"DPIA=Nothing is at risk", "Level=full", "RequiredIndicators=none"}) {
            if (!has(more, line.substr(0, line.find('=') + 1))) {
                text += line + "\n";
            }
        }
        write("policy.conf",
              text + (with_recipient ? "[Recipients]\nteam=" + to_hex(recipient.public_key) + "\n" : ""));
    }

    /// A keyboard's Scroll Lock light, as the kernel shows it: lit or not.
    void add_light(const std::string& name) const {
        std::filesystem::create_directories(folders.leds / (name + "::scrolllock"));
        std::ofstream(folders.leds / (name + "::scrolllock") / "brightness") << "0\n";
        std::ofstream(folders.leds / (name + "::scrolllock") / "max_brightness") << "1\n";
    }
    [[nodiscard]] bool is_lit(const std::string& name) const {
        int brightness = 0;
        std::ifstream(folders.leds / (name + "::scrolllock") / "brightness") >> brightness;
        return brightness != 0;
    }
    /// systemd asks for a password, as its prompts do; or no longer does.
    void ask_password(bool asks) const {
        const auto question = folders.password_prompts / "ask.test";
        asks ? static_cast<void>(std::ofstream(question) << "[Ask]\n")
             : static_cast<void>(std::filesystem::remove(question));
    }

    [[nodiscard]] CaptureClient client_of(uid_t uid) const { return CaptureClient(bus.address(), uid); }
    [[nodiscard]] std::filesystem::path receipt() const {
        return folders.state / "consent" / (std::to_string(person) + ".json");
    }

    [[nodiscard]] std::filesystem::path metrics() const { return folders.runtime / "candord.prom"; }

    /// How many files there are of anybody's consent.
    [[nodiscard]] std::size_t receipts() const {
        const std::filesystem::directory_iterator files(folders.state / "consent");
        return static_cast<std::size_t>(std::distance(begin(files), end(files)));
    }

    PrivateBus bus;
    CandordFolders folders;
    std::filesystem::path spool;
    wire::RecipientKeyPair recipient = wire::RecipientKeyPair::generate();
    uid_t person = is_root() ? uid_of("nobody") : ::geteuid();
    uid_t another = uid_of("daemon");
    std::unique_ptr<FakeLogind> logind;

private:
    static uid_t uid_of(const char* user) {
        const passwd* entry = ::getpwnam(user);
        REQUIRE(entry != nullptr);
        return entry->pw_uid;
    }
    TemporaryDirectory root_;
};

/// A running candord on a machine, and the person's client, which has seen that it is ready.
struct Running {
    explicit Running(const Machine& machine)
        : candord(machine.folders, machine.bus.address()), client(ready(machine)) {}

    /// The seat has been looked at, and the person has not consented.
    void await_closed() { client.await_reasons("consent-none"); }
    /// The person consents, and is recorded.
    void consent() {
        await_closed();
        const Answer answer = client.consent();
        INFO(answer.message);
        REQUIRE(answer.error.empty());
        client.await_state("recording");
    }
    /// SIGHUP, and what it leads to.
    void reload() {
        candord.kill(SIGHUP);
        candord.wait_ready();
    }

    CandordProcess candord;
    CaptureClient client;

private:
    CaptureClient ready(const Machine& machine) {
        candord.wait_ready();
        return CaptureClient(machine.bus.address(), machine.person);
    }
};

} // namespace candor::test
