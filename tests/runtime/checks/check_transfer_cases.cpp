// SPDX-License-Identifier: Apache-2.0
#include "tests/runtime/checks/check_cases.h"

namespace tilegrid::test::check_cases {
namespace {

/// Gives a word of L1 another value than it has.
void change(std::uint32_t offset) {
  volatile std::uint32_t* word = semaphore_pointer(l1(offset));
  *word = *word + 1;
}

std::vector<Part> two(KernelFunction of_one, KernelFunction of_other) {
  return {{Risc::brisc, one, of_one}, {Risc::ncrisc, other, of_other}};
}

/// Sets the semaphore of the other core to 7.
void set_seven() {
  *semaphore_pointer(l1(user)) = 7;
  noc_semaphore_set_remote(l1(user), semaphore_on(other, 0)), noc_async_write_barrier();
}
void set_seven_when_asked() {
  noc_semaphore_wait(semaphore(1), 1), noc_semaphore_set(semaphore(1), 0);
  set_seven();
}
void wait_for_own_seven() {
  noc_semaphore_set(semaphore(0), 7);
  noc_semaphore_wait(semaphore(0), 7);
}
constexpr int own_seven_line = __LINE__ - 2;
void wait_for_their_seven() {
  noc_semaphore_set(semaphore(0), 7), noc_semaphore_wait(semaphore(0), 7);  // one's own, and nobody else sets it yet
  noc_semaphore_set(semaphore(0), 0);
  noc_semaphore_inc(semaphore_on(one, 1), 1);
  noc_semaphore_wait(semaphore(0), 7);
  noc_semaphore_set(semaphore(0), 0), noc_async_atomic_barrier();
}

void wait_for_nine() { noc_semaphore_wait(semaphore(2), 9); }
constexpr int nine_line = __LINE__ - 1;

/// The own flag, to all and to oneself over itself.
template <bool barrier>
void flag_over_itself() {
  noc_semaphore_set(semaphore(0), 1);
  noc_semaphore_set_multicast_loopback_src(get_semaphore(0), on_all_cores(get_semaphore(0)), 6);
  noc_async_writes_flushed();
  if (barrier) noc_async_write_barrier();
  noc_semaphore_wait(semaphore(0), 1);
  noc_semaphore_set(semaphore(0), 0);
  noc_semaphore_set_multicast(get_semaphore(0), on_all_cores(get_semaphore(0)), 5);
  noc_async_write_barrier();
}
constexpr int over_itself_line = __LINE__ - 4;

}  // namespace

std::vector<Case> read_target_cases() {
  return {
      single(
          "store_before_read_barrier", Class::read_target, Risc::ncrisc, __LINE__ + 2, __LINE__ + 2,
          [] {
            noc_async_read_page(0, written_pages(), l1(user));
            change(user + 512);
            noc_async_read_barrier();
          },
          [] {
            noc_async_read_page(0, written_pages(), l1(user));
            change(user + 1024);  // beside it
            noc_async_read_barrier();
            change(user + 512);
          }),
      single(
          "store_over_a_loopback_read", Class::read_target, Risc::brisc, __LINE__ + 2, __LINE__ + 2,
          [] {
            noc_async_read(on_core(one, user), l1(user + 128), 64);
            change(user + 188);
            noc_async_read_barrier();
          },
          [] {
            noc_async_read(on_core(one, user), l1(user + 128), 64), noc_async_read_barrier();
            change(user + 188);
          }),
      single(
          "store_in_the_second_page", Class::read_target, Risc::ncrisc, __LINE__ + 3, __LINE__ + 3,
          [] {
            for (std::uint32_t i = 0; i < 3; ++i) {
              noc_async_read_page(i, written_pages(), l1(user + i * 1024));
            }
            change(user + 1500);
            noc_async_read_barrier();
          },
          [] {
            for (std::uint32_t i = 0; i < 3; ++i) noc_async_read_page(i, written_pages(), l1(user + i * 1024));
            noc_async_read_barrier();
            change(user + 1500);
          }),
      single(
          "store_before_the_barrier_of_an_id", Class::read_target, Risc::ncrisc, __LINE__ + 4, __LINE__ + 4,
          [] {
            noc_async_read_set_trid(1), noc_async_read_page(0, written_pages(), l1(user));
            noc_async_read_set_trid(2);
            noc_async_read_page(1, written_pages(), l1(user + 1024));
            noc_async_read_barrier_with_trid(1);
            change(user + 1024);
            noc_async_read_barrier();
          },
          [] {
            noc_async_read_set_trid(1), noc_async_read_page(0, written_pages(), l1(user));
            noc_async_read_set_trid(2);
            noc_async_read_page(1, written_pages(), l1(user + 1024));
            noc_async_read_barrier_with_trid(1);
            change(user);
            noc_async_read_barrier();
          }),
  };
}

std::vector<Case> read_target_semaphore_cases() {
  return {
      single(
          "semaphore_set_in_a_target", Class::read_target, Risc::brisc, __LINE__ + 3, __LINE__ + 3,
          [] {
            noc_async_read(on_core(other, user), l1(user), 64);
            noc_semaphore_set(semaphore_pointer(l1(user + 16)), 3);
            noc_async_read_barrier();
          },
          [] {
            noc_async_read(on_core(other, user), l1(user), 64), noc_async_read_barrier();
            noc_semaphore_set(semaphore_pointer(l1(user + 16)), 3);
          }),
      single(
          "wait_on_a_target", Class::read_target, Risc::brisc, __LINE__ + 4, __LINE__ + 4,
          [] {
            *semaphore_pointer(l1(user + 16)) = 5;
            noc_async_read(on_core(other, user), l1(user), 64);
            noc_semaphore_wait(semaphore_pointer(l1(user + 16)), 5);
            noc_async_read_barrier();
          },
          [] {
            noc_async_read(on_core(other, user), l1(user), 64), noc_async_read_barrier();
            *semaphore_pointer(l1(user + 16)) = 5;
            noc_semaphore_wait(semaphore_pointer(l1(user + 16)), 5);
          }),
      single(
          "semaphore_set_in_a_source", Class::write_flush, Risc::brisc, __LINE__ + 4, __LINE__ + 4,
          [] {
            noc_semaphore_set(semaphore_pointer(l1(user)), 1);
            noc_semaphore_set_multicast(l1(user), on_all_cores(user), 5);
            noc_semaphore_set(semaphore_pointer(l1(user)), 0);
            noc_semaphore_set(semaphore_pointer(l1(user)), 1);  // as if nothing had been
            noc_async_write_barrier();
          },
          [] {
            noc_semaphore_set(semaphore_pointer(l1(user)), 1);
            noc_semaphore_set_multicast(l1(user), on_all_cores(user), 5);
            noc_semaphore_set(semaphore_pointer(l1(user)), 1);  // nothing changes
            noc_async_writes_flushed();
            noc_semaphore_set(semaphore_pointer(l1(user)), 0);
            noc_async_write_barrier();
          }),
  };
}

std::vector<Case> idle_wait_cases() {
  return {
      Case{"value_that_was_there", Class::semaphore_race, other, Risc::ncrisc, own_seven_line, own_seven_line,
           two(set_seven, wait_for_own_seven), two(set_seven_when_asked, wait_for_their_seven)},
      Case{"initial_value_that_was_there", Class::semaphore_race, other, Risc::ncrisc, nine_line, nine_line,
           two(
               [] {
                 *semaphore_pointer(l1(user)) = 9;
                 noc_semaphore_set_remote(l1(user), semaphore_on(other, 2)), noc_async_write_barrier();
               },
               wait_for_nine),
           two(
               [] {
                 *semaphore_pointer(l1(user)) = 9;
                 noc_semaphore_wait(semaphore(1), 1), noc_semaphore_set(semaphore(1), 0);
                 noc_semaphore_set_remote(l1(user), semaphore_on(other, 2)), noc_async_write_barrier();
               },
               [] {
                 noc_semaphore_wait(semaphore(2), 9), noc_semaphore_set(semaphore(2), 0);
                 noc_semaphore_inc(semaphore_on(one, 1), 1), noc_async_atomic_barrier();
                 noc_semaphore_wait(semaphore(2), 9);
               })},
      single("flag_over_itself", Class::semaphore_race, Risc::brisc, over_itself_line, over_itself_line,
             flag_over_itself<false>, flag_over_itself<true>),
  };
}

}  // namespace tilegrid::test::check_cases
