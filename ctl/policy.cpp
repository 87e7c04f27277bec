// SPDX-License-Identifier: Apache-2.0
#include "commands.h"

#include "base/hex.h"
#include "base/printable.h"
#include "consent/policy.h"
#include "with_client.h"

namespace candor::ctl {

Outcome check_policy(const std::filesystem::path& file) {
    // A missing file is no entries to the parser, whose refusal would then be of the first key.
    std::error_code error;
    if (!std::filesystem::exists(file, error)) {
        return std::unexpected(Failure{printable(file.string()) + ": no such file, or not yours to read"});
    }
    const auto policy = consent::load_policy_file(file);
    if (!policy) {
        return std::unexpected(Failure{printable(policy.error().message)});
    }
    std::cout << "The policy is sound. Its hash: " << to_hex(policy->hash) << "\n";
    if (policy->recipients.empty()) {
        std::cout << "Nothing is recorded under it: [Recipients] names nobody who could open it.\n";
    }
    if (policy->dpia.empty()) {
        std::cout << "Nothing is recorded under it: DPIA= names no impact assessment.\n";
    }
    std::cout << "What the person is shown:\n\n" << printable(consent::present(*policy), true);
    return 0;
}

Outcome reload_policy() {
    return with_client([](Client& client) -> Outcome {
        if (const auto reloaded = client.reload_policy(); !reloaded) {
            return std::unexpected(reloaded.error());
        }
        return print(client.status(), [](const Status& status) {
            return "Configuration, policy and notice are read again. Hash of policy and notice: " +
                   printable(status.policy_hash) + "\n";
        });
    });
}

} // namespace candor::ctl
