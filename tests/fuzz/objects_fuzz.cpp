// SPDX-License-Identifier: Apache-2.0
// The input is a file of a tombstone or a note, a frame, or a receipt. No mutation makes a signature: what can be read is
// signed anew too, as a device that is enrolled and lies would.
#include "fuzz/fuzz.h"
#include "fuzz/fuzz_keys.h"

#include "wire/objects.h"
#include "wire/segment.h"

using namespace candor;
using test::require;

namespace {

using Bytes = std::span<const std::uint8_t>;

const wire::Identity& device() {
    static const wire::Identity identity = (wire::init_crypto(), wire::Identity::from_seed(test::fixed_epoch_key()));
    return identity;
}

bool same(const wire::Tombstone& a, const wire::Tombstone& b) {
    return a.id == b.id && a.subject == b.subject && a.last_epoch == b.last_epoch && a.streams == b.streams &&
           a.reason == b.reason && a.requested_ns == b.requested_ns;
}
bool same(const wire::Note& a, const wire::Note& b) {
    return a.stream == b.stream && a.subject == b.subject && a.epoch == b.epoch && a.number == b.number &&
           a.noticed_ns == b.noticed_ns;
}
bool same(const wire::Erasure& a, const wire::Erasure& b) {
    return a.tombstone == b.tombstone && a.subject == b.subject && a.identity == b.identity &&
           a.segments == b.segments && a.grants == b.grants && a.bytes == b.bytes && a.completed_ns == b.completed_ns;
}

void check_tombstone(const wire::Tombstone& tombstone) {
    require(tombstone.streams.size() <= wire::max_tombstone_streams, "a tombstone keeps the limit of streams");
    require(tombstone.streams.empty() == (tombstone.last_epoch != 0), "a tombstone names epochs or streams");
    for (const wire::StreamRef& stream : tombstone.streams) {
        require(stream.epoch != 0 && stream.number != 0, "streams are counted from 1");
        require(tombstone.covers(stream.stream, stream.epoch), "a tombstone covers what it names");
    }
    const auto again = wire::check_tombstone(wire::make_tombstone(device(), tombstone));
    require(again && same(*again, tombstone) && again->identity == device().public_key(), "signed anew it holds");
}

void check_note(const wire::Note& note) {
    require(note.epoch != 0 && note.number != 0, "a note's stream is counted from 1");
    const auto again = wire::check_note(wire::make_note(device(), note));
    require(again && same(*again, note) && again->identity == device().public_key(), "signed anew it holds");
}

void check_frame(Bytes message) {
    const auto frame = wire::parse_frame(message);
    require(frame.has_value() || (!wire::check_tombstone(message) && !wire::check_note(message)),
            "what is checked can be read");
    if (!frame) {
        return;
    }
    if (const auto* tombstone = std::get_if<wire::Tombstone>(&frame->body)) {
        check_tombstone(*tombstone);
    } else if (const auto* note = std::get_if<wire::Note>(&frame->body)) {
        check_note(*note);
    } else {
        require(!wire::check_tombstone(message) && !wire::check_note(message), "another frame is neither");
    }
}

void check_erasure(Bytes message) {
    const auto erasure = wire::parse_erasure(message);
    if (!erasure) {
        require(!erasure.error().message.empty() && !wire::check_erasure(message), "what is checked can be read");
        return;
    }
    const auto bytes = wire::make_erasure(device(), *erasure);
    require(bytes.size() <= wire::max_erasure_bytes, "a receipt fits into a reply");
    const auto again = wire::check_erasure(bytes);
    require(again && same(*again, *erasure) && again->signer == device().public_key(), "signed anew it holds");
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Bytes input(data, size);
    static_cast<void>(device());
    check_frame(input);
    check_erasure(input);
    for (const std::string_view magic : {wire::tombstone_magic, wire::note_magic}) {
        const auto message = wire::read_single(input, magic);
        if (!message) {
            require(!message.error().message.empty(), "a refusal says why");
            continue;
        }
        require(wire::read_single(wire::encode_single(magic, *message), magic) == *message,
                "what was read can be written");
        check_frame(*message);
    }
    return 0;
}
