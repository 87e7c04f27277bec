// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "consent/gate.h"
#include "consent/policy.h"
#include "consent/receipt.h"
#include "consent/settings.h"
#include "daemon/recorder.h"
#include "daemon/session_watcher.h"
#include "input/capture.h"

#include <filesystem>
#include <memory>
#include <string>

namespace candor::daemon {

/// Where candord's files are.
struct Folders {
    std::filesystem::path config = "/etc/candor";
    std::filesystem::path state = "/var/lib/candor";
};

/// An answer to a person's request that is not a yes.
enum class Denial { not_authorized, policy_changed, policy_refused, invalid_argument };
struct Denied {
    Denial kind;
    std::string message;
};

/// Holds everything the gate is a function of, evaluates it on every change, and makes the devices follow: closed first, and
/// open only while nothing is missing.
class Controller {
public:
    struct Observer {
        std::function<void()> state_changed;
        std::function<void()> devices_changed;
    };

    Controller(EventLoop& loop, sd_bus* bus, Folders folders, const wire::Identity& identity, Recorder& recorder);
    ~Controller();

    void observe(Observer observer) { observer_ = std::move(observer); }
    /// Reads the configuration and the policy again. What is refused closes the gate and is logged.
    void reload();
    /// Closes the devices and the stream for good.
    void shut_down();

    [[nodiscard]] const consent::Verdict& verdict() const noexcept { return verdict_; }
    [[nodiscard]] bool is_recording() const noexcept { return capture_ && capture_->is_open(); }
    [[nodiscard]] std::string reason_text(consent::Reason reason) const {
        return consent::reason_text(reason, inputs_);
    }
    [[nodiscard]] const std::vector<input::DeviceStatus>& devices() const;
    /// Seconds since 1970 UTC; 0 without valid consent of the person at the seat.
    [[nodiscard]] std::int64_t consent_until() const noexcept { return consent_until_; }
    /// Nothing while the policy is refused.
    [[nodiscard]] const consent::Policy* policy() const noexcept { return policy_ ? &*policy_ : nullptr; }

    // The person's requests. `uid` is the caller's, as the bus vouches for it.

    /// Only from the uid of the active local session, and only for the policy that is loaded.
    [[nodiscard]] std::expected<std::string, Denied> grant(std::uint32_t uid, const std::string& level,
                                                           const std::string& policy_hash, std::int64_t expiry);
    /// For anybody about themselves, at any time. The devices are closed when it returns.
    [[nodiscard]] std::string revoke(std::uint32_t uid);
    struct ReceiptState {
        consent::ConsentState state;
        std::string json;
    };
    [[nodiscard]] ReceiptState receipt(std::uint32_t uid) const;

private:
    void load();
    void evaluate();
    void close(wire::CloseReason reason);
    void open();
    [[nodiscard]] bool same_grantee() const;

    EventLoop& loop_;
    Folders folders_;
    const wire::Identity& identity_;
    Recorder& recorder_;
    consent::ReceiptStore receipts_;
    Observer observer_;
    consent::GateInputs inputs_;
    consent::Verdict verdict_;
    std::optional<consent::Policy> policy_;
    std::int64_t consent_until_ = 0;
    std::optional<consent::Receipt> receipt_;
    std::optional<consent::Receipt> recording_for_;
    std::optional<consent::PolicyHash> recording_under_;
    std::vector<std::string> capture_rules_;
    std::unique_ptr<input::Capture> capture_;
    std::unique_ptr<SessionWatcher> sessions_;
    EventLoop::Source expiry_timer_;
    EventLoop::Source clock_steps_;
};

} // namespace candor::daemon
