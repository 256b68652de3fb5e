// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/attention/config.h"
#include "kernels/attention/dealing.h"

namespace tilegrid::attention {

/// Circular buffers of the kernel, with the ids of the shipped one (attention.md 1.5).
enum CbIndex : std::uint32_t {
  cb_q = 0,
  cb_k = 1,
  cb_v = 2,
  cb_mask = 3,
  cb_scale = 4,  ///< only of the multi-pass kernel
  cb_scaler = 5,
  cb_zeros = 6,  ///< only where Q chunks see no key
  cb_ones_column = 7,
  cb_page_table = 9,  ///< only of paged K and V: the reader's scratch, a batch's row of the table
  cb_out = 16,
  cb_partial = 17,   ///< only of split_k: what goes to another core, tiles of output, maximum and sum
  cb_partials = 19,  ///< the same that come in
  cb_scores = 24,
  cb_accumulator_a = 25,
  cb_accumulator_b = 26,
  cb_max_a = 27,
  cb_max_b = 28,
  cb_sum_a = 29,
  cb_sum_b = 30,
  cb_alpha = 31,
};

/// DRAM base address, the same in every bank, of each tensor; one page is one tile, in [batch, head, row, column] order.
struct TensorAddresses {
  std::uint32_t q = 0;
  std::uint32_t k = 0;
  std::uint32_t v = 0;
  std::uint32_t out = 0;
  std::uint32_t page_table = 0;  ///< of paged K and V; a page is a batch's row
};

inline constexpr std::uint32_t kv_slots = 2;       ///< chunks that the buffers of K and of V hold
inline constexpr std::uint32_t partial_slots = 2;  ///< partial results of others

/// Semaphores of deliveries, and of partial results; those of a chain have a side, as its direction may change from item to
/// item.
enum SemaphoreIndex : std::uint32_t {
  sem_credit_right = 0,  ///< of the next lane, or of all receivers of a multicast: a slot is free
  sem_credit_left = 1,
  sem_flag_left = 2,  ///< from the lane before, or from the injector of a multicast: the slot is filled
  sem_flag_right = 3,
  sem_filled = 4,  ///< never changes: the word that is copied to flags
  sem_credit_parent = 5,
  sem_flag_child = 6,
  semaphore_count = 7,
};
inline constexpr std::uint32_t flag_empty = 0;
inline constexpr std::uint32_t flag_filled = 1;

/// Runtime arguments of all three kernels: the places of the flat distribution that the core, or its team, works on.
/// With teams or split_k the seat is there, too: the lane and, as many lanes further each, the part. With teams the reader
/// has a DeliveryArgs behind it, with split_k the writer has a MergeArgs. Where Q chunks see no key the writer has a share
/// of their pages: of those of a head, head by head.
enum RuntimeArg : std::uint32_t {
  arg_first = 0,
  arg_count = 1,
  arg_seat = 2,
  arg_delivery = 3,
  arg_blind_first = 3,
  arg_blind_count = 4,
  arg_merge = 5
};

/// Virtual coordinates.
struct CoreArg {
  std::uint32_t exists = 0;
  std::uint32_t x = 0;
  std::uint32_t y = 0;
};
struct DeliveryArgs {
  CoreArg left;      ///< chain: the lane before
  CoreArg right;     ///< chain: the next lane
  CoreArg injector;  ///< multicast: who sends; does not exist for the sender itself, nor in chains
  CoreArg first;     ///< multicast: corners of the rectangle
  CoreArg last;
  std::uint32_t receivers = 0;  ///< of the sender of a multicast
};

/// Those that a core merges with, where they exist (MergeTree).
struct MergeArgs {
  CoreArg parent;
  std::array<CoreArg, MergeTree::max_rounds> children;
};

/// What a core does at one of its places.
struct Turn {
  bool has_item = true;
  WorkItem item;
  std::uint32_t kv_head = 0;  ///< counted over all batches
  std::uint32_t keys = 0;     ///< that exist
  std::uint32_t first = 0;    ///< K chunk that the core begins with
  std::uint32_t visits = 0;   ///< K chunks that the item needs of this core
  std::uint32_t chunks = 0;   ///< K chunks that come to the core; what it does not need it drops
  std::uint32_t active = 1;   ///< parts that the item's K chunks are cut into
  bool descending = true;     ///< of a team: lane 0 visits most
  [[nodiscard]] KParts::Range range() const { return {first, first + visits}; }
};

/// Of a core in its team, and of the team among those that share an item's K chunks.
struct Seat {
  std::uint32_t lane = 0;
  std::uint32_t part = 0;
};

/// Compile-time arguments, the same for reader, compute and writer, but for lists. All sizes with _t are in tiles.
struct KernelWords {
  std::uint32_t q_chunk_t = 0;
  std::uint32_t k_chunk_t = 0;
  std::uint32_t dim_t = 0;
  std::uint32_t v_dim_t = 0;
  std::uint32_t heads = 0;
  std::uint32_t kv_heads = 0;
  std::uint32_t seq_q_t = 0;  ///< tile rows that exist
  std::uint32_t seq_kv_t = 0;
  std::uint32_t seq_q = 0;                        ///< queries that exist
  std::uint32_t seq_kv = 0;                       ///< keys that exist
  std::uint32_t blind_rows = 0, keys_before = 0;  ///< as Shape has them
  std::uint32_t q_chunks = 0;
  std::uint32_t k_chunks = 0;
  std::uint32_t causal = 0;
  std::uint32_t zigzag = 0;
  std::uint32_t qk_h = 1, qk_w = 1;  ///< subblocks
  std::uint32_t pv_h = 1, pv_w = 1;
  std::uint32_t slots = 0;  ///< DST slots of a section
  std::uint32_t exp_accurate = 0, exp_unclamped = 0;
  std::uint32_t scale_bits = 0;             ///< float
  std::uint32_t read_batch = 1;             ///< tiles between two read barriers
  std::uint32_t steps = 0;                  ///< of the multi-pass kernel: Steps::bits()
  std::uint32_t alpha_correction_bits = 0;  ///< float: 1 over the fast exponential of 0
  std::uint32_t lanes = 1;                  ///< cores of a team
  std::uint32_t multicast = 0;              ///< else K and V come by a chain, when there are teams
  std::uint32_t parts = 1;                  ///< cores of a group of split_k
  Division division;                        ///< of partitions that are not flat
  std::uint32_t page_t = 0;                 ///< tile rows of a page of K and V; 0: they are not paged
  std::uint32_t pages = 0;                  ///< of a sequence, the longest
  std::uint32_t lengths_count = 0;          ///< batches, when each has a number of keys of its own
  std::uint32_t q_base = 0, k_base = 0, v_base = 0, out_base = 0, table_base = 0;
};

struct KernelArgs : KernelWords {
  std::vector<std::uint32_t> lengths;  ///< keys of each batch; empty: seq_kv

  static constexpr std::uint32_t word_count = sizeof(KernelWords) / sizeof(std::uint32_t);
  /// What words() gives; the reader of paged K and V has the table behind them.
  [[nodiscard]] std::uint32_t argument_count() const { return word_count + lengths_count; }
  [[nodiscard]] static KernelArgs from(const Config& config, const TensorAddresses& addresses);
  [[nodiscard]] std::vector<std::uint32_t> words() const;
  /// The reverse.
  [[nodiscard]] static KernelArgs from_words(std::span<const std::uint32_t> words);
  /// Reads the arguments of the running kernel.
  [[nodiscard]] static KernelArgs of_this_kernel();

  [[nodiscard]] float scale() const { return std::bit_cast<float>(scale_bits); }
  [[nodiscard]] float alpha_correction() const { return std::bit_cast<float>(alpha_correction_bits); }
  /// Tiles of a K or V chunk.
  [[nodiscard]] std::uint32_t kv_chunk_tiles(std::uint32_t cb) const { return k_chunk_t * (cb == cb_k ? dim_t : v_dim_t); }
  /// Q chunks that see no key.
  [[nodiscard]] std::uint32_t blind_chunks() const { return blind_rows / (q_chunk_t * tile_side); }
  /// That exist of a batch.
  [[nodiscard]] std::uint32_t keys_of(std::uint32_t batch) const { return lengths_count == 0 ? seq_kv : lengths.at(batch); }
  /// K chunks that a Q chunk that is not blind visits: with causal those that its last row sees something of (attention.md
  /// 1.3).
  [[nodiscard]] std::uint32_t visited_chunks(std::uint32_t q_chunk, std::uint32_t batch = 0) const {
    if (lengths_count != 0) return (keys_of(batch) + k_chunk_t * tile_side - 1) / (k_chunk_t * tile_side);
    if (causal == 0) return k_chunks;
    const std::uint32_t end = (q_chunk + 1) * q_chunk_t * tile_side;
    const std::uint32_t keys = (end < seq_q ? end : seq_q) + keys_before - blind_rows;
    return (keys + k_chunk_t * tile_side - 1) / (k_chunk_t * tile_side);
  }
  /// How the cores of a group share what a Q chunk visits, or teams what a slice does.
  [[nodiscard]] KParts k_parts(Slices::Extent chunks, std::uint32_t batch = 0) const {
    KParts all{visited_chunks(chunks.heavy, batch), 1, parts};
    if (causal == 0) return all;
    const std::uint32_t first = chunks.light * q_chunk_t * tile_side;
    const std::uint32_t before = (first > blind_rows ? first : blind_rows) + keys_before - blind_rows;  // keys, its own not
    all.together = all.visits - before / (k_chunk_t * tile_side);
    return all;
  }
  [[nodiscard]] Seat seat_of(std::uint32_t word) const { return {word % lanes, word / lanes}; }
  [[nodiscard]] std::uint32_t word_of(Seat seat) const { return seat.part * lanes + seat.lane; }
  /// Of a partial result: output, maximum and sum of a Q chunk.
  [[nodiscard]] std::uint32_t partial_tiles() const { return q_chunk_t * (v_dim_t + 2); }
  /// Whether a query may see a key, but for keys that do not exist. Queries without a key count as seeing all: their results
  /// are thrown away.
  [[nodiscard]] bool open(std::uint32_t q, std::uint32_t k) const {
    return causal == 0 || q < blind_rows || k + blind_rows <= q + keys_before;
  }
  /// Whether the chunk touches the diagonal or the padding behind the last key.
  [[nodiscard]] bool masked(std::uint32_t q_chunk, std::uint32_t k_chunk) const { return masked(q_chunk, k_chunk, seq_kv); }
  [[nodiscard]] bool masked(std::uint32_t q_chunk, std::uint32_t k_chunk, std::uint32_t keys) const {
    const std::uint32_t end = (k_chunk + 1) * k_chunk_t * tile_side;
    const std::uint32_t first = q_chunk * q_chunk_t * tile_side;
    return end > keys || (causal != 0 && end - 1 + blind_rows > first + keys_before);
  }
  /// Item at a position of the flat distribution of chunks that are not blind (attention.md 1.2): contiguous heads, and
  /// inside of a head the chunks in order, or 0, n-1, 1, n-2, ... with zigzag. Of a division: slot by slot, each of the
  /// length of the longest.
  [[nodiscard]] WorkItem item_at(std::uint32_t position) const {
    if (division.is_there()) {
      const Division::Item item = division.item_at(position / division.most(), position % division.most());
      return WorkItem::of(item.head, heads, item.chunk);
    }
    const std::uint32_t chunks = q_chunks - blind_chunks();
    const std::uint32_t head_index = position / chunks;
    const std::uint32_t place = position % chunks;
    const std::uint32_t mirrored = place % 2 == 0 ? place / 2 : chunks - 1 - place / 2;
    return WorkItem::of(head_index, heads, blind_chunks() + (zigzag != 0 ? mirrored : place));
  }
  [[nodiscard]] Slices slices() const {
    return {heads / kv_heads, q_chunks - blind_chunks(), lanes, zigzag != 0, blind_chunks()};
  }
  /// What a core does at a position.
  [[nodiscard]] Turn turn_at(std::uint32_t position, Seat seat) const {
    const std::uint32_t sharing = heads / kv_heads;
    Turn turn;
    if (lanes <= 1) {
      turn.item = item_at(position);
      turn.kv_head = (turn.item.batch * heads + turn.item.head) / sharing;
      const auto chunk = static_cast<std::uint32_t>(turn.item.chunk);
      share(turn, {chunk, chunk}, seat.part);
      return turn;
    }
    if (division.is_there()) {
      const std::uint32_t most = division.most();
      const Division::Turn one = division.turn_at(lanes, position / most, position % most, seat.lane);
      turn.has_item = one.exists;
      turn.descending = one.descending;
      turn.kv_head = one.item.head / sharing;
      turn.item = WorkItem::of(one.item.head, heads, one.item.chunk);
      share(turn, {one.heaviest, one.heaviest}, seat.part);
      return turn;
    }
    const Slices all = slices();
    const std::uint32_t place = position % all.count();
    const Slices::Item item = all.item_at(place, seat.lane);
    turn.has_item = item.exists;
    turn.descending = all.descending(place);
    turn.kv_head = position / all.count();
    turn.item = WorkItem::of(turn.kv_head * sharing + item.head, heads, item.chunk);
    share(turn, all.extent_at(place), seat.part);
    return turn;
  }

 private:
  /// What of the K chunks of a slice falls to a part, and what of that the turn's item needs.
  void share(Turn& turn, Slices::Extent slice, std::uint32_t part) const {
    const auto batch = static_cast<std::uint32_t>(turn.item.batch);
    const KParts all = parts == 1 ? KParts{visited_chunks(slice.heavy, batch)} : k_parts(slice, batch);
    turn.keys = keys_of(batch);
    const KParts::Range range = all.of(part);
    turn.active = all.active();
    turn.first = range.begin;
    const std::uint32_t own = turn.has_item ? visited_chunks(turn.item.chunk, batch) : 0;
    const std::uint32_t end = own < range.end ? own : range.end;
    turn.visits = end > range.begin ? end - range.begin : 0;
    turn.chunks = multicast != 0 ? range.count() : turn.visits;
  }
};

/// The kernels' entries; those of the planned and the multi-pass compute kernel are in planned.h and multipass.h.
void reader();
void delivering_reader();  ///< for teams
void compute();
void writer();

/// Makes the kernels known; every rank calls it before its session begins.
void register_kernels();

/// The program for chunks that are set, with the compute kernel that the config names; not for the unfused one, which is
/// several programs (kernels/attention/unfused/unfused.h). Throws UsageError when it does not fit.
[[nodiscard]] Program make_program(const Config& config, const TensorAddresses& addresses);

}  // namespace tilegrid::attention
