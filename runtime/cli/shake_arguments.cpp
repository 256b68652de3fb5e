// SPDX-License-Identifier: Apache-2.0
#include "runtime/cli/shake_arguments.h"

#include "runtime/cli/arguments.h"

namespace tilegrid::cli {

void add_shake_flag(CLI::App& app, std::string& text) {
  app.add_option(
         "--shake", text,
         "Run fibers and traffic in another order that the hardware allows: the same\nresults, or a kernel has a race "
         "[off]")
      ->type_name("SEED")
      ->group("Device");
}

std::optional<std::uint64_t> shake_from(const std::string& text) {
  if (text.empty()) return {};
  return parse_unsigned("--shake", text);
}

}  // namespace tilegrid::cli
