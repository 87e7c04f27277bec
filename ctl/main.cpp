// SPDX-License-Identifier: Apache-2.0
#include "command_line.h"

#include <exception>
#include <iostream>

int main(int argc, char** argv) {
    try {
        return candor::ctl::run(argc, argv);
    } catch (const std::exception& error) {
        std::cerr << "candorctl: " << error.what() << "\n";
        return 1;
    }
}
