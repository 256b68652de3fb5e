// SPDX-License-Identifier: Apache-2.0
#include "runtime/data/npy.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <string_view>

#include "core/atomic_file.h"
#include "core/error.h"
#include "runtime/data/npy_types.h"

namespace tilegrid {
namespace {

static_assert(std::endian::native == std::endian::little, "values are written as they lie in memory");

constexpr std::string_view magic = "\x93NUMPY";
constexpr std::size_t max_header_bytes = std::size_t{1} << 20U;  // a header with 64 dimensions takes less than 2 KiB
constexpr std::size_t max_dimensions = 64;                       // NumPy's own limit
constexpr std::uint64_t max_elements = std::uint64_t{1} << 32U;  // 16 GiB of float: a sparse file can claim any size

struct CloseFile {
  void operator()(std::FILE* file) const { static_cast<void>(std::fclose(file)); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

struct Header {
  std::string descr;
  bool fortran_order = false;
  std::vector<std::int64_t> shape;
};

/// Reads the header's Python dictionary: the three keys in any order, any spacing, either kind of quote.
/// Throws std::runtime_error with what is wrong.
class HeaderParser {
 public:
  explicit HeaderParser(std::string_view text) : text_(text) {}

  Header parse() {
    Header header;
    std::array<bool, 3> seen{};
    expect('{');
    while (!accept('}')) {
      const std::string key = parse_string();
      expect(':');
      parse_value(key, header, seen);
      if (accept(',')) continue;
      expect('}');
      break;
    }
    skip_space();
    if (at_ != text_.size()) throw std::runtime_error("text behind the header's dictionary");
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (!seen.at(i)) throw std::runtime_error(fmt::format("no '{}' in the header", keys.at(i)));
    }
    return header;
  }

 private:
  static constexpr std::array<std::string_view, 3> keys{"descr", "fortran_order", "shape"};

  void parse_value(const std::string& key, Header& header, std::array<bool, 3>& seen) {
    const std::size_t index = std::find(keys.begin(), keys.end(), key) - keys.begin();
    if (index == keys.size()) throw std::runtime_error(fmt::format("unknown key '{}' in the header", printable(key)));
    if (seen.at(index)) throw std::runtime_error(fmt::format("'{}' twice in the header", key));
    seen.at(index) = true;
    if (index == 0) header.descr = parse_type();
    if (index == 1) header.fortran_order = parse_bool();
    if (index == 2) header.shape = parse_shape();
  }

  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r'))
      ++at_;
  }
  bool accept(char c) {
    skip_space();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool accept_word(std::string_view word) {
    skip_space();
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }
  void expect(char c) {
    if (!accept(c)) throw std::runtime_error(fmt::format("'{}' expected at byte {} of the header", c, at_));
  }

  std::string parse_string() {
    skip_space();
    const char quote = at_ < text_.size() ? text_[at_] : '\0';
    if (quote != '\'' && quote != '"')
      throw std::runtime_error(fmt::format("a quote expected at byte {} of the header", at_));
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) throw std::runtime_error("a quote is not closed in the header");
    std::string result(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return result;
  }

  std::string parse_type() {
    skip_space();
    if (at_ < text_.size() && text_[at_] == '[') {
      throw std::runtime_error(
          "its type is a record; numpy.save(FILE, x['FIELD'].astype('float32')) makes a field readable");
    }
    return parse_string();
  }

  bool parse_bool() {
    if (accept_word("True")) return true;
    if (accept_word("False")) return false;
    throw std::runtime_error("'fortran_order' is neither True nor False");
  }

  std::vector<std::int64_t> parse_shape() {
    std::vector<std::int64_t> shape;
    expect('(');
    bool comma = true;
    while (!accept(')')) {
      if (!comma) throw std::runtime_error("a comma is missing in the shape");
      if (shape.size() == max_dimensions) throw std::runtime_error(fmt::format("more than {} dimensions", max_dimensions));
      shape.push_back(parse_extent());
      comma = accept(',');
    }
    // In Python (3) is a number and not a tuple.
    if (shape.size() == 1 && !comma) throw std::runtime_error("'shape' is not a tuple");
    return shape;
  }

  std::int64_t parse_extent() {
    skip_space();
    const std::size_t begin = at_;
    std::int64_t value = 0;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
      if (__builtin_mul_overflow(value, std::int64_t{10}, &value) ||
          __builtin_add_overflow(value, std::int64_t{text_[at_] - '0'}, &value)) {
        throw std::runtime_error("too large: an extent beyond 64 bits");
      }
    }
    if (at_ == begin) throw std::runtime_error(fmt::format("a number expected at byte {} of the header", at_));
    if (at_ < text_.size() && text_[at_] == 'L') ++at_;  // Python 2 wrote its long integers so
    return value;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

/// Elements of a shape; nothing when they do not fit 64 bits.
std::optional<std::uint64_t> elements_of(std::span<const std::int64_t> shape) {
  std::uint64_t elements = 1;
  bool overflow = false;
  for (const std::int64_t extent : shape) {
    if (extent == 0) return 0;
    overflow = overflow || __builtin_mul_overflow(elements, extent, &elements);
  }
  if (overflow) return std::nullopt;
  return elements;
}

/// As Python writes a tuple.
std::string shape_text(std::span<const std::int64_t> shape) {
  return fmt::format("({}{})", fmt::join(shape, ", "), shape.size() == 1 ? "," : "");
}

void read_exactly(std::FILE* file, void* data, std::size_t bytes) {
  if (bytes > 0 && std::fread(data, 1, bytes, file) != bytes) {
    throw std::runtime_error(std::ferror(file) != 0 ? std::strerror(errno) : "the file ends too early");
  }
}

/// Reads the elements piece by piece, so that a file of another type needs no memory of its own.
std::vector<float> read_values(std::FILE* file, const NpyType& type, std::size_t count) {
  constexpr std::size_t piece = 8192;
  std::vector<float> values(count);
  std::array<std::byte, piece * sizeof(double)> buffer;
  for (std::size_t done = 0; done < count;) {
    const std::size_t part = std::min(piece, count - done);
    const std::span<std::byte> data = std::span(buffer).first(part * type.bytes());
    read_exactly(file, data.data(), data.size());
    const std::size_t beyond = type.decode(data, std::span(values).subspan(done, part));
    if (beyond != part) {
      throw std::runtime_error(fmt::format("element {} is beyond what float32 can hold, {:.3g}", done + beyond,
                                           std::numeric_limits<float>::max()));
    }
    done += part;
  }
  return values;
}

std::string read_header_text(std::FILE* file, std::uint64_t file_bytes, std::uint64_t& offset) {
  std::array<char, 8> start{};
  if (file_bytes < 10) throw std::runtime_error("not a .npy file");
  read_exactly(file, start.data(), start.size());
  if (std::string_view(start.data(), magic.size()) != magic) throw std::runtime_error("not a .npy file");
  const int major = static_cast<unsigned char>(start[6]);
  const int minor = static_cast<unsigned char>(start[7]);
  if (major < 1 || major > 3 || minor != 0) {
    throw std::runtime_error(fmt::format(".npy format {}.{} is not known (1.0, 2.0 and 3.0 are)", major, minor));
  }
  std::array<unsigned char, 4> length_bytes{};
  const std::size_t length_size = major == 1 ? 2 : 4;
  read_exactly(file, length_bytes.data(), length_size);
  std::uint32_t length = 0;
  for (std::size_t i = 0; i < length_size; ++i) length |= std::uint32_t{length_bytes.at(i)} << (8 * i);
  offset = start.size() + length_size + length;
  if (offset > file_bytes) throw std::runtime_error("the file ends within its header");
  if (length > max_header_bytes) throw std::runtime_error(fmt::format("too large: a header of {} bytes", length));
  std::string text(length, ' ');
  read_exactly(file, text.data(), text.size());
  return text;
}

/// A sparse file takes no space on disk, and what it claims to hold would be asked for page by page until the system ends
/// a process.
void check_memory(std::uint64_t bytes) {
  constexpr std::uint64_t harmless = std::uint64_t{256} << 20U;
  constexpr double gib = 1U << 30U;
  if (bytes <= harmless) return;
  std::ifstream file("/proc/meminfo");
  std::string name;
  std::uint64_t kib = 0;
  for (std::string rest; file >> name >> kib && name != "MemAvailable:";) std::getline(file, rest);
  if (name != "MemAvailable:" || bytes / 1024 <= kib) return;
  throw std::runtime_error(fmt::format("too large: {:.1f} GiB as float32, this host has {:.1f} GiB to give",
                                       static_cast<double>(bytes) / gib, static_cast<double>(kib) * 1024 / gib));
}

NpyArray read_array(std::FILE* file, std::uint64_t file_bytes) {
  std::uint64_t offset = 0;
  const std::string text = read_header_text(file, file_bytes, offset);
  Header header = HeaderParser(text).parse();
  const NpyType type = NpyType::parse(header.descr);
  if (header.fortran_order && header.shape.size() > 1) {
    throw std::runtime_error("Fortran order; numpy.save(FILE, numpy.ascontiguousarray(x)) makes it readable");
  }
  const std::uint64_t item_bytes = type.bytes();
  const std::uint64_t data_bytes = file_bytes - offset;
  const std::optional<std::uint64_t> elements = elements_of(header.shape);
  // Compared by division: the product with item_bytes may not fit.
  if (!elements || *elements > data_bytes / item_bytes) {
    const std::string needed = elements ? std::to_string(*elements) : "more than 2^64";
    throw std::runtime_error(fmt::format("shorter than its shape {} says: {} elements of {} bytes, the data has {} bytes",
                                         shape_text(header.shape), needed, item_bytes, data_bytes));
  }
  if (*elements * item_bytes != data_bytes) {
    throw std::runtime_error(fmt::format("longer than its shape {} says: {} bytes behind the data", shape_text(header.shape),
                                         data_bytes - *elements * item_bytes));
  }
  if (*elements > max_elements) {
    throw std::runtime_error(fmt::format("too large: {} elements, at most {} can be read", *elements, max_elements));
  }
  check_memory(*elements * sizeof(float));
  NpyArray array;
  array.shape = std::move(header.shape);
  array.values = read_values(file, type, *elements);
  array.note = type.note();
  return array;
}

std::string header_for(std::span<const std::int64_t> shape) {
  // As NumPy writes it, byte for byte: padded with spaces so that the data begins at a multiple of 64.
  std::string text = fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': {}, }}", shape_text(shape));
  const std::size_t unpadded = magic.size() + 4 + text.size() + 1;
  text.append((64 - unpadded % 64) % 64, ' ');
  text += '\n';
  if (text.size() > std::numeric_limits<std::uint16_t>::max()) throw std::invalid_argument("save_npy: too many dimensions");
  std::string header(magic);
  header += {'\x01', '\x00', static_cast<char>(text.size() & 0xFFU), static_cast<char>(text.size() >> 8U)};
  return header + text;
}

}  // namespace

NpyArray load_npy(const std::string& path) {
  std::error_code error;
  const auto kind = std::filesystem::status(path, error).type();
  // Other files have no size to check a header against, and opening a pipe may wait for ever.
  if (kind != std::filesystem::file_type::regular) {
    const bool missing = kind == std::filesystem::file_type::not_found;
    throw UsageError(fmt::format("{}: {}", path, missing ? "no such file" : error ? error.message() : "not a regular file"));
  }
  const File file(std::fopen(path.c_str(), "rbe"));
  if (!file) throw UsageError(fmt::format("{}: cannot be read: {}", path, std::strerror(errno)));
  const std::uint64_t bytes = std::filesystem::file_size(path, error);
  if (error) throw UsageError(fmt::format("{}: cannot be read: {}", path, error.message()));
  try {
    return read_array(file.get(), bytes);
  } catch (const std::bad_alloc&) {
    throw UsageError(fmt::format("{}: too large for the memory of this host", path));
  } catch (const std::runtime_error& problem) {
    throw UsageError(fmt::format("{}: {}", path, problem.what()));
  }
}

void save_npy(const std::string& path, std::span<const std::int64_t> shape, std::span<const float> values) {
  if (std::any_of(shape.begin(), shape.end(), [](std::int64_t extent) { return extent < 0; }) ||
      elements_of(shape) != values.size()) {
    throw std::invalid_argument("save_npy: the shape does not match the number of values");
  }
  const std::string header = header_for(shape);
  write_file(path, [&](std::ostream& file) {
    file.write(header.data(), header.size());
    file.write(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  });
}

}  // namespace tilegrid
