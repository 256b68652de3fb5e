// SPDX-License-Identifier: Apache-2.0
// TT_FATAL, TT_ASSERT and TT_THROW: std::runtime_error with file, line, the condition and what the program says.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace tt::assert {

[[noreturn]] void fail(const char* file, int line, const char* what, const char* condition, const std::string& text);

inline std::string text_of() { return {}; }
template <class Format, class... Args>
std::string text_of(const Format& format, const Args&... args) {
  if constexpr (sizeof...(Args) == 0) {
    return fmt::format("{}", format);
  } else {
    return fmt::format(fmt::runtime(format), args...);
  }
}

}  // namespace tt::assert

// NOLINTBEGIN(cppcoreguidelines-macro-usage): the vendor's names, and the place of the call
#define TT_THROW(...) ::tt::assert::fail(__FILE__, __LINE__, "TT_THROW", nullptr, ::tt::assert::text_of(__VA_ARGS__))
#define TT_FATAL(condition, ...)                                                                          \
  do {                                                                                                    \
    if (!(condition)) [[unlikely]]                                                                        \
      ::tt::assert::fail(__FILE__, __LINE__, "TT_FATAL", #condition, ::tt::assert::text_of(__VA_ARGS__)); \
  } while (false)
#define TT_ASSERT(condition, ...)                                                                          \
  do {                                                                                                     \
    if (!(condition)) [[unlikely]]                                                                         \
      ::tt::assert::fail(__FILE__, __LINE__, "TT_ASSERT", #condition, ::tt::assert::text_of(__VA_ARGS__)); \
  } while (false)
#ifndef DEBUG_ASSERT
#define DEBUG_ASSERT(condition, ...) TT_ASSERT(condition __VA_OPT__(, ) __VA_ARGS__)
#endif
// NOLINTEND(cppcoreguidelines-macro-usage)
