// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <map>
#include <ostream>
#include <span>
#include <string>

#include "tests/support/session_support.h"

/// Hashes of what runs computed, by which runs on other numbers of ranks are compared.
namespace tilegrid::test {

/// FNV-1a of 64 bits.
class Hash {
 public:
  void add(std::span<const std::byte> bytes) {
    for (const std::byte b : bytes) value_ = (value_ ^ static_cast<std::uint64_t>(b)) * 0x100000001B3U;
  }
  [[nodiscard]] std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0xCBF29CE484222325U;
};

/// Adds all events of all cores.
inline void add_events(const LaunchLog& log, Hash& hash) {
  for (const EventLog& core : log.cores) {
    for (int risc = 0; risc < risc_count; ++risc) {
      for (const Event& event : core.sequence(static_cast<Risc>(risc))) hash.add(std::as_bytes(std::span(&event, 1)));
    }
  }
}

struct Result {
  std::uint64_t output = 0;
  std::uint64_t logs = 0;
  friend bool operator==(const Result&, const Result&) = default;
};
inline std::ostream& operator<<(std::ostream& out, const Result& r) {
  return out << "output " << r.output << " logs " << r.logs;
}

using Table = std::map<std::string, Result>;

/// What this run computed, by the case's name; on rank 0.
inline Table& computed() {
  static Table table;
  return table;
}

/// What another run wrote.
inline Table load_table(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file) << path << " can't be read";
  Table table;
  std::string name;
  Result result;
  while (file >> name >> result.output >> result.logs) table[name] = result;
  return table;
}

/// Keeps the result under the case's name, and compares it with the one in the file that TILEGRID_HASHES_IN names, if it
/// names one; on rank 0.
inline void keep_and_compare(const std::string& name, const Result& result) {
  if (!session().is_host()) return;
  computed()[name] = result;
  if (const char* path = std::getenv("TILEGRID_HASHES_IN")) {
    const Table expected = load_table(path);
    ASSERT_TRUE(expected.contains(name)) << "not in " << path;
    EXPECT_EQ(result, expected.at(name));
  }
}

/// Writes what this run computed to the file that TILEGRID_HASHES_OUT names, if it names one.
inline void save_computed() {
  const char* path = std::getenv("TILEGRID_HASHES_OUT");
  if (path == nullptr || !session().is_host()) return;
  std::ofstream file(path, std::ios::trunc);
  for (const auto& [name, result] : computed()) file << name << ' ' << result.output << ' ' << result.logs << '\n';
  EXPECT_TRUE(file.flush()) << path << " can't be written";
}

}  // namespace tilegrid::test
