// SPDX-License-Identifier: Apache-2.0
#include "daemon/polkit.h"

#include "base/error.h"

namespace candor::daemon {
namespace {

constexpr std::chrono::minutes patience{2};
constexpr std::uint32_t allow_user_interaction = 1; // polkit's CheckAuthorizationFlags

bool is_yes(sd_bus_message* reply) {
    int authorized = 0;
    return sd_bus_message_is_method_error(reply, nullptr) == 0 &&
           sd_bus_message_enter_container(reply, 'r', "bba{ss}") >= 0 &&
           sd_bus_message_read(reply, "b", &authorized) >= 0 && authorized != 0;
}

Message check_authorization(sd_bus* bus, sd_bus_message* call, const std::string& action) {
    sd_bus_message* raw = nullptr;
    check(sd_bus_message_new_method_call(bus, &raw, "org.freedesktop.PolicyKit1",
                                         "/org/freedesktop/PolicyKit1/Authority",
                                         "org.freedesktop.PolicyKit1.Authority", "CheckAuthorization"),
          "make a call to polkit");
    Message message(raw);
    const bool interactive = sd_bus_message_get_allow_interactive_authorization(call) > 0;
    check(sd_bus_message_append(raw, "(sa{sv})sa{ss}us", "system-bus-name", 1, "name", "s",
                                sd_bus_message_get_sender(call), action.c_str(), 0,
                                interactive ? allow_user_interaction : 0u, ""),
          "make a call to polkit");
    return message;
}

} // namespace

struct Polkit::Pending {
    Pending(EventLoop& event_loop, std::function<void(bool)> on_answer)
        : loop(event_loop), answer(std::move(on_answer)),
          callback(loop, [this](sd_bus_message* reply) { finish(is_yes(reply)); }) {}

    /// In the next turn: neither the callback nor this may die while it runs.
    void finish(bool allowed) {
        done = loop.add_defer([this, allowed] {
            const auto last = std::move(end);
            last(allowed);
        });
    }

    EventLoop& loop;
    std::function<void(bool)> answer;
    std::function<void(bool)> end; ///< takes this from the list
    BusCallback callback;
    EventLoop::Source done;
};

Polkit::Polkit(EventLoop& loop, sd_bus* bus) : loop_(loop), bus_(bus) {}
Polkit::~Polkit() = default;

void Polkit::ask(sd_bus_message* call, const std::string& action, std::function<void(bool)> answer) {
    const bool full = pending_.size() >= most_pending;
    auto& pending = *pending_.emplace_back(std::make_unique<Pending>(loop_, std::move(answer)));
    pending.end = [this, &pending](bool allowed) {
        const auto tell = std::move(pending.answer);
        std::erase_if(pending_, [&](const auto& each) { return each.get() == &pending; });
        tell(allowed);
    };
    if (full) {
        pending.finish(false);
        return;
    }
    const Message question = check_authorization(bus_, call, action);
    pending.callback.call(bus_, question.get(), patience);
}

} // namespace candor::daemon
