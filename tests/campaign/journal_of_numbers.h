// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"
#include "base/unique_fd.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>

namespace candor::campaign {

/// What was handed to the recorder, in a file on tmpfs that a killed process leaves as it was: a number is written here before it is
/// handed on, so whatever is stored is here. harness.py reads it.
class Numbers {
public:
    enum class Kind : std::uint32_t {
        begun,    ///< a recording; `value`: numbers so far, `time_us`: CLOCK_MONOTONIC
        produced, ///< `value`: the number, in one packet at `time_us`
        lost,     ///< `value`: the number, told as a counted loss at `time_us`
        sealed, ///< `value`: all numbers below it are out of the recorder's hands; `time_us`: frames that have been in the ring
        acked,   ///< `time_us`: frames that have left the ring; `value`: as above
        ended,   ///< a recording, in order
        refused, ///< as sealed, but the batch went into no frame
    };
    struct Record {
        std::uint64_t value = 0;
        std::uint64_t time_us = 0;
        Kind kind = Kind::begun;
        std::uint32_t pid = 0;
    };
    static_assert(sizeof(Record) == 24);

    explicit Numbers(const std::filesystem::path& file)
        : fd_(::open(file.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) {
        struct stat status {};
        if (!fd_ || ::fstat(fd_.get(), &status) < 0) {
            throw_errno("open " + file.string());
        }
        const auto size = status.st_size - status.st_size % static_cast<off_t>(sizeof(Record));
        if (::ftruncate(fd_.get(), size) < 0) {
            throw_errno("cut " + file.string());
        }
        read_back(size);
    }

    /// Since when earlier processes left numbers that were never sealed: the one before died, perhaps others before it that had not come
    /// to seal anything either. 0 when the last recording ended in order.
    [[nodiscard]] std::uint64_t died_since_us() const noexcept { return died_since_us_; }

    /// Writes down and returns the next number.
    std::uint64_t take(Kind kind, std::uint64_t time_us) {
        write(kind, next_, time_us);
        return next_++;
    }
    /// Numbers so far.
    [[nodiscard]] std::uint64_t count() const noexcept { return next_; }

    void write(Kind kind, std::uint64_t value, std::uint64_t time_us) {
        const Record record{value, time_us, kind, static_cast<std::uint32_t>(::getpid())};
        if (::write(fd_.get(), &record, sizeof record) != static_cast<ssize_t>(sizeof record)) {
            throw_errno("write down a number");
        }
    }

private:
    void read_back(off_t size) {
        bool number_known = false;
        bool settled = false;
        for (off_t at = size; at > 0 && !(number_known && settled); at -= static_cast<off_t>(sizeof(Record))) {
            Record record;
            if (::pread(fd_.get(), &record, sizeof record, at - static_cast<off_t>(sizeof record)) !=
                static_cast<ssize_t>(sizeof record)) {
                throw_errno("read back what was produced");
            }
            const bool is_number = record.kind == Kind::produced || record.kind == Kind::lost;
            settled = settled || record.kind == Kind::ended || (record.kind == Kind::sealed && record.value > 0);
            if (!settled && (is_number || record.kind == Kind::begun)) {
                died_since_us_ = record.time_us;
            }
            if (!number_known && is_number) {
                number_known = true;
                next_ = record.value + 1;
            }
        }
    }

    UniqueFd fd_;
    std::uint64_t next_ = 0;
    std::uint64_t died_since_us_ = 0;
};

} // namespace candor::campaign
