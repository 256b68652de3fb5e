// SPDX-License-Identifier: Apache-2.0
#include "core/events/event_log.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "core/error.h"

namespace tilegrid {
namespace {

namespace fs = std::filesystem;

using namespace events;

constexpr NocId noc1 = NocId::noc1;

/// A sequence between kernel_start and kernel_end.
std::vector<Event> kernel(std::vector<Event> events) {
  events.insert(events.begin(), KernelStart{});
  events.push_back(KernelEnd{});
  return events;
}

/// A kernel whose loop takes `turns`: three events a turn.
void append_loop(EventLog& log, Risc risc, int turns) {
  log.append(risc, KernelStart{});
  for (int i = 0; i < turns; ++i) {
    log.mark(risc);
    log.append(risc, CbReserve{.cb = 1, .pages = 4});
    log.append(risc, Generate{.cb = 1, .bytes = 4});
    log.append(risc, CbPush{.cb = 1, .pages = 4});
  }
  log.mark(risc);
  log.append(risc, KernelEnd{});
}

RunLog sample() {
  RunLog log;
  log.grid = {2, 1};
  log.program = "a run";
  const std::vector<LogBuffer> buffers{{3, 2, 2048, DataFormat::bf16}, {5, 1, 576, DataFormat::bfp4_b}};
  log.launches.push_back({"first", {}, {{true, false, buffers, {1, 0xFFFFFFFF}}, {false, true, {}, {}}}, {1, 0}});
  log.useful_flops = 1.5e9;
  auto& cores = log.launches[0].cores;
  cores.resize(2);
  cores[0].sequence(Risc::brisc) = kernel({CbPush{.cb = 3, .pages = 2}});
  cores[0].sequence(Risc::trisc) = kernel({CbPop{.cb = 3, .pages = 2}});
  // An event with all bytes.
  cores[1].sequence(Risc::ncrisc) = kernel({NocWrite{.noc = noc1,
                                                     .trid = 2,
                                                     .form = TransferForm::stateful,
                                                     .bytes = 0x11223344,
                                                     .peer = {3, 4},
                                                     .local = 0x99AABBCC,
                                                     .offset = 0xDDEEFF00,
                                                     .word = 0x55667788},
                                            WritesFlushed{.noc = noc1}});
  log.launches[0].phases = {"one", "another"};
  ScopeNames names;
  names.add("load", {"a.cpp", 3});
  names.add("store", {"a.cpp", 300});
  log.launches[0].scopes = names.list();
  log.launches.push_back({"second", {}, {{false, true, {}, {}}}});
  log.launches[1].cores.resize(2);
  for (EventLog& core : log.launches[1].cores) append_loop(core, Risc::brisc, 5);
  return log;
}

class EventLogFile : public testing::Test {
 protected:
  EventLogFile() {
    std::string name = (fs::temp_directory_path() / "tilegrid_log_XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~EventLogFile() override { fs::remove_all(folder_); }
  [[nodiscard]] std::string path(const std::string& name = "log") const { return (folder_ / name).string(); }
  static std::string content(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  /// The error for a file of these bytes, without its name.
  std::string refusal(const std::string& bytes) const {
    std::ofstream(path("bad"), std::ios::binary) << bytes;
    return refusal_of(path("bad"));
  }
  static std::string refusal_of(const std::string& path) {
    try {
      static_cast<void>(load_log(path));
    } catch (const UsageError& error) {
      EXPECT_EQ(error.message().find(path + ": "), 0U) << error.message();
      EXPECT_EQ(error.message().find('\n'), std::string::npos);
      return error.message().substr(path.size() + 2);
    }
    ADD_FAILURE() << "no error";
    return {};
  }
  fs::path folder_;
};

TEST_F(EventLogFile, KeepsEverything) {
  const RunLog log = sample();
  save_log(log, path());
  const RunLog copy = load_log(path());
  EXPECT_EQ(copy.grid, log.grid);
  EXPECT_EQ(copy.program, log.program);
  EXPECT_EQ(copy.launches.at(0).scopes, log.launches[0].scopes);
  EXPECT_EQ(copy.useful_flops, log.useful_flops);
  ASSERT_EQ(copy.launches.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    const LaunchLog& was = log.launches[i];
    const LaunchLog& is = copy.launches[i];
    EXPECT_EQ(is.name, was.name);
    EXPECT_EQ(is.setups, was.setups);
    EXPECT_EQ(is.setup_numbers, was.setup_numbers);
    EXPECT_EQ(is.phases, was.phases);
    ASSERT_EQ(is.cores.size(), 2U);
    for (std::size_t core = 0; core < 2; ++core) {
      for (int risc = 0; risc < risc_count; ++risc) {
        EXPECT_EQ(is.cores[core].sequence(static_cast<Risc>(risc)), was.cores[core].sequence(static_cast<Risc>(risc)));
      }
    }
  }
  save_log(copy, path("again"));
  EXPECT_EQ(content(path()), content(path("again")));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 2) << "no temporary file is left";
}

TEST_F(EventLogFile, CutShortAtAnyLengthIsRefused) {
  save_log(sample(), path());
  const std::string bytes = content(path());
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    const std::string message = refusal(bytes.substr(0, length));
    EXPECT_NE(message.find("cut short"), std::string::npos) << "length " << length << ": " << message;
  }
}

TEST_F(EventLogFile, AnyByteMayBeWrong) {
  // Whatever is in the file: a log or an error, and never a crash or a huge allocation.
  save_log(sample(), path());
  const std::string bytes = content(path());
  int refused = 0;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string bad = bytes;
    bad[at] = static_cast<char>(~bad[at]);
    std::ofstream(path("bad"), std::ios::binary) << bad;
    try {
      static_cast<void>(load_log(path("bad")));
    } catch (const UsageError&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 40);
}

TEST_F(EventLogFile, HoldsALoopBodyOnceForAllCoresAndTurns) {
  const auto bytes = [this](int turns) {
    RunLog log{{4, 2}, "loops", {{"loops", std::vector<EventLog>(8)}}};
    for (EventLog& core : log.launches[0].cores) append_loop(core, Risc::trisc, turns);
    save_log(log, path());
    EXPECT_EQ(load_log(path()).launches[0].cores[7].sequence(Risc::trisc).size(), 3U * static_cast<unsigned>(turns) + 2);
    return content(path()).size();
  };
  EXPECT_EQ(bytes(1100) - bytes(100), 8U * 1000 * sizeof(std::uint32_t));
}

TEST_F(EventLogFile, DoesNotDependOnWhoSharesBlocks) {
  RunLog apart{{3, 1}, "loops", {{"loops", std::vector<EventLog>(3)}}};
  RunLog together = apart;
  const auto store = std::make_shared<EventStore>();
  for (std::size_t core : {2U, 0U, 1U}) {  // another order of first uses
    together.launches[0].cores[core].use(store);
    for (RunLog* log : {&apart, &together}) append_loop(log->launches[0].cores[core], Risc::brisc, static_cast<int>(core));
  }
  save_log(apart, path("apart"));
  save_log(together, path("together"));
  EXPECT_EQ(content(path("apart")), content(path("together")));
}

TEST_F(EventLogFile, SaysWhatIsWrong) {
  save_log(sample(), path());
  const std::string bytes = content(path());
  EXPECT_EQ(refusal(bytes + "x"), "data after the end of the log");
  EXPECT_EQ(refusal(std::string(200, 'x')), "not a tilegrid log");
  std::string bad = bytes;
  bad[1 + 8] = 9;  // after cereal's byte order and the magic word
  EXPECT_EQ(refusal(bad), "log version 9, this program reads versions 4 to 5");
  bad[1 + 8] = 1;
  EXPECT_EQ(refusal(bad), "log version 1, this program reads versions 4 to 5: record it again with this program");
  // One core with one block of one event at the end: kind and 23 bytes, the number of cores, three sequences.
  RunLog log{{1, 1}, "one", {{"one", std::vector<EventLog>(1)}}};
  log.launches[0].cores[0].append(Risc::trisc, Eltwise{});
  save_log(log, path("one"));
  bad = content(path("one"));
  bad[bad.size() - 3 * 8 - 4 - 8 - 24] = static_cast<char>(event_kind_count);
  EXPECT_EQ(refusal(bad), "unknown event kind " + std::to_string(event_kind_count));
  bad = content(path("one"));
  bad[bad.size() - 3 * 8 - 4 - 8 - 23] = 3;
  EXPECT_EQ(refusal(bad), "an event eltwise with an unknown value");
  bad = content(path("one"));
  bad[bad.size() - 4] = 7;
  EXPECT_EQ(refusal(bad), "block 7 of 1 is asked for");
  log = sample();
  log.launches[0].setup_numbers = {0, 2};
  save_log(log, path("setup"));
  EXPECT_EQ(refusal_of(path("setup")), "set-up 2 of 2");
  log = sample();
  log.launches[0].setup_numbers = {0};
  save_log(log, path("setup"));
  EXPECT_EQ(refusal_of(path("setup")), "set-ups of 1 cores, the run has 2");
  log = sample();
  log.launches[0].setup_numbers.clear();
  log.grid = {3, 1};
  save_log(log, path("grid"));
  EXPECT_EQ(refusal_of(path("grid")), "the grid of 3x1 does not match its 2 cores");
  EXPECT_EQ(refusal_of(path("missing")), "can't be read: No such file or directory");
}

TEST_F(EventLogFile, ClaimsAreNotBelieved) {
  RunLog log{{1, 1}, "one", {{"one", std::vector<EventLog>(1)}}};
  log.launches[0].cores[0].append(Risc::trisc, Eltwise{});
  save_log(log, path("one"));
  // Any eight bytes as a count, in a file that is as long as it says.
  const std::string good = content(path("one"));
  for (const std::uint64_t count : {std::uint64_t{1} << 20U, std::uint64_t{1} << 40U, ~std::uint64_t{0}}) {
    for (std::size_t at = 21; at + 8 <= good.size(); at += 8) {
      std::string bad = good;
      std::memcpy(bad.data() + at, &count, sizeof count);
      std::ofstream(path("bad"), std::ios::binary) << bad;
      fs::resize_file(path("bad"), std::uintmax_t{1} << 32U);
      EXPECT_FALSE(refusal_of(path("bad")).empty()) << count << " at " << at;
    }
  }
}

TEST(EventCount, LoopsCountAndTakeTime) {
  RunLog log{{1, 1}, "loop", {{"loop", std::vector<EventLog>(1)}}};
  auto store = std::make_shared<EventStore>();
  const std::vector<Event> body(1000, Event(Eltwise{}));
  store->intern(body);
  auto& sequence = log.launches[0].cores[0].sequence(Risc::trisc);
  sequence = {store, std::vector<std::uint32_t>(5)};
  EXPECT_EQ(event_count(log), 5000U);
  EXPECT_EQ(time_for_events("x.log", 5000, "replay"), "");
  EXPECT_EQ(time_for_events("x.log", 3'000'000'000, "replay"), "x.log: 3000000000 events to replay, some 5 minutes");
  EXPECT_NE(time_for_events("x.log", most_events_read, "replay"), "");
  try {
    static_cast<void>(time_for_events("x.log", 120'000'000'000, "replay"));
    ADD_FAILURE();
  } catch (const UsageError& error) {
    EXPECT_EQ(error.message(),
              "x.log: claims 120000000000 events to replay, which would take some 3.3 hours; at most 50000000000 are taken");
  }
}

TEST(EventLogVersions, TheOneBeforeIsStillRead) {
  // A log of `matmul --m 32 --k 64 --n 32 --grid 1x1 --dry-run` by the last program that wrote version 4, and what that
  // program printed of it.
  const std::string stem = std::string(TILEGRID_TEST_DATA) + "/events/version_4";
  const RunLog log = load_log(stem + ".log");
  ASSERT_EQ(log.launches.size(), 1U);
  EXPECT_EQ(check_log(log), std::vector<std::string>{});
  std::ifstream expected(stem + ".txt");
  std::string line;
  for (const Risc risc : each<Risc>) {
    std::size_t number = 0;
    for (const Event& event : log.launches[0].cores.at(0).sequence(risc)) {
      ASSERT_TRUE(std::getline(expected, line));
      EXPECT_EQ(fmt::format("(0,0) {:<6} {:>8}  {}", name_of(risc), number++, to_text(event, log.launches[0].phases)), line);
    }
  }
  EXPECT_FALSE(std::getline(expected, line)) << line;
}

TEST_F(EventLogFile, ThatCannotBeWrittenIsAnError) {
  for (const std::string& bad : {path("no/such/folder"), folder_.string()}) {
    try {
      save_log(sample(), bad);
      ADD_FAILURE() << bad;
    } catch (const UsageError& error) {
      EXPECT_EQ(error.message().find(bad + ": cannot be written: "), 0U) << error.message();
    }
  }
  EXPECT_FALSE(fs::exists(folder_.string() + ".part"));
}

// ---- Checks

/// What check_log finds in one sequence of core (0,0).
std::vector<std::string> findings(const std::vector<Event>& events) {
  RunLog log;
  log.grid = {1, 1};
  log.launches.resize(1);
  log.launches[0].cores.resize(1);
  log.launches[0].cores[0].sequence(Risc::ncrisc) = events;
  return check_log(log);
}
using Findings = std::vector<std::string>;

TEST(CheckLog, FindsNothingInAGoodLog) {
  EXPECT_EQ(findings({}), Findings{});
  EXPECT_EQ(findings(kernel({})), Findings{});
  EXPECT_EQ(check_log(sample()), Findings{});
  EXPECT_EQ(findings(kernel({NocRead{}, NocRead{.noc = noc1}, ReadBarrier{}, ReadBarrier{.noc = noc1}, NocWrite{},
                             WritesFlushed{}, NocMulticast{.noc = noc1}, WriteBarrier{.noc = noc1}})),
            Findings{});
  EXPECT_EQ(findings(kernel(
                {DstAcquire{}, DstCommit{}, DstAcquire{}, DstWait{}, DstCommit{}, DstRelease{}, DstWait{}, DstRelease{}})),
            Findings{});
}

TEST(CheckLog, FindsEachViolation) {
  const std::string at = "core (0,0) NCRISC: ";
  EXPECT_EQ(findings({KernelEnd{}}), Findings{at + "does not begin with kernel_start"});
  EXPECT_EQ(findings({KernelStart{}}), Findings{at + "does not end with kernel_end: the kernel did not finish"});
  EXPECT_EQ(findings(kernel({NocRead{}, ReadBarrier{.noc = noc1}})), Findings{at + "1 reads on NoC 0 without a barrier"});
  EXPECT_EQ(findings(kernel({NocWrite{.noc = noc1}, NocMulticast{.noc = noc1}, WriteBarrier{}})),
            Findings{at + "2 writes on NoC 1 without a barrier or flush"});
  // Barriers of a transaction id close what has it.
  EXPECT_EQ(findings(kernel({NocRead{.trid = 3}, NocRead{.trid = 4}, ReadBarrier{.trid = 3}})),
            Findings{at + "1 reads on NoC 0 without a barrier"});
  EXPECT_EQ(findings(kernel({NocWrite{.trid = 3}, WritesFlushed{.trid = 2}, WriteBarrier{.trid = 4}})),
            Findings{at + "1 writes on NoC 0 without a barrier or flush"});
  EXPECT_EQ(findings(kernel({NocWrite{.trid = 3}, NocRead{.trid = 15}, WritesFlushed{.trid = 3}, ReadBarrier{.trid = 15}})),
            Findings{});
  EXPECT_EQ(findings(kernel({DstAcquire{}, DstAcquire{}, DstCommit{}, DstWait{}, DstRelease{}})),
            Findings{at + "dst_acquire inside a section"});
  EXPECT_EQ(findings(kernel({DstCommit{}, DstWait{}, DstRelease{}})), Findings{at + "dst_commit outside of a section"});
  EXPECT_EQ(findings(kernel({DstWait{}})), Findings{at + "dst_wait with nothing committed"});
  EXPECT_EQ(findings(kernel({DstAcquire{}})), Findings{at + "ends inside a DST section"});
  EXPECT_EQ(findings(kernel({DstAcquire{}, DstCommit{}})), Findings{at + "ends inside a DST section"});
  EXPECT_EQ(findings(kernel({CbPush{.cb = 5, .pages = 3}, CbPop{.cb = 5, .pages = 4}})),
            Findings{"core (0,0): CB 5 has 1 more pops than pushes"});
  const Findings release = findings(kernel({DstRelease{}}));
  ASSERT_FALSE(release.empty());
  EXPECT_EQ(release[0], at + "dst_release with nothing committed");
}

TEST(CheckLog, NamesTheCore) {
  RunLog log = sample();
  log.launches.pop_back();
  log.launches[0].cores[1].append(Risc::ncrisc, Copy{});
  EXPECT_EQ(check_log(log), Findings{"core (1,0) NCRISC: does not end with kernel_end: the kernel did not finish"});
  log.launches.push_back({"second", {}});
  EXPECT_EQ(check_log(log), Findings{"first: core (1,0) NCRISC: does not end with kernel_end: the kernel did not finish"});
}

// ---- Sequences

std::vector<Event> list(const EventSequence& sequence) { return {sequence.begin(), sequence.end()}; }

TEST(EventSequence, ReadsAsOneListHoweverItWasMarked) {
  std::vector<Event> events;
  EventSequence marked;
  for (std::uint32_t i = 0; i < 100; ++i) {
    events.push_back(CbPush{.cb = 1, .pages = i % 7});
    marked.append(events.back());
    if (i % 7 == 6) marked.mark();
    if (i % 21 == 20) marked.mark();  // of nothing
  }
  EXPECT_EQ(marked.size(), 100U);
  EXPECT_EQ(list(marked), events);
  EXPECT_EQ(marked, EventSequence(events));
  EXPECT_EQ(marked.front(), events.front());
  EXPECT_EQ(marked.back(), events.back());
  ASSERT_EQ(marked.block_count(), 15U);
  EXPECT_EQ(marked.block(0).data(), marked.block(13).data());
  EXPECT_EQ(marked.block(14).size(), 2U);
  events.back() = CbPush{.cb = 1, .pages = 100};
  EXPECT_FALSE(marked == EventSequence(events));
  events.pop_back();
  EXPECT_FALSE(marked == EventSequence(events));
}

TEST(EventSequence, IsEmptyWithoutEvents) {
  EventSequence sequence;
  sequence.mark();
  EXPECT_TRUE(sequence.empty());
  EXPECT_EQ(list(sequence), std::vector<Event>{});
  EXPECT_EQ(sequence, EventSequence());
  sequence.append(Copy{});
  sequence.mark();
  EXPECT_FALSE(sequence.empty());
  sequence.clear();
  EXPECT_TRUE(sequence.empty());
  EXPECT_EQ(sequence.begin(), sequence.end());
}

TEST(EventSequence, OfAKernelThatMarksNothingIsCut) {
  EventSequence sequence;
  for (std::uint32_t i = 0; i < 100'000; ++i) sequence.append(CbPush{.cb = 1, .pages = i});
  EXPECT_GT(sequence.block_count(), 1U);
  std::uint32_t next = 0;
  for (const Event& one : sequence) ASSERT_EQ(get<CbPush>(one).pages, next++);
  EXPECT_EQ(next, 100'000U);
}

TEST(EventStore, TellsBlocksApartByEveryField) {
  EventStore store;
  const Event zero{};
  std::vector<std::vector<Event>> blocks{{zero}, {zero, zero}};
  const auto with = [&](auto change) {
    EventBits bits;
    change(bits);
    blocks.push_back({Event(bits)});
  };
  with([](EventBits& e) { e.kind = EventKind::copy; });
  with([](EventBits& e) { e.op = 1; });
  with([](EventBits& e) { e.a = 1; });
  with([](EventBits& e) { e.b = 1; });
  with([](EventBits& e) { e.c = 1; });
  with([](EventBits& e) { e.count = 1; });
  with([](EventBits& e) { e.x = 1; });
  with([](EventBits& e) { e.y = 1; });
  with([](EventBits& e) { e.address = 1; });
  for (std::uint32_t i = 0; i < blocks.size(); ++i) EXPECT_EQ(store.intern(blocks[i]), i);
  for (std::uint32_t i = 0; i < blocks.size(); ++i) EXPECT_EQ(store.intern(blocks[i]), i) << "known now";
  EXPECT_EQ(store.size(), blocks.size());
}

TEST(EventLog, SharesBlocksBetweenCoresInOrderOfUse) {
  std::vector<EventLog> logs(3);
  append_loop(logs[0], Risc::ncrisc, 10);
  append_loop(logs[2], Risc::ncrisc, 20);
  logs[2].append(Risc::trisc, Copy{});
  const std::vector<EventLog> before = logs;
  const auto store = share_blocks(logs);
  EXPECT_EQ(store->size(), 4U) << "start, body, end, copy";
  for (std::size_t core = 0; core < logs.size(); ++core) {
    for (int risc = 0; risc < risc_count; ++risc) {
      EXPECT_EQ(logs[core].sequence(static_cast<Risc>(risc)), before[core].sequence(static_cast<Risc>(risc)));
    }
  }
  EXPECT_EQ(logs[0].sequence(Risc::ncrisc).numbers().at(1), 1U);
  EXPECT_EQ(logs[2].sequence(Risc::ncrisc).numbers().at(20), 1U);
  EXPECT_EQ(logs[2].sequence(Risc::trisc).numbers(), std::vector<std::uint32_t>{3});
}

TEST(EventLog, RecordsOnlyWhenEnabled) {
  EventLog log;
  log.append(Risc::trisc, Copy{});
  log.enable(false);
  log.append(Risc::trisc, Pack{});
  EXPECT_EQ(log.sequence(Risc::trisc).size(), 1U);
  EXPECT_TRUE(log.sequence(Risc::brisc).empty());
  log.clear();
  EXPECT_TRUE(log.sequence(Risc::trisc).empty());
}

}  // namespace
}  // namespace tilegrid
