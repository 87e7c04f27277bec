// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

/// USB numbers of what must never be read. udev/70-candor.rules holds the same, so that such a device is not even tagged;
/// tests/unit/input/udev_rules_test.cpp holds the two together.
namespace candor::input {

/// Vendors that make nothing else, or so little else that a refusal by mistake is the smaller harm.
inline constexpr std::uint16_t security_key_vendors[] = {
    0x1050, // Yubico
    0x20a0, // Clay Logic: Nitrokey
    0x096e, // Feitian
    0x311f, // TrustKey
    0x349e, // Token2
    0x1ea8, // Excelsecu, Thetis
    0x2581, // Plug-up
    0x2c97, // Ledger
    0x534c, // SatoshiLabs: Trezor
    0x2ccf, // Hypersecu
    0x1a44, // OneSpan
    0x24dc, // Aladdin
    0x08e6, // Gemalto
    0x1e0d, // Neowave
    0x32a3, // GoTrust
};

struct Product {
    std::uint16_t vendor;
    std::uint16_t product;
};

/// Vendors that make other things too.
inline constexpr Product security_key_products[] = {
    {0x18d1, 0x5026}, // Google Titan
    {0x18d1, 0x9470}, // Google Titan
    {0x0483, 0xa2ca}, // SoloKeys
    {0x0483, 0xa2ac}, // SoloKeys
    {0x1209, 0x5070}, // SoloKeys
    {0x1209, 0x50b0}, // SoloKeys
    {0x1209, 0xbeee}, // SoloKeys 2
    {0x1d50, 0x60fc}, // OnlyKey
    {0x16c0, 0x0486}, // OnlyKey, older
    {0x1209, 0x53c1}, // Trezor
    {0x10c4, 0x8acf}, // HyperFIDO
    {0x0483, 0x5741}, // Flipper in U2F mode
    {0x16d0, 0x09a0}, // Mooltipass
    {0x1209, 0x4321}, // Mooltipass Mini
};

/// Scanners, card and tag readers.
inline constexpr std::uint16_t scanner_vendors[] = {
    0x05e0, // Symbol, Zebra
    0x05f9, // Datalogic, PSC
    0x080c, // Datalogic
    0x0c2e, // Honeywell, Metrologic
    0x0536, // Hand Held Products
    0x1eab, // Newland
    0x065a, // Opticon
    0x0745, // Syntech, CipherLab
    0x0acd, // ID TECH
    0x0801, // MagTek
    0x0c27, // RF IDeas
    0x09d8, // Elatec
    0x076b, // OmniKey
    0x08ff, // AuthenTec, and readers under its number
    0xffff, // readers without a number of their own
};

} // namespace candor::input
