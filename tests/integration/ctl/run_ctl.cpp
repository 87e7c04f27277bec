// SPDX-License-Identifier: Apache-2.0
#include "run_ctl.h"

#include "base/error.h"

#include <pty.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>
#include <utility>

namespace candor::test {

Environment environment_of(const std::string& address) {
    return {{"DBUS_SYSTEM_BUS_ADDRESS", address}, {"TZ", "UTC"}, {"TERM", "xterm"}, {"NO_COLOR", ""}};
}

Result run_ctl(const std::string& address, const Arguments& arguments) {
    return run_program(program_of("CANDORCTL"), arguments, environment_of(address));
}

namespace {

/// Runs `run` with the program and arguments that make it a person's; the build need not be where nobody can reach it.
template <typename Run> Result as_person(const Arguments& arguments, Run&& run) {
    if (::geteuid() != 0) {
        return run(program_of("CANDORCTL"), arguments);
    }
    const TemporaryDirectory folder;
    const auto program = folder / "candorctl";
    std::filesystem::copy_file(program_of("CANDORCTL"), program);
    std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
    std::filesystem::permissions(program, std::filesystem::perms(0755));
    Arguments all = {"--reuid=65534", "--regid=65534", "--clear-groups", program.string()};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return run("/usr/bin/setpriv", all);
}

} // namespace

Result run_ctl_as_person(const std::string& address, const Arguments& arguments) {
    return as_person(arguments, [&](const std::string& program, const Arguments& all) {
        return run_program(program, all, environment_of(address));
    });
}

Result run_ctl_on_terminal_as_person(const std::string& address, const Arguments& arguments) {
    return as_person(arguments, [&](const std::string& program, const Arguments& all) {
        return run_program_on_terminal(program, all, environment_of(address), "");
    });
}

Result run_ctl_on_terminal(const std::string& address, const Arguments& arguments, const std::string& typed,
                           Environment more) {
    more.merge(environment_of(address));
    return run_program_on_terminal(program_of("CANDORCTL"), arguments, more, typed);
}

StartedCtl::StartedCtl(const std::string& address, const Arguments& arguments, bool on_terminal) {
    const std::string program = program_of("CANDORCTL");
    Pipe pipe;
    int master = -1;
    pid_ = on_terminal ? ::forkpty(&master, nullptr, nullptr, nullptr) : ::fork();
    if (pid_ < 0) {
        throw_errno("fork");
    }
    if (pid_ == 0) {
        if (!on_terminal) {
            ::dup2(pipe.write_end.get(), STDOUT_FILENO);
            ::dup2(pipe.write_end.get(), STDERR_FILENO);
        }
        execute(program, arguments, environment_of(address));
    }
    output_ = on_terminal ? UniqueFd(master) : std::move(pipe.read_end);
}

StartedCtl::~StartedCtl() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        static_cast<void>(exit_status(pid_));
    }
}

void StartedCtl::wait_for(const std::string& text) {
    while (!has(text_, text)) {
        if (!read_some(output_.get(), text_)) {
            throw std::runtime_error("candorctl has ended without '" + text + "', but: " + text_);
        }
    }
}

void StartedCtl::send(int signal) const { ::kill(pid_, signal); }

void StartedCtl::type(const std::string& text) const {
    if (::write(output_.get(), text.data(), text.size()) < 0) {
        throw_errno("type");
    }
}

Result StartedCtl::finish() {
    while (read_some(output_.get(), text_)) {
    }
    return {exit_status(std::exchange(pid_, -1)), text_, {}};
}

} // namespace candor::test
