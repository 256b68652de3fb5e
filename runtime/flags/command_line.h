// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runtime/flags/flags.h"
#include "runtime/session.h"

namespace tilegrid {

/// A command of a program, or the program itself: its flags, and what it does.
struct Command {
  std::string name, summary;
  std::string footer = {};  ///< of --help; that of the program follows
  Flags* flags = nullptr;
  /// Called on every rank when the members of the flags are set, with what no flag took. Returns the exit code, the same on
  /// all ranks; throws Error for what is wrong with the flags, on all ranks alike.
  std::function<int(Session&, const std::vector<std::string>& rest)> run = {};
  bool takes_rest = false;  ///< what no flag took is no error
  std::vector<Command> commands = {};
  std::shared_ptr<void> owner = {};  ///< of flags and members
};

/// Parses and runs the command that is asked for, or prints help. Throws UsageError.
int run_command_line(Session& session, Command& program, int argc, char** argv);

/// Sets the members of the flags from arguments in their order. Throws UsageError, also for what is left over.
void parse_flags(Flags& flags, const std::vector<std::string>& arguments);

/// The same from what `asked` was given, as far as there are such flags.
void ask_as(Flags& flags, const Flags& asked);

/// Exit codes of all programs, for the end of --help.
[[nodiscard]] std::string exit_codes_text();

}  // namespace tilegrid
