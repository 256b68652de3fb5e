// SPDX-License-Identifier: Apache-2.0
// The `tilegrid` command. MPI is initialised first where there is a launcher; then every rank reads the same flags, and
// rank 0 alone speaks.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <new>
#include <set>
#include <string>
#include <string_view>

#include "core/error.h"
#include "kernels/attention/kernel_args.h"
#include "kernels/matmul/matmul.h"
#include "kernels/planner/run/fused_program.h"
#include "runtime/cli/arguments.h"
#include "runtime/cli/info_command.h"
#include "runtime/cli/matmul_command.h"
#include "runtime/workloads/verify.h"

namespace {

using namespace tilegrid;

/// What CLI11 has to say, in one line and in our words where its own are stilted.
std::string one_line(const CLI::ParseError& error) {
  std::string text = error.what();
  for (char& c : text) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  while (!text.empty() && text.back() == ' ') text.pop_back();
  const std::string flag = text.substr(0, text.find(':'));
  if (error.get_name() == "ArgumentMismatch") {
    if (text.find("flag override") != std::string::npos)
      return fmt::format("--{}: takes no value", text.substr(0, text.find(' ')));
    const bool missing = text.find("missing") != std::string::npos;
    return fmt::format("{}: {}", flag, missing ? "needs a value" : "given more than once");
  }
  return text;
}

/// All ranks get the chips' files that flags name, in the order of the flags, before any of them looks at its own.
void share_chips(const Session& session, int argc, char** argv) {
  constexpr std::string_view flag = "--arch";
  std::set<std::string> shared;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    std::string_view values;
    if (word == flag && i + 1 < argc) values = argv[i + 1];
    if (word.starts_with("--arch=")) values = word.substr(flag.size() + 1);
    while (!values.empty()) {  // a sweep takes several
      const std::string value(values.substr(0, values.find(',')));
      values.remove_prefix(std::min(values.size(), value.size() + 1));
      if (!value.empty() && shared.insert(value).second) static_cast<void>(session.load_chip(value));
    }
  }
}

/// Parses and runs; usage errors come as exceptions.
int run(Session& session, int argc, char** argv) {
  CLI::App app(
      "Emulator of a grid of Tenstorrent Tensix cores. One process holds all cores, or, under mpirun, each rank\n"
      "holds one or several.\n",
      "tilegrid");
  app.set_version_flag("--version", "tilegrid " TILEGRID_VERSION, "Print the version and exit");
  app.set_help_flag("-h,--help", "Print this and exit; each command has its own");
  app.footer(
      "Exit codes: 0 ok, 1 usage or input, 2 kernel or capacity error, 3 deadlock, 4 numerical mismatch,\n"
      "5 a rank was lost.");
  app.require_subcommand(0, 1);
  app.allow_extras();
  const std::array commands{cli::add_attention_command(app), cli::add_matmul_command(app), cli::add_info_command(app),
                            cli::add_log_command(app),       cli::add_plan_command(app),   cli::add_fused_command(app),
                            cli::add_retime_command(app),    cli::add_sweep_command(app),  cli::add_compare_kv_command(app),
                            cli::add_arch_command(app),      cli::add_checks_command(app)};
  const auto speak = [&](const std::string& text) {
    if (!session.is_host()) return;
    cli::put(text);
    cli::flush_output();
  };
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    speak(app.help());
    return 0;
  } catch (const CLI::CallForVersion& version) {
    speak(fmt::format("{}\n", version.what()));
    return 0;
  } catch (const CLI::ParseError& error) {
    throw UsageError(one_line(error));
  }
  cli::refuse_leftovers(app);
  share_chips(session, argc, argv);
  for (const cli::Command& command : commands) {
    if (!command.app->parsed()) continue;
    if (!command.takes_leftovers) cli::refuse_leftovers(*command.app);
    return command.run(session);
  }
  speak(app.help());
  return static_cast<int>(ExitCode::usage);
}

}  // namespace

int main(int argc, char** argv) {
  Session session(&argc, &argv);
  attention::register_kernels();
  planner::register_kernels();
  matmul::register_kernels();
  cli::register_verify_task();
  cli::register_info_task();
  try {
    return run(session, argc, argv);
  } catch (const Error& error) {
    if (session.is_host()) fmt::print(stderr, "tilegrid: {}\n", error.message());
    return static_cast<int>(error.code());
  } catch (const std::bad_alloc&) {
    if (session.is_host()) fmt::print(stderr, "tilegrid: out of memory\n");
    return static_cast<int>(ExitCode::usage);
  }
}
