// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cereal/types/optional.hpp>
#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/chip/chip.h"
#include "core/format.h"
#include "core/matrix_unit.h"
#include "core/tile.h"
#include "core/types.h"
#include "kernels/attention/multipass/multipass.h"
#include "kernels/common/divisor.h"
#include "kernels/common/subblock.h"
#include "kernels/program.h"

namespace tilegrid::attention {

inline constexpr int max_dim = 256;

/// Q [batch, heads, seq_q, dim], K [batch, kv_heads, seq_kv, dim], V [batch, kv_heads, seq_kv, v_dim], output
/// [batch, heads, seq_q, v_dim]. Extents need not be whole tiles: the last tiles are filled up with zeros, keys that do not
/// exist are masked.
struct Shape {
  int batch = 1;
  int heads = 1;
  int kv_heads = 1;
  int seq_q = 0;
  int seq_kv = 0;
  int dim = 0;
  /// Query i sees the keys up to i + seq_kv - seq_q: aligned at the bottom right, so that the last query sees all keys, as
  /// decoding and prefill in chunks need. With more queries than keys the first ones see none, and their output is 0.
  bool causal = false;
  int v_dim = 0;                  ///< of V and the output; 0: as dim
  std::optional<double> scale{};  ///< of the scores, above 0; none: 1 / sqrt(dim)
  friend bool operator==(const Shape&, const Shape&) = default;

  [[nodiscard]] int value_dim() const { return v_dim == 0 ? dim : v_dim; }
  [[nodiscard]] double score_scale() const { return scale ? *scale : 1 / std::sqrt(dim); }
  [[nodiscard]] int dim_t() const { return tiles_of(dim); }  ///< tiles
  [[nodiscard]] int v_dim_t() const { return tiles_of(value_dim()); }
  /// Keys before the one that the first query ends with, and queries before the first that sees a key; both 0 when not
  /// causal, and one of them always.
  [[nodiscard]] int keys_before() const { return causal && seq_kv > seq_q ? seq_kv - seq_q : 0; }
  [[nodiscard]] int blind_rows() const { return causal && seq_q > seq_kv ? seq_q - seq_kv : 0; }
  /// Keys that a query sees: the first ones.
  [[nodiscard]] int keys_seen(int row) const {
    return causal ? std::clamp(row + 1 + keys_before() - blind_rows(), 0, seq_kv) : seq_kv;
  }
  /// Pairs of a query and a key that it sees, of a head. Causal with as many queries as keys it is half of all, without half
  /// of the diagonal, as is the custom (attention.md 2.1).
  [[nodiscard]] double pairs() const;
  /// Operations that the result takes: two products, of a multiplication and an addition each, for each query, each key that
  /// it sees, and each element.
  [[nodiscard]] double useful_flops() const { return 2.0 * batch * heads * pairs() * (dim + value_dim()); }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(batch, heads, kv_heads, seq_q, seq_kv, dim, causal, v_dim, scale);
  }
};

/// With one query a head: the heads that share a K/V head as rows of one matrix, as the shipped flash decode has them in a
/// tile (attention.md 1.9). The tensors have the same elements in the same order, so results are the same. Other shapes stay
/// as they are.
[[nodiscard]] Shape packed_heads(Shape shape);

/// "dim 80, v dim 48, scale 0.3", as far as they are not what follows from `dim`.
[[nodiscard]] std::string dims_text(const Shape& shape);
/// "batch 1, heads 8, kv heads 1, seq 640, kv seq 640, dim 128".
[[nodiscard]] std::string shape_text(const Shape& shape);

enum class Balance : std::uint8_t { zigzag, contiguous };
[[nodiscard]] const char* name_of(Balance balance);  ///< as on the command line

/// How heads and Q chunks are dealt to cores. `flat`: all Q chunks of all heads in one list, cut into runs (split_work);
/// `contiguous`: the same without pairing light and heavy chunks. `heads_first`: cores are divided among batches, then
/// heads, then the chunks of a head, each in equal ranges of which the last may be smaller or empty (attention.md 1.2: as
/// the shipped kernels dealt until May 2026). `rows`, `columns`: the same with heads bound to rows or columns of the grid;
/// when K and V are delivered along them, with K/V heads bound to them, and each a team. Of heads_first with a delivery the
/// cores of a K/V head are a team.
/// `split_k`: as flat, but to groups of cores; the cores of a group share the K chunks of a Q chunk, and merge what comes
/// of them (attention.md 1.9, flash decode; KParts). With a delivery a group has a team for each part: its cores have the
/// same part of other Q chunks of the K/V head.
enum class Partition : std::uint8_t { flat, contiguous, heads_first, rows, columns, split_k };
[[nodiscard]] const char* name_of(Partition partition);  ///< as on the command line
struct Config;
[[nodiscard]] std::string partition_text(const Config& config);  ///< "rows", "split-k in 8 parts"

/// Which compute kernel runs: the one written by hand (compute.cpp), one that interprets plans (planned.h), the multi-pass
/// one (multipass.h); or matmul, softmax and matmul as programs of their own (kernels/attention/unfused), with chunks as
/// their blocks.
enum class Kernel : std::uint8_t { hand_written, planned, multipass, unfused };
[[nodiscard]] const char* name_of(Kernel kernel);  ///< as on the command line

/// How K and V come to the cores (attention.md 1.8). `dram`: each core reads them for itself. Else cores work in teams: one
/// of a team reads, and the chunks go from core to core (`chain`), or to all others at once: in a row of the grid, or in a
/// rectangle. `automatic`: whichever takes the least modelled device time; who runs the kernel finds it out, and sets it.
enum class KvDelivery : std::uint8_t { dram, chain, multicast_row, multicast_grid, automatic };
[[nodiscard]] const char* name_of(KvDelivery delivery);  ///< as on the command line

/// Teams, all of one size, as many as the grid has room for. Those of a chain are runs of `columns` cores in the order of
/// their indices; others are rectangles.
struct Team {
  int columns = 1;
  int rows = 1;
  [[nodiscard]] int cores() const { return columns * rows; }
  friend bool operator==(Team, Team) = default;
};

/// Of tensors in DRAM, any but integers; fp16 is of q, k and v or of none. One format is of all of them.
struct Formats {
  Formats(DataFormat all = DataFormat::bf16)  // NOLINT(google-explicit-constructor): one format is a list, too
      : q(all), k(all), v(all), out(all) {}
  DataFormat q, k, v;
  DataFormat out;  ///< and of what unfused programs keep there: scores, what softmax makes of them, masks
  friend bool operator==(const Formats&, const Formats&) = default;
};

struct Config {
  Shape shape;
  GridSize grid{8, 10};
  int q_chunk = 0;  ///< rows of Q a chunk: a multiple of 32, 1 to 16 tiles; 0: choose
  int k_chunk = 0;  ///< rows of K and V a chunk; 0: choose
  Formats format;
  ComputeConfig compute;
  Balance balance = Balance::zigzag;
  Partition partition = Partition::flat;
  int k_parts = 0;  ///< cores of a group of split_k; 0: choose
  int parts = 1;    ///< what is done: set by with_chunks(); 1 but with split_k
  int kv_page = 0;  ///< rows of a page of K and V, a multiple of 32; 0: they are not paged (paging.h)
  std::shared_ptr<const std::vector<std::uint32_t>> page_table;  ///< [batch, pages of a sequence]; null: not paged
  std::shared_ptr<const std::vector<std::uint32_t>> kv_lengths;  ///< [batch] keys of each; null: all have shape.seq_kv
  int read_batch = 0;         ///< tiles that the reader requests between two barriers; 0: a whole chunk
  bool exp_accurate = false;  ///< the shipped kernel uses the fast exp
  /// The fast exp of scores without its clamp, as kernels use it whose packer cuts what is negative; here nothing does, so
  /// that what comes of scores that are 88.5 below the largest, and of masks, is in the output. Of exact numerics.
  bool exp_unclamped = false;
  Kernel kernel = Kernel::hand_written;
  Steps steps;                       ///< of the multi-pass kernel
  KvDelivery kv = KvDelivery::dram;  ///< as asked for
  int kv_cores = 0;                  ///< of a team, 2 and more; 0: choose
  bool uneven_apart = false;         ///< not causal chains: cores with less work than others read K and V for themselves
  KvDelivery delivery = KvDelivery::dram;  ///< what is done, see fallback_reason(); set by with_chunks(), as is the team
  Team team;
  Chip chip{};  ///< that it runs on
};

/// Throws UsageError, one line that names flag, value and rule: positive sizes, heads a multiple of kv_heads, dims of 1 to
/// 256, a scale that is a positive number of fp32, chunks multiples of 32 up to 512, formats, grid up to 46x46
/// (noc/address.h) and what the chip has. HiFi4 with fp32 DST is legal (core/chip/known_faults.h).
void validate(const Config& config);

/// Why `delivery` of a config from with_chunks() is not what was asked for; empty when it is.
[[nodiscard]] std::string fallback_reason(const Config& config);

/// One Q chunk of one head, or with split_k one part of its K chunks.
struct WorkItem {
  int batch = 0;
  int head = 0;
  int chunk = 0;
  int part = 0;
  friend bool operator==(const WorkItem&, const WorkItem&) = default;
  /// Of a head by its number over all batches.
  [[nodiscard]] static constexpr WorkItem of(int flat_head, int heads, int chunk, int part = 0) {
    return {flat_head / heads, flat_head % heads, chunk, part};
  }
};

/// Flat distribution of batch x heads x Q chunks that see a key over the cores (attention.md 1.2): contiguous runs,
/// remainders to the first cores. With causal and zigzag, chunks of a head are ordered 0, n-1, 1, n-2, ... so that
/// neighbours in the run are a light and a heavy one, and with an even n they are dealt in pairs. Every core gets the same
/// number of pairs (of chunks, when n is odd or contiguous) or one more. Teams are dealt slices of a K/V head's chunks in
/// the same way (dealing.h). Other partitions than flat: see Partition and Division; there zigzag pairs the chunks of a core
/// where each has the same, even number of them. Result by core index; cores without work have an empty list.
[[nodiscard]] std::vector<std::vector<WorkItem>> split_work(const Config& config);

/// Q chunks at the start of a head that see no key at all: nobody computes them, the writers of all cores store their zeros.
/// None with the unfused kernel.
[[nodiscard]] int blind_chunks_of(const Config& config);

/// Keys that exist of a batch.
[[nodiscard]] int keys_of(const Config& config, int batch);
/// As Shape has them, of the keys that exist.
[[nodiscard]] double useful_flops(const Config& config);

/// K chunks that a Q chunk visits: all of its batch, or with causal and a fused kernel those that its last row sees
/// something of.
[[nodiscard]] int k_chunks_of(const Config& config, int q_chunk_index, int batch = 0);

/// Those that the core of an item visits: the same, or with split_k those of its part.
[[nodiscard]] int k_steps_of(const Config& config, const WorkItem& item);

/// Products of two tiles of all cores, for chunks that are set; those with a column of ones, which add up row sums,
/// included.
[[nodiscard]] std::uint64_t matmul_tile_count(const Config& config, const std::vector<std::vector<WorkItem>>& split);

/// The first of the SDPA list whose product fits `slots` and that divides rows and columns (attention.md 1.6).
[[nodiscard]] Subblock sdpa_subblock(int rows, int columns, int slots);

/// The circular buffers of the kernel ("G2", attention.md 1.5) for chunks that are set: 0 Q, 1 K, 2 V, 3 mask, 5 scaler,
/// 6 zeros (of blind chunks), 7 ones column, 16 output, 24 scores, 25/26 output accumulators, 27/28 max, 29/30 sum, 31
/// alpha; with split_k 17 and 19, a partial result that goes out and two that come in. Q has two slots when a core has more
/// than one item. The mask buffer (2 x Sq*Sk tiles of bfp4_b) is there only when needed: causal, or padding of K to whole
/// chunks. Intermediates are bf16; fp32 when the output's format and DST are fp32. The planned kernel keeps 24 and 31 for
/// other values, and adds one for each value that its plans pack; making them means planning. Its intermediates are fp32
/// with fp32 DST. The multi-pass kernel has 4, the scale, too. Those of the unfused programs are all in the list, with
/// different ids.
[[nodiscard]] std::vector<CircularBufferConfig> circular_buffers(const Config& config);
[[nodiscard]] bool needs_mask(const Config& config);

/// Fills q_chunk and k_chunk where they are 0: of all chunk pairs that fit L1 the one with the least estimated time, of the
/// slowest core's computing and reading or of all reading from DRAM (delivery.h; ties: larger chunks). Chunks given by the
/// user are kept; when they do not fit L1 throws UsageError with the bytes asked, the bytes there are, and the largest chunk
/// that fits. Unfused work is dealt in order, whatever the balance.
[[nodiscard]] Config with_chunks(Config config);
/// As above, whatever `kv` says with the chunks of the delivery whose estimate is the least: for comparisons of deliveries.
[[nodiscard]] Config with_chunks_for_all(Config config);
/// As with_chunks(), with K and V from DRAM whatever `kv` says; nothing when there is no such run.
[[nodiscard]] std::optional<Config> with_chunks_of_dram(Config config);

}  // namespace tilegrid::attention
