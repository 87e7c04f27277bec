// SPDX-License-Identifier: Apache-2.0
#include "style.h"

#include <unistd.h>

#include <cstdlib>

namespace candor::ctl {
namespace {

std::string_view variable(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr ? value : "";
}

std::string_view sequence(Tone tone) {
    switch (tone) {
    case Tone::heading:
        return "\x1b[1m";
    case Tone::good:
        return "\x1b[1;32m";
    case Tone::caution:
        return "\x1b[1;33m";
    case Tone::bad:
        return "\x1b[1;31m";
    }
    return {};
}

} // namespace

Style Style::of_output() {
    return Style(::isatty(STDOUT_FILENO) != 0 && variable("NO_COLOR").empty() && variable("TERM") != "dumb");
}

std::string Style::operator()(Tone tone, std::string_view text) const {
    return colour_ ? std::string(sequence(tone)) + std::string(text) + "\x1b[0m" : std::string(text);
}

} // namespace candor::ctl
