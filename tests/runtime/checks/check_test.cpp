// SPDX-License-Identifier: Apache-2.0
// For each class of checks kernels that are wrong, which are caught at the right place, and the same kernels put right,
// which raise nothing with all classes on.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <string>
#include <vector>

#include "core/error.h"
#include "kernels/registry.h"
#include "tests/runtime/checks/check_cases.h"
#include "tests/support/session_support.h"

namespace tilegrid {
namespace {

using namespace test::check_cases;  // NOLINT(google-build-using-namespace): kernels are written so

std::vector<Case> read_barrier_cases() {
  return {
      single(
          "push_before_barrier", Class::read_barrier, Risc::ncrisc, __LINE__ + 4, __LINE__ + 4,
          [] {
            cb_reserve_back(0, 1);
            noc_async_read_page(0, written_pages(), get_write_ptr(0));
            cb_push_back(0, 1);
            noc_async_read_barrier();
          },
          [] {
            cb_reserve_back(0, 1);
            noc_async_read_page(0, written_pages(), get_write_ptr(0));
            noc_async_read_barrier();
            cb_push_back(0, 1);
          }),
      single(
          "send_before_barrier", Class::read_barrier, Risc::brisc, __LINE__ + 3, __LINE__ + 3,
          [] {
            noc_async_read_page(0, written_pages(), l1(user));
            noc_async_write(l1(user + 64), on_core(other, user + 64), 64);
            noc_async_full_barrier();
          },
          [] {
            noc_async_read_page(0, written_pages(), l1(user));
            noc_async_read_barrier();
            noc_async_write(l1(user + 64), on_core(other, user + 64), 64);
            noc_async_write_barrier();
          }),
  };
}

std::vector<Case> flush_cases() {
  return {
      single(
          "pop_before_flush", Class::write_flush, Risc::brisc, __LINE__ + 4, __LINE__ + 4,
          [] {
            fill(0, 2);
            noc_async_write(get_read_ptr(0) + page, on_core(other, user), page);
            cb_pop_front(0, 2);
            noc_async_write_barrier();
          },
          [] {
            fill(0, 2);
            noc_async_write(get_read_ptr(0) + page, on_core(other, user), page);
            noc_async_writes_flushed();
            cb_pop_front(0, 2);
            noc_async_write_barrier();
          }),
      single(
          "store_before_flush", Class::write_flush, Risc::brisc, __LINE__ + 2, __LINE__ + 2,
          [] {
            noc_async_write(l1(user), on_core(other, user), 64);
            *semaphore_pointer(l1(user + 32)) = 7;
            noc_async_write_barrier();
          },
          [] {
            noc_async_write(l1(user), on_core(other, user), 64);
            *semaphore_pointer(l1(user + 64)) = 7;
            noc_async_write_barrier();
          }),
      single(
          "read_over_source", Class::write_flush, Risc::brisc, __LINE__ + 3, __LINE__ + 3,
          [] {
            noc_async_write(l1(user), on_core(other, user), 64);
            noc_async_read_page(0, written_pages(), l1(user));
            noc_async_full_barrier();
          },
          [] {
            noc_async_write(l1(user), on_core(other, user), 64);
            noc_async_writes_flushed();
            noc_async_read_page(0, written_pages(), l1(user));
            noc_async_full_barrier();
          }),
  };
}

std::vector<Case> kernel_end_cases() {
  return {
      single(
          "write_at_end", Class::kernel_end, Risc::brisc, __LINE__ + 2, __LINE__ + 2,
          [] {
            noc_async_write(l1(user), on_core(other, user), 64);
            noc_async_writes_flushed();
          },
          [] {
            noc_async_write(l1(user), on_core(other, user), 64);
            noc_async_write_barrier();
          }),
      single(
          "read_at_end", Class::kernel_end, Risc::ncrisc, __LINE__ + 1, __LINE__ + 1,
          [] { noc_async_read_page(0, written_pages(), l1(user)); },
          [] { noc_async_read_page(0, written_pages(), l1(user)), noc_async_read_barrier(); }),
      single(
          "atomic_at_end", Class::kernel_end, Risc::ncrisc, __LINE__ + 1, __LINE__ + 1,
          [] { noc_semaphore_inc(semaphore_on(one, 0), 0), noc_async_write_barrier(); },
          [] { noc_semaphore_inc(semaphore_on(one, 0), 0), noc_async_atomic_barrier(); }),
  };
}

/// The rectangle of core `one` alone.
std::uint64_t on_own_core(std::uint32_t offset) { return get_noc_multicast_addr(my_x(), my_y(), my_x(), my_y(), offset); }

std::vector<Case> multicast_cases() {
  return {
      single(
          "linked_at_end", Class::linked_open, Risc::brisc, __LINE__ + 2, __LINE__ + 2,
          [] {
            noc_async_write_multicast(l1(user), on_all_cores(user), 64, 5, true);
            noc_async_write_barrier();
          },
          [] {
            noc_async_write_multicast(l1(user), on_all_cores(user), 64, 5, true);
            noc_async_write_multicast(l1(user), on_all_cores(user), 64, 5, false);
            noc_async_write_barrier();
          }),
      single(
          "unicast_in_chain", Class::linked_open, Risc::brisc, __LINE__ + 3, __LINE__ + 3,
          [] {
            noc_async_write_multicast(l1(user), on_all_cores(user), 64, 5, true);
            noc_async_write(l1(user), on_core(other, user + 128), 64);
            noc_async_write_multicast(l1(user), on_all_cores(user), 64, 5, false);
            noc_async_write_barrier();
          },
          [] {
            noc_async_write_multicast(l1(user), on_all_cores(user), 64, 5, true);
            noc_async_write_multicast(l1(user), on_all_cores(user), 64, 5, false);
            noc_async_write(l1(user), on_core(other, user + 128), 64);
            noc_async_write_barrier();
          }),
      single(
          "sender_counted", Class::multicast_count, Risc::brisc, __LINE__ + 1, __LINE__ + 1,
          [] { noc_async_write_multicast(l1(user), on_all_cores(user), 64, 6), noc_async_write_barrier(); },
          [] { noc_async_write_multicast(l1(user), on_all_cores(user), 64, 5), noc_async_write_barrier(); }),
      single(
          "loopback_to_oneself", Class::multicast_lone, Risc::brisc, __LINE__ + 1, __LINE__ + 1,
          [] { noc_async_write_multicast_loopback_src(l1(user), on_own_core(user), 64, 1), noc_async_write_barrier(); },
          [] { noc_async_write(l1(user), on_core(one, user + 64), 64), noc_async_write_barrier(); }),
      single(
          "flag_to_oneself", Class::multicast_lone, Risc::brisc, __LINE__ + 2, __LINE__ + 2,
          [] {
            noc_semaphore_set_multicast_loopback_src(l1(user), on_own_core(get_semaphore(0)), 1, false, 1);
            noc_async_write_barrier(1), noc_semaphore_set(semaphore(0), 0);
          },
          [] { noc_semaphore_set(semaphore(0), 1), noc_semaphore_set(semaphore(0), 0); }),
      single(
          "multicast_to_nobody", Class::multicast_lone, Risc::brisc, __LINE__ + 1, __LINE__ + 1,
          [] { noc_async_write_multicast(l1(user), on_own_core(user), 64, 0), noc_async_write_barrier(); },
          [] { noc_async_write_multicast(l1(user), on_all_cores(user), 64, 5), noc_async_write_barrier(); }),
      single(
          "flag_to_nobody", Class::multicast_lone, Risc::brisc, __LINE__ + 1, __LINE__ + 1,
          [] { noc_semaphore_set_multicast(l1(user), on_own_core(get_semaphore(0)), 0), noc_async_write_barrier(); },
          [] {
            *semaphore_pointer(l1(user)) = 0;
            noc_semaphore_set_multicast_loopback_src(l1(user), on_all_cores(get_semaphore(0)), 6);
            noc_async_write_barrier();
          }),
      single(
          "write_needs_16", Class::alignment, Risc::brisc, __LINE__ + 1, __LINE__ + 1,
          [] { noc_async_write(l1(user + 4), on_core(other, user), 64), noc_async_write_barrier(); },
          [] { noc_async_write(l1(user + 16), on_core(other, user), 64), noc_async_write_barrier(); }),
  };
}

std::vector<Case> window_cases() {
  return {
      single(
          "push_without_reserve", Class::cb_window, Risc::ncrisc, __LINE__, __LINE__, [] { cb_push_back(0, 1); },
          [] { cb_reserve_back(0, 1), cb_push_back(0, 1); }),
      single(
          "pop_without_wait", Class::cb_window, Risc::brisc, __LINE__ + 4, __LINE__ + 4,
          [] {
            cb_reserve_back(0, 2), cb_push_back(0, 2);
            cb_wait_front(0, 1);
            cb_pop_front(0, 2);
          },
          [] {
            cb_reserve_back(0, 2), cb_push_back(0, 2);
            cb_wait_front(0, 2);
            cb_pop_front(0, 2);
          }),
      single(
          "read_beyond_reserve", Class::cb_window, Risc::ncrisc, __LINE__ + 3, __LINE__ + 3,
          [] {
            cb_reserve_back(0, 1);
            noc_async_read_page(0, written_pages(), get_write_ptr(0) + page);
            noc_async_read_barrier();
          },
          [] {
            cb_reserve_back(0, 2);
            noc_async_read_page(0, written_pages(), get_write_ptr(0) + page);
            noc_async_read_barrier();
          }),
      Case{"send_without_wait",
           Class::cb_window,
           one,
           Risc::brisc,
           __LINE__ + 4,
           __LINE__ + 4,
           {{Risc::brisc, one,
             [] {
               cb_wait_front(0, 1);
               noc_async_write(get_read_ptr(0) + page, on_core(other, user), page), noc_async_write_barrier();
             }},
            {Risc::ncrisc, one,
             [] { cb_reserve_back(0, 2), std::memset(l1_pointer(get_write_ptr(0)), 0, 2 * page), cb_push_back(0, 2); }}},
           {{Risc::brisc, one,
             [] {
               cb_wait_front(0, 2);
               noc_async_write(get_read_ptr(0) + page, on_core(other, user), page), noc_async_write_barrier();
             }},
            {Risc::ncrisc, one,
             [] { cb_reserve_back(0, 2), std::memset(l1_pointer(get_write_ptr(0)), 0, 2 * page), cb_push_back(0, 2); }}}},
  };
}

std::vector<Case> compute_window_cases() {
  return {
      single(
          "unpack_without_wait", Class::cb_window, Risc::trisc, __LINE__ + 4, __LINE__ + 4,
          [] {
            fill(0, 4), cb_pop_front(0, 4), cb_reserve_back(0, 4);
            cb_push_back(0, 4), cb_wait_front(0, 1);
            section([] { copy_tile(0, 1, 0); }, [] {});
          },
          [] {
            fill(0, 4), cb_pop_front(0, 4), cb_reserve_back(0, 4);
            cb_push_back(0, 4), cb_wait_front(0, 2);
            section([] { copy_tile(0, 1, 0); }, [] {});
          }),
      single(
          "pack_without_reserve", Class::cb_window, Risc::trisc, __LINE__ + 1, __LINE__ + 1,
          [] { section([] { fill_tile(0, 1); }, [] { pack_tile_at(0, 0, 1); }); },
          [] { cb_reserve_back(0, 2), section([] { fill_tile(0, 1); }, [] { pack_tile_at(0, 0, 1); }); }),
  };
}

std::vector<Case> owner_cases() {
  return {
      Case{"two_producers",
           Class::cb_owner,
           one,
           Risc::ncrisc,
           __LINE__ + 6,
           __LINE__ + 5,
           {{Risc::brisc, one, [] { cb_reserve_back(0, 1), cb_push_back(0, 1), noc_semaphore_set(semaphore(0), 1); }},
            {Risc::ncrisc, one,
             [] {
               noc_semaphore_wait(semaphore(0), 1), noc_semaphore_set(semaphore(0), 0);
               cb_reserve_back(0, 1), cb_push_back(0, 1);
             }}},
           {{Risc::brisc, one, [] { cb_reserve_back(0, 1), cb_push_back(0, 1), noc_semaphore_set(semaphore(0), 1); }},
            {Risc::ncrisc, one,
             [] {
               noc_semaphore_wait(semaphore(0), 1), noc_semaphore_set(semaphore(0), 0);
               cb_reserve_back(1, 1), cb_push_back(1, 1);
             }}}},
      Case{"two_consumers",
           Class::cb_owner,
           one,
           Risc::ncrisc,
           __LINE__ + 6,
           __LINE__ + 5,
           {{Risc::brisc, one, [] { fill(0, 2), cb_pop_front(0, 1), noc_semaphore_set(semaphore(0), 1); }},
            {Risc::ncrisc, one,
             [] {
               noc_semaphore_wait(semaphore(0), 1), noc_semaphore_set(semaphore(0), 0);
               cb_wait_front(0, 1), cb_pop_front(0, 1);
             }}},
           {{Risc::brisc, one, [] { fill(0, 2), cb_pop_front(0, 1), noc_semaphore_set(semaphore(0), 1); }},
            {Risc::ncrisc, one,
             [] {
               noc_semaphore_wait(semaphore(0), 1), noc_semaphore_set(semaphore(0), 0);
               fill(1, 1), cb_pop_front(1, 1);
             }}}},
  };
}

/// The slot's owner: reserves, says so when `credit`, and consumes what comes.
template <bool credit>
void receive_in_slot() {
  cb_reserve_back(0, 1);
  if (credit) noc_semaphore_inc(semaphore_on(one, 1), 1), noc_async_atomic_barrier();
  noc_semaphore_wait(semaphore(0), 1);
  noc_semaphore_set(semaphore(0), 0);
  cb_push_back(0, 1);
}
template <bool credit>
void send_to_slot() {
  if (credit) noc_semaphore_wait(semaphore(1), 1), noc_semaphore_set(semaphore(1), 0);
  noc_async_write(l1(user), on_core(other, get_write_ptr(0)), page);
  noc_semaphore_inc(semaphore_on(other, 0), 1);
  noc_async_full_barrier();
}
constexpr int send_line = __LINE__ - 4;

template <bool answer>
void increment_twice() {
  noc_semaphore_inc(semaphore_on(other, 0), 1);
  if (answer) noc_semaphore_wait(semaphore(1), 1), noc_semaphore_set(semaphore(1), 0);
  noc_semaphore_inc(semaphore_on(other, 0), 1);
  noc_async_atomic_barrier();
}
template <bool answer>
void set_in_between() {
  noc_semaphore_wait_min(semaphore(0), 1);
  noc_semaphore_set(semaphore(0), 0);
  if (answer) noc_semaphore_inc(semaphore_on(one, 1), 1), noc_async_atomic_barrier();
  if (answer) noc_semaphore_wait_min(semaphore(0), 1);
  if (answer) noc_semaphore_set(semaphore(0), 0);
}
constexpr int set_line = __LINE__ - 5;

template <bool exact>
void wait_for_one() {
  if (exact) {
    noc_semaphore_wait(semaphore(0), 1);
  } else {
    noc_semaphore_wait_min(semaphore(0), 1);
  }
  noc_semaphore_wait_min(semaphore(0), 2);
  noc_semaphore_set(semaphore(0), 0);
}
constexpr int exact_line = __LINE__ - 7;

void use_what_came() {
  noc_semaphore_wait(semaphore(0), 1), noc_semaphore_set(semaphore(0), 0);
  noc_async_write(l1(user), on_core(one, user + 64), 64), noc_async_write_barrier();
}
constexpr int use_line = __LINE__ - 2;

/// Data over NoC 0, and word of it over NoC 1, which may overtake.
template <bool barrier>
void send_and_tell_over_other_noc() {
  noc_async_write(l1(user), on_core(other, user), 64, 0);
  if (barrier) noc_async_write_barrier(0);
  noc_semaphore_inc(semaphore_on(other, 0), 1, 1);
  noc_async_write_barrier(0), noc_async_atomic_barrier(1);
}
/// A multicast and a unicast travel in channels of their own.
template <bool barrier>
void multicast_and_tell_one() {
  noc_async_write_multicast(l1(user), on_all_cores(user), 64, 5);
  if (barrier) noc_async_write_barrier();
  noc_semaphore_inc(semaphore_on(other, 0), 1);
  noc_async_write_barrier(), noc_async_atomic_barrier();
}

std::vector<Case> core_cases() {
  const auto race_with = [](KernelFunction sender, KernelFunction receiver) {
    return std::vector<Part>{{Risc::brisc, one, sender}, {Risc::ncrisc, other, receiver}};
  };
  return {
      Case{"slot_without_credit", Class::remote_slot, one, Risc::brisc, send_line, send_line,
           race_with(send_to_slot<false>, receive_in_slot<false>), race_with(send_to_slot<true>, receive_in_slot<true>)},
      Case{"set_between_increments", Class::semaphore_race, other, Risc::ncrisc, set_line, set_line,
           race_with(increment_twice<false>, set_in_between<false>), race_with(increment_twice<true>, set_in_between<true>)},
      Case{"value_that_passes", Class::semaphore_passed, other, Risc::ncrisc, exact_line, exact_line,
           race_with(increment_twice<false>, wait_for_one<true>), race_with(increment_twice<false>, wait_for_one<false>),
           false},
      Case{"told_over_the_other_noc", Class::race, other, Risc::ncrisc, use_line, use_line,
           race_with(send_and_tell_over_other_noc<false>, use_what_came),
           race_with(send_and_tell_over_other_noc<true>, use_what_came)},
      Case{"told_by_unicast_of_a_multicast", Class::race, other, Risc::ncrisc, use_line, use_line,
           race_with(multicast_and_tell_one<false>, use_what_came), race_with(multicast_and_tell_one<true>, use_what_came)},
      Case{"read_what_another_core_writes", Class::race, other, Risc::ncrisc, __LINE__ + 2, __LINE__ + 4,
           race_with([] { noc_async_write(l1(user), on_core(other, user), 64), noc_async_write_barrier(); },
                     [] { noc_async_write(l1(user), on_core(one, user + 64), 64), noc_async_write_barrier(); }),
           race_with(
               [] {
                 noc_async_write(l1(user), on_core(other, user), 64);
                 noc_semaphore_inc(semaphore_on(other, 0), 1), noc_async_full_barrier();
               },
               [] {
                 noc_semaphore_wait(semaphore(0), 1), noc_semaphore_set(semaphore(0), 0);
                 noc_async_write(l1(user), on_core(one, user + 64), 64), noc_async_write_barrier();
               })},
      Case{
          "two_riscs_read_to_one_place",
          Class::race,
          one,
          Risc::ncrisc,
          __LINE__ + 2,
          __LINE__ + 2,
          {{Risc::brisc, one, [] { noc_async_read_page(0, written_pages(), l1(user)), noc_async_read_barrier(); }},
           {Risc::ncrisc, one, [] { noc_async_read_page(1, written_pages(), l1(user)), noc_async_read_barrier(); }}},
          {{Risc::brisc, one, [] { noc_async_read_page(0, written_pages(), l1(user)), noc_async_read_barrier(); }},
           {Risc::ncrisc, one, [] { noc_async_read_page(1, written_pages(), l1(user + page)), noc_async_read_barrier(); }}}},
      single(
          "semaphore_left", Class::semaphore_state, Risc::brisc, __LINE__ + 1, __LINE__ + 1,
          [] { noc_semaphore_set(semaphore(2), 8); }, [] { noc_semaphore_set(semaphore(2), 9); }),
  };
}

std::vector<Case> all_cases() {
  std::vector<Case> all;
  for (const auto& part : {read_barrier_cases(), read_target_cases(), read_target_semaphore_cases(), idle_wait_cases(),
                           flush_cases(), kernel_end_cases(), multicast_cases(), window_cases(), compute_window_cases(),
                           owner_cases(), core_cases(), memory_cases(), dst_cases(), format_cases(), legal_cases()})
    all.insert(all.end(), part.begin(), part.end());
  return all;
}

std::string kernel_name(const Case& c, bool broken, std::size_t part) {
  return fmt::format("check/{}{}{}", c.name, broken ? "" : "_fixed", part == 0 ? "" : fmt::format("_{}", part));
}

const bool registered = [] {
  for (const Case& c : all_cases()) {
    for (const bool broken : {true, false}) {
      const auto& parts = broken ? c.broken : c.fixed;
      for (std::size_t i = 0; i < parts.size(); ++i) {
        if (parts[i].kernel != nullptr) register_kernel(kernel_name(c, broken, i), parts[i].kernel);
      }
    }
  }
  return true;
}();

/// Runs the kernels; `findings` gets what was found.
test::Outcome run_case(const Case& c, bool broken, const checks::Config& checks, std::vector<checks::Finding>& findings) {
  return test::run_session(
      grid,
      [&](Device& device) {
        const Buffer unwritten = device.create_buffer(24 * 1024, 1024);
        test::TestProgram program(device);
        program.cb(0, 4).cb(1, 4).cb(2, 2, 4096, DataFormat::fp32).cb(3, 2).semaphores({0, 0, 9});
        program.program().circular_buffers.back().on_buffer = true;
        const auto& parts = broken ? c.broken : c.fixed;
        for (std::size_t i = 0; i < parts.size(); ++i) {
          program.kernel(kernel_name(c, broken, i), parts[i].risc, test::only(parts[i].core), {unwritten.address});
        }
        try {
          findings = program.launch().findings;
        } catch (const tilegrid::checks::FoundError& error) {
          findings = error.findings();
          throw;
        }
      },
      FiberBackend::boost, checks);
}

class Checks : public testing::TestWithParam<Case> {};

TEST_P(Checks, EndTheRunAtTheRightPlace) {
  ASSERT_TRUE(registered);
  const Case& c = GetParam();
  if (c.broken.front().kernel == nullptr) return;
  std::vector<checks::Finding> findings;
  const test::Outcome outcome =
      run_case(c, true, checks::Config::all(Severity::off).set(c.check, Severity::error), findings);
  EXPECT_EQ(outcome.code, 2);
  if (!test::session().is_host()) return;
  const std::regex form(std::string(checks::name_of(c.check)) +
                        " · core \\(([0-9]),([0-9])\\) \\[[0-9]-[0-9]\\] · (BRISC|NCRISC|TRISC) · check/" + c.name +
                        "[_1]* (?:\\.\\./)*tests/runtime/checks/check_[a-z_]+\\.cpp:([0-9]+): (.+; .+)");
  std::smatch parts;
  const std::string line = outcome.error.substr(0, outcome.error.find('\n'));
  ASSERT_TRUE(std::regex_match(line, parts, form)) << outcome.error;
  EXPECT_EQ(parts[1], std::to_string(c.core.x)) << line;
  EXPECT_EQ(parts[2], std::to_string(c.core.y)) << line;
  EXPECT_EQ(parts[3], name_of(c.risc)) << line;
  EXPECT_GE(std::stoi(parts[4]), c.line_before) << line;
  EXPECT_LE(std::stoi(parts[4]), c.line_after) << line;
  ASSERT_FALSE(findings.empty());
  const checks::Finding& twin = findings.front();
  EXPECT_EQ(twin.error_class, checks::name_of(c.check));
  EXPECT_EQ(twin.core, grid.index(c.core));
  EXPECT_EQ(std::to_string(twin.line), parts[4]);
  EXPECT_NE(line.find(twin.message), std::string::npos);
}

TEST_P(Checks, WarnAndGoOn) {
  const Case& c = GetParam();
  if (c.broken.front().kernel == nullptr || !c.can_go_on) return;
  std::vector<checks::Finding> findings;
  const test::Outcome outcome = run_case(c, true, checks::Config::all(Severity::off).set(c.check, Severity::warn), findings);
  EXPECT_EQ(outcome.code, 0) << outcome.error;
  if (!test::session().is_host()) return;
  EXPECT_TRUE(std::any_of(findings.begin(), findings.end(), [&](const checks::Finding& finding) {
    return finding.severity == Severity::warn && finding.core == grid.index(c.core) && finding.risc == name_of(c.risc) &&
           static_cast<int>(finding.line) >= c.line_before && static_cast<int>(finding.line) <= c.line_after;
  }));
}

TEST_P(Checks, AreSilentWhenOff) {
  const Case& c = GetParam();
  if (c.broken.front().kernel == nullptr || !c.can_go_on) return;
  std::vector<checks::Finding> findings;
  const test::Outcome outcome = run_case(c, true, checks::Config::all(Severity::off), findings);
  EXPECT_EQ(outcome.code, 0) << outcome.error;
  EXPECT_TRUE(findings.empty());
}

TEST_P(Checks, AreSilentWhenAllIsRight) {
  std::vector<checks::Finding> findings;
  const test::Outcome outcome = run_case(GetParam(), false, checks::Config::all(Severity::error), findings);
  EXPECT_EQ(outcome.code, 0) << outcome.error;
  EXPECT_TRUE(findings.empty());
}

INSTANTIATE_TEST_SUITE_P(Kernels, Checks, testing::ValuesIn(all_cases()),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace tilegrid
