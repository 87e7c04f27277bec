// SPDX-License-Identifier: Apache-2.0
#include "command_line.h"

#include <sys/prctl.h>

#include <exception>
#include <iostream>

int main(int argc, char** argv) {
    // What was typed, and keys to it, pass through here: they must not reach a core file, or another process of the person.
    ::prctl(PR_SET_DUMPABLE, 0);
    try {
        return candor::ctl::run(argc, argv);
    } catch (const std::exception& error) {
        std::cerr << "candorctl: " << error.what() << "\n";
        return 1;
    }
}
