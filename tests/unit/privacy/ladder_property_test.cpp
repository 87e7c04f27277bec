// SPDX-License-Identifier: Apache-2.0
// What holds of a ladder whatever it is given.
#include "ladder_fixture.h"

#include "wire/batch_codec.h"
#include "wire/wire_limits.h"

#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <tuple>
#include <utility>

using namespace candor;
using namespace candor::test;
using privacy::key_class;

namespace {

std::vector<std::uint16_t> text_keys() {
    std::vector<std::uint16_t> codes;
    for (std::uint16_t code = 0; code < KEY_CNT; ++code) {
        if (key_class(code) == KeyClass::text) {
            codes.push_back(code);
        }
    }
    return codes;
}

bool is_keypad_digit(std::uint16_t code) {
    return (code >= KEY_KP7 && code <= KEY_KP9) || (code >= KEY_KP4 && code <= KEY_KP6) ||
           (code >= KEY_KP1 && code <= KEY_KP0);
}

/// A key as it betrays itself in every way the kernel has: scan codes, LEDs, repeats, sounds, raw axes.
std::vector<Event> betraying(std::uint16_t code, std::int32_t value) {
    return {{EV_MSC, MSC_SCAN, 0x70000 + code},
            {EV_MSC, MSC_RAW, code},
            {EV_KEY, code, value},
            {EV_LED, static_cast<std::uint16_t>(code % LED_CNT), code & 1},
            {EV_SND, SND_TONE, code},
            {EV_REP, REP_PERIOD, code},
            {EV_SW, static_cast<std::uint16_t>(code % SW_CNT), 1},
            {EV_REL, REL_MISC, code},
            {EV_ABS, ABS_MISC, code},
            {EV_ABS, ABS_MT_SLOT, code},
            {EV_SYN, SYN_CONFIG, code},
            {0x1e, code, code},
            {0x50, code, code},
            report};
}

/// Types the key alone, within Shift, the right Alt and the right Ctrl, before Ctrl, behind a hole and on two keyboards, with
/// a mouse in between.
Items typing(std::uint16_t code) {
    Items items;
    std::uint64_t now = 1000;
    const auto tap = [&](std::uint32_t device) {
        items.push_back({device, now += 7 * ms, betraying(code, 1)});
        items.push_back({device, now += 40 * ms, betraying(code, 2)});
        items.push_back({2, now += 3 * ms, {{EV_REL, REL_X, 1}, report}});
        items.push_back({device, now += 40 * ms, betraying(code, 0)});
    };
    const auto with = [&](std::uint16_t modifier) {
        items.push_back({1, now += 9 * ms, {{EV_KEY, modifier, 1}, report}});
        tap(1);
        tap(3);
        items.push_back({1, now += 9 * ms, {{EV_KEY, modifier, 0}, report}});
    };
    tap(1);
    tap(3);
    for (const std::uint16_t modifier : std::initializer_list<std::uint16_t>{
             KEY_LEFTSHIFT, KEY_RIGHTSHIFT, KEY_RIGHTALT, KEY_RIGHTCTRL, KEY_CAPSLOCK}) {
        with(modifier);
    }
    items.push_back({1, now += 9 * ms, betraying(code, 1)});
    with(KEY_NUMLOCK);
    items.push_back({1, now += 9 * ms, {{EV_KEY, KEY_LEFTCTRL, 1}, report}});
    items.push_back({1, now += 9 * ms, betraying(code, 2)});
    items.push_back({1, now += 9 * ms, betraying(code, 0)});
    items.push_back({1, now += 9 * ms, {}, true});
    items.push_back({1, now += 9 * ms, {{EV_KEY, KEY_LEFTCTRL, 1}, {EV_KEY, code, 1}, report}});
    items.push_back({1, now += 9 * ms, {}, true});
    tap(1);
    return items;
}

/// Any input: keyboards, mice, touch devices, holes, and what no device sends.
class World {
public:
    struct Kind {
        bool late = false;     ///< packets of different devices out of order
        bool holes = true;     ///< and devices that go
        bool shortcuts = true; ///< Ctrl, Alt, Meta
        bool made = true;      ///< events that a ladder made
    };

    World(std::uint64_t seed, Kind kind) : random_(seed), kind_(kind) {}

    Items make(int count) {
        Items items;
        for (int i = 0; i < count; ++i) {
            now_ += below(20) == 0 ? below(3'000'000) : below(90'000);
            const std::uint32_t device = 1 + below(5);
            std::uint64_t time = now_;
            if (kind_.late) {
                time = now_ - std::min<std::uint64_t>(now_, below(60'000));
                time = last_[device] = std::max(last_[device], time);
            }
            if (kind_.holes && below(60) == 0) {
                const auto reason = static_cast<HoleReason>(below(3));
                items.push_back({device, time, {}, true, reason});
                continue;
            }
            items.push_back({device, time, packet()});
        }
        return items;
    }

    std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(random_() % limit); }

private:
    std::vector<Event> packet() {
        std::vector<Event> events;
        const std::uint32_t count = below(3) == 0 ? 1 + below(5) : 1;
        for (std::uint32_t i = 0; i < count; ++i) {
            event(events);
        }
        if (below(8) != 0) {
            events.push_back({EV_SYN, SYN_REPORT, below(10) == 0 ? 1 : 0});
        }
        return events;
    }

    void event(std::vector<Event>& events) {
        switch (below(10)) {
        case 0:
        case 1:
        case 2:
            key(events, text_[below(static_cast<std::uint32_t>(text_.size()))]);
            break;
        case 3:
            key(events, below(4) == 0 ? KEY_KP1 : KEY_U);
            break;
        case 4:
        case 5:
            if (kind_.shortcuts) {
                constexpr std::uint16_t modifiers[] = {KEY_LEFTCTRL, KEY_LEFTALT,    KEY_LEFTMETA, KEY_LEFTSHIFT,
                                                       KEY_RIGHTALT, KEY_RIGHTSHIFT, KEY_RIGHTCTRL};
                key(events, modifiers[below(7)]);
                break;
            }
            key(events, below(2) == 0 ? KEY_LEFTSHIFT : KEY_RIGHTALT);
            break;
        case 6:
            key(events, other_key());
            break;
        case 7:
            if (below(3) == 0) {
                events.push_back({EV_ABS, static_cast<std::uint16_t>(below(ABS_CNT)), static_cast<int>(below(2000))});
            } else {
                events.push_back({EV_REL, static_cast<std::uint16_t>(below(REL_CNT)), static_cast<int>(below(9)) - 4});
            }
            break;
        case 8: {
            const std::uint32_t types = kind_.made ? 10 : 5;
            events.push_back({static_cast<std::uint16_t>(abstract::pointer + below(types)),
                              static_cast<std::uint16_t>(below(14)), static_cast<int>(below(9)) - 1});
            break;
        }
        default:
            events.push_back({static_cast<std::uint16_t>(below(4) == 0 ? random_() : below(EV_CNT)),
                              static_cast<std::uint16_t>(below(4) == 0 ? random_() : below(64)),
                              static_cast<std::int32_t>(random_())});
            if (events.back().type == EV_KEY || events.back().type >= abstract::key_press) {
                events.back().type = EV_MSC;
            }
        }
    }

    void key(std::vector<Event>& events, std::uint16_t code) {
        const std::int32_t value =
            below(20) == 0 ? static_cast<std::int32_t>(random_()) : static_cast<int>(below(5)) % 3;
        if (below(2) == 0) {
            events.push_back({EV_MSC, MSC_SCAN, 0x70000 + code});
        }
        events.push_back({EV_KEY, code, value});
    }

    std::uint16_t other_key() {
        for (;;) {
            const auto code = static_cast<std::uint16_t>(below(KEY_CNT));
            if (key_class(code) != KeyClass::text &&
                (kind_.shortcuts ||
                 (code != KEY_LEFTCTRL && code != KEY_LEFTALT && code != KEY_LEFTMETA && code != KEY_RIGHTMETA))) {
                return code;
            }
        }
    }

    std::mt19937_64 random_;
    Kind kind_;
    std::uint64_t now_ = 1000;
    std::map<std::uint32_t, std::uint64_t> last_;
    std::vector<std::uint16_t> text_ = text_keys();
};

/// What a shortcut is, in as few words as there are: the sets of keys that are held.
class Shortcuts {
public:
    /// Whether the event may be told exactly.
    bool allows(std::uint32_t device, const Event& event, bool behind_hole) {
        const std::pair key(device, event.code);
        const bool was = shortcuts_.contains(key);
        if (event.value == 0) {
            shortcuts_.erase(key);
            held_.erase(key);
            if (!any({KEY_LEFTCTRL, KEY_RIGHTCTRL, KEY_LEFTSHIFT, KEY_RIGHTSHIFT})) {
                entry_.reset();
            }
            return was;
        }
        if (event.value != 1) {
            return was && event.value == 2;
        }
        held_.insert(key);
        if (key_class(event.code) != KeyClass::text) {
            return false;
        }
        shortcuts_.erase(key);
        const bool strong = any({KEY_LEFTCTRL, KEY_LEFTMETA, KEY_RIGHTMETA});
        const bool is = !behind_hole && (strong || (any({KEY_LEFTALT}) && !is_keypad_digit(event.code))) &&
                        (!entry_ || *entry_ == event.code);
        if (is) {
            shortcuts_.insert(key);
            if (any({KEY_LEFTCTRL, KEY_RIGHTCTRL}) && any({KEY_LEFTSHIFT, KEY_RIGHTSHIFT})) {
                entry_ = event.code;
            }
        }
        return is;
    }
    void forget(std::uint32_t device) {
        std::erase_if(held_, [&](const auto& key) { return key.first == device; });
        std::erase_if(shortcuts_, [&](const auto& key) { return key.first == device; });
        if (!any({KEY_LEFTCTRL, KEY_RIGHTCTRL, KEY_LEFTSHIFT, KEY_RIGHTSHIFT})) {
            entry_.reset();
        }
    }

private:
    using Keys = std::set<std::pair<std::uint32_t, std::uint16_t>>;

    bool any(std::initializer_list<std::uint16_t> codes) const {
        return std::ranges::any_of(
            held_, [&](const auto& key) { return std::ranges::find(codes, key.second) != codes.end(); });
    }

    Keys held_;
    Keys shortcuts_;
    std::optional<std::uint16_t> entry_;
};

/// Other text keys instead, one to one; digits of the keypad among themselves, because Alt tells them from others.
std::map<std::uint16_t, std::uint16_t> permutation(World& world) {
    std::map<std::uint16_t, std::uint16_t> result;
    for (const bool keypad : {false, true}) {
        std::vector<std::uint16_t> from;
        for (const std::uint16_t code : text_keys()) {
            if (is_keypad_digit(code) == keypad) {
                from.push_back(code);
            }
        }
        std::vector<std::uint16_t> to = from;
        for (std::size_t i = to.size(); i > 1; --i) {
            std::swap(to[i - 1], to[world.below(static_cast<std::uint32_t>(i))]);
        }
        for (std::size_t i = 0; i < from.size(); ++i) {
            result[from[i]] = to[i];
        }
    }
    return result;
}

Items permuted(Items items, const std::map<std::uint16_t, std::uint16_t>& with) {
    for (Item& item : items) {
        for (Event& event : item.events) {
            if (event.type == EV_KEY && with.contains(event.code)) {
                event.code = with.at(event.code);
            } else if (event.type == EV_MSC && event.code == MSC_SCAN) {
                event.value ^= 0x1234567;
            }
        }
    }
    return items;
}

Items packets_of(const Items& items) {
    Items result;
    std::ranges::copy_if(items, std::back_inserter(result), [](const Item& item) { return !item.is_hole; });
    return result;
}

} // namespace

TEST_CASE("below full every text key there is leaves the same bytes behind, however it betrays itself") {
    const auto codes = text_keys();
    REQUIRE(codes.size() > 200);
    for (const Level level : reduced_levels) {
        const Items canonical = reduced(level, typing(KEY_A));
        REQUIRE_FALSE(packets_of(canonical).empty());
        for (const std::uint16_t code : codes) {
            CAPTURE(level, code);
            REQUIRE(reduced(level, typing(code)) == canonical);
        }
    }
}

TEST_CASE(
    "below full digits of the keypad with Alt, and digits of a character behind Ctrl+Shift+U, leave the same bytes") {
    for (const Level level : reduced_levels) {
        const auto entry = [&](std::uint16_t digit) {
            Items items = {{1, 1000, {{EV_KEY, KEY_LEFTCTRL, 1}, report}},
                           {1, 2000, {{EV_KEY, KEY_LEFTSHIFT, 1}, report}},
                           {1, 3000, {{EV_KEY, KEY_U, 1}, report}},
                           {1, 4000, {{EV_KEY, KEY_U, 0}, report}}};
            for (const std::int32_t value : {1, 2, 0}) {
                items.push_back({1, items.back().time_us + 5 * ms, betraying(digit, value)});
            }
            return reduced(level, items);
        };
        const auto alt = [&](std::uint16_t digit) {
            return reduced(level, {{1, 1000, {{EV_KEY, KEY_LEFTALT, 1}, report}},
                                   {1, 2000, betraying(digit, 1)},
                                   {1, 3000, betraying(digit, 2)},
                                   {1, 4000, betraying(digit, 0)}});
        };
        for (const std::uint16_t code : text_keys()) {
            CAPTURE(level, code);
            if (code != KEY_U) {
                REQUIRE(entry(code) == entry(KEY_0));
            }
            if (is_keypad_digit(code)) {
                REQUIRE(alt(code) == alt(KEY_KP0));
            }
        }
    }
}

TEST_CASE("at actions no text key is exact that is not a shortcut, no key at all is below, and no scan code or LED "
          "anywhere") {
    const auto seed = GENERATE(range(0u, 40u));
    const Items items = World(seed, {.late = true}).make(1500);
    for (const Level level : reduced_levels) {
        Rig rig(level);
        Shortcuts shortcuts;
        std::set<std::uint32_t> behind_hole;
        std::size_t exact = 0;
        for (const Item& item : items) {
            std::vector<std::tuple<std::uint16_t, std::int32_t>> allowed;
            if (item.is_hole) {
                shortcuts.forget(item.device);
                if (item.reason != HoleReason::device_gone) {
                    behind_hole.insert(item.device);
                }
            }
            for (const Event& event : item.events) {
                if (event.type == EV_KEY && shortcuts.allows(item.device, event, behind_hole.contains(item.device))) {
                    allowed.emplace_back(event.code, event.value);
                }
            }
            if (!item.is_hole) {
                behind_hole.erase(item.device);
            }
            rig.give(item);
            for (const Item& told : rig.take()) {
                std::vector<std::tuple<std::uint16_t, std::int32_t>> seen;
                for (const Event& event : told.events) {
                    CAPTURE(level, told.text());
                    REQUIRE(event.type != EV_MSC);
                    REQUIRE(event.type != EV_LED);
                    if (level != Level::actions) {
                        REQUIRE(event.type != EV_KEY);
                    } else if (event.type == EV_KEY && key_class(event.code) == KeyClass::text) {
                        seen.emplace_back(event.code, event.value);
                    }
                }
                if (!seen.empty()) {
                    CAPTURE(told.text(), item.text());
                    REQUIRE(seen == allowed);
                    exact += seen.size();
                    allowed.clear();
                }
            }
            // A shortcut is not lost either.
            if (level == Level::actions) {
                REQUIRE(allowed.empty());
            }
        }
        CHECK((level == Level::actions) == (exact > 0));
    }
}

TEST_CASE("each level tells its own kinds of events and no other") {
    const auto seed = GENERATE(range(0u, 40u));
    const Items items = World(seed, {.late = true}).make(1500);
    const auto types = [&](Level level) {
        std::set<std::uint16_t> result;
        for (const Item& item : reduced(level, items)) {
            for (const Event& event : item.events) {
                result.insert(event.type);
            }
        }
        return result;
    };
    CHECK(types(Level::counts) == std::set<std::uint16_t>{abstract::count});
    CHECK(types(Level::activity) == std::set<std::uint16_t>{abstract::burst});
    CHECK(types(Level::rhythm) == std::set<std::uint16_t>{abstract::key_press});
    CHECK(types(Level::actions) == std::set<std::uint16_t>{EV_SYN, EV_KEY, EV_REL, EV_ABS, abstract::pointer,
                                                           abstract::scroll, abstract::touch, abstract::gesture,
                                                           abstract::tablet, abstract::key_press});
}

TEST_CASE("below full other text keys in the same places change nothing, where none is a shortcut") {
    const auto seed = GENERATE(range(0u, 40u));
    World world(seed, {.late = true, .shortcuts = false});
    const Items items = world.make(1500);
    const auto with = permutation(world);
    for (const Level level : reduced_levels) {
        CAPTURE(level);
        CHECK(reduced(level, permuted(items, with)) == reduced(level, items));
    }
}

TEST_CASE("below actions other text keys change nothing in shortcuts either, and at actions only which key it was") {
    const auto seed = GENERATE(range(0u, 40u));
    World world(seed, {.late = true});
    const Items items = world.make(1500);
    const auto with = permutation(world);
    for (const Level level : reduced_levels) {
        CAPTURE(level);
        CHECK(reduced(level, permuted(items, with)) == permuted(reduced(level, items), with));
    }
}

TEST_CASE(
    "of a device the times that are told never go back, and what is made lies on the grid, never before its cause") {
    const auto seed = GENERATE(range(0u, 40u));
    World world(seed, {.late = true, .made = false});
    const Items items = world.make(1500);
    for (const Level level : reduced_levels) {
        CAPTURE(level);
        Rig rig(level);
        std::map<std::uint32_t, std::uint64_t> last;
        std::uint64_t now = 0;
        const auto look = [&](const Items& told) {
            for (const Item& item : told) {
                if (item.is_hole) {
                    continue;
                }
                CAPTURE(item.text());
                REQUIRE(item.time_us >= last[item.device]);
                last[item.device] = item.time_us;
                if (item.events.front().type >= abstract::key_press) {
                    REQUIRE(item.time_us % Ladder::grid_us == 0);
                }
            }
        };
        for (const Item& item : items) {
            now = std::max(now, item.time_us);
            rig.give(item);
            if (item.is_hole && item.reason == HoleReason::device_gone) {
                look(rig.take());
                // It never comes again; here its number does.
                last.erase(item.device);
            }
            if (world.below(10) == 0) {
                rig.ladder.advance(now - std::min<std::uint64_t>(now, world.below(1000)));
                const auto pending = rig.ladder.pending_until();
                CHECK((!pending || *pending > now - std::min<std::uint64_t>(now, 1000)));
            }
            look(rig.take());
        }
        rig.ladder.finish();
        look(rig.take());
        CHECK_FALSE(rig.ladder.pending_until());
    }
}

TEST_CASE("what is pending is told when the ladder says so, and not before") {
    const auto seed = GENERATE(range(0u, 40u));
    const Items items = World(seed, {}).make(300);
    for (const Level level : reduced_levels) {
        CAPTURE(level);
        Rig rig(level);
        for (const Item& item : items) {
            rig.give(item);
            static_cast<void>(rig.take());
            if (const auto pending = rig.ladder.pending_until(); pending && *pending > item.time_us + 1) {
                Rig other(level);
                other.give(item);
                static_cast<void>(other.take());
                if (const auto alone = other.ladder.pending_until()) {
                    other.ladder.advance(*alone - 1);
                    REQUIRE(other.take().empty());
                    other.ladder.advance(*alone);
                    REQUIRE_FALSE(other.take().empty());
                }
            }
        }
    }
}

TEST_CASE("at every level below full what a ladder told is told the same by another ladder at that level") {
    const auto seed = GENERATE(range(0u, 40u));
    const Items items = World(seed, {.holes = false, .made = false}).make(1500);
    for (const Level level : reduced_levels) {
        CAPTURE(level);
        const Items once = reduced(level, items);
        CHECK(reduced(level, once) == once);
    }
}

TEST_CASE("rhythm and counts can be made from what was kept at actions") {
    const auto seed = GENERATE(range(0u, 40u));
    const Items items = World(seed, {.holes = false, .made = false}).make(1500);
    const auto at = [&](Level level, const Items& given) {
        Rig rig(level);
        rig.give(given);
        rig.ladder.advance(items.back().time_us + Ladder::minute_us);
        return rig.take();
    };
    const Items actions = at(Level::actions, items);
    CHECK(at(Level::rhythm, actions) == at(Level::rhythm, items));
    CHECK(at(Level::counts, actions) == at(Level::counts, items));
}

TEST_CASE("what a ladder tells, a batch can hold") {
    const auto seed = GENERATE(range(0u, 40u));
    const Items items = World(seed, {.late = true}).make(1500);
    for (const Level level : reduced_levels) {
        CAPTURE(level);
        const Items told = packets_of(reduced(level, items));
        wire::BatchEncoder encoder;
        wire::BatchDecoder decoder;
        wire::Batch batch;
        for (std::uint32_t device = 1; device <= 5; ++device) {
            batch.devices.push_back({.index = device, .name = "a device"});
        }
        Items decoded;
        const auto through = [&] {
            const auto read = decoder.decode(encoder.encode(batch));
            REQUIRE(read);
            read->packets.for_each([&](const input::Packet& packet) {
                decoded.push_back({packet.device, packet.time_us, {packet.events.begin(), packet.events.end()}});
            });
            batch = {};
        };
        for (const Item& item : told) {
            if (batch.packets.events() + item.events.size() > wire::max_batch_events) {
                through();
            }
            batch.packets.push({item.device, item.time_us, item.events});
        }
        through();
        CHECK(decoded == told);
    }
}
