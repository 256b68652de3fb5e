// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "core/error.h"

/// Before ranks wait for each other they agree that all of them do the same: every rank states what it is about to do, rank
/// 0 compares, and all get its verdict. A rank that can't go on states that, instead of leaving the others to wait.
namespace tilegrid {

/// What one rank says. It travels as text, so that ranks of another build or byte order are understood as well.
struct Statement {
  enum class Kind : char { go_on = 'g', leave = 'l', fail = 'f' };
  std::string build = {};  ///< own_build(); filled in by to_text()
  std::string host = {};
  Kind kind = Kind::go_on;
  ExitCode code = ExitCode::ok;  ///< of a failure
  std::string text = {};         ///< what it goes on with, in words that follow "goes on with"; why it fails
  std::string settings = {};     ///< what must be equal besides, in short
};

/// Bytes of a statement's text, on every rank of any build.
inline constexpr std::size_t statement_bytes = 1024;

/// Version and revision of the sources, and where these do not say all (local changes, no repository) the program's build
/// id; the byte order of the host.
[[nodiscard]] const std::string& own_build();

/// As it travels, at most statement_bytes long: what is too long is cut.
[[nodiscard]] std::string to_text(Statement statement);
/// What another rank sent; a text of something else is a statement of a build of that name.
[[nodiscard]] Statement statement_of(const std::string& text);

/// What is wrong; no message: all ranks may go on.
struct Verdict {
  ExitCode code = ExitCode::ok;
  std::string message = {};
};
/// By rank. A failure of rank 0, which speaks for all, is told in its own words; of other ranks with rank and host.
[[nodiscard]] Verdict judge(std::span<const Statement> statements);

/// "rank 3 on host-b".
[[nodiscard]] std::string name_of_rank(int rank, const std::string& host);

/// Of bytes, or of a text; the same everywhere.
[[nodiscard]] std::uint64_t fingerprint(std::span<const std::byte> bytes);
[[nodiscard]] inline std::uint64_t fingerprint(const std::string& text) {
  return fingerprint(std::as_bytes(std::span(text)));
}

}  // namespace tilegrid
