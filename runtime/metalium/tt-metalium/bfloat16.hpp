// SPDX-License-Identifier: Apache-2.0
// A number of 16 bits, and vectors of such as examples and tests for TT-Metalium make, pack and compare them.
#pragma once

#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <ostream>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

/// The upper half of a float, rounded to nearest, ties to even. Programs of all years construct and read it: by value and
/// operators, or by to_float() and from bits. A std::uint16_t is taken for bits, as it was first; any other number for a
/// value.
class bfloat16 {
 public:
  constexpr bfloat16() = default;
  template <class T>
  requires std::is_arithmetic_v<T>
  constexpr bfloat16(T value) noexcept : bits_(bits_of(value)) {}
  /// Without rounding.
  [[nodiscard]] static bfloat16 truncate(float value) {
    return bfloat16(static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16U));
  }

  constexpr operator float() const { return to_float(); }
  [[nodiscard]] constexpr float to_float() const { return std::bit_cast<float>(std::uint32_t{bits_} << 16U); }
  [[nodiscard]] constexpr std::uint16_t to_uint16() const { return bits_; }
  [[nodiscard]] constexpr std::uint16_t to_packed() const { return bits_; }

  constexpr bool operator==(bfloat16 other) const { return to_float() == other.to_float(); }
  constexpr std::partial_ordering operator<=>(bfloat16 other) const { return to_float() <=> other.to_float(); }
  bfloat16& operator+=(bfloat16 other) { return *this = *this + other; }
  bfloat16& operator-=(bfloat16 other) { return *this = *this - other; }
  bfloat16& operator*=(bfloat16 other) { return *this = *this * other; }
  bfloat16& operator/=(bfloat16 other) { return *this = *this / other; }
  bfloat16 operator+(bfloat16 other) const { return to_float() + other.to_float(); }
  bfloat16 operator-(bfloat16 other) const { return to_float() - other.to_float(); }
  bfloat16 operator*(bfloat16 other) const { return to_float() * other.to_float(); }
  bfloat16 operator/(bfloat16 other) const { return to_float() / other.to_float(); }

 private:
  template <class T>
  static constexpr std::uint16_t bits_of(T value) noexcept {
    if constexpr (std::is_same_v<T, std::uint16_t>) {
      return value;
    } else {
      const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(value));
      if ((bits & 0x7FFFFFFFU) > 0x7F800000U) return static_cast<std::uint16_t>(bits >> 16U | 0x40U);
      return static_cast<std::uint16_t>((bits + 0x7FFFU + (bits >> 16U & 1U)) >> 16U);
    }
  }
  std::uint16_t bits_ = 0;
};
static_assert(sizeof(bfloat16) == 2);

std::ostream& operator<<(std::ostream& stream, const bfloat16& value);

[[nodiscard]] std::uint32_t pack_two_bfloat16_into_uint32(std::pair<bfloat16, bfloat16> low_and_high);
[[nodiscard]] std::pair<bfloat16, bfloat16> unpack_two_bfloat16_from_uint32(std::uint32_t word);

/// 0, 1, 2, ...
[[nodiscard]] std::vector<std::uint32_t> create_arange_vector_of_bfloat16(std::size_t num_bytes, bool print = true);
/// Uniform in [offset, offset + max), from a Mersenne twister with that seed.
[[nodiscard]] std::vector<bfloat16> create_random_vector_of_bfloat16_native(std::size_t num_bytes, float rand_max_float,
                                                                            int seed, float offset = 0.0F);
[[nodiscard]] std::vector<std::uint32_t> create_random_vector_of_bfloat16(std::size_t num_bytes, int rand_max_float,
                                                                          int seed, float offset = 0.0F);
[[nodiscard]] std::vector<std::uint32_t> create_random_vector_of_bfloat16_1_1(std::size_t num_bytes, int seed);
[[nodiscard]] std::vector<std::uint32_t> create_random_vector_of_bfloat16_0_2(std::size_t num_bytes, int seed);
[[nodiscard]] std::vector<std::uint32_t> create_constant_vector_of_bfloat16(std::size_t num_bytes, float value);
[[nodiscard]] std::vector<std::uint32_t> create_random_binary_vector_of_bfloat16(std::size_t num_bytes, int seed);
/// `num_ones` ones on the diagonal.
[[nodiscard]] std::vector<bfloat16> create_identity_matrix(int rows, int cols, int num_ones);

[[nodiscard]] std::vector<std::uint16_t> u16_from_u32_vector(const std::vector<std::uint32_t>& words);
[[nodiscard]] std::vector<std::uint32_t> u32_from_u16_vector(const std::vector<std::uint16_t>& halves);
[[nodiscard]] std::vector<std::uint32_t> pack_bfloat16_vec_into_uint32_vec(const std::vector<bfloat16>& values);
[[nodiscard]] inline bfloat16 bfloat16_identity_transform(const bfloat16& value) { return value; }
[[nodiscard]] std::vector<bfloat16> unpack_uint32_vec_into_bfloat16_vec(
    const std::vector<std::uint32_t>& words,
    const std::function<bfloat16(const bfloat16&)>& transform = bfloat16_identity_transform);

/// Tiles of 32x32 on standard output.
void print_vec_of_uint32_as_packed_bfloat16(const std::vector<std::uint32_t>& words, int num_tiles,
                                            const std::string& name = "", int tile_print_offset = 0);
void print_vec_of_bfloat16(const std::vector<bfloat16>& values, int num_tiles, const std::string& name = "",
                           int tile_print_offset = 0);

[[nodiscard]] bool equal_within_n_sig_figs(float a, float b, int n);
[[nodiscard]] bool equal_within_absolute_tolerance(float a, float b, float tolerance);
/// Within `atol`, or within `rtol` of the larger; prints what is not.
[[nodiscard]] bool is_close(float a, float b, float rtol = 0.01F, float atol = 0.001F);
/// Compares the numbers in the words; `argfail` gets the index of the first word that differs.
[[nodiscard]] bool packed_uint32_t_vector_comparison(const std::vector<std::uint32_t>& a,
                                                     const std::vector<std::uint32_t>& b,
                                                     const std::function<bool(float, float)>& comparison_function,
                                                     int* argfail = nullptr);
