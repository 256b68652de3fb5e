// SPDX-License-Identifier: Apache-2.0
// BRISC: makes the constant tiles and the masks, stores the output. With split_k it passes partial results on.
#include <array>
#include <cstring>

#include "core/tile.h"
#include "kernels/attention/hand_over.h"
#include "kernels/attention/kernel_args.h"
#include "kernels/attention/phases.h"
#include "kernels/attention/zero_rows.h"
#include "kernels/common/from_words.h"
#include "kernels/common/pages.h"

namespace tilegrid::attention {
namespace {

using namespace tilegrid::api;

void store_half(std::uint32_t tile_address, int row, int column, std::uint16_t bits) {
  std::memcpy(l1_pointer(tile_address) + tile_index(row, column) * 2, &bits, sizeof bits);
}

/// Column 0 of ones: a matmul with it sums the columns of a tile into column 0.
void make_ones_column() {
  cb_reserve_back(cb_ones_column, 1);
  const std::uint32_t tile = get_write_ptr(cb_ones_column);
  std::memset(l1_pointer(tile), 0, get_tile_size(cb_ones_column));
  const std::uint16_t one = half_word(get_dataformat(cb_ones_column), 1);
  for (int row = 0; row < tile_side; ++row) store_half(tile, row, 0, one);
  note_generated(cb_ones_column, get_tile_size(cb_ones_column));
  cb_push_back(cb_ones_column, 1);
}

// A bfp4_b tile is 64 shared exponents and then 4-bit datums, the even one in the low nibble; sign 1 with magnitude 0 is
// -inf, all zeros is +0 (tensix.md 1.6).
constexpr std::uint32_t exponent_bytes = 64;
constexpr std::uint8_t minus_infinity = 0x8;

/// The other format of masks is fp16, beside tensors of which no other can be added; it has a largest number, no infinity.
constexpr std::uint16_t least_fp16 = 0xFFFF;

struct MaskTile {
  std::byte* data;
  bool fp16;
  void close(int row, int column) const {
    const int index = tile_index(row, column);
    if (fp16) {
      std::memcpy(data + 2 * index, &least_fp16, sizeof least_fp16);
    } else {
      data[exponent_bytes + index / 2] |= static_cast<std::byte>(minus_infinity << (index % 2 * 4));
    }
  }
  void close_all(std::uint32_t bytes) const {
    if (fp16) {
      std::memset(data, 0xFF, bytes);
    } else {
      std::memset(data + exponent_bytes, minus_infinity << 4 | minus_infinity, bytes - exponent_bytes);
    }
  }
};

void fill_mask_tile(MaskTile tile, std::uint32_t bytes, const KernelArgs& args, std::uint32_t keys, std::uint32_t q0,
                    std::uint32_t k0) {
  std::memset(tile.data, 0, bytes);
  const std::uint32_t last_q = q0 + tile_side - 1;
  const std::uint32_t last_k = k0 + tile_side - 1;
  // With causal masks rows see more keys from row to row, but for those that see none: they are open, so that no infinity
  // comes of them, and are made zeros at the end.
  const bool all_open = last_k < keys && args.open(q0, last_k) && args.open(last_q, last_k);
  if (all_open) return;
  const bool all_closed = k0 >= keys || !(args.open(q0, k0) || args.open(last_q, k0));
  if (all_closed) return tile.close_all(bytes);
  for (int row = 0; row < tile_side; ++row) {
    for (int column = 0; column < tile_side; ++column) {
      const std::uint32_t q = q0 + row;
      const std::uint32_t k = k0 + column;
      if (k >= keys || !args.open(q, k)) tile.close(row, column);
    }
  }
}

void make_mask(const KernelArgs& args, const Turn& turn, std::uint32_t k_chunk) {
  const std::uint32_t q_chunk = turn.item.chunk;
  zone(Phase::mask);
  const std::uint32_t tiles = args.q_chunk_t * args.k_chunk_t;
  cb_reserve_back(cb_mask, tiles);
  const std::uint32_t base = get_write_ptr(cb_mask);
  const std::uint32_t bytes = get_tile_size(cb_mask);
  const bool fp16 = get_dataformat(cb_mask) == DataFormat::fp16;
  for (std::uint32_t r = 0; r < args.q_chunk_t && !is_dry(); ++r) {
    for (std::uint32_t c = 0; c < args.k_chunk_t; ++c) {
      fill_mask_tile({l1_pointer(base + (r * args.k_chunk_t + c) * bytes), fp16}, bytes, args, turn.keys,
                     (q_chunk * args.q_chunk_t + r) * tile_side, (k_chunk * args.k_chunk_t + c) * tile_side);
    }
  }
  note_generated(cb_mask, tiles * bytes);
  cb_push_back(cb_mask, tiles);
}

void store_output(const KernelArgs& args, std::uint32_t head_page, std::uint32_t q_chunk) {
  zone(Phase::write);
  const InterleavedAddrGen out{args.out_base, get_tile_size(cb_out)};
  const std::uint32_t tiles = args.q_chunk_t * args.v_dim_t;
  cb_wait_front(cb_out, tiles);
  std::uint32_t address = get_read_ptr(cb_out);
  zero_blind_rows(cb_out, address, q_chunk * args.q_chunk_t * tile_side, args.q_chunk_t, args.v_dim_t, args.blind_rows);
  for (std::uint32_t r = 0; r < args.q_chunk_t; ++r) {
    const std::uint32_t row = q_chunk * args.q_chunk_t + r;
    for (std::uint32_t c = 0; c < args.v_dim_t; ++c, address += out.page_size) {
      if (row < args.seq_q_t) noc_async_write_page(head_page + row * args.v_dim_t + c, out, address);
    }
  }
  noc_async_write_barrier();
  cb_pop_front(cb_out, tiles);
}

MergeArgs merge_args() {
  return from_words<MergeArgs>([](std::uint32_t i) { return get_arg_val<std::uint32_t>(arg_merge + i); });
}

/// Partial results on their way up the tree (MergeTree): takes those of the core's children, and sends its own to its
/// parent. NoC 1 goes to lower columns, as parents lie.
class Partials {
 public:
  Partials(const KernelArgs& args, std::uint32_t part)
      : args_(args), part_(part), neighbours_(merge_args()), base_(get_write_ptr(cb_partials)) {}

  /// Of all children, in their order: a slot is free once compute has merged what was in it.
  void take(std::uint32_t active) const {
    for (std::uint32_t i = 0; i < MergeTree::children(part_, active); ++i) {
      cb_reserve_back(cb_partials, args_.partial_tiles());
      receive(neighbours_.children.at(i), sem_credit_parent, sem_flag_child);
      cb_push_back(cb_partials, args_.partial_tiles());
    }
  }
  void send(std::uint32_t active) {
    const CoreArg to = neighbours_.parent;
    const std::uint32_t bytes = args_.partial_tiles() * get_tile_size(cb_partial);
    cb_wait_front(cb_partial, args_.partial_tiles());
    take_credits(sem_credit_parent, 1);
    const std::uint32_t slot = (parent_took_ + MergeTree::round(part_)) % partial_slots;
    noc_async_write(get_read_ptr(cb_partial), get_noc_addr(to.x, to.y, base_ + slot * bytes), bytes);
    noc_semaphore_set_remote(get_semaphore(sem_filled), get_noc_addr(to.x, to.y, get_semaphore(sem_flag_child)));
    noc_async_writes_flushed();
    cb_pop_front(cb_partial, args_.partial_tiles());
    parent_took_ += MergeTree::children(MergeTree::parent(part_), active);
  }
  /// An item in which the core has no part, its parent may have.
  void skip(std::uint32_t active) { parent_took_ += MergeTree::children(MergeTree::parent(part_), active); }
  /// The flag back to how it was at the start, and nothing of ours under way.
  static void close() {
    noc_semaphore_set(semaphore_pointer(get_semaphore(sem_flag_child)), flag_empty);
    noc_async_write_barrier();
    noc_async_atomic_barrier();
  }

 private:
  const KernelArgs& args_;
  std::uint32_t part_;
  MergeArgs neighbours_;
  std::uint32_t base_;             ///< of the first slot, the same on every core
  std::uint32_t parent_took_ = 0;  ///< partial results so far, which tells its next slot
};

void make_masks(const KernelArgs& args, const Turn& turn) {
  for (std::uint32_t j = turn.range().begin; j < turn.range().end; ++j) {
    if (args.masked(turn.item.chunk, j, turn.keys)) make_mask(args, turn, j);
  }
}

/// What a core of a group does: only the first part has a result to store.
void write_parts(const KernelArgs& args, std::uint32_t first, std::uint32_t count, Seat seat) {
  Partials partials(args, seat.part);
  for (std::uint32_t position = first; position < first + count; ++position) {
    mark_loop();
    const Turn turn = args.turn_at(position, seat);
    const WorkItem& item = turn.item;
    const auto chunk = static_cast<std::uint32_t>(item.chunk);
    if (!turn.has_item) continue;  // nor has any core of its group
    if (seat.part >= turn.active) {
      partials.skip(turn.active);
      continue;
    }
    make_masks(args, turn);
    zone(Phase::write);
    partials.take(turn.active);
    if (seat.part == 0) {
      store_output(args, (item.batch * args.heads + item.head) * args.seq_q_t * args.v_dim_t, chunk);
    } else {
      partials.send(turn.active);
    }
  }
  mark_loop();
  if (count > 0) Partials::close();
}

/// This core's share of the Q chunks that see no key. Nobody computes them: a tile of zeros goes to all of their places.
void store_blind_chunks(const KernelArgs& args) {
  const std::uint32_t pages_of_head = args.blind_chunks() * args.q_chunk_t * args.v_dim_t;
  if (pages_of_head == 0) return;
  const auto first = get_arg_val<std::uint32_t>(arg_blind_first);
  const auto count = get_arg_val<std::uint32_t>(arg_blind_count);
  if (count == 0) return;
  zone(Phase::write);
  const InterleavedAddrGen out{args.out_base, get_tile_size(cb_zeros)};
  cb_reserve_back(cb_zeros, 1);
  const std::uint32_t zeros = get_write_ptr(cb_zeros);
  std::memset(l1_pointer(zeros), 0, out.page_size);
  note_generated(cb_zeros, out.page_size);
  for (std::uint32_t i = first; i < first + count; ++i) {
    mark_loop();
    noc_async_write_page(i / pages_of_head * args.seq_q_t * args.v_dim_t + i % pages_of_head, out, zeros);
  }
  mark_loop();
  noc_async_write_barrier();
}

}  // namespace

void writer() {
  const KernelArgs args = KernelArgs::of_this_kernel();
  const auto first = get_arg_val<std::uint32_t>(arg_first);
  const auto count = get_arg_val<std::uint32_t>(arg_count);
  const Seat seat = args.lanes > 1 || args.parts > 1 ? args.seat_of(get_arg_val<std::uint32_t>(arg_seat)) : Seat{};
  make_scaler(cb_scaler);
  make_ones_column();
  if (args.parts > 1) write_parts(args, first, count, seat);
  for (std::uint32_t position = first; args.parts == 1 && position < first + count; ++position) {
    const Turn turn = args.turn_at(position, seat);
    if (!turn.has_item) continue;
    const std::uint32_t chunk = turn.item.chunk;
    mark_loop();
    make_masks(args, turn);
    const auto head = turn.item.batch * args.heads + turn.item.head;
    store_output(args, head * args.seq_q_t * args.v_dim_t, chunk);
  }
  store_blind_chunks(args);
}

}  // namespace tilegrid::attention
