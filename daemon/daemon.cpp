// SPDX-License-Identifier: Apache-2.0
#include "daemon/daemon.h"

#include "base/journal.h"
#include "daemon/measure.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <stdexcept>
#include <system_error>

namespace candor::daemon {
namespace {

wire::Identity load_identity(const std::filesystem::path& file) {
    auto identity = wire::Identity::load_or_create(file);
    if (!identity) {
        throw std::runtime_error(identity.error().message);
    }
    return std::move(*identity);
}

/// Whether two descriptors are of the same memory.
bool same_file(int one, int other) {
    struct stat a {};
    struct stat b {};
    return ::fstat(one, &a) == 0 && ::fstat(other, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/// The ring that the process before left with the service manager, or a new one, which is left there too.
Ring take_ring(UniqueFd memfd, std::size_t bound, Inheritance& left) {
    if (!memfd) {
        Ring ring(bound);
        keep_descriptor(ring.fd(), "ring");
        return ring;
    }
    const UniqueFd kept(::fcntl(memfd.get(), F_DUPFD_CLOEXEC, 3));
    auto recovered = Ring::recover(std::move(memfd), bound);
    if (!recovered) {
        // Of a newer candord, which may come back.
        journal::error("the frames that wait cannot be read by this version, and are kept aside: " +
                       recovered.error().message);
        Ring ring(bound);
        forget_descriptor("ring");
        keep_descriptor(kept.get(), "ring-unread");
        keep_descriptor(ring.fd(), "ring");
        return ring;
    }
    for (const std::string& problem : recovered->problems) {
        journal::error("the ring of sealed frames was damaged: " + problem);
    }
    left = {std::move(recovered->unfinished), std::move(recovered->lost)};
    if (!same_file(kept.get(), recovered->ring.fd())) {
        forget_descriptor("ring");
        keep_descriptor(recovered->ring.fd(), "ring");
    }
    return std::move(recovered->ring);
}

StreamLedger take_ledger(const std::filesystem::path& state) {
    const auto file = state / "streams";
    auto ledger = StreamLedger::load(file);
    if (ledger) {
        return std::move(*ledger);
    }
    // How far the numbers had come is not known any more: everybody's next streams are of a new epoch, numbered from 1.
    journal::error("the ledger of streams is refused, and kept as streams.damaged: " + ledger.error().message);
    wire::SubjectStore(state / "subjects").begin_new_epochs(read_clock_anchor().realtime_ns / 1'000'000'000);
    std::filesystem::rename(file, state / "streams.damaged");
    return StreamLedger::load(file).value();
}

} // namespace

Daemon::Daemon(EventLoop& loop, sd_bus* bus, const Folders& folders, const consent::DaemonSettings& settings,
               Passed passed, uid_t shipper)
    : identity_(load_identity(folders.state / "identity.key")),
      ring_(take_ring(std::move(passed.ring), settings.ring_bytes, left_)), ledger_(take_ledger(folders.state)),
      holdings_(folders.state, identity_, ring_, ledger_, SpoolView(settings.spool, shipper, identity_.public_key()),
                [this] { server_.restart("what it was sent is deleted"); }),
      server_(loop, std::move(passed.listener), shipper, ring_, run_,
              {[](const std::string& message) { journal::warning(message); }, [this] { acknowledged(); },
               [this] {
                   object_.shipping_changed();
                   metrics_.changed();
                   drained();
               },
               [this](const wire::ErasureMessage& receipt) { controller_.erasure_confirmed(receipt); }}),
      recorder_(loop, ring_, ledger_, identity_, run_,
                [this] {
                    server_.send();
                    metrics_.changed();
                }),
      resumed_(holdings_.resume(std::move(left_), monotonic_us(), read_clock_anchor().realtime_ns)),
      controller_(loop, bus, folders, identity_, recorder_, holdings_,
                  resumed_.succession.ended + resumed_.succession.noted > 0),
      object_(loop, bus, controller_, recorder_, ring_, server_, identity_.public_key()),
      metrics_(
          loop, settings.metrics_file, [this] { return measure(controller_, recorder_, ring_, server_); },
          [](const std::string& problem) { journal::warning(problem); }),
      drain_timer_(loop.add_timer([this] { done_(); })) {
    controller_.observe({[this] {
                             object_.state_changed();
                             metrics_.changed();
                         },
                         [this] { object_.devices_changed(); }});
    tell_of(resumed_);
    metrics_.write();
}

void Daemon::tell_of(const Holdings::Resumed& resumed) {
    for (const std::string& problem : resumed.problems) {
        journal::error("a deletion was begun and is not done: " + problem);
    }
    const Succession& done = resumed.succession;
    if (done.ended + done.noted > 0) {
        const std::string detail = std::to_string(done.ended) + " with its frames, " + std::to_string(done.noted) +
                                   " whose end was lost with the machine's memory";
        controller_.trail().note(audit::Act::stream_ended, std::nullopt, std::nullopt, detail);
        journal::warning("streams that a process before left open are ended: " + detail);
    }
}

void Daemon::acknowledged() {
    try {
        holdings_.acknowledged(recorder_.stream());
    } catch (const std::system_error& error) {
        // It stays in the ledger, and is finished with the next one.
        journal::warning(std::string("the ledger of streams is not written: ") + error.what());
    }
    metrics_.changed();
    drained();
}

void Daemon::close() {
    controller_.shut_down();
    metrics_.write();
}

void Daemon::shut_down(std::function<void()> done) {
    close();
    done_ = std::move(done);
    drain_timer_.arm(drain_time);
    drained();
}

void Daemon::drained() {
    if (done_ && (ring_.frames() == 0 || !server_.is_connected())) {
        done_();
    }
}

} // namespace candor::daemon
