// SPDX-License-Identifier: Apache-2.0
#include "core/events/event_log.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "core/error.h"

namespace tilegrid {
namespace {

namespace fs = std::filesystem;

Event event(EventKind kind, std::uint8_t op = 0, std::uint8_t a = 0, std::uint32_t count = 0) {
  return {.kind = kind, .op = op, .a = a, .b = 0, .c = 0, .unused = {}, .count = count, .x = 0, .y = 0, .address = 0};
}

/// A sequence between kernel_start and kernel_end.
std::vector<Event> kernel(std::vector<Event> events) {
  events.insert(events.begin(), event(EventKind::kernel_start));
  events.push_back(event(EventKind::kernel_end));
  return events;
}

/// A kernel whose loop takes `turns`: three events a turn.
void append_loop(EventLog& log, Risc risc, int turns) {
  log.append(risc, event(EventKind::kernel_start));
  for (int i = 0; i < turns; ++i) {
    log.mark(risc);
    log.append(risc, event(EventKind::cb_reserve, 0, 1, 4));
    log.append(risc, event(EventKind::generate, 0, 1, 4));
    log.append(risc, event(EventKind::cb_push, 0, 1, 4));
  }
  log.mark(risc);
  log.append(risc, event(EventKind::kernel_end));
}

RunLog sample() {
  RunLog log;
  log.grid = {2, 1};
  log.program = "a run";
  log.launches.push_back({"first", true, false, {{3, 2, 2048, DataFormat::bf16}, {5, 1, 576, DataFormat::bfp4_b}}, {}});
  log.launches[0].semaphores = {1, 0xFFFFFFFF};
  log.useful_flops = 1.5e9;
  auto& cores = log.launches[0].cores;
  cores.resize(2);
  cores[0].sequence(Risc::brisc) = kernel({event(EventKind::cb_push, 0, 3, 2)});
  cores[0].sequence(Risc::trisc) = kernel({event(EventKind::cb_pop, 0, 3, 2)});
  // An event with all fields.
  cores[1].sequence(Risc::ncrisc) =
      kernel({{EventKind::matmul, 1, 2, 3, 4, {}, 0x11223344, 0x55667788, 0x99AABBCC, 0xDDEEFF00}});
  log.launches.push_back({"second", false, true, {}, {}});
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
  EXPECT_EQ(copy.useful_flops, log.useful_flops);
  ASSERT_EQ(copy.launches.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    const LaunchLog& was = log.launches[i];
    const LaunchLog& is = copy.launches[i];
    EXPECT_EQ(is.name, was.name);
    EXPECT_EQ(is.dst_fp32, was.dst_fp32);
    EXPECT_EQ(is.full_sync, was.full_sync);
    EXPECT_EQ(is.buffers, was.buffers);
    EXPECT_EQ(is.semaphores, was.semaphores);
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
    RunLog log{{4, 2}, "loops", {{"loops", false, false, {}, std::vector<EventLog>(8)}}};
    for (EventLog& core : log.launches[0].cores) append_loop(core, Risc::trisc, turns);
    save_log(log, path());
    EXPECT_EQ(load_log(path()).launches[0].cores[7].sequence(Risc::trisc).size(), 3U * static_cast<unsigned>(turns) + 2);
    return content(path()).size();
  };
  EXPECT_EQ(bytes(1100) - bytes(100), 8U * 1000 * sizeof(std::uint32_t));
}

TEST_F(EventLogFile, DoesNotDependOnWhoSharesBlocks) {
  RunLog apart{{3, 1}, "loops", {{"loops", false, false, {}, std::vector<EventLog>(3)}}};
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
  EXPECT_EQ(refusal(bad), "log version 9, this program reads version 4");
  bad[1 + 8] = 1;
  EXPECT_EQ(refusal(bad), "log version 1, this program reads version 4: record it again with this program");
  // One core with one block of one event at the end: kind and 20 bytes, no semaphores, the number of cores, three sequences.
  RunLog log{{1, 1}, "one", {{"one", false, false, {}, std::vector<EventLog>(1)}}};
  log.launches[0].cores[0].append(Risc::trisc, event(EventKind::kernel_start));
  save_log(log, path("one"));
  bad = content(path("one"));
  bad[bad.size() - 3 * 8 - 4 - 8 - 8 - 21] = static_cast<char>(event_kind_count);
  EXPECT_EQ(refusal(bad), "unknown event kind " + std::to_string(event_kind_count));
  bad = content(path("one"));
  bad[bad.size() - 4] = 7;
  EXPECT_EQ(refusal(bad), "block 7 of 1 is asked for");
  log = sample();
  log.grid = {3, 1};
  save_log(log, path("grid"));
  EXPECT_EQ(refusal_of(path("grid")), "the grid of 3x1 does not match its 2 cores");
  EXPECT_EQ(refusal_of(path("missing")), "can't be read: No such file or directory");
}

TEST_F(EventLogFile, ThatCannotBeWrittenIsAnError) {
  for (const std::string& bad : {path("no/such/folder"), folder_.string()}) {
    try {
      save_log(sample(), bad);
      ADD_FAILURE() << bad;
    } catch (const UsageError& error) {
      EXPECT_EQ(error.message().find(bad + ": can't be written: "), 0U) << error.message();
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
  using K = EventKind;
  EXPECT_EQ(findings(kernel({event(K::noc_read), event(K::noc_read, 1), event(K::read_barrier), event(K::read_barrier, 1),
                             event(K::noc_write), event(K::writes_flushed), event(K::noc_multicast, 1),
                             event(K::write_barrier, 1)})),
            Findings{});
  EXPECT_EQ(findings(kernel({event(K::dst_acquire), event(K::dst_commit), event(K::dst_acquire), event(K::dst_wait),
                             event(K::dst_commit), event(K::dst_release), event(K::dst_wait), event(K::dst_release)})),
            Findings{});
}

TEST(CheckLog, FindsEachViolation) {
  using K = EventKind;
  const std::string at = "core (0,0) NCRISC: ";
  EXPECT_EQ(findings({event(K::kernel_end)}), Findings{at + "does not begin with kernel_start"});
  EXPECT_EQ(findings({event(K::kernel_start)}), Findings{at + "does not end with kernel_end: the kernel did not finish"});
  EXPECT_EQ(findings(kernel({event(K::noc_read), event(K::read_barrier, 1)})),
            Findings{at + "1 reads on NoC 0 without a barrier"});
  EXPECT_EQ(findings(kernel({event(K::noc_write, 1), event(K::noc_multicast, 1), event(K::write_barrier, 0)})),
            Findings{at + "2 writes on NoC 1 without a barrier or flush"});
  // Barriers of a transaction id close what has it.
  EXPECT_EQ(findings(kernel({event(K::noc_read, 0, 3), event(K::noc_read, 0, 4), event(K::read_barrier, 0, 4)})),
            Findings{at + "1 reads on NoC 0 without a barrier"});
  EXPECT_EQ(findings(kernel({event(K::noc_write, 0, 3), event(K::writes_flushed, 0, 3), event(K::write_barrier, 0, 5)})),
            Findings{at + "1 writes on NoC 0 without a barrier or flush"});
  EXPECT_EQ(findings(kernel({event(K::noc_write, 0, 3), event(K::noc_read, 0, 15), event(K::writes_flushed, 0, 4),
                             event(K::read_barrier, 0, 16)})),
            Findings{});
  EXPECT_EQ(findings(kernel({event(K::dst_acquire), event(K::dst_acquire), event(K::dst_commit), event(K::dst_wait),
                             event(K::dst_release)})),
            Findings{at + "dst_acquire inside a section"});
  EXPECT_EQ(findings(kernel({event(K::dst_commit), event(K::dst_wait), event(K::dst_release)})),
            Findings{at + "dst_commit outside of a section"});
  EXPECT_EQ(findings(kernel({event(K::dst_wait)})), Findings{at + "dst_wait with nothing committed"});
  EXPECT_EQ(findings(kernel({event(K::dst_acquire)})), Findings{at + "ends inside a DST section"});
  EXPECT_EQ(findings(kernel({event(K::dst_acquire), event(K::dst_commit)})), Findings{at + "ends inside a DST section"});
  EXPECT_EQ(findings(kernel({event(K::cb_push, 0, 5, 3), event(K::cb_pop, 0, 5, 4)})),
            Findings{"core (0,0): CB 5 has 1 more pops than pushes"});
  const Findings release = findings(kernel({event(K::dst_release)}));
  ASSERT_FALSE(release.empty());
  EXPECT_EQ(release[0], at + "dst_release with nothing committed");
}

TEST(CheckLog, NamesTheCore) {
  RunLog log = sample();
  log.launches.pop_back();
  log.launches[0].cores[1].append(Risc::ncrisc, event(EventKind::copy));
  EXPECT_EQ(check_log(log), Findings{"core (1,0) NCRISC: does not end with kernel_end: the kernel did not finish"});
  log.launches.push_back({"second", false, false, {}, {}});
  EXPECT_EQ(check_log(log), Findings{"first: core (1,0) NCRISC: does not end with kernel_end: the kernel did not finish"});
}

// ---- Text and names

TEST(EventText, IsThereForAllKinds) {
  std::set<std::string> texts;
  for (int kind = 0; kind < event_kind_count; ++kind) {
    const auto k = static_cast<EventKind>(kind);
    const std::string text = to_text(event(k));
    EXPECT_EQ(text.find(name_of(k)), 0U) << text;
    EXPECT_EQ(text.find('\n'), std::string::npos);
    EXPECT_TRUE(texts.insert(text).second) << text << " twice";
  }
}

TEST(EventText, SaysWhatHappened) {
  EXPECT_EQ(to_text(event(EventKind::cb_wait, 0, 3, 4)), "cb_wait cb 3 pages 4");
  Event read = event(EventKind::noc_read, 1, 0, 2048);
  read.x = 5U | 11U << 8U;
  read.address = 4096;
  EXPECT_EQ(to_text(read), "noc_read noc 1 2048 bytes node 5-11 offset 4096");
  Event matmul{EventKind::matmul, 2, 0, 1, 1, {}, 4, 2U | 4U << 16U, 6, 0};
  EXPECT_EQ(to_text(matmul), "matmul 2x4 tiles, 4 k steps, in0 cb 0 in1 cb 1 transposed fidelity 2 dst 6");
  EXPECT_EQ(to_text(event(EventKind::semaphore_wait, 1, 0, 7)), "semaphore_wait >= 7 offset 0");
  EXPECT_EQ(to_text(event(EventKind::zone, static_cast<std::uint8_t>(Zone::normalise))), "zone normalise");
  EXPECT_EQ(to_text(event(EventKind::zone, zone_count)), "zone ?");
  EXPECT_EQ(to_text(event(EventKind::vector, 255)), "vector ? dst 0 mode 0") << "files may hold any byte";
  EXPECT_EQ(to_text(event(EventKind::eltwise, 255)).find("eltwise ? "), 0U);
}

// ---- Sequences

std::vector<Event> list(const EventSequence& sequence) { return {sequence.begin(), sequence.end()}; }

TEST(EventSequence, ReadsAsOneListHoweverItWasMarked) {
  std::vector<Event> events;
  EventSequence marked;
  for (std::uint32_t i = 0; i < 100; ++i) {
    events.push_back(event(EventKind::cb_push, 0, 1, i % 7));
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
  events.back().count += 1;
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
  sequence.append(event(EventKind::copy));
  sequence.mark();
  EXPECT_FALSE(sequence.empty());
  sequence.clear();
  EXPECT_TRUE(sequence.empty());
  EXPECT_EQ(sequence.begin(), sequence.end());
}

TEST(EventSequence, OfAKernelThatMarksNothingIsCut) {
  EventSequence sequence;
  for (std::uint32_t i = 0; i < 100'000; ++i) sequence.append(event(EventKind::cb_push, 0, 1, i));
  EXPECT_GT(sequence.block_count(), 1U);
  std::uint32_t next = 0;
  for (const Event& one : sequence) ASSERT_EQ(one.count, next++);
  EXPECT_EQ(next, 100'000U);
}

TEST(EventStore, TellsBlocksApartByEveryField) {
  EventStore store;
  const Event zero{};
  std::vector<std::vector<Event>> blocks{{zero}, {zero, zero}};
  const auto with = [&](auto change) {
    Event other;
    change(other);
    blocks.push_back({other});
  };
  with([](Event& e) { e.kind = EventKind::copy; });
  with([](Event& e) { e.op = 1; });
  with([](Event& e) { e.a = 1; });
  with([](Event& e) { e.b = 1; });
  with([](Event& e) { e.c = 1; });
  with([](Event& e) { e.count = 1; });
  with([](Event& e) { e.x = 1; });
  with([](Event& e) { e.y = 1; });
  with([](Event& e) { e.address = 1; });
  for (std::uint32_t i = 0; i < blocks.size(); ++i) EXPECT_EQ(store.intern(blocks[i]), i);
  for (std::uint32_t i = 0; i < blocks.size(); ++i) EXPECT_EQ(store.intern(blocks[i]), i) << "known now";
  EXPECT_EQ(store.size(), blocks.size());
}

TEST(EventLog, SharesBlocksBetweenCoresInOrderOfUse) {
  std::vector<EventLog> logs(3);
  append_loop(logs[0], Risc::ncrisc, 10);
  append_loop(logs[2], Risc::ncrisc, 20);
  logs[2].append(Risc::trisc, event(EventKind::copy));
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
  log.append(Risc::trisc, event(EventKind::copy));
  log.enable(false);
  log.append(Risc::trisc, event(EventKind::pack));
  EXPECT_EQ(log.sequence(Risc::trisc).size(), 1U);
  EXPECT_TRUE(log.sequence(Risc::brisc).empty());
  log.clear();
  EXPECT_TRUE(log.sequence(Risc::trisc).empty());
}

}  // namespace
}  // namespace tilegrid
