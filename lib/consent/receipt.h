// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "consent/gate.h"
#include "consent/policy.h"
#include "wire/keys.h"

#include <cstdint>
#include <expected>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Consent receipts: what a person agreed to, signed by the device, in the field names of ISO/IEC TS 27560.
namespace candor::consent {

inline constexpr std::size_t max_receipt_bytes = 32 * 1024;

/// Numbered copies kept of one person's receipts; the oldest go first.
inline constexpr std::size_t max_receipt_history = 256;

/// What a sound receipt says. Times are seconds since 1970 UTC.
struct Receipt {
    std::string record_id;     ///< 32 hex digits, random
    std::uint32_t version = 0; ///< counts this person's receipts from 1, withdrawals too: Open.consentVersion
    std::uint32_t uid = 0;
    wire::Id16 subject{};
    bool withdrawn = false;
    std::string
        level; ///< as written; one this version does not know is worth nothing (ConsentState::level_unsupported)
    std::vector<input::DeviceClass> devices; ///< of a grant; empty in a withdrawal
    bool erase = false;                      ///< of a withdrawal: erasure of what was recorded before was asked for
    PolicyHash policy_hash{};
    std::int64_t event_time = 0;
    std::int64_t expiry = 0; ///< no longer valid from this second on; a withdrawal's is its event_time

    bool operator==(const Receipt&) const = default;
};

/// What the file holds. `receipt` is set only when the signature holds and the uid is the one asked for.
struct StoredReceipt {
    std::optional<Receipt> receipt;
    std::string json;    ///< the file as it is, when sound: what the person is given
    std::string problem; ///< why it is damaged; empty when sound or missing
};

/// What a stored receipt is worth. `expiry` is set when valid: arm a wall-clock timer for it, and assess again after it
/// and after every step of the wall clock.
struct Assessment {
    ConsentState state = ConsentState::none;
    std::optional<std::int64_t> expiry;
};

/// The wall clock may read this much earlier than the grant before the receipt is not believed (slewing, time zones of
/// the hardware clock excepted).
inline constexpr std::int64_t clock_slack_seconds = 300;

[[nodiscard]] Assessment assess(const StoredReceipt& stored, const PolicyHash& policy_hash, std::int64_t now);

struct GrantRequest {
    std::uint32_t uid = 0;
    wire::Id16 subject{};
    std::string level;                ///< at most the policy's
    std::vector<std::string> devices; ///< class names, each once and allowed by the policy; empty: all it allows
    std::int64_t now = 0;
    std::int64_t expiry = 0; ///< 0: as long as the policy allows
};

/// DIR/UID.json, mode 0600, and a numbered copy DIR/UID.VERSION.json of every receipt.
class ReceiptStore {
public:
    /// `directory` is made (0700) when it is missing; its parent must exist. The identity must outlive the store.
    ReceiptStore(std::filesystem::path directory, const wire::Identity& identity);

    /// Never refuses: what cannot be read, does not verify, or is older than a numbered copy is damaged, which closes.
    [[nodiscard]] StoredReceipt read(std::uint32_t uid) const;

    /// Writes a receipt for this policy and returns it as stored. Refuses, with a sentence for the person, a level
    /// above the policy's, a device class it does not allow, and an expiry that is past or beyond the policy's ConsentDays.
    /// Throws std::system_error if it cannot be written: nothing was granted then.
    [[nodiscard]] std::expected<StoredReceipt, Refusal> grant(const Policy& policy, const GrantRequest& request);

    /// Writes a withdrawal. If that throws, the old receipt may still stand: the caller must keep the gate closed.
    /// Works from any state, also without a receipt or with a damaged one.
    StoredReceipt withdraw(std::uint32_t uid, const wire::Id16& subject, std::int64_t now, bool erase);

private:
    [[nodiscard]] std::filesystem::path path_of(std::uint32_t uid) const;
    [[nodiscard]] std::filesystem::path numbered(std::uint32_t uid, std::uint32_t version) const;
    [[nodiscard]] std::uint32_t next_version(std::uint32_t uid) const;
    StoredReceipt write(std::uint32_t uid, std::uint32_t version, const std::string& json);

    std::filesystem::path directory_;
    const wire::Identity& identity_;
};

} // namespace candor::consent
