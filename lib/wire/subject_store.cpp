// SPDX-License-Identifier: Apache-2.0
#include "wire/subject_store.h"

#include "base/file.h"
#include "wire/secret_file.h"

#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <system_error>

namespace candor::wire {
namespace {

namespace fs = std::filesystem;

/// The wall clock may be a little behind itself after a restart.
constexpr std::int64_t clock_tolerance_seconds = 24 * 3600;

std::optional<std::uint32_t> number_of(std::string_view text) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || number == 0 || text.front() == '0') {
        return std::nullopt;
    }
    return number;
}

/// An epoch's file: the key, then when it began.
using EpochFile = Secret<40>;

std::int64_t began(const EpochFile& file) {
    std::uint64_t seconds = 0;
    for (std::size_t i = 0; i < 8; ++i) {
        seconds |= std::uint64_t{file.bytes()[32 + i]} << (8 * i);
    }
    return static_cast<std::int64_t>(seconds);
}

SymmetricKey key_of(const EpochFile& file) {
    SymmetricKey key;
    std::copy_n(file.bytes().begin(), 32, key.bytes().begin());
    return key;
}

} // namespace

fs::path SubjectStore::folder_of(std::uint32_t uid) const { return directory_ / std::to_string(uid); }

void SubjectStore::make_folder(const fs::path& folder) const {
    if (::mkdir(folder.c_str(), 0700) == 0) {
        sync_directory(folder.parent_path());
    } else if (errno != EEXIST) {
        throw_errno("make " + folder.string());
    }
}

std::expected<Id16, Refusal> SubjectStore::pseudonym(std::uint32_t uid) const {
    const fs::path path = directory_ / "pseudonym.key";
    auto key = load_secret<32>(path);
    if (!key) {
        return std::unexpected(std::move(key.error()));
    }
    if (!*key) {
        *key = random_key();
        try {
            make_folder(directory_);
            write_file_atomically(path, (*key)->bytes(), 0600);
        } catch (const std::system_error& error) {
            return std::unexpected(Refusal{error.what()});
        }
    }
    const std::array<std::uint8_t, 4> id = {static_cast<std::uint8_t>(uid), static_cast<std::uint8_t>(uid >> 8),
                                            static_cast<std::uint8_t>(uid >> 16), static_cast<std::uint8_t>(uid >> 24)};
    Id16 subject{};
    crypto_generichash(subject.data(), subject.size(), id.data(), id.size(), (*key)->data(), 32);
    return subject;
}

std::map<std::uint32_t, fs::path> SubjectStore::epochs_of(std::uint32_t uid) const {
    std::map<std::uint32_t, fs::path> epochs;
    std::error_code none;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder_of(uid), none)) {
        const std::string name = entry.path().filename().string();
        if (name.starts_with("epoch-") && name.ends_with(".key")) {
            if (const auto number = number_of(std::string_view(name).substr(6, name.size() - 10))) {
                epochs.emplace(*number, entry.path());
            }
        }
    }
    return epochs;
}

std::uint32_t SubjectStore::destroyed_of(std::uint32_t uid) const {
    const auto text = read_text(folder_of(uid) / "destroyed", 32);
    return text ? number_of(std::string_view(*text).substr(0, text->find('\n'))).value_or(0) : 0;
}

std::uint32_t SubjectStore::last_epoch(std::uint32_t uid) const {
    const auto epochs = epochs_of(uid);
    return std::max(destroyed_of(uid), epochs.empty() ? 0 : epochs.rbegin()->first);
}

SubjectKeys SubjectStore::begin_epoch(std::uint32_t uid, std::uint32_t epoch, std::int64_t now) const {
    SubjectKeys keys;
    keys.epoch = epoch;
    keys.epoch_key = random_key();
    EpochFile file;
    std::ranges::copy(keys.epoch_key.bytes(), file.bytes().begin());
    for (std::size_t i = 0; i < 8; ++i) {
        file.bytes()[32 + i] = static_cast<std::uint8_t>(static_cast<std::uint64_t>(now) >> (8 * i));
    }
    make_folder(folder_of(uid));
    write_file_atomically(folder_of(uid) / ("epoch-" + std::to_string(epoch) + ".key"), file.bytes(), 0600);
    return keys;
}

std::expected<SubjectKeys, Refusal> SubjectStore::current(std::uint32_t uid, std::chrono::days most_age,
                                                          std::int64_t now) const {
    const auto subject = pseudonym(uid);
    if (!subject) {
        return std::unexpected(subject.error());
    }
    const auto epochs = epochs_of(uid);
    const std::uint32_t destroyed = destroyed_of(uid);
    SubjectKeys keys;
    if (!epochs.empty() && epochs.rbegin()->first > destroyed) {
        const auto file = load_secret<40>(epochs.rbegin()->second);
        if (!file) {
            return std::unexpected(file.error());
        }
        if (*file) {
            const std::int64_t age = now - began(**file);
            if (age < std::chrono::seconds(most_age).count() && age > -clock_tolerance_seconds) {
                keys.subject = *subject;
                keys.epoch = epochs.rbegin()->first;
                keys.epoch_key = key_of(**file);
                return keys;
            }
        }
    }
    keys = begin_epoch(uid, last_epoch(uid) + 1, now);
    keys.subject = *subject;
    return keys;
}

std::expected<SymmetricKey, Refusal> SubjectStore::epoch_key(std::uint32_t uid, std::uint32_t epoch) const {
    const fs::path path = folder_of(uid) / ("epoch-" + std::to_string(epoch) + ".key");
    const auto file = load_secret<40>(path);
    if (!file) {
        return std::unexpected(file.error());
    }
    if (!*file || epoch <= destroyed_of(uid)) {
        return std::unexpected(Refusal{"the key of epoch " + std::to_string(epoch) + " was destroyed"});
    }
    return key_of(**file);
}

void SubjectStore::destroy(std::uint32_t uid, std::uint32_t last_epoch) const {
    if (last_epoch == 0) {
        return;
    }
    const auto remember = [&] {
        if (destroyed_of(uid) < last_epoch) {
            make_folder(directory_);
            make_folder(folder_of(uid));
            write_file_atomically(folder_of(uid) / "destroyed", as_bytes(std::to_string(last_epoch) + "\n"), 0600);
        }
    };
    // That their epochs are used up comes first, so that no crash in between lets them be used again; but a disk that takes no
    // byte does not keep the keys.
    try {
        remember();
    } catch (const std::system_error&) {
        // It is tried again below, where there may be room.
    }
    for (const auto& [epoch, path] : epochs_of(uid)) {
        if (epoch <= last_epoch) {
            destroy_secret(path);
        }
    }
    remember();
}

void SubjectStore::retire(std::uint32_t uid, const std::function<bool(std::uint32_t)>& needed) const {
    const auto epochs = epochs_of(uid);
    for (const auto& [epoch, path] : epochs) {
        if (epoch != epochs.rbegin()->first && !needed(epoch)) {
            destroy_secret(path);
        }
    }
}

void SubjectStore::begin_new_epochs(std::int64_t now) const {
    std::error_code none;
    for (const fs::directory_entry& entry : fs::directory_iterator(directory_, none)) {
        const auto uid = number_of(entry.path().filename().string());
        if (uid && entry.is_directory() && !epochs_of(*uid).empty()) {
            static_cast<void>(begin_epoch(*uid, last_epoch(*uid) + 1, now));
        }
    }
}

} // namespace candor::wire
