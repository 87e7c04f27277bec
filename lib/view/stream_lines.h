// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "wire/stream_opener.h"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

/// What people and programs see of an opened stream.
namespace candor::view {

/// Everything in one stream as JSON lines: open, clock, device, event, gap, close, and what is wrong with it. Every line has
/// "kind" and "stream" (docs/candor-refine.1).
class StreamLines {
public:
    /// Takes whole lines, each with its newline; borrowed until it returns.
    using Sink = std::function<void(std::string_view)>;

    /// `source` is named as "file" where the stream begins or stops.
    StreamLines(std::string source, Sink out);

    void write(const wire::StreamOpener::Item& item);

    /// Where the stream stops although it should not: a hole in the data, so it stands in the data. `offset`: of the record
    /// in the file.
    void write_problem(std::size_t offset, std::string_view problem);
    /// The stream ends without a Close.
    void write_unclosed();

private:
    struct Body;

    std::string source_;
    Sink out_;
    std::string stream_; ///< hexadecimal; empty before Open
};

} // namespace candor::view
