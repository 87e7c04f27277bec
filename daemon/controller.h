// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "consent/gate.h"
#include "consent/pause_store.h"
#include "consent/policy.h"
#include "consent/receipt.h"
#include "consent/settings.h"
#include "daemon/audit_trail.h"
#include "daemon/context.h"
#include "daemon/denied.h"
#include "daemon/holdings.h"
#include "daemon/inhibitors.h"
#include "daemon/intake.h"
#include "daemon/light.h"
#include "daemon/password_prompts.h"
#include "daemon/recorder.h"
#include "daemon/session_watcher.h"
#include "input/capture.h"

#include <expected>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace candor::daemon {

/// Where candord's files are, and what it looks at.
struct Folders {
    std::filesystem::path config = "/etc/candor";
    std::filesystem::path state = "/var/lib/candor";
    std::filesystem::path leds = "/sys/class/leds";
    std::filesystem::path password_prompts = "/run/systemd/ask-password";
};

/// Holds everything the gate is a function of, evaluates it on every change, and makes the devices follow: closed first, and
/// open only while nothing is missing. Who may ask for what is not decided here (authority.h).
class Controller {
public:
    struct Observer {
        std::function<void()> state_changed;
        std::function<void()> devices_changed;
    };

    /// `holdings` has been resumed. `death_told`: a stream says where the process before this died; otherwise, if the audit log says that it
    /// was recording, the next stream of that person declares the loss. All references outlive this.
    Controller(EventLoop& loop, sd_bus* bus, Folders folders, const wire::Identity& identity, Recorder& recorder,
               Holdings& holdings, bool death_told);
    ~Controller();
    Controller(const Controller&) = delete;
    Controller& operator=(const Controller&) = delete;

    void observe(Observer observer) { observer_ = std::move(observer); }
    /// Reads the configuration and the policy again. What is refused closes the gate and is logged. `uid`: who asked.
    void reload(std::optional<std::uint32_t> uid = std::nullopt);
    /// Closes the devices and the stream for good. Once is enough; more do no harm.
    void shut_down();

    // What the bus tells.

    [[nodiscard]] const consent::Verdict& verdict() const noexcept { return verdict_; }
    [[nodiscard]] bool is_recording() const noexcept { return capture_ && capture_->is_open(); }
    [[nodiscard]] std::string reason_text(consent::Reason reason) const {
        return consent::reason_text(reason, inputs_);
    }
    /// The level in force; nothing while closed.
    [[nodiscard]] std::optional<privacy::Level> level() const;
    [[nodiscard]] const std::vector<input::DeviceStatus>& devices() const;
    /// Seconds since 1970 UTC; 0 without valid consent of the person at the seat.
    [[nodiscard]] std::int64_t consent_until() const noexcept { return consent_until_; }
    /// The same of the pause of the person at the seat.
    [[nodiscard]] std::int64_t paused_until() const noexcept { return paused_until_; }
    /// What holds recording off, candord's own findings (uid 0) first.
    [[nodiscard]] std::vector<Inhibitors::Inhibitor> inhibitors() const;
    struct Indicator {
        const char* name;
        bool required;
        bool works;
        std::string text;
    };
    [[nodiscard]] std::vector<Indicator> indicators() const;
    [[nodiscard]] bool is_enabled() const noexcept { return inputs_.enabled && inputs_.switched_on; }
    /// Nothing while the policy is refused.
    [[nodiscard]] const consent::Policy* policy() const noexcept { return policy_ ? &*policy_ : nullptr; }
    /// Why it is.
    [[nodiscard]] const std::string& policy_refusal() const noexcept { return inputs_.policy_refusal; }
    /// The uid of the active local session of class user; nothing without one.
    [[nodiscard]] std::optional<std::uint32_t> person() const;

    // Requests; `uid` is the caller's, as the bus vouches for it, and authorised.

    struct GrantCall {
        std::string policy_hash;
        std::string level;
        std::vector<std::string> devices;
        std::int64_t until = 0;
    };
    /// For the policy that is loaded. The receipt's JSON.
    [[nodiscard]] std::expected<std::string, Denied> grant(std::uint32_t uid, const GrantCall& call);
    /// The devices are closed when it returns; with `erase` the keys of what was recorded are destroyed too. The receipt's JSON; empty
    /// when there was nothing to take back.
    [[nodiscard]] std::string revoke(std::uint32_t uid, bool erase);
    struct ReceiptState {
        consent::ConsentState state;
        std::string json;
    };
    [[nodiscard]] ReceiptState receipt(std::uint32_t uid) const;
    /// The devices are closed when it returns. Until when, in seconds since 1970 UTC.
    [[nodiscard]] std::expected<std::int64_t, Denied> pause(std::uint32_t uid, std::uint64_t seconds);
    [[nodiscard]] std::expected<void, Denied> resume(std::uint32_t uid);
    /// The devices are closed when it returns.
    [[nodiscard]] std::expected<UniqueFd, Denied> inhibit(std::uint32_t uid, const std::string& who,
                                                          const std::string& why);
    [[nodiscard]] std::expected<void, Denied> set_enabled(std::uint32_t uid, bool enabled);

    // What was recorded of the caller and is still here (controller_data.cpp).

    struct Listing {
        std::vector<SpoolView::Stream> streams;
        std::size_t frames_on_their_way = 0;
    };
    [[nodiscard]] std::expected<Listing, Denied> list_data(std::uint32_t uid) const;
    struct OpenedData {
        std::vector<Holdings::Opened> streams;
        bool more = false;
    };
    /// Seconds since 1970 UTC, both ends counted; `to` 0: no end.
    [[nodiscard]] std::expected<OpenedData, Denied> open_data(std::uint32_t uid, std::int64_t from, std::int64_t to);
    /// How many streams went. What waits unsealed goes too where the range reaches the present.
    [[nodiscard]] std::expected<std::uint64_t, Denied> delete_data(std::uint32_t uid, std::int64_t from,
                                                                   std::int64_t to);
    /// The shipper brought the receipt of an erasure.
    void erasure_confirmed(const wire::ErasureMessage& message);

    Context& context() noexcept { return context_; }
    AuditTrail& trail() noexcept { return trail_; }

private:
    void load();
    void look_at_devices_of(const consent::Policy* policy);
    void look_at_person(std::int64_t now);
    void look_at_indicators();
    void look_at_inhibitors();
    /// Looks at everything, closes or opens. Asked for from within itself, it goes round once more.
    void evaluate();
    void evaluate_once();
    void arm(std::int64_t now);
    void open();
    void close(wire::CloseReason reason, wire::GapReason discarded, bool forget = false);
    void panic();
    void context_changed();
    void follow_trust();
    void erase(std::uint32_t uid);
    void inherit_loss();
    void light_changed();
    [[nodiscard]] bool same_grantee() const;
    [[nodiscard]] privacy::Level granted_level() const;
    /// granted_level(), or less while nobody vouches for it; nothing while not recording.
    [[nodiscard]] std::optional<privacy::Level> level_to_read() const;
    [[nodiscard]] std::filesystem::path switched_off_file() const { return folders_.state / "switched-off"; }

    EventLoop& loop_;
    Folders folders_;
    Recorder& recorder_;
    Holdings& holdings_;
    Intake intake_;
    AuditTrail trail_;
    consent::ReceiptStore receipts_;
    consent::PauseStore pauses_;
    Light light_;
    PasswordPrompts prompts_;
    Inhibitors inhibitors_;
    Context context_;
    Observer observer_;
    consent::GateInputs inputs_;
    consent::Verdict verdict_;
    bool evaluating_ = false;
    bool again_ = false;
    bool ends_ = false;                        ///< nothing opens any more
    bool trusted_ = false;                     ///< recording, and the context helper vouches: full is full
    std::optional<std::uint32_t> told_open_;   ///< whose recording the audit log says is on
    std::optional<std::uint32_t> context_uid_; ///< whose helper it says is registered
    std::set<std::uint32_t> unsaved_pauses_;   ///< uids; the disk did not take them
    std::set<std::uint32_t> unsaved_withdrawals_;
    std::optional<consent::Policy> policy_;
    std::int64_t consent_until_ = 0;
    std::int64_t paused_until_ = 0;
    std::optional<consent::Receipt> receipt_; ///< valid, of the person at the seat
    std::optional<wire::SubjectKeys> keys_;   ///< of the same
    std::optional<consent::Receipt> recording_for_;
    std::optional<consent::PolicyHash> recording_under_;
    std::uint32_t recording_epoch_ = 0;
    /// An earlier process died while it recorded this person, and no stream says so.
    struct Undeclared {
        std::uint32_t uid = 0;
        wire::Gap gap;
    };
    std::optional<Undeclared> undeclared_;
    std::vector<std::string> capture_rules_;
    std::unique_ptr<input::Capture> capture_;
    std::unique_ptr<SessionWatcher> sessions_;
    EventLoop::Source timer_;
    EventLoop::Source clock_steps_;
};

} // namespace candor::daemon
