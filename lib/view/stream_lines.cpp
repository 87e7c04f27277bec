// SPDX-License-Identifier: Apache-2.0
#include "view/stream_lines.h"

#include "base/hex.h"
#include "input/eligibility.h"
#include "input/names.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <iterator>
#include <utility>
#include <variant>

namespace candor::view {
namespace {

using Json = nlohmann::ordered_json;

std::string line(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"; }

Json or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

} // namespace

/// The line of a frame; what belongs to no stream has none.
struct StreamLines::Body {
    StreamLines& self;

    void operator()(const wire::Open& open) const {
        self.stream_ = to_hex(open.stream);
        self.out_(line({{"kind", "open"},
                        {"stream", self.stream_},
                        {"file", self.source_},
                        {"subject", to_hex(open.subject)},
                        {"epoch", open.epoch},
                        {"number", open.number},
                        {"run", to_hex(open.run)},
                        {"boot_id", to_hex(open.boot_id)},
                        {"level", privacy::level_name(open.level)},
                        {"policy_hash", to_hex(open.policy_hash)},
                        {"consent_version", open.consent_version},
                        {"identity", to_hex(open.identity)}}));
        (*this)(open.anchor);
    }
    void operator()(const ClockAnchor& clock) const {
        self.out_(line({{"kind", "clock"},
                        {"stream", self.stream_},
                        {"monotonic_ns", clock.monotonic_ns},
                        {"boottime_ns", clock.boottime_ns},
                        {"realtime_ns", clock.realtime_ns}}));
    }
    void operator()(const wire::Gap& gap) const {
        self.out_(line({{"kind", "gap"},
                        {"stream", self.stream_},
                        {"reason", wire::gap_reason_name(gap.reason)},
                        {"from_us", gap.from_us},
                        {"to_us", gap.to_us},
                        {"events", gap.events ? Json(*gap.events) : Json()},
                        {"device", gap.device == wire::all_devices ? Json() : Json(gap.device)}}));
    }
    void operator()(const wire::Close& close) const {
        self.out_(line({{"kind", "close"},
                        {"stream", self.stream_},
                        {"reason", wire::close_reason_name(close.reason)},
                        {"produced", close.produced},
                        {"stored", close.stored},
                        {"declared", close.declared}}));
    }
    template <typename Other> void operator()(const Other& /*frame*/) const {}
};

StreamLines::StreamLines(std::string source, Sink out) : source_(std::move(source)), out_(std::move(out)) {}

void StreamLines::write(const wire::StreamOpener::Item& item) {
    std::visit(Body{*this}, item.frame.body);
    if (!item.batch) {
        return;
    }
    for (const input::DeviceInfo& device : item.batch->devices) {
        out_(line({{"kind", "device"},
                   {"stream", stream_},
                   {"device", device.index},
                   {"class", input::class_name(device.device_class)},
                   {"bus", device.bus},
                   {"vendor", device.vendor},
                   {"product", device.product},
                   {"version", device.version},
                   {"name", device.name}}));
    }
    // Without a JSON tree: there are many, and nothing in them needs an escape.
    fmt::memory_buffer lines;
    item.batch->packets.for_each([&](const input::Packet& packet) {
        for (const input::Event& event : packet.events) {
            fmt::format_to(
                std::back_inserter(lines),
                R"({{"kind":"event","stream":"{}","device":{},"t_us":{},"type":"{}","code":"{}","value":{}}})"
                "\n",
                stream_, packet.device, packet.time_us, input::type_name(event.type),
                input::code_name(event.type, event.code), event.value);
        }
    });
    if (lines.size() > 0) {
        out_({lines.data(), lines.size()});
    }
}

void StreamLines::write_problem(std::size_t offset, std::string_view problem) {
    out_(line({{"kind", "damaged"},
               {"stream", or_null(stream_)},
               {"file", source_},
               {"offset", offset},
               {"problem", problem}}));
}

void StreamLines::write_unclosed() { out_(line({{"kind", "unclosed"}, {"stream", stream_}})); }

} // namespace candor::view
