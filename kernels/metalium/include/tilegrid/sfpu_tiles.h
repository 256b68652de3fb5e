// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tilegrid/sfpu_more.h"

// Functions of the vector unit that look at more than one value at a time: sorting, running statistics, reductions within
// tiles, moves of rows. They are charged by the instructions that the vendor's code has for them.

namespace ckernel {

namespace tilegrid_tiles {

using tilegrid_moves::at;

/// A tile of DST, by row and column.
struct Tile {
  float* values;
  bool sixteen = false;
  TILEGRID_UNCOUNTED Tile(uint32_t dst, ::tilegrid_device::Line line) : values(TG.dst_values(dst, &sixteen, line)) {}
  TILEGRID_UNCOUNTED float& operator()(uint32_t row, uint32_t column) const { return values[at(row, column)]; }
  TILEGRID_UNCOUNTED void set(uint32_t row, uint32_t column, float value) const {
    values[at(row, column)] = ::tilegrid_device::as_stored(value, sixteen);
  }
};

/// Two tiles of values and the two of their indices behind them. Columns are sequences of 64.
class Sequences {
 public:
  TILEGRID_UNCOUNTED Sequences(uint32_t dst, bool stable, ::tilegrid_device::Line line)
      : tiles_{{dst, line}, {dst + 1, line}, {dst + 2, line}, {dst + 3, line}}, stable_(stable) {}
  /// Of rows `i` and `j` the larger value comes to `i`, or the smaller when `ascending`; indices go along.
  TILEGRID_UNCOUNTED void order(uint32_t i, uint32_t j, bool ascending) const {
    for (uint32_t column = 0; column < 32; ++column) {
      float &x = tiles_[i / 32](i % 32, column), &y = tiles_[j / 32](j % 32, column);
      float &x_index = tiles_[2 + i / 32](i % 32, column), &y_index = tiles_[2 + j / 32](j % 32, column);
      bool swap = ascending ? key(x) > key(y) : key(x) < key(y);
      if (stable_ && key(x) == key(y)) {
        swap = ::tilegrid_device::bits_of_float(x_index) > ::tilegrid_device::bits_of_float(y_index);
        if (ascending) swap = !swap;
      }
      if (!swap) continue;
      std::swap(x, y);
      std::swap(x_index, y_index);
    }
  }
  /// Steps `step` to 1 of a bitonic network over `length` rows from `first` on: what is bitonic becomes sorted.
  TILEGRID_UNCOUNTED void steps(uint32_t first, uint32_t length, int step, int last, bool ascending) const {
    for (; step > last; --step) {
      const uint32_t distance = 1U << (step - 1);
      for (uint32_t i = 0; i < length; ++i) {
        if ((i & distance) == 0) order(first + i, first + i + distance, ascending);
      }
    }
  }
  /// A phase makes sorted sequences of 2^(phase + 1) of the bitonic ones, in alternating directions.
  TILEGRID_UNCOUNTED void phase(int phase, int start, int end, bool ascending) const {
    const uint32_t length = 2U << phase;
    for (uint32_t first = 0; first < 64; first += length, ascending = !ascending) {
      steps(first, length, start, end, ascending);
      if (end > 0) steps(first, length, end > 4 ? 4 : end, 0, ascending);
    }
  }

 private:
  /// The vector unit compares by sign and magnitude.
  TILEGRID_UNCOUNTED static int32_t key(float value) {
    const uint32_t bits = ::tilegrid_device::bits_of_float(value);
    return static_cast<int32_t>(bits >> 31U != 0 ? ~(bits & 0x7FFFFFFFU) : bits);
  }
  Tile tiles_[4];
  bool stable_;
};

/// Loads, a step's exchanges and stores of 16 rows, in four parts of a row each.
inline constexpr uint32_t group_work = 4 * 26;

/// What the vector unit's registers hold from one call to the next: a mean and a sum of squares for each column, or the
/// last average; constants of an initialisation.
inline float means[32], squares[32], averages[32];
inline float average_old, average_new, zero_point;

TILEGRID_UNCOUNTED inline float reciprocal_of(uint32_t count, const uint32_t* table) {
  return table != nullptr ? ::tilegrid_device::float_of_bits(table[count - 1]) : 1.0F / static_cast<float>(count);
}
/// Where the state of a column lies in a tile that keeps it: every second place, by `group` of 32 columns.
TILEGRID_UNCOUNTED constexpr uint32_t kept(uint32_t column, uint32_t group) { return group * 64 + column * 2; }
TILEGRID_UNCOUNTED inline void welford(uint32_t dst, uint32_t start, uint32_t first, uint32_t rows, const uint32_t* table,
                                       ::tilegrid_device::Line line) {
  const Tile tile(dst, line);
  for (uint32_t row = first; row < first + rows; ++row) {
    const float part = reciprocal_of(start + row - first + 1, table);
    for (uint32_t column = 0; column < 32; ++column) {
      const float x = tile(row, column), off = x - means[column];
      means[column] += off * part;
      squares[column] += off * (x - means[column]);
    }
  }
  TG.vector_work(16 + rows * 14);
}
TILEGRID_UNCOUNTED inline void store_welford(uint32_t dst, uint32_t group, bool in_row, float part,
                                             ::tilegrid_device::Line line) {
  const Tile mean(dst, line), square(dst + 1, line);
  for (uint32_t column = 0; column < 32; ++column) {
    const uint32_t place = in_row ? at(0, column) : kept(column, group);
    mean.values[place] = ::tilegrid_device::as_stored(means[column], mean.sixteen);
    square.values[place] = ::tilegrid_device::as_stored(squares[column] * part, square.sixteen);
  }
  TG.vector_work(16);
}
/// One value of a reduction and the next.
template <PoolType pool, DataFormat format>
TILEGRID_UNCOUNTED inline float pooled(float a, float b) {
  using namespace ::tilegrid_device;
  if constexpr (is_integer_format(format)) {
    const uint32_t u = bits_of_float(a), v = bits_of_float(b);
    constexpr bool is_signed = format == DataFormat::Int32;
    const bool less = is_signed ? static_cast<int32_t>(u) < static_cast<int32_t>(v) : u < v;
    return float_of_bits(pool == MAX ? (less ? v : u) : pool == MIN ? (less ? u : v) : u + v);
  }
  return pool == MAX ? (a < b ? b : a) : pool == MIN ? (a < b ? a : b) : a + b;
}

}  // namespace tilegrid_tiles

// ---- Sorting
inline void topk_tile_init() {}
/// Sorts the columns of two tiles, their indices along with them: phases of a bitonic sort, or steps of one phase.
template <bool stable_sort = false>
TILEGRID_UNCOUNTED inline void topk_local_sort(uint32_t dst, int ascending, int end_phase, int start_phase = 0,
                                               int end_step = 0, int start_step = 0, TG_AT) {
  const tilegrid_tiles::Sequences sequences(dst, stable_sort, at);
  uint32_t work = 0;
  for (int phase = start_phase; phase <= end_phase; ++phase) {
    const bool part = phase > 3 && start_phase == end_phase;
    const int first = part ? start_step : phase + 1, last = part ? (end_step > 4 ? end_step : 4) : 0;
    sequences.phase(phase, first, last, ascending != 0);
    work += tilegrid_tiles::group_work * 4 * static_cast<uint32_t>(phase > 3 ? first - 3 : 1);
  }
  TG.vector_work(work);
}
/// Of sequences of `k` that are 2^iteration apart the first gets the larger values, or the smaller with `smallest`.
template <bool smallest = false, bool stable_sort = false>
TILEGRID_UNCOUNTED inline void topk_merge(uint32_t dst, int iteration, int k, TG_AT) {
  const tilegrid_tiles::Sequences sequences(dst, stable_sort, at);
  const uint32_t length = k > 32 ? 32 : static_cast<uint32_t>(k);
  const uint32_t distance = length << iteration > 32 ? 32 : length << iteration;
  uint32_t all = 64U >> iteration;
  if (all < 2 * length) all = 2 * length;
  for (uint32_t done = 0, first = 0; done < all; done += 2 * length, first += 2 * distance) {
    for (uint32_t i = first; i < first + length; ++i) sequences.order(i, i + distance, smallest);
  }
  TG.vector_work(all / 8 * 40);
}
/// Sorts the sequences of `k` that a merge has left, 2^(iteration + 1) apart, in alternating directions.
template <bool stable_sort = false>
TILEGRID_UNCOUNTED inline void topk_rebuild(uint32_t dst, bool ascending, int iteration, int k, int logk, int skip_second,
                                            TG_AT) {
  const tilegrid_tiles::Sequences sequences(dst, stable_sort, at);
  const auto length = static_cast<uint32_t>(k);
  if (logk > 4) {
    sequences.phase(logk - 1, logk, 0, ascending);
    TG.vector_work(tilegrid_tiles::group_work * 4 * static_cast<uint32_t>(logk - 3));
    return;
  }
  const uint32_t distance = length << (iteration + 1) > 32 ? 32 : length << (iteration + 1);
  uint32_t all = 64U >> (iteration + 1);
  if (all < 2 * length) all = 2 * length;
  if (skip_second != 0) all /= 2;
  for (uint32_t done = 0, first = 0; done < all; done += length, first += distance, ascending = !ascending) {
    sequences.steps(first, length, logk, 0, ascending);
  }
  TG.vector_work(tilegrid_tiles::group_work * (all + 15) / 16);
}

// ---- Running statistics of columns
inline void welford_clear() {
  for (uint32_t i = 0; i < 32; ++i) tilegrid_tiles::means[i] = tilegrid_tiles::squares[i] = 0.0F;
}
inline void welford_init() { welford_clear(); }
/// Takes 32 rows in, the first of which is value `start` of its column. The table has 1/n at n - 1; an empty one divides.
template <size_t size>
inline void welford_update(uint32_t dst, uint32_t start, const std::array<uint32_t, size>& reciprocals, TG_AT) {
  tilegrid_tiles::welford(dst, start, 0, 32, size == 0 ? nullptr : reciprocals.data(), at);
}
template <size_t size>
inline void welford_update_rows(uint32_t dst, uint32_t start, uint32_t first, uint32_t rows,
                                const std::array<uint32_t, size>& reciprocals, TG_AT) {
  tilegrid_tiles::welford(dst, start, first, rows, size == 0 ? nullptr : reciprocals.data(), at);
}
/// Mean and sum of squares to tiles `dst` and `dst` + 1, to go on later.
inline void welford_save_state(uint32_t dst, uint32_t group = 0, TG_AT) {
  tilegrid_tiles::store_welford(dst, group, false, 1.0F, at);
}
TILEGRID_UNCOUNTED inline void welford_restore_state(uint32_t dst, uint32_t group = 0, TG_AT) {
  const tilegrid_tiles::Tile mean(dst, at), square(dst + 1, at);
  for (uint32_t column = 0; column < 32; ++column) {
    tilegrid_tiles::means[column] = mean.values[tilegrid_tiles::kept(column, group)];
    tilegrid_tiles::squares[column] = square.values[tilegrid_tiles::kept(column, group)];
  }
  TG.vector_work(16);
}
/// Mean and variance to the first rows of tiles `dst` and `dst` + 1; the variance is divided by `last` + 1.
template <size_t size>
inline void welford_finalize_to_row(uint32_t dst, uint32_t last, const std::array<uint32_t, size>& reciprocals, TG_AT) {
  const float part = tilegrid_tiles::reciprocal_of(last + 1, size == 0 ? nullptr : reciprocals.data());
  tilegrid_tiles::store_welford(dst, 0, true, part, at);
}
/// The same to every second place of the first face's first four rows.
template <size_t size>
inline void welford_finalize_to_face(uint32_t dst, uint32_t last, const std::array<uint32_t, size>& reciprocals, TG_AT) {
  const float part = tilegrid_tiles::reciprocal_of(last + 1, size == 0 ? nullptr : reciprocals.data());
  tilegrid_tiles::store_welford(dst, 0, false, part, at);
}
template <size_t size>
inline void welford_finalize_to_face(uint32_t dst, uint32_t group, uint32_t last,
                                     const std::array<uint32_t, size>& reciprocals, TG_AT) {
  const float part = tilegrid_tiles::reciprocal_of(last + 1, size == 0 ? nullptr : reciprocals.data());
  tilegrid_tiles::store_welford(dst, group, false, part, at);
}
/// Moving averages down the columns, old x `alpha` + new x `beta`, both as the bits of a float.
inline void ema_init(uint32_t alpha, uint32_t beta) {
  tilegrid_tiles::average_old = ::tilegrid_device::float_of_bits(alpha);
  tilegrid_tiles::average_new = ::tilegrid_device::float_of_bits(beta);
}
inline void ema_clear_previous_output() {
  for (float& average : tilegrid_tiles::averages) average = 0.0F;
}
/// The tile behind the input's gets them.
TILEGRID_UNCOUNTED inline void ema_tile(uint32_t dst, TG_AT) {
  const tilegrid_tiles::Tile in(dst, at), out(dst + 1, at);
  for (uint32_t row = 0; row < 32; ++row) {
    for (uint32_t column = 0; column < 32; ++column) {
      float& average = tilegrid_tiles::averages[column];
      average = tilegrid_tiles::average_old * average + tilegrid_tiles::average_new * in(row, column);
      out.values[tilegrid_moves::at(row, column)] = ::tilegrid_device::as_stored(average, true);
    }
  }
  TG.vector_work(8 * 29);
}

// ---- Reductions within DST
template <PoolType pool, DataFormat format>
inline void sfpu_reduce_init() {}
/// Columns to the first row; or rows of a block of `columns` x `rows` tiles to the first column of each row's first tile.
template <PoolType pool, DataFormat format, ReduceDim dim = REDUCE_COL>
TILEGRID_UNCOUNTED inline void sfpu_reduce(uint32_t dst, uint32_t columns = 1, uint32_t rows = 1, TG_AT) {
  static_assert(dim == REDUCE_COL || (dim == REDUCE_ROW && pool == SUM), "sfpu_reduce of rows has sums only");
  using namespace ::tilegrid_device;
  for (uint32_t row_of_tiles = 0; row_of_tiles < rows; ++row_of_tiles) {
    const tilegrid_tiles::Tile out(dst + row_of_tiles * columns, at);
    for (uint32_t i = 0; i < 32; ++i) {
      float all = 0.0F;
      for (uint32_t c = 0; c < (dim == REDUCE_ROW ? columns : 1); ++c) {
        const tilegrid_tiles::Tile in(dst + row_of_tiles * columns + c, at);
        for (uint32_t j = 0; j < 32; ++j) {
          const float x = dim == REDUCE_COL ? in(j, i) : in(i, j);
          all = c + j == 0 ? x : tilegrid_tiles::pooled<pool, format>(all, x);
        }
      }
      if (pool == AVG && is_integer_format(format))
        all = float_of_bits(static_cast<uint32_t>(static_cast<int32_t>(bits_of_float(all)) / 32));
      if (pool == AVG && !is_integer_format(format)) all /= 32.0F;
      float& place = dim == REDUCE_COL ? out(0, i) : out(i, 0);
      place = is_integer_format(format) ? all : as_stored(all, out.sixteen);
    }
  }
  TG.vector_work(96 * columns * rows);
}
inline void sfpu_add_top_row_init() {}
template <DataFormat format>
TILEGRID_UNCOUNTED inline void sfpu_add_top_row(uint32_t a, uint32_t b, uint32_t out, TG_AT) {
  const tilegrid_tiles::Tile first(a, at), second(b, at), sum(out, at);
  for (uint32_t column = 0; column < 32; ++column) {
    const float value = tilegrid_tiles::pooled<SUM, format>(first(0, column), second(0, column));
    sum(0, column) = ::tilegrid_device::is_integer_format(format) ? value : ::tilegrid_device::as_stored(value, sum.sixteen);
  }
  TG.vector_work(16);
}
enum class DataLayout { TILE = 0, ROW_MAJOR = 1 };
template <DataLayout layout = DataLayout::TILE>
inline void max_reduce_with_indices_init() {}
/// The largest of each column's first 9 or 32 rows to the first row, and its index along with it.
template <int rows = 9, DataLayout layout = DataLayout::TILE, bool accumulate = false, int = 8>
TILEGRID_UNCOUNTED inline void max_reduce_with_indices(uint32_t dst, uint32_t index, uint32_t = 0, TG_AT) {
  static_assert(rows <= 32 && !accumulate, "max_reduce_with_indices has up to 32 rows, in one piece");
  const tilegrid_tiles::Tile values(dst, at), indices(index, at);
  for (uint32_t column = 0; column < 32; ++column) {
    const auto place = [&](uint32_t row) TILEGRID_UNCOUNTED {
      return layout == DataLayout::TILE ? tilegrid_moves::at(row, column) : row * 32 + column;
    };
    uint32_t best = place(0);
    for (uint32_t row = 1; row < (rows > 9 ? 32 : 9); ++row) {
      if (values.values[place(row)] > values.values[best]) best = place(row);
    }
    values.values[place(0)] = values.values[best];
    indices.values[place(0)] = indices.values[best];
  }
  TG.vector_work(rows > 9 ? 4 * 80 : 4 * 30);
}
/// Sums of integers, as the two functions of that name leave them: of every fourth row in the first four rows, and of
/// columns 2i, 2i + 1 and those 16 further on in column 2i.
inline void sfpu_sum_int_init() {}
TILEGRID_UNCOUNTED inline void sfpu_sum_int_col(uint32_t dst, TG_AT) {
  const tilegrid_tiles::Tile tile(dst, at);
  for (uint32_t row = 4; row < 32; ++row) {
    for (uint32_t column = 0; column < 32; ++column) {
      float& sum = tile(row % 4, column);
      sum = tilegrid_tiles::pooled<SUM, DataFormat::Int32>(sum, tile(row, column));
    }
  }
  TG.vector_work(4 * 32);
}
TILEGRID_UNCOUNTED inline void sfpu_sum_int_row(uint32_t dst, TG_AT) {
  const tilegrid_tiles::Tile tile(dst, at);
  for (uint32_t row = 0; row < 32; ++row) {
    for (uint32_t column = 0; column < 16; column += 2) {
      float& sum = tile(row, column);
      for (const uint32_t other : {column + 1, column + 16, column + 17}) {
        sum = tilegrid_tiles::pooled<SUM, DataFormat::Int32>(sum, tile(row, other));
      }
    }
  }
  TG.vector_work(8 * 16);
}
inline void sfpu_add_int(uint32_t dst, uint32_t = 2, int32_t = 8, TG_AT) { add_int_tile(dst, dst + 1, at); }
/// Products of pairs of tiles, the first of each buffer, summed up to the first element of DST 0.
inline void mul_reduce_scalar_init(uint32_t, uint32_t) {}
inline void mul_reduce_scalar_uninit() {}
template <PoolType pool = SUM>
TILEGRID_UNCOUNTED inline void mul_reduce_scalar_tile(uint32_t a, uint32_t b, uint32_t tiles, float scaler = 1.0F, TG_AT) {
  static_assert(pool == SUM, "mul_reduce_scalar_tile has sums only");
  float sum = 0.0F;
  for (uint32_t i = 0; i < tiles; ++i) {
    TG.eltwise(ELWMUL, 0, a, b, i, i, i, false, at);
    const tilegrid_tiles::Tile product(i, at);
    for (uint32_t j = 0; j < 1024; ++j) sum += product.values[j];
  }
  const tilegrid_tiles::Tile out(0, at);
  for (uint32_t j = 0; j < 1024; ++j) out.values[j] = 0.0F;
  out.set(0, 0, sum * scaler);
  TG.vector_work(32 + 64 * tiles);
}

// ---- Moves of rows
inline void reshuffle_rows_tile_init() {}
/// Adds each row to that row of the next tile which the byte for it says; 32 and more: to none. The bytes lie 16 behind
/// the address, as cb_get_tile gives it.
TILEGRID_UNCOUNTED inline void reshuffle_rows_tile(uint32_t dst, uint32_t indices, TG_AT) {
  const tilegrid_tiles::Tile in(dst, at), out(dst + 1, at);
  const auto* rows = reinterpret_cast<const volatile uint8_t*>(static_cast<uintptr_t>(indices + 16));
  for (uint32_t row = 0; row < 32; ++row) {
    const uint32_t to = rows[row];
    for (uint32_t column = 0; to < 32 && column < 32; ++column) out.set(to, column, out(to, column) + in(row, column));
  }
  TG.vector_work(32 * 20);
}

// ---- Quantisation: a value times the second operand's, to integers of 8 bits and back. The zero point is the bits of a
// float; that of dequant_tile is negative.
TILEGRID_UNCOUNTED inline void tilegrid_zero_point(uint32_t bits) {
  tilegrid_tiles::zero_point = ::tilegrid_device::float_of_bits(bits);
}
inline void quant_tile_init(uint32_t zero_point) { tilegrid_zero_point(zero_point); }
inline void requant_tile_init(uint32_t zero_point) { tilegrid_zero_point(zero_point); }
inline void dequant_tile_init(uint32_t zero_point) { tilegrid_zero_point(zero_point); }
#define TILEGRID_AS_BYTE(value)                                                      \
  const float y = (value)*b[i] + float_of_bits(p[0]);                                \
  const float n = __builtin_roundf(y > 127.0F ? 127.0F : y < -127.0F ? -127.0F : y); \
  return float_of_bits(static_cast<uint32_t>(static_cast<int32_t>(n)));
TILEGRID_FUNCTION(quant_pair, mul_tile, TILEGRID_AS_BYTE(x))
TILEGRID_FUNCTION(requant_pair, mul_tile, TILEGRID_AS_BYTE(static_cast<float>(static_cast<int32_t>(bits_of_float(x)))))
#undef TILEGRID_AS_BYTE
TILEGRID_FUNCTION(dequant_pair, mul_tile,
                  return (static_cast<float>(static_cast<int32_t>(bits_of_float(x))) + float_of_bits(p[0])) * b[i];)
#define TILEGRID_QUANT(name, integer)                                                                 \
  inline void name##_tile(uint32_t a, uint32_t b, uint32_t out, TG_AT) {                              \
    const uint32_t zero_point = ::tilegrid_device::bits_of_float(tilegrid_tiles::zero_point);         \
    TG.apply(TG_OP(mul_tile), a, b, out, 0, 2, TILEGRID_FACE(name##_pair), &zero_point, integer, at); \
  }                                                                                                   \
  inline void name##_tile(uint32_t a, uint32_t b, TG_AT) { name##_tile(a, b, a, at); }
TILEGRID_QUANT(quant, true)
TILEGRID_QUANT(requant, true)
TILEGRID_QUANT(dequant, false)
#undef TILEGRID_QUANT

// ---- Functions of one value that came late
TILEGRID_PLAIN(lgamma_stirling, log, return __builtin_lgammaf(x < 0.5F ? 1.0F - x : x);)
/// Of x below 0.5 by reflection: the second operand is log|sin(pi x)|.
namespace tilegrid_faces {
TILEGRID_UNCOUNTED inline void lgamma_adjusted(float* out, const float* a, const float* b, const float* c, int count,
                                               const uint32_t*) {
  for (int i = 0; i < count; ++i) out[i] = c[i] < 0.5F ? 1.1447298858F - b[i] - a[i] : a[i];
}
}  // namespace tilegrid_faces
inline void lgamma_adjusted_tile_init() {}
inline void lgamma_adjusted_tile(uint32_t stirling, uint32_t log_sine, uint32_t x, uint32_t out, TG_AT) {
  TG.apply3(TG_OP(where), stirling, log_sine, x, out, TILEGRID_FACE(lgamma_adjusted), nullptr, at);
}
TILEGRID_WITH_PARAMETER(xielu, exp_accurate,
                        return x / 2.0F +
                               (x > 0.0F ? float_of_bits(p[0]) * x * x : float_of_bits(p[1]) * (__builtin_expm1f(x) - x));)
inline void identity_tile_uint32(uint32_t dst, TG_AT) { copy_dest_values<DataFormat::UInt32>(dst, dst, at); }
/// To BF16, up with the probability of what would be lost.
TILEGRID_UNCOUNTED inline void stochastic_round_tile(uint32_t dst, TG_AT) {
  const tilegrid_tiles::Tile tile(dst, at);
  for (uint32_t i = 0; i < 1024; ++i) {
    const uint32_t bits = ::tilegrid_device::bits_of_float(tile.values[i]);
    if ((bits >> 23U & 0xFFU) == 0xFFU) continue;
    tile.values[i] = ::tilegrid_device::float_of_bits((bits + (tilegrid_moves::random() & 0xFFFFU)) & 0xFFFF0000U);
  }
  TG.vector_work(96);
}

// ---- What is said by name
TILEGRID_NOT_THERE(tiled_prod_tile, "a product down the rows of a tile")
TILEGRID_NOT_THERE(tiled_prod_tile_init, "a product down the rows of a tile")
TILEGRID_NOT_THERE(pack_rows_init, "rows are packed by pack_untilize_dest")
TILEGRID_NOT_THERE(pack_rows, "rows are packed by pack_untilize_dest")
TILEGRID_NOT_THERE(pack_rows_uninit, "rows are packed by pack_untilize_dest")
TILEGRID_NOT_THERE(exp_packthread_tile_init, "the three processors of a compute kernel are one program here (exp_tile)")
TILEGRID_NOT_THERE(exp_packthread_tile, "the three processors of a compute kernel are one program here (exp_tile)")
TILEGRID_NOT_THERE(enable_fp32_dest_acc, "the host's ComputeConfig says the width of DST (fp32_dest_acc_en)")
TILEGRID_NOT_THERE(disable_fp32_dest_acc, "the host's ComputeConfig says the width of DST (fp32_dest_acc_en)")
TILEGRID_NOT_THERE(matmul_tiles_math, "the operands of a product are unpacked with it (matmul_tiles)")
TILEGRID_NOT_THERE(matmul_block_math_dynamic_throttle, "the operands of a product are unpacked with it (matmul_block)")
TILEGRID_NOT_THERE(dbg_halt, "a debugger of the host's stops kernels")
TILEGRID_NOT_THERE(dbg_unhalt, "a debugger of the host's stops kernels")
TILEGRID_NOT_THERE(dbg_read_dest_acc_row, "pack a tile and print it by TileSlice")
TILEGRID_NOT_THERE(get_compute_special_value_flags, "--diagnostics counts infinities, NaNs and denormals")
TILEGRID_NOT_THERE(get_compute_special_value_flags_fpu, "--diagnostics counts infinities, NaNs and denormals")
TILEGRID_NOT_THERE(get_compute_special_value_flags_sfpu, "--diagnostics counts infinities, NaNs and denormals")
TILEGRID_NOT_THERE(clear_compute_special_value_flags, "--diagnostics counts infinities, NaNs and denormals")
TILEGRID_NOT_THERE(store_compute_special_value_flags_to_l1, "--diagnostics counts infinities, NaNs and denormals")

}  // namespace ckernel
