// SPDX-License-Identifier: Apache-2.0
#include "base/open_metrics.h"

#include "support/catch.h"

#include <limits>

using namespace candor;

TEST_CASE("without a sample the text is its end alone") { CHECK(OpenMetrics().text() == "# EOF\n"); }

TEST_CASE("a counter is described by its name and sampled with _total") {
    OpenMetrics metrics;
    metrics.counter("candor_frames", "Frames sealed.", 18'446'744'073'709'551'615u);
    CHECK(metrics.text() == "# HELP candor_frames Frames sealed.\n"
                            "# TYPE candor_frames counter\n"
                            "candor_frames_total 18446744073709551615\n"
                            "# EOF\n");
}

TEST_CASE("a family is described once, before its first sample") {
    OpenMetrics metrics;
    metrics.counter("gaps", "Holes.", 1, {{"reason", "crash"}});
    metrics.counter("gaps", "Holes.", 2, {{"reason", "locked"}});
    metrics.gauge("bytes", "Waiting.", 3);
    CHECK(metrics.text() == "# HELP gaps Holes.\n"
                            "# TYPE gaps counter\n"
                            "gaps_total{reason=\"crash\"} 1\n"
                            "gaps_total{reason=\"locked\"} 2\n"
                            "# HELP bytes Waiting.\n"
                            "# TYPE bytes gauge\n"
                            "bytes 3\n"
                            "# EOF\n");
}

TEST_CASE("families stay in the order in which they were added") {
    OpenMetrics metrics;
    metrics.gauge("zulu", "", 1);
    metrics.gauge("alpha", "", 1);
    const std::string text = metrics.text();
    CHECK(text.find("zulu") < text.find("alpha"));
}

TEST_CASE("labels stay in the order in which they were given") {
    OpenMetrics metrics;
    metrics.gauge("up", "", 1, {{"b", "1"}, {"a", "2"}});
    CHECK(metrics.text().find("up{b=\"1\",a=\"2\"} 1\n") != std::string::npos);
}

TEST_CASE("a label value cannot end its quotes or its line") {
    OpenMetrics metrics;
    metrics.gauge("up", "", 1, {{"what", "a\"b\\c\nd"}});
    CHECK(metrics.text().find("up{what=\"a\\\"b\\\\c\\nd\"} 1\n") != std::string::npos);
}

TEST_CASE("a help text cannot end its line") {
    OpenMetrics metrics;
    metrics.gauge("up", "one\ntwo \\ three", 1);
    CHECK(metrics.text() == "# HELP up one\\ntwo \\\\ three\n# TYPE up gauge\nup 1\n# EOF\n");
}

TEST_CASE("a gauge is written with as many digits as give the number back") {
    const auto written = [](double value) {
        OpenMetrics metrics;
        metrics.gauge("g", "", value);
        const std::string text = metrics.text();
        const auto at = text.find("\ng ") + 3;
        return text.substr(at, text.find('\n', at) - at);
    };
    CHECK(written(0.1) == "0.1");
    CHECK(written(-2.5) == "-2.5");
    CHECK(std::stod(written(1.0 / 3)) == 1.0 / 3);
    CHECK(std::stod(written(1764000000.123)) == 1764000000.123);
    CHECK(written(std::numeric_limits<double>::infinity()) == "+Inf");
    CHECK(written(-std::numeric_limits<double>::infinity()) == "-Inf");
    CHECK(written(-std::numeric_limits<double>::quiet_NaN()) == "NaN");
}

TEST_CASE("of a state's names exactly the one in force is 1") {
    OpenMetrics metrics;
    metrics.state("shipper_state", "How shipping goes.", "state", {"shipping", "stalled", "refusing"}, "stalled");
    CHECK(metrics.text() == "# HELP shipper_state How shipping goes.\n"
                            "# TYPE shipper_state gauge\n"
                            "shipper_state{state=\"shipping\"} 0\n"
                            "shipper_state{state=\"stalled\"} 1\n"
                            "shipper_state{state=\"refusing\"} 0\n"
                            "# EOF\n");
}

TEST_CASE("asking for the text twice gives the same, and more can be added after") {
    OpenMetrics metrics;
    metrics.gauge("a", "", 1);
    const std::string once = metrics.text();
    CHECK(metrics.text() == once);
    metrics.gauge("b", "", 2);
    CHECK(metrics.text() == once.substr(0, once.size() - 6) + "# HELP b \n# TYPE b gauge\nb 2\n# EOF\n");
}
