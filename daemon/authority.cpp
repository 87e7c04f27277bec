// SPDX-License-Identifier: Apache-2.0
#include "daemon/authority.h"

#include <algorithm>
#include <array>

namespace candor::daemon {
namespace {

constexpr Permission no = Permission::denied;
constexpr Permission yes = Permission::allowed;
constexpr Permission ask = Permission::asked;

constexpr std::string_view only_here =
    "only the person whose session is active at this machine may do this, for themselves";
constexpr std::string_view not_root =
    "root can switch recording off for everybody (candorctl disable), and decides nothing for a person";

// What lets recording begin is the person's alone, and takes their active session. What ends it is anybody's about themselves,
// from wherever they are. Holding it off for a while is everybody's.
constexpr auto table = std::to_array<AuthorityRow>({
    //                             root person other
    {"Consent.GetNotice", yes, yes, yes, {}, {}},
    {"Consent.GetReceipt", no, yes, yes, {}, not_root},
    {"Consent.Grant", no, yes, no, {}, only_here},
    {"Consent.Revoke", no, yes, yes, {}, not_root},
    {"Pause", no, yes, yes, {}, not_root},
    {"Resume", no, yes, no, {}, only_here},
    {"Inhibit", yes, yes, yes, {}, {}},
    {"SetEnabled", ask, ask, ask, "org.candor.capture1.set-enabled", "the administrator's to decide"},
    {"ReloadPolicy", ask, ask, ask, "org.candor.capture1.reload-policy", "the administrator's to decide"},
    {"Context.Register", no, yes, no, {}, only_here},
    {"Context.Report", no, yes, no, {}, only_here},
    {"Context.Heartbeat", no, yes, no, {}, only_here},
    {"Context.Unregister", no, yes, no, {}, only_here},
    {"Audit.GetEntries", yes, yes, yes, {}, {}},
    {"Audit.GetEntries all", ask, ask, ask, "org.candor.capture1.read-audit", "the administrator's to read"},
    {"Audit.Verify", yes, yes, yes, {}, {}},
    {"MyData.List", no, yes, yes, {}, not_root},
    {"MyData.Open", no, ask, no, "org.candor.capture1.read-own-data", only_here},
    {"MyData.Delete", no, yes, yes, {}, not_root},
});

} // namespace

std::span<const AuthorityRow> authority_table() noexcept { return table; }

const AuthorityRow* find_authority(std::string_view method) noexcept {
    const auto* found = std::ranges::find(table, method, &AuthorityRow::method);
    return found == table.end() ? nullptr : found;
}

Caller classify(std::uint32_t uid, std::optional<std::uint32_t> uid_of_active_session) noexcept {
    if (uid == 0) {
        return Caller::root;
    }
    return uid_of_active_session == uid ? Caller::person : Caller::other;
}

Permission permission_of(std::string_view method, Caller caller) noexcept {
    const AuthorityRow* row = find_authority(method);
    if (row == nullptr) {
        return Permission::denied;
    }
    switch (caller) {
    case Caller::root:
        return row->root;
    case Caller::person:
        return row->person;
    case Caller::other:
        return row->other;
    }
    return Permission::denied;
}

} // namespace candor::daemon
