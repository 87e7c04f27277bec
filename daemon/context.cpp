// SPDX-License-Identifier: Apache-2.0
#include "daemon/context.h"

#include <algorithm>

namespace candor::daemon {
namespace {

std::unexpected<Denied> invalid(std::string message) {
    return std::unexpected(Denied{Denial::invalid_argument, std::move(message)});
}

} // namespace

Context::Context(EventLoop& loop, sd_bus* bus, Callbacks callbacks)
    : loop_(loop), bus_(bus), callbacks_(std::move(callbacks)),
      silence_timer_(loop_.add_timer([this] { on_silence(); })),
      shown_timer_(loop_.add_timer([this] { on_not_shown(); })) {}

std::expected<void, Denied> Context::enroll(std::uint32_t uid, const std::string& sender,
                                            const std::vector<std::string>& capabilities) {
    Helper helper;
    helper.uid = uid;
    helper.sender = sender;
    for (const std::string& capability : capabilities) {
        if (capability == "focus") {
            helper.reports_focus = true;
        } else if (capability == "indicator") {
            helper.has_indicator = true;
        } else {
            return invalid("capabilities: expected \"focus\" and \"indicator\"");
        }
    }
    if (!helper.reports_focus && !helper.has_indicator) {
        return invalid("capabilities: expected at least one of \"focus\" and \"indicator\"");
    }
    helper_ = std::move(helper);
    // Gone from the bus is gone: a crash is noticed at once.
    owner_ = std::make_unique<BusCallback>(loop_, [this, sender](sd_bus_message* signal) {
        const char* name = nullptr;
        const char* before = nullptr;
        const char* after = nullptr;
        if (sd_bus_message_read(signal, "sss", &name, &before, &after) >= 0 && *after == '\0' && helper_ &&
            helper_->sender == sender) {
            forget();
        }
    });
    owner_->match(bus_, "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" + sender + "'");
    silence_timer_.arm(2 * heartbeat);
    if (recording_) {
        shown_timer_.arm(2 * heartbeat);
    }
    callbacks_.changed();
    return {};
}

std::expected<void, Denied> Context::heard_from(const std::string& sender) {
    if (!helper_ || helper_->sender != sender) {
        return std::unexpected(Denied{Denial::not_registered, "call Register first"});
    }
    silence_timer_.arm(2 * heartbeat);
    return {};
}

std::expected<void, Denied> Context::report(const std::string& sender, const std::string& application,
                                            const std::string& role, const std::string& field) {
    if (auto known = heard_from(sender); !known) {
        return known;
    }
    if (!helper_->reports_focus) {
        return invalid("this helper was registered without \"focus\"");
    }
    // Whatever is wrong with a report, the focus has changed: the last one holds no longer.
    const bool sound = std::ranges::all_of(std::array{&application, &role, &field},
                                           [](const std::string* text) { return text->size() <= max_text_bytes; }) &&
                       (field == "plain" || field == "secure" || field == "unknown");
    Focus focus = Focus::unknown;
    if (field == "secure" || role == "password text") {
        focus = Focus::secure;
    } else if (sound && field == "plain" && !application.empty() && !role.empty()) {
        focus = Focus::plain;
    }
    const bool changed = helper_->focus != focus || helper_->silent;
    helper_->focus = focus;
    helper_->silent = false;
    if (changed) {
        callbacks_.changed();
    }
    if (focus == Focus::plain) {
        callbacks_.vouched();
    }
    if (!sound) {
        return invalid("expected texts of at most 256 bytes, and field \"plain\", \"secure\" or \"unknown\"");
    }
    return {};
}

std::expected<void, Denied> Context::beat(const std::string& sender, const std::string& indicator) {
    if (auto known = heard_from(sender); !known) {
        return known;
    }
    const bool said = indicator == "shown" || indicator == "ready" || indicator == "failed";
    if (helper_->has_indicator ? !said : !indicator.empty()) {
        return invalid(
            "indicator: expected \"shown\", \"ready\" or \"failed\" of a helper with an indicator, else \"\"");
    }
    const bool changed = helper_->silent || helper_->indicator != indicator;
    // What was focused when it fell silent says nothing about now.
    helper_->focus = helper_->silent ? Focus::unknown : helper_->focus;
    helper_->silent = false;
    helper_->indicator = indicator;
    if (indicator == "shown") {
        shown_timer_.disarm();
    } else if (recording_ && helper_->has_indicator && changed) {
        shown_timer_.arm(2 * heartbeat);
    }
    if (changed) {
        callbacks_.changed();
    }
    if (focus() == Focus::plain) {
        callbacks_.vouched();
    }
    return {};
}

std::expected<void, Denied> Context::leave(const std::string& sender) {
    if (auto known = heard_from(sender); !known) {
        return known;
    }
    forget();
    return {};
}

void Context::set_person(std::optional<std::uint32_t> uid) {
    if (helper_ && helper_->uid != uid) {
        forget();
    }
}

void Context::set_recording(bool recording) {
    if (recording == recording_) {
        return;
    }
    recording_ = recording;
    if (recording && helper_ && helper_->has_indicator) {
        shown_timer_.arm(2 * heartbeat);
    } else {
        shown_timer_.disarm();
    }
}

void Context::forget() {
    helper_.reset();
    silence_timer_.disarm();
    shown_timer_.disarm();
    callbacks_.changed();
}

void Context::on_silence() {
    if (helper_ && !helper_->silent) {
        helper_->silent = true;
        callbacks_.changed();
    }
}

void Context::on_not_shown() {
    if (helper_ && recording_ && helper_->indicator != "shown") {
        helper_->indicator_failed = true;
        callbacks_.changed();
    }
}

std::optional<std::uint32_t> Context::uid() const noexcept {
    return helper_ ? std::optional(helper_->uid) : std::nullopt;
}

Context::Focus Context::focus() const noexcept { return is_alive() ? helper_->focus : Focus::unknown; }

bool Context::indicator_works() const noexcept {
    return is_alive() && helper_->has_indicator && !helper_->indicator_failed &&
           (helper_->indicator == "shown" || helper_->indicator == "ready");
}

std::string Context::indicator_text() const {
    if (!helper_) {
        return "no helper is registered in the session";
    }
    if (helper_->silent) {
        return "the helper in the session has fallen silent";
    }
    if (!helper_->has_indicator) {
        return "the helper in the session has no indicator";
    }
    if (helper_->indicator_failed) {
        return "the helper in the session did not show that recording is on";
    }
    if (helper_->indicator.empty()) {
        return "the helper in the session has not said yet whether it shows one";
    }
    return "the helper in the session says: " + helper_->indicator;
}

} // namespace candor::daemon
