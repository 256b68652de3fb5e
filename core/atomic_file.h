// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>

namespace tilegrid {

/// Makes or replaces the file at `path` as a whole: `write` puts the new content into a file beside it whose name nobody can
/// foresee (made with O_EXCL, so that no planted link is followed), which then takes the place of the old one. Whoever reads
/// finds the old content or the new, however many programs write at a time; a failure leaves the old content and nothing
/// else. What a symbolic link leads to is replaced, the link stays; the permissions of an old file stay, too.
/// Throws UsageError, "path: cannot be written: why": there is a folder, a device or a pipe, no permission, no space.
void write_file(const std::string& path, const std::function<void(std::ostream&)>& write);
void write_file(const std::string& path, std::string_view content);

/// A file as write_file() makes it, written piece by piece while something else goes on. A failure is kept until finish().
class OutputFile {
 public:
  explicit OutputFile(std::string path);
  ~OutputFile();  ///< without finish() nothing has happened
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  void write(std::string_view text);
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  /// Puts the file in its place. Throws UsageError as write_file().
  void finish();

 private:
  struct Open;
  std::string path_, failure_;
  std::unique_ptr<Open> open_;
  std::uint64_t bytes_ = 0;
};

/// Why write_file() would refuse the path, empty when it would not. Leaves nothing behind.
[[nodiscard]] std::string why_not_writable(const std::string& path);

}  // namespace tilegrid
