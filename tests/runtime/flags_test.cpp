// SPDX-License-Identifier: Apache-2.0
#include "runtime/flags/flags.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "runtime/flags/command_line.h"

namespace tilegrid {
namespace {

enum class Colour { red, green };
const EnumNames<Colour> colours{{"red", Colour::red}, {"green", Colour::green}, {"verdant", Colour::green}};

struct Members {
  int rows = 4;
  std::optional<std::uint64_t> seed;
  double scale = 1.5;
  GridSize grid{2, 3};
  Colour colour = Colour::red;
  bool quick = false;
  std::vector<std::string> sets;
  NamedFiles files;
  Flags flags;

  Members() {
    flags.in("Shape").add("--rows", "N", "Rows [$]", rows).named("rows", "seq_q");
    flags.add("--seed", "N", "Seed [$]", seed);
    flags.add("--scale", "X", "Scale [$]", scale);
    flags.add("--grid", "XxY", "Grid [$]", grid);
    flags.add("--colour", "Colour [$]", colour, colours);
    flags.add_switch("--quick", "Quick", quick);
    flags.add("--set", "KEY=VALUE", "Set", sets).no_fact();
    flags.in("Data").add("--in", "NAME=FILE", "In", files);
  }
  std::string refusal(const std::vector<std::string>& arguments) {
    try {
      parse_flags(flags, arguments);
    } catch (const UsageError& error) {
      return error.message();
    }
    return {};
  }
};

TEST(Flags, SetMembersAndAreFacts) {
  Members m;
  EXPECT_EQ(m.flags.find("--rows")->help, "Rows [4]");
  EXPECT_EQ(m.flags.find("--grid")->help, "Grid [2x3]");
  EXPECT_EQ(m.flags.find("--colour")->help, "Colour [red]");
  parse_flags(m.flags, {"--rows", "7", "--grid=8x10", "--colour", "verdant", "--quick", "--set", "a=1", "--set", "b=2",
                        "--in", "x=f.npy", "--seed", "18446744073709551615"});
  EXPECT_EQ(m.rows, 7);
  EXPECT_EQ(m.seed, ~std::uint64_t{0});
  EXPECT_EQ(m.sets, (std::vector<std::string>{"a=1", "b=2"}));
  EXPECT_TRUE(m.flags.given("--rows") && !m.flags.given("--scale"));
  EXPECT_EQ(
      report::to_json_line(m.flags.facts()),
      R"({"rows":7,"seed":18446744073709551615,"scale":1.5,"grid":"8x10","colour":"green","quick":true,"in":{"x":"f.npy"}})");
}

TEST(Flags, OnesThatRepeatADefaultConflictWithNothing) {
  const auto conflict = [](const std::vector<std::string>& arguments) -> std::string {
    Members m;
    parse_flags(m.flags, arguments);
    try {
      m.flags.refuse({"--rows", "--scale", "--colour", "--grid", "--seed", "--in"}, "no numbers", {"green"});
    } catch (const UsageError& error) {
      return error.message();
    }
    return {};
  };
  EXPECT_EQ(conflict({"--rows", "4", "--scale=1.50", "--grid", "2x3", "--colour", "red"}), "");
  EXPECT_EQ(conflict({"--colour", "green"}), "") << "what the mode does by itself";
  EXPECT_EQ(conflict({"--colour", "verdant"}), "--colour: no numbers");
  EXPECT_EQ(conflict({"--rows", "5"}), "--rows: no numbers");
  EXPECT_EQ(conflict({"--seed", "0"}), "--seed: no numbers") << "without a default every value is a change";
  EXPECT_EQ(conflict({"--in", "x=f.npy"}), "--in: no numbers");
}

TEST(Flags, RefuseWhatIsWrongWithFlagAndValue) {
  EXPECT_EQ(Members().refusal({"--rows", "x"}), "--rows x: a whole number is expected");
  EXPECT_EQ(Members().refusal({"--colour", "blue"}), "--colour blue: one of red, green, verdant is expected");
  EXPECT_EQ(Members().refusal({"--grid", "0x3"}).find("--grid 0x3: "), 0U);
  EXPECT_EQ(Members().refusal({"--scale", "nan"}).find("--scale nan: "), 0U);
  EXPECT_EQ(Members().refusal({"--in", "x"}).find("--in x: "), 0U);
  EXPECT_EQ(Members().refusal({"--in", "x=a", "--in", "x=b"}).find("--in x=b: "), 0U);
  EXPECT_EQ(Members().refusal({"--rows", ""}), "--rows: its value is empty");
  EXPECT_EQ(Members().refusal({"--rows"}), "--rows: needs a value");
  EXPECT_EQ(Members().refusal({"--colr", "red"}), "unknown flag --colr: did you mean --colour?");
}

TEST(Flags, NameThemselvesInErrorsOfLibraries) {
  const Members m;
  EXPECT_EQ(m.flags.with_flags("`seq_q` 0: must be from 1"), "--rows 0: must be from 1");
  EXPECT_EQ(m.flags.with_flags("`colour` x `dim` 3, a `"), "--colour x `dim` 3, a `");
}

}  // namespace
}  // namespace tilegrid
