// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace candor::ctl {

/// Parses, runs the subcommand, says on standard error what did not go. The process's exit status.
[[nodiscard]] int run(int argc, char** argv);

} // namespace candor::ctl
