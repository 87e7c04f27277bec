// SPDX-License-Identifier: Apache-2.0
#include "daemon/light.h"

#include "support/as_uid.h"
#include "support/catch.h"
#include "support/temporary_directory.h"

#include <chrono>
#include <fstream>
#include <optional>
#include <vector>

using namespace candor;
using namespace std::chrono_literals;
using daemon::Light;

namespace {

/// A folder in the shape of /sys/class/leds: links to the devices' own folders.
struct Leds {
    test::TemporaryDirectory directory;
    std::filesystem::path root = directory / "leds";
    EventLoop loop;

    Leds() {
        std::filesystem::create_directory(root);
        // Another uid looks at it, too.
        std::filesystem::permissions(directory.path(), std::filesystem::perms(0755));
    }

    [[nodiscard]] std::filesystem::path device(const std::string& name) const { return directory / ("device-" + name); }
    void plug(const std::string& name, const std::string& brightness = "0\n", const std::string& most = "1\n") const {
        std::filesystem::create_directory(device(name));
        write(device(name) / "brightness", brightness);
        write(device(name) / "max_brightness", most);
        std::filesystem::create_symlink(device(name), root / name);
    }
    void unplug(const std::string& name) const {
        std::filesystem::remove(root / name);
        std::filesystem::remove_all(device(name));
    }
    static void write(const std::filesystem::path& path, const std::string& text) { std::ofstream(path) << text; }
    [[nodiscard]] int brightness(const std::string& name) const {
        int brightness = -1;
        std::ifstream(root / name / "brightness") >> brightness;
        return brightness;
    }
};

/// Takes every number, and reads back in another base: an LED that is written to and does not shine as it was told.
const std::filesystem::path stubborn = "/proc/self/coredump_filter";

void plug_stubborn(const Leds& leds, const std::string& name) {
    REQUIRE(std::filesystem::exists(stubborn));
    leds.plug(name, "0\n", "16\n");
    std::filesystem::remove(leds.device(name) / "brightness");
    std::filesystem::create_symlink(stubborn, leds.device(name) / "brightness");
}

/// Somebody whom no permission is given by being root.
std::optional<test::AsUid> as_nobody() {
    return ::geteuid() == 0 ? std::optional<test::AsUid>(std::in_place, 65534) : std::nullopt;
}

} // namespace

TEST_CASE("the Scroll Lock light of every keyboard is lit and put out, and no other LED is touched") {
    Leds leds;
    leds.plug("input3::scrolllock");
    leds.plug("input7::scrolllock");
    leds.plug("input3::capslock");
    leds.plug("platform::scrolllock-not");
    Light light(leds.loop, leds.root);
    CHECK(light.works());
    CHECK(light.text() == "dark on 2 keyboards");
    CHECK(light.on());
    CHECK(light.is_on());
    CHECK(light.text() == "lit on 2 keyboards");
    CHECK(leds.brightness("input3::scrolllock") == 1);
    CHECK(leds.brightness("input7::scrolllock") == 1);
    CHECK(leds.brightness("input3::capslock") == 0);
    CHECK(leds.brightness("platform::scrolllock-not") == 0);
    light.off();
    CHECK_FALSE(light.is_on());
    CHECK(leds.brightness("input3::scrolllock") == 0);
    CHECK(leds.brightness("input7::scrolllock") == 0);
}

TEST_CASE("a light is lit as brightly as it can be") {
    Leds leds;
    leds.plug("input3::scrolllock", "0\n", "255\n");
    Light light(leds.loop, leds.root);
    CHECK(light.on());
    CHECK(leds.brightness("input3::scrolllock") == 255);
    Leds::write(leds.device("input3::scrolllock") / "brightness", "1\n");
    CHECK(light.keep());
    CHECK(leds.brightness("input3::scrolllock") == 255);
}

TEST_CASE("what a crash has left lit is put out at start") {
    Leds leds;
    leds.plug("input3::scrolllock", "1\n");
    const Light light(leds.loop, leds.root);
    CHECK_FALSE(light.is_on());
    CHECK(leds.brightness("input3::scrolllock") == 0);
}

TEST_CASE("a light goes out with its owner, also while it blinks") {
    Leds leds;
    leds.plug("input3::scrolllock");
    {
        Light light(leds.loop, leds.root);
        REQUIRE(light.on());
    }
    CHECK(leds.brightness("input3::scrolllock") == 0);
    {
        Light light(leds.loop, leds.root);
        light.blink();
        REQUIRE(leds.brightness("input3::scrolllock") == 1);
    }
    CHECK(leds.brightness("input3::scrolllock") == 0);
}

TEST_CASE("an LED that somebody else lit is left alone while the light is off") {
    Leds leds;
    leds.plug("input3::scrolllock");
    {
        Light light(leds.loop, leds.root);
        Leds::write(leds.device("input3::scrolllock") / "brightness", "1\n");
        light.refresh();
        light.off();
        CHECK_FALSE(light.keep());
    }
    CHECK(leds.brightness("input3::scrolllock") == 1);
}

TEST_CASE("without a light, or without the kernel's folder, it does not work and says why") {
    Leds leds;
    leds.plug("input3::capslock");
    Light none(leds.loop, leds.root);
    Light nowhere(leds.loop, leds.root / "missing");
    for (Light* light : {&none, &nowhere}) {
        CHECK_FALSE(light->works());
        CHECK(light->text() == "no keyboard has a Scroll Lock light");
        CHECK_FALSE(light->on());
        CHECK_FALSE(light->is_on());
    }
}

TEST_CASE("one light that may not be written fails them all and leaves every other dark") {
    Leds leds;
    for (const char* name : {"input1::scrolllock", "input3::scrolllock", "input7::scrolllock"}) {
        leds.plug(name);
        std::filesystem::permissions(leds.device(name) / "brightness", std::filesystem::perms(0666));
    }
    std::filesystem::permissions(leds.device("input3::scrolllock") / "brightness", std::filesystem::perms(0444));
    const auto nobody = as_nobody();
    Light light(leds.loop, leds.root);
    CHECK_FALSE(light.works());
    CHECK(light.text() == "cannot light input3::scrolllock: Permission denied");
    CHECK_FALSE(light.on());
    CHECK_FALSE(light.is_on());
    CHECK(leds.brightness("input1::scrolllock") == 0);
    CHECK(leds.brightness("input7::scrolllock") == 0);
    CHECK(light.text() == "cannot light input3::scrolllock: Permission denied");
}

TEST_CASE("a folder that may not be looked at is told about") {
    Leds leds;
    leds.plug("input3::scrolllock");
    std::filesystem::permissions(leds.root, std::filesystem::perms::none);
    {
        const auto nobody = as_nobody();
        const Light light(leds.loop, leds.root);
        CHECK_FALSE(light.works());
        CHECK(light.text() == "cannot look at " + leds.root.string() + ": Permission denied");
    }
    std::filesystem::permissions(leds.root, std::filesystem::perms(0755));
}

TEST_CASE("a light that takes what is written and does not shine fails them all") {
    Leds leds;
    leds.plug("input1::scrolllock");
    plug_stubborn(leds, "input3::scrolllock");
    Light light(leds.loop, leds.root);
    CHECK(light.works());
    CHECK_FALSE(light.on());
    CHECK_FALSE(light.is_on());
    CHECK_FALSE(light.works());
    CHECK(light.text() == "cannot light input3::scrolllock: it stays as it was");
    CHECK(leds.brightness("input1::scrolllock") == 0);
    CHECK(leds.brightness("input3::scrolllock") == 0);
}

TEST_CASE("a light that failed works again when it shines, and is tried again after a refresh") {
    Leds leds;
    plug_stubborn(leds, "input3::scrolllock");
    Light light(leds.loop, leds.root);
    REQUIRE_FALSE(light.on());
    REQUIRE_FALSE(light.works());
    light.refresh();
    CHECK(light.works());
    REQUIRE_FALSE(light.on());
    std::filesystem::remove(leds.device("input3::scrolllock") / "brightness");
    Leds::write(leds.device("input3::scrolllock") / "brightness", "0\n");
    CHECK(light.on());
    CHECK(light.works());
}

TEST_CASE("a brightness that is not a number is a failure") {
    Leds leds;
    leds.plug("input3::scrolllock", GENERATE("", "bright\n", "0 1\n", "99999999999999\n"));
    Light light(leds.loop, leds.root);
    CHECK_FALSE(light.on());
    CHECK_FALSE(light.works());
    CHECK(light.text().find("input3::scrolllock: its brightness is not a number") != std::string::npos);
}

TEST_CASE("what something else put out is lit again") {
    Leds leds;
    leds.plug("input3::scrolllock");
    leds.plug("input7::scrolllock");
    Light light(leds.loop, leds.root);
    REQUIRE(light.on());
    Leds::write(leds.device("input7::scrolllock") / "brightness", "0\n");
    CHECK(light.keep());
    CHECK(leds.brightness("input7::scrolllock") == 1);
}

TEST_CASE("a light that cannot be lit again is no longer kept") {
    Leds leds;
    leds.plug("input3::scrolllock");
    leds.plug("input7::scrolllock", "0\n", "16\n");
    Light light(leds.loop, leds.root);
    REQUIRE(light.on());
    leds.unplug("input7::scrolllock");
    plug_stubborn(leds, "input7::scrolllock");
    CHECK_FALSE(light.keep());
    CHECK_FALSE(light.works());
    CHECK(light.text() == "cannot light input7::scrolllock: it stays as it was");
    light.off();
    CHECK(leds.brightness("input3::scrolllock") == 0);
}

TEST_CASE("a keyboard that was plugged in is lit with the others, or stays dark with them") {
    Leds leds;
    leds.plug("input3::scrolllock");
    Light light(leds.loop, leds.root);
    leds.plug("input7::scrolllock");
    light.refresh();
    CHECK(light.text() == "dark on 2 keyboards");
    CHECK(leds.brightness("input7::scrolllock") == 0);
    REQUIRE(light.on());
    leds.plug("input9::scrolllock");
    light.refresh();
    CHECK(light.text() == "lit on 3 keyboards");
    CHECK(leds.brightness("input9::scrolllock") == 1);
}

TEST_CASE("a keyboard that was unplugged is no failure, whether noticed by the light or told to it") {
    Leds leds;
    leds.plug("input3::scrolllock");
    leds.plug("input7::scrolllock");
    leds.plug("input9::scrolllock");
    Light light(leds.loop, leds.root);
    REQUIRE(light.on());
    leds.unplug("input7::scrolllock");
    CHECK(light.keep());
    CHECK(light.text() == "lit on 2 keyboards");
    leds.unplug("input9::scrolllock");
    light.refresh();
    CHECK(light.text() == "lit on 1 keyboard");
    CHECK(light.works());
}

TEST_CASE("when the last light was unplugged nothing shines any more") {
    Leds leds;
    leds.plug("input3::scrolllock");
    Light light(leds.loop, leds.root);
    REQUIRE(light.on());
    leds.unplug("input3::scrolllock");
    CHECK_FALSE(light.keep());
    CHECK_FALSE(light.works());
}

TEST_CASE("blinking lights it five times and leaves it dark") {
    Leds leds;
    leds.plug("input3::scrolllock");
    Light light(leds.loop, leds.root);
    light.blink();
    CHECK_FALSE(light.is_on());
    const auto begin = std::chrono::steady_clock::now();
    std::vector<int> seen{leds.brightness("input3::scrolllock")};
    while (seen.size() < 10 && std::chrono::steady_clock::now() - begin < 60s) {
        if (leds.loop.run_once(1s)) {
            seen.push_back(leds.brightness("input3::scrolllock"));
        }
    }
    CHECK(seen == std::vector<int>{1, 0, 1, 0, 1, 0, 1, 0, 1, 0});
    CHECK(std::chrono::steady_clock::now() - begin >= 1700ms);
    CHECK_FALSE(leds.loop.run_once(300ms));
    CHECK(leds.brightness("input3::scrolllock") == 0);
}

TEST_CASE("lighting it ends a blinking, and so does putting it out") {
    Leds leds;
    leds.plug("input3::scrolllock");
    Light light(leds.loop, leds.root);
    light.blink();
    CHECK(light.on());
    CHECK_FALSE(leds.loop.run_once(300ms));
    CHECK(leds.brightness("input3::scrolllock") == 1);
    light.off();
    light.blink();
    light.off();
    CHECK_FALSE(leds.loop.run_once(300ms));
    CHECK(leds.brightness("input3::scrolllock") == 0);
}

TEST_CASE("a light that is on does not blink") {
    Leds leds;
    leds.plug("input3::scrolllock");
    Light light(leds.loop, leds.root);
    REQUIRE(light.on());
    light.blink();
    CHECK_FALSE(leds.loop.run_once(300ms));
    CHECK(leds.brightness("input3::scrolllock") == 1);
}

TEST_CASE("what another program writes to a light that is on is noticed by itself, and lit again") {
    Leds leds;
    leds.plug("input3::scrolllock");
    Light light(leds.loop, leds.root);
    REQUIRE(light.on());
    leds.write(leds.device("input3::scrolllock") / "brightness", "0\n");
    while (leds.brightness("input3::scrolllock") != 1) {
        REQUIRE(leds.loop.run_once(60s));
    }
    light.off();
    leds.write(leds.device("input3::scrolllock") / "brightness", "0\n");
    leds.loop.run_once(0us);
    CHECK(leds.brightness("input3::scrolllock") == 0);
}

TEST_CASE("a new keyboard's light is given time to become writable, and one that was there is not") {
    Leds leds;
    leds.plug("input3::scrolllock");
    int changes = 0;
    Light light(leds.loop, leds.root, [&] { ++changes; });
    REQUIRE(light.on());
    leds.plug("input7::scrolllock");
    const auto file = leds.device("input7::scrolllock") / "brightness";
    // Nobody can write a folder.
    std::filesystem::remove(file);
    std::filesystem::create_directory(file);
    light.refresh();
    CHECK(light.works());
    std::filesystem::remove(file);
    leds.write(file, "0\n");
    while (leds.brightness("input7::scrolllock") != 1) {
        REQUIRE(leds.loop.run_once(60s));
    }
    CHECK(changes == 0);
    std::filesystem::remove(file);
    std::filesystem::create_directory(file);
    light.refresh();
    while (light.works()) {
        REQUIRE(leds.loop.run_once(60s));
    }
    CHECK(changes == 1);
    Light second(leds.loop, leds.root);
    CHECK_FALSE(second.works());
}

TEST_CASE("a light that takes what is written and goes dark again is given up, not written to for ever") {
    Leds leds;
    leds.plug("input3::scrolllock", "0\n", "16\n");
    int changes = 0;
    Light light(leds.loop, leds.root, [&] { ++changes; });
    REQUIRE(light.on());
    const auto file = leds.device("input3::scrolllock") / "brightness";
    std::filesystem::remove(file);
    std::filesystem::create_symlink(stubborn, file);
    light.refresh();
    CHECK_FALSE(light.works());
    int turns = 0;
    while (leds.loop.run_once(500ms)) {
        ++turns;
        REQUIRE(turns < 20);
    }
    CHECK(changes == 0);
}

TEST_CASE("a light that was not writable at the start works as soon as it is") {
    Leds leds;
    leds.plug("input3::scrolllock");
    const auto file = leds.device("input3::scrolllock") / "brightness";
    std::filesystem::remove(file);
    std::filesystem::create_directory(file);
    int changes = 0;
    Light light(leds.loop, leds.root, [&] { ++changes; });
    CHECK_FALSE(light.works());
    std::filesystem::remove(file);
    leds.write(file, "0\n");
    while (changes == 0) {
        REQUIRE(leds.loop.run_once(60s));
    }
    CHECK(light.works());
}
