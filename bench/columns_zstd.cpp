// SPDX-License-Identifier: Apache-2.0
// columns_zstd TRACE LEVEL one|each: what segments would take if a batch's columns went through zstd instead of the range
// coder, everything else the same: batches, padding, seal, frames, records. One zstd context lives as long as the stream and
// is flushed at every batch (`one`), or one for each column (`each`). Everything is decoded and compared.
//
// The columns, tuned for a coder of bytes: what packets have in common is one symbol of a dictionary that grows, so that a key
// press with its scan code, a click, a wheel step is one byte; time is the difference to the device's last packet, and of a
// mouse's few hundred usual differences again one byte.
//   symbols  1 byte a packet: the dictionary's entry (events with all values but those of REL_X and REL_Y), 255: a new one
//   again    1 byte a packet that moves: which of the 255 differences in use it is, 255: another
//   low, mid 1 byte each a packet without such a time: bits 0-7 and 8-15 of the microseconds
//   high     1 byte a packet without such a time, 255: more, in rest: bits 16 and up
//   x, y     1 byte each: the motion, zigzag; 255: more, in rest
//   rest     new dictionary entries and all that is too large
#include "segment_writer.h"

#include <zstd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <exception>
#include <map>
#include <tuple>

namespace {

using namespace candor;
using Bytes = std::vector<std::uint8_t>;
using Symbol = std::vector<std::tuple<std::uint16_t, std::uint16_t, std::int32_t>>;

constexpr std::size_t columns = 8;
enum Column : std::size_t { symbols, again, low, mid, high, x, y, rest };
constexpr std::uint8_t more = 255;

std::uint64_t zigzag(std::int64_t value) {
    return static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63);
}
std::int64_t unzigzag(std::uint64_t value) {
    return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
}
void put(Bytes& out, std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) {
        out.push_back(static_cast<std::uint8_t>(value | 0x80));
    }
    out.push_back(static_cast<std::uint8_t>(value));
}
std::uint64_t get(const Bytes& in, std::size_t& at) {
    std::uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        const std::uint8_t byte = in.at(at++);
        value |= std::uint64_t{byte & 0x7fu} << shift;
        if ((byte & 0x80) == 0) {
            return value;
        }
    }
}
bool is_motion(std::uint16_t type, std::uint16_t code) { return type == EV_REL && code <= REL_Y; }
bool has_motion(const Symbol& symbol) {
    return std::any_of(symbol.begin(), symbol.end(),
                       [](const auto& event) { return is_motion(std::get<0>(event), std::get<1>(event)); });
}

std::size_t checked(std::size_t result) {
    if (ZSTD_isError(result) != 0) {
        throw std::runtime_error(ZSTD_getErrorName(result));
    }
    return result;
}

/// The 255 distances in time that were used last: a new one takes the place of the one that was not used for longest.
class Distances {
public:
    std::uint8_t find(std::uint64_t distance) {
        const auto at =
            static_cast<std::size_t>(std::find(distances_.begin(), distances_.end(), distance) - distances_.begin());
        return at == more ? more : (touch(at), static_cast<std::uint8_t>(at));
    }
    std::uint64_t at(std::uint8_t number) {
        touch(number);
        return distances_[number];
    }
    void learn(std::uint64_t distance) {
        const auto at = static_cast<std::size_t>(std::min_element(used_.begin(), used_.end()) - used_.begin());
        distances_[at] = distance;
        touch(at);
    }

private:
    void touch(std::size_t at) { used_[at] = ++now_; }
    std::array<std::uint64_t, more> distances_{};
    std::array<std::uint64_t, more> used_{};
    std::uint64_t now_ = 0;
};

/// What both sides learn over a stream besides zstd's window. One device: a trace has no more.
struct History {
    std::map<Symbol, std::uint8_t> numbers;
    std::vector<Symbol> dictionary;
    Distances distances;
    std::uint64_t time_us = 0;

    void learn(const Symbol& symbol) {
        if (dictionary.size() < more) {
            numbers.emplace(symbol, static_cast<std::uint8_t>(dictionary.size()));
            dictionary.push_back(symbol);
        }
    }
};

class Writer {
public:
    Writer(int level, bool each) : each_(each), contexts_(each ? columns : 1) {
        for (auto& context : contexts_) {
            context.reset(ZSTD_createCCtx());
            checked(ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, level));
            checked(ZSTD_CCtx_setParameter(context.get(), ZSTD_c_windowLog, 20)); // the whole stream and more
        }
    }

    std::span<const std::uint8_t> encode(const wire::Batch& batch) {
        std::array<Bytes, columns> in;
        const auto put_byte = [&](Column column, std::uint64_t value) {
            in[column].push_back(static_cast<std::uint8_t>(std::min<std::uint64_t>(value, more)));
            if (value >= more) {
                put(in[rest], value);
            }
        };
        out_.clear();
        out_.push_back(static_cast<std::uint8_t>(batch.devices.size())); // and the number of zeros at the end, below
        for (const auto& device : batch.devices) {
            out_.insert(out_.end(), 14, 1); // the same 14 bytes and name as in batch.capnp
            out_.insert(out_.end(), device.name.begin(), device.name.end());
        }
        batch.packets.for_each([&](const input::Packet& packet) {
            Symbol symbol;
            for (const auto& event : packet.events) {
                symbol.emplace_back(event.type, event.code, is_motion(event.type, event.code) ? 0 : event.value);
            }
            const auto known = history_.numbers.find(symbol);
            if (known != history_.numbers.end()) {
                in[symbols].push_back(known->second);
            } else {
                in[symbols].push_back(more);
                put(in[rest], symbol.size());
                for (const auto& [type, code, value] : symbol) {
                    put(in[rest], type);
                    put(in[rest], code);
                    put(in[rest], zigzag(value));
                }
                history_.learn(symbol);
            }
            if (packet.time_us < history_.time_us) {
                throw std::runtime_error("time runs backwards");
            }
            const std::uint64_t distance = packet.time_us - history_.time_us;
            history_.time_us = packet.time_us;
            std::uint8_t number = more;
            if (has_motion(symbol)) {
                number = history_.distances.find(distance);
                in[again].push_back(number);
            }
            if (number == more) {
                in[low].push_back(static_cast<std::uint8_t>(distance));
                in[mid].push_back(static_cast<std::uint8_t>(distance >> 8));
                put_byte(high, distance >> 16);
                if (has_motion(symbol)) {
                    history_.distances.learn(distance);
                }
            }
            for (const auto& event : packet.events) {
                if (is_motion(event.type, event.code)) {
                    put_byte(event.code == REL_X ? x : y, zigzag(event.value));
                }
            }
        });
        for (const Bytes& column : in) {
            put(out_, column.size());
        }
        if (each_) {
            for (std::size_t i = 0; i < columns; ++i) {
                if (!in[i].empty()) {
                    compress(contexts_[i].get(), in[i]);
                }
            }
        } else {
            Bytes all;
            for (const Bytes& column : in) {
                all.insert(all.end(), column.begin(), column.end());
            }
            compress(contexts_[0].get(), all);
        }
        const std::size_t padding = (wire::padding_bytes - out_.size() % wire::padding_bytes) % wire::padding_bytes;
        out_[0] = static_cast<std::uint8_t>(static_cast<unsigned>(out_[0]) << 4 | padding);
        out_.resize(out_.size() + padding);
        return out_;
    }

private:
    void compress(ZSTD_CCtx* context, const Bytes& column) {
        Bytes packed(ZSTD_compressBound(column.size()) + 64);
        ZSTD_inBuffer from{column.data(), column.size(), 0};
        ZSTD_outBuffer to{packed.data(), packed.size(), 0};
        if (checked(ZSTD_compressStream2(context, &to, &from, ZSTD_e_flush)) != 0) {
            throw std::runtime_error("a flush that did not end");
        }
        if (each_) {
            put(out_, to.pos); // of one context the length follows from the batch's
        }
        out_.insert(out_.end(), packed.begin(), packed.begin() + static_cast<std::ptrdiff_t>(to.pos));
    }

    struct Free {
        void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
    };
    bool each_;
    std::vector<std::unique_ptr<ZSTD_CCtx, Free>> contexts_;
    History history_;
    Bytes out_;
};

class Reader {
public:
    explicit Reader(bool each) : each_(each), contexts_(each ? columns : 1) {
        for (auto& context : contexts_) {
            context.reset(ZSTD_createDCtx());
        }
    }

    input::PacketBuffer decode(const Bytes& plaintext, std::uint32_t device, std::size_t name_bytes) {
        std::size_t at = 1;
        if (plaintext[0] >> 4 != 0) {
            at += 14 + name_bytes;
        }
        std::array<Bytes, columns> in;
        std::size_t total = 0;
        for (Bytes& column : in) {
            column.resize(get(plaintext, at));
            total += column.size();
        }
        if (each_) {
            for (std::size_t i = 0; i < columns; ++i) {
                if (!in[i].empty()) {
                    const std::size_t length = get(plaintext, at);
                    expand(contexts_[i].get(), {plaintext.data() + at, length}, in[i]);
                    at += length;
                }
            }
        } else {
            Bytes all(total);
            expand(contexts_[0].get(), {plaintext.data() + at, plaintext.size() - at - (plaintext[0] & 15)}, all);
            auto from = all.begin();
            for (Bytes& column : in) {
                std::copy_n(from, column.size(), column.begin());
                from += static_cast<std::ptrdiff_t>(column.size());
            }
        }
        return packets(in, device);
    }

private:
    static void expand(ZSTD_DCtx* context, std::span<const std::uint8_t> packed, Bytes& out) {
        ZSTD_inBuffer from{packed.data(), packed.size(), 0};
        ZSTD_outBuffer to{out.data(), out.size(), 0};
        while (to.pos < to.size && from.pos < from.size) {
            checked(ZSTD_decompressStream(context, &to, &from));
        }
        if (to.pos != to.size) {
            throw std::runtime_error("read back: a column is cut");
        }
    }

    input::PacketBuffer packets(const std::array<Bytes, columns>& in, std::uint32_t device) {
        std::array<std::size_t, columns> at{};
        const auto get_byte = [&](Column column) -> std::uint64_t {
            const std::uint8_t byte = in[column].at(at[column]++);
            return byte == more ? get(in[rest], at[rest]) : byte;
        };
        input::PacketBuffer result;
        for (const std::uint8_t number : in[symbols]) {
            Symbol symbol;
            if (number != more) {
                symbol = history_.dictionary.at(number);
            } else {
                symbol.resize(get(in[rest], at[rest]));
                for (auto& [type, code, value] : symbol) {
                    type = static_cast<std::uint16_t>(get(in[rest], at[rest]));
                    code = static_cast<std::uint16_t>(get(in[rest], at[rest]));
                    value = static_cast<std::int32_t>(unzigzag(get(in[rest], at[rest])));
                }
                history_.learn(symbol);
            }
            const bool moves = has_motion(symbol);
            const std::uint8_t known = moves ? in[again].at(at[again]++) : more;
            std::uint64_t distance = 0;
            if (known != more) {
                distance = history_.distances.at(known);
            } else {
                distance = in[low].at(at[low]++);
                distance |= std::uint64_t{in[mid].at(at[mid]++)} << 8;
                distance |= get_byte(high) << 16;
                if (moves) {
                    history_.distances.learn(distance);
                }
            }
            history_.time_us += distance;
            std::vector<input::Event> events;
            for (const auto& [type, code, value] : symbol) {
                const bool motion = is_motion(type, code);
                events.push_back(
                    {type, code,
                     motion ? static_cast<std::int32_t>(unzigzag(get_byte(code == REL_X ? x : y))) : value});
            }
            result.push({device, history_.time_us, events});
        }
        return result;
    }

    struct Free {
        void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
    };
    bool each_;
    std::vector<std::unique_ptr<ZSTD_DCtx, Free>> contexts_;
    History history_;
};

int run(const std::string& path, int level, bool each) {
    wire::init_crypto();
    const wire::Identity identity = wire::Identity::generate();
    const wire::SubjectKeys subject = bench::any_subject();
    const bench::Trace trace = bench::read_trace(path);

    // The seal is random bytes to this program: the plaintexts are read back as they are.
    std::deque<std::vector<Bytes>> plaintexts;
    bench::SegmentWriter writer(identity, subject, [&] {
        auto& stream = plaintexts.emplace_back();
        return [&stream, columns_of = std::make_shared<Writer>(level, each)](const wire::Batch& batch) {
            const auto plaintext = columns_of->encode(batch);
            stream.emplace_back(plaintext.begin(), plaintext.end());
            return plaintext;
        };
    });
    writer.write(trace);

    bench::Comparison comparison(trace);
    for (const auto& stream : plaintexts) {
        Reader reader(each);
        for (const Bytes& plaintext : stream) {
            comparison.read(reader.decode(plaintext, trace.device.index, trace.device.name.size()));
        }
    }
    comparison.end();
    std::printf("{\"events\": %zu, \"bytes\": %zu, \"segments\": %zu, \"batches\": %zu}\n", trace.packets.events(),
                writer.bytes(), writer.segments().size(), writer.batches());
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    const std::string contexts = argc == 4 ? argv[3] : "";
    if (contexts != "one" && contexts != "each") {
        std::fprintf(stderr, "usage: columns_zstd TRACE LEVEL one|each\n");
        return 2;
    }
    try {
        return run(argv[1], std::atoi(argv[2]), contexts == "each");
    } catch (const std::exception& error) {
        std::fprintf(stderr, "columns_zstd: %s\n", error.what());
        return 1;
    }
}
