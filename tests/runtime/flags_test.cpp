// SPDX-License-Identifier: Apache-2.0
#include "runtime/flags/flags.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "runtime/flags/command_line.h"
#include "runtime/flags/format_flag.h"
#include "runtime/flags/print_flags.h"

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

TEST(PrintFlags, CoresAreNamedOneByOneOrAsRectangles) {
  const auto cores = [](const std::string& text) { return parse_cores("--print-cores", text, {4, 2}); };
  EXPECT_EQ(cores("all").size(), 8U);
  EXPECT_TRUE(cores("none").empty());
  EXPECT_EQ(cores("1,0"), std::vector<int>{1});
  EXPECT_EQ(cores("0,0-1,1 3,1"), (std::vector<int>{0, 1, 4, 5, 7}));
  EXPECT_EQ(cores("(0,0),(2,0)-(3,1),(0,0)"), (std::vector<int>{0, 2, 3, 6, 7}));
  EXPECT_EQ(cores("2,1;0,1"), (std::vector<int>{4, 6}));
  const auto refusal = [&](const std::string& text) {
    try {
      static_cast<void>(cores(text));
    } catch (const UsageError& error) {
      return error.message();
    }
    return std::string("taken");
  };
  EXPECT_EQ(refusal("4,0"), "--print-cores 4,0: there is no core (4,0) in a grid of 4x2");
  EXPECT_EQ(refusal("1"), "--print-cores 1: a core is its column and its row, as in 3,4");
  EXPECT_EQ(refusal("1,1-0,0"), "--print-cores 1,1-0,0: the first corner of a rectangle is the upper left one");
  EXPECT_EQ(refusal(""), "--print-cores : cores are expected, as in 0,0-3,1");
  EXPECT_EQ(refusal("x"), "--print-cores x: cores are expected, as in 0,0-3,1, or all, or none");
}

TEST(PrintFlags, RiscsAreNamedAsTheVendorNamesThem) {
  EXPECT_EQ(parse_riscs("--print-riscs", "all"), PrintFilter::all_riscs);
  EXPECT_EQ(parse_riscs("--print-riscs", "BR+NC"), 3);
  EXPECT_EQ(parse_riscs("--print-riscs", "tr0,TR2"), 4 + 16);
  EXPECT_EQ(parse_riscs("--print-riscs", "TR*"), 4 + 8 + 16);
  EXPECT_EQ(parse_riscs("--print-riscs", "none"), 0);
  EXPECT_THROW(static_cast<void>(parse_riscs("--print-riscs", "ERISC")), UsageError);
}

/// What --format makes of q, k, v and out.
struct FormatMembers {
  DataFormat q = DataFormat::bf16, k = DataFormat::bf16, v = DataFormat::bf16, out = DataFormat::bf16;
  Flags flags;
  FormatMembers() { add_format_flag(flags, "Formats", targets()); }
  [[nodiscard]] FormatTargets targets() {
    return {{"q", {&q}}, {"kv", {&k, &v}}, {"k", {&k}}, {"v", {&v}}, {"out", {&out}}};
  }
  /// The fact that comes of the flag.
  static std::string told(const std::string& text) {
    FormatMembers members;
    parse_flags(members.flags, {"--format", text});
    EXPECT_EQ(formats_text(members.targets()), members.flags.facts()["format"].text());
    return members.flags.facts()["format"].text();
  }
  static std::string refusal(const std::string& text) {
    try {
      told(text);
    } catch (const UsageError& error) {
      return error.message();
    }
    return {};
  }
};

TEST(Flags, FormatsByTensor) {
  EXPECT_EQ(FormatMembers().flags.find("--format")->help, "Formats [bf16]");
  EXPECT_EQ(FormatMembers::told("bfp8"), "bfp8_b");
  EXPECT_EQ(FormatMembers::told("q=bf16,kv=bfp8,out=bf16"), "q=bf16,kv=bfp8_b,out=bf16");
  EXPECT_EQ(FormatMembers::told("kv=bfp4_b"), "q=bf16,kv=bfp4_b,out=bf16");
  EXPECT_EQ(FormatMembers::told("v=bfp2,k=fp32"), "q=bf16,k=fp32,v=bfp2_b,out=bf16");
  EXPECT_EQ(FormatMembers::told("bfp8,out=bf16"), "q=bfp8_b,kv=bfp8_b,out=bf16");
  EXPECT_EQ(FormatMembers::told("q=fp32+kv=fp32+out=fp32"), "fp32");
}

TEST(Flags, FormatsThatAreRefused) {
  EXPECT_EQ(FormatMembers::refusal("bf17"),
            "--format bf17: one of bf16, fp32, fp16, tf32, bfp8_b, bfp8, bfp4_b, bfp4, bfp2_b, bfp2 is expected");
  EXPECT_EQ(FormatMembers::refusal("q=bf16,kv=int9"),
            "--format kv=int9: one of bf16, fp32, fp16, tf32, bfp8_b, bfp8, bfp4_b, bfp4, bfp2_b, bfp2 is expected");
  EXPECT_EQ(FormatMembers::refusal("mask=bf16"),
            "--format mask=bf16: there is no tensor 'mask', one of q, kv, k, v, out is expected");
  EXPECT_EQ(FormatMembers::refusal("q=bf16,q=bfp8"), "--format q=bf16,q=bfp8: the format of 'q' is given twice");
  EXPECT_EQ(FormatMembers::refusal("v=bf16,kv=bfp8"), "--format v=bf16,kv=bfp8: the format of 'kv' is given twice");
  EXPECT_EQ(FormatMembers::refusal("q=bf16,bfp8"),
            "--format q=bf16,bfp8: bfp8 is of no tensor; TENSOR=NAME is expected, with TENSOR one of q, kv, k, v, out");
  EXPECT_NE(FormatMembers::refusal("q=bf16,"), "");
  EXPECT_NE(FormatMembers::refusal(""), "");
}

}  // namespace
}  // namespace tilegrid
