// SPDX-License-Identifier: Apache-2.0
#include "base/open_metrics.h"

#include <array>
#include <charconv>
#include <cmath>

namespace candor {
namespace {

/// Backslash, line feed and, in label values, the quote.
std::string escaped(std::string_view text, bool quotes) {
    std::string out;
    for (const char c : text) {
        if (c == '\\' || (c == '"' && quotes)) {
            out += '\\';
            out += c;
        } else if (c == '\n') {
            out += "\\n";
        } else {
            out += c;
        }
    }
    return out;
}

/// The shortest text that gives the number back; by their own names what is no finite number.
std::string number(double value) {
    if (std::isnan(value)) {
        return "NaN";
    }
    if (std::isinf(value)) {
        return value > 0 ? "+Inf" : "-Inf";
    }
    std::array<char, 64> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
    return {text.data(), end};
}

} // namespace

void OpenMetrics::counter(std::string_view name, std::string_view help, std::uint64_t value, Labels labels) {
    describe(name, "counter", help);
    sample(name, "_total", labels, std::to_string(value));
}

void OpenMetrics::gauge(std::string_view name, std::string_view help, double value, Labels labels) {
    describe(name, "gauge", help);
    sample(name, "", labels, number(value));
}

void OpenMetrics::state(std::string_view name, std::string_view help, std::string_view label,
                        std::initializer_list<std::string_view> states, std::string_view state) {
    describe(name, "gauge", help);
    for (const std::string_view each : states) {
        sample(name, "", {{label, each}}, each == state ? "1" : "0");
    }
}

std::string OpenMetrics::text() const { return text_ + "# EOF\n"; }

void OpenMetrics::describe(std::string_view name, std::string_view type, std::string_view help) {
    if (described_.emplace(name).second) {
        text_ += "# HELP " + std::string(name) + " " + escaped(help, false) + "\n";
        text_ += "# TYPE " + std::string(name) + " " + std::string(type) + "\n";
    }
}

void OpenMetrics::sample(std::string_view name, std::string_view suffix, Labels labels, const std::string& value) {
    text_ += std::string(name) + std::string(suffix);
    const char* separator = "{";
    for (const auto& [label, of] : labels) {
        text_ += separator + std::string(label) + "=\"" + escaped(of, true) + "\"";
        separator = ",";
    }
    text_ += (labels.size() > 0 ? "} " : " ") + value + "\n";
}

} // namespace candor
