// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace candor::test {

/// udev/70-candor.rules, as far as that file goes: what it has that is not understood here is refused. An event node of the
/// subsystem input that was added.
class UdevRules {
public:
    struct Device {
        std::set<std::string> properties; ///< those that are "1": "ID_INPUT_MOUSE"
        std::uint16_t usb_vendor = 0;     ///< 0 without a USB parent
        std::uint16_t usb_product = 0;
    };

    explicit UdevRules(const std::string& path) {
        std::ifstream file(path);
        if (!file) {
            throw std::runtime_error("cannot read " + path);
        }
        for (std::string line; std::getline(file, line);) {
            if (!line.empty() && line.front() != '#') {
                rules_.push_back(parse(line));
            }
        }
    }

    /// Whether such a device has the tag candor in the end.
    [[nodiscard]] bool tags(const Device& device) const {
        bool tagged = false;
        std::string skip_to;
        for (const Rule& rule : rules_) {
            if (!skip_to.empty() && rule.label != skip_to) {
                continue;
            }
            skip_to.clear();
            if (rule.matches(device)) {
                tagged = rule.tag == '+' || (tagged && rule.tag != '-');
                skip_to = rule.go_to;
            }
        }
        return tagged;
    }

    /// Whose devices are untagged whatever they are.
    [[nodiscard]] std::set<std::uint16_t> vendors() const {
        std::set<std::uint16_t> result;
        for (const Rule& rule : rules_) {
            if (rule.tag == '-' && rule.products.empty()) {
                result.insert(rule.vendors.begin(), rule.vendors.end());
            }
        }
        return result;
    }
    /// Vendor and product of single devices that are untagged.
    [[nodiscard]] std::set<std::pair<std::uint16_t, std::uint16_t>> products() const {
        std::set<std::pair<std::uint16_t, std::uint16_t>> result;
        for (const Rule& rule : rules_) {
            for (const std::uint16_t vendor : rule.vendors) {
                for (const std::uint16_t product : rule.products) {
                    result.insert({vendor, product});
                }
            }
        }
        return result;
    }

private:
    struct Rule {
        bool never = false;   ///< matches no device of the kind this is about
        std::string property; ///< that must be "1"
        std::set<std::uint16_t> vendors;
        std::set<std::uint16_t> products;
        char tag = 0; ///< '+' or '-'
        std::string go_to;
        std::string label;

        [[nodiscard]] bool matches(const Device& device) const {
            return !never && (property.empty() || device.properties.contains(property)) &&
                   (vendors.empty() || vendors.contains(device.usb_vendor)) &&
                   (products.empty() || products.contains(device.usb_product));
        }
    };

    static std::set<std::uint16_t> numbers(const std::string& alternatives) {
        std::set<std::uint16_t> result;
        for (std::size_t at = 0; at < alternatives.size(); at += 5) {
            std::size_t used = 0;
            const std::string number = alternatives.substr(at, 4);
            const unsigned long value = std::stoul(number, &used, 16);
            const bool ends =
                at + 4 == alternatives.size() || (at + 4 < alternatives.size() && alternatives[at + 4] == '|');
            if (used != 4 || !ends || number.find_first_of("ABCDEF") != std::string::npos) {
                throw std::runtime_error("not numbers as sysfs writes them: " + alternatives);
            }
            result.insert(static_cast<std::uint16_t>(value));
        }
        return result;
    }

    static Rule parse(const std::string& line) {
        Rule rule;
        for (std::size_t at = 0; at < line.size();) {
            const std::size_t open = line.find('"', at);
            const std::size_t close = open == std::string::npos ? open : line.find('"', open + 1);
            if (close == std::string::npos) {
                throw std::runtime_error("not a rule: " + line);
            }
            take(rule, line.substr(at, open - at), line.substr(open + 1, close - open - 1));
            at = close + 1;
            if (at < line.size()) {
                if (line.compare(at, 2, ", ") != 0) {
                    throw std::runtime_error("not a rule: " + line);
                }
                at += 2;
            }
        }
        return rule;
    }

    static void take(Rule& rule, const std::string& key, const std::string& value) {
        if (key == "ATTRS{idVendor}==") {
            rule.vendors = numbers(value);
        } else if (key == "ATTRS{idProduct}==") {
            rule.products = numbers(value);
        } else if (key.starts_with("ENV{") && key.ends_with("}==") && value == "1") {
            rule.property = key.substr(4, key.size() - 7);
        } else if (key == "TAG+=" && value == "candor") {
            rule.tag = '+';
        } else if (key == "TAG-=" && value == "candor") {
            rule.tag = '-';
        } else if (key == "GOTO=") {
            rule.go_to = value;
        } else if (key == "LABEL=") {
            rule.label = value;
        } else if (key + value == "ACTION==remove" || key + value == "SUBSYSTEM!=input" ||
                   key + value == "KERNEL!=event*") {
            rule.never = true;
        } else {
            throw std::runtime_error("what is " + key + "\"" + value + "\"?");
        }
    }

    std::vector<Rule> rules_;
};

} // namespace candor::test
