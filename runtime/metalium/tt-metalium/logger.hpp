// SPDX-License-Identifier: Apache-2.0
// log_info and its kin: lines on standard error, from the level on that TILEGRID_LOG says (TT_METAL_LOGGER_LEVEL and
// TT_LOGGER_LEVEL, too): trace, debug, info (the default), warning, error, fatal, off.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace tt {

enum LogType : unsigned char {
  LogAlways,
  LogOp,
  LogTest,
  LogDevice,
  LogLLRuntime,
  LogLoader,
  LogIO,
  LogModel,
  LogVerif,
  LogGraph,
  LogBuildKernels,
  LogAsync,
  LogEmulated,
  LogMetal,
  LogEvent,
  LogFabric,
  LogDispatch,
  LogInspector,
  LogMetalTrace,
  LogDistributed,
  LogTTNN,
  LogTimer,
  LogSiliconDriver,
  LogUMD,
  LogProfiler,
  LogEmulationDriver,
};

namespace logging {

enum class Level : unsigned char { trace, debug, info, warning, error, fatal, off };
[[nodiscard]] bool shown(Level level);
/// Prints a line.
void put(Level level, const std::string& text);

template <class... Args>
void log(Level level, const Args&... args) {
  if (!shown(level)) return;
  const auto text = [](const auto& format, const auto&... rest) {
    if constexpr (sizeof...(rest) == 0) {
      return fmt::format("{}", format);
    } else {
      return fmt::format(fmt::runtime(format), rest...);
    }
  };
  put(level, text(args...));
}
template <class... Args>
void log(Level level, LogType, const Args&... args) {
  log(level, args...);
}

}  // namespace logging

template <class... Args>
void log_trace(const Args&... args) {
  logging::log(logging::Level::trace, args...);
}
template <class... Args>
void log_debug(const Args&... args) {
  logging::log(logging::Level::debug, args...);
}
template <class... Args>
void log_info(const Args&... args) {
  logging::log(logging::Level::info, args...);
}
template <class... Args>
void log_warning(const Args&... args) {
  logging::log(logging::Level::warning, args...);
}
template <class... Args>
void log_error(const Args&... args) {
  logging::log(logging::Level::error, args...);
}
template <class... Args>
void log_critical(const Args&... args) {
  logging::log(logging::Level::fatal, args...);
}
template <class... Args>
[[noreturn]] void log_fatal(const Args&... args) {
  logging::log(logging::Level::fatal, args...);
  throw std::runtime_error("log_fatal");
}

}  // namespace tt

using tt::log_critical;
using tt::log_debug;
using tt::log_error;
using tt::log_fatal;
using tt::log_info;
using tt::log_trace;
using tt::log_warning;
