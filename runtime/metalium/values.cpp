// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <random>
#include <tt-metalium/bfloat16.hpp>

namespace {

std::vector<std::uint32_t> packed(const std::vector<bfloat16>& values) {
  std::vector<std::uint32_t> words;
  words.reserve(values.size() / 2);
  for (std::size_t i = 0; i + 1 < values.size(); i += 2) {
    words.push_back(pack_two_bfloat16_into_uint32({values[i], values[i + 1]}));
  }
  return words;
}

template <class Value>
void print_tiles(int num_tiles, const std::string& name, int first, const Value& value) {
  constexpr int side = 32;
  std::size_t index = 0;
  for (int tile = first; tile < first + num_tiles; ++tile) {
    fmt::print("{} tile {}\n", name, tile);
    for (int row = 0; row < side; ++row) {
      for (int column = 0; column < side; ++column) {
        fmt::print("{}{}", value(index++), column + 1 < side ? ", " : "\n");
      }
    }
  }
  std::fflush(stdout);
}

}  // namespace

std::ostream& operator<<(std::ostream& stream, const bfloat16& value) { return stream << value.to_float(); }

std::uint32_t pack_two_bfloat16_into_uint32(std::pair<bfloat16, bfloat16> low_and_high) {
  return std::uint32_t{low_and_high.first.to_uint16()} | std::uint32_t{low_and_high.second.to_uint16()} << 16U;
}

std::pair<bfloat16, bfloat16> unpack_two_bfloat16_from_uint32(std::uint32_t word) {
  return {bfloat16(static_cast<std::uint16_t>(word)), bfloat16(static_cast<std::uint16_t>(word >> 16U))};
}

std::vector<std::uint32_t> create_arange_vector_of_bfloat16(std::size_t num_bytes, bool print) {
  std::vector<bfloat16> values(num_bytes / sizeof(bfloat16));
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>(i);
    if (print) fmt::print("{} ", values[i].to_float());
  }
  if (print) fmt::print("\n");
  return packed(values);
}

std::vector<bfloat16> create_random_vector_of_bfloat16_native(std::size_t num_bytes, float rand_max_float, int seed,
                                                              float offset) {
  std::mt19937 generator(static_cast<std::uint32_t>(seed));
  std::uniform_real_distribution<float> uniform(0.0F, rand_max_float);
  std::vector<bfloat16> values(num_bytes / sizeof(bfloat16));
  for (bfloat16& value : values) value = uniform(generator) + offset;
  return values;
}

std::vector<std::uint32_t> create_random_vector_of_bfloat16(std::size_t num_bytes, int rand_max_float, int seed,
                                                            float offset) {
  return packed(create_random_vector_of_bfloat16_native(num_bytes, static_cast<float>(rand_max_float), seed, offset));
}
std::vector<std::uint32_t> create_random_vector_of_bfloat16_1_1(std::size_t num_bytes, int seed) {
  return create_random_vector_of_bfloat16(num_bytes, 2, seed, -1.0F);
}
std::vector<std::uint32_t> create_random_vector_of_bfloat16_0_2(std::size_t num_bytes, int seed) {
  return create_random_vector_of_bfloat16(num_bytes, 2, seed);
}

std::vector<std::uint32_t> create_constant_vector_of_bfloat16(std::size_t num_bytes, float value) {
  return packed(std::vector<bfloat16>(num_bytes / sizeof(std::uint32_t) * 2, value));
}

std::vector<std::uint32_t> create_random_binary_vector_of_bfloat16(std::size_t num_bytes, int seed) {
  std::mt19937 generator(static_cast<std::uint32_t>(seed));
  std::uniform_real_distribution<float> uniform(0.0F, 1.0F);
  std::vector<bfloat16> values(num_bytes / sizeof(bfloat16));
  for (bfloat16& value : values) value = uniform(generator) > 0.5F ? 1.0F : 0.0F;
  return packed(values);
}

std::vector<bfloat16> create_identity_matrix(int rows, int cols, int num_ones) {
  std::vector<bfloat16> matrix(static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols));
  for (int i = 0; i < num_ones; ++i) matrix.at(static_cast<std::size_t>(i) * static_cast<std::size_t>(cols + 1)) = 1.0F;
  return matrix;
}

std::vector<std::uint16_t> u16_from_u32_vector(const std::vector<std::uint32_t>& words) {
  std::vector<std::uint16_t> halves;
  halves.reserve(words.size() * 2);
  for (const std::uint32_t word : words) {
    halves.push_back(static_cast<std::uint16_t>(word));
    halves.push_back(static_cast<std::uint16_t>(word >> 16U));
  }
  return halves;
}

std::vector<std::uint32_t> u32_from_u16_vector(const std::vector<std::uint16_t>& halves) {
  std::vector<std::uint32_t> words;
  words.reserve(halves.size() / 2);
  for (std::size_t i = 0; i + 1 < halves.size(); i += 2) {
    words.push_back(halves[i] | std::uint32_t{halves[i + 1]} << 16U);
  }
  return words;
}

std::vector<std::uint32_t> pack_bfloat16_vec_into_uint32_vec(const std::vector<bfloat16>& values) { return packed(values); }

std::vector<bfloat16> unpack_uint32_vec_into_bfloat16_vec(const std::vector<std::uint32_t>& words,
                                                          const std::function<bfloat16(const bfloat16&)>& transform) {
  std::vector<bfloat16> values;
  values.reserve(words.size() * 2);
  for (const std::uint32_t word : words) {
    const auto [low, high] = unpack_two_bfloat16_from_uint32(word);
    values.push_back(transform(low));
    values.push_back(transform(high));
  }
  return values;
}

void print_vec_of_uint32_as_packed_bfloat16(const std::vector<std::uint32_t>& words, int num_tiles, const std::string& name,
                                            int tile_print_offset) {
  print_vec_of_bfloat16(unpack_uint32_vec_into_bfloat16_vec(words), num_tiles, name, tile_print_offset);
}

void print_vec_of_bfloat16(const std::vector<bfloat16>& values, int num_tiles, const std::string& name,
                           int tile_print_offset) {
  print_tiles(num_tiles, name, tile_print_offset, [&](std::size_t i) { return values.at(i).to_float(); });
}

bool equal_within_n_sig_figs(float a, float b, int n) {
  return fmt::format("{:.{}e}", a, n - 1) == fmt::format("{:.{}e}", b, n - 1);
}

bool equal_within_absolute_tolerance(float a, float b, float tolerance) { return std::fabs(a - b) < tolerance; }

bool is_close(float a, float b, float rtol, float atol) {
  const float difference = std::fabs(a - b);
  const float largest = std::max(std::fabs(a), std::fabs(b));
  if (difference <= atol || difference <= rtol * largest) return true;
  fmt::print("not close: {} and {} differ by {}, {} of the larger\n", a, b, difference, difference / largest);
  return false;
}

bool packed_uint32_t_vector_comparison(const std::vector<std::uint32_t>& a, const std::vector<std::uint32_t>& b,
                                       const std::function<bool(float, float)>& comparison_function, int* argfail) {
  if (a.size() != b.size()) {
    if (argfail != nullptr) *argfail = -1;
    return false;
  }
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto [a_low, a_high] = unpack_two_bfloat16_from_uint32(a[i]);
    const auto [b_low, b_high] = unpack_two_bfloat16_from_uint32(b[i]);
    if (comparison_function(a_low.to_float(), b_low.to_float()) &&
        comparison_function(a_high.to_float(), b_high.to_float())) {
      continue;
    }
    if (argfail != nullptr) *argfail = static_cast<int>(i);
    return false;
  }
  return true;
}
