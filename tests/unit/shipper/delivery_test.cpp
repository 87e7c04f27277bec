// SPDX-License-Identifier: Apache-2.0
#include "shipper/delivery.h"
#include "shipper/directory_sink.h"
#include "unit/shipper/spool_fixture.h"

#include <sys/stat.h>

using namespace candor;
using candor::test::SpoolFixture;

namespace {

/// A spool with one finished segment and its grant, and a lake.
struct DeliveryFixture : SpoolFixture {
    DeliveryFixture() {
        auto filling = spool();
        filling.resume(names(frames), 0);
        static_cast<void>(take(filling, frames, 0, frames.size()));
        REQUIRE(filling.take(wire::make_grant(identity, subject, std::vector{recipient.public_key})).has_value());
    }
    [[nodiscard]] std::filesystem::path in_lake() const { return lake / to_hex(subject.subject) / segment(frames); }

    Frames frames = stream();
    test::TemporaryDirectory lake;
    EventLoop loop;
};

class FailingSink final : public shipper::Sink {
public:
    std::expected<void, Refusal> store(const std::filesystem::path&, std::span<const std::uint8_t>) override {
        ++tries;
        return std::unexpected(Refusal{"the sink is full"});
    }
    int tries = 0;
};

} // namespace

TEST_CASE("a finished segment and its grant move into the person's folder of the lake") {
    DeliveryFixture fixture;
    auto spool = fixture.spool();
    const auto bytes = SpoolFixture::bytes_of(fixture.folder / SpoolFixture::segment(fixture.frames));
    shipper::DirectorySink sink(fixture.lake.path());
    shipper::Delivery delivery(fixture.loop, spool, sink,
                               [&](const std::string& message) { fixture.log.push_back(message); });
    delivery.run();
    CHECK(SpoolFixture::bytes_of(fixture.in_lake()) == bytes);
    CHECK(fixture.files().empty());
    std::size_t grants = 0;
    for (const auto& entry : std::filesystem::directory_iterator(fixture.in_lake().parent_path())) {
        grants += entry.path().extension() == ".grant" ? 1 : 0;
        struct stat status {};
        REQUIRE(::stat(entry.path().c_str(), &status) == 0);
        CHECK((status.st_mode & 0777) == 0640);
    }
    CHECK(grants == 1);
    CHECK(fixture.log.empty());
}

TEST_CASE("what the sink does not take stays in the spool, and is complained about once") {
    DeliveryFixture fixture;
    auto spool = fixture.spool();
    const auto before = fixture.files();
    FailingSink sink;
    shipper::Delivery delivery(fixture.loop, spool, sink,
                               [&](const std::string& message) { fixture.log.push_back(message); });
    delivery.run();
    delivery.run();
    CHECK(sink.tries == 2);
    CHECK(fixture.files() == before);
    REQUIRE(fixture.log.size() == 1);
    CHECK(fixture.log[0].find("the sink is full") != std::string::npos);
}

TEST_CASE("a lake that is not there is not made") {
    DeliveryFixture fixture;
    auto spool = fixture.spool();
    shipper::DirectorySink sink(fixture.lake / "missing");
    shipper::Delivery delivery(fixture.loop, spool, sink,
                               [&](const std::string& message) { fixture.log.push_back(message); });
    delivery.run();
    CHECK_FALSE(std::filesystem::exists(fixture.lake / "missing"));
    REQUIRE(fixture.log.size() == 1);
    CHECK(fixture.log[0].find("missing") != std::string::npos);
}

TEST_CASE("a file of the spool that is no segment is set aside, and the others are delivered") {
    DeliveryFixture fixture;
    auto spool = fixture.spool();
    fixture.append_bytes("00ff.candor", "CANDORSG nothing of the kind");
    shipper::DirectorySink sink(fixture.lake.path());
    shipper::Delivery delivery(fixture.loop, spool, sink,
                               [&](const std::string& message) { fixture.log.push_back(message); });
    delivery.run();
    CHECK(std::filesystem::exists(fixture.in_lake()));
    CHECK(fixture.files("damaged") == std::set<std::string>{"00ff.candor"});
    REQUIRE(fixture.log.size() == 1);
    CHECK(fixture.log[0].find("00ff.candor: byte 8: ") != std::string::npos);
}
