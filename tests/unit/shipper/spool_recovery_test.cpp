// SPDX-License-Identifier: Apache-2.0
#include "unit/shipper/spool_fixture.h"

#include <random>

using namespace candor;
using candor::test::SpoolFixture;

TEST_CASE("after a crash a stream goes on where it was, whatever is sent again") {
    const std::size_t written = GENERATE(1u, 2u, 4u, 6u);
    const std::size_t again_from = GENERATE(0u, 1u, 2u, 4u);
    SpoolFixture fixture;
    const auto stream = fixture.stream();
    {
        auto spool = fixture.spool();
        spool.resume(SpoolFixture::names(stream), 0);
        static_cast<void>(SpoolFixture::take(spool, stream, 0, written, false));
    }
    if (again_from > written) {
        return;
    }
    auto spool = fixture.spool();
    spool.resume(SpoolFixture::names(stream), static_cast<std::uint32_t>(again_from));
    static_cast<void>(SpoolFixture::take(spool, stream, again_from, stream.size()));
    CHECK(fixture.read(SpoolFixture::segment(stream)) == "24 events, closed");
    CHECK(fixture.files() == std::set{SpoolFixture::segment(stream)});
    CHECK(fixture.files("damaged").empty());
    CHECK(fixture.log.empty());
}

TEST_CASE("a record that a crash cut in half is put aside and written anew") {
    SpoolFixture fixture;
    const auto stream = fixture.stream();
    {
        auto spool = fixture.spool();
        spool.resume(SpoolFixture::names(stream), 0);
        static_cast<void>(SpoolFixture::take(spool, stream, 0, 2));
    }
    const auto record = wire::encode_record(stream[2]);
    fixture.append_bytes(SpoolFixture::part(stream), {reinterpret_cast<const char*>(record.data()), record.size() / 2});
    auto spool = fixture.spool();
    spool.resume(SpoolFixture::names(stream), 2);
    static_cast<void>(SpoolFixture::take(spool, stream, 2, stream.size()));
    CHECK(fixture.read(SpoolFixture::segment(stream)) == "24 events, closed");
    CHECK(fixture.files("damaged").size() == 1);
    REQUIRE(fixture.log.size() == 1);
    CHECK(fixture.log[0].find("the file is cut") != std::string::npos);
}

TEST_CASE("a part cut anywhere is continued from its last whole frame") {
    std::mt19937 random(11);
    for (int round = 0; round < 40; ++round) {
        SpoolFixture fixture;
        const auto stream = fixture.stream();
        {
            auto spool = fixture.spool();
            spool.resume(SpoolFixture::names(stream), 0);
            static_cast<void>(SpoolFixture::take(spool, stream, 0, stream.size() - 1));
        }
        const auto path = fixture.folder / SpoolFixture::part(stream);
        std::filesystem::resize_file(path, random() % std::filesystem::file_size(path));
        // Nothing was acknowledged: candord sends it all again.
        auto spool = fixture.spool();
        spool.resume(SpoolFixture::names(stream), 0);
        static_cast<void>(SpoolFixture::take(spool, stream, 0, stream.size()));
        REQUIRE(fixture.read(SpoolFixture::segment(stream)) == "24 events, closed");
    }
}

TEST_CASE("a stream that candord does not name any more is delivered without a Close") {
    SpoolFixture fixture;
    const auto left = fixture.stream();
    {
        auto spool = fixture.spool();
        spool.resume(SpoolFixture::names(left), 0);
        static_cast<void>(SpoolFixture::take(spool, left, 0, 3));
    }
    auto spool = fixture.spool();
    spool.resume({}, 0);
    CHECK(fixture.files() == std::set{SpoolFixture::segment(left)});
    CHECK(fixture.read(SpoolFixture::segment(left)) == "18 events");
}

TEST_CASE("an idle stream is left alone while candord names it") {
    SpoolFixture fixture;
    const auto stream = fixture.stream();
    {
        auto spool = fixture.spool();
        spool.resume(SpoolFixture::names(stream), 0);
        static_cast<void>(SpoolFixture::take(spool, stream, 0, 3));
    }
    auto spool = fixture.spool();
    spool.resume(SpoolFixture::names(stream), 3);
    CHECK(fixture.files() == std::set{SpoolFixture::part(stream)});
}

TEST_CASE("a stream that is whole leaves once candord names another or none") {
    SpoolFixture fixture;
    const auto stream = fixture.stream();
    {
        auto spool = fixture.spool();
        spool.resume(SpoolFixture::names(stream), 0);
        static_cast<void>(SpoolFixture::take(spool, stream, 0, stream.size(), false));
    }
    auto spool = fixture.spool();
    spool.resume({}, 0);
    CHECK(fixture.files() == std::set{SpoolFixture::segment(stream)});
}

TEST_CASE("frames whose beginning is lost are kept apart and acknowledged") {
    SpoolFixture fixture;
    const auto stream = fixture.stream();
    const auto next = fixture.stream();
    auto spool = fixture.spool();
    spool.resume(SpoolFixture::names(stream), 2);
    const auto ack = SpoolFixture::take(spool, stream, 2, stream.size());
    CHECK(ack.sequence == stream.size() - 1);
    CHECK(fixture.files("damaged").size() == 1);
    REQUIRE(fixture.log.size() == 1);
    CHECK(fixture.log[0].find("is not in the spool any more") != std::string::npos);
    static_cast<void>(SpoolFixture::take(spool, next, 0, next.size()));
    CHECK(fixture.files() == std::set{SpoolFixture::segment(next)});
}

TEST_CASE("a part that lost acknowledged frames is delivered as far as it goes, and the rest is kept apart") {
    SpoolFixture fixture;
    const auto stream = fixture.stream();
    {
        auto spool = fixture.spool();
        spool.resume(SpoolFixture::names(stream), 0);
        static_cast<void>(SpoolFixture::take(spool, stream, 0, 2));
    }
    auto spool = fixture.spool();
    spool.resume(SpoolFixture::names(stream), 4);
    static_cast<void>(SpoolFixture::take(spool, stream, 4, stream.size()));
    CHECK(fixture.files() == std::set{SpoolFixture::segment(stream)});
    CHECK(fixture.read(SpoolFixture::segment(stream)) == "18 events");
    CHECK(fixture.files("damaged").size() == 1);
}
