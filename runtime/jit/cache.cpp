// SPDX-License-Identifier: Apache-2.0
#include "runtime/jit/cache.h"

#include <fmt/format.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <system_error>

#include "core/atomic_file.h"
#include "core/error.h"

namespace tilegrid::jit {

Digest& Digest::add(std::string_view text) {
  const auto step = [&](unsigned char byte) {
    for (std::uint64_t& sum : sums_) sum = (sum ^ byte) * 0x100000001b3U;
  };
  for (const char c : text) step(static_cast<unsigned char>(c));
  step(0);  // so that two texts are not one
  sums_[1] ^= sums_[1] >> 29U;
  return *this;
}

std::string Digest::hex() const { return fmt::format("{:016x}{:016x}", sums_[0], sums_[1]); }

std::optional<std::string> read_file(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return std::nullopt;
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) return std::nullopt;
  return text.str();
}

Cache::Cache() {
  const auto value = [](const char* name) {
    const char* text = std::getenv(name);
    return std::filesystem::path(text == nullptr ? "" : text);
  };
  if (!value("TILEGRID_CACHE").empty()) {
    folder_ = value("TILEGRID_CACHE");
  } else if (!value("XDG_CACHE_HOME").empty()) {
    folder_ = value("XDG_CACHE_HOME") / "tilegrid";
  } else if (!value("HOME").empty()) {
    folder_ = value("HOME") / ".cache/tilegrid";
  }
}

std::optional<std::string> Cache::key_of(const std::string& first, const std::vector<std::string>& files) {
  Digest digest;
  digest.add(first);
  for (const std::string& file : files) {
    const auto text = read_file(file);
    if (!text) return std::nullopt;
    digest.add(file).add(*text);
  }
  return digest.hex();
}

std::optional<Cache::Entry> Cache::find(const std::string& first) const {
  if (folder_.empty()) return std::nullopt;
  const auto list = read_file(folder_ / (first + ".deps"));
  if (!list) return std::nullopt;
  std::vector<std::string> files;
  std::istringstream lines(*list);
  for (std::string line; std::getline(lines, line);) files.push_back(line);
  const auto key = key_of(first, files);
  if (!key) return std::nullopt;
  const auto object = read_file(folder_ / (*key + ".so"));
  // A digest of the object is behind it: a file that was cut short, by a full disk or by hand, is none.
  constexpr std::size_t digest_length = 32;
  if (!object || object->size() <= digest_length) return std::nullopt;
  const std::string_view content = std::string_view(*object).substr(0, object->size() - digest_length);
  if (Digest().add(content).hex() != std::string_view(*object).substr(content.size())) return std::nullopt;
  Entry entry{*key, std::vector<std::byte>(content.size())};
  std::memcpy(entry.bytes.data(), content.data(), content.size());
  return entry;
}

void Cache::keep(const std::string& first, const std::vector<std::string>& files, const Entry& entry) const {
  if (folder_.empty()) return;
  std::error_code failed;
  std::filesystem::create_directories(folder_, failed);
  if (failed) return;
  std::string content(entry.bytes.size(), '\0');
  std::memcpy(content.data(), entry.bytes.data(), entry.bytes.size());
  content += Digest().add(content).hex();
  std::string list;
  for (const std::string& file : files) list += file + "\n";
  try {
    write_file((folder_ / (entry.key + ".so")).string(), content);
    write_file((folder_ / (first + ".deps")).string(), list);
  } catch (const UsageError&) {
    // Nothing is kept then.
  }
}

}  // namespace tilegrid::jit
