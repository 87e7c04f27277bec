// SPDX-License-Identifier: Apache-2.0
#include "support/catch.h"
#include "unit/input/translator_fixture.h"

#include <cmath>
#include <limits>
#include <random>

using namespace candor;
using namespace candor::test;
using input::LibinputTranslator;
using input::ScrollSource;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double infinite = std::numeric_limits<double>::infinity();

/// How far the sum of what was recorded, in 1/256, is from the sum of what happened.
double drift(std::int64_t recorded, double happened) {
    return std::abs(static_cast<double>(recorded) - happened * 256);
}

std::int64_t total(LibinputTranslator::Events events, std::uint16_t code) {
    std::int64_t sum = 0;
    for (const input::Event& event : events) {
        sum += event.code == code ? event.value : 0;
    }
    return sum;
}

} // namespace

TEST_CASE("a motion is told in 1/256 of a unit") {
    LibinputTranslator translator;
    CHECK(told(translator.motion(1.5, -0.25)) == "POINTER_DX=384 POINTER_DY=-64");
}

TEST_CASE("an axis that did not move is not told") {
    LibinputTranslator translator;
    CHECK(told(translator.motion(0, 2)) == "POINTER_DY=512");
    CHECK(told(translator.motion(-2, 0)) == "POINTER_DX=-512");
    CHECK(translator.motion(0, 0).empty());
}

TEST_CASE("motions too small to tell add up until they can be told") {
    LibinputTranslator translator;
    CHECK(translator.motion(0.25 / 256, 0).empty());
    CHECK(told(translator.motion(0.25 / 256 + 0.01 / 256, 0)) == "POINTER_DX=1");
}

TEST_CASE("the sum of many fractional motions stays exact") {
    LibinputTranslator translator;
    std::mt19937 random(1);
    std::uniform_real_distribution<double> step(-3, 3);
    double x = 0;
    double y = 0;
    std::int64_t recorded_x = 0;
    std::int64_t recorded_y = 0;
    for (int i = 0; i < 100'000; ++i) {
        const double dx = step(random);
        const double dy = step(random) / 100;
        x += dx;
        y += dy;
        const auto events = translator.motion(dx, dy);
        recorded_x += total(events, input::abstract::pointer_code::dx);
        recorded_y += total(events, input::abstract::pointer_code::dy);
        REQUIRE(drift(recorded_x, x) < 0.501);
        REQUIRE(drift(recorded_y, y) < 0.501);
    }
}

TEST_CASE("a motion that is no number tells nothing and does not spoil the sum") {
    LibinputTranslator translator;
    CHECK(translator.motion(not_a_number, infinite).empty());
    CHECK(told(translator.motion(1, -1)) == "POINTER_DX=256 POINTER_DY=-256");
}

TEST_CASE("a motion without measure is cut to what the field holds") {
    LibinputTranslator translator;
    CHECK(told(translator.motion(1e300, -1e300)) == "POINTER_DX=256000000 POINTER_DY=-256000000");
}

TEST_CASE("an absolute position is a share of the extent, within it") {
    LibinputTranslator translator;
    CHECK(told(translator.position(0, 1)) == "POINTER_X=0 POINTER_Y=65535");
    CHECK(told(translator.position(0.5, 0.25)) == "POINTER_X=32768 POINTER_Y=16384");
    CHECK(told(translator.position(-0.1, 1.7)) == "POINTER_X=0 POINTER_Y=65535");
}

TEST_CASE("buttons and keys keep the kernel's codes") {
    LibinputTranslator translator;
    CHECK(told(translator.key(BTN_LEFT, true)) == "BTN_LEFT=1");
    CHECK(told(translator.key(BTN_LEFT, false)) == "BTN_LEFT=0");
    CHECK(told(translator.key(KEY_MAX, true)) == "KEY_MAX=1");
}

TEST_CASE("a button beyond the kernel's codes is not told as another") {
    LibinputTranslator translator;
    CHECK(translator.key(KEY_MAX + 1, true).empty());
    CHECK(translator.key(0x10000 + BTN_LEFT, true).empty());
}

TEST_CASE("a wheel is told in v120, without the axis that did not turn") {
    LibinputTranslator translator;
    CHECK(told(translator.scroll(ScrollSource::wheel, 120.0, 0.0)) == "SCROLL_WHEEL_VERTICAL=120");
    CHECK(told(translator.scroll(ScrollSource::wheel, std::nullopt, -15.0)) == "SCROLL_WHEEL_HORIZONTAL=-15");
    CHECK(translator.scroll(ScrollSource::wheel, 0.0, std::nullopt).empty());
}

TEST_CASE("fingers and continuous sources scroll in 1/256 of a unit") {
    LibinputTranslator translator;
    CHECK(told(translator.scroll(ScrollSource::finger, 2.0, -0.5)) ==
          "SCROLL_FINGER_VERTICAL=512 SCROLL_FINGER_HORIZONTAL=-128");
    CHECK(told(translator.scroll(ScrollSource::continuous, 2.0, -0.5)) ==
          "SCROLL_CONTINUOUS_VERTICAL=512 SCROLL_CONTINUOUS_HORIZONTAL=-128");
}

TEST_CASE("the end of a finger's scrolling is told as 0, of the axes it names") {
    LibinputTranslator translator;
    CHECK(told(translator.scroll(ScrollSource::finger, 1.0, std::nullopt)) == "SCROLL_FINGER_VERTICAL=256");
    CHECK(told(translator.scroll(ScrollSource::finger, 0.0, std::nullopt)) == "SCROLL_FINGER_VERTICAL=0");
}

TEST_CASE("a finger's scrolling too little to tell is no end of it") {
    LibinputTranslator translator;
    CHECK(translator.scroll(ScrollSource::finger, 0.1 / 256, std::nullopt).empty());
    CHECK(told(translator.scroll(ScrollSource::finger, 0.5 / 256, std::nullopt)) == "SCROLL_FINGER_VERTICAL=1");
}

TEST_CASE("a new scrolling does not begin with the rest of the last") {
    LibinputTranslator translator;
    CHECK(translator.scroll(ScrollSource::finger, 0.4 / 256, std::nullopt).empty());
    CHECK(told(translator.scroll(ScrollSource::finger, 0.0, std::nullopt)) == "SCROLL_FINGER_VERTICAL=0");
    CHECK(translator.scroll(ScrollSource::finger, 0.4 / 256, std::nullopt).empty());
}

TEST_CASE("the sum of a long scrolling stays exact in both axes") {
    LibinputTranslator translator;
    std::mt19937 random(2);
    std::uniform_real_distribution<double> step(0.0005, 0.02);
    double vertical = 0;
    double horizontal = 0;
    std::int64_t recorded_vertical = 0;
    std::int64_t recorded_horizontal = 0;
    for (int i = 0; i < 20'000; ++i) {
        const double down = step(random);
        const double left = -step(random);
        vertical += down;
        horizontal += left;
        const auto events = translator.scroll(ScrollSource::finger, down, left);
        recorded_vertical += total(events, input::abstract::scroll_code::finger_vertical);
        recorded_horizontal += total(events, input::abstract::scroll_code::finger_horizontal);
    }
    CHECK(drift(recorded_vertical, vertical) < 0.501);
    CHECK(drift(recorded_horizontal, horizontal) < 0.501);
}

TEST_CASE("pointer, scrolling and gestures do not borrow each other's rests") {
    LibinputTranslator translator;
    CHECK(translator.motion(0.4 / 256, 0.4 / 256).empty());
    CHECK(translator.scroll(ScrollSource::finger, 0.4 / 256, 0.4 / 256).empty());
    CHECK(told(translator.gesture_update(input::GestureKind::swipe, 3, 0.4 / 256, 0.4 / 256, 1, 0)) ==
          "GESTURE_SWIPE_UPDATE=3 GESTURE_DX=0 GESTURE_DY=0");
}
