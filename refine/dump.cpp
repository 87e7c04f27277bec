// SPDX-License-Identifier: Apache-2.0
#include "verbs.h"

#include "base/hex.h"
#include "catalogue.h"
#include "lake.h"
#include "view/stream_lines.h"

#include <set>

namespace candor::refine {
int dump(const std::vector<std::string>& paths, const Access& access, bool read_only, Output& out) {
    const Catalogue catalogue = survey(paths, access);
    bool well = catalogue.problems.empty() && catalogue.refused.empty();
    for (const std::string& problem : catalogue.problems) {
        complain(problem);
    }
    for (const Item& item : catalogue.refused) {
        complain(item.file.string() + ": of device " + to_hex(item.series.identity) + ", which is not enrolled");
    }
    // What has to be destroyed goes before anything is opened.
    if (!read_only) {
        well = honour(paths, access, catalogue) && well;
    }
    std::set<wire::Id16> seen;
    for (const auto& file : in_order_of_time(catalogue.segments)) {
        view::StreamLines lines(file.string(), [&out](std::string_view text) { out.write(text); });
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
            lines.write_problem(report.offset, *report.problem);
            complain(file.string() + ": " + *report.problem);
            well = false;
        } else if (!report.close) {
            lines.write_unclosed();
        }
    }
    return well ? 0 : 1;
}

} // namespace candor::refine
