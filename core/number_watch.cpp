// SPDX-License-Identifier: Apache-2.0
#include "core/number_watch.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/unpacker.h"

namespace tilegrid {
namespace {

constexpr int in_dst = -1;

bool is_denormal(float value) { return value != 0 && std::fabs(value) < std::numeric_limits<float>::min(); }

/// Denormals of a format with its own exponent in each datum: the field and what is below.
template <class Word>
bool has_denormal(Word bits, int exponent_bits, int mantissa_bits) {
  const auto field = static_cast<Word>(((Word{1} << exponent_bits) - 1) << mantissa_bits);
  const auto rest = static_cast<Word>((Word{1} << mantissa_bits) - 1);
  return (bits & field) == 0 && (bits & rest) != 0;
}

template <class Word, class Visit>
void for_each_word(const std::byte* l1, const Visit& visit) {
  for (int i = 0; i < tile_elements; ++i) {
    Word bits{};
    std::memcpy(&bits, l1 + static_cast<std::size_t>(i) * sizeof bits, sizeof bits);
    visit(i, bits);
  }
}

/// Whether a datum of the tile has the largest magnitude of its format and stands for more than that.
bool is_saturated(DataFormat format, const std::byte* l1, int element, float value, float packed) {
  const std::size_t at = element;
  if (is_block_float(format)) {
    const int bits = magnitude_bits(format);
    const unsigned largest = (1U << bits) - 1U;
    const std::size_t in_byte = 8U / (static_cast<unsigned>(bits) + 1U);
    const auto byte = std::to_integer<unsigned>(l1[block_float_exponents + at / in_byte]);
    const unsigned datum = byte >> at % in_byte * (static_cast<unsigned>(bits) + 1U);
    // Up to half a step more rounds to it. The narrow formats are cut from 7 bits: to them all that is below a whole step.
    const double over =
        bits == 7 ? (2.0 * largest + 1) / (2.0 * largest) : (largest + 1.0 - 1.0 / (2U << (7 - bits))) / largest;
    return (datum & largest) == largest && std::fabs(value) >= over * std::fabs(packed);
  }
  if (format != DataFormat::fp16) return false;
  std::uint16_t bits = 0;
  std::memcpy(&bits, l1 + at * sizeof bits, sizeof bits);
  return (bits & 0x7FFFU) == 0x7FFFU && std::fabs(value) > std::fabs(packed);
}

}  // namespace

const char* name_of(NumberEvent event) {
  constexpr EnumArray<NumberEvent, const char*> names{"infinities", "NaNs",         "denormals as 0",
                                                      "saturated",  "stopped sums", "negative exps"};
  return names[event];
}

void NumberWatch::reads(const char* operation, TileOperand tile, std::uint32_t cb, std::uint32_t index) {
  const auto at = [&](int element) { note(operation, NumberEvent::denormal, cb, index, element); };
  const auto look = [&](int exponent_bits, int mantissa_bits) {
    return [&at, exponent_bits, mantissa_bits](int i, auto bits) {
      if (has_denormal(bits, exponent_bits, mantissa_bits)) at(i);
    };
  };
  switch (tile.format) {
    case DataFormat::bf16:
      return for_each_word<std::uint16_t>(tile.data, look(8, 7));
    case DataFormat::fp16:
      return for_each_word<std::uint16_t>(tile.data, look(5, 10));
    case DataFormat::fp32:
    case DataFormat::tf32:
      return for_each_word<std::uint32_t>(tile.data, look(8, 23));
    default:  // block floats have no denormals, integers neither
      return;
  }
}

void NumberWatch::reads(const char* operation, const float* values, std::uint32_t slot) {
  for (int i = 0; i < tile_elements; ++i) {
    if (is_denormal(values[i])) note(operation, NumberEvent::denormal, in_dst, slot, i);
  }
}

void NumberWatch::keep(Values& to, const float* slots, int tile) {
  if (slots == nullptr) return to.fill(0.0F);
  std::copy_n(slots + std::ptrdiff_t{tile} * tile_elements, tile_elements, to.begin());
}

void NumberWatch::keep_finite(Values& to, std::span<const float* const> in) {
  to.fill(0.0F);
  for (const float* values : in) {
    for (std::size_t i = 0; i < to.size(); ++i) {
      if (!std::isfinite(values[i])) to[i] = values[i];
    }
  }
}

void NumberWatch::keep_packed(DataFormat format, const std::byte* l1) {
  unpack_tile(l1, format, RegisterFormat::fp32, false, before_.front().data());
}

void NumberWatch::wrote(const char* operation, const float* after, std::uint32_t slot, const Values& before,
                        const Values* addend) {
  for (int i = 0; i < tile_elements; ++i) {
    const std::size_t at = i;
    const float now = after[i];
    if (!std::isfinite(now)) {
      if (std::isnan(now) && !std::isnan(before[at])) note(operation, NumberEvent::nan, in_dst, slot, i);
      if (std::isinf(now) && std::isfinite(before[at])) note(operation, NumberEvent::infinity, in_dst, slot, i);
    } else if (addend != nullptr && now == before[at] && now * (*addend)[at] > 0) {
      note(operation, NumberEvent::stopped_sum, in_dst, slot, i);
    }
  }
}

void NumberWatch::packed(const float* source, const PackConfig& config, const std::byte* l1, std::uint32_t cb,
                         std::uint32_t index) {
  if (source == nullptr) return;
  if (is_integer(config.format)) return packed_integers(source, config.format, cb, index);
  const char* operation = config.l1_accumulate ? "pack_tile onto L1" : "pack_tile";
  Values got;  // NOLINT(cppcoreguidelines-pro-type-member-init): unpacked at once
  unpack_tile(l1, config.format, RegisterFormat::fp32, false, got.data());
  const Values& before = before_.front();
  for (int i = 0; i < tile_elements; ++i) {
    const std::size_t at = i;
    const auto found = [&](NumberEvent event) { note(operation, event, cb, index, i); };
    const float value = source[i];
    if (std::isnan(value)) {
      found(NumberEvent::nan);
    } else if (std::isfinite(value) && !std::isfinite(got[at]) && !(config.l1_accumulate && !std::isfinite(before[at]))) {
      found(NumberEvent::infinity);
    } else if (is_denormal(value)) {
      found(NumberEvent::denormal);
    } else if (config.l1_accumulate) {
      if (got[at] == before[at] && got[at] * value > 0) found(NumberEvent::stopped_sum);
    } else if (is_saturated(config.format, l1, i, value, got[at])) {
      found(NumberEvent::saturation);
    }
  }
}

void NumberWatch::exponentials(const char* operation, const float* values, std::uint32_t slot) {
  for (int i = 0; i < tile_elements; ++i) {
    if (values[i] < 0) note(operation, NumberEvent::negative_exp, in_dst, slot, i);
  }
}

void NumberWatch::packed_integers(const float* source, DataFormat format, std::uint32_t cb, std::uint32_t index) {
  if (format != DataFormat::int8 && format != DataFormat::uint8) return;  // the others keep bits, and have no end
  const std::int32_t least = format == DataFormat::int8 ? -127 : 0;
  const std::int32_t most = format == DataFormat::int8 ? 127 : 255;
  for (int i = 0; i < tile_elements; ++i) {
    const auto word = std::bit_cast<std::int32_t>(source[i]);
    if (word < least || word > most) note("pack_tile", NumberEvent::saturation, cb, index, i);
  }
}

void NumberWatch::note(const char* operation, NumberEvent event, int cb, std::uint32_t tile, int element) {
  const auto found = std::find_if(records_.begin(), records_.end(), [&](const NumberRecord& record) {
    return record.event == event && record.operation == operation;
  });
  if (found != records_.end()) {
    ++found->count;
    return;
  }
  const int face = element / (face_side * face_side);
  const int within = element % (face_side * face_side);
  records_.push_back({operation,
                      event,
                      1,
                      {cb, tile, face / 2 * face_side + within / face_side, face % 2 * face_side + within % face_side}});
}

}  // namespace tilegrid
