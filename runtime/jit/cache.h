// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tilegrid::jit {

/// A digest of 128 bits for keys: two FNV-1a sums that start differently.
class Digest {
 public:
  Digest& add(std::string_view text);
  [[nodiscard]] std::string hex() const;

 private:
  std::array<std::uint64_t, 2> sums_{0xcbf29ce484222325U, 0x6c62272e07bb0142U};
};

[[nodiscard]] std::optional<std::string> read_file(const std::filesystem::path& path);

/// Compiled objects on disk. An entry has two files: `<first>.deps` lists the files that a source includes, `<key>.so` is
/// the object, whose key covers what these files held. So an object is found without its source being preprocessed, and
/// never for a source that has changed. Whatever goes wrong with the folder - it can't be made, is full, or read-only - the
/// cache only finds nothing and keeps nothing. Several processes may use it: files appear whole, by renaming.
class Cache {
 public:
  /// TILEGRID_CACHE, else XDG_CACHE_HOME/tilegrid, else ~/.cache/tilegrid.
  Cache();
  explicit Cache(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// Key of an object for the first part of its key and the files that it includes; none when one can't be read.
  [[nodiscard]] static std::optional<std::string> key_of(const std::string& first, const std::vector<std::string>& files);
  struct Entry {
    std::string key;
    std::vector<std::byte> bytes;
  };
  [[nodiscard]] std::optional<Entry> find(const std::string& first) const;
  void keep(const std::string& first, const std::vector<std::string>& files, const Entry& entry) const;

 private:
  std::filesystem::path folder_;  ///< empty: none
};

}  // namespace tilegrid::jit
