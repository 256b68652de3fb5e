// SPDX-License-Identifier: Apache-2.0
// A log file: magic word, version, the run, then for every launch its blocks, each once, and by core and RISC the numbers of
// the blocks that follow each other.
#include <fmt/format.h>

#include <algorithm>
#include <cereal/archives/portable_binary.hpp>
#include <cereal/types/string.hpp>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "core/atomic_file.h"
#include "core/error.h"
#include "core/events/event_log.h"
#include "core/input_file.h"

namespace tilegrid {
namespace {

constexpr std::uint64_t log_magic = 0x676F'6C64'6972'6774;  // "tgridlog"
constexpr std::uint32_t log_version = 5;
constexpr std::uint32_t oldest_version = 4;  // it had no scopes, and one set-up for all cores
constexpr std::uint64_t stored_event_bytes = 24;

// More than any run has; a count or a length beyond them is a mistake, and not taken as far as the file goes.
constexpr int most_side = 256;  // of a grid
constexpr std::uint64_t most_text = 65'536;
constexpr std::uint64_t most_launches = 65'536;
constexpr std::uint64_t most_places = 65'536;  // buffers, semaphores, phases, scopes, nodes of a die

using Writer = cereal::PortableBinaryOutputArchive;

void write(Writer& archive, const Geometry& geometry) {
  const auto put = [&](const std::vector<int>& list) {
    archive(count_of<std::uint64_t>(list));
    for (const int one : list) archive(static_cast<std::uint8_t>(one));  // a side of a die is short
  };
  archive(static_cast<std::uint8_t>(geometry.die.x), static_cast<std::uint8_t>(geometry.die.y));
  for (const auto* list :
       {&geometry.all_columns, &geometry.all_rows, &geometry.harvested_columns, &geometry.harvested_rows}) {
    put(*list);
  }
  archive(count_of<std::uint64_t>(geometry.dram));
  for (const PhysicalCore at : geometry.dram) archive(static_cast<std::uint8_t>(at.x), static_cast<std::uint8_t>(at.y));
  archive(geometry.larger_grids);
}

void put_all(Writer& archive, const std::vector<std::uint32_t>& numbers) {
  archive(count_of<std::uint64_t>(numbers));
  for (const std::uint32_t number : numbers) archive(number);
}

void write(Writer& archive, const CoreSetup& setup) {
  archive(setup.dst_fp32, setup.full_sync, count_of<std::uint64_t>(setup.buffers));
  for (const LogBuffer& buffer : setup.buffers) {
    archive(static_cast<std::int32_t>(buffer.id), buffer.pages, buffer.page_bytes, static_cast<std::uint8_t>(buffer.format));
  }
  put_all(archive, setup.semaphores);
}

void write(Writer& archive, const LaunchLog& launch) {
  archive(launch.name, launch.chip);
  write(archive, launch.geometry);
  archive(count_of<std::uint64_t>(launch.setups));
  for (const CoreSetup& setup : launch.setups) write(archive, setup);
  put_all(archive, launch.setup_numbers);
  archive(count_of<std::uint64_t>(launch.phases));
  for (const std::string& phase : launch.phases) archive(phase);
  archive(count_of<std::uint64_t>(launch.scopes));
  for (const ScopeName& scope : launch.scopes) archive(scope.id, scope.name, scope.file, scope.line);
  std::vector<EventLog> cores = launch.cores;  // numbers of blocks only
  const auto store = share_blocks(cores);
  archive(static_cast<std::uint64_t>(store->size()));
  for (std::uint32_t number = 0; number < store->size(); ++number) {
    const std::vector<Event>& events = *store->block(number);
    archive(count_of<std::uint64_t>(events));
    for (const Event& event : events) {
      const EventBits& bits = event.bits();
      archive(static_cast<std::uint8_t>(bits.kind), bits.op, bits.a, bits.b, bits.c, bits.count, bits.x, bits.y,
              bits.address);
    }
  }
  archive(count_of<std::uint64_t>(cores));
  for (const EventLog& core : cores) {
    for (const Risc risc : each<Risc>) put_all(archive, core.sequence(risc).numbers());
  }
}

/// Reads what may be any bytes: counts are checked against the file's size before memory is asked for.
class LogReader {
 public:
  LogReader(std::istream& file, std::uint64_t bytes, const std::string& path) : archive_(file), bytes_(bytes), path_(path) {}

  RunLog run() {
    if (read<std::uint64_t>() != log_magic) throw UsageError(fmt::format("{}: not a tilegrid log", path_));
    version_ = read<std::uint32_t>();
    if (version_ < oldest_version || version_ > log_version) {
      throw UsageError(fmt::format("{}: log version {}, this program reads versions {} to {}{}", path_, version_,
                                   oldest_version, log_version,
                                   version_ < oldest_version ? ": record it again with this program" : ""));
    }
    RunLog log;
    archive_(log.grid);
    log.program = text();
    log.useful_flops = read<double>();
    if (!std::isfinite(log.useful_flops) || log.useful_flops < 0) {
      throw UsageError(fmt::format("{}: {} operations are no number of operations", path_, log.useful_flops));
    }
    if (log.grid.x < 1 || log.grid.y < 1 || log.grid.x > most_side || log.grid.y > most_side) {
      throw UsageError(fmt::format("{}: a grid of {}x{}, each side is 1 to {}", path_, log.grid.x, log.grid.y, most_side));
    }
    cores_ = static_cast<std::uint64_t>(log.grid.cores());
    const std::uint64_t launches = count("launches", most_launches);
    // One by one: what comes next in memory has been there in the file.
    for (std::uint64_t i = 0; i < launches; ++i) read_launch(log.launches.emplace_back(), log.grid);
    return log;
  }

 private:
  template <class T>
  T read() {
    T value{};
    archive_(value);
    return value;
  }
  /// A number of things of so many bytes each, which the file must have.
  std::uint64_t stored(std::uint64_t bytes_each) {
    const auto count = read<std::uint64_t>();
    if (count > bytes_ / bytes_each) throw UsageError(fmt::format("{}: the log is cut short", path_));
    return count;
  }
  std::uint64_t count(const char* what, std::uint64_t most) {
    const auto count = read<std::uint64_t>();
    if (count > most) throw UsageError(fmt::format("{}: claims {} {}, at most {} are read", path_, count, what, most));
    return count;
  }
  std::string text() {
    std::string text(count("characters of a name", most_text), '\0');
    archive_(cereal::binary_data(text.data(), text.size()));
    return text;
  }
  /// A value of an enumeration with `limit` names.
  std::uint8_t checked(const char* what, int limit) {
    const auto value = read<std::uint8_t>();
    if (value >= limit) throw UsageError(fmt::format("{}: unknown {} {}", path_, what, value));
    return value;
  }
  bool flag() { return checked("yes or no", 2) != 0; }

  void read_buffers(CoreSetup& setup) {
    setup.dst_fp32 = flag();
    setup.full_sync = flag();
    setup.buffers.resize(count("circular buffers", most_places));
    for (LogBuffer& buffer : setup.buffers) {
      buffer.id = read<std::int32_t>();
      archive_(buffer.pages, buffer.page_bytes);
      buffer.format = data_format();
    }
  }
  void read_semaphores(CoreSetup& setup) {
    setup.semaphores.resize(count("semaphores", most_places));
    for (std::uint32_t& value : setup.semaphores) archive_(value);
  }
  /// Since version 5; before, all cores of a launch had the same.
  void read_setups(LaunchLog& launch) {
    launch.setups.resize(count("set-ups of cores", cores_));
    if (launch.setups.empty()) throw UsageError(fmt::format("{}: a launch without circular buffers and DST mode", path_));
    for (CoreSetup& setup : launch.setups) {
      read_buffers(setup);
      read_semaphores(setup);
    }
    launch.setup_numbers.resize(count("set-ups of cores", cores_));
    if (!launch.setup_numbers.empty() && launch.setup_numbers.size() != cores_) {
      throw UsageError(fmt::format("{}: set-ups of {} cores, the run has {}", path_, launch.setup_numbers.size(), cores_));
    }
    for (std::uint32_t& number : launch.setup_numbers) {
      archive_(number);
      if (number >= launch.setups.size()) {
        throw UsageError(fmt::format("{}: set-up {} of {}", path_, number, launch.setups.size()));
      }
    }
  }

  void read_launch(LaunchLog& launch, GridSize grid) {
    launch.name = text();
    launch.chip = text();
    launch.geometry = geometry();
    if (version_ > 4) {
      read_setups(launch);
    } else {
      read_buffers(launch.setups.front());
    }
    launch.phases.resize(count("phases", most_places));
    for (std::string& phase : launch.phases) phase = text();
    if (version_ > 4) read_scopes(launch);
    const auto store = read_blocks();
    if (version_ <= 4) read_semaphores(launch.setups.front());
    const auto cores = read<std::uint64_t>();
    if (cores != cores_) {
      throw UsageError(fmt::format("{}: the grid of {}x{} does not match its {} cores", path_, grid.x, grid.y, cores));
    }
    launch.cores.resize(cores);
    for (EventLog& core : launch.cores) {
      for (const Risc risc : each<Risc>) core.sequence(risc) = read_sequence(store);
    }
  }

  std::vector<int> places() {
    std::vector<int> list(count("columns or rows of a die", most_places));
    for (int& one : list) one = read<std::uint8_t>();
    return list;
  }
  PhysicalCore node() {
    const int x = read<std::uint8_t>();
    return {x, read<std::uint8_t>()};
  }
  Geometry geometry() {
    Geometry geometry;
    const PhysicalCore die = node();
    geometry.die = {die.x, die.y};
    for (auto* list : {&geometry.all_columns, &geometry.all_rows, &geometry.harvested_columns, &geometry.harvested_rows}) {
      *list = places();
    }
    geometry.dram.resize(count("DRAM banks", most_places));
    for (PhysicalCore& at : geometry.dram) at = node();
    geometry.larger_grids = flag();
    return geometry;
  }

  DataFormat data_format() {
    const auto format = static_cast<DataFormat>(read<std::uint8_t>());
    switch (format) {
      case DataFormat::fp32:
      case DataFormat::fp16:
      case DataFormat::tf32:
      case DataFormat::bf16:
      case DataFormat::bfp8_b:
      case DataFormat::bfp4_b:
      case DataFormat::bfp2_b:
      case DataFormat::int32:
      case DataFormat::uint16:
      case DataFormat::int8:
      case DataFormat::uint32:
      case DataFormat::uint8:
        return format;
    }
    throw UsageError(fmt::format("{}: unknown data format {}", path_, static_cast<int>(format)));
  }

  void read_scopes(LaunchLog& launch) {
    ScopeNames names;
    for (std::uint64_t left = count("scopes", most_places); left > 0; --left) {
      ScopeName scope;
      scope.id = read<std::uint32_t>();
      scope.name = text();
      scope.file = text();
      scope.line = read<std::uint32_t>();
      names.add(scope);
    }
    launch.scopes = names.list();
  }

  std::shared_ptr<EventStore> read_blocks() {
    auto store = std::make_shared<EventStore>();
    const std::uint64_t blocks = stored(sizeof(std::uint64_t) + stored_event_bytes);
    for (std::uint64_t i = 0; i < blocks; ++i) {
      const std::uint64_t size = stored(stored_event_bytes);
      std::vector<Event> events;
      events.reserve(std::min<std::uint64_t>(size, 4096));
      for (std::uint64_t j = 0; j < size; ++j) events.push_back(read_event());
      if (events.empty() || store->intern(events) != i) throw UsageError(fmt::format("{}: a block of no use", path_));
    }
    return store;
  }

  Event read_event() {
    EventBits bits;
    bits.kind = static_cast<EventKind>(checked("event kind", event_kind_count));
    archive_(bits.op, bits.a, bits.b, bits.c, bits.count, bits.x, bits.y, bits.address);
    if (events::is_known(bits)) return Event(bits);
    throw UsageError(fmt::format("{}: an event {} with an unknown value", path_, name_of(bits.kind)));
  }

  EventSequence read_sequence(const std::shared_ptr<EventStore>& store) {
    const std::uint64_t size = stored(sizeof(std::uint32_t));
    std::vector<std::uint32_t> numbers;
    numbers.reserve(size);  // the file is as long
    for (std::uint64_t i = 0; i < size; ++i) {
      const auto number = numbers.emplace_back(read<std::uint32_t>());
      if (number >= store->size()) {
        throw UsageError(fmt::format("{}: block {} of {} is asked for", path_, number, store->size()));
      }
    }
    return {store, std::move(numbers)};
  }

  cereal::PortableBinaryInputArchive archive_;
  std::uint64_t bytes_;
  std::uint64_t cores_ = 0;  ///< of the grid
  const std::string& path_;
  std::uint32_t version_ = 0;
};

}  // namespace

void save_log(const RunLog& log, const std::string& path) {
  write_file(path, [&](std::ostream& file) {
    Writer archive(file);
    archive(log_magic, log_version, log.grid, log.program, log.useful_flops, count_of<std::uint64_t>(log.launches));
    for (const LaunchLog& launch : log.launches) write(archive, launch);
  });
}

RunLog load_log(const std::string& path) {
  require_regular_file(path);
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) throw UsageError(fmt::format("{}: can't be read: {}", path, std::strerror(errno)));
  const auto size = static_cast<std::uint64_t>(file.tellg());
  file.seekg(0);
  try {
    RunLog log = LogReader(file, size, path).run();
    file.peek();
    if (!file.eof()) throw UsageError(fmt::format("{}: data after the end of the log", path));
    return log;
  } catch (const cereal::Exception&) {
    throw UsageError(fmt::format("{}: not a tilegrid log, or cut short", path));
  }
}

}  // namespace tilegrid
