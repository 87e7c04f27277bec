// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "failure.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

/// One function a subcommand. Each prints to standard output; a failure is what standard error gets.
namespace candor::ctl {

// commands.cpp
[[nodiscard]] Outcome show_status(bool json);
[[nodiscard]] Outcome show_devices(bool json);
/// The machine's public key, and the command to enroll it.
[[nodiscard]] Outcome show_identity(bool json);
[[nodiscard]] Outcome pause_recording(std::chrono::seconds duration);
[[nodiscard]] Outcome resume_recording();
[[nodiscard]] Outcome set_enabled(bool enabled);

// consent.cpp
struct GrantOptions {
    std::string level;                ///< empty: "actions", or the policy's ceiling where that is lower
    std::vector<std::string> devices; ///< names of classes; empty: all that the policy allows
    std::string until;                ///< parse_until's forms; empty: not given
    std::optional<unsigned> days;
    bool yes = false;
};
[[nodiscard]] Outcome show_notice();
[[nodiscard]] Outcome show_consent(bool json);
[[nodiscard]] Outcome grant_consent(const GrantOptions& options);
/// Never asks: taking consent back takes no more steps than giving it.
[[nodiscard]] Outcome revoke_consent(bool erase);

// my_data.cpp
/// A range of time as it was written; empty: not given.
struct DataRange {
    std::string from; ///< parse_moment's forms
    std::string to;
};
[[nodiscard]] Outcome list_my_data(bool json);
/// Shows what will be shipped; `events`: every event too. The exit status is 1 when not all of it can be read.
[[nodiscard]] Outcome show_my_data(const DataRange& range, bool events, bool json);
struct ExportOptions {
    std::filesystem::path file;
    DataRange range;
    bool force = false; ///< over a file that is there
};
/// The same as JSON lines, to a file that only its owner reads.
[[nodiscard]] Outcome export_my_data(const ExportOptions& options);
struct DeleteOptions {
    DataRange range; ///< both empty: everything
    bool yes = false;
};
[[nodiscard]] Outcome delete_my_data(const DeleteOptions& options);

// inhibit.cpp
struct InhibitOptions {
    std::string who; ///< empty: the command's name
    std::string why;
    std::vector<std::string> command; ///< at least one
};
/// Runs the command with recording held off. Its exit status, 128 + the signal that ended it, 127 when it is not found, 126
/// when it cannot be run.
[[nodiscard]] Outcome inhibit(const InhibitOptions& options);

// audit.cpp
/// The entries that concern the caller, or all.
[[nodiscard]] Outcome show_audit(bool all, bool json);
/// The exit status is 1 when the log is not intact.
[[nodiscard]] Outcome verify_audit(bool json);

// policy.cpp
/// Needs no candord: what it would say to this file.
[[nodiscard]] Outcome check_policy(const std::filesystem::path& file);
[[nodiscard]] Outcome reload_policy();

} // namespace candor::ctl
