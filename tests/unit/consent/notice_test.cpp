// SPDX-License-Identifier: Apache-2.0
// What is emitted is what the notice says: whoever adds a field to what is recorded must say here how the notice
// discloses it, and the notice must hold those words.
#include "privacy/level.h"
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

/// "namespace.constant" for every code of the event types that are not the kernel's.
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

/// The event types that are not the kernel's.
std::set<std::string> abstract_types(const std::string& header) {
    std::set<std::string> types;
    const std::regex item("constexpr std::uint16_t (\\w+) = 0x\\w+;");
    for (std::sregex_iterator match(header.begin(), header.end(), item), end; match != end; ++match) {
        types.insert((*match)[1]);
    }
    return types;
}

/// The enumerators of a header's one enum class.
std::set<std::string> enumerators(const std::string& header) {
    std::set<std::string> names;
    const std::regex item("\n    (\\w+)(?: = \\d+)?,");
    for (std::sregex_iterator match(header.begin(), header.end(), item), end; match != end; ++match) {
        names.insert((*match)[1]);
    }
    return names;
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
    check_disclosed(
        schema_fields(text_of("proto/batch.capnp")),
        {
            {"Batch.devices", "the input devices in use"},
            {"Batch.packets", "Of pointers and touch devices"},
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
            {"Packet.timeUs", "the time of each of these, to the microsecond. The same is kept of each key"},
            {"Packet.events", "every key that you press and release, exactly and in order"},
            {"Event.type", "every key that you press and release, exactly and in order"},
            {"Event.code", "every key that you press and release, exactly and in order"},
            {"Event.value", "every key that you press and release, exactly and in order"},
        });
}

TEST_CASE("the notice discloses every code of the events that are not the kernel's") {
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
                        {"burst.typing_begin", "when a stretch of typing begins and ends"},
                        {"burst.typing_end", "when a stretch of typing begins and ends"},
                        {"burst.pointing_begin", "when a stretch of pointing begins and ends"},
                        {"burst.pointing_end", "when a stretch of pointing begins and ends"},
                        {"count.keys", "how many keys you pressed, how many clicks"},
                        {"count.clicks", "how many clicks you made"},
                        {"count.scroll", "how much you scrolled"},
                        {"count.distance", "how far the pointer moved"},
                    });
}

TEST_CASE("the notice discloses every type of event that is not the kernel's") {
    check_disclosed(abstract_types(text_of("lib/input/abstract_events.h")),
                    {
                        {"pointer", "motion of the pointer"},
                        {"scroll", "scrolling: of wheels and of fingers"},
                        {"touch", "touches of a touchscreen"},
                        {"gesture", "gestures on touchpads"},
                        {"tablet", "pens on tablets"},
                        {"key_press", "how many keys of each kind you pressed"},
                        {"burst", "A stretch is over when nothing came for two seconds"},
                        {"count", "each rounded down to a power of two"},
                    });
}

TEST_CASE("the notice discloses every kind of key that is told apart") {
    const std::string kinds =
        "The kinds are keys of text, editing (such as Enter and Backspace), navigation (such as the "
        "arrows), modifiers (such as Shift), function keys, media keys, and shortcuts";
    check_disclosed(enumerators(text_of("lib/privacy/key_class.h")), {
                                                                         {"text", kinds},
                                                                         {"edit", kinds},
                                                                         {"navigation", kinds},
                                                                         {"modifier", kinds},
                                                                         {"function", kinds},
                                                                         {"media", kinds},
                                                                         {"shortcut", kinds},
                                                                         {"button", "clicks of every button"},
                                                                     });
}

TEST_CASE("the notice describes every level, in their order") {
    const std::string shown = notice();
    std::size_t last = 0;
    for (const std::string_view name : candor::privacy::level_names) {
        INFO(name);
        const std::size_t at = shown.find("Level \"" + std::string(name) + "\" keeps");
        REQUIRE(at != std::string::npos);
        CHECK(at > last);
        last = at;
    }
}

TEST_CASE("the notice discloses what can be read without a key") {
    std::set<std::string> clear = schema_fields(text_of("proto/frame.capnp"));
    // How frames travel on this machine and what its programs tell each other there, and keys that are wrapped.
    std::erase_if(clear, [](const std::string& name) {
        const std::string_view within = std::string_view(name).substr(0, name.find('.'));
        return within == "Frame" || within == "Hello" || within == "Reply" || within == "Ack" || within == "Report" ||
               within == "State" || within == "Recipient";
    });
    const std::string numbers =
        "the numbers that stand for you, for this computer, for the time since it was last switched "
        "on and for each part of a recording";
    const std::string belongs = "which policy and which of your consents it belongs to";
    const std::string times = "when each part began and ended and what this computer's clocks showed";
    const std::string size = "how many events and batches it holds and how large they are";
    const std::string hole = "each hole, in whole seconds, with a number for the device, its reason and, where it is "
                             "known, how many events were lost";
    const std::string destroyed = "that you had parts deleted or all of it erased: which, and when you asked";
    const std::string end_lost =
        "that the end of a part was lost because this computer failed, and when that was noticed";
    const std::string receipt = "A signed receipt then says how many files and how many bytes were destroyed, and when";
    const std::string place = "how many parts there were before it";
    const std::string sealed = "it is encrypted before it leaves the program that reads the devices";
    check_disclosed(clear, {
                               {"Open.version", size},
                               {"Open.stream", numbers},
                               {"Open.subject", numbers},
                               {"Open.epoch", belongs},
                               {"Open.grant", numbers},
                               {"Open.run", numbers},
                               {"Open.bootId", numbers},
                               {"Open.anchor", times},
                               {"Open.level", "the level;"},
                               {"Open.policyHash", belongs},
                               {"Open.consentVersion", belongs},
                               {"Open.wrappedKey", sealed},
                               {"Open.sealHeader", sealed},
                               {"Open.identity", "for this computer,"},
                               {"Open.signature", "for this computer,"},
                               {"Open.number", place},
                               {"Open.embargoSeconds", "how long it waits here before it is sent on"},
                               {"Clock.monotonicNs", times},
                               {"Clock.boottimeNs", times},
                               {"Clock.realtimeNs", times},
                               {"Gap.reason", hole},
                               {"Gap.fromUs", hole},
                               {"Gap.toUs", hole},
                               {"Gap.counted", hole},
                               {"Gap.events", hole},
                               {"Gap.device", "a number for the device"},
                               {"Reason.droppedByKernel", "the computer was too busy"},
                               {"Reason.ringFull", "storage was full"},
                               {"Reason.deviceGone", "a device was unplugged"},
                               {"Reason.damaged", "or faulty"},
                               {"Reason.quarantined", "or recording stopped"},
                               {"Reason.inhibited", "recording was held off"},
                               {"Reason.locked", "the session was locked"},
                               {"Reason.paused", "you paused"},
                               {"Reason.withdrawn", "you withdrew"},
                               {"Reason.quarantineFull", "the computer was too busy"},
                               {"Reason.crash", "the recorder failed,"},
                               {"Reason.stateFailed", "the recorder could not write its own files"},
                               {"Reason.rotated", "when each part began and ended"},
                               {"Reason.gateClosed", "when each part began and ended"},
                               {"Reason.stopped", "when each part began and ended"},
                               {"Reason.crashed", "the recorder failed,"},
                               {"Close.reason", times},
                               {"Close.produced", size},
                               {"Close.stored", size},
                               {"Close.declared", hole},
                               {"Close.batches", size},
                               {"Close.gaps", hole},
                               {"Close.transcript", size},
                               {"Close.signature", "for this computer,"},
                               {"Grant.id", numbers},
                               {"Grant.subject", numbers},
                               {"Grant.epoch", belongs},
                               {"Grant.recipients", "for whom it is encrypted"},
                               {"Grant.identity", "for this computer,"},
                               {"Grant.signature", "for this computer,"},
                               {"Tombstone.id", destroyed},
                               {"Tombstone.subject", numbers},
                               {"Tombstone.lastEpoch", destroyed},
                               {"Tombstone.streams", destroyed},
                               {"Tombstone.reason", destroyed},
                               {"Tombstone.requestedNs", "when you asked"},
                               {"Tombstone.identity", "for this computer,"},
                               {"Tombstone.signature", "for this computer,"},
                               {"Reason.erased", "or all of it erased"},
                               {"Reason.deleted", "you had parts deleted"},
                               {"StreamRef.stream", numbers},
                               {"StreamRef.epoch", belongs},
                               {"StreamRef.number", place},
                               {"Note.stream", numbers},
                               {"Note.subject", numbers},
                               {"Note.epoch", belongs},
                               {"Note.number", place},
                               {"Note.noticedNs", end_lost},
                               {"Note.identity", "for this computer,"},
                               {"Note.signature", "for this computer,"},
                               {"Erasure.version", receipt},
                               {"Erasure.tombstone", receipt},
                               {"Erasure.subject", numbers},
                               {"Erasure.identity", "for this computer,"},
                               {"Erasure.segments", receipt},
                               {"Erasure.grants", receipt},
                               {"Erasure.bytes", receipt},
                               {"Erasure.completedNs", receipt},
                               {"Erasure.signer", "A signed receipt"},
                               {"Erasure.signature", "A signed receipt"},
                           });
}

TEST_CASE("the notice says that text and passwords are recorded, and how to stop it and take consent back") {
    const std::string shown = notice();
    for (const char* phrase :
         {"THIS INCLUDES ALL TEXT THAT YOU TYPE", "passwords", "clicks of every button", "candorctl consent revoke",
          "candorctl status", "candorctl consent show", "candorctl pause", "held together", "Scroll Lock light",
          "any program may hold recording off",
          "Anything typed within the last seconds before one of these is thrown away: a password prompt",
          "for example at the prompt of sudo in a terminal, is kept as far as your level keeps keys",
          "the number of its keys in each quarter of a second, and never which keys"}) {
        INFO(phrase);
        CHECK(shown.find(phrase) != std::string::npos);
    }
}

TEST_CASE("the notice says what waits on this computer, and what the person can do with it") {
    const std::string shown = notice();
    for (const char* phrase :
         {"each part of a recording, of ten minutes at most, stays here for a while before it is sent on, encrypted",
          "\"candorctl my-data\" shows you which parts are here, lets you look at what is in them, and deletes those",
          "what you delete is gone for good. Whoever stores the rest is told that you deleted it",
          "what has been sent on cannot be looked at or deleted in parts from here any more"}) {
        INFO(phrase);
        CHECK(shown.find(phrase) != std::string::npos);
    }
}

TEST_CASE("the notice says what an erasure destroys, when and how that is known, and what cannot be undone") {
    const std::string shown = notice();
    for (const char* phrase :
         {"\"candorctl consent revoke --erase\" takes it back and erases what was recorded before, too",
          "The keys that this computer has for it are destroyed at once, and so is all that still waits here",
          "the data and the keys that open it are destroyed when your request arrives there",
          "\"candorctl audit\" shows it to you", "such as backups, cannot be opened any more",
          "what cannot be undone: what those who may open it had opened and copied before",
          "what software has learnt from it", "For that you must ask them"}) {
        INFO(phrase);
        CHECK(shown.find(phrase) != std::string::npos);
    }
}
