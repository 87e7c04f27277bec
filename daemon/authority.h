// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

/// Who may call what over the bus: one table. What it does not list is denied.
namespace candor::daemon {

enum class Caller : std::uint8_t {
    root,
    person, ///< the uid of the active local session of class user, and not root
    other,  ///< any other uid, also that of a session in the background
};

enum class Permission : std::uint8_t {
    denied,
    allowed,
    asked, ///< polkit decides; without polkit root alone is allowed
};

struct AuthorityRow {
    std::string_view method;
    Permission root;
    Permission person;
    Permission other;
    std::string_view polkit_action; ///< of `asked`
    std::string_view denial;        ///< what a denied caller is told
};

[[nodiscard]] std::span<const AuthorityRow> authority_table() noexcept;
/// Nothing for a method that is not listed.
[[nodiscard]] const AuthorityRow* find_authority(std::string_view method) noexcept;

[[nodiscard]] Caller classify(std::uint32_t uid, std::optional<std::uint32_t> uid_of_active_session) noexcept;
[[nodiscard]] Permission permission_of(std::string_view method, Caller caller) noexcept;

} // namespace candor::daemon
