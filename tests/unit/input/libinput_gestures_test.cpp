// SPDX-License-Identifier: Apache-2.0
#include "support/catch.h"
#include "unit/input/translator_fixture.h"

#include <limits>

using namespace candor;
using namespace candor::test;
using input::GestureKind;
using input::LibinputTranslator;
using input::PenAxes;

TEST_CASE("touches are gathered until their frame and told as one packet") {
    LibinputTranslator translator;
    translator.touch_down(0, 0, 1);
    translator.touch_down(1, 0.5, 0.5);
    translator.touch_motion(0, 1, 0);
    CHECK(told(translator.frame()) == "TOUCH_DOWN=0 TOUCH_X=0 TOUCH_Y=65535 TOUCH_DOWN=1 TOUCH_X=32768 TOUCH_Y=32768 "
                                      "TOUCH_MOTION=0 TOUCH_X=65535 TOUCH_Y=0");
}

TEST_CASE("lifted and cancelled touches have no position") {
    LibinputTranslator translator;
    translator.touch_up(3);
    translator.touch_cancel(4);
    CHECK(told(translator.frame()) == "TOUCH_UP=3 TOUCH_CANCEL=4");
}

TEST_CASE("a frame holds nothing of the one before it") {
    LibinputTranslator translator;
    translator.touch_down(0, 0, 0);
    static_cast<void>(translator.frame());
    translator.touch_up(0);
    CHECK(told(translator.frame()) == "TOUCH_UP=0");
    CHECK(translator.frame().empty());
}

TEST_CASE("touches wait for their frame whatever else is told meanwhile") {
    LibinputTranslator translator;
    translator.touch_down(0, 0, 0);
    CHECK(told(translator.motion(1, 0)) == "POINTER_DX=256");
    CHECK(told(translator.key(BTN_TOUCH, true)) == "BTN_TOUCH=1");
    CHECK(told(translator.frame()) == "TOUCH_DOWN=0 TOUCH_X=0 TOUCH_Y=0");
}

TEST_CASE("a touchscreen that never ends its frame fits a packet all the same") {
    LibinputTranslator translator;
    for (int i = 0; i < 5000; ++i) {
        translator.touch_motion(0, 0.5, 0.5);
    }
    const auto events = translator.frame();
    CHECK(events.size() <= 1024);
    CHECK(events.back().code == input::abstract::touch_code::y);
}

TEST_CASE("a swipe begins, goes on and ends with its number of fingers") {
    LibinputTranslator translator;
    CHECK(told(translator.gesture_begin(GestureKind::swipe, 3)) == "GESTURE_SWIPE_BEGIN=3");
    CHECK(told(translator.gesture_update(GestureKind::swipe, 3, 1, -2, 1, 0)) ==
          "GESTURE_SWIPE_UPDATE=3 GESTURE_DX=256 GESTURE_DY=-512");
    CHECK(told(translator.gesture_end(GestureKind::swipe, 3, false)) == "GESTURE_SWIPE_END=3");
}

TEST_CASE("a pinch says its scale and angle too") {
    LibinputTranslator translator;
    CHECK(told(translator.gesture_begin(GestureKind::pinch, 2)) == "GESTURE_PINCH_BEGIN=2");
    CHECK(told(translator.gesture_update(GestureKind::pinch, 2, 0, 0, 1.5, -1)) ==
          "GESTURE_PINCH_UPDATE=2 GESTURE_DX=0 GESTURE_DY=0 GESTURE_SCALE=98304 GESTURE_ANGLE=-256");
    CHECK(told(translator.gesture_end(GestureKind::pinch, 2, false)) == "GESTURE_PINCH_END=2");
}

TEST_CASE("a hold begins and ends") {
    LibinputTranslator translator;
    CHECK(told(translator.gesture_begin(GestureKind::hold, 4)) == "GESTURE_HOLD_BEGIN=4");
    CHECK(told(translator.gesture_end(GestureKind::hold, 4, false)) == "GESTURE_HOLD_END=4");
}

TEST_CASE("a gesture that was cancelled says so at its end") {
    LibinputTranslator translator;
    CHECK(told(translator.gesture_end(GestureKind::swipe, 3, true)) == "GESTURE_SWIPE_END=3 GESTURE_CANCELLED=1");
    CHECK(told(translator.gesture_end(GestureKind::pinch, 2, true)) == "GESTURE_PINCH_END=2 GESTURE_CANCELLED=1");
    CHECK(told(translator.gesture_end(GestureKind::hold, 1, true)) == "GESTURE_HOLD_END=1 GESTURE_CANCELLED=1");
}

TEST_CASE("the sums of a gesture's motion and angle stay exact") {
    LibinputTranslator translator;
    static_cast<void>(translator.gesture_begin(GestureKind::pinch, 2));
    std::int64_t dx = 0;
    std::int64_t angle = 0;
    for (int i = 0; i < 1000; ++i) {
        const auto events = translator.gesture_update(GestureKind::pinch, 2, 0.3 / 256, 0, 1, -0.7 / 256);
        dx += events[1].value;
        angle += events[4].value;
    }
    CHECK(dx == 300);
    CHECK(angle == -700);
}

TEST_CASE("a gesture does not begin with the rest of the last") {
    LibinputTranslator translator;
    static_cast<void>(translator.gesture_begin(GestureKind::swipe, 3));
    static_cast<void>(translator.gesture_update(GestureKind::swipe, 3, 0.4 / 256, 0.4 / 256, 1, 0));
    static_cast<void>(translator.gesture_begin(GestureKind::swipe, 3));
    CHECK(told(translator.gesture_update(GestureKind::swipe, 3, 0.4 / 256, 0.4 / 256, 1, 0)) ==
          "GESTURE_SWIPE_UPDATE=3 GESTURE_DX=0 GESTURE_DY=0");
}

TEST_CASE("a scale that is no number is 0, and none is beyond a thousand") {
    LibinputTranslator translator;
    const auto scale = [&](double value) {
        return translator.gesture_update(GestureKind::pinch, 2, 0, 0, value, 0)[3].value;
    };
    CHECK(scale(std::numeric_limits<double>::quiet_NaN()) == 0);
    CHECK(scale(1e300) == 65'536'000);
    CHECK(scale(-1) == 0);
}

TEST_CASE("a pen that comes near says its tool and where it is") {
    LibinputTranslator translator;
    PenAxes axes;
    axes.x = 0.5;
    axes.y = 1;
    axes.distance = 0.25;
    CHECK(told(translator.pen_proximity(true, 2, axes)) ==
          "TABLET_PROXIMITY=1 TABLET_TOOL=2 TABLET_X=32768 TABLET_Y=65535 TABLET_DISTANCE=16384");
}

TEST_CASE("a pen that goes says nothing else") {
    LibinputTranslator translator;
    PenAxes axes;
    axes.x = 0.5;
    CHECK(told(translator.pen_proximity(false, 2, axes)) == "TABLET_PROXIMITY=0");
}

TEST_CASE("a pen's tip is told before the axes that came with it") {
    LibinputTranslator translator;
    PenAxes axes;
    axes.pressure = 1;
    CHECK(told(translator.pen_tip(true, axes)) == "TABLET_TIP=1 TABLET_PRESSURE=65535");
    CHECK(told(translator.pen_tip(false, {})) == "TABLET_TIP=0");
}

TEST_CASE("all of a pen's axes are told, each in its unit") {
    LibinputTranslator translator;
    PenAxes axes;
    axes.x = 0;
    axes.y = 0.5;
    axes.pressure = 0.5;
    axes.distance = 1;
    axes.tilt_x = -64;
    axes.tilt_y = 0.5;
    axes.rotation = 359.5;
    axes.slider = -1;
    axes.wheel = 2;
    CHECK(
        told(translator.pen_axes(axes)) ==
        "TABLET_X=0 TABLET_Y=32768 TABLET_PRESSURE=32768 TABLET_DISTANCE=65535 TABLET_TILT_X=-16384 TABLET_TILT_Y=128 "
        "TABLET_ROTATION=92032 TABLET_SLIDER=-65535 TABLET_WHEEL=512");
}

TEST_CASE("axes that did not change are not told") {
    LibinputTranslator translator;
    CHECK(translator.pen_axes({}).empty());
    PenAxes axes;
    axes.tilt_y = 1;
    CHECK(told(translator.pen_axes(axes)) == "TABLET_TILT_Y=256");
}

TEST_CASE("a pen's shares stay within 0 and 1, its slider within -1 and 1") {
    LibinputTranslator translator;
    PenAxes axes;
    axes.x = -0.5;
    axes.pressure = 7;
    axes.slider = 3;
    CHECK(told(translator.pen_axes(axes)) == "TABLET_X=0 TABLET_PRESSURE=65535 TABLET_SLIDER=65535");
}

TEST_CASE("the sum of a pen's wheel stays exact") {
    LibinputTranslator translator;
    PenAxes axes;
    axes.wheel = 0.3 / 256;
    std::int64_t turned = 0;
    for (int i = 0; i < 1000; ++i) {
        turned += translator.pen_axes(axes).front().value;
    }
    CHECK(turned == 300);
}
