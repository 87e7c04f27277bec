// SPDX-License-Identifier: Apache-2.0
#include "base/metrics_file.h"

#include "base/file.h"

#include <utility>

namespace candor {
namespace {

constexpr std::chrono::seconds interval{10};

} // namespace

MetricsFile::MetricsFile(EventLoop& loop, std::optional<std::filesystem::path> file,
                         std::function<std::string()> measure, std::function<void(const std::string&)> complain)
    : file_(std::move(file)), measure_(std::move(measure)), complain_(std::move(complain)),
      timer_(loop.add_timer(
          [this] {
              armed_ = false;
              write();
          },
          std::chrono::seconds(5))) {}

void MetricsFile::changed() {
    if (file_ && !armed_) {
        timer_.arm(interval);
        armed_ = true;
    }
}

void MetricsFile::write() {
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
        if (std::exchange(problem_, error.code()) != error.code()) {
            complain_(std::string("the file of metrics is not written: ") + error.what());
        }
    }
}

} // namespace candor
