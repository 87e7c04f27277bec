// SPDX-License-Identifier: Apache-2.0
// Tombstones are honoured before anything is read, and the receipt says what went.
#include "lake.h"

#include "base/file.h"

using namespace candor;
using namespace candor::test;

namespace {

struct Asked : Lake {
    Asked() {
        first = add(numbered(1));
        second = add(numbered(2));
        tombstone.id = wire::random_id();
        tombstone.subject = keys.subject.subject;
        tombstone.last_epoch = 1;
    }
    void ask(const wire::Identity& signer) const {
        add(to_hex(tombstone.id) + ".tombstone",
            wire::encode_single(wire::tombstone_magic, wire::make_tombstone(signer, tombstone)));
    }
    [[nodiscard]] std::filesystem::path receipt() const {
        return root() / "receipts" / (to_hex(tombstone.id) + ".receipt");
    }
    [[nodiscard]] std::expected<wire::Erasure, Refusal> received() const {
        const auto bytes = read_file(receipt(), wire::max_erasure_bytes);
        return bytes ? wire::check_erasure(*bytes) : std::unexpected(bytes.error());
    }

    std::filesystem::path first;
    std::filesystem::path second;
    wire::Tombstone tombstone;
};

} // namespace

TEST_CASE("an erasure destroys segments and grants, and its receipt counts them, signed by the key holder") {
    const Asked lake;
    lake.ask(lake.keys.identity);
    const Result result = lake.erase();
    CHECK(result.status == 0);
    CHECK_FALSE(std::filesystem::exists(lake.first));
    CHECK_FALSE(std::filesystem::exists(lake.second));
    CHECK_FALSE(std::filesystem::exists(lake.grant()));
    const auto receipt = lake.received();
    REQUIRE(receipt.has_value());
    CHECK(receipt->segments == 2);
    CHECK(receipt->grants == 1);
    CHECK(receipt->bytes > 0);
    CHECK(receipt->subject == lake.tombstone.subject);
    CHECK(receipt->identity == lake.keys.identity.public_key());
    CHECK(receipt->signer == lake.keys.recipient.signer().public_key());
    CHECK(lake.verify().status == 0);
    CHECK(has(lake.verify().output, ": erased\n"));
}

TEST_CASE("dump destroys what it must before it opens anything, and prints nothing of it") {
    const Asked lake;
    lake.ask(lake.keys.identity);
    const Result result = lake.dump();
    CHECK(result.status == 0);
    CHECK(result.output.empty());
    CHECK_FALSE(std::filesystem::exists(lake.first));
    CHECK(lake.received().has_value());
}

TEST_CASE("read-only dump and verify leave what is to be erased, and open none of it") {
    const Asked lake;
    lake.ask(lake.keys.identity);
    CHECK(lake.dump({"--read-only"}).output.empty());
    const Result verified = lake.verify();
    CHECK(verified.status == 0);
    CHECK(has(verified.output, "3 files wait for erasure, and were not read"));
    CHECK(std::filesystem::exists(lake.first));
    CHECK_FALSE(std::filesystem::exists(lake.receipt()));
}

TEST_CASE("what arrives late is destroyed too, and the receipt is renewed") {
    const Asked lake;
    lake.ask(lake.keys.identity);
    CHECK(lake.erase().status == 0);
    lake.add(lake.numbered(3));
    CHECK(lake.erase().status == 0);
    REQUIRE(lake.received().has_value());
    CHECK(lake.received()->segments == 3);
    const auto before = read_file(lake.receipt(), 4096);
    CHECK(lake.erase().status == 0);
    CHECK(read_file(lake.receipt(), 4096).value() == before.value());
}

TEST_CASE("what was recorded in a later epoch stays") {
    Asked lake;
    lake.ask(lake.keys.identity);
    auto context = lake.keys.context();
    context.epoch = 2;
    context.number = 1;
    const auto later = lake.add(lake.keys.stream(context));
    CHECK(lake.erase().status == 0);
    CHECK(std::filesystem::exists(later));
    CHECK_FALSE(std::filesystem::exists(lake.first));
}

TEST_CASE("a tombstone that another device has signed, or nobody, destroys nothing") {
    const Asked lake;
    lake.ask(wire::Identity::generate());
    CHECK(lake.erase().status == 0);
    CHECK(std::filesystem::exists(lake.first));
    auto message = wire::make_tombstone(lake.keys.identity, lake.tombstone);
    message[message.size() - 1] ^= 1;
    const auto file =
        lake.add(to_hex(lake.tombstone.id) + ".tombstone", wire::encode_single(wire::tombstone_magic, message));
    const Result result = lake.erase();
    CHECK(result.status == 1);
    CHECK(has(result.errors, file.string() + ": tombstone.signature: "));
    CHECK(std::filesystem::exists(lake.first));
}

TEST_CASE("the segments of a device that is not enrolled are named and kept aside") {
    const Asked lake;
    const std::string enrolled = to_hex(wire::Identity::generate().public_key());
    const Result result = lake.erase({"--identity", enrolled});
    CHECK(result.status == 0);
    CHECK(has(result.output, lake.first.string() + ": of device "));
    CHECK_FALSE(std::filesystem::exists(lake.first));
    CHECK(std::filesystem::exists(lake.root() / "refused" / to_hex(lake.keys.subject.subject) / lake.first.filename()));
    CHECK(lake.verify({"--identity", enrolled}).status == 0);
}

TEST_CASE("a device that was enrolled is accepted, and one that was removed no more") {
    const Asked lake;
    const TemporaryDirectory folder;
    const std::string file = (folder / "below").string() + "/devices.conf";
    const std::string device = to_hex(lake.keys.identity.public_key());
    CHECK(refine({"enroll", "--devices", file, "--name", "desk 4", device}).status == 0);
    CHECK(refine({"enroll", "--devices", file, "--list"}).output == device + " desk 4\n");
    CHECK(has(refine({"enroll", "--devices", file, device}).errors, "is enrolled already, as desk 4"));
    CHECK(lake.verify({"--devices", file}).status == 0);
    CHECK(refine({"enroll", "--devices", file, "--remove", device}).status == 0);
    CHECK(lake.verify({"--devices", file}).status == 1);
    CHECK(refine({"enroll", "--devices", file, "0123"}).status == 2);
    CHECK(refine({"enroll", "--devices", file}).status == 2);
    std::ofstream(file) << "# mine\n\n" << device << "\n";
    CHECK(
        has(lake.verify({"--devices", file}).errors, file + ":3: expected 64 hexadecimal digits, a blank and a name"));
}
