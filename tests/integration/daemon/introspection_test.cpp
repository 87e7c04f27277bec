// SPDX-License-Identifier: Apache-2.0
#include "machine.h"

#include "base/file.h"

#include <map>

using namespace candor::test;

namespace {

/// One tag of well-formed XML: its name ("/name" at its end), and its attributes.
struct Tag {
    std::string name;
    std::map<std::string, std::string> attributes;
    bool closes_itself = false;
};

/// Enough of XML for introspection data: comments and the document type are passed over, text is ignored.
std::vector<Tag> tags_of(const std::string& xml) {
    std::vector<Tag> tags;
    for (std::size_t at = xml.find('<'); at != std::string::npos; at = xml.find('<', at)) {
        if (xml.compare(at, 4, "<!--") == 0) {
            at = xml.find("-->", at);
            REQUIRE(at != std::string::npos);
            continue;
        }
        const std::size_t end = xml.find('>', at);
        REQUIRE(end != std::string::npos);
        std::string inside = xml.substr(at + 1, end - at - 1);
        at = end;
        if (inside.starts_with("!") || inside.starts_with("?")) {
            continue;
        }
        Tag tag;
        if (inside.ends_with("/")) {
            tag.closes_itself = true;
            inside.pop_back();
        }
        tag.name = inside.substr(0, inside.find_first_of(" \n"));
        for (std::size_t equals = inside.find("=\""); equals != std::string::npos;
             equals = inside.find("=\"", equals)) {
            const std::size_t key = inside.find_last_of(" \n", equals) + 1;
            const std::size_t close = inside.find('"', equals + 2);
            tag.attributes[inside.substr(key, equals - key)] = inside.substr(equals + 2, close - equals - 2);
            equals = close;
        }
        tags.push_back(std::move(tag));
    }
    return tags;
}

/// Every member of Candor's own interfaces, one a line: "INTERFACE method Grant: in level s, in …".
std::set<std::string> members_of(const std::string& xml) {
    std::set<std::string> members;
    std::string interface;
    std::string member;
    const auto finish = [&] {
        if (!member.empty()) {
            members.insert(member);
        }
        member.clear();
    };
    for (Tag& tag : tags_of(xml)) {
        auto& attributes = tag.attributes;
        if (tag.name == "interface") {
            interface = attributes["name"].starts_with("org.candor.") ? attributes["name"] : "";
        } else if (interface.empty() || tag.name == "node" || tag.name == "/node") {
            continue;
        } else if (tag.name == "/method" || tag.name == "/property" || tag.name == "/signal" ||
                   tag.name == "/interface") {
            finish();
        } else if (tag.name == "method" || tag.name == "property" || tag.name == "signal") {
            finish();
            member = interface + " " + tag.name + " " + attributes["name"] + ":";
            if (tag.name == "property") {
                member += " " + attributes["type"] + " " + attributes["access"];
            }
            if (tag.closes_itself) {
                finish();
            }
        } else if (tag.name == "arg") {
            member += " " + attributes["direction"] + " " + attributes["name"] + " " + attributes["type"] + ",";
        } else if (tag.name == "annotation") {
            member += " " + attributes["name"] + "=" + attributes["value"];
        }
    }
    return members;
}

} // namespace

TEST_CASE("the object on the bus is the one that its description promises") {
    const Machine machine;
    Running running(machine);
    const auto description = candor::read_text(CANDOR_SOURCE "/proto/org.candor.Capture1.xml", 64 * 1024);
    REQUIRE(description.has_value());
    const auto promised = members_of(*description);
    CHECK(promised.size() == 39);
    CHECK(promised.contains("org.candor.Capture1 property ShipperConnected: b read "
                            "org.freedesktop.DBus.Property.EmitsChangedSignal=false"));
    CHECK(promised.contains(
        "org.candor.Capture1.Consent method Grant: in policy_hash s, in level s, in device_classes as, "
        "in until x, out receipt s,"));
    CHECK(members_of(running.client.introspect()) == promised);
}
