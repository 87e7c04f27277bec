// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "input/packet.h"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace candor::privacy {

/// The ladder's first step below Level::full: which text key it was is erased here, before anything else looks. What comes
/// out is all that the rest of the ladder works on. Only what is known to be harmless comes out at all.
///
/// A text key that is pressed while Ctrl, Alt or Meta is held, on whichever keyboard, is a shortcut and tells no text, except:
///  - with the right Alt or the right Ctrl: there are layouts where they choose characters;
///  - Alt alone and a digit of the keypad: the console enters characters so;
///  - a text key behind another text key while Ctrl and Shift, then at least one of them, stay held: Ctrl+Shift+U begins the
///    entry of a character by its digits, and which key U is depends on the layout;
///  - in the first packet of a device behind a hole: what it tells was pressed some time ago, in an order nobody knows.
/// Which keys are held is known from presses seen; one held from before is not known. Layouts where the left Ctrl, the left Alt
/// or Meta chooses characters are not known either.
///
/// Bound: what is held, by the keys of the devices that are there. Allocates nothing per packet once it has grown.
class Redactor {
public:
    enum class Keys : std::uint8_t {
        exact,   ///< every key but those of text, and shortcuts: press, repeats, release
        classes, ///< presses by class, buttons exact
    };

    /// Valid until the next call.
    struct Redacted {
        /// What remains in its shape: the packet without what was taken from it, empty when only SYN_REPORT would be left.
        std::span<const input::Event> events;
        /// One event of input::abstract::key_press for each press that is told by class, or what came as such.
        std::span<const input::Event> presses;
    };

    [[nodiscard]] Redacted redact(const input::Packet& packet);

    /// A device has lost events: which of its keys are held is not known.
    void forget(std::uint32_t device);
    /// It never comes again.
    void remove(std::uint32_t device);
    /// No key is known to be held, and keys are told so from now on.
    void reset(Keys keys);

private:
    struct Device {
        std::uint32_t index;
        std::uint8_t modifiers = 0;
        bool behind_hole = false;
    };
    struct Shortcut {
        std::uint32_t device;
        std::uint16_t code;
        bool operator==(const Shortcut&) const = default;
    };

    Device& device(std::uint32_t index);
    [[nodiscard]] std::uint8_t modifiers() const noexcept;
    void key(Device& device, const input::Event& event);
    void text_key(const Device& device, const input::Event& event);
    [[nodiscard]] bool begins_shortcut(const Device& device, std::uint16_t code);
    void end_entry();

    Keys keys_ = Keys::classes;
    std::vector<Device> devices_;
    std::vector<Shortcut> shortcuts_; ///< text keys that were pressed as such and are held
    /// The text key that was pressed with Ctrl and Shift, while one of these is held: another one is text.
    std::optional<std::uint16_t> entry_;
    std::vector<input::Event> events_;
    std::vector<input::Event> presses_;
};

} // namespace candor::privacy
