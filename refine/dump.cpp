// SPDX-License-Identifier: Apache-2.0
#include "verbs.h"

#include "base/hex.h"
#include "input/eligibility.h"
#include "input/names.h"
#include "lake.h"

#include <nlohmann/json.hpp>

#include <set>

namespace candor::refine {
namespace {

using Json = nlohmann::ordered_json;

/// The lines of one stream. Every line has "kind" and "stream"; a line of an event is written without a JSON tree.
class StreamLines {
public:
    StreamLines(std::filesystem::path file, Output& out) : file_(std::move(file)), out_(out) {}

    void write(const wire::StreamOpener::Item& item) {
        std::visit([&](const auto& body) { write_body(body); }, item.frame.body);
        if (!item.batch) {
            return;
        }
        for (const input::DeviceInfo& device : item.batch->devices) {
            line({{"kind", "device"},
                  {"stream", stream_},
                  {"device", device.index},
                  {"class", input::class_name(device.device_class)},
                  {"bus", device.bus},
                  {"vendor", device.vendor},
                  {"product", device.product},
                  {"version", device.version},
                  {"name", device.name}});
        }
        item.batch->packets.for_each([&](const input::Packet& packet) {
            for (const input::Event& event : packet.events) {
                out_.print(
                    R"({{"kind":"event","stream":"{}","device":{},"t_us":{},"type":"{}","code":"{}","value":{}}})"
                    "\n",
                    stream_, packet.device, packet.time_us, input::type_name(event.type),
                    input::code_name(event.type, event.code), event.value);
            }
        });
    }

    /// Where the stream stops although it should not: a hole in the data, so it stands in the data.
    void write_problem(const StreamReport& report) {
        line({{"kind", "damaged"},
              {"stream", stream_.empty() ? Json() : Json(stream_)},
              {"file", file_.string()},
              {"offset", report.offset},
              {"problem", *report.problem}});
    }
    void write_unclosed() { line({{"kind", "unclosed"}, {"stream", stream_}}); }

private:
    void write_body(const wire::Open& open) {
        stream_ = to_hex(open.stream);
        line({{"kind", "open"},
              {"stream", stream_},
              {"file", file_.string()},
              {"subject", to_hex(open.subject)},
              {"epoch", open.epoch},
              {"run", to_hex(open.run)},
              {"boot_id", to_hex(open.boot_id)},
              {"level", privacy::level_name(open.level)},
              {"policy_hash", to_hex(open.policy_hash)},
              {"consent_version", open.consent_version},
              {"identity", to_hex(open.identity)}});
        write_body(open.anchor);
    }
    void write_body(const ClockAnchor& clock) {
        line({{"kind", "clock"},
              {"stream", stream_},
              {"monotonic_ns", clock.monotonic_ns},
              {"boottime_ns", clock.boottime_ns},
              {"realtime_ns", clock.realtime_ns}});
    }
    void write_body(const wire::Gap& gap) {
        line({{"kind", "gap"},
              {"stream", stream_},
              {"reason", refine::name_of(gap.reason)},
              {"from_us", gap.from_us},
              {"to_us", gap.to_us},
              {"events", gap.events ? Json(*gap.events) : Json()},
              {"device", gap.device == wire::all_devices ? Json() : Json(gap.device)}});
    }
    void write_body(const wire::Close& close) {
        line({{"kind", "close"},
              {"stream", stream_},
              {"reason", refine::name_of(close.reason)},
              {"produced", close.produced},
              {"stored", close.stored},
              {"declared", close.declared}});
    }
    void write_body(const wire::SealedBatch&) {}
    void write_body(const wire::Grant&) {}
    void write_body(const wire::Hello&) {}

    void line(const Json& json) { out_.write(json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"); }

    std::filesystem::path file_;
    Output& out_;
    std::string stream_;
};

} // namespace

int dump(const std::vector<std::string>& paths, const Access& access, Output& out) {
    const Found found = find_segments(paths);
    bool well = found.problems.empty();
    for (const std::string& problem : found.problems) {
        complain(problem);
    }
    std::set<wire::Id16> seen;
    for (const auto& file : in_order_of_time(found.files)) {
        StreamLines lines(file, out);
        bool repeated = false;
        StreamReport report = read_segment(file, access, [&](const wire::StreamOpener::Item& item) {
            if (const auto* open = std::get_if<wire::Open>(&item.frame.body)) {
                repeated = !seen.insert(open->stream).second;
            }
            if (!repeated) {
                lines.write(item);
            }
        });
        if (repeated && !report.problem) {
            report.problem = "a stream that another file holds too; left out here";
        }
        if (report.problem) {
            lines.write_problem(report);
            complain(file.string() + ": " + *report.problem);
            well = false;
        } else if (!report.close) {
            lines.write_unclosed();
        }
    }
    return well ? 0 : 1;
}

} // namespace candor::refine
