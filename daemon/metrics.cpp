// SPDX-License-Identifier: Apache-2.0
#include "daemon/metrics.h"

#include "base/file.h"
#include "base/journal.h"

#include <system_error>

namespace candor::daemon {
namespace {

constexpr std::chrono::seconds interval{10};

} // namespace

Metrics::Metrics(EventLoop& loop, std::optional<std::filesystem::path> file, std::function<std::string()> measure)
    : file_(std::move(file)), measure_(std::move(measure)), timer_(loop.add_timer(
                                                                [this] {
                                                                    armed_ = false;
                                                                    write();
                                                                },
                                                                std::chrono::seconds(5))) {}

void Metrics::changed() {
    if (file_ && !armed_) {
        timer_.arm(interval);
        armed_ = true;
    }
}

void Metrics::write() {
    if (!file_) {
        return;
    }
    std::string text = measure_();
    if (text == written_) {
        return;
    }
    try {
        write_file_atomically(*file_, as_bytes(text), 0644);
        written_ = std::move(text);
        problem_.clear();
    } catch (const std::system_error& error) {
        // Not by its text, which names a file of a random name.
        if (problem_ != error.code().message()) {
            problem_ = error.code().message();
            journal::warning(std::string("the file of metrics is not written: ") + error.what());
        }
    }
}

} // namespace candor::daemon
