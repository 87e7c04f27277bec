// SPDX-License-Identifier: Apache-2.0
// Compiled once for all test programs: Catch2 2.x is slow to build. With 3.x the main is in Catch2's own library.
#if !__has_include(<catch2/catch_all.hpp>)
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#endif
