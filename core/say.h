// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace tilegrid {

/// A message as a terminal can bear it: of a word that nobody reads to its end (a value of 5,000 characters) begin, length
/// and end are left, of a line that is as long likewise; control characters other than ends of lines become '?'.
[[nodiscard]] std::string readable(std::string_view message);
/// The same for a mistake of the user, which is one line.
[[nodiscard]] std::string readable_line(std::string_view message);

/// "tilegrid: MESSAGE" on standard error, readable. Where that can't be written nothing is said, and nothing else happens:
/// what counts is the exit code.
void say_error(std::string_view message) noexcept;

/// Writes to standard output. A closed pipe is no error, what else fails is: throws UsageError.
void put(std::string_view text);
void flush_output();
/// True when nobody reads standard output any more: what is put is dropped.
[[nodiscard]] bool output_is_gone();

/// Waits, ten seconds at most, until what was written to standard output and error has been taken out of the pipes that they
/// are. A launcher that sees one of its ranks fail ends the others, and forgets what it has not read yet.
void wait_until_read() noexcept;

/// To be called before anything is opened: where standard input, output or error is closed, the next file that the program
/// or MPI opens would take its place and get what is printed. They become files that can't be read or written.
void keep_standard_files() noexcept;

}  // namespace tilegrid
