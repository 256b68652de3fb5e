// SPDX-License-Identifier: Apache-2.0
#include "runtime/data/npy.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <stdexcept>

#include "core/error.h"

namespace tilegrid {
namespace {

namespace fs = std::filesystem;

class Npy : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "npy_test_XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  [[nodiscard]] std::string path(const std::string& name) const { return (folder_ / name).string(); }

  std::string write(const std::string& bytes, const std::string& name = "a.npy") const {
    std::ofstream(path(name), std::ios::binary) << bytes;
    return path(name);
  }

  /// The message with which a file is refused; it must be one line that begins with the path. Empty when it is read.
  [[nodiscard]] static std::string refusal(const std::string& file) {
    try {
      static_cast<void>(load_npy(file));
    } catch (const UsageError& error) {
      EXPECT_EQ(error.message().find(file + ": "), 0U) << error.message();
      EXPECT_EQ(error.message().find('\n'), std::string::npos);
      return error.message().substr(file.size() + 2);
    }
    return {};
  }

  [[nodiscard]] std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }

  fs::path folder_;
};

std::string npy_bytes(const std::string& header, const std::string& data, char major = 1) {
  std::string bytes = "\x93NUMPY";
  bytes += {major, '\0', static_cast<char>(header.size() & 0xFFU), static_cast<char>(header.size() >> 8U)};
  if (major > 1) bytes += std::string(2, '\0');
  return bytes + header + data;
}

template <class T>
std::string raw(const std::vector<T>& values) {
  std::string bytes(values.size() * sizeof(T), '\0');
  if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

std::string slurp(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::string dict(const std::string& descr, const std::string& shape) {
  return "{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + ", }\n";
}

const std::vector<float> six{0.5F, -1, 2, 3.25F, 1e30F, -0.0F};

TEST_F(Npy, ReadsAllFormatVersionsAndSpellings) {
  const std::string data = raw(six);
  for (const std::string& header :
       {dict("<f4", "(2, 3)"), std::string("{'shape':(2,3),'fortran_order':False,'descr':'<f4'}"),
        std::string("  { \"fortran_order\" : False ,\n \"descr\" : \"<f4\", 'shape' : ( 2L , 3L , ) } \t\n")}) {
    for (const char major : {'\1', '\2', '\3'}) {
      const NpyArray array = load_npy(write(npy_bytes(header, data, major)));
      EXPECT_EQ(array.shape, (std::vector<std::int64_t>{2, 3})) << header;
      EXPECT_EQ(raw(array.values), data) << header;
    }
  }
}

TEST_F(Npy, ReadsScalarsVectorsAndEmptyArrays) {
  NpyArray array = load_npy(write(npy_bytes(dict("<f4", "()"), raw<float>({7}))));
  EXPECT_TRUE(array.shape.empty());
  EXPECT_EQ(array.values, std::vector<float>{7});
  array = load_npy(write(npy_bytes(dict("<f4", "(6,)"), raw(six))));
  EXPECT_EQ(array.shape, std::vector<std::int64_t>{6});
  array = load_npy(write(npy_bytes(dict("<f4", "(3, 0, 9223372036854775807, 9223372036854775807)"), "")));
  EXPECT_EQ(array.shape.size(), 4U);
  EXPECT_TRUE(array.values.empty());
}

TEST_F(Npy, ReadsHalvesAsIeee) {
  const std::vector<std::uint16_t> halves{0x0000, 0x8000, 0x3C00, 0xC000, 0x7BFF, 0x0001,
                                          0x83FF, 0x0400, 0x7C00, 0xFC00, 0x7E01};
  const std::vector<float> expected{0.0F,     -0.0F,    1.0F,      -2.0F, 65504.0F, 0x1p-24F, -1023 * 0x1p-24F,
                                    0x1p-14F, INFINITY, -INFINITY, NAN};
  const NpyArray array = load_npy(write(npy_bytes(dict("<f2", "(11,)"), raw(halves))));
  ASSERT_EQ(array.values.size(), expected.size());
  for (std::size_t i = 0; i + 1 < expected.size(); ++i) {
    EXPECT_EQ(array.values[i], expected[i]) << i;
    EXPECT_EQ(std::signbit(array.values[i]), std::signbit(expected[i])) << i;
  }
  EXPECT_TRUE(std::isnan(array.values.back()));
}

TEST_F(Npy, ReadsMoreHalvesThanItsBuffer) {
  std::vector<std::uint16_t> halves(20'001);
  for (std::size_t i = 0; i < halves.size(); ++i) halves[i] = static_cast<std::uint16_t>(0x3C00 + i % 1024);
  const NpyArray array = load_npy(write(npy_bytes(dict("<f2", "(20001,)"), raw(halves))));
  for (std::size_t i = 0; i < halves.size(); ++i) {
    ASSERT_EQ(array.values[i], 1 + static_cast<float>(i % 1024) / 1024) << i;
  }
}

std::string reversed_bytes(std::string bytes, std::size_t size) {
  for (std::size_t at = 0; at < bytes.size(); at += size)
    std::reverse(bytes.begin() + static_cast<std::ptrdiff_t>(at), bytes.begin() + static_cast<std::ptrdiff_t>(at + size));
  return bytes;
}

TEST_F(Npy, ReadsTwoRawBytesAsBfloat16) {
  const std::vector<std::uint16_t> bits{0x3F80, 0xC000, 0x7F80, 0x0001, 0x8000};
  const std::vector<float> expected{1, -2, INFINITY, std::bit_cast<float>(0x00010000U), -0.0F};
  for (const std::string type : {"<V2", "|V2"}) {
    const NpyArray array = load_npy(write(npy_bytes(dict(type, "(5,)"), raw(bits))));
    EXPECT_EQ(array.values, expected);
    EXPECT_TRUE(std::signbit(array.values.back()));
    EXPECT_NE(array.note.find("bfloat16"), std::string::npos);
  }
}

TEST_F(Npy, RoundsDoubles) {
  const std::string doubles = raw<double>({1.5, -0.1, 1e-300, INFINITY});
  for (const bool big : {false, true}) {
    const std::string header = dict(big ? ">f8" : "<f8", "(4,)");
    const NpyArray array = load_npy(write(npy_bytes(header, big ? reversed_bytes(doubles, 8) : doubles)));
    EXPECT_EQ(array.values, (std::vector<float>{1.5F, -0.1F, 0, INFINITY}));
    EXPECT_NE(array.note.find("float64"), std::string::npos);
  }
  const double too_large = 3.4028235677973366e38;  // half a step beyond the largest float
  EXPECT_NE(refusal(write(npy_bytes(dict("<f8", "(2,)"), raw<double>({1, too_large})))).find("element 1 "),
            std::string::npos);
}

TEST_F(Npy, TurnsBigEndianRound) {
  NpyArray array = load_npy(write(npy_bytes(dict(">f4", "(6,)"), reversed_bytes(raw(six), 4))));
  EXPECT_EQ(array.values, six);
  EXPECT_NE(array.note.find("big-endian"), std::string::npos);
  const std::vector<std::uint16_t> halves{0x3C00, 0x4000};
  array = load_npy(write(npy_bytes(dict(">f2", "(2,)"), reversed_bytes(raw(halves), 2))));
  EXPECT_EQ(array.values, (std::vector<float>{1, 2}));
  array = load_npy(write(npy_bytes(dict("=f4", "(6,)"), raw(six))));
  EXPECT_EQ(array.values, six);
  EXPECT_EQ(array.note, "");
}

TEST_F(Npy, RefusesOtherTypesByNameAndSaysWhatWouldDo) {
  for (const std::string type : {"|b1", "<i4", "|f4", "<c8", "f4", "", ">V2", "|V4", "<f16", "|O", "<U3"}) {
    const std::string message = refusal(write(npy_bytes(dict(type, "(6,)"), raw(six))));
    EXPECT_TRUE(message.starts_with("its type is '" + type + "'; ")) << message;
  }
  EXPECT_NE(refusal(write(npy_bytes(dict("<i8", "(3,)"), raw(six)))).find("x.astype('float32')"), std::string::npos);
  EXPECT_NE(refusal(write(npy_bytes("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (6,), }", raw(six))))
                .find("record"),
            std::string::npos);
}

TEST_F(Npy, RefusesFortranOrder) {
  EXPECT_NE(refusal(write(npy_bytes("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", raw(six))))
                .find("Fortran order"),
            std::string::npos);
}

TEST_F(Npy, RefusesEveryTruncation) {
  const std::string whole = npy_bytes(dict("<f4", "(2, 3)"), raw(six));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::string message = refusal(write(whole.substr(0, size)));
    EXPECT_NE(message, "") << size;
    const bool in_data = size >= whole.size() - 24;
    EXPECT_EQ(message.find("shorter than its shape (2, 3) says") == 0, in_data) << message;
  }
  EXPECT_EQ(refusal(write(whole + "xyz")), "longer than its shape (2, 3) says: 3 bytes behind the data");
}

TEST_F(Npy, RefusesWhatIsNotNpy) {
  EXPECT_EQ(refusal(write("")), "not a .npy file");
  EXPECT_EQ(refusal(write("PK\x03\x04 a zip archive of arrays")), "not a .npy file");
  std::string bytes = npy_bytes(dict("<f4", "(6,)"), raw(six));
  bytes[0] = '\x92';
  EXPECT_EQ(refusal(write(bytes)), "not a .npy file");
  EXPECT_EQ(refusal(write(npy_bytes(dict("<f4", "(6,)"), raw(six), 4))),
            ".npy format 4.0 is not known (1.0, 2.0 and 3.0 are)");
}

TEST_F(Npy, RefusesMalformedHeaders) {
  for (const auto& [header, part] : std::vector<std::pair<std::string, std::string>>{
           {"", "'{' expected"},
           {"'descr'", "'{' expected"},
           {"{}", "no 'descr'"},
           {"{'descr': '<f4', 'shape': (6,)}", "no 'fortran_order'"},
           {"{'descr': '<f4', 'fortran_order': False}", "no 'shape'"},
           {"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (6,)}", "'descr' twice"},
           {"{'descr': '<f4', 'fortran_order': False, 'shape': (6,), 'x': 1}", "unknown key 'x'"},
           {"{'descr': '<f4', 'fortran_order': False, 'shape': (6,)", "'}' expected"},
           {"{'descr': '<f4', 'fortran_order': False, 'shape': (6,)} 1", "behind the header's dictionary"},
           {"{'descr': '<f4', 'fortran_order': 0, 'shape': (6,)}", "neither True nor False"},
           {"{'descr: <f4}", "not closed"},
           {"{descr: '<f4'}", "a quote expected"},
           {"{'descr' '<f4'}", "':' expected"},
           {dict("<f4", "(6)"), "not a tuple"},
           {dict("<f4", "(2 3)"), "a comma is missing"},
           {dict("<f4", "(-6,)"), "a number expected"},
           {dict("<f4", "(6.0,)"), "a comma is missing"},
           {dict("<f4", "(,)"), "a number expected"},
           {dict("<f4", "6"), "'(' expected"},
           {dict("<f4", "(" + std::string(300, '9') + ",)"), "beyond 64 bits"},
           {"{'a\nb\x80': 1}", "unknown key 'a?b?'"}}) {
    const std::string message = refusal(write(npy_bytes(header, raw(six))));
    EXPECT_NE(message.find(part), std::string::npos) << header << " -> " << message;
  }
  std::string many = "(";
  for (int i = 0; i < 65; ++i) many += "1, ";
  EXPECT_EQ(refusal(write(npy_bytes(dict("<f4", many + ")"), raw<float>({1})))), "more than 64 dimensions");
}

TEST_F(Npy, RefusesHugeShapesWithoutAllocating) {
  for (const std::string shape : {"(1099511627776,)", "(4294967296, 4294967296, 4294967296)", "(9223372036854775807, 2)",
                                  "(4611686018427387904,)", "(4611686018427387904, 4)", "(65536, 65536, 65536, 65536)"}) {
    EXPECT_EQ(refusal(write(npy_bytes(dict("<f4", shape), raw(six)))).find("shorter than its shape " + shape + " says"), 0U)
        << shape;
  }
  // A header that claims 4 GiB for itself.
  std::string bytes = npy_bytes(dict("<f4", "(6,)"), raw(six), 2);
  bytes.replace(8, 4, "\xFF\xFF\xFF\xFF");
  EXPECT_EQ(refusal(write(bytes)), "the file ends within its header");
}

TEST_F(Npy, RefusesASparseFileOfAbsurdSize) {
  const std::string header = dict("<f4", "(4294967297,)");
  const std::string file = write(npy_bytes(header, ""));
  std::error_code error;
  fs::resize_file(file, 10 + header.size() + 4 * ((std::uintmax_t{1} << 32U) + 1), error);
  ASSERT_FALSE(error) << "a sparse file of 16 GiB: " << error.message();
  EXPECT_EQ(refusal(file), "too large: 4294967297 elements, at most 4294967296 can be read");
}

TEST_F(Npy, RefusesMissingFilesAndOtherThings) {
  EXPECT_EQ(refusal(path("missing.npy")), "no such file");
  EXPECT_EQ(refusal(folder_.string()), "not a regular file");
  EXPECT_EQ(refusal("/dev/zero"), "not a regular file");
  EXPECT_NE(refusal(write("x") + "/inside"), "");
}

TEST_F(Npy, RefusesUnreadableFiles) {
  // Unreadable for root too: links that lead nowhere and in circles, and a name that no file can have.
  fs::create_symlink(path("nowhere"), path("dangling"));
  EXPECT_EQ(refusal(path("dangling")), "no such file");
  fs::create_symlink(path("b"), path("a"));
  fs::create_symlink(path("a"), path("b"));
  EXPECT_EQ(refusal(path("a")), "Too many levels of symbolic links");
  EXPECT_EQ(refusal(path(std::string(300, 'x'))), "File name too long");
}

TEST_F(Npy, RefusesFilesThatCannotBeOpened) {
  const std::string file = write(npy_bytes(dict("<f4", "(6,)"), raw(six)));
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{0, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const std::string message = refusal(file);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(message, "cannot be read: Too many open files");
}

TEST_F(Npy, WritesTheBytesOfNumpy) {
  const std::array<std::int64_t, 1> shape{2};
  const std::array<float, 2> values{1, -2};
  save_npy(path("out.npy"), shape, values);
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }";
  header.resize(128 - 10 - 1, ' ');
  const std::string expected = npy_bytes(header + '\n', raw<float>({1, -2}));
  EXPECT_EQ(slurp(path("out.npy")), expected);
  EXPECT_EQ(files(), 1U) << "no temporary file stays";
}

TEST_F(Npy, RoundTrip) {
  for (const std::vector<std::int64_t>& shape :
       {std::vector<std::int64_t>{}, {1}, {3, 5}, {2, 3, 4, 5}, {4, 0, 2}, std::vector<std::int64_t>(40, 1), {1000, 777}}) {
    std::size_t count = 1;
    for (const std::int64_t extent : shape) count *= static_cast<std::size_t>(extent);
    std::vector<float> values(count);
    for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<float>(i) - 1.5F;
    if (count > 4) values[3] = std::numeric_limits<float>::infinity();
    save_npy(path("r.npy"), shape, values);  // over the file of the round before
    const NpyArray array = load_npy(path("r.npy"));
    EXPECT_EQ(array.shape, shape);
    EXPECT_EQ(array.values, values);
  }
}

TEST_F(Npy, WritesThroughASymbolicLink) {
  write("old", "real.npy");
  fs::create_symlink("real.npy", path("link.npy"));
  save_npy(path("link.npy"), std::array<std::int64_t, 1>{6}, six);
  EXPECT_TRUE(fs::is_symlink(path("link.npy")));
  EXPECT_EQ(raw(load_npy(path("real.npy")).values), raw(six));
}

std::string save_refusal(const std::string& file) {
  try {
    save_npy(file, std::array<std::int64_t, 1>{6}, six);
  } catch (const UsageError& error) {
    EXPECT_EQ(error.message().find(file + ": cannot be written: "), 0U) << error.message();
    return error.message();
  }
  return {};
}

TEST_F(Npy, RefusesUnwritablePlaces) {
  EXPECT_NE(save_refusal(path("no/such/folder.npy")), "");
  EXPECT_NE(save_refusal(folder_.string()), "");
  EXPECT_NE(save_refusal("/dev/full"), "");
  EXPECT_NE(save_refusal(write("x", "file") + "/inside.npy"), "");
  EXPECT_EQ(files(), 1U);
  EXPECT_THROW(save_npy(path("a"), std::array<std::int64_t, 1>{5}, six), std::invalid_argument);
  EXPECT_THROW(save_npy(path("a"), std::array<std::int64_t, 2>{-2, -3}, six), std::invalid_argument);
}

/// Files of this process end at a size, as if the disk were full.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &old_);
    const rlimit limit{bytes, old_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &old_);
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit old_{};
  void (*handler_)(int);
};

TEST_F(Npy, AFullDiskLeavesTheOldFileAndNothingElse) {
  const std::string file = write("old content");
  const std::vector<float> values(100'000, 1.0F);
  for (const rlim_t limit : {0U, 100U, 200'000U, 400'127U}) {
    const FileSizeLimit full(limit);
    EXPECT_THROW(save_npy(file, std::array<std::int64_t, 1>{100'000}, values), UsageError) << limit;
  }
  EXPECT_EQ(slurp(file), "old content");
  EXPECT_EQ(files(), 1U);
}

}  // namespace
}  // namespace tilegrid
