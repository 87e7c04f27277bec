// SPDX-License-Identifier: Apache-2.0
#include "privacy/quarantine.h"

#include "base/error.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <new>
#include <utility>

// Entries lie behind one another in chunks and never across two: a head, then what it heads. A chunk is filled once from its
// start and emptied once from its start, so what is not wiped lies between its two marks. A quarantine of nothing holds one
// chunk, the spare.
//
// Devices' clocks are one, but their packets do not arrive in the order of their times. The order of arrival rules: one that
// came early behind one that came late waits for it, and so waits longer, never shorter, than it must.

namespace candor::privacy {
namespace {

constexpr std::size_t chunk_bytes = 64 * 1024;

struct Head {
    std::uint64_t time_us; ///< of a hole: its end
    std::uint32_t device;
    std::uint32_t count; ///< of events; hole_mark for a hole
};

constexpr std::uint32_t hole_mark = UINT32_MAX;

struct HoleBody {
    std::uint64_t from_us;
    std::uint64_t events;
    std::uint32_t has_events;
    std::uint32_t reason;
};

static_assert(sizeof(Head) % alignof(Head) == 0 && sizeof(input::Event) == 8 && sizeof(HoleBody) % alignof(Head) == 0,
              "entries stay aligned behind one another");

constexpr std::size_t body_bytes(std::uint32_t count) noexcept {
    return count == hole_mark ? sizeof(HoleBody) : count * sizeof(input::Event);
}

std::size_t whole_pages(std::size_t bytes) noexcept {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    return (bytes + page - 1) / page * page;
}

/// Locked memory that no core dump and no child shows.
class Chunk {
public:
    /// Of no size, with errno set, where the kernel does not give such memory.
    explicit Chunk(std::size_t bytes) noexcept {
        void* const at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (at == MAP_FAILED) {
            return;
        }
        // Not mlock(): sanitizers make it do nothing, and their runs are to test this too.
        if (::madvise(at, bytes, MADV_DONTDUMP) < 0 || ::mlock2(at, bytes, 0) < 0) {
            const int error = errno;
            ::munmap(at, bytes);
            errno = error;
            return;
        }
        // Linux has it since 4.14. candord does not fork; this is for a library that does.
        static_cast<void>(::madvise(at, bytes, MADV_WIPEONFORK));
        at_ = static_cast<std::byte*>(at);
        size_ = bytes;
    }
    Chunk(Chunk&& other) noexcept
        : at_(std::exchange(other.at_, nullptr)), size_(std::exchange(other.size_, 0)),
          filled_(std::exchange(other.filled_, 0)), emptied_(std::exchange(other.emptied_, 0)) {}
    Chunk& operator=(Chunk&& other) noexcept {
        std::swap(at_, other.at_);
        std::swap(size_, other.size_);
        std::swap(filled_, other.filled_);
        std::swap(emptied_, other.emptied_);
        return *this;
    }
    ~Chunk() {
        if (at_ != nullptr) {
            wipe();
            ::munmap(at_, size_);
        }
    }

    explicit operator bool() const noexcept { return at_ != nullptr; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::size_t room() const noexcept { return size_ - filled_; }
    [[nodiscard]] bool drained() const noexcept { return emptied_ == filled_; }

    void append(const void* from, std::size_t bytes) noexcept {
        if (bytes > 0) {
            std::memcpy(at_ + filled_, from, bytes);
            filled_ += bytes;
        }
    }
    /// Of the oldest entry. The chunk must not be drained.
    [[nodiscard]] Head head() const noexcept {
        Head head;
        std::memcpy(&head, at_ + emptied_, sizeof head);
        return head;
    }
    [[nodiscard]] const std::byte* body() const noexcept { return at_ + emptied_ + sizeof(Head); }
    /// Wipes the oldest entry.
    void drop(std::size_t bytes) noexcept {
        ::explicit_bzero(at_ + emptied_, bytes);
        emptied_ += bytes;
    }
    /// Wipes what is left, and is as new.
    void wipe() noexcept {
        ::explicit_bzero(at_ + emptied_, filled_ - emptied_);
        filled_ = emptied_ = 0;
    }

private:
    std::byte* at_ = nullptr;
    std::size_t size_ = 0;
    std::size_t filled_ = 0;
    std::size_t emptied_ = 0;
};

void give_hole(const Head& head, const std::byte* body, input::ReaderSink& sink) {
    HoleBody hole;
    std::memcpy(&hole, body, sizeof hole);
    sink.on_hole({head.device, static_cast<input::HoleReason>(hole.reason), hole.from_us, head.time_us,
                  hole.has_events != 0 ? std::optional(hole.events) : std::nullopt});
}

} // namespace

struct Quarantine::State {
    /// Drops the entry it was made for, also when the sink throws: it has had it then.
    class Taking;

    explicit State(std::size_t bound) : bound_bytes(bound), spare(chunk_bytes) {
        if (!spare) {
            throw_errno("lock memory for the quarantine (RLIMIT_MEMLOCK)");
        }
    }

    [[nodiscard]] bool append(const Head& head, const void* body);
    void drop_oldest() noexcept;

    std::size_t bound_bytes;
    std::size_t bytes = 0;
    std::uint64_t events = 0;
    std::deque<Chunk> chunks; ///< none is drained
    Chunk spare;
};

class Quarantine::State::Taking {
public:
    explicit Taking(State& state) noexcept : state_(state) {}
    ~Taking() { state_.drop_oldest(); }
    Taking(const Taking&) = delete;
    Taking& operator=(const Taking&) = delete;

private:
    State& state_;
};

bool Quarantine::State::append(const Head& head, const void* body) {
    const std::size_t body_size = body_bytes(head.count);
    const std::size_t size = sizeof head + body_size;
    if (size > bound_bytes || bytes > bound_bytes - size) {
        return false;
    }
    if (chunks.empty() || chunks.back().room() < size) {
        Chunk next = size <= spare.size() ? std::move(spare) : Chunk(std::max(chunk_bytes, whole_pages(size)));
        if (!next) {
            return false;
        }
        chunks.push_back(std::move(next));
    }
    chunks.back().append(&head, sizeof head);
    chunks.back().append(body, body_size);
    bytes += size;
    events += head.count == hole_mark ? 0 : head.count;
    return true;
}

void Quarantine::State::drop_oldest() noexcept {
    Chunk& chunk = chunks.front();
    const Head head = chunk.head();
    const std::size_t size = sizeof head + body_bytes(head.count);
    chunk.drop(size);
    bytes -= size;
    events -= head.count == hole_mark ? 0 : head.count;
    if (chunk.drained()) {
        chunk.wipe();
        if (!spare && chunk.size() == chunk_bytes) {
            spare = std::move(chunk);
        }
        chunks.pop_front();
    }
}

Quarantine::Quarantine(std::size_t bound_bytes) : state_(std::make_unique<State>(bound_bytes)) {}

Quarantine::~Quarantine() = default;

bool Quarantine::push(const input::Packet& packet) {
    if (packet.events.size() >= hole_mark) {
        return false;
    }
    const Head head{packet.time_us, packet.device, static_cast<std::uint32_t>(packet.events.size())};
    return state_->append(head, packet.events.data());
}

bool Quarantine::push(const input::Hole& hole) {
    const HoleBody body{hole.from_us, hole.events.value_or(0), hole.events.has_value(),
                        static_cast<std::uint32_t>(hole.reason)};
    return state_->append({hole.to_us, hole.device, hole_mark}, &body);
}

void Quarantine::release(std::uint64_t before_us, Sink& sink) {
    while (!state_->chunks.empty()) {
        const Chunk& chunk = state_->chunks.front();
        const Head head = chunk.head();
        if (head.time_us >= before_us) {
            return;
        }
        const State::Taking taking(*state_);
        if (head.count == hole_mark) {
            give_hole(head, chunk.body(), sink);
        } else {
            const auto* events = std::launder(reinterpret_cast<const input::Event*>(chunk.body()));
            sink.on_packet({head.device, head.time_us, {events, head.count}});
        }
    }
}

std::optional<Quarantine::Discarded> Quarantine::discard(Sink& holes) {
    std::optional<Discarded> result;
    while (!state_->chunks.empty()) {
        const Chunk& chunk = state_->chunks.front();
        const Head head = chunk.head();
        const State::Taking taking(*state_);
        if (head.count == hole_mark) {
            give_hole(head, chunk.body(), holes);
            continue;
        }
        if (!result) {
            result = Discarded{head.time_us, head.time_us, 0};
        }
        result->from_us = std::min(result->from_us, head.time_us);
        result->to_us = std::max(result->to_us, head.time_us);
        result->events += head.count;
    }
    return result;
}

bool Quarantine::empty() const noexcept { return state_->chunks.empty(); }

std::optional<std::uint64_t> Quarantine::oldest_us() const noexcept {
    if (empty()) {
        return std::nullopt;
    }
    return state_->chunks.front().head().time_us;
}

std::size_t Quarantine::bytes() const noexcept { return state_->bytes; }

std::uint64_t Quarantine::events() const noexcept { return state_->events; }

} // namespace candor::privacy
