// SPDX-License-Identifier: Apache-2.0
#include "runtime/report/value.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "core/error.h"
#include "runtime/report/print.h"
#include "runtime/report/table.h"

namespace tilegrid::report {
namespace {

TEST(Value, KeepsTypesAndOrder) {
  Value value{{"whole", std::uint64_t{1} << 63U}, {"below", -3}, {"real", 2.0}, {"yes", true}, {"none", Value()}};
  value["list"].push(1);
  value["list"].push("two");
  value["inner"]["deep"] = std::optional<int>();
  EXPECT_EQ(
      to_json_line(value),
      R"({"whole":9223372036854775808,"below":-3,"real":2.0,"yes":true,"none":null,"list":[1,"two"],"inner":{"deep":null}})");
  EXPECT_EQ(to_json_line(from_json(to_json(value))), to_json_line(value));
  EXPECT_EQ(value["list"].list().size(), 2U);
  EXPECT_EQ(value["below"].number(), -3);
  const Value& constant = value;
  EXPECT_TRUE(constant["nothing"]["of it"].is_null());
}

TEST(Value, ShowsTheTextAloneWhatBeginsWithADot) {
  const Value value{{".width", 3}, {"shown", 1}};
  EXPECT_EQ(to_json_line(value), R"({"shown":1})");
  EXPECT_EQ(value[".width"].count(), 3U);
}

TEST(Value, HasNoNumbersAndBytesThatJsonDoesNotKnow) {
  EXPECT_EQ(to_json_line(Value{{"x", std::numeric_limits<double>::infinity()}}), R"({"x":null})");
  EXPECT_EQ(to_json_line(Value{{"file", "\xFFname"}}), "{\"file\":\"\xEF\xBF\xBDname\"}");
  EXPECT_THROW(static_cast<void>(from_json("{")), UsageError);
}

TEST(Report, SaysWhichVersionItIs) {
  const Value report = versioned({{"cases", Array()}});
  EXPECT_EQ(report["schema_version"].count(), static_cast<std::uint64_t>(schema_version));
  EXPECT_EQ(report["version"].text(), program_version());
  EXPECT_EQ(versioned({{"version", "mine"}})["version"].text(), "mine");
}

TEST(Table, AlignsColumns) {
  const Table table({{"name", -8}, {"count", 6}, {"share", 7}});
  EXPECT_EQ(table.head("   (of all)"), "name     count  share   (of all)\n");
  EXPECT_EQ(table.row({"one", grouped(std::uint64_t{12345}), percent(1, 8)}), "one     12,345  12.5%\n");
  EXPECT_EQ(table.row({"a wide name"}), "a wide name\n");
}

}  // namespace
}  // namespace tilegrid::report
