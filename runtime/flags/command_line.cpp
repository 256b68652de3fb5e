// SPDX-License-Identifier: Apache-2.0
// The only place that knows CLI11.
#include "runtime/flags/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <set>

#include "core/error.h"
#include "core/say.h"
#include "runtime/flags/kernel_flags.h"
#include "runtime/report/print.h"

namespace tilegrid {
namespace {

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
void share_chips(Session& session, int argc, char** argv) {
  std::set<std::string> shared;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    std::string values;
    if (word == arch_flag && i + 1 < argc) values = argv[i + 1];
    if (word.starts_with(std::string(arch_flag) + "=")) values = word.substr(arch_flag.size() + 1);
    if (values.empty()) continue;
    for (const std::string& value : split(values)) {  // a sweep takes several
      if (!value.empty() && shared.insert(value).second) static_cast<void>(session.load_chip(value));
    }
  }
}

/// A flag, and where CLI11 puts what was given for it.
struct Bound {
  Flag* flag;
  CLI::Option* option;
  std::string text;
  bool on = false;
};
using Bounds = std::deque<Bound>;  // they stay where they are

/// Those of the report come last in --help.
void bind(CLI::App& app, Flags& flags, Bounds& bounds) {
  std::vector<Flag*> all;
  for (const bool report : {false, true}) {
    for (Flag& flag : flags.all()) {
      if ((flag.group == "Report") == report) all.push_back(&flag);
    }
  }
  for (Flag* next : all) {
    Flag& flag = *next;
    Bound& bound = bounds.emplace_back(Bound{&flag, nullptr, {}});
    if (flag.is_switch()) {
      bound.option = app.add_flag(flag.name, bound.on, flag.help)->disable_flag_override();
    } else if (flag.repeats) {
      flag.texts.clear();
      bound.option = app.add_option(flag.name, flag.texts, flag.help)->allow_extra_args(false);
    } else {
      bound.option = app.add_option(flag.name, bound.text, flag.help);
    }
    bound.option->required(flag.required);
    if (!flag.is_switch()) bound.option->type_name(flag.name.starts_with('-') ? flag.type : "");
    if (!flag.group.empty()) bound.option->group(flag.group);
  }
}

/// Puts what was given into the flags.
void take(Bounds& bounds) {
  for (Bound& bound : bounds) {
    bound.flag->given = static_cast<int>(bound.option->count());
    if (!bound.flag->repeats) bound.flag->texts.clear();
    if (bound.flag->given > 0 && !bound.flag->repeats) bound.flag->texts.push_back(bound.text);
  }
}

/// Throws UsageError for the first argument that no flag took, with the nearest flag or command.
void refuse_rest(const CLI::App& app) {
  const std::vector<std::string> rest = app.remaining();
  if (rest.empty()) return;
  std::vector<std::string> words;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) words.push_back("--" + name);
  }
  const auto commands = app.get_subcommands([](const CLI::App*) { return true; });
  for (const CLI::App* command : commands) words.push_back(command->get_name());
  const std::string word = rest.front().substr(0, rest.front().find('='));
  const std::string near = nearest_word(word, words);
  const char* what = commands.empty() ? "unexpected argument" : "unknown command";
  if (word.starts_with("-")) what = "unknown flag";
  const std::string advice = near.empty() || near == word ? "see --help" : fmt::format("did you mean {}?", near);
  throw UsageError(fmt::format("{} {}: {}", what, word, advice));
}

/// A command as CLI11 has it.
struct Node {
  Command* command;
  CLI::App* app;
  Bounds bounds;
  std::vector<std::unique_ptr<Node>> nodes;
};

void build(Node& node, const std::string& end) {
  node.app->allow_extras();
  if (node.command->flags != nullptr) bind(*node.app, *node.command->flags, node.bounds);
  node.app->footer(node.command->footer + end);
  for (Command& command : node.command->commands) {
    auto& child = node.nodes.emplace_back(std::make_unique<Node>());
    child->command = &command;
    child->app = node.app->add_subcommand(command.name, command.summary);
    build(*child, command.footer.empty() ? std::string() : end);
  }
}

/// The parsed command below all others; null when there is none that runs.
Node* chosen(Node& node) {
  for (auto& child : node.nodes) {
    if (child->app->parsed()) return chosen(*child);
  }
  return &node;
}

}  // namespace

std::string exit_codes_text() {
  return "Exit codes: 0 ok, 1 usage or input, 2 kernel or capacity error, 3 deadlock, 4 numerical mismatch,\n"
         "5 a rank was lost.";
}

int run_command_line(Session& session, Command& program, int argc, char** argv) {
  CLI::App app(program.summary, program.name);
  app.set_version_flag("--version", fmt::format("tilegrid {}", report::program_version()), "Print the version and exit");
  app.set_help_flag("-h,--help",
                    program.commands.empty() ? "Print this and exit" : "Print this and exit; each command has its own");
  app.require_subcommand(0, 1);
  Node root{&program, &app, {}, {}};
  build(root, exit_codes_text());
  const auto speak = [&](const std::string& text) {
    if (!session.is_host()) return;
    put(text);
    flush_output();
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
  Node* node = chosen(root);
  if (node != &root) refuse_rest(app);
  if (!node->command->takes_rest) refuse_rest(*node->app);
  if (!node->command->run) {
    speak(app.help());
    throw UsageError("a command is missing, see above");
  }
  share_chips(session, argc, argv);
  take(node->bounds);
  if (node->command->flags != nullptr) node->command->flags->apply();
  return node->command->run(session, node->app->remaining());
}

void parse_flags(Flags& flags, const std::vector<std::string>& arguments) {
  CLI::App app;
  Bounds bounds;
  bind(app, flags, bounds);
  app.allow_extras();
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError& error) {
    throw UsageError(one_line(error));
  }
  refuse_rest(app);
  take(bounds);
  flags.apply();
}

void ask_as(Flags& flags, const Flags& asked) {
  std::vector<std::string> arguments;
  for (const Flag& flag : asked.all()) {
    if (flag.given == 0 || flags.find(flag.name) == nullptr) continue;
    for (const std::string& text : flag.texts) {
      arguments.push_back(flag.is_switch() ? flag.name : fmt::format("{}={}", flag.name, text));
    }
  }
  parse_flags(flags, arguments);
}

}  // namespace tilegrid
