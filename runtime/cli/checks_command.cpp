// SPDX-License-Identifier: Apache-2.0
#include "runtime/cli/commands.h"
#include "runtime/report/checks_report.h"

namespace tilegrid::cli {
namespace {

struct Checks {
  Flags flags;
  bool json = false;
  Checks() { flags.add_switch("--json", "Print JSON", json); }
  int run(const Session& session, const std::vector<std::string>&) const {
    say(session,
        json ? report::to_json(report::check_classes()) : report::checks_text() + "\n" + report::known_faults_text());
    return 0;
  }
};

}  // namespace

Command checks_command() {
  return command<Checks>("checks", "What kernels are checked for: the classes of --check; known faults of silicon");
}

}  // namespace tilegrid::cli
