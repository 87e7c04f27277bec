// SPDX-License-Identifier: Apache-2.0
#include "fuzz/fuzz.h"
#include "fuzz/in_memory.h"

#include "audit/entry.h"
#include "audit/head.h"
#include "base/file.h"
#include "support/temporary_directory.h"

#include <fstream>
#include <iterator>

// The input is a log, and what follows a byte 0 its head. It is read with that head, with the head that a device would
// have signed for the entries in it that hold, and each line is made an entry of its own: no mutation makes a good hash.
using namespace candor;
using test::require;

namespace {

struct Device : test::InMemory {
    test::TemporaryDirectory directory;
    wire::Identity identity = (wire::init_crypto(), wire::Identity::generate());
    std::filesystem::path log = directory / "audit.log";
    std::filesystem::path head = directory / "audit.head";

    void put(std::string_view log_bytes, std::string_view head_bytes) const {
        std::ofstream(log, std::ios::binary | std::ios::trunc) << log_bytes;
        std::ofstream(head, std::ios::binary | std::ios::trunc) << head_bytes;
    }
    [[nodiscard]] audit::Verification verify() const { return audit::verify(directory.path(), identity.public_key()); }
    [[nodiscard]] std::string read() const {
        std::ifstream file(log, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    }
};

/// How much of it is a chain.
audit::Head chained(std::string_view log) {
    audit::Head head;
    for (;;) {
        const std::string_view rest = log.substr(head.bytes);
        const auto end = rest.find('\n');
        const auto parsed = audit::parse_entry(rest.substr(0, end));
        if (end == std::string_view::npos || !parsed || parsed->previous != head.last ||
            parsed->entry.number != head.entries + 1) {
            return head;
        }
        head = {head.entries + 1, head.bytes + end + 1, parsed->hash};
    }
}

void check_verification(const Device& device, std::string_view log) {
    const audit::Verification found = device.verify();
    require(found.intact == found.problem.empty(), "what is not intact says where");
    if (found.intact) {
        const audit::Head whole = chained(log);
        require(whole.bytes == log.size() && whole.entries == found.entries, "an intact log is a chain to its end");
    }
}

void check_line(std::string_view line) {
    const auto parsed = audit::parse_entry(line);
    if (!parsed) {
        require(!parsed.error().message.empty(), "a refusal says why");
    } else {
        require(audit::write_entry(*parsed) == line, "what was read is as it was written");
        require(audit::chain(parsed->entry, parsed->previous).hash == parsed->hash, "a hash is that of its entry");
    }
    audit::Entry entry;
    entry.number = 1 + line.size();
    entry.time = static_cast<std::int64_t>(line.size()) - 10;
    entry.detail = audit::fit_detail(line);
    require(audit::fit_detail(entry.detail) == entry.detail, "what fits is left as it is");
    const auto again = audit::parse_entry(audit::write_entry(audit::chain(entry, {})));
    require(again && again->entry == entry, "what was written can be read");
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Device device;
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const std::size_t cut = input.find('\0');
    const std::string_view log = input.substr(0, cut);

    for (std::string_view rest = log; !rest.empty();) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        check_line(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }

    device.put(log, cut == std::string_view::npos ? "" : input.substr(cut + 1));
    check_verification(device, log);

    const audit::Head head = chained(log);
    device.put(log, audit::write_head(head, device.identity));
    check_verification(device, log);
    require(device.verify().entries == head.entries, "what the head covers holds");
    const auto opened = audit::Log::open(device.directory.path(), device.identity);
    if (opened) {
        require(device.read().starts_with(log.substr(0, head.bytes)), "an opened log keeps what the head covered");
        require(device.verify().intact, "an opened log is intact");
    } else {
        require(device.read() == log, "a refused log is left as it is");
    }
    return 0;
}
