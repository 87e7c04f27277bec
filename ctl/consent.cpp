// SPDX-License-Identifier: Apache-2.0
#include "commands.h"

#include "base/printable.h"
#include "consent/words.h"
#include "privacy/level.h"
#include "receipt_report.h"
#include "text.h"
#include "when.h"
#include "with_client.h"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <ctime>

namespace candor::ctl {
namespace {

using privacy::Level;

constexpr std::int64_t day_seconds = 86'400;

std::vector<std::string> printable_all(const std::vector<std::string>& texts) {
    std::vector<std::string> safe;
    for (const std::string& text : texts) {
        safe.push_back(printable(text));
    }
    return safe;
}

std::string offer_text(const Offer& offer) {
    std::string text = printable(offer.text, true);
    text += text.ends_with('\n') ? "\n" : "\n\n";
    text += "Hash of the policy and this notice: " + printable(offer.policy_hash) + "\n";
    const auto ceiling = privacy::parse_level(offer.level_ceiling);
    text += "Levels that you can choose:         " +
            (ceiling ? consent::enumerate(consent::levels_up_to(*ceiling)) : printable(offer.level_ceiling)) + "\n";
    text +=
        "Devices that you can allow:         " + consent::enumerate(printable_all(offer.device_classes), "and") + "\n";
    text += "A consent lasts at most:            " + consent::counted(offer.max_days, "day") + "\n";
    return text;
}

Failure refusal(std::string message) { return Failure{std::move(message) + ": nothing was changed"}; }

Answer<Level> choose_level(const Offer& offer, const std::string& wanted) {
    const auto ceiling = privacy::parse_level(offer.level_ceiling);
    if (!ceiling) {
        return std::unexpected(refusal("the policy's level '" + printable(offer.level_ceiling) +
                                       "' is not known: candord is of another version than candorctl"));
    }
    if (wanted.empty()) {
        return std::min(Level::actions, *ceiling);
    }
    const auto level = privacy::parse_level(wanted);
    if (!level || *level > *ceiling) {
        return std::unexpected(refusal("level '" + printable(wanted) + "' is more than the policy allows, choose " +
                                       consent::enumerate(consent::levels_up_to(*ceiling))));
    }
    return *level;
}

Answer<void> check_devices(const Offer& offer, const std::vector<std::string>& wanted) {
    for (const std::string& device : wanted) {
        if (std::ranges::find(offer.device_classes, device) == offer.device_classes.end()) {
            return std::unexpected(refusal("'" + printable(device) +
                                           "' is not a class that the policy allows, choose of " +
                                           consent::enumerate(printable_all(offer.device_classes), "and")));
        }
    }
    return {};
}

/// 0 when neither is given: as long as the policy allows.
Answer<std::int64_t> choose_end(const Offer& offer, const GrantOptions& options, std::int64_t now) {
    if (options.days && *options.days > offer.max_days) {
        return std::unexpected(
            refusal("the policy allows a consent for " + consent::counted(offer.max_days, "day") + " at most"));
    }
    if (options.days) {
        return now + *options.days * day_seconds;
    }
    if (options.until.empty()) {
        return 0;
    }
    const std::int64_t until = parse_until(options.until).value();
    const std::int64_t latest = now + offer.max_days * day_seconds;
    if (until <= now) {
        return std::unexpected(refusal(local_time(until) + " is past"));
    }
    if (until > latest) {
        return std::unexpected(
            refusal(local_time(until) + " is later than the policy allows, at most " + local_time(latest)));
    }
    return until;
}

std::string choice_text(const Offer& offer, const GrantRequest& request, Level level, std::int64_t now) {
    const auto& devices = request.device_classes.empty() ? offer.device_classes : request.device_classes;
    const std::int64_t end = request.until != 0 ? request.until : now + offer.max_days * day_seconds;
    std::string text = "\nWhat you would consent to:\n";
    text += line("Level", fmt::format("{}: {}", request.level, consent::level_words(level)));
    if (level == Level::full) {
        text += line("", "(\"actions\" while no context helper says that no secret is being typed)");
    }
    text += line("Devices", consent::enumerate(printable_all(devices), "and"));
    text += line("Ends", local_time(end) + ", or when you take it back");
    return text + "\n";
}

} // namespace

Outcome show_notice() {
    return with_client([](Client& client) { return print(client.offer(), offer_text); });
}

Outcome show_consent(bool json) {
    return with_client([json](Client& client) { return print(client.receipt(), json ? receipt_json : receipt_text); });
}

Outcome grant_consent(const GrantOptions& options) {
    if (!options.yes && ::isatty(STDIN_FILENO) == 0) {
        return std::unexpected(Failure{"no terminal to ask on: read the notice (candorctl notice), then pass --yes"});
    }
    return with_client([&options](Client& client) -> Outcome {
        const auto offer = client.offer();
        if (!offer) {
            return std::unexpected(offer.error());
        }
        const std::int64_t now = std::time(nullptr);
        const auto level = choose_level(*offer, options.level);
        if (!level) {
            return std::unexpected(level.error());
        }
        if (const auto sound = check_devices(*offer, options.devices); !sound) {
            return std::unexpected(sound.error());
        }
        const auto until = choose_end(*offer, options, now);
        if (!until) {
            return std::unexpected(until.error());
        }
        const GrantRequest request{offer->policy_hash, std::string(privacy::level_name(*level)), options.devices,
                                   *until};
        std::cout << offer_text(*offer) << choice_text(*offer, request, *level, now);
        if (!options.yes && !confirm("Do you consent to this?")) {
            return std::unexpected(Failure{"not confirmed: nothing was changed"});
        }
        return print(client.grant(request), [](const std::string& json) {
            return "Consent is given. To take it back: candorctl consent revoke\n" + receipt_text({"valid", json});
        });
    });
}

Outcome revoke_consent(bool erase) {
    return with_client([erase](Client& client) {
        auto receipt = client.revoke(erase);
        if (!receipt && receipt.error().error == "org.candor.Capture1.Error.Failed") {
            receipt.error().message += "; recording has stopped, but the withdrawal is not stored: repeat this command";
        }
        return print(receipt, [erase](const std::string& json) {
            std::string text = "Consent is withdrawn: recording has stopped.\n";
            if (erase) {
                text +=
                    "Whatever was recorded of you before is erased here: its keys are destroyed on this machine, and "
                    "what had not\n"
                    "been handed to the shipper is gone. A signed order to destroy the rest is on its way, through "
                    "the\n"
                    "spool to the lake; until the lake has done it, who is named in the notice can still open what "
                    "had been\n"
                    "shipped. The lake's receipt will stand in: candorctl audit\n";
            } else {
                text += "What was recorded before stays. To erase it too: candorctl consent revoke --erase\n";
            }
            return text + receipt_text({"withdrawn", json});
        });
    });
}

} // namespace candor::ctl
