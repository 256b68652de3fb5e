// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/edit_distance.h"
#include "core/enum_names.h"
#include "core/error.h"
#include "core/format.h"
#include "core/types.h"
#include "runtime/report/value.h"

/// Flags: each is declared once, with its name, type, help and the member that it sets; the member's value at that time is
/// the default, and goes into the help where that says "$". What was set is a fact of the report's config.
namespace tilegrid {

/// Commands that make several runs and compare them. Some flags of a run they set themselves, or have no use for.
enum class Comparison : std::uint8_t { kernels, rows, precision };

struct Flag {
  std::string name;  ///< "--seq"; without dashes: an argument by its place
  std::string type;  ///< what --help calls the value; empty: it takes none
  std::string help;
  std::string group;
  std::string key;    ///< in JSON; empty: no fact
  std::string field;  ///< what the library's errors call it: `seq_q`
  bool repeats = false, required = false, input = false, output = false;
  bool page = false;    ///< an output that is a folder for a page
  bool sweeps = true;   ///< makes a difference to a dry run
  bool data = false;    ///< asks for data, which a dry run does not have
  bool replay = false;  ///< asks for device time
  std::vector<Comparison> unfit = {};
  int given = 0;  ///< how often it was
  std::vector<std::string> texts;
  std::function<void(const std::string&)> set;
  std::function<report::Value()> fact;
  std::string usual;  ///< the fact's text before a flag was applied

  [[nodiscard]] bool is_switch() const { return type.empty() && name.starts_with('-'); }
  Flag& named(std::string json_key, std::string library_field = {}) {
    key = std::move(json_key);
    if (!library_field.empty()) field = std::move(library_field);
    return *this;
  }
  Flag& is(std::function<report::Value()> value) {
    fact = std::move(value);
    return *this;
  }
  Flag& reads() { return input = true, *this; }          ///< the value is a file that is read
  Flag& writes() { return output = true, *this; }        ///< ... that is written
  Flag& writes_page() { return page = true, writes(); }  ///< ... that is a folder for page::write()
  Flag& no_fact() { return key.clear(), *this; }
  Flag& no_sweep() { return sweeps = false, *this; }
  Flag& of_data() { return data = true, *this; }
  Flag& of_replay() { return replay = true, *this; }
  Flag& unfit_for(std::vector<Comparison> comparisons) { return unfit = std::move(comparisons), *this; }
  Flag& of_one_run() { return unfit_for({Comparison::kernels, Comparison::rows, Comparison::precision}); }
};

/// What a command line gives a flag that has a parser of its own.
struct Given {
  const std::string& flag;
  const std::string& text;
  /// Throws UsageError: "--top 0: why".
  [[noreturn]] void refuse(const std::string& why) const;
};

/// Values of flags as text. All throw UsageError with a line that names flag and value.
[[nodiscard]] int parse_int(std::string_view flag, const std::string& text);
[[nodiscard]] int parse_int(std::string_view flag, const std::string& text, int least, int most);
[[nodiscard]] std::uint64_t parse_unsigned(std::string_view flag, const std::string& text);
/// A number that is finite: "0.25"
[[nodiscard]] double parse_number(std::string_view flag, const std::string& text);
/// "8x10"
[[nodiscard]] GridSize parse_grid(std::string_view flag, const std::string& text);
/// "3,4"
[[nodiscard]] LogicalCore parse_core(std::string_view flag, const std::string& text);
/// Rows and columns from 1 on: "4x2"; nothing when it is something else.
[[nodiscard]] std::optional<std::pair<int, int>> parse_pair(std::string_view text);
/// Throws what is wrong with a word that is none of `words`.
[[noreturn]] void refuse_word(std::string_view flag, const std::string& text, const std::vector<std::string>& words);
/// Parts between commas; one at least.
[[nodiscard]] std::vector<std::string> split(const std::string& text);

/// Formats of tensors in DRAM.
[[nodiscard]] const EnumNames<DataFormat>& tensor_formats();

template <class E>
[[nodiscard]] E parse_word(std::string_view flag, const std::string& text, const EnumNames<E>& names) {
  if (const auto value = names.find(text)) return *value;
  refuse_word(flag, text, names.names());
}

/// NAME=FILE, by name.
using NamedFiles = std::map<std::string, std::string>;

class Flags {
 public:
  /// What is added from now on stands in this group of --help.
  Flags& in(std::string group);
  /// A flag with a parser of its own, which gets the text alone or with the flag.
  Flag& add(const std::string& name, std::string type, std::string help, std::function<void(const std::string&)> set);
  template <class Set>
  requires(std::is_invocable_v<Set&, const Given&>) Flag& add(const std::string& name, std::string type, std::string help,
                                                              Set set) {
    return add(name, std::move(type), std::move(help),
               std::function<void(const std::string&)>([name, set](const auto& text) {
                 set(Given{name, text});
               }));
  }
  /// One whose member is a number, a text, a list of texts (the flag may be repeated), a grid or files by name.
  template <class T>
  requires(!std::is_invocable_v<T&, const std::string&> &&
           !std::is_invocable_v<T&, const Given&>) Flag& add(const std::string& name, std::string type,
                                                             const std::string& help, T& member) {
    Flag& flag = add(name, std::move(type), help, [name, &member](const std::string& text) { assign(name, text, member); });
    flag.repeats = std::is_same_v<T, std::vector<std::string>> || std::is_same_v<T, NamedFiles>;
    return with_default(flag.is([&member] { return value_of(member); }));
  }
  /// One of the names of an enum.
  template <class E>
  Flag& add(const std::string& name, const std::string& help, E& member, const EnumNames<E>& names) {
    Flag& flag = add(name, "NAME", help,
                     [name, &member, &names](const std::string& text) { member = parse_word(name, text, names); });
    return with_default(flag.is([&member, &names] { return report::Value(names.of(member)); }));
  }
  /// One that takes no value and sets the member.
  Flag& add_switch(const std::string& name, const std::string& help, bool& member, bool to = true);

  [[nodiscard]] std::deque<Flag>& all() { return flags_; }
  [[nodiscard]] const std::deque<Flag>& all() const { return flags_; }
  [[nodiscard]] const Flag* find(std::string_view name) const;
  [[nodiscard]] bool given(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> names() const {
    return names_of([](const Flag&) { return true; });
  }
  /// Those that a comparison has no use for.
  [[nodiscard]] std::vector<std::string> unfit_for(Comparison comparison) const {
    return names_of(
        [=](const Flag& flag) { return std::find(flag.unfit.begin(), flag.unfit.end(), comparison) != flag.unfit.end(); });
  }
  template <class Kind>
  [[nodiscard]] std::vector<std::string> names_of(const Kind& kind) const {
    std::vector<std::string> names;
    for (const Flag& flag : flags_) {
      if (kind(flag)) names.push_back(flag.name);
    }
    return names;
  }
  /// Whether a flag was given and asks for something else than what happens without it.
  [[nodiscard]] bool changes(std::string_view name) const;
  /// Throws UsageError for the first of the flags that changes something: "flag: why". `unless` are words that ask for no
  /// more than the mode does by itself.
  void refuse(const std::vector<std::string>& names, const std::string& why,
              const std::vector<std::string>& unless = {}) const;

  /// Sets members, in the order of declaration, to the texts that a command line gave. Throws UsageError.
  void apply();
  /// Facts for JSON.
  [[nodiscard]] report::Value facts() const;
  /// The message of a library's error, with flags for fields: "`dim` 48: ..." becomes "--dim 48: ...".
  [[nodiscard]] std::string with_flags(const std::string& message) const;
  /// Throws UsageError, before anything is computed, for an output that can't be written, that two flags share or that is an
  /// input, also of `others`: flags of what a command runs.
  void check_paths(const std::vector<const Flags*>& others = {}) const;

 private:
  static void assign(const std::string& flag, const std::string& text, int& member) { member = parse_int(flag, text); }
  static void assign(const std::string& flag, const std::string& text, std::uint64_t& member) {
    member = parse_unsigned(flag, text);
  }
  static void assign(const std::string& flag, const std::string& text, double& member) { member = parse_number(flag, text); }
  static void assign(const std::string& flag, const std::string& text, GridSize& member) { member = parse_grid(flag, text); }
  static void assign(const std::string&, const std::string& text, std::string& member) { member = text; }
  static void assign(const std::string&, const std::string& text, std::vector<std::string>& member) {
    member.push_back(text);
  }
  static void assign(const std::string& flag, const std::string& text, NamedFiles& member);
  template <class T>
  static void assign(const std::string& flag, const std::string& text, std::optional<T>& member) {
    assign(flag, text, member.emplace());
  }
  template <class T>
  static report::Value value_of(const T& member) {
    return member;
  }
  static report::Value value_of(const std::string& member) { return report::text_or_null(member); }
  static report::Value value_of(const std::vector<std::string>& member) {
    return report::Array(member.begin(), member.end());
  }
  static report::Value value_of(const GridSize& member);
  static report::Value value_of(const NamedFiles& member);
  static Flag& with_default(Flag& flag);

  std::string group_;
  std::deque<Flag> flags_;  ///< they stay where they are
};

/// Runs `body`; errors of usage that leave it name the flags of `flags`.
template <class Body>
auto naming_flags(const Flags& flags, const Body& body) {
  try {
    return body();
  } catch (const UsageError& error) {
    throw UsageError(flags.with_flags(error.message()));
  }
}

}  // namespace tilegrid
