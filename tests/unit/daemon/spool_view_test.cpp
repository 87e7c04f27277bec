// SPDX-License-Identifier: Apache-2.0
#include "daemon/spool_view.h"

#include "base/file.h"
#include "base/hex.h"
#include "support/catch.h"
#include "support/temporary_directory.h"
#include "unit/wire/stream_fixture.h"
#include "wire/segment.h"

#include <array>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace candor;
using candor::test::StreamFixture;
using daemon::SpoolView;

namespace {

constexpr std::int64_t second_ns = 1'000'000'000;

struct Fixture : StreamFixture {
    Fixture() { std::filesystem::create_directory(spool); }

    /// A segment that began then, with the first so many of its frames.
    [[nodiscard]] std::vector<std::uint8_t> segment(std::int64_t from, std::uint64_t number, const wire::Identity& by,
                                                    std::size_t frames = 3) const {
        auto opened = context();
        opened.anchor.realtime_ns = from * second_ns + 5;
        opened.number = number;
        wire::StreamSealer sealer(by, subject.epoch_key, opened);
        wire::BatchEncoder encoder;
        const std::vector<wire::FrameBytes> all = {sealer.open(), sealer.batch(encoder.encode(typed({30})), 6),
                                                   sealer.close(wire::CloseReason::rotated, 6)};
        std::vector<std::uint8_t> file(wire::segment_magic.begin(), wire::segment_magic.end());
        for (std::uint32_t place = 0; place < frames; ++place) {
            const auto record = wire::encode_record(all[place], place);
            file.insert(file.end(), record.begin(), record.end());
        }
        return file;
    }
    /// Written, and last changed then.
    std::filesystem::path put(const std::string& name, std::span<const std::uint8_t> bytes, std::int64_t to = 0) const {
        write_file_atomically(spool / name, bytes, 0644);
        if (to != 0) {
            const std::array<timespec, 2> times{timespec{to, 0}, timespec{to, 0}};
            REQUIRE(::utimensat(AT_FDCWD, (spool / name).c_str(), times.data(), 0) == 0);
        }
        return spool / name;
    }
    [[nodiscard]] SpoolView view() const { return SpoolView(spool, ::getuid(), identity.public_key()); }
    [[nodiscard]] std::size_t seen() const { return view().list().value().size(); }

    test::TemporaryDirectory directory;
    std::filesystem::path spool = directory / "spool";
};

} // namespace

TEST_CASE("the streams in the spool are listed by time, with what their files say") {
    const Fixture fixture;
    const auto later = fixture.segment(2000, 2, fixture.identity);
    fixture.put("b.candor", later, 2600);
    fixture.put("a.part", fixture.segment(3000, 3, fixture.identity, 2), 3100);
    fixture.put("c.candor", fixture.segment(1000, 1, fixture.identity), 1600);
    const auto streams = fixture.view().list();
    REQUIRE(streams.has_value());
    REQUIRE(streams->size() == 3);
    CHECK((*streams)[0].open.number == 1);
    CHECK((*streams)[1].open.number == 2);
    CHECK((*streams)[1].open.subject == fixture.subject.subject);
    CHECK((*streams)[1].from == 2000);
    CHECK((*streams)[1].to == 2600);
    CHECK((*streams)[1].bytes == later.size());
    CHECK((*streams)[1].ended);
    CHECK((*streams)[1].file == fixture.spool / "b.candor");
    CHECK((*streams)[2].open.number == 3);
    CHECK_FALSE((*streams)[2].ended);
}

TEST_CASE("a file that was changed before its stream began ends when it began") {
    const Fixture fixture;
    fixture.put("a.candor", fixture.segment(5000, 1, fixture.identity), 10);
    CHECK(fixture.view().list().value()[0].to == 5000);
}

TEST_CASE("a stream touches the times from its beginning to its end, both counted") {
    SpoolView::Stream stream;
    stream.from = 100;
    stream.to = 200;
    CHECK(stream.touches(0, 0));
    CHECK(stream.touches(200, 0));
    CHECK_FALSE(stream.touches(201, 0));
    CHECK(stream.touches(0, 100));
    CHECK_FALSE(stream.touches(0, 99));
    CHECK(stream.touches(150, 160));
    CHECK(stream.touches(50, 300));
}

TEST_CASE("what is no segment of this device and of the shipper's own is passed over") {
    const Fixture fixture;
    const auto good = fixture.segment(1000, 1, fixture.identity);
    fixture.put("good.candor", good);
    REQUIRE(fixture.seen() == 1);

    fixture.put("other.candor", fixture.segment(1000, 1, wire::Identity::generate()));
    auto damaged = good;
    damaged[100] ^= 1;
    fixture.put("damaged.candor", damaged);
    fixture.put("cut.candor", std::span(good).first(40));
    fixture.put("magic.candor", std::span(good).first(8));
    fixture.put("empty.candor", {});
    fixture.put("text.candor", as_bytes(std::string(5000, 'x')));
    fixture.put("grant.grant",
                wire::encode_single(wire::grant_magic, wire::make_grant(fixture.identity, fixture.subject,
                                                                        std::vector{fixture.recipient.public_key})));
    fixture.put("segment.txt", good);
    // A batch in the place of the Open.
    std::vector<std::uint8_t> headless(wire::segment_magic.begin(), wire::segment_magic.end());
    const auto record = wire::encode_record(fixture.stream()[1], 0);
    headless.insert(headless.end(), record.begin(), record.end());
    fixture.put("headless.candor", headless);
    CHECK(fixture.seen() == 1);
}

TEST_CASE("links, folders and pipes are not followed, opened or waited for") {
    const Fixture fixture;
    const auto good = fixture.segment(1000, 1, fixture.identity);
    write_file_atomically(fixture.directory / "elsewhere", good, 0644);
    std::filesystem::create_symlink(fixture.directory / "elsewhere", fixture.spool / "soft.candor");
    std::filesystem::create_hard_link(fixture.directory / "elsewhere", fixture.spool / "hard.candor");
    std::filesystem::create_directory(fixture.spool / "folder.candor");
    REQUIRE(::mkfifo((fixture.spool / "pipe.candor").c_str(), 0600) == 0);
    CHECK(fixture.seen() == 0);
}

TEST_CASE("a file of another user is not the shipper's") {
    const Fixture fixture;
    fixture.put("a.candor", fixture.segment(1000, 1, fixture.identity));
    const SpoolView view(fixture.spool, ::getuid() + 1, fixture.identity.public_key());
    CHECK(view.list().value().empty());
}

TEST_CASE("a listed stream can be opened, until it has been shipped or replaced by a link") {
    const Fixture fixture;
    const auto bytes = fixture.segment(1000, 1, fixture.identity);
    const auto path = fixture.put("a.candor", bytes);
    const auto view = fixture.view();
    const auto streams = view.list().value();
    REQUIRE(streams.size() == 1);
    const auto fd = view.open(streams[0]);
    REQUIRE(fd.has_value());
    std::vector<std::uint8_t> read(bytes.size() + 1);
    CHECK(::pread(fd->get(), read.data(), read.size(), 0) == static_cast<ssize_t>(bytes.size()));
    read.resize(bytes.size());
    CHECK(read == bytes);
    std::filesystem::remove(path);
    CHECK(view.open(streams[0]).error().message == path.string() + ": No such file or directory");
    std::filesystem::create_symlink("/etc/passwd", path);
    CHECK_FALSE(view.open(streams[0]).has_value());
}

TEST_CASE("a spool that cannot be read is refused") {
    const Fixture fixture;
    const auto missing = fixture.directory / "missing";
    CHECK(SpoolView(missing, ::getuid(), fixture.identity.public_key()).list().error().message ==
          missing.string() + ": No such file or directory");
    CHECK(fixture.view().list().value().empty());
}
