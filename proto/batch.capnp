# SPDX-License-Identifier: Apache-2.0
@0xb1d7f02c6a4e9c35;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("candor::proto");

# What one sealed frame holds once it is opened (Frame.batch in frame.capnp): all that Candor ever writes about what a person
# did. The structs below are its content, field by field. They are not how it is laid out: Cap'n Proto would spend
# more on pointers than the events take. The layout is the second half of this file.

struct Batch {
  devices @0 :List(Device);   # Seen for the first time in this stream; 64 at most, 1024 in a stream
  packets @1 :List(Packet);   # In order of arrival. 2048 events at most in all
}

struct Device {
  # Never a serial number, a path or an address.
  index @0 :UInt32;           # Unique within a run of candord, and once in a stream
  deviceClass @1 :Class;
  bus @2 :UInt16;             # BUS_USB ... of the kernel
  vendor @3 :UInt16;
  product @4 :UInt16;
  version @5 :UInt16;
  name @6 :Data;              # As the kernel gives it; 128 bytes at most

  enum Class {
    keyboard @0;
    mouse @1;
    touchpad @2;
    touchscreen @3;
    tablet @4;
  }
}

struct Packet {
  # What a device reported at one moment.
  device @0 :UInt32;          # Device.index, introduced in this batch or before it in the stream
  timeUs @1 :UInt64;          # CLOCK_MONOTONIC in microseconds. Of one device mostly, and of two not always, ascending
  events @2 :List(Event);     # 1 to 1024, in order. From evdev the last is the SYN_REPORT, and it counts as an event
}

struct Event {
  # struct input_event without its time. Types from 0x40 on are none of the kernel's; "Events" below says which there are.
  type @0 :UInt16;
  code @1 :UInt16;
  value @2 :Int32;
}

# Events
# ======
# Which there are depends on the level that Open states (frame.capnp):
#
#   full      the kernel's, all but EV_LED LED_SCROLLL; libinput's
#   actions   EV_KEY of buttons, of keys that are not of text, and of shortcuts: a text key pressed with Ctrl, Alt or Meta; EV_REL
#             and EV_ABS of pointers and pens; EV_SYN SYN_REPORT; libinput's; KEY_PRESS of text keys. No EV_MSC, no EV_LED
#   rhythm    KEY_PRESS
#   activity  BURST
#   counts    COUNT
#
# libinput's are its view of touch devices: 0x40 POINTER, 0x41 SCROLL, 0x42 TOUCH, 0x43 GESTURE, 0x44 TABLET. Their codes and
# units, and those of the next three, are in lib/input/abstract_events.h. These are made of the packets of a cell of time, and
# timeUs is the first moment behind the cell, in the same clock; in a cell nothing tells an order:
#
#   0x45 KEY_PRESS  code: class of the keys, 0 text, 1 edit, 2 navigation, 3 modifier, 4 function, 5 media, 6 shortcut. value: how
#                   many were pressed on this device in a cell of 250 ms. One packet for each device and cell, by class
#   0x46 BURST      code: 0 typing begins, 1 typing ends, 2 pointing begins, 3 pointing ends. value: 1. Of all devices together,
#                   said of the one that began it. It ends when nothing came for 2 s, or with that device or the recording
#   0x47 COUNT      code: 0 keys, 1 clicks, 2 scroll (notches), 3 distance (device units). value: of a minute, rounded down to a
#                   power of two. Of all devices together, said of the one of lowest index. A minute that a device or the
#                   recording ends is a cell that ends with the next multiple of 250 ms
#
# Late packets can make a second packet of one cell.

# Layout
# ======
# A plaintext is a multiple of 16 bytes, from 16 to 57344: head, device table, columns or stored packets, and fewer than 16
# zeros. All numbers in head, table and stored packets are little-endian.
#
#   head     1 byte    bits 0-3: version, 2. Bit 4: a device table follows. Bit 5: packets are stored. Others: 0
#   table    1 byte    number of devices, 1 to 64; then of each
#            14 bytes  index (4), class (1), bus, vendor, product, version (2 each), length of the name (1)
#            0-128     the name
#   columns  to the end: one range-coded number, below
#   stored   2 bytes   number of packets; then of each
#            12 bytes  slot of the device (2), number of events (2), time in microseconds (8)
#            8 each    the events: type (2), code (2), value (4)
#
# A device's slot is its place in the order in which the stream introduced its devices, from 0.
#
# A writer stores packets only if their columns would not fit: that takes a device which sends noise on purpose. Stored
# packets always fit. After them both sides forget what they learnt (not which devices there are).
#
# Columns
# -------
# Each column has its own adaptive models, which live as long as the stream: a batch can be read only after all earlier ones.
# The columns of a packet are coded one after the other into one arithmetic code, so that none pays for an end of its own:
#
#   count     packets in the batch: width in bits (4-bit tree), then the bits below the top one, plain
#   device    whether it is the last packet's (context: the last four answers), else the slot (10-bit tree)
#   shape     type and code of every event; for EV_KEY the type alone, for EV_SYN the value too. The stream's dictionary of
#             shapes grows to 255, of 24 events each at most; 255 means a shape that is spelled out here, and enters the
#             dictionary if there is room. Contexts: the device's last two shapes; how fast its pointer moved
#   keys      of every EV_KEY event: value (press, release, autorepeat, or 3 and 32 bits); then of a release or a repeat which
#             of the held keys (oldest first, 8 are remembered), else the key's number in the dictionary of 255 keys, which begins with the usual ones, or
#             255 and its code. Contexts: the last key, the last two keys, none
#   values    of every other event but EV_SYN: width of the magnitude in unary, sign, the bits below the top one (four of them
#             modelled). EV_ABS as the step from the axis's last value. Contexts: last two values of the axis, last
#             value of the other pointer axis. MSC_SCAN beside a key: whether it is what that key sent last.
#             REL_WHEEL_HI_RES and REL_HWHEEL_HI_RES: whether they are 120 times their plain sisters before them
#   times     microseconds since the device's last packet (of its first: since the stream's last; else since 0): width in
#             bits, 64 added when time ran backwards, then the bits below the top one. Motion and autorepeat come from
#             clocks, and twelve bits are modelled; of presses and releases four, the rest is noise
#
# A number has one way to be written: a prediction that holds must be used, a dictionary's entry must be used. A reader refuses
# what is written otherwise, any number beyond the limits above, and a code that does not end where a writer's would.
#
# Models and code
# ---------------
# Integers only. The exact contexts, rates and tables are lib/wire/column_*.h and range_coder.h: they are part of version 2.
# A probability has 22 bits and learns at 1/(n + 1.5), n counting to 255; where several contexts are named they are
# mixed in the logistic domain by weights that learn too. The code is a carrying range coder with 64-bit low and range that
# moves 32 bits; it ends with the number of the last interval that has the most trailing zeros, whose zero bytes are left out.
#
# Evolution
# ---------
# Any change of head, table, contexts, rates or tables makes a new version in bits 0-3. A reader refuses a version or a flag
# it does not know, and says so. Readers keep every version they ever read: a stream is of one version from end to end.

const batchVersion :UInt8 = 2;
