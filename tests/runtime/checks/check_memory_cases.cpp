// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "tests/runtime/checks/check_cases.h"

namespace tilegrid::test::check_cases {

std::vector<Case> memory_cases() {
  return {
      single(
          "tile_that_nobody_wrote", Class::uninitialised_l1, Risc::trisc, __LINE__ + 3, __LINE__ + 3,
          [] {
            cb_reserve_back(0, 1), cb_push_back(0, 1), cb_wait_front(0, 1);
            section([] { copy_tile(0, 0, 0); }, [] {});
          },
          [] { fill(0, 1), section([] { copy_tile(0, 0, 0); }, [] {}); }),
      single(
          "half_a_tile", Class::uninitialised_l1, Risc::trisc, __LINE__ + 5, __LINE__ + 5,
          [] {
            cb_reserve_back(0, 2), std::memset(l1_pointer(get_write_ptr(0)), 0, page + page / 2);
            cb_push_back(0, 2), cb_wait_front(0, 2);
            fill(1, 1);
            section([] { matmul_block(1, 0, 0, 0, 0, false, 2, 1, 1); }, [] {});
          },
          [] { fill(0, 2), fill(1, 1), section([] { matmul_block(1, 0, 0, 0, 0, false, 2, 1, 1); }, [] {}); }),
      single(
          "sent_and_never_written", Class::uninitialised_l1, Risc::brisc, __LINE__ + 1, __LINE__ + 1,
          [] { noc_async_write(get_write_ptr(0), on_core(other, user), page), noc_async_write_barrier(); },
          [] { fill(0, 1), noc_async_write(get_read_ptr(0), on_core(other, user), page), noc_async_write_barrier(); }),
      single(
          "accumulate_on_nothing", Class::uninitialised_l1, Risc::trisc, __LINE__ + 3, __LINE__ + 3,
          [] {
            cb_reserve_back(0, 1), pack_reconfig_l1_acc(true);
            section([] { fill_tile(0, 1); }, [] { pack_tile_at(0, 0, 0); });
            pack_reconfig_l1_acc(false);
          },
          [] {
            cb_reserve_back(0, 1), section([] { fill_tile(0, 1); }, [] { pack_tile_at(0, 0, 0); });
            pack_reconfig_l1_acc(true), section([] { fill_tile(0, 1); }, [] { pack_tile_at(0, 0, 0); });
            pack_reconfig_l1_acc(false);
          }),
      single(
          "page_that_nobody_wrote", Class::uninitialised_dram, Risc::ncrisc, __LINE__ + 1, __LINE__ + 1,
          [] { noc_async_read_page(13, unwritten_pages(), l1(user)), noc_async_read_barrier(); },
          [] { noc_async_read_page(13, written_pages(), l1(user)), noc_async_read_barrier(); }),
      single(
          "vector_on_nothing", Class::uninitialised_dst, Risc::trisc, __LINE__ + 1, __LINE__ + 1,
          [] { section([] { recip_tile(3); }, [] {}); }, [] { section([] { fill_tile(3, 1), recip_tile(3); }, [] {}); }),
  };
}

std::vector<Case> dst_cases() {
  return {
      single(
          "acquire_twice", Class::dst_order, Risc::trisc, __LINE__ + 1, __LINE__ + 1,
          [] { tile_regs_acquire(), tile_regs_acquire(), tile_regs_commit(), tile_regs_wait(), tile_regs_release(); },
          [] { section([] {}, [] {}); }),
      single(
          "pack_too_early", Class::dst_order, Risc::trisc, __LINE__ + 3, __LINE__ + 3,
          [] {
            cb_reserve_back(0, 1), tile_regs_acquire(), fill_tile(0, 1), tile_regs_commit();
            pack_tile(0, 0);
            tile_regs_wait(), tile_regs_release();
          },
          [] { cb_reserve_back(0, 1), section([] { fill_tile(0, 1); }, [] { pack_tile(0, 0); }); }),
      single(
          "math_outside", Class::dst_order, Risc::trisc, __LINE__, __LINE__, [] { fill(0, 1), copy_tile(0, 0, 0); },
          [] { fill(0, 1), section([] { copy_tile(0, 0, 0); }, [] {}); }),
      single(
          "matmul_onto_a_sum", Class::dst_dirty, Risc::trisc, __LINE__ + 3, __LINE__ + 3,
          [] {
            fill(0, 2);
            section([] { add_tiles(0, 0, 0, 1, 0), matmul_tiles(0, 0, 0, 1, 0); }, [] {});
          },
          [] {
            fill(0, 2);
            section([] { copy_tile(0, 0, 0), matmul_tiles(0, 0, 0, 1, 0), matmul_tiles(0, 0, 1, 1, 0); }, [] {});
          }),
      single(
          "product_onto_a_copy", Class::dst_dirty, Risc::trisc, __LINE__ + 1, __LINE__ + 1,
          [] { fill(0, 2), section([] { copy_tile(0, 0, 0), mul_tiles(0, 0, 0, 1, 0); }, [] {}); },
          [] {
            fill(0, 2);
            section([] { copy_tile(0, 0, 0), eltwise_tiles(EltwiseOp::mul, Broadcast::none, 0, 0, 0, 1, 0, true); }, [] {});
          }),
  };
}

std::vector<Case> format_cases() {
  return {
      single(
          "other_format_to_unpack", Class::format_reconfig, Risc::trisc, __LINE__ + 4, __LINE__ + 4,
          [] {
            fill(0, 1), fill(2, 1);
            compute_kernel_hw_startup(0, 0, 0);
            section([] { copy_tile(2, 0, 0); }, [] {});
          },
          [] {
            fill(0, 1), fill(2, 1);
            compute_kernel_hw_startup(0, 0, 0), reconfig_data_format(2, 2);
            section([] { copy_tile(2, 0, 0); }, [] {});
          }),
      single(
          "in0_and_in1_swapped", Class::format_reconfig, Risc::trisc, __LINE__ + 4, __LINE__ + 4,
          [] {
            fill(0, 1), fill(2, 1);
            reconfig_data_format(0, 2), mm_block_init_short(0, 2, false, 1, 1, 1);
            section([] { matmul_tiles(0, 2, 0, 0, 0); }, [] {});
          },
          [] {
            fill(0, 1), fill(2, 1);
            reconfig_data_format(2, 0), mm_block_init_short(0, 2, false, 1, 1, 1);
            section([] { matmul_tiles(0, 2, 0, 0, 0); }, [] {});
          }),
      single(
          "other_format_to_pack", Class::format_reconfig, Risc::trisc, __LINE__ + 4, __LINE__ + 4,
          [] {
            cb_reserve_back(0, 1), cb_reserve_back(2, 1);
            section([] { fill_tile(0, 1); }, [] { pack_tile(0, 0); });
            section([] { fill_tile(0, 1); }, [] { pack_tile(0, 2); });
          },
          [] {
            cb_reserve_back(0, 1), cb_reserve_back(2, 1);
            section([] { fill_tile(0, 1); }, [] { pack_tile(0, 0); });
            section([] { fill_tile(0, 1); }, [] { pack_reconfig_data_format(2), pack_tile(0, 2); });
          }),
      single(
          "accumulation_left_on", Class::l1_acc_left, Risc::trisc, __LINE__ + 1, __LINE__ + 1,
          [] { pack_reconfig_l1_acc(true); }, [] { pack_reconfig_l1_acc(true), pack_reconfig_l1_acc(false); }),
  };
}

namespace {

Case legal(const char* name, std::vector<Part> parts) {
  return {name, Class::race, one, parts.front().risc, 0, 0, {{parts.front().risc, one, nullptr}}, std::move(parts)};
}

constexpr std::uint32_t rounds = 5;
constexpr LogicalCore ends[] = {{0, 0}, {2, 0}};

/// Multicast of a page to a slot of all others, with credits: everybody has reserved before it is sent.
void send_to_all() {
  fill(1, 1);
  *semaphore_pointer(l1(user)) = 1;
  for (std::uint32_t round = 0; round < rounds; ++round) {
    noc_semaphore_wait(semaphore(1), 5);
    noc_semaphore_set(semaphore(1), 0);
    noc_async_write_multicast(get_read_ptr(1), on_all_cores(get_write_ptr(0) + round % 4 * page), page, 5, true);
    noc_semaphore_set_multicast(l1(user), on_all_cores(get_semaphore(0)), 5);
    noc_async_writes_flushed();
  }
  noc_async_write_barrier();
}
void receive_from_one() {
  for (std::uint32_t round = 0; round < rounds; ++round) {
    cb_reserve_back(0, 1);
    noc_semaphore_set(semaphore(0), 0);
    noc_semaphore_inc(semaphore_on(one, 1), 1);
    noc_semaphore_wait(semaphore(0), 1);
    cb_push_back(0, 1);
  }
  noc_semaphore_set(semaphore(0), 0);
  noc_async_atomic_barrier();
}
void consume() {
  for (std::uint32_t round = 0; round < rounds; ++round) {
    cb_wait_front(0, 1);
    section([] { copy_tile(0, 0, 0); }, [] {});
    cb_pop_front(0, 1);
  }
}

/// A chain: each core hands the page on to its right neighbour, which has asked for it.
template <int x>
void pass_on() {
  constexpr LogicalCore left{x - 1, 0};
  constexpr LogicalCore right{x + 1, 0};
  for (std::uint32_t round = 0; round < rounds; ++round) {
    cb_reserve_back(0, 1);
    if (x == 0) {
      noc_async_read_page(round, written_pages(), get_write_ptr(0)),
          noc_async_read_page(round, written_pages(), get_write_ptr(0) + 1024);
      noc_async_read_barrier();
    } else {
      noc_semaphore_inc(semaphore_on(left, 1), 1);
      noc_semaphore_wait_min(semaphore(0), round + 1);
    }
    if (x < 2) {
      noc_semaphore_wait(semaphore(1), 1), noc_semaphore_set(semaphore(1), 0);
      noc_async_write(get_write_ptr(0), on_core(right, get_write_ptr(0)), page);
      noc_semaphore_inc(semaphore_on(right, 0), 1);
      noc_async_writes_flushed();
    }
    cb_push_back(0, 1);
  }
  if (x > 0) noc_semaphore_set(semaphore(0), 0);
  noc_async_full_barrier();
}

/// The other core's page is read once it says that it is there, and written again once it has been read.
void offer() {
  for (std::uint32_t round = 0; round < rounds; ++round) {
    cb_reserve_back(0, 1);
    std::memset(l1_pointer(get_write_ptr(0)), static_cast<int>(round), page);
    cb_push_back(0, 1);
    noc_semaphore_inc(semaphore_on(other, 0), 1);
    noc_semaphore_wait(semaphore(1), 1), noc_semaphore_set(semaphore(1), 0);
    cb_wait_front(0, 1), cb_pop_front(0, 1);
  }
  noc_async_atomic_barrier();
}
void fetch() {
  for (std::uint32_t round = 0; round < rounds; ++round) {
    noc_semaphore_wait(semaphore(0), 1), noc_semaphore_set(semaphore(0), 0);
    noc_async_read(on_core(one, get_write_ptr(0) + round % 4 * page), l1(user), page), noc_async_read_barrier();
    noc_semaphore_inc(semaphore_on(one, 1), 1);
  }
  noc_async_atomic_barrier();
}

/// A compute kernel may transfer, too. It reads to one place twice, and sends what it has read.
void transfer_by_trisc() {
  for (int i = 0; i < 2; ++i) noc_async_read_page(0, written_pages(), l1(user)), noc_async_read_barrier();
  noc_async_write(l1(user), on_core(other, user), 1024), noc_async_write_barrier();
  noc_semaphore_inc(semaphore_on(other, 0), 1), noc_async_atomic_barrier();
}
void send_back() {
  noc_semaphore_wait(semaphore(0), 1), noc_semaphore_set(semaphore(0), 0);
  noc_async_write(l1(user), on_core(one, user + 1024), 1024), noc_async_write_barrier();
}

std::vector<Part> multicast_parts() {
  std::vector<Part> parts{{Risc::brisc, one, send_to_all}};
  for (int core = 0; core < grid.cores(); ++core) {
    if (grid.core(core) == one) continue;
    parts.push_back({Risc::ncrisc, grid.core(core), receive_from_one});
    parts.push_back({Risc::trisc, grid.core(core), consume});
  }
  return parts;
}

}  // namespace

std::vector<Case> legal_cases() {
  return {
      legal("in_place", on_one(Risc::trisc,
                               [] {
                                 fill(1, 4);
                                 cb_pop_front(1, 4), cb_reserve_back(1, 4);
                                 for (std::uint32_t i = 0; i < 4; ++i)
                                   section([=] { copy_tile(1, i, 0); }, [=] { pack_tile_at(0, 1, i); });
                                 cb_push_back(1, 4), cb_wait_front(1, 4), cb_pop_front(1, 4);
                               })),
      legal("cumulative_waits", on_one(Risc::trisc,
                                       [] {
                                         fill(0, 4);
                                         for (std::uint32_t i = 1; i <= 4; ++i) {
                                           cb_wait_front(0, i);
                                           section([=] { copy_tile(0, i - 1, 0); }, [] {});
                                         }
                                         cb_pop_front(0, 4);
                                       })),
      legal("sharded_buffer", on_one(Risc::trisc,
                                     [] {
                                       cb_reserve_back(3, 2), cb_push_back(3, 2);
                                       section([] { copy_tile(3, 1, 0); }, [] {});
                                       cb_pop_front(3, 1), cb_pop_front(3, 1);
                                     })),
      legal("own_window", on_one(Risc::ncrisc,
                                 [] {
                                   cb_reserve_back(0, 2);
                                   auto* words = semaphore_pointer(get_write_ptr(0));
                                   for (std::uint32_t i = 0; i < 2 * page / 4; ++i) words[i] = i;
                                   noc_async_write(get_write_ptr(0) + page, on_core(other, user), page),
                                       noc_async_write_barrier();
                                   cb_push_back(0, 2);
                                 })),
      legal("buffer_as_scratch", on_one(Risc::brisc,
                                        [] {
                                          noc_async_read_page(0, written_pages(), get_write_ptr(0)),
                                              noc_async_read_barrier();
                                          noc_async_write(get_write_ptr(0), on_core(other, user), 1024),
                                              noc_async_write_barrier();
                                        })),
      legal("multicast_with_credits", multicast_parts()),
      legal("chain_with_credits", {{Risc::ncrisc, ends[0], pass_on<0>},
                                   {Risc::trisc, ends[0], consume},
                                   {Risc::ncrisc, one, pass_on<1>},
                                   {Risc::trisc, one, consume},
                                   {Risc::ncrisc, ends[1], pass_on<2>},
                                   {Risc::trisc, ends[1], consume}}),
      legal("read_when_told", {{Risc::brisc, one, offer}, {Risc::ncrisc, other, fetch}}),
      legal("transfers_of_trisc", {{Risc::trisc, one, transfer_by_trisc}, {Risc::ncrisc, other, send_back}}),
  };
}

}  // namespace tilegrid::test::check_cases
