// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string_view>
#include <tt-metalium/assert.hpp>
#include <tt-metalium/base_types.hpp>
#include <tt-metalium/logger.hpp>
#include <utility>

namespace tt {
namespace {

constexpr std::array<std::string_view, 7> level_names{"trace", "debug", "info", "warning", "error", "fatal", "off"};

logging::Level chosen_level() {
  for (const char* variable : {"TT_LOGGER_LEVEL", "TT_METAL_LOGGER_LEVEL"}) {
    const char* value = std::getenv(variable);
    if (value == nullptr) continue;
    std::string name(value);
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char letter) { return std::tolower(letter); });
    if (name == "critical") return logging::Level::fatal;
    const auto found = std::find(level_names.begin(), level_names.end(), name);
    if (found != level_names.end()) return static_cast<logging::Level>(found - level_names.begin());
  }
  return logging::Level::info;
}

}  // namespace

void assert::fail(const char* file, int line, const char* what, const char* condition, const std::string& text) {
  std::string message = fmt::format("{} @ {}:{}", what, file, line);
  if (condition != nullptr) message += fmt::format(": {}", condition);
  if (!text.empty()) message += fmt::format("\n{}", text);
  throw std::runtime_error(message);
}

bool logging::shown(Level level) {
  static const Level least = chosen_level();
  return level >= least;
}

void logging::put(Level level, const std::string& text) {
  std::fflush(stdout);  // in the order of the program
  fmt::print(stderr, "{:<7} | {}\n", level_names.at(static_cast<std::size_t>(level)), text);
}

namespace {

template <class E, std::size_t count>
std::string name_in(const std::array<std::pair<E, const char*>, count>& names, E value) {
  const auto found = std::find_if(names.begin(), names.end(), [&](const auto& one) { return one.first == value; });
  return found != names.end() ? found->second : fmt::format("{}", static_cast<int>(value));
}

}  // namespace

std::string to_string(DataFormat format) {
  using F = DataFormat;
  static constexpr std::array<std::pair<F, const char*>, 21> names{{
      {F::Float32, "Float32"},     {F::Float16, "Float16"},
      {F::Bfp8, "Bfp8"},           {F::Bfp4, "Bfp4"},
      {F::Bfp2, "Bfp2"},           {F::Float16_b, "Float16_b"},
      {F::Bfp8_b, "Bfp8_b"},       {F::Bfp4_b, "Bfp4_b"},
      {F::Bfp2_b, "Bfp2_b"},       {F::Lf8, "Lf8"},
      {F::Fp8_e4m3, "Fp8_e4m3"},   {F::Int8, "Int8"},
      {F::Tf32, "Tf32"},           {F::UInt8, "UInt8"},
      {F::UInt16, "UInt16"},       {F::Int32, "Int32"},
      {F::UInt32, "UInt32"},       {F::RawUInt8, "RawUInt8"},
      {F::RawUInt16, "RawUInt16"}, {F::RawUInt32, "RawUInt32"},
      {F::Invalid, "Invalid"},
  }};
  return name_in(names, format);
}

std::ostream& operator<<(std::ostream& stream, DataFormat format) { return stream << to_string(format); }

std::string get_string(ARCH arch) {
  static constexpr std::array<std::pair<ARCH, const char*>, 7> names{{{ARCH::Invalid, "Invalid"},
                                                                      {ARCH::JAWBRIDGE, "JAWBRIDGE"},
                                                                      {ARCH::WORMHOLE, "WORMHOLE"},
                                                                      {ARCH::GRAYSKULL, "GRAYSKULL"},
                                                                      {ARCH::WORMHOLE_B0, "WORMHOLE_B0"},
                                                                      {ARCH::BLACKHOLE, "BLACKHOLE"},
                                                                      {ARCH::QUASAR, "QUASAR"}}};
  return name_in(names, arch);
}

std::string arch_to_str(ARCH arch) {
  std::string name = get_string(arch);
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char letter) { return std::tolower(letter); });
  return name;
}

ARCH get_arch_from_string(const std::string& name) {
  for (const ARCH arch : {ARCH::GRAYSKULL, ARCH::WORMHOLE_B0, ARCH::BLACKHOLE, ARCH::QUASAR}) {
    if (arch_to_str(arch) == name) return arch;
  }
  return ARCH::Invalid;
}

std::string tt_metal::to_string(BufferType type) {
  static constexpr std::array<std::pair<BufferType, const char*>, 5> names{{{BufferType::DRAM, "DRAM"},
                                                                            {BufferType::L1, "L1"},
                                                                            {BufferType::SYSTEM_MEMORY, "SYSTEM_MEMORY"},
                                                                            {BufferType::L1_SMALL, "L1_SMALL"},
                                                                            {BufferType::TRACE, "TRACE"}}};
  return name_in(names, type);
}

std::string tt_metal::to_string(TensorMemoryLayout layout) {
  using L = TensorMemoryLayout;
  static constexpr std::array<std::pair<L, const char*>, 5> names{{{L::INTERLEAVED, "INTERLEAVED"},
                                                                   {L::SINGLE_BANK, "SINGLE_BANK"},
                                                                   {L::HEIGHT_SHARDED, "HEIGHT_SHARDED"},
                                                                   {L::WIDTH_SHARDED, "WIDTH_SHARDED"},
                                                                   {L::BLOCK_SHARDED, "BLOCK_SHARDED"}}};
  return name_in(names, layout);
}

std::ostream& tt_metal::operator<<(std::ostream& stream, BufferType type) { return stream << to_string(type); }
std::ostream& tt_metal::operator<<(std::ostream& stream, TensorMemoryLayout layout) { return stream << to_string(layout); }

}  // namespace tt
