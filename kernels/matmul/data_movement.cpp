// SPDX-License-Identifier: Apache-2.0
// NCRISC and BRISC of the matmul: the blocks of both factors in, the blocks of the output out.
#include <algorithm>

#include "kernels/matmul/block_stream.h"

namespace tilegrid::matmul {
namespace {

using namespace tilegrid::api;

CoreArgs core_args_of_this_kernel() {
  CoreArgs args;
  std::uint32_t index = 0;
  for (std::uint32_t* word : {&args.column, &args.row, &args.sender_x, &args.sender_y, &args.start_x, &args.start_y,
                              &args.end_x, &args.end_y, &args.receivers}) {
    *word = get_arg_val<std::uint32_t>(index++);
  }
  return args;
}

/// The walk over a core's work that both kernels share.
class Walk {
 public:
  Walk(const Args& args, const CoreArgs& core)
      : args_(args),
        first_m_(core.row * args.core_m),
        end_m_(std::min(first_m_ + args.core_m, args.m_t)),
        first_n_(core.column * args.core_n),
        end_n_(std::min(first_n_ + args.core_n, args.n_t)) {}

  /// Calls `visit` for each block of the output, in order.
  template <class Visit>
  void each_block(const Visit& visit) {
    for (batch_ = 0; batch_ < args_.batches; ++batch_) {
      for (m_ = 0; m_ < args_.m_blocks; ++m_) {
        for (n_ = 0; n_ < args_.n_blocks; ++n_) visit();
      }
    }
  }
  [[nodiscard]] Place of_a(std::uint32_t k_block) const {
    return {batch_ * args_.m_t * args_.k_t, first_m_ + m_ * args_.block_m, end_m_, k_block * args_.block_k, args_.k_t};
  }
  [[nodiscard]] Place of_b(std::uint32_t k_block) const {
    const std::uint32_t first_page = args_.shared_b != 0 ? 0 : batch_ * args_.k_t * args_.n_t;
    return {first_page, k_block * args_.block_k, args_.k_t, first_n_ + n_ * args_.block_n, end_n_};
  }
  [[nodiscard]] Place of_out() const {
    return {batch_ * args_.m_t * args_.n_t, first_m_ + m_ * args_.block_m, end_m_, first_n_ + n_ * args_.block_n, end_n_};
  }

 private:
  const Args& args_;
  std::uint32_t first_m_, end_m_, first_n_, end_n_;  ///< the core's share
  std::uint32_t batch_ = 0, m_ = 0, n_ = 0;
};

BlockStream stream_of_a(const Args& args, const CoreArgs& core) {
  return {{{args.a_base, get_tile_size(cb_a)}, args.k_t, args.block_m, args.block_k, cb_a, cb_zeros_a, args.zeros_a != 0},
          core,
          args.multicast == 0 || core.column == 0,
          a_ready,
          a_sent};
}
BlockStream stream_of_b(const Args& args, const CoreArgs& core) {
  return {{{args.b_base, get_tile_size(cb_b)}, args.n_t, args.block_k, args.block_n, cb_b, cb_zeros_b, args.zeros_b != 0},
          core,
          args.multicast == 0 || core.row == 0,
          b_ready,
          b_sent};
}

/// A block of the output, subblock by subblock, as compute pushes it. Padding is left out.
void write_block(const Args& args, const Place& place) {
  const InterleavedAddrGen out{args.out_base, get_tile_size(cb_out)};
  for (std::uint32_t row = place.row; row < place.row + args.block_m; row += args.sub_h) {
    for (std::uint32_t column = place.column; column < place.column + args.block_n; column += args.sub_w) {
      mark_loop();
      cb_wait_front(cb_out, args.sub_h * args.sub_w);
      std::uint32_t address = get_read_ptr(cb_out);
      for (std::uint32_t r = row; r < row + args.sub_h; ++r) {
        for (std::uint32_t c = column; c < column + args.sub_w; ++c, address += out.page_size) {
          if (r >= place.end_row || c >= place.end_column) continue;
          noc_async_write_page(place.first_page + r * args.n_t + c, out, address);
        }
      }
      noc_async_write_barrier();
      cb_pop_front(cb_out, args.sub_h * args.sub_w);
    }
  }
}

}  // namespace

void reader() {
  const auto args = args_of_this_kernel<Args>();
  const CoreArgs core = core_args_of_this_kernel();
  Walk walk(args, core);
  zone(Phase::read);
  BlockStream a = stream_of_a(args, core);
  if (args.multicast == 0) {
    BlockStream b = stream_of_b(args, core);
    walk.each_block([&] {
      for (std::uint32_t k = 0; k < args.k_blocks; ++k) {
        mark_loop();
        a.next(walk.of_a(k));
        b.next(walk.of_b(k));
      }
    });
    mark_loop();
    b.finish();
  } else {
    walk.each_block([&] {
      for (std::uint32_t k = 0; k < args.k_blocks; ++k) {
        mark_loop();
        a.next(walk.of_a(k));
      }
    });
  }
  mark_loop();
  a.finish();
}

void writer() {
  const auto args = args_of_this_kernel<Args>();
  const CoreArgs core = core_args_of_this_kernel();
  Walk walk(args, core);
  if (args.multicast == 0) {
    zone(Phase::write);
    walk.each_block([&] { write_block(args, walk.of_out()); });
    mark_loop();
  } else {
    BlockStream b = stream_of_b(args, core);
    walk.each_block([&] {
      zone(Phase::read);
      for (std::uint32_t k = 0; k < args.k_blocks; ++k) {
        mark_loop();
        b.next(walk.of_b(k));
      }
      zone(Phase::write);
      write_block(args, walk.of_out());
    });
    mark_loop();
    b.finish();
  }
}

}  // namespace tilegrid::matmul
