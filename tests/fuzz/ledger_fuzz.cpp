// SPDX-License-Identifier: Apache-2.0
#include "fuzz/fuzz.h"
#include "fuzz/in_memory.h"

#include "daemon/stream_ledger.h"
#include "support/temporary_directory.h"

#include <algorithm>
#include <fstream>
#include <limits>

using namespace candor;
using test::require;

namespace {

struct Folder : test::InMemory {
    test::TemporaryDirectory directory;
    std::filesystem::path file = directory / "streams";
};

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Folder folder;
    std::ofstream(folder.file, std::ios::binary | std::ios::trunc)
        .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
    auto ledger = daemon::StreamLedger::load(folder.file);
    if (!ledger) {
        require(ledger.error().message.starts_with(folder.file.string()), "a refusal names the file");
        return 0;
    }
    const auto unfinished = ledger->unfinished();
    const wire::Id16 subject{1, 2, 3, 4};
    const std::uint64_t number = ledger->next_number(subject, 1);
    require(number != 0, "a number is counted from 1");
    if (number == std::numeric_limits<std::uint64_t>::max()) {
        return 0; // the last one there is
    }
    const daemon::StreamLedger::Entry entry{{9, 9}, subject, 1, number, 0};
    ledger->begin(entry);
    const auto again = daemon::StreamLedger::load(folder.file);
    require(again.has_value(), "what was written can be read");
    require(again->next_number(subject, 1) == number + 1, "a number is given once");
    require(again->unfinished().size() == unfinished.size() + 1 &&
                std::equal(unfinished.begin(), unfinished.end(), again->unfinished().begin()) &&
                again->unfinished().back() == entry,
            "what was read is written");
    ledger->finish(std::span(&entry.stream, 1));
    require(std::ranges::find(ledger->unfinished(), entry.stream, &daemon::StreamLedger::Entry::stream) ==
                ledger->unfinished().end(),
            "what is finished is gone");
    return 0;
}
