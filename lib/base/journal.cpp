// SPDX-License-Identifier: Apache-2.0
#include "base/journal.h"

#include <sys/uio.h>
#include <syslog.h>
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <cstdlib>
#include <vector>

namespace candor::journal {
namespace {

void send(int priority, std::string_view message, std::initializer_list<Field> fields) {
    // systemd sets JOURNAL_STREAM where standard error goes to the journal anyway; fields need the native protocol.
    static const bool has_journal = std::getenv("JOURNAL_STREAM") != nullptr;
    if (has_journal) {
        std::vector<std::string> lines;
        lines.reserve(fields.size() + 2);
        lines.push_back("MESSAGE=" + std::string(message));
        lines.push_back("PRIORITY=" + std::to_string(priority));
        for (const Field& field : fields) {
            lines.push_back(std::string(field.name) + "=" + field.value);
        }
        std::vector<iovec> parts;
        for (std::string& line : lines) {
            parts.push_back({line.data(), line.size()});
        }
        if (sd_journal_sendv(parts.data(), static_cast<int>(parts.size())) >= 0) {
            return;
        }
    }
    std::string line(message);
    for (const Field& field : fields) {
        line += " " + std::string(field.name) + "=" + field.value;
    }
    line += '\n';
    // Nothing can be done when standard error is gone.
    if (::write(STDERR_FILENO, line.data(), line.size()) < 0) {
        return;
    }
}

} // namespace

void info(std::string_view message, std::initializer_list<Field> fields) { send(LOG_INFO, message, fields); }
void warning(std::string_view message, std::initializer_list<Field> fields) { send(LOG_WARNING, message, fields); }
void error(std::string_view message, std::initializer_list<Field> fields) { send(LOG_ERR, message, fields); }

} // namespace candor::journal
