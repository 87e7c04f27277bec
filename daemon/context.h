// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/bus.h"
#include "daemon/denied.h"

#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace candor::daemon {

/// The helper in the person's session, as org.candor.Capture1.Context describes it: what it says is focused, and whether its
/// indicator is seen. Nothing it says is kept beyond what is asked for here.
class Context {
public:
    /// It must be heard this often, and counts as silent after twice that.
    static constexpr std::chrono::milliseconds heartbeat{1000};
    static constexpr std::size_t max_text_bytes = 256;

    enum class Focus : std::uint8_t {
        unknown, ///< also without a helper, or one that does not report
        plain,
        secure,
    };
    struct Callbacks {
        std::function<void()> changed; ///< one of the answers below is another now
        std::function<void()> vouched; ///< it has said anew that the focus is plain
    };

    Context(EventLoop& loop, sd_bus* bus, Callbacks callbacks);

    // Its calls. `sender` is its unique name on the bus.

    [[nodiscard]] std::expected<void, Denied> enroll(std::uint32_t uid, const std::string& sender,
                                                     const std::vector<std::string>& capabilities);
    [[nodiscard]] std::expected<void, Denied> report(const std::string& sender, const std::string& application,
                                                     const std::string& role, const std::string& field);
    [[nodiscard]] std::expected<void, Denied> beat(const std::string& sender, const std::string& indicator);
    [[nodiscard]] std::expected<void, Denied> leave(const std::string& sender);

    /// Who sits at the seat now; a helper of anybody else is forgotten.
    void set_person(std::optional<std::uint32_t> uid);
    /// Recording has begun or ended: a helper with an indicator must show it within twice the heartbeat.
    void set_recording(bool recording);

    [[nodiscard]] bool is_alive() const noexcept { return helper_ && !helper_->silent; }
    [[nodiscard]] std::optional<std::uint32_t> uid() const noexcept;
    [[nodiscard]] Focus focus() const noexcept;
    /// Whether the person sees, or would see, that recording is on.
    [[nodiscard]] bool indicator_works() const noexcept;
    /// The same in words.
    [[nodiscard]] std::string indicator_text() const;

private:
    struct Helper {
        std::uint32_t uid = 0;
        std::string sender;
        bool reports_focus = false;
        bool has_indicator = false;
        bool silent = false;
        Focus focus = Focus::unknown;
        std::string indicator;         ///< as it last said; empty before it did
        bool indicator_failed = false; ///< it did not show recording in time: believed no more
    };

    [[nodiscard]] std::expected<void, Denied> heard_from(const std::string& sender);
    void forget();
    void on_silence();
    void on_not_shown();

    EventLoop& loop_;
    sd_bus* bus_;
    Callbacks callbacks_;
    std::optional<Helper> helper_;
    bool recording_ = false;
    std::unique_ptr<BusCallback> owner_;
    EventLoop::Source silence_timer_;
    EventLoop::Source shown_timer_;
};

} // namespace candor::daemon
