// SPDX-License-Identifier: Apache-2.0
#include "support/private_bus.h"

#include "base/error.h"
#include "support/program.h"

#include <unistd.h>

#include <csignal>
#include <fstream>
#include <stdexcept>

namespace candor::test {
namespace {

constexpr const char* configuration =
    R"(<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
  </policy>
</busconfig>
)";

} // namespace

PrivateBus::PrivateBus() {
    const std::string file = folder_ / "bus.conf";
    std::ofstream(file) << configuration;
    const std::string option = "--config-file=" + file;
    Pipe address;
    pid_ = ::fork();
    if (pid_ < 0) {
        throw_errno("fork");
    }
    if (pid_ == 0) {
        ::dup2(address.write_end.get(), 3);
        ::execl(DBUS_DAEMON, DBUS_DAEMON, option.c_str(), "--nofork", "--nopidfile", "--nosyslog", "--print-address=3",
                nullptr);
        ::_exit(127);
    }
    address.write_end.reset();
    while (address_.find('\n') == std::string::npos) {
        if (!read_some(address.read_end.get(), address_)) {
            stop();
            throw std::runtime_error("dbus-daemon does not start");
        }
    }
    address_.resize(address_.find('\n'));
}

PrivateBus::~PrivateBus() { stop(); }

void PrivateBus::stop() {
    if (pid_ > 0) {
        ::kill(pid_, SIGTERM);
        static_cast<void>(exit_status(pid_));
        pid_ = -1;
    }
}

} // namespace candor::test
