// SPDX-License-Identifier: Apache-2.0
#include "runtime/protocol.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <deque>
#include <random>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/error.h"
#include "runtime/control_tree.h"
#include "runtime/termination.h"
#include "tests/fuzz/mutate.h"

namespace tilegrid {
namespace {

constexpr StatusReport idle(std::uint64_t sent, std::uint64_t received) { return {true, false, sent, received}; }
constexpr StatusReport done(std::uint64_t sent, std::uint64_t received) { return {true, true, sent, received}; }
constexpr StatusReport busy(std::uint64_t sent, std::uint64_t received) { return {false, false, sent, received}; }

TEST(ControlTree, EachRankHasOneParentAndFewChildrenAndRunsOfRanksBelow) {
  for (int ranks = 1; ranks <= 100; ++ranks) {
    std::vector<int> parents(static_cast<std::size_t>(ranks), -1);
    for (int rank = 0; rank < ranks; ++rank) {
      const ControlTree tree{rank, ranks};
      int next = rank + 1;  // what is below the children follows without a gap
      for (const int child : tree.children()) {
        EXPECT_EQ(child, next);
        EXPECT_EQ(std::exchange(parents.at(static_cast<std::size_t>(child)), rank), -1);
        EXPECT_EQ((ControlTree{child, ranks}.parent()), rank);
        next = ControlTree{child, ranks}.end();
      }
      EXPECT_EQ(next, tree.end());
      EXPECT_LE(tree.children().size(), std::bit_width(static_cast<unsigned>(ranks - 1)));
    }
    EXPECT_EQ(std::count(parents.begin(), parents.end(), -1), 1) << "of " << ranks << " ranks";
  }
}

EventLog log_of(std::uint8_t cb, int waits) {
  EventLog log;
  log.enable(true);
  for (int i = 0; i < waits; ++i) log.append(Risc::trisc, events::CbWait{.cb = cb, .pages = 1});
  log.sequence(Risc::trisc).mark();
  return log;
}

TEST(GatheredResults, LogsStayInOrderAndEqualOnesTravelOnce) {
  constexpr int waits = 1000;
  const auto results_of = [](const std::vector<std::uint8_t>& cbs) {
    GatheredResults results;
    for (const std::uint8_t cb : cbs) {
      RankResult rank;
      rank.cores.resize(1);
      rank.logs.cores.push_back(log_of(cb, waits));
      results.append(std::move(rank));
    }
    return results;
  };
  GatheredResults all = results_of({1});
  all.append(from_bytes<GatheredResults>(to_bytes(results_of({2, 2, 3}))));
  const std::vector<std::byte> bytes = to_bytes(all);
  const auto arrived = from_bytes<GatheredResults>(bytes);
  EXPECT_EQ(arrived.ranks.size(), 4U);
  ASSERT_EQ(arrived.logs.cores.size(), 4U);
  for (const std::size_t core : {0U, 1U, 2U, 3U}) {
    const std::uint8_t cb = std::array<std::uint8_t, 4>{1, 2, 2, 3}.at(core);
    EXPECT_EQ(arrived.logs.cores[core].sequence(Risc::trisc), log_of(cb, waits).sequence(Risc::trisc)) << "core " << core;
  }
  EXPECT_LT(bytes.size(), to_bytes(results_of({1, 2, 3})).size() + 10 * waits) << "as a log more has 24 bytes an event";
}

TEST(StatusTree, TellsOnceOfAllBelow) {
  StatusTree tree({1, 2});
  EXPECT_EQ(tree.report(done(1, 2), true), std::nullopt) << "1 and 2 have not reported";
  tree.hear(1, idle(3, 4));
  tree.hear(2, done(5, 6));
  EXPECT_EQ(tree.report(busy(1, 2), false), std::nullopt);
  EXPECT_EQ(tree.report(idle(1, 2), false), std::nullopt) << "it may go on in a moment";
  EXPECT_EQ(tree.report(idle(1, 2), true), idle(9, 12));
  EXPECT_EQ(tree.report(idle(1, 2), true), std::nullopt);
  tree.hear(1, done(3, 4));
  EXPECT_EQ(tree.report(done(1, 2), false), done(9, 12)) << "an end is told at once";
  EXPECT_EQ(tree.report(done(2, 2), false), std::nullopt);
  EXPECT_EQ(tree.report(done(2, 2), true), done(10, 12));
}

TEST(StatusTree, AnswersWhenAllBelowHaveAnswered) {
  StatusTree tree({1, 2});
  tree.hear(1, idle(1, 1));
  tree.hear(2, idle(2, 2));
  EXPECT_EQ(tree.report(idle(0, 0), true), idle(3, 3));
  EXPECT_EQ(tree.answer(idle(0, 0)), std::nullopt) << "nobody has asked";
  tree.ask();
  EXPECT_EQ(tree.answer(idle(0, 0)), std::nullopt);
  tree.hear_answer(2, idle(2, 2));
  EXPECT_EQ(tree.answer(idle(0, 0)), std::nullopt);
  tree.hear_answer(1, busy(1, 1));
  EXPECT_EQ(tree.answer(idle(0, 0)), busy(3, 3));
  EXPECT_EQ(tree.answer(idle(0, 0)), std::nullopt);
  tree.hear(1, idle(1, 1));
  EXPECT_EQ(tree.report(idle(0, 0), true), idle(3, 3)) << "though it equals the last report: the answer said busy";
}

TEST(ProgressTree, AddsWhatEachBelowToldLast) {
  ProgressTree tree;
  EXPECT_EQ(tree.sum(5), 5U);
  tree.hear(1, 10);
  tree.hear(2, 100);
  tree.hear(1, 20);
  EXPECT_EQ(tree.sum(6), 126U);
}

TEST(LookTree, GathersOneAnswerAndForgetsOldQuestions) {
  const auto of_core = [](int core) {
    BlockedReport report;
    report.core = core;
    return std::vector{report};
  };
  LookTree tree(2);
  tree.hear({1, of_core(4)});
  tree.ask(1, of_core(0));
  tree.hear({1, of_core(1)});
  EXPECT_FALSE(tree.take()) << "one is missing";
  tree.ask(2, of_core(0));
  tree.hear({1, of_core(2)});
  tree.hear({2, of_core(2)});
  EXPECT_FALSE(tree.take());
  tree.hear({2, of_core(1)});
  const auto answer = tree.take();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->question, 2U);
  EXPECT_EQ(answer->cores.size(), 3U);
  EXPECT_FALSE(tree.take());
}

TEST(TerminationDetector, EndsWhenAllRanksHaveFinished) {
  TerminationDetector detector;
  // Counters need not match: what finished ranks serve afterwards is not reported.
  EXPECT_EQ(detector.on_status(done(4, 1)), EndReason::finished);
  EXPECT_FALSE(detector.take_probe_request());
}

TEST(TerminationDetector, AsksOnceWhenAllAreIdleAndCountersMatch) {
  TerminationDetector detector;
  EXPECT_EQ(detector.on_status(idle(7, 6)), std::nullopt);
  EXPECT_FALSE(detector.take_probe_request()) << "a message is under way";
  EXPECT_EQ(detector.on_status(idle(7, 7)), std::nullopt);
  EXPECT_TRUE(detector.take_probe_request());
  EXPECT_FALSE(detector.take_probe_request());
  EXPECT_EQ(detector.on_probe_answer(idle(7, 7)), EndReason::deadlock);
}

TEST(TerminationDetector, AnAnswerMayTellOfTheEnd) {
  TerminationDetector detector;
  EXPECT_EQ(detector.on_status(idle(2, 2)), std::nullopt);
  EXPECT_TRUE(detector.take_probe_request());
  EXPECT_EQ(detector.on_probe_answer(done(2, 2)), EndReason::finished);
  EXPECT_FALSE(detector.take_probe_request());
}

TEST(TerminationDetector, AsksAgainWhenSomethingHasMoved) {
  TerminationDetector detector;
  EXPECT_EQ(detector.on_status(idle(2, 2)), std::nullopt);
  EXPECT_TRUE(detector.take_probe_request());
  EXPECT_EQ(detector.on_probe_answer(idle(3, 3)), std::nullopt);
  EXPECT_TRUE(detector.take_probe_request());
  EXPECT_EQ(detector.on_probe_answer(idle(3, 3)), EndReason::deadlock);
}

TEST(TerminationDetector, WaitsWhenAnAnswerDiffersAndMessagesAreUnderWay) {
  TerminationDetector detector;
  EXPECT_EQ(detector.on_status(idle(1, 1)), std::nullopt);
  EXPECT_TRUE(detector.take_probe_request());
  EXPECT_EQ(detector.on_probe_answer(idle(2, 1)), std::nullopt);
  EXPECT_FALSE(detector.take_probe_request());
  EXPECT_EQ(detector.on_status(idle(2, 2)), std::nullopt);
  EXPECT_TRUE(detector.take_probe_request());
}

TEST(TerminationDetector, ABusyAnswerIsNoDeadlock) {
  TerminationDetector detector;
  EXPECT_EQ(detector.on_status(idle(0, 0)), std::nullopt);
  EXPECT_TRUE(detector.take_probe_request());
  EXPECT_EQ(detector.on_probe_answer(busy(0, 0)), std::nullopt);
  EXPECT_FALSE(detector.take_probe_request());
  EXPECT_EQ(detector.on_status(idle(0, 0)), std::nullopt);
  EXPECT_TRUE(detector.take_probe_request());
  EXPECT_EQ(detector.on_probe_answer(idle(0, 0)), EndReason::deadlock);
}

TEST(TerminationDetector, AReportDuringTheProbesMeansThatSomethingMoved) {
  TerminationDetector detector;
  EXPECT_EQ(detector.on_status(idle(1, 1)), std::nullopt);
  EXPECT_TRUE(detector.take_probe_request());
  EXPECT_EQ(detector.on_status(idle(2, 2)), std::nullopt);
  EXPECT_FALSE(detector.take_probe_request()) << "answers are missing";
  EXPECT_EQ(detector.on_probe_answer(idle(2, 2)), std::nullopt);
  EXPECT_TRUE(detector.take_probe_request());
}

/// Ranks that send each other messages at random, through channels that keep the order per pair and delay at random. A rank
/// reports to the rank above it at random times when it has nothing to do, as ProgramRun does.
class RandomNetwork {
 public:
  RandomNetwork(unsigned seed, std::size_t ranks, int messages) : engine_(seed), left_(messages) {
    const int count = static_cast<int>(ranks);
    for (int rank = 0; rank < count; ++rank) ranks_.emplace_back(ControlTree{rank, count}).to_rank.resize(ranks);
    ranks_[0].work = 1;
  }

  /// Runs until the detector says deadlock; true when nothing was under way then.
  bool detects_rightly() {
    for (int steps = 0; steps < 1'000'000; ++steps) {
      step(pick(ranks_.size()));
      const std::size_t from = pick(ranks_.size());
      std::optional<EndReason> reason;
      if (pick(2) == 0) reason = control_arrives(from);
      if (reason) return *reason == EndReason::deadlock && quiet();
      if (detector_.take_probe_request()) probe(0);
    }
    return false;  // never detected
  }

 private:
  struct ToParent {
    bool is_answer;
    StatusReport report;
  };
  struct Rank {
    explicit Rank(ControlTree place) : tree(place), status(place.children()) {}
    ControlTree tree;
    StatusTree status;
    int work = 0;  ///< things to do: each sends a message
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    int probes = 0;            ///< under way to this rank
    std::vector<int> to_rank;  ///< messages under way
    std::deque<ToParent> to_parent;
    StatusReport own() const { return {work == 0, false, sent, received}; }
  };

  std::size_t pick(std::size_t n) { return engine_() % n; }
  bool quiet() const {
    for (const Rank& rank : ranks_) {
      if (rank.work != 0) return false;
      for (const int under_way : rank.to_rank) {
        if (under_way != 0) return false;
      }
    }
    return true;
  }
  void probe(std::size_t index) {
    Rank& rank = ranks_[index];
    rank.status.ask();
    for (const int child : rank.tree.children()) ++ranks_[static_cast<std::size_t>(child)].probes;
    answer(rank);
  }
  static void answer(Rank& rank) {
    if (const auto answer = rank.status.answer(rank.own())) rank.to_parent.push_back({true, *answer});
  }
  /// What `from` has told the rank above it; what rank 0 tells goes to the detector.
  std::optional<EndReason> control_arrives(std::size_t from) {
    Rank& rank = ranks_[from];
    if (rank.to_parent.empty()) return std::nullopt;
    const auto [is_answer, report] = rank.to_parent.front();
    rank.to_parent.pop_front();
    if (from == 0) return is_answer ? detector_.on_probe_answer(report) : detector_.on_status(report);
    Rank& parent = ranks_[static_cast<std::size_t>(rank.tree.parent())];
    if (!is_answer) {
      parent.status.hear(rank.tree.rank, report);
      return std::nullopt;
    }
    parent.status.hear_answer(rank.tree.rank, report);
    answer(parent);
    return std::nullopt;
  }
  void step(std::size_t index) {
    Rank& rank = ranks_[index];
    switch (pick(4)) {
      case 0: {  // a message arrives
        Rank& from = ranks_[pick(ranks_.size())];
        if (from.to_rank[index] == 0) break;
        --from.to_rank[index];
        ++rank.received;
        if (left_ > 0) ++rank.work, --left_;
        break;
      }
      case 1:
        if (rank.work == 0) break;
        --rank.work;
        ++rank.sent;
        ++rank.to_rank[pick(ranks_.size())];
        break;
      case 2:
        if (const auto report = rank.status.report(rank.own(), true)) rank.to_parent.push_back({false, *report});
        break;
      default:
        if (rank.probes == 0) break;
        --rank.probes;
        probe(index);
        break;
    }
  }

  std::mt19937 engine_;
  TerminationDetector detector_;
  std::vector<Rank> ranks_;
  int left_;
};

TEST(TerminationDetector, IsRightForRandomTraffic) {
  for (unsigned seed = 0; seed < 3000; ++seed) {
    ASSERT_TRUE(RandomNetwork(seed, 1 + seed % 9, 1 + static_cast<int>(seed % 37)).detects_rightly()) << "seed " << seed;
  }
}

// ---- What is serialised comes back.

template <class T>
T round_trip(const T& value) {
  return from_bytes<T>(to_bytes(value));
}

TEST(Protocol, LaunchCommandsComeBack) {
  LaunchCommand command;
  command.program.name = "p";
  command.program.grid = {3, 4};
  command.program.compute = {Fidelity::hifi4, true, true};
  command.program.circular_buffers = {{7, 3, 2048, DataFormat::fp32, "role"}};
  command.program.semaphores = {4, 5};
  command.program.kernels = {{"k", Risc::ncrisc, NocId::noc1, {{1, 2}, {2, 3}}, {1}, {2, 3}, {{7, {8, 9}}}}};
  command.program.l1_buffer_bytes = 64;
  command.epoch = 6;
  command.dram_limit = std::uint64_t{1} << 33U;
  command.record_log = true;
  const LaunchCommand copy = round_trip(command);
  EXPECT_EQ(copy.epoch, 6U);
  EXPECT_EQ(copy.dram_limit, std::uint64_t{1} << 33U);
  EXPECT_TRUE(copy.record_log);
  EXPECT_EQ(copy.program.grid, (GridSize{3, 4}));
  EXPECT_EQ(copy.program.compute.fidelity, Fidelity::hifi4);
  ASSERT_EQ(copy.program.kernels.size(), 1U);
  EXPECT_EQ(copy.program.kernels[0].cores.ranges[0].last, (LogicalCore{2, 3}));
  EXPECT_EQ(copy.program.kernels[0].runtime_args, command.program.kernels[0].runtime_args);
  EXPECT_EQ(to_bytes(copy), to_bytes(command));
}

TEST(Protocol, TasksAndResultsComeBack) {
  const TaskCommand task{"t", {std::byte{1}, std::byte{0}, std::byte{255}}};
  EXPECT_EQ(round_trip(task).input, task.input);
  EXPECT_EQ(round_trip(TaskCommand{"empty", {}}).name, "empty");
  RankResult result;
  result.cores.resize(2);
  result.cores[1].counters.tiles[0] = 77;
  result.errors = {{3, 2, "text"}};
  BlockedReport& blocked = result.blocked.emplace_back();
  blocked.core = 5;
  blocked.kernels.emplace_back().name = "reader";
  blocked.semaphores.push_back({16, 2, {3}});
  const RankResult copy = round_trip(result);
  EXPECT_EQ(copy.cores[1].counters.tiles[0], 77U);
  EXPECT_TRUE(copy.logs.cores.empty());
  EXPECT_EQ(copy.errors[0].text, "text");
  ASSERT_EQ(copy.blocked.size(), 1U);
  EXPECT_EQ(copy.blocked[0].core, 5);
  EXPECT_EQ(copy.blocked[0].kernels[0].name, "reader");
  EXPECT_EQ(to_bytes(copy), to_bytes(result));
}

// Whatever the bytes are, they become a result or an Error.
TEST(Protocol, BearsAnyBytes) {
  RankResult result;
  result.cores.resize(2);
  result.logs.cores.resize(2);
  for (std::uint32_t j = 0; j < 20; ++j) result.logs.cores[1].append(Risc::trisc, events::Pack{.tiles = j});
  result.errors = {{3, 2, "text"}};
  const std::vector<std::byte> good = to_bytes(result);
  std::mt19937 random(20'26);
  const auto below = [&](std::size_t count) { return std::uniform_int_distribution<std::size_t>(0, count - 1)(random); };
  int refused = 0;
  const int rounds = test::fuzz_rounds(100);
  for (int round = 0; round < rounds; ++round) {
    std::vector<std::byte> bad = good;
    for (std::size_t changes = 1 + below(3); changes > 0; --changes)
      bad[below(bad.size())] = static_cast<std::byte>(below(256));
    if (below(4) == 0) bad.resize(below(bad.size()));
    try {
      static_cast<void>(from_bytes<RankResult>(bad));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::lost_rank);
      ++refused;
    }
  }
  EXPECT_GT(refused, 5);
}

TEST(Protocol, RefusesWhatClaimsToBeLongerThanTheMessage) {
  const auto refused = [](const auto& value, auto claim) {
    std::vector<std::byte> bytes = to_bytes(value);
    std::memcpy(bytes.data(), &claim, sizeof claim);
    try {
      static_cast<void>(from_bytes<std::remove_cvref_t<decltype(value)>>(bytes));
    } catch (const Error& error) {
      return error.code() == ExitCode::lost_rank;
    }
    return false;
  };
  for (const std::uint64_t length : {std::uint64_t{9}, std::uint64_t{1} << 33U, ~std::uint64_t{0}}) {
    EXPECT_TRUE(refused(std::string("eight ch"), length)) << length;
    EXPECT_TRUE(refused(std::vector<double>{8}, length)) << length;
    EXPECT_TRUE(refused(std::vector<std::string>{""}, length)) << length;
    EXPECT_TRUE(refused(RankLogs{}, length)) << length;
  }
  EXPECT_TRUE(refused(TaskCommand{"", {std::byte{1}}}, ~std::uint64_t{0}));
  EXPECT_TRUE(refused(StatusReport{}, std::uint8_t{2})) << "neither true nor false";
}

TEST(ControlChannel, GivesARankItsOwnMessagesInOrder) {
  noc::InProcessTransport transport;
  noc::Node node({1, 1}, transport, FiberBackend::boost);
  ControlChannel control(node);
  EXPECT_FALSE(control.next().has_value());
  control.send(0, ControlTag::task, {});
  control.send_value(0, ControlTag::progress, std::uint64_t{5});
  control.broadcast(ControlTag::end, to_bytes(EndReason::deadlock));
  EXPECT_EQ(control.wait_next().tag, ControlTag::task);
  EXPECT_EQ(from_bytes<std::uint64_t>(control.wait_next().bytes), 5U);
  const ControlMessage last = control.wait_next();
  EXPECT_EQ(last.source, 0);
  EXPECT_EQ(from_bytes<EndReason>(last.bytes), EndReason::deadlock);
  EXPECT_FALSE(control.next().has_value());
}

TEST(RankResult, CarriesRepeatedEventsOnce) {
  const auto log_of = [](int turns) {
    EventLog log;
    for (int i = 0; i < turns; ++i) {
      for (std::uint32_t j = 0; j < 100; ++j) {
        log.append(Risc::trisc, events::Pack{.accumulate = true, .cb = 3, .tiles = j, .dst = j * 7});
      }
      log.mark(Risc::trisc);
    }
    log.append(Risc::trisc, events::KernelEnd{});
    return log;
  };
  RankResult result;
  result.cores.resize(3);
  result.logs.cores = {log_of(2), {}, log_of(1000)};
  const std::vector<std::byte> bytes = to_bytes(result);
  EXPECT_LT(bytes.size(), sizeof(CoreResult) * 3 + 10000);
  const auto copy = from_bytes<RankResult>(bytes);
  ASSERT_EQ(copy.logs.cores.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(copy.logs.cores[i].sequence(Risc::trisc), result.logs.cores[i].sequence(Risc::trisc));
  }
  EXPECT_EQ(copy.logs.cores[2].sequence(Risc::trisc).size(), 100'001U);
}

}  // namespace
}  // namespace tilegrid
