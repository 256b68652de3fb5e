// SPDX-License-Identifier: Apache-2.0
#include "core/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <ostream>
#include <streambuf>
#include <system_error>
#include <utility>

#include "core/error.h"

namespace tilegrid {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(int reason) { throw std::system_error(reason, std::generic_category()); }

/// Where a chain of symbolic links ends, whether there is something or not.
fs::path end_of_links(fs::path path) {
  for (int links = 0; fs::is_symlink(fs::symlink_status(path)); ++links) {
    if (links == 40) fail(ELOOP);
    path = path.parent_path() / fs::read_symlink(path);
  }
  return path;
}

std::string unforeseen_name(const fs::path& target) {
  std::uint64_t number = 0;
  if (getrandom(&number, sizeof(number), 0) != sizeof(number)) fail(errno);
  return fmt::format("{}.{:016x}.part", target.string(), number);
}

}  // namespace

/// Not anonymous: they are members of OutputFile::Open, which a header names.
namespace output {

/// A file beside the target; removed again unless it takes the target's place.
class PartFile {
 public:
  explicit PartFile(fs::path target) : target_(std::move(target)) {
    struct stat old {};
    const bool replaces = stat(target_.c_str(), &old) == 0;
    if (replaces && S_ISDIR(old.st_mode)) fail(EISDIR);
    // A rename would put an ordinary file in the place of a device.
    if (replaces && !S_ISREG(old.st_mode)) throw std::invalid_argument("is not a regular file");
    if (replaces && access(target_.c_str(), W_OK) != 0) fail(errno);
    do {
      name_ = unforeseen_name(target_);
      file_ = open(name_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, replaces ? 0600 : 0666);
    } while (file_ < 0 && errno == EEXIST);
    if (file_ < 0) fail(errno);
    if (replaces && fchmod(file_, old.st_mode & 07777U) != 0) give_up(errno);
  }
  ~PartFile() {
    if (file_ >= 0) close(file_);
    if (!name_.empty()) unlink(name_.c_str());
  }
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  [[nodiscard]] int descriptor() const { return file_; }
  /// Forces the content to disk first, so that a full one is noticed here.
  void take_place() {
    if (fsync(file_) != 0 && errno != EINVAL) fail(errno);
    if (close(std::exchange(file_, -1)) != 0) fail(errno);
    if (rename(name_.c_str(), target_.c_str()) != 0) fail(errno);
    name_.clear();
  }

 private:
  [[noreturn]] void give_up(int reason) {
    close(std::exchange(file_, -1));
    unlink(name_.c_str());
    fail(reason);
  }

  fs::path target_;
  std::string name_;
  int file_ = -1;
};

/// What is written goes to a descriptor; the first reason for which it could not is kept.
class DescriptorBuffer : public std::streambuf {
 public:
  explicit DescriptorBuffer(int file) : file_(file) { setp(block_.data(), block_.data() + block_.size()); }
  [[nodiscard]] int reason() const { return reason_; }

 protected:
  int_type overflow(int_type c) override {
    if (sync() != 0) return traits_type::eof();
    if (c == traits_type::eof()) return 0;
    *pptr() = static_cast<char>(c);
    pbump(1);
    return c;
  }
  int sync() override {
    const char* from = pbase();
    while (reason_ == 0 && from < pptr()) {
      const ssize_t written = ::write(file_, from, pptr() - from);
      if (written < 0 && errno != EINTR) reason_ = errno;
      if (written > 0) from += written;
    }
    setp(block_.data(), block_.data() + block_.size());
    return reason_ == 0 ? 0 : -1;
  }

 private:
  int file_;
  int reason_ = 0;
  std::array<char, 65536> block_{};
};

}  // namespace output

using output::DescriptorBuffer;
using output::PartFile;

namespace {

std::string reason_of(const std::exception& error) {
  const auto* system = dynamic_cast<const std::system_error*>(&error);
  return system != nullptr ? system->code().message() : error.what();
}

}  // namespace

void write_file(const std::string& path, const std::function<void(std::ostream&)>& write) {
  DescriptorBuffer* to = nullptr;
  try {
    PartFile part(end_of_links(path));
    DescriptorBuffer buffer(part.descriptor());
    to = &buffer;
    std::ostream stream(&buffer);
    try {
      write(stream);
    } catch (const std::exception&) {
      if (buffer.reason() == 0) throw;  // not for want of space
    }
    stream.flush();
    if (buffer.reason() != 0) fail(buffer.reason());
    part.take_place();
  } catch (const std::system_error& error) {
    throw UsageError(fmt::format("{}: cannot be written: {}", path, error.code().message()));
  } catch (const std::invalid_argument& error) {
    if (to != nullptr) throw;  // of `write`
    throw UsageError(fmt::format("{}: cannot be written: {}", path, error.what()));
  }
}

void write_file(const std::string& path, std::string_view content) {
  write_file(path, [=](std::ostream& stream) { stream.write(content.data(), content.size()); });
}

struct OutputFile::Open {
  explicit Open(const std::string& path) : part(end_of_links(path)), buffer(part.descriptor()) {}
  PartFile part;
  DescriptorBuffer buffer;
};

OutputFile::OutputFile(std::string path) : path_(std::move(path)) {
  try {
    open_ = std::make_unique<Open>(path_);
  } catch (const std::exception& error) {
    failure_ = reason_of(error);
  }
}

OutputFile::~OutputFile() = default;

void OutputFile::write(std::string_view text) {
  if (!open_ || open_->buffer.reason() != 0) return;
  open_->buffer.sputn(text.data(), text.size());
  bytes_ += text.size();
}

void OutputFile::finish() {
  if (open_) {
    try {
      open_->buffer.pubsync();
      if (open_->buffer.reason() != 0) fail(open_->buffer.reason());
      open_->part.take_place();
    } catch (const std::exception& error) {
      failure_ = reason_of(error);
    }
    open_.reset();
  }
  if (!failure_.empty()) throw UsageError(fmt::format("{}: cannot be written: {}", path_, failure_));
}

std::string why_not_writable(const std::string& path) {
  try {
    const PartFile probe(end_of_links(path));
    return {};
  } catch (const std::exception& error) {
    return reason_of(error);
  }
}

}  // namespace tilegrid
