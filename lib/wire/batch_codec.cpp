// SPDX-License-Identifier: Apache-2.0
#include "wire/batch_codec.h"

#include "base/wiping_allocator.h"
#include "wire/batch_model.h"
#include "wire/range_coder.h"
#include "wire/wire_limits.h"

#include <algorithm>
#include <stdexcept>
#include <string>

// The bytes are specified in proto/batch.capnp. A batch is coded by the stream's model; if that came out longer than
// max_plaintext_bytes (only a device bent on it gets there), it is stored as it is, and both sides begin a new model.
namespace candor::wire {

namespace {

using input::DeviceInfo;
using input::Event;
using input::Packet;

constexpr std::uint8_t version = 2;
constexpr std::uint8_t version_mask = 0x0f;
constexpr std::uint8_t with_devices = 0x10;
constexpr std::uint8_t stored = 0x20;

constexpr std::size_t device_bytes = 14;
constexpr std::size_t stored_packet_bytes = 12;
constexpr std::size_t stored_event_bytes = 8;
static_assert(1 + 1 + max_batch_devices * (device_bytes + max_device_name_bytes) + 2 +
                      max_batch_events * (stored_packet_bytes + stored_event_bytes) <=
                  max_plaintext_bytes,
              "a stored batch always fits");
static_assert(max_plaintext_bytes % padding_bytes == 0);

[[noreturn]] void beyond(const std::string& what) { throw std::invalid_argument("batch: " + what); }

class ByteWriter {
public:
    explicit ByteWriter(std::span<std::uint8_t> out) : out_(out) {}
    void put(std::uint64_t value, unsigned bytes) {
        for (unsigned i = 0; i < bytes; ++i) {
            out_[at_++] = static_cast<std::uint8_t>(value >> (8 * i));
        }
    }
    void put(const std::string& text) {
        std::copy(text.begin(), text.end(), out_.begin() + static_cast<std::ptrdiff_t>(at_));
        at_ += text.size();
    }
    [[nodiscard]] std::size_t at() const { return at_; }

private:
    std::span<std::uint8_t> out_;
    std::size_t at_ = 0;
};

/// Reads past the end give zeros and are remembered.
class ByteReader {
public:
    explicit ByteReader(std::span<const std::uint8_t> in) : in_(in) {}
    std::uint64_t get(unsigned bytes) {
        std::uint64_t value = 0;
        for (unsigned i = 0; i < bytes; ++i) {
            value |= std::uint64_t{next()} << (8 * i);
        }
        return value;
    }
    std::string text(std::size_t length) {
        std::string result;
        result.reserve(length);
        while (result.size() < length) {
            result.push_back(static_cast<char>(next()));
        }
        return result;
    }
    [[nodiscard]] bool short_of() const { return short_; }
    [[nodiscard]] std::span<const std::uint8_t> rest() const { return in_.subspan(at_); }

private:
    std::uint8_t next() {
        if (at_ == in_.size()) {
            short_ = true;
            return 0;
        }
        return in_[at_++];
    }
    std::span<const std::uint8_t> in_;
    std::size_t at_ = 0;
    bool short_ = false;
};

std::size_t padded(std::size_t bytes) { return (bytes + padding_bytes - 1) / padding_bytes * padding_bytes; }

bool zeros(std::span<const std::uint8_t> bytes) {
    return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

} // namespace

struct BatchEncoder::State {
    WipedPointer<BatchModel> model = make_wiped<BatchModel>();
    std::vector<std::uint32_t> devices; ///< their indexes, in order of introduction: the place is the slot
    std::vector<std::uint16_t> slots;   ///< of the batch's packets
    std::vector<Event> events = std::vector<Event>(max_packet_events);
    std::vector<std::uint8_t> out = std::vector<std::uint8_t>(max_plaintext_bytes);

    /// Throws before anything of the state that matters has changed.
    void check(const Batch& batch) {
        if (batch.devices.size() > max_batch_devices || devices.size() + batch.devices.size() > max_stream_devices) {
            beyond("too many devices");
        }
        for (auto device = batch.devices.begin(); device != batch.devices.end(); ++device) {
            const auto same = [&](const DeviceInfo& other) { return other.index == device->index; };
            if (std::find(devices.begin(), devices.end(), device->index) != devices.end() ||
                std::any_of(batch.devices.begin(), device, same)) {
                beyond("device " + std::to_string(device->index) + " is introduced again");
            }
            if (device->name.size() > max_device_name_bytes || device->device_class > input::DeviceClass::tablet) {
                beyond("device " + std::to_string(device->index) + " has too long a name or no known class");
            }
        }
        if (batch.packets.events() > max_batch_events) {
            beyond("too many events");
        }
        slots.clear();
        batch.packets.for_each([&](const Packet& packet) {
            if (packet.events.empty() || packet.events.size() > max_packet_events) {
                beyond("a packet of " + std::to_string(packet.events.size()) + " events");
            }
            slots.push_back(slot_of(batch, packet.device));
        });
    }

    std::uint16_t slot_of(const Batch& batch, std::uint32_t device) const {
        const auto known = std::find(devices.begin(), devices.end(), device);
        if (known != devices.end()) {
            return static_cast<std::uint16_t>(known - devices.begin());
        }
        const auto introduced = std::find_if(batch.devices.begin(), batch.devices.end(),
                                             [&](const DeviceInfo& info) { return info.index == device; });
        if (introduced == batch.devices.end()) {
            beyond("device " + std::to_string(device) + " was not introduced");
        }
        return static_cast<std::uint16_t>(devices.size() +
                                          static_cast<std::size_t>(introduced - batch.devices.begin()));
    }

    std::size_t head(const Batch& batch, std::uint8_t how) {
        ByteWriter writer(out);
        writer.put(version | how | (batch.devices.empty() ? 0u : unsigned{with_devices}), 1);
        if (!batch.devices.empty()) {
            writer.put(batch.devices.size(), 1);
            for (const DeviceInfo& device : batch.devices) {
                writer.put(device.index, 4);
                writer.put(static_cast<std::uint8_t>(device.device_class), 1);
                writer.put(device.bus, 2);
                writer.put(device.vendor, 2);
                writer.put(device.product, 2);
                writer.put(device.version, 2);
                writer.put(device.name.size(), 1);
                writer.put(device.name);
            }
        }
        return writer.at();
    }

    /// The length with the model's columns, or 0 if it does not fit.
    std::size_t coded(const Batch& batch, std::size_t from) {
        RangeEncoder coder{std::span(out).subspan(from)};
        model->code_count(coder, static_cast<std::uint32_t>(batch.packets.packets()));
        const std::uint16_t* slot = slots.data();
        batch.packets.for_each([&](const Packet& packet) {
            PacketDraft draft{*slot++, packet.time_us, static_cast<std::uint32_t>(packet.events.size()), events};
            std::copy(packet.events.begin(), packet.events.end(), events.begin());
            model->code_packet(coder, draft);
        });
        const std::size_t length = coder.finish();
        return coder.overflowed() ? 0 : from + length;
    }

    std::size_t as_it_is(const Batch& batch, std::size_t from) {
        ByteWriter writer{std::span(out).subspan(from)};
        writer.put(batch.packets.packets(), 2);
        const std::uint16_t* slot = slots.data();
        batch.packets.for_each([&](const Packet& packet) {
            writer.put(*slot++, 2);
            writer.put(packet.events.size(), 2);
            writer.put(packet.time_us, 8);
            for (const Event& event : packet.events) {
                writer.put(event.type, 2);
                writer.put(event.code, 2);
                writer.put(static_cast<std::uint32_t>(event.value), 4);
            }
        });
        return from + writer.at();
    }
};

BatchEncoder::BatchEncoder() : state_(std::make_unique<State>()) {}
BatchEncoder::~BatchEncoder() = default;
BatchEncoder::BatchEncoder(BatchEncoder&&) noexcept = default;
BatchEncoder& BatchEncoder::operator=(BatchEncoder&&) noexcept = default;

std::span<const std::uint8_t> BatchEncoder::encode(const Batch& batch) {
    State& state = *state_;
    state.check(batch);
    for (const DeviceInfo& device : batch.devices) {
        state.devices.push_back(device.index);
    }
    state.model->grow(state.devices.size());

    std::size_t length = state.coded(batch, state.head(batch, 0));
    if (length == 0) {
        length = state.as_it_is(batch, state.head(batch, stored));
        state.model = make_wiped<BatchModel>();
        state.model->grow(state.devices.size());
    }
    const std::size_t whole = padded(length);
    std::fill(state.out.begin() + static_cast<std::ptrdiff_t>(length),
              state.out.begin() + static_cast<std::ptrdiff_t>(whole), 0);
    return std::span(state.out).first(whole);
}

void BatchEncoder::wipe() noexcept { ::explicit_bzero(state_->out.data(), state_->out.size()); }

struct BatchDecoder::State {
    WipedPointer<BatchModel> model = make_wiped<BatchModel>();
    std::vector<std::uint32_t> devices;
    std::vector<Event> events = std::vector<Event>(max_packet_events);
    bool spent = false;

    /// Each of these returns what is wrong, or nothing.
    std::string read_devices(ByteReader& reader, std::vector<DeviceInfo>& out) {
        const std::uint64_t count = reader.get(1);
        if (count == 0 || count > max_batch_devices || devices.size() + count > max_stream_devices) {
            return "devices: expected 1 to 64 in a batch and 1024 at most in a stream";
        }
        out.reserve(count);
        for (std::uint64_t i = 0; i < count; ++i) {
            DeviceInfo device;
            device.index = static_cast<std::uint32_t>(reader.get(4));
            const std::uint64_t device_class = reader.get(1);
            device.bus = static_cast<std::uint16_t>(reader.get(2));
            device.vendor = static_cast<std::uint16_t>(reader.get(2));
            device.product = static_cast<std::uint16_t>(reader.get(2));
            device.version = static_cast<std::uint16_t>(reader.get(2));
            const std::uint64_t length = reader.get(1);
            if (length > max_device_name_bytes) {
                return "devices: expected a name of at most 128 bytes";
            }
            device.name = reader.text(length);
            if (reader.short_of()) {
                return "devices: expected more bytes";
            }
            if (device_class > static_cast<std::uint8_t>(input::DeviceClass::tablet)) {
                return "devices: expected a class from 0 to 4";
            }
            device.device_class = static_cast<input::DeviceClass>(device_class);
            if (std::find(devices.begin(), devices.end(), device.index) != devices.end()) {
                return "devices: expected each index once in a stream";
            }
            devices.push_back(device.index);
            out.push_back(std::move(device));
        }
        return {};
    }

    std::string read_coded(std::span<const std::uint8_t> bytes, input::PacketBuffer& out) {
        RangeDecoder coder(bytes);
        const std::uint32_t count = model->code_count(coder, 0);
        if (count > max_batch_events) {
            return "count: expected at most 2048 packets";
        }
        std::size_t total = 0;
        for (std::uint32_t i = 0; i < count; ++i) {
            PacketDraft packet{0, 0, 0, events};
            if (const char* wrong = model->code_packet(coder, packet)) {
                return wrong;
            }
            total += packet.count;
            if (total > max_batch_events) {
                return "shape: expected at most 2048 events in a batch";
            }
            out.push({devices[packet.slot], packet.time_us, std::span(events).first(packet.count)});
        }
        return coder.ends_as_written() ? std::string{} : "padding: expected the columns to end, then zeros";
    }

    std::string read_stored(ByteReader& reader, input::PacketBuffer& out) {
        const std::uint64_t count = reader.get(2);
        std::size_t total = 0;
        for (std::uint64_t i = 0; i < count; ++i) {
            const std::uint64_t slot = reader.get(2);
            const std::uint64_t length = reader.get(2);
            const std::uint64_t time_us = reader.get(8);
            total += length;
            if (slot >= devices.size()) {
                return "device: expected one of the stream's devices";
            }
            if (length == 0 || length > max_packet_events || total > max_batch_events) {
                return "shape: expected 1 to 1024 events in a packet and 2048 at most in a batch";
            }
            for (Event& event : std::span(events).first(length)) {
                event.type = static_cast<std::uint16_t>(reader.get(2));
                event.code = static_cast<std::uint16_t>(reader.get(2));
                event.value = static_cast<std::int32_t>(static_cast<std::uint32_t>(reader.get(4)));
            }
            if (reader.short_of()) {
                return "values: expected more bytes";
            }
            out.push({devices[slot], time_us, std::span(events).first(length)});
        }
        if (reader.short_of()) {
            return "count: expected more bytes";
        }
        model = make_wiped<BatchModel>();
        model->grow(devices.size());
        const auto rest = reader.rest();
        return rest.size() < padding_bytes && zeros(rest) ? std::string{} : "padding: expected fewer than 16 zeros";
    }

    std::string read(std::span<const std::uint8_t> plaintext, Batch& batch) {
        if (plaintext.empty() || plaintext.size() > max_plaintext_bytes || plaintext.size() % padding_bytes != 0) {
            return "length: expected a multiple of 16 from 16 to 57344 bytes";
        }
        ByteReader reader(plaintext);
        const auto first = static_cast<std::uint8_t>(reader.get(1));
        if ((first & version_mask) != version || (first & ~(version_mask | with_devices | stored)) != 0) {
            return "version: expected 2 and no unknown flag";
        }
        if ((first & with_devices) != 0) {
            if (std::string wrong = read_devices(reader, batch.devices); !wrong.empty()) {
                return wrong;
            }
            model->grow(devices.size());
        }
        if ((first & stored) != 0) {
            return read_stored(reader, batch.packets);
        }
        const auto columns = reader.rest();
        // The last block has something in it, or the writer would have left it out.
        if (columns.size() >= padding_bytes && zeros(columns.last(padding_bytes))) {
            return "padding: expected fewer than 16 zeros";
        }
        return read_coded(columns, batch.packets);
    }
};

BatchDecoder::BatchDecoder() : state_(std::make_unique<State>()) {}
BatchDecoder::~BatchDecoder() = default;
BatchDecoder::BatchDecoder(BatchDecoder&&) noexcept = default;
BatchDecoder& BatchDecoder::operator=(BatchDecoder&&) noexcept = default;

std::expected<Batch, Refusal> BatchDecoder::decode(std::span<const std::uint8_t> plaintext) {
    Batch batch;
    std::string wrong =
        state_->spent ? "stream: expected no batch after a refused one" : state_->read(plaintext, batch);
    if (!wrong.empty()) {
        state_->spent = true;
        return std::unexpected(Refusal{"batch: " + wrong});
    }
    return batch;
}

} // namespace candor::wire
