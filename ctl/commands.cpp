// SPDX-License-Identifier: Apache-2.0
#include "commands.h"

#include "base/printable.h"
#include "client.h"
#include "consent/utc.h"
#include "report.h"

#include <fmt/format.h>

#include <unistd.h>

#include <cstdio>
#include <ctime>
#include <iostream>

namespace candor::ctl {
namespace {

/// Connects and passes the client on.
template <typename Body> Outcome with_client(Body&& body) {
    auto client = Client::connect();
    if (!client) {
        return std::unexpected(std::move(client.error()));
    }
    return body(*client);
}

/// Prints what was answered, or passes the refusal on.
template <typename T, typename Format> Outcome print(std::expected<T, Refusal> answer, Format&& format) {
    if (!answer) {
        return std::unexpected(std::move(answer.error()));
    }
    std::cout << format(*answer) << std::flush;
    return {};
}

void print_notice(const Notice& notice) {
    std::cout << printable(notice.text, true) << (notice.text.ends_with('\n') ? "" : "\n")
              << "\nHash of the policy and this notice: " << printable(notice.policy_hash) << "\n";
}

bool ask() {
    std::cout << "Do you consent to this? [y/N] " << std::flush;
    std::string answer;
    std::getline(std::cin, answer);
    return answer == "y" || answer == "Y" || answer == "yes";
}

} // namespace

Outcome show_status(bool json) {
    return with_client([&](Client& client) { return print(client.status(), json ? status_json : status_text); });
}

Outcome show_devices(bool json) {
    return with_client([&](Client& client) { return print(client.status(), json ? devices_json : devices_text); });
}

Outcome show_notice() {
    return with_client([](Client& client) -> Outcome {
        auto notice = client.notice();
        if (!notice) {
            return std::unexpected(std::move(notice.error()));
        }
        print_notice(*notice);
        return {};
    });
}

Outcome show_consent(bool json) {
    return with_client([&](Client& client) { return print(client.receipt(), json ? receipt_json : receipt_text); });
}

Outcome grant_consent(const GrantOptions& options) {
    std::int64_t expiry = 0;
    if (options.days) {
        expiry = std::time(nullptr) + std::int64_t{*options.days} * 24 * 3600;
    } else if (!options.until.empty()) {
        expiry = parse_until(options.until).value();
    }
    if (!options.yes && ::isatty(STDIN_FILENO) == 0) {
        return std::unexpected(Refusal{"no terminal to ask on: read the notice (candorctl notice), then pass --yes"});
    }
    return with_client([&](Client& client) -> Outcome {
        auto notice = client.notice();
        if (!notice) {
            return std::unexpected(std::move(notice.error()));
        }
        print_notice(*notice);
        const std::int64_t end = expiry != 0 ? expiry : std::time(nullptr) + std::int64_t{notice->max_days} * 24 * 3600;
        std::cout << fmt::format("Level: {}\nYour consent would end at {}, or when you take it back.\n\n",
                                 options.level, consent::format_utc(end));
        if (!options.yes && !ask()) {
            return std::unexpected(Refusal{"not confirmed: nothing was changed"});
        }
        return print(client.grant(options.level, notice->policy_hash, expiry), [](const std::string& json) {
            return "Consent is given. To take it back: candorctl consent revoke\n" + receipt_text({"valid", json});
        });
    });
}

Outcome revoke_consent() {
    return with_client([](Client& client) {
        return print(client.revoke(), [](const std::string& json) {
            return "Consent is withdrawn: recording has stopped.\n" + receipt_text({"withdrawn", json});
        });
    });
}

std::optional<std::int64_t> parse_until(std::string_view text) {
    if (const auto utc = consent::parse_utc(text)) {
        return utc;
    }
    // Only a day that exists: the same check as for the long form.
    if (text.size() != 10 || !consent::parse_utc(std::string(text) + "T00:00:00Z")) {
        return std::nullopt;
    }
    std::tm parts{};
    ::strptime(std::string(text).c_str(), "%Y-%m-%d", &parts);
    parts.tm_isdst = -1;
    const std::time_t seconds = std::mktime(&parts);
    return seconds < 0 ? std::nullopt : std::optional<std::int64_t>(seconds);
}

} // namespace candor::ctl
