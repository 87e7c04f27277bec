// SPDX-License-Identifier: Apache-2.0
#include "commands.h"

#include "receipt_report.h"
#include "report.h"
#include "when.h"
#include "with_client.h"

#include <fmt/format.h>

#include <limits.h>
#include <unistd.h>

#include <array>
#include <ctime>

namespace candor::ctl {
namespace {

/// What the caller consented to, when it is their recording: ConsentUntil is the person's at the seat. Root has no
/// consent to ask for, and candord's log would have a denied call for each status.
std::optional<OwnConsent> own_consent(Client& client, const Status& status) {
    if (!status.recording() || ::geteuid() == 0) {
        return std::nullopt;
    }
    const auto receipt = client.receipt();
    const auto terms = receipt && receipt->state == "valid" ? terms_of(receipt->json) : std::nullopt;
    if (!terms || terms->until != status.consent_until) {
        return std::nullopt;
    }
    return OwnConsent{terms->level, client.context_alive().value_or(false)};
}

} // namespace

Outcome show_status(bool json) {
    return with_client([json](Client& client) {
        return print(client.status(), [&](const Status& status) {
            const auto own = own_consent(client, status);
            return json ? status_json(status, own) : status_text(status, own, std::time(nullptr), Style::of_output());
        });
    });
}

Outcome show_identity(bool json) {
    return with_client([json](Client& client) -> Outcome {
        const auto status = client.status();
        if (!status) {
            return std::unexpected(status.error());
        }
        if (status->identity.empty()) {
            return std::unexpected(
                Failure{"candord has no identity: it is made when it first starts (journalctl -u candord)"});
        }
        std::array<char, HOST_NAME_MAX + 1> host{};
        ::gethostname(host.data(), host.size() - 1);
        std::cout << (json ? identity_json(status->identity, host.data())
                           : identity_text(status->identity, host.data()));
        return 0;
    });
}

Outcome show_devices(bool json) {
    return with_client([json](Client& client) {
        return print(client.status(), [json](const Status& status) {
            return json ? devices_json(status) : devices_text(status, Style::of_output());
        });
    });
}

Outcome pause_recording(std::chrono::seconds duration) {
    return with_client([duration](Client& client) {
        return print(client.pause(duration), [](std::int64_t until) {
            return fmt::format("Nothing of yours is recorded until {}.\nTo go on before that: candorctl resume\n",
                               local_time(until));
        });
    });
}

Outcome resume_recording() {
    return with_client([](Client& client) {
        return print(client.resume(),
                     [] { return "Your pause has ended. Whether you are recorded now: candorctl status\n"; });
    });
}

Outcome set_enabled(bool enabled) {
    return with_client([enabled](Client& client) {
        return print(client.set_enabled(enabled), [enabled] {
            return enabled ? "Recording is allowed again. It takes the consent of the person at the seat as before.\n"
                           : "Recording is switched off for everybody, until: candorctl enable\n";
        });
    });
}

} // namespace candor::ctl
