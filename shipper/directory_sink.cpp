// SPDX-License-Identifier: Apache-2.0
#include "shipper/directory_sink.h"

#include "base/file.h"

#include <sys/stat.h>

namespace candor::shipper {

std::expected<void, Refusal> DirectorySink::store(const std::filesystem::path& name,
                                                  std::span<const std::uint8_t> bytes) {
    const std::filesystem::path folder = directory_ / name.parent_path();
    try {
        if (::mkdir(folder.c_str(), 0750) == 0) {
            sync_directory(directory_);
        } else if (errno != EEXIST) {
            throw_errno("make " + folder.string());
        }
        write_file_atomically(directory_ / name, bytes, 0640);
    } catch (const std::system_error& error) {
        return std::unexpected(Refusal{error.what()});
    }
    return {};
}

} // namespace candor::shipper
