// SPDX-License-Identifier: Apache-2.0
#include "verbs.h"

#include "base/hex.h"
#include "catalogue.h"

#include <algorithm>

namespace candor::refine {

int erase(const std::vector<std::string>& paths, const Access& access, Output& out) {
    const Catalogue catalogue = survey(paths, access);
    bool well = catalogue.problems.empty();
    for (const std::string& problem : catalogue.problems) {
        complain(problem);
    }
    for (const Item& item : catalogue.refused) {
        out.print("{}: of device {}, which is not enrolled: kept aside\n", printable(item.file.string()),
                  to_hex(item.series.identity));
    }
    for (const Item& item : catalogue.erased) {
        out.print("{}: destroyed\n", printable(item.file.string()));
    }
    well = honour(paths, access, catalogue) && well;
    const auto erasures =
        std::ranges::count_if(catalogue.tombstones, [](const Tomb& tomb) { return tomb.tombstone.last_epoch != 0; });
    out.print("{} erasures asked for, {} files destroyed, {} kept aside\n", erasures, catalogue.erased.size(),
              catalogue.refused.size());
    return well ? 0 : 1;
}

} // namespace candor::refine
