// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <type_traits>

/// How things are counted and found by number, so that no call needs a cast.
///
/// Ids (of a core, a circular buffer, a semaphore, a rank, a bank, a value or a slot of a plan) are plain integers and index
/// a container as they are; the build asks for no casts between signed and unsigned numbers (scripts/cmake), only where a
/// number may get shorter. Where a product may exceed an int, write `std::int64_t{a} * b`.
///
/// An enum that indexes gets an EnumArray, which takes the enum itself, and its loops are over each<Enum>.
namespace tilegrid {

/// How many values an enum has, which count up from 0. Specialised beside an enum that indexes something:
///   template <>
///   inline constexpr int enum_size<Risc> = count_to(Risc::trisc);
template <class Enum>
inline constexpr int enum_size = 0;

/// The number that stands behind an enum's value, of the enum's own type.
template <class Enum>
requires std::is_enum_v<Enum>
[[nodiscard]] constexpr std::underlying_type_t<Enum> to_underlying(Enum value) {
  return static_cast<std::underlying_type_t<Enum>>(value);
}

/// How many elements there are, as an int or another integer: no container of ids has more than that holds.
template <class Int = int, class Container>
[[nodiscard]] constexpr Int count_of(const Container& container) {
  return static_cast<Int>(container.size());
}

/// The number of values of an enum whose last one is `last`.
template <class Enum>
[[nodiscard]] constexpr int count_to(Enum last) {
  return static_cast<int>(last) + 1;
}

/// An array with a T for every value of an enum. An integer indexes it as well: what comes from a file or a message.
template <class Enum, class T>
struct EnumArray : std::array<T, static_cast<std::size_t>(enum_size<Enum>)> {
  static_assert(enum_size<Enum> > 0, "enum_size is to be specialised beside the enum");
  using Base = std::array<T, static_cast<std::size_t>(enum_size<Enum>)>;
  using Base::at;
  using Base::operator[];
  [[nodiscard]] constexpr T& operator[](Enum index) { return Base::operator[](static_cast<std::size_t>(index)); }
  [[nodiscard]] constexpr const T& operator[](Enum index) const { return Base::operator[](static_cast<std::size_t>(index)); }
  /// Throws std::out_of_range for a value that the enum does not have.
  [[nodiscard]] constexpr T& at(Enum index) { return Base::at(static_cast<std::size_t>(index)); }
  [[nodiscard]] constexpr const T& at(Enum index) const { return Base::at(static_cast<std::size_t>(index)); }
};

/// All values of an enum, in order: for (const Risc risc : each<Risc>).
template <class Enum>
inline constexpr auto each = [] {
  EnumArray<Enum, Enum> values{};
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<Enum>(i);
  return values;
}();

}  // namespace tilegrid
