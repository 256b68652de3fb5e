// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "runtime/cli/arguments.h"
#include "runtime/cli/check_arguments.h"

namespace tilegrid::cli {

Command add_checks_command(CLI::App& parent) {
  CLI::App* app = parent.add_subcommand("checks", "What kernels are checked for: the classes of --check");
  app->allow_extras();
  auto json = std::make_shared<bool>(false);
  app->add_flag("--json", *json, "Print JSON [off]")->disable_flag_override();
  return {app, [json](Session& session) {
            if (!*json) return print_checks(session);
            if (session.is_host()) put(checks_json().dump(2) + "\n");
            flush_output();
            return 0;
          }};
}

}  // namespace tilegrid::cli
