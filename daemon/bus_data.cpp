// SPDX-License-Identifier: Apache-2.0
// org.candor.Capture1.MyData: what was recorded of the caller and is still on this machine.
#include "base/hex.h"
#include "daemon/bus_call.h"

#include <array>

namespace candor::daemon {
namespace {

int get_embargo(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void* userdata, sd_bus_error*) {
    return handle(userdata, [&](BusObject& self) {
        const consent::Policy* policy = self.controller.policy();
        const auto seconds = policy != nullptr ? std::chrono::seconds(policy->embargo).count() : 0;
        return sd_bus_message_append(reply, "t", static_cast<std::uint64_t>(seconds));
    });
}

/// An empty answer to a call.
Message answer_to(sd_bus_message* call) {
    sd_bus_message* raw = nullptr;
    check(sd_bus_message_new_method_return(call, &raw), "answer a call");
    return Message(raw);
}

int list(sd_bus_message* call, void* userdata, sd_bus_error* error) {
    return handle(userdata, [&](BusObject& self) {
        return authorised(
            "MyData.List", call, self, error, [&self](sd_bus_message* m, sd_bus_error* e, std::uint32_t uid) {
                const auto listing = self.controller.list_data(uid);
                if (!listing) {
                    return fail(e, listing.error());
                }
                const Message answer = answer_to(m);
                check(sd_bus_message_open_container(answer.get(), 'a', "(sxxstb)"), "list the streams");
                for (const SpoolView::Stream& stream : listing->streams) {
                    check(sd_bus_message_append(answer.get(), "(sxxstb)", to_hex(stream.open.stream).c_str(),
                                                stream.from, stream.to, privacy::level_name(stream.open.level).data(),
                                                stream.bytes, static_cast<int>(stream.ended)),
                          "list the streams");
                }
                check(sd_bus_message_close_container(answer.get()), "list the streams");
                check(sd_bus_message_append(answer.get(), "t", std::uint64_t{listing->frames_on_their_way}),
                      "list the streams");
                return sd_bus_send(nullptr, answer.get(), nullptr);
            });
    });
}

/// The two times that Open and Delete take.
int read_range(sd_bus_message* call, std::int64_t& from, std::int64_t& to) {
    return sd_bus_message_read(call, "xx", &from, &to);
}

int open(sd_bus_message* call, void* userdata, sd_bus_error* error) {
    return handle(userdata, [&](BusObject& self) {
        return authorised(
            "MyData.Open", call, self, error, [&self](sd_bus_message* m, sd_bus_error* e, std::uint32_t uid) {
                std::int64_t from = 0;
                std::int64_t to = 0;
                if (const int r = read_range(m, from, to); r < 0) {
                    return r;
                }
                const auto opened = self.controller.open_data(uid, from, to);
                if (!opened) {
                    return fail(e, opened.error());
                }
                const Message answer = answer_to(m);
                check(sd_bus_message_open_container(answer.get(), 'a', "(shh)"), "hand out streams");
                for (const Holdings::Opened& stream : opened->streams) {
                    check(sd_bus_message_append(answer.get(), "(shh)", to_hex(stream.stream).c_str(),
                                                stream.segment.get(), stream.key.get()),
                          "hand out streams");
                }
                check(sd_bus_message_close_container(answer.get()), "hand out streams");
                check(sd_bus_message_append(answer.get(), "b", static_cast<int>(opened->more)), "hand out streams");
                return sd_bus_send(nullptr, answer.get(), nullptr);
            });
    });
}

int remove(sd_bus_message* call, void* userdata, sd_bus_error* error) {
    return handle(userdata, [&](BusObject& self) {
        return authorised("MyData.Delete", call, self, error,
                          [&self](sd_bus_message* m, sd_bus_error* e, std::uint32_t uid) {
                              std::int64_t from = 0;
                              std::int64_t to = 0;
                              if (const int r = read_range(m, from, to); r < 0) {
                                  return r;
                              }
                              const auto deleted = self.controller.delete_data(uid, from, to);
                              return deleted ? sd_bus_reply_method_return(m, "t", *deleted) : fail(e, deleted.error());
                          });
    });
}

const auto vtable = std::to_array<sd_bus_vtable>({
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("EmbargoSeconds", "t", get_embargo, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_METHOD_WITH_ARGS("List", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(sxxstb)", streams, "t", frames_on_their_way), list,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Open", SD_BUS_ARGS("x", from, "x", to), SD_BUS_RESULT("a(shh)", streams, "b", more), open,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Delete", SD_BUS_ARGS("x", from, "x", to), SD_BUS_RESULT("t", deleted), remove,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
});

} // namespace

BusInterface data_interface() noexcept { return {"org.candor.Capture1.MyData", vtable.data()}; }

} // namespace candor::daemon
