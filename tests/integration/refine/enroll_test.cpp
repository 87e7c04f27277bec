// SPDX-License-Identifier: Apache-2.0
#include "lake.h"

#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace candor;
using namespace candor::test;

namespace {

std::string some_device() {
    wire::init_crypto();
    return to_hex(wire::Identity::generate().public_key());
}

/// The file of devices of one test.
struct Enrolment {
    TemporaryDirectory folder;
    std::string file = folder / "devices.conf";

    [[nodiscard]] Result enroll(Arguments more) const {
        more.insert(more.begin(), {"enroll", "--devices", file});
        return refine(more);
    }
    [[nodiscard]] std::string text() const { return read_text(file, 4 << 20).value_or("missing"); }
    void write(const std::string& text) const { std::ofstream(file) << text; }
    /// What is said of a file with this text, without the file's name.
    [[nodiscard]] std::string refusal_of(const std::string& text) const {
        write(text);
        const Result result = enroll({"--list"});
        CHECK(result.status == 1);
        CHECK(result.output.empty());
        const std::string before = "candor-refine: " + file + ":";
        REQUIRE(result.errors.starts_with(before));
        return result.errors.substr(before.size());
    }
};

} // namespace

TEST_CASE("devices are added, listed and removed, and nothing else of the file changes") {
    const Enrolment enrolment;
    const std::string first = some_device();
    const std::string second = some_device();
    enrolment.write("# desks on the third floor\n\n" + first + "   desk 4\n# the end");
    CHECK(enrolment.enroll({"--name", "Schreibtisch für zwei", second}).status == 0);
    CHECK(enrolment.text() ==
          "# desks on the third floor\n\n" + first + "   desk 4\n# the end\n" + second + " Schreibtisch für zwei\n");
    CHECK(enrolment.enroll({"--list"}).output == first + " desk 4\n" + second + " Schreibtisch für zwei\n");
    CHECK(enrolment.enroll({"--remove", first}).status == 0);
    CHECK(enrolment.text() == "# desks on the third floor\n\n# the end\n" + second + " Schreibtisch für zwei\n");
    CHECK(enrolment.enroll({"--remove", first}).errors ==
          "candor-refine: " + first + " is not enrolled in " + enrolment.file + "\n");
}

TEST_CASE("a file and folder that are missing are no devices, and are made for the first") {
    const TemporaryDirectory folder;
    const std::string file = folder / "new/folder/devices.conf";
    const std::string device = some_device();
    const Result none = refine({"enroll", "--devices", file, "--list"});
    CHECK(none.status == 0);
    CHECK(none.output.empty());
    CHECK(refine({"enroll", "--devices", file, "--remove", device}).status == 1);
    CHECK_FALSE(std::filesystem::exists(folder / "new"));
    CHECK(refine({"enroll", "--devices", file, "--name", "desk", device}).output == "enrolled desk in " + file + "\n");
    CHECK(refine({"enroll", "--devices", file, "--list"}).output == device + " desk\n");
}

TEST_CASE("a device is enrolled once") {
    const Enrolment enrolment;
    const std::string device = some_device();
    CHECK(enrolment.enroll({"--name", "desk 4", device}).status == 0);
    const std::string before = enrolment.text();
    const Result again = enrolment.enroll({"--name", "desk 5", device});
    CHECK(again.status == 1);
    CHECK(again.errors == "candor-refine: " + device + " is enrolled already, as desk 4\n");
    CHECK(enrolment.text() == before);
}

TEST_CASE("a file that is not exactly a list of devices is refused with its line, and kept") {
    const Enrolment enrolment;
    const std::string device = some_device();
    const std::string expected = "expected 64 hexadecimal digits, a blank and a name\n";
    for (const std::string& line :
         {device, device + " ", " " + device + " desk", device.substr(1) + " desk", device + "0 desk", "desk " + device,
          device + "\tdesk", device + " desk ", device + " desk\r", device + " de\tsk", device + " \x1b[31m",
          device + " " + std::string(129, 'x'), std::string("x"), std::string(" ")}) {
        INFO(line);
        CHECK(enrolment.refusal_of("# one\n" + line + "\n") == "2: " + expected);
        CHECK(enrolment.enroll({"--name", "desk", some_device()}).status == 1);
        CHECK(enrolment.enroll({"--remove", device}).status == 1);
        CHECK(enrolment.text() == "# one\n" + line + "\n");
    }
    CHECK(enrolment.refusal_of(device + " desk\n" + device + " other\n") == "2: the device of line 1 again\n");
}

TEST_CASE("10000 devices are taken and no more") {
    const Enrolment enrolment;
    wire::PublicKey key{};
    std::string text;
    for (unsigned number = 0; number < 10'000; ++number) {
        key[0] = static_cast<std::uint8_t>(number & 0xff);
        key[1] = static_cast<std::uint8_t>(number >> 8);
        text += to_hex(key) + " desk\n";
    }
    enrolment.write(text);
    CHECK(lines_of(enrolment.enroll({"--list"}).output).size() == 10'000);
    const Result full = enrolment.enroll({"--name", "desk", some_device()});
    CHECK(full.status == 1);
    CHECK(full.errors == "candor-refine: " + enrolment.file + ": holds 10000 devices, and takes no more\n");
    CHECK(enrolment.text() == text);
    CHECK(enrolment.refusal_of(text + some_device() + " desk\n") == "10001: expected 10000 devices at most\n");
}

TEST_CASE("a name that could not be read back is refused") {
    const Enrolment enrolment;
    for (const std::string& name : {std::string(129, 'x'), std::string("a\nb"), std::string("a "), std::string(" a")}) {
        const Result result = enrolment.enroll({"--name", name, some_device()});
        INFO(name);
        CHECK(result.status == 1);
        CHECK(has(result.errors, "--name: expected 1 to 128 printable characters"));
        CHECK_FALSE(std::filesystem::exists(enrolment.file));
    }
}

TEST_CASE("a file of devices keeps its mode") {
    const Enrolment enrolment;
    CHECK(enrolment.enroll({"--name", "desk", some_device()}).status == 0);
    struct stat status {};
    REQUIRE(::stat(enrolment.file.c_str(), &status) == 0);
    CHECK((status.st_mode & 07777u) == 0644);
    REQUIRE(::chmod(enrolment.file.c_str(), 0600) == 0);
    CHECK(enrolment.enroll({"--name", "desk", some_device()}).status == 0);
    REQUIRE(::stat(enrolment.file.c_str(), &status) == 0);
    CHECK((status.st_mode & 07777u) == 0600);
}

TEST_CASE("devices that are enrolled at the same time are all enrolled") {
    const Enrolment enrolment;
    std::vector<pid_t> children;
    const std::string program = program_of("CANDOR_REFINE");
    for (int i = 0; i < 20; ++i) {
        const std::string device = some_device();
        children.push_back(::fork());
        REQUIRE(children.back() >= 0);
        if (children.back() == 0) {
            ::dup2(::open("/dev/null", O_WRONLY), STDOUT_FILENO);
            execute(program, {"enroll", "--devices", enrolment.file, "--name", "desk", device}, {});
        }
    }
    for (const pid_t child : children) {
        CHECK(exit_status(child) == 0);
    }
    CHECK(lines_of(enrolment.enroll({"--list"}).output).size() == 20);
}

TEST_CASE("the file is the one that the environment names") {
    const TemporaryDirectory folder;
    const std::string program = program_of("CANDOR_REFINE");
    const std::string device = some_device();
    const std::string named = folder / "named.conf";
    CHECK(run_program(program, {"enroll", "--name", "desk", device}, {{"CANDOR_DEVICES", named}}).output ==
          "enrolled desk in " + named + "\n");
    if (::geteuid() == 0) {
        return; // root's is below /etc
    }
    const std::string config = folder / "config/candor-refine/devices.conf";
    CHECK(run_program(program, {"enroll", "--name", "desk", device},
                      {{"CANDOR_DEVICES", ""}, {"XDG_CONFIG_HOME", folder / "config"}})
              .output == "enrolled desk in " + config + "\n");
    const std::string home = folder / "home/.config/candor-refine/devices.conf";
    for (const std::string ignored : {"", "relative"}) {
        std::filesystem::remove(home);
        CHECK(run_program(program, {"enroll", "--name", "desk", device},
                          {{"CANDOR_DEVICES", ""}, {"XDG_CONFIG_HOME", ignored}, {"HOME", folder / "home"}})
                  .output == "enrolled desk in " + home + "\n");
    }
}
