// SPDX-License-Identifier: Apache-2.0
#include "runtime/agreement.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tilegrid {
namespace {

using Kind = Statement::Kind;

/// What rank 0 makes of statements of ranks of hosts a, b, c.
std::vector<Statement> travelled(std::vector<Statement> statements) {
  std::string host = "a";
  for (Statement& one : statements) {
    one.host = host;
    const std::string text = to_text(one);
    EXPECT_LE(text.size(), statement_bytes);
    one = statement_of(text);
    ++host.front();
  }
  return statements;
}
Verdict verdict_on(std::vector<Statement> statements) { return judge(travelled(std::move(statements))); }

const Statement run{.text = "a run", .settings = "7"};

TEST(Agreement, AllTheSame) {
  const Verdict verdict = verdict_on({run, run, run});
  EXPECT_EQ(verdict.code, ExitCode::ok);
  EXPECT_EQ(verdict.message, "");
  const Statement end{.kind = Kind::leave};
  EXPECT_EQ(verdict_on({end, end}).code, ExitCode::ok);
}

TEST(Agreement, AFailureOfOneRankHasRankAndHost) {
  const Verdict verdict = verdict_on({run, {.kind = Kind::fail, .code = ExitCode::lost_rank, .text = "no memory"}, run});
  EXPECT_EQ(verdict.code, ExitCode::lost_rank);
  EXPECT_EQ(verdict.message, "rank 1 on b: no memory");
}

TEST(Agreement, AFailureOfAllIsToldOnceAndInItsOwnWords) {
  const Statement failure{.kind = Kind::fail, .code = ExitCode::usage, .text = "--bogus: unknown"};
  const Verdict verdict = verdict_on({failure, failure, failure});
  EXPECT_EQ(verdict.code, ExitCode::usage);
  EXPECT_EQ(verdict.message, "--bogus: unknown");
  EXPECT_EQ(verdict_on({run, failure, failure}).message, "rank 1 on b (and 1 other): --bogus: unknown");
  EXPECT_EQ(verdict_on({failure, run, run}).message, "--bogus: unknown");
}

TEST(Agreement, AFailureIsToldBeforeADifference) {
  const Verdict verdict =
      verdict_on({run, {.kind = Kind::leave}, {.kind = Kind::fail, .code = ExitCode::usage, .text = "x"}});
  EXPECT_EQ(verdict.message, "rank 2 on c: x");
}

TEST(Agreement, RanksThatDoSomethingElse) {
  const Verdict other = verdict_on({run, run, {.text = "another run", .settings = "7"}});
  EXPECT_EQ(other.code, ExitCode::usage);
  EXPECT_EQ(other.message,
            "rank 2 on c goes on with another run, rank 0 on a goes on with a run: all ranks need the same command line");
  EXPECT_EQ(verdict_on({{.kind = Kind::leave}, run}).code, ExitCode::usage);
  EXPECT_NE(verdict_on({run, {.text = "a run", .settings = "8"}}).message.find("rank 1 on b goes on with a run with other"),
            std::string::npos);
}

TEST(Agreement, AnotherBuildIsNamedWhereverItRuns) {
  std::vector<Statement> statements = travelled({run, run, run});
  statements[2].build = "0.0.9 (abc, little-endian)";
  Verdict verdict = judge(statements);
  EXPECT_EQ(verdict.code, ExitCode::usage);
  EXPECT_TRUE(
      verdict.message.starts_with("rank 2 on c runs another build of tilegrid, 0.0.9 (abc, little-endian), than rank 0"))
      << verdict.message;
  statements[2].build = own_build();
  statements[0].build = "0.0.9 (abc, big-endian)";
  EXPECT_TRUE(judge(statements).message.starts_with("rank 0 on a runs another build of tilegrid, 0.0.9 (abc, big-endian)"));
  // What two ranks disagree on is told of the one that is not the host.
  statements.pop_back();
  EXPECT_TRUE(judge(statements).message.starts_with("rank 1 on b runs another build"));
}

TEST(Agreement, BuildsComeBeforeEverythingElse) {
  std::vector<Statement> statements = travelled({run, {.kind = Kind::fail, .code = ExitCode::usage, .text = "x"}});
  statements[1].build = "0.0.9 (abc, little-endian)";
  EXPECT_NE(judge(statements).message.find("another build"), std::string::npos);
}

TEST(Agreement, AnythingElseIsAnotherBuild) {
  for (const std::string& text : {std::string(), std::string("garbage"), std::string("tilegrid statement 1"),
                                  std::string("tilegrid statement 2\nx\ny\ng 0\n\n"), std::string(900, '\n')}) {
    const std::vector<Statement> statements{travelled({run}).front(), statement_of(text)};
    EXPECT_NE(judge(statements).message.find("another build"), std::string::npos) << text;
  }
}

TEST(Agreement, LongWordsAreCutAndStayOneLine) {
  const Statement failure{
      .kind = Kind::fail, .code = ExitCode::kernel, .text = std::string(5000, 'x') + "\nsecond line", .settings = "a\nb"};
  const std::vector<Statement> statements = travelled({run, failure});
  EXPECT_EQ(statements[1].kind, Kind::fail);
  EXPECT_EQ(statements[1].code, ExitCode::kernel);
  EXPECT_EQ(statements[1].settings, "a b");
  EXPECT_EQ(judge(statements).message.find('\n'), std::string::npos);
}

TEST(Agreement, TheBuildSaysVersionRevisionAndByteOrder) {
  EXPECT_TRUE(std::isdigit(own_build().front())) << own_build();
  EXPECT_NE(own_build().find("-endian)"), std::string::npos) << own_build();
  EXPECT_LT(own_build().size(), 100U);  // it travels whole
}

TEST(Agreement, Fingerprints) {
  EXPECT_EQ(fingerprint("a"), 0xAF63'DC4C'8601'EC8CU);  // FNV-1a's published value
  EXPECT_NE(fingerprint("ab"), fingerprint("ba"));
}

}  // namespace
}  // namespace tilegrid
