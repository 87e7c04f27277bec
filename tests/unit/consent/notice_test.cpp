// SPDX-License-Identifier: Apache-2.0
// What is emitted is what the notice says: whoever adds a field to what is recorded must say here how the notice
// discloses it, and the notice must hold those words.
#include "support/catch.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>

namespace {

std::string text_of(const std::string& path) {
    std::ifstream file(std::string(CANDOR_SOURCE) + "/" + path);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// The notice in one line, so that a phrase may run over an end of line.
std::string notice() { return std::regex_replace(text_of("docs/notice.txt"), std::regex("\\s+"), " "); }

/// "STRUCT.field" for every field and enumerant of a schema, comments left out.
std::set<std::string> schema_fields(const std::string& schema) {
    std::set<std::string> fields;
    const std::string text = std::regex_replace(schema, std::regex("#[^\n]*"), "");
    const std::regex item("(?:struct|enum)\\s+(\\w+)|(\\w+)\\s+@\\d+");
    std::string within;
    for (std::sregex_iterator match(text.begin(), text.end(), item), end; match != end; ++match) {
        if ((*match)[1].matched) {
            within = (*match)[1];
        } else {
            fields.insert(within + "." + (*match)[2].str());
        }
    }
    return fields;
}

/// "namespace.constant" for every code of the events that are made from libinput's.
std::set<std::string> abstract_codes(const std::string& header) {
    std::set<std::string> codes;
    const std::regex item("namespace (\\w+)_code \\{|constexpr std::uint16_t (\\w+) = \\d+;");
    std::string within;
    for (std::sregex_iterator match(header.begin(), header.end(), item), end; match != end; ++match) {
        if ((*match)[1].matched) {
            within = (*match)[1];
        } else if (!within.empty()) {
            codes.insert(within + "." + (*match)[2].str());
        }
    }
    return codes;
}

void check_disclosed(const std::set<std::string>& recorded, const std::map<std::string, std::string>& disclosed_by) {
    const std::string shown = notice();
    REQUIRE_FALSE(shown.empty());
    for (const std::string& name : recorded) {
        INFO(name << " is recorded");
        REQUIRE(disclosed_by.count(name) == 1);
        CHECK(shown.find(disclosed_by.at(name)) != std::string::npos);
    }
    for (const auto& [name, phrase] : disclosed_by) {
        INFO(name << " is disclosed");
        CHECK(recorded.count(name) == 1);
    }
}

} // namespace

TEST_CASE("the notice discloses every field of a batch") {
    check_disclosed(schema_fields(text_of("proto/batch.capnp")),
                    {
                        {"Batch.devices", "the input devices in use"},
                        {"Batch.packets", "exactly and in order"},
                        {"Device.index", "the input devices in use"},
                        {"Device.deviceClass", "the input devices in use: class,"},
                        {"Device.bus", "class, bus,"},
                        {"Device.vendor", "the numbers of vendor,"},
                        {"Device.product", "vendor, product"},
                        {"Device.version", "product and version"},
                        {"Device.name", "the name of the model"},
                        {"Class.keyboard", "its keyboard,"},
                        {"Class.mouse", "pointer"},
                        {"Class.touchpad", "touchpads"},
                        {"Class.touchscreen", "touchscreen"},
                        {"Class.tablet", "tablets"},
                        {"Packet.device", "the input devices in use"},
                        {"Packet.timeUs", "the time of each of these, to the microsecond"},
                        {"Packet.events", "exactly and in order"},
                        {"Event.type", "every key that you press and release"},
                        {"Event.code", "every key that you press and release"},
                        {"Event.value", "every key that you press and release"},
                    });
}

TEST_CASE("the notice discloses everything that is recorded of touch devices") {
    const std::string swipes = "swipes,", pinches = "pinches with their scale and angle", holds = "holds,";
    const std::string touches = "where and when each finger goes down, moves, and goes up";
    check_disclosed(abstract_codes(text_of("lib/input/abstract_events.h")),
                    {
                        {"pointer.dx", "motion of the pointer"},
                        {"pointer.dy", "motion of the pointer"},
                        {"pointer.x", "motion of the pointer"},
                        {"pointer.y", "motion of the pointer"},
                        {"scroll.wheel_vertical", "scrolling: of wheels and of fingers"},
                        {"scroll.wheel_horizontal", "scrolling: of wheels and of fingers"},
                        {"scroll.finger_vertical", "scrolling: of wheels and of fingers"},
                        {"scroll.finger_horizontal", "scrolling: of wheels and of fingers"},
                        {"scroll.continuous_vertical", "scrolling: of wheels and of fingers"},
                        {"scroll.continuous_horizontal", "scrolling: of wheels and of fingers"},
                        {"touch.down", touches},
                        {"touch.up", touches},
                        {"touch.cancel", touches},
                        {"touch.motion", touches},
                        {"touch.x", touches},
                        {"touch.y", touches},
                        {"gesture.swipe_begin", swipes},
                        {"gesture.swipe_update", swipes},
                        {"gesture.swipe_end", swipes},
                        {"gesture.pinch_begin", pinches},
                        {"gesture.pinch_update", pinches},
                        {"gesture.pinch_end", pinches},
                        {"gesture.hold_begin", holds},
                        {"gesture.hold_end", holds},
                        {"gesture.dx", swipes},
                        {"gesture.dy", swipes},
                        {"gesture.scale", "scale and angle"},
                        {"gesture.angle", "scale and angle"},
                        {"gesture.cancelled", "gestures on touchpads"},
                        {"tablet.proximity", "distance,"},
                        {"tablet.tool", "which kind of tool"},
                        {"tablet.tip", "pressure,"},
                        {"tablet.x", "where it is"},
                        {"tablet.y", "where it is"},
                        {"tablet.pressure", "pressure,"},
                        {"tablet.distance", "distance,"},
                        {"tablet.tilt_x", "tilt,"},
                        {"tablet.tilt_y", "tilt,"},
                        {"tablet.rotation", "rotation,"},
                        {"tablet.slider", "slider"},
                        {"tablet.wheel", "wheel;"},
                    });
}

TEST_CASE("the notice says that text and passwords are recorded, and how to take consent back") {
    const std::string shown = notice();
    for (const char* phrase : {"THIS INCLUDES ALL TEXT THAT YOU TYPE", "passwords", "clicks of every button",
                               "candorctl consent revoke", "candorctl status", "candorctl consent show"}) {
        INFO(phrase);
        CHECK(shown.find(phrase) != std::string::npos);
    }
}
