// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "wire/batch_codec.h"
#include "wire/frame.h"
#include "wire/objects.h"

#include <memory>
#include <optional>
#include <span>

namespace candor::wire {

/// The key of one stream, out of its Open and the epoch's key. Refuses an Open that this key does not open.
[[nodiscard]] std::expected<SymmetricKey, Refusal> stream_key(const Open& open, const SymmetricKey& epoch_key);

/// Checks one stream frame by frame, and opens its batches when it was given a key. Everything is refused that the sealer would
/// not have written: order, versions, signatures, counts, the transcript. After a refusal it is spent. One thread.
class StreamOpener {
public:
    /// Without a key: batches are counted, not opened.
    StreamOpener();
    explicit StreamOpener(SymmetricKey epoch_key);
    /// With the key of this one stream, as stream_key() gives it.
    [[nodiscard]] static StreamOpener with_stream_key(SymmetricKey stream_key);
    ~StreamOpener();
    StreamOpener(StreamOpener&&) noexcept;
    StreamOpener& operator=(StreamOpener&&) noexcept;

    struct Item {
        Frame frame;                ///< a SealedBatch in it borrows from the message
        std::optional<Batch> batch; ///< with a key, of a Batch frame
    };
    /// The next frame; the refusal names its sequence and what was expected.
    [[nodiscard]] std::expected<Item, Refusal> next(std::span<const std::uint8_t> message);

    [[nodiscard]] const std::optional<Open>& open() const noexcept;
    [[nodiscard]] const std::optional<Close>& close() const noexcept;
    /// Events in the batches opened so far.
    [[nodiscard]] std::uint64_t events() const noexcept;

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace candor::wire
