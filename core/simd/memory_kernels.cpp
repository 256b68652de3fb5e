// SPDX-License-Identifier: Apache-2.0
#include "core/simd/memory_kernels.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "core/simd/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/simd/memory_kernels.cpp"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#ifndef TILEGRID_CORE_SIMD_MEMORY_KERNELS
#define TILEGRID_CORE_SIMD_MEMORY_KERNELS
namespace tilegrid::simd {

/// Keys of the words of stripe 0; those of the next stripe are `key_step` higher. The first digits of the square roots of
/// eight primes, and of the golden ratio: numbers with no pattern.
constexpr StripeSums first_keys{0x6A09'E667'F3BC'C908, 0xBB67'AE85'84CA'A73B, 0x3C6E'F372'FE94'F82B, 0xA54F'F53A'5F1D'36F1,
                                0x510E'527F'ADE6'82D1, 0x9B05'688C'2B3E'6C1F, 0x1F83'D9AB'FB41'BD6B, 0x5BE0'CD19'137E'2179};
constexpr std::uint64_t key_step = 0x9E37'79B9'7F4A'7C15;

}  // namespace tilegrid::simd
#endif

HWY_BEFORE_NAMESPACE();
namespace tilegrid::simd {
namespace HWY_NAMESPACE {

#if HWY_TARGET == HWY_SCALAR

HWY_NOINLINE bool holds_word(std::uint64_t word, const std::byte* memory, std::size_t bytes) {
  for (std::size_t at = 0; at < bytes; at += sizeof word) {
    if (std::memcmp(memory + at, &word, sizeof word) == 0) return true;
  }
  return false;
}

HWY_NOINLINE void add_stripes(StripeSums& sums, std::uint64_t first, const std::byte* memory, std::size_t bytes) {
  for (std::size_t at = 0; at < bytes; at += stripe_bytes, ++first) {
    StripeSums words;
    std::memcpy(words.data(), memory + at, stripe_bytes);
    for (std::size_t i = 0; i < words.size(); ++i) {
      const std::uint64_t mixed = words[i] ^ (first_keys[i] + first * key_step);
      sums[i] += std::rotl(words[i], 32) + (mixed & 0xFFFF'FFFFU) * (mixed >> 32U);
    }
  }
}

#else
namespace hn = hwy::HWY_NAMESPACE;

using WordTag = hn::CappedTag<std::uint64_t, 8>;
using Words = hn::Vec<WordTag>;
constexpr std::size_t lanes = hn::MaxLanes(WordTag());
constexpr std::size_t vectors = stripe_bytes / sizeof(std::uint64_t) / lanes;  ///< of a stripe

HWY_INLINE Words load_words(const std::byte* memory) {
  using ByteTag = hn::Repartition<std::uint8_t, WordTag>;
  return hn::BitCast(WordTag(), hn::LoadU(ByteTag(), reinterpret_cast<const std::uint8_t*>(memory)));
}

HWY_NOINLINE bool holds_word(std::uint64_t word, const std::byte* memory, std::size_t bytes) {
  const WordTag d;
  const Words wanted = hn::Set(d, word);
  constexpr std::size_t block = 8 * stripe_bytes;  // a jump for each would cost more than the comparisons
  std::size_t at = 0;
  for (; at + block <= bytes; at += block) {
    auto any = hn::Eq(load_words(memory + at), wanted);
    for (std::size_t i = sizeof(Words); i < block; i += sizeof(Words)) {
      any = hn::Or(any, hn::Eq(load_words(memory + at + i), wanted));
    }
    if (!hn::AllFalse(d, any)) return true;
  }
  for (; at < bytes; at += sizeof(Words)) {
    if (!hn::AllFalse(d, hn::Eq(load_words(memory + at), wanted))) return true;
  }
  return false;
}

HWY_NOINLINE void add_stripes(StripeSums& sums, std::uint64_t first, const std::byte* memory, std::size_t bytes) {
  const WordTag d;
  const hn::Repartition<std::uint32_t, WordTag> halves;
  const Words step = hn::Set(d, key_step);
  Words sum[vectors];
  Words key[vectors];
  for (std::size_t i = 0; i < vectors; ++i) {
    sum[i] = hn::LoadU(d, sums.data() + i * lanes);
    key[i] = hn::Add(hn::LoadU(d, first_keys.data() + i * lanes), hn::Set(d, first * key_step));
  }
  for (std::size_t at = 0; at < bytes; at += stripe_bytes) {
    for (std::size_t i = 0; i < vectors; ++i) {
      const Words words = load_words(memory + at + i * sizeof(Words));
      const Words mixed = hn::Xor(words, key[i]);
      const Words product = hn::MulEven(hn::BitCast(halves, mixed), hn::BitCast(halves, hn::ShiftRight<32>(mixed)));
      const Words swapped = hn::BitCast(d, hn::Shuffle2301(hn::BitCast(halves, words)));
      sum[i] = hn::Add(sum[i], hn::Add(swapped, product));
      key[i] = hn::Add(key[i], step);
    }
  }
  for (std::size_t i = 0; i < vectors; ++i) hn::StoreU(sum[i], d, sums.data() + i * lanes);
}

#endif

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace tilegrid::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tilegrid::simd {

HWY_EXPORT(holds_word);
HWY_EXPORT(add_stripes);

bool holds_word(std::uint64_t word, const std::byte* memory, std::size_t bytes) {
  return HWY_DYNAMIC_DISPATCH(holds_word)(word, memory, bytes);
}
void add_stripes(StripeSums& sums, std::uint64_t first, const std::byte* memory, std::size_t bytes) {
  HWY_DYNAMIC_DISPATCH(add_stripes)(sums, first, memory, bytes);
}

}  // namespace tilegrid::simd
#endif  // HWY_ONCE
