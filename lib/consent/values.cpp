// SPDX-License-Identifier: Apache-2.0
#include "consent/values.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

namespace candor::consent {
namespace {

bool is_digits(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// False for anything but digits and for what does not fit.
bool read_digits(std::string_view text, std::uint64_t& value) {
    return is_digits(text) && std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc();
}

} // namespace

Parsed<bool> parse_yes_no(const IniEntry& entry) {
    if (entry.value != "yes" && entry.value != "no") {
        return std::unexpected(entry.refuse("expected yes or no"));
    }
    return entry.value == "yes";
}

Parsed<std::uint64_t> parse_number(const IniEntry& entry, std::uint64_t least, std::uint64_t most) {
    std::uint64_t value = 0;
    if (!read_digits(entry.value, value) || value < least || value > most) {
        return std::unexpected(
            entry.refuse("expected a number from " + std::to_string(least) + " to " + std::to_string(most)));
    }
    return value;
}

Parsed<std::uint64_t> parse_size(const IniEntry& entry, std::uint64_t least, std::uint64_t most,
                                 std::string_view range) {
    std::string_view digits = entry.value;
    int shift = 0;
    if (!digits.empty()) {
        shift = digits.back() == 'K' ? 10 : digits.back() == 'M' ? 20 : digits.back() == 'G' ? 30 : 0;
        digits.remove_suffix(shift != 0 ? 1 : 0);
    }
    std::uint64_t value = 0;
    if (!read_digits(digits, value) || value > (most >> shift) || (value << shift) < least) {
        return std::unexpected(
            entry.refuse("expected a size from " + std::string(range) + ", in bytes or with K, M or G"));
    }
    return value << shift;
}

Parsed<std::string> parse_line(const IniEntry& entry, std::size_t limit) {
    const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
    if (entry.value.empty() || entry.value.size() > limit || !is_utf8(entry.value) ||
        std::ranges::any_of(entry.value, control)) {
        return std::unexpected(entry.refuse("expected 1 to " + std::to_string(limit) + " bytes of UTF-8 text"));
    }
    return entry.value;
}

Parsed<std::string> parse_absolute_path(const IniEntry& entry, std::string_view text) {
    const std::filesystem::path path(text);
    const bool dots = std::ranges::any_of(path, [](const auto& part) { return part == "." || part == ".."; });
    if (text.size() < 2 || text.size() > 1024 || text.front() != '/' || dots || !is_utf8(text)) {
        return std::unexpected(entry.refuse("expected an absolute path without '.' and '..'"));
    }
    return std::string(text);
}

bool is_utf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        const auto at = [&](std::size_t n) { return static_cast<std::uint32_t>(static_cast<unsigned char>(text[n])); };
        const std::uint32_t lead = at(i);
        const std::size_t length = lead < 0x80                   ? 1
                                   : lead >= 0xc2 && lead < 0xe0 ? 2
                                   : lead >= 0xe0 && lead < 0xf0 ? 3
                                   : lead >= 0xf0 && lead < 0xf5 ? 4
                                                                 : 0;
        if (length == 0 || i + length > text.size()) {
            return false;
        }
        std::uint32_t point = length == 1 ? lead : lead & (0x7fu >> length);
        for (std::size_t n = 1; n < length; ++n) {
            if ((at(i + n) & 0xc0) != 0x80) {
                return false;
            }
            point = point << 6 | (at(i + n) & 0x3f);
        }
        const bool overlong = (length == 3 && point < 0x800) || (length == 4 && point < 0x10000);
        if (overlong || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) {
            return false;
        }
        i += length;
    }
    return true;
}

std::expected<void, Refusal> OncePerFile::see(const IniEntry& entry) {
    const auto [place, added] = last_.try_emplace({entry.section, entry.key}, entry.file, entry.line);
    if (!added && place->second.first == entry.file) {
        return std::unexpected(
            entry.refuse("repeated, expected once (first in line " + std::to_string(place->second.second) + ")"));
    }
    place->second = {entry.file, entry.line};
    return {};
}

} // namespace candor::consent
