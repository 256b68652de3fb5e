// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tilegrid/dataflow.h"

// Buffers that are spread over banks: address generators of all years. Page i of an interleaved buffer is in bank i mod
// banks; a DRAM page begins at a multiple of 32 bytes (64 on Blackhole), an L1 page at one of 16. L1 bank b is the b-th
// worker of the grid, row by row.

namespace tilegrid_device {

#if defined(ARCH_BLACKHOLE)
inline constexpr uint32_t dram_alignment = 64;
#else
inline constexpr uint32_t dram_alignment = 32;
#endif

constexpr uint32_t align_up(uint32_t value, uint32_t to) { return (value + to - 1) / to * to; }

template <bool DRAM>
inline uint64_t interleaved_address(uint32_t page, uint32_t base, uint32_t page_bytes, uint32_t offset, Line at) {
  const uint32_t banks = tg().place(DRAM ? 6 : 7);
  const uint32_t step = align_up(page_bytes, DRAM ? dram_alignment : 16);
  return tg().bank_address(DRAM, page % banks, base + page / banks * step + offset, at);
}

}  // namespace tilegrid_device

template <bool DRAM>
struct InterleavedAddrGen {
  uint32_t bank_base_address;
  uint32_t page_size;
  const uint32_t aligned_page_size = tilegrid_device::align_up(page_size, DRAM ? tilegrid_device::dram_alignment : 16);
  uint64_t get_noc_addr(uint32_t id, uint32_t offset = 0, uint8_t = noc_index, TG_AT) const {
    return tilegrid_device::interleaved_address<DRAM>(id, bank_base_address, page_size, offset, at);
  }
  void noc_async_read_page(uint32_t id, uint32_t l1, uint32_t offset = 0, uint8_t noc = noc_index, TG_AT) const {
    tilegrid_device::tg().read(get_noc_addr(id, offset, noc, at), l1, page_size, false, noc, at);
  }
};

template <bool DRAM>
struct InterleavedPow2AddrGen {
  uint32_t bank_base_address;
  uint32_t log_base_2_of_page_size;
  const uint32_t page_size = 1U << log_base_2_of_page_size;
  uint64_t get_noc_addr(uint32_t id, uint32_t offset = 0, uint8_t = noc_index, TG_AT) const {
    return tilegrid_device::interleaved_address<DRAM>(id, bank_base_address, 1U << log_base_2_of_page_size, offset, at);
  }
};

template <bool DRAM>
struct InterleavedPow2AddrGenFast {
  uint32_t bank_base_address;
  uint32_t log_base_2_of_page_size;
  const uint32_t page_size = 1U << log_base_2_of_page_size;
  uint64_t get_noc_addr(uint32_t id, uint32_t offset = 0, uint8_t = noc_index, TG_AT) const {
    return tilegrid_device::interleaved_address<DRAM>(id, bank_base_address, 1U << log_base_2_of_page_size, offset, at);
  }
  void noc_async_read_page(uint32_t id, uint32_t l1, uint32_t offset = 0, uint8_t noc = noc_index, TG_AT) const {
    tilegrid_device::tg().read(get_noc_addr(id, offset, noc, at), l1, page_size, false, noc, at);
  }
  void noc_async_read_partial_page(uint32_t id, uint32_t l1, uint32_t bytes, uint32_t offset = 0, uint8_t noc = noc_index,
                                   TG_AT) const {
    tilegrid_device::tg().read(get_noc_addr(id, offset, noc, at), l1, bytes, false, noc, at);
  }
  void noc_async_write_page(uint32_t id, uint32_t l1, uint32_t bytes, uint32_t offset = 0, uint8_t noc = noc_index,
                            TG_AT) const {
    tilegrid_device::tg().write(l1, get_noc_addr(id, offset, noc, at), bytes, false, noc, at);
  }
};

template <bool DRAM, uint32_t tile_hw = 1024>
struct InterleavedAddrGenFast {
  uint32_t bank_base_address;
  uint32_t page_size;
  DataFormat data_format;
  uint64_t get_noc_addr(uint32_t id, uint32_t offset = 0, uint8_t = noc_index, TG_AT) const {
    return tilegrid_device::interleaved_address<DRAM>(id, bank_base_address, page_size, offset, at);
  }
  void noc_async_read_tile(uint32_t id, uint32_t l1, uint32_t offset = 0, uint8_t noc = noc_index, TG_AT) const {
    tilegrid_device::tg().read(get_noc_addr(id, offset, noc, at), l1, page_size, false, noc, at);
  }
  void noc_async_write_tile(uint32_t id, uint32_t l1, uint8_t noc = noc_index, TG_AT) const {
    tilegrid_device::tg().write(l1, get_noc_addr(id, 0, noc, at), page_size, false, noc, at);
  }
};

template <bool DRAM>
inline InterleavedAddrGen<DRAM> get_interleaved_addr_gen(uint32_t base, uint32_t page_size) {
  return {.bank_base_address = base, .page_size = page_size};
}
/// With the page's bytes known to the compiler; and as bytes, or as their logarithm when they are a power of two.
template <bool DRAM, auto page_size>
requires(!__is_same(decltype(page_size), bool)) inline InterleavedAddrGen<DRAM> get_interleaved_addr_gen(uint32_t base) {
  return {.bank_base_address = base, .page_size = static_cast<uint32_t>(page_size)};
}
template <bool DRAM, bool is_size_pow2>
inline auto get_interleaved_addr_gen(uint32_t base, uint32_t page_size, uint32_t log2_page_size) {
  if constexpr (is_size_pow2) {
    return InterleavedPow2AddrGen<DRAM>{.bank_base_address = base, .log_base_2_of_page_size = log2_page_size};
  } else {
    return InterleavedAddrGen<DRAM>{.bank_base_address = base, .page_size = page_size};
  }
}
template <bool DRAM, bool is_size_pow2>
inline auto get_interleaved_addr_gen(uint32_t base, uint32_t size) {
  return get_interleaved_addr_gen<DRAM, is_size_pow2>(base, size, size);
}

// ---- TensorAccessor: where a page is, from what the host appended to the arguments: the configuration (bit 0: sharded, bit
// 1: in DRAM, bits 2 to 6: which of the following are common runtime arguments), and for sharded tensors rank, number of
// banks, shape of the tensor and of a shard in pages, and the banks' coordinates (x in bits 8 to 15, y below; of DRAM the
// bank's number as x), two to a word.

namespace tilegrid_device {

inline constexpr uint32_t arg_at(uint32_t index) { return index < TILEGRID_ARG_COUNT ? compile_args[index] : 0; }

}  // namespace tilegrid_device

template <uint32_t CTA_OFFSET = 0, uint32_t CRTA_OFFSET = 0>
struct TensorAccessorArgs {
  static constexpr uint32_t config = tilegrid_device::arg_at(CTA_OFFSET);
  static constexpr bool is_sharded = (config & 1U) != 0;
  static constexpr bool is_dram = (config & 2U) != 0;
  constexpr TensorAccessorArgs() = default;
  constexpr explicit TensorAccessorArgs(uint32_t) {}

  // Which are runtime arguments, and how many words each has; rank and banks must be known to lay out what follows.
  static constexpr bool rank_later = (config & 4U) != 0, banks_later = (config & 8U) != 0,
                        tensor_later = (config & 16U) != 0, shard_later = (config & 32U) != 0,
                        coords_later = (config & 64U) != 0;
  static_assert(CTA_OFFSET < TILEGRID_ARG_COUNT, "the host gives the kernel no TensorAccessorArgs at this offset");
  static_assert(!is_sharded || (!rank_later && !banks_later),
                "TensorAccessorArgs with a rank or banks of runtime are not there");
  static constexpr uint32_t rank = is_sharded ? tilegrid_device::arg_at(CTA_OFFSET + 1) : 0;
  static constexpr uint32_t banks = is_sharded ? tilegrid_device::arg_at(CTA_OFFSET + 2) : 0;
  static constexpr uint32_t tensor_at = is_sharded ? CTA_OFFSET + 3 : CTA_OFFSET + 1;
  static constexpr uint32_t shard_at = tensor_at + (tensor_later ? 0 : rank);
  static constexpr uint32_t coords_at = shard_at + (shard_later ? 0 : rank);
  static constexpr uint32_t end_at = coords_at + (coords_later ? 0 : (banks + 1) / 2);
  static constexpr uint32_t tensor_crta = CRTA_OFFSET;
  static constexpr uint32_t shard_crta = tensor_crta + (tensor_later ? rank : 0);
  static constexpr uint32_t coords_crta = shard_crta + (shard_later ? rank : 0);
  static constexpr uint32_t end_crta = coords_crta + (coords_later ? (banks + 1) / 2 : 0);

  static constexpr uint32_t next_compile_time_args_offset() { return end_at; }
  static constexpr uint32_t next_common_runtime_args_offset() { return end_crta; }
  static constexpr uint32_t num_compile_time_args() { return end_at - CTA_OFFSET; }

  static uint32_t word(bool later, uint32_t cta, uint32_t crta, uint32_t index, tilegrid_device::Line at) {
    return later ? tilegrid_device::tg().common_arg(crta + index, at) : tilegrid_device::arg_at(cta + index);
  }
  static uint32_t tensor_pages(uint32_t d, tilegrid_device::Line at) {
    return word(tensor_later, tensor_at, tensor_crta, d, at);
  }
  static uint32_t shard_pages(uint32_t d, tilegrid_device::Line at) {
    return word(shard_later, shard_at, shard_crta, d, at);
  }
  static uint32_t bank_xy(uint32_t bank, tilegrid_device::Line at) {
    return word(coords_later, coords_at, coords_crta, bank / 2, at) >> (bank % 2 * 16) & 0xFFFFU;
  }
};

namespace tensor_accessor {
/// A page of a tensor, as a range of them gives it.
class Page {
 public:
  constexpr Page(uint64_t address, uint32_t id) : address_(address), id_(id) {}
  constexpr uint64_t noc_addr() const { return address_; }
  constexpr uint64_t get_noc_addr() const { return address_; }
  constexpr uint32_t get_page_id() const { return id_; }
  constexpr uint32_t page_id() const { return id_; }

 private:
  uint64_t address_;
  uint32_t id_;
};

/// Pages one after the other; `Next` finds the first from a number on that is there, and its page.
template <class Next>
class Pages {
 public:
  class iterator {
   public:
    iterator(const Next* next, uint32_t i) : next_(next), i_(i) { next_->skip(i_); }
    const Page& operator*() const { return page_ = next_->page(i_); }
    const Page* operator->() const { return &**this; }
    iterator& operator++() { return *this += 1; }
    iterator operator++(int) {
      const iterator before = *this;
      ++*this;
      return before;
    }
    iterator& operator+=(ptrdiff_t steps) {
      i_ += static_cast<uint32_t>(steps);
      next_->skip(i_);
      return *this;
    }
    iterator operator+(ptrdiff_t steps) const { return iterator(*this) += steps; }
    bool operator==(const iterator& other) const { return i_ == other.i_; }
    bool operator<(const iterator& other) const { return i_ < other.i_; }

   private:
    const Next* next_;
    uint32_t i_;
    mutable Page page_{0, 0};
  };
  Pages(Next next, uint32_t first) : next_(next), first_(first) {}
  iterator begin() const { return {&next_, first_}; }
  iterator end() const { return {&next_, next_.end}; }

 private:
  Next next_;
  uint32_t first_;
};
/// Of the whole tensor.
template <class Accessor>
struct AllPages {
  Accessor accessor;
  uint32_t end;
  tilegrid_device::Line at;
  void skip(uint32_t& i) const { i = i < end ? i : end; }
  Page page(uint32_t i) const { return {accessor.get_noc_addr(i, 0, 0, at), i}; }
};
/// Of a shard, without those that the tensor does not have.
template <class Accessor>
struct PagesOfShard {
  Accessor accessor;
  uint32_t shard, end;
  tilegrid_device::Line at;
  void skip(uint32_t& i) const {
    while (i < end && accessor.page_of(shard, i, at) == UINT32_MAX) ++i;
    i = i < end ? i : end;
  }
  Page page(uint32_t i) const {
    return {accessor.get_shard_noc_addr(shard, i * accessor.aligned_page_size, 0, at), accessor.page_of(shard, i, at)};
  }
};
}  // namespace tensor_accessor

/// What of its arguments the accessor of an interleaved tensor needs: where they begin is no part of its type.
template <bool dram>
struct InterleavedArgs {
  static constexpr bool is_sharded = false, is_dram = dram;
  static constexpr uint32_t rank = 0;  // its shape is not known
};

template <class Args>
struct TensorAccessor {
  uint32_t bank_base_address;
  uint32_t page_size;
  const uint32_t aligned_page_size =
      tilegrid_device::align_up(page_size, Args::is_dram ? tilegrid_device::dram_alignment : 16);

  template <class From>
  constexpr TensorAccessor(const From&, uint32_t address, uint32_t page_bytes = 0)
      : bank_base_address(address), page_size(page_bytes) {}

  uint64_t get_noc_addr(uint32_t page, uint32_t offset = 0, uint8_t = noc_index, TG_AT) const {
    if constexpr (!Args::is_sharded) {
      return tilegrid_device::interleaved_address<Args::is_dram>(page, bank_base_address, page_size, offset, at);
    } else {
      return address_of(place_of(page, at), offset, at);
    }
  }
  /// By the page's coordinates.
  template <class Coordinates>
  requires requires(const Coordinates& page) { page[0]; }
  uint64_t get_noc_addr(const Coordinates& page, uint32_t offset = 0, uint8_t noc = noc_index, TG_AT) const {
    static_assert(Args::is_sharded, "pages of an interleaved tensor have a number only: its shape is not known");
    uint32_t id = 0;
    for (uint32_t i = 0; i < Args::rank; ++i) id = id * Args::tensor_pages(i, at) + page[i];
    return get_noc_addr(id, offset, noc, at);
  }
  uint32_t get_aligned_page_size() const { return aligned_page_size; }
  uint64_t get_shard_noc_addr(uint32_t shard, uint32_t offset = 0, uint8_t = noc_index, TG_AT) const {
    static_assert(Args::is_sharded, "the tensor is interleaved: it has no shards");
    const Place place{shard % Args::banks, shard / Args::banks * shard_volume(at)};
    return address_of(place, offset, at);
  }
  /// From page `first` on up to `end`; of a sharded tensor all, without them.
  tensor_accessor::Pages<tensor_accessor::AllPages<TensorAccessor>> pages(uint32_t first = 0, uint32_t end = 0,
                                                                          uint8_t = noc_index, TG_AT) const {
    if constexpr (Args::is_sharded) {
      if (end == 0) end = volume(Args::tensor_pages, at);
    }
    return {{*this, end, at}, first};
  }
  tensor_accessor::Pages<tensor_accessor::PagesOfShard<TensorAccessor>> shard_pages(uint32_t shard, uint32_t first = 0,
                                                                                    uint32_t end = 0, uint8_t = noc_index,
                                                                                    TG_AT) const {
    static_assert(Args::is_sharded, "the tensor is interleaved: it has no shards");
    return {{*this, shard, end == 0 ? shard_volume(at) : end, at}, first};
  }
  uint32_t shard_volume(tilegrid_device::Line at) const { return volume(Args::shard_pages, at); }
  /// The page at place `i` of a shard; none (all bits) where the shard goes beyond the tensor.
  uint32_t page_of(uint32_t shard, uint32_t i, tilegrid_device::Line at) const {
    uint32_t page = 0, step = 1;
    for (uint32_t d = Args::rank; d-- > 0;) {
      const uint32_t tensor = Args::tensor_pages(d, at), width = Args::shard_pages(d, at);
      const uint32_t shards = (tensor + width - 1) / width;
      const uint32_t index = shard % shards * width + i % width;
      if (index >= tensor) return UINT32_MAX;
      page += index * step;
      step *= tensor;
      shard /= shards;
      i /= width;
    }
    return page;
  }
  /// Of row `row` of a tensor of two dimensions, whose rows may be several pages wide: the parts of `bytes` from `offset`
  /// on, as NoC address, bytes before it, and bytes.
  template <class Do>
  void each_part(uint32_t row, uint32_t offset, uint32_t bytes, const Do& part, TG_AT) const {
    if constexpr (Args::is_sharded && Args::rank > 1) {
      const uint32_t pages = Args::tensor_pages(1, at);
      for (uint32_t done = 0; pages > 1 && done < bytes;) {
        const uint32_t in_page = (offset + done) % aligned_page_size;
        const uint32_t size = bytes - done < aligned_page_size - in_page ? bytes - done : aligned_page_size - in_page;
        part(get_noc_addr(row * pages + (offset + done) / aligned_page_size, in_page, noc_index, at), done, size);
        done += size;
      }
      if (pages > 1) return;
    }
    part(get_noc_addr(row, offset, noc_index, at), 0U, bytes);
  }
  bool is_local_addr(uint64_t address, uint8_t = noc_index) const { return (address >> 36U) == (get_own() >> 36U); }
  template <class Coordinates>
  bool is_local_page(Coordinates page, uint8_t = noc_index, TG_AT) const {
    return is_local_addr(get_noc_addr(page, 0, noc_index, at));
  }

 private:
  static uint64_t get_own() { return ::get_noc_addr(0U); }
  struct Place {
    uint32_t bank, page;
  };
  uint64_t address_of(Place place, uint32_t offset, tilegrid_device::Line at) const {
    const uint32_t address = bank_base_address + place.page * aligned_page_size + offset;
    const uint32_t xy = Args::bank_xy(place.bank, at);
    if (Args::is_dram) return tilegrid_device::tg().bank_address(true, xy >> 8U, address, at);
    return tilegrid_device::tg().noc_address(xy >> 8U, xy & 0xFFU, address);
  }
  template <class Pages>
  static uint32_t volume(Pages pages, tilegrid_device::Line at) {
    uint32_t all = 1;
    for (uint32_t i = 0; i < Args::rank; ++i) all *= pages(i, at);
    return all;
  }
  /// Shards are dealt to the banks in turn, in row-major order of their coordinates.
  Place place_of(uint32_t page, tilegrid_device::Line at) const {
    uint32_t shard = 0, in_shard = 0, shard_step = 1, page_step = 1;
    for (uint32_t i = Args::rank; i-- > 0;) {
      const uint32_t tensor = Args::tensor_pages(i, at), width = Args::shard_pages(i, at);
      const uint32_t index = page % tensor;
      page /= tensor;
      shard += index / width * shard_step;
      in_shard += index % width * page_step;
      shard_step *= (tensor + width - 1) / width;
      page_step *= width;
    }
    return {shard % Args::banks, shard / Args::banks * page_step + in_shard};
  }
};
template <class T>
inline constexpr bool has_page_size_v = requires(const T& g) {
  g.page_size;
};
template <class T>
inline constexpr bool has_get_aligned_page_size_v = requires(const T& g) {
  g.get_aligned_page_size();
};
template <class T>
inline constexpr bool has_log_base_2_of_page_size_v = requires(const T& g) {
  g.log_base_2_of_page_size;
};
template <class T>
inline constexpr bool has_get_noc_addr_v = requires(const T& g) {
  g.get_noc_addr(0U, 0U, uint8_t{0});
};
template <class T>
inline constexpr bool has_required_addrgen_traits_v = has_get_noc_addr_v<T> &&
                                                      (has_get_aligned_page_size_v<T> || has_page_size_v<T> ||
                                                       has_log_base_2_of_page_size_v<T>);

template <class Args>
using tilegrid_accessor_args = std::conditional_t<Args::is_sharded, Args, InterleavedArgs<Args::is_dram>>;
template <class Args>
TensorAccessor(Args, uint32_t) -> TensorAccessor<tilegrid_accessor_args<Args>>;
template <class Args>
TensorAccessor(Args, uint32_t, uint32_t) -> TensorAccessor<tilegrid_accessor_args<Args>>;

// ---- Several tensors: their arguments lie one behind the other, addresses are runtime arguments, bytes of a page follow.
template <uint32_t NUM_TENSORS, uint32_t CTA_OFFSET>
constexpr auto make_tensor_accessor_args_tuple() {
  if constexpr (NUM_TENSORS == 0) {
    return std::tuple<>();
  } else {
    using First = TensorAccessorArgs<CTA_OFFSET>;
    return std::tuple_cat(std::make_tuple(First()),
                          make_tensor_accessor_args_tuple<NUM_TENSORS - 1, First::next_compile_time_args_offset()>());
  }
}
namespace tilegrid_device {
template <class Tuple, size_t... i>
inline auto accessors_of(const Tuple& args, uint32_t address, uint32_t page_size, std::index_sequence<i...>) {
  return std::make_tuple(TensorAccessor(std::get<i>(args), get_arg_val<uint32_t>(static_cast<int>(address + i)),
                                        arg_at(page_size + static_cast<uint32_t>(i)))...);
}
}  // namespace tilegrid_device
template <class... Args>
inline auto make_tensor_accessor_tuple(const std::tuple<Args...>& args, uint32_t address_rt_arg_index_start,
                                       uint32_t page_size_ct_arg_index_start) {
  return tilegrid_device::accessors_of(args, address_rt_arg_index_start, page_size_ct_arg_index_start,
                                       std::index_sequence_for<Args...>());
}
/// Any of them, by a pointer: it must outlive this.
class AbstractTensorAccessorWrapper {
 public:
  AbstractTensorAccessorWrapper() = default;
  template <class Accessor>
  explicit AbstractTensorAccessorWrapper(const Accessor& accessor)
      : accessor_(&accessor), address_([](const void* of, uint32_t page, uint32_t offset, uint8_t noc) {
          return static_cast<const Accessor*>(of)->get_noc_addr(page, offset, noc);
        }) {}
  uint64_t get_noc_addr(uint32_t page, uint32_t offset = 0, uint8_t noc = noc_index) const {
    return address_(accessor_, page, offset, noc);
  }

 private:
  const void* accessor_ = nullptr;
  uint64_t (*address_)(const void*, uint32_t, uint32_t, uint8_t) = nullptr;
};
namespace tilegrid_device {
template <class Tuple, size_t... i>
inline auto wrapped_accessors(const Tuple& accessors, std::index_sequence<i...>) {
  return std::array<AbstractTensorAccessorWrapper, sizeof...(i)>{AbstractTensorAccessorWrapper(std::get<i>(accessors))...};
}
}  // namespace tilegrid_device
template <class... Accessors>
inline auto make_abstract_tensor_accessor_wrappers(const std::tuple<Accessors...>& accessors) {
  return tilegrid_device::wrapped_accessors(accessors, std::index_sequence_for<Accessors...>());
}

// ---- Free functions over all of them
template <class Generator>
concept tilegrid_generator = requires(const Generator& g) {
  g.get_noc_addr(0U);
};

template <tilegrid_generator Generator>
inline uint64_t get_noc_addr(uint32_t id, const Generator& g, uint32_t offset = 0, uint8_t noc = noc_index, TG_AT) {
  return g.get_noc_addr(id, offset, noc, at);
}
template <bool DRAM, tilegrid_generator Generator>
inline uint64_t get_noc_addr(uint32_t id, const Generator& g, uint32_t offset = 0, uint8_t noc = noc_index, TG_AT) {
  return g.get_noc_addr(id, offset, noc, at);
}
template <tilegrid_generator Generator>
inline void noc_async_read_tile(uint32_t id, const Generator& g, uint32_t l1, uint32_t offset = 0, uint8_t noc = noc_index,
                                TG_AT) {
  tilegrid_device::tg().read(g.get_noc_addr(id, offset, noc, at), l1, g.page_size, false, noc, at);
}
template <tilegrid_generator Generator>
inline void noc_async_write_tile(uint32_t id, const Generator& g, uint32_t l1, uint8_t noc = noc_index, TG_AT) {
  tilegrid_device::tg().write(l1, g.get_noc_addr(id, 0, noc, at), g.page_size, false, noc, at);
}
template <tilegrid_generator Generator>
inline void noc_async_read_page(uint32_t id, const Generator& g, uint32_t l1, uint32_t offset = 0, uint8_t noc = noc_index,
                                TG_AT) {
  tilegrid_device::tg().read(g.get_noc_addr(id, offset, noc, at), l1, g.page_size, false, noc, at);
}
template <tilegrid_generator Generator>
inline void noc_async_write_page(uint32_t id, const Generator& g, uint32_t l1, uint32_t bytes = 0, uint32_t offset = 0,
                                 uint8_t noc = noc_index, TG_AT) {
  tilegrid_device::tg().write(l1, g.get_noc_addr(id, offset, noc, at), bytes != 0 ? bytes : g.page_size, false, noc, at);
}
template <class Args>
inline void noc_async_read_shard(uint32_t shard, const TensorAccessor<Args>& tensor, uint32_t l1, uint8_t noc = noc_index,
                                 TG_AT) {
  tilegrid_device::tg().read(tensor.get_shard_noc_addr(shard, 0, noc, at), l1,
                             tensor.shard_volume(at) * tensor.aligned_page_size, false, noc, at);
}
template <class Args>
inline void noc_async_write_shard(uint32_t shard, const TensorAccessor<Args>& tensor, uint32_t l1, uint8_t noc = noc_index,
                                  TG_AT) {
  tilegrid_device::tg().write(l1, tensor.get_shard_noc_addr(shard, 0, noc, at),
                              tensor.shard_volume(at) * tensor.aligned_page_size, false, noc, at);
}
