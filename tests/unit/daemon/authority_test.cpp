// SPDX-License-Identifier: Apache-2.0
#include "daemon/authority.h"

#include "base/file.h"
#include "support/catch.h"

#include <regex>
#include <set>
#include <string>

using namespace candor::daemon;

namespace {

/// "Pause", "Consent.Grant" …: every method that the description of the bus interface has.
std::set<std::string> described_methods() {
    const auto xml = candor::read_text(CANDOR_SOURCE "/proto/org.candor.Capture1.xml", 64 * 1024);
    REQUIRE(xml.has_value());
    std::set<std::string> methods;
    const std::regex item("<(interface|method) name=\"(?:org\\.candor\\.Capture1\\.?)?(\\w*)\"");
    std::string interface;
    for (std::sregex_iterator match(xml->begin(), xml->end(), item), end; match != end; ++match) {
        if ((*match)[1] == "interface") {
            interface = (*match)[2];
        } else {
            methods.insert((interface.empty() ? "" : interface + ".") + (*match)[2].str());
        }
    }
    return methods;
}

} // namespace

TEST_CASE("the table lists every method there is, and nothing else") {
    std::set<std::string> listed;
    for (const AuthorityRow& row : authority_table()) {
        const std::string method(row.method.substr(0, row.method.find(' ')));
        listed.insert(method);
    }
    CHECK(listed.size() >= 15);
    CHECK(listed == described_methods());
}

TEST_CASE("what the table does not list is denied to everybody") {
    for (const char* method : {"", "Grant", "Consent.Grant ", "consent.grant", "Record"}) {
        for (const Caller caller : {Caller::root, Caller::person, Caller::other}) {
            CHECK(permission_of(method, caller) == Permission::denied);
        }
    }
    for (const AuthorityRow& row : authority_table()) {
        CHECK(permission_of(row.method, static_cast<Caller>(9)) == Permission::denied);
    }
}

TEST_CASE("root never begins a recording, decides no consent, and speaks for nobody") {
    for (const char* method : {"Consent.Grant", "Consent.Revoke", "Consent.GetReceipt", "Pause", "Resume",
                               "Context.Register", "Context.Report", "Context.Heartbeat", "Context.Unregister"}) {
        CHECK(permission_of(method, Caller::root) == Permission::denied);
    }
}

TEST_CASE("what lets recording begin takes the active session; what ends it does not") {
    for (const char* method : {"Consent.Grant", "Resume"}) {
        CHECK(permission_of(method, Caller::person) == Permission::allowed);
        CHECK(permission_of(method, Caller::other) == Permission::denied);
    }
    for (const char* method : {"Consent.Revoke", "Pause", "Inhibit"}) {
        CHECK(permission_of(method, Caller::person) == Permission::allowed);
        CHECK(permission_of(method, Caller::other) == Permission::allowed);
    }
}

TEST_CASE("whoever may be denied is told why, and what polkit decides names its action") {
    for (const AuthorityRow& row : authority_table()) {
        INFO(row.method);
        const auto any = [&](Permission permission) {
            return row.root == permission || row.person == permission || row.other == permission;
        };
        CHECK(row.polkit_action.empty() != any(Permission::asked));
        CHECK(row.denial.empty() != (any(Permission::asked) || any(Permission::denied)));
    }
}

TEST_CASE("a caller is the person only as the uid of the active session, and root never is") {
    CHECK(classify(1000, 1000) == Caller::person);
    CHECK(classify(1000, 1001) == Caller::other);
    CHECK(classify(1000, std::nullopt) == Caller::other);
    CHECK(classify(0, 0) == Caller::root);
    CHECK(classify(0, std::nullopt) == Caller::root);
}
