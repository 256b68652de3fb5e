// SPDX-License-Identifier: Apache-2.0
#include "core/say.h"

#include <gtest/gtest.h>

#include <string>

namespace tilegrid {
namespace {

TEST(Readable, OrdinaryMessagesStayAsTheyAre) {
  for (const char* message : {"", "--seq 0: a number", "two  spaces ", "first\n  second\n\nfourth\n",
                              "caf\xC3\xA9 \xE2\x80\x94", "not UTF-8: \xFF\xFE"}) {
    EXPECT_EQ(readable(message), message);
  }
}

TEST(Readable, OfALongValueBeginLengthAndEndAreLeft) {
  const std::string value = "begin" + std::string(4990, 'x') + "end.:";
  const std::string line = readable("--seq " + value + " a whole number is expected");
  EXPECT_LT(line.size(), 400U);
  EXPECT_TRUE(line.starts_with("--seq beginxxx")) << line;
  EXPECT_NE(line.find("...[5000 characters]..."), std::string::npos) << line;
  EXPECT_TRUE(line.ends_with("xend.: a whole number is expected")) << line;
}

TEST(Readable, ALineOfManyWordsIsCutAsWell) {
  std::string value;
  for (int i = 0; i < 5000; ++i) value += "x + ";
  const std::string line = readable("--expr " + value + ": no\nanother line");
  EXPECT_LT(line.size(), 2100U);
  EXPECT_TRUE(line.ends_with(": no\nanother line")) << line;
}

TEST(Readable, CharactersOfSeveralBytesAreNotCutInTwo) {
  for (int shift = 0; shift < 3; ++shift) {
    std::string value(static_cast<std::size_t>(shift), 'x');
    for (int i = 0; i < 1000; ++i) value += "\xE2\x80\x94";
    const std::string line = readable(value);
    const std::size_t at = line.find("...[");
    ASSERT_NE(at, std::string::npos);
    EXPECT_EQ(line.substr(at - 3, 3), "\xE2\x80\x94");
    EXPECT_EQ(line.substr(line.find("]...") + 4, 3), "\xE2\x80\x94");
  }
}

TEST(Readable, ControlCharactersDoNotReachTheTerminal) {
  EXPECT_EQ(readable("a\x1B[31mb\r\ac\td\x7F\ne"), "a?[31mb??c\td?\ne");
  EXPECT_EQ(readable_line("a\nb"), "a?b");
}

}  // namespace
}  // namespace tilegrid
