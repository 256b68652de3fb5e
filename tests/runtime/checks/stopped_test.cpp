// SPDX-License-Identifier: Apache-2.0
// Programs that hang or die before a kernel comes to the flush or barrier where a check would have spoken.
#include <gtest/gtest.h>

#include <string>

#include "core/error.h"
#include "kernels/registry.h"
#include "tests/runtime/checks/check_cases.h"
#include "tests/support/session_support.h"

namespace tilegrid {
namespace {

using namespace test::check_cases;  // NOLINT(google-build-using-namespace): kernels are written so

void change(std::uint32_t offset) {
  volatile std::uint32_t* word = semaphore_pointer(l1(offset));
  *word = *word + 1;
}

// ---- Kernels of core `one`
constexpr int source_line = __LINE__ + 2;
const auto changes_a_source = register_kernel("stopped/source", [] {
  noc_async_write(l1(user), on_core(other, user), 64);
  change(user + 32);
  noc_semaphore_wait(semaphore(0), 1);
  noc_async_write_barrier();
});
const auto flushes = register_kernel("stopped/flushes", [] {
  noc_async_write(l1(user), on_core(other, user), 64);
  noc_async_writes_flushed();
  change(user + 32);
  noc_semaphore_wait(semaphore(0), 1);
  noc_async_write_barrier();
});
constexpr int target_line = __LINE__ + 2;
const auto changes_a_target = register_kernel("stopped/target", [] {
  noc_async_read_page(0, written_pages(), l1(user));
  change(user + 32);
  noc_semaphore_wait(semaphore(0), 1);
  noc_async_read_barrier();
});
constexpr int dead_line = __LINE__ + 2;
const auto dies = register_kernel("stopped/dies", [] {
  noc_async_write(l1(user), on_core(other, user), 64);
  change(user + 32);
  cb_wait_front(0, 99);  // more than the buffer has
});
const auto dies_alone = register_kernel("stopped/dies_alone", [] { cb_wait_front(0, 99); });

// ---- The flag of a sender that is its own receiver
constexpr std::uint32_t valid = 1;
constexpr std::uint32_t invalid = 0;
const auto sends_flag = register_kernel("stopped/sends_flag", [] {  // whether it flushes
  for (int round = 0; round < 3; ++round) {
    noc_semaphore_set(semaphore(0), valid);
    noc_semaphore_set_multicast_loopback_src(get_semaphore(0), on_all_cores(get_semaphore(0)), 6);
    if (get_compile_time_arg_val(0) != 0) noc_async_writes_flushed();
    noc_semaphore_wait(semaphore(0), valid);
    noc_semaphore_set(semaphore(0), invalid);
  }
  noc_async_write_barrier();
});
const auto receives_flag = register_kernel("stopped/receives_flag", [] {
  for (int round = 0; round < 3; ++round) {
    noc_semaphore_wait(semaphore(0), valid);
    noc_semaphore_set(semaphore(0), invalid);
  }
});

/// `kernel` on core `one`, and maybe another on `other`.
test::Outcome run(const std::string& kernel, checks::Severity severity, std::vector<std::uint32_t> args = {},
                  const std::string& partner = {}) {
  const checks::Config checks = checks::Config::all(Severity::off)
                                    .set(Class::write_flush, severity)
                                    .set(Class::read_target, severity)
                                    .set(Class::semaphore_race, severity);
  return test::run_session(
      grid,
      [&](Device& device) {
        test::TestProgram program(device);
        program.cb(0, 4).semaphores({0, 0});
        program.kernel(kernel, Risc::brisc, test::only(one), std::move(args));
        if (!partner.empty()) program.kernel(partner, Risc::ncrisc, test::only(other));
        program.launch();
      },
      FiberBackend::boost, checks);
}

std::string line(int number) { return "stopped_test.cpp:" + std::to_string(number) + ":"; }

/// What stands before the report of the deadlock.
std::string before_report(const std::string& text) { return text.substr(0, text.find("\ndeadlock ·")); }

TEST(Stopped, ADeadlockNamesTheSourceThatChanged) {
  const test::Outcome outcome = run(changes_a_source, Severity::error);
  EXPECT_EQ(outcome.code, 2);
  if (!test::session().is_host()) return;
  EXPECT_TRUE(outcome.error.starts_with("write-flush · core (1,0)")) << outcome.error;
  EXPECT_NE(before_report(outcome.error).find(line(source_line)), std::string::npos) << outcome.error;
  EXPECT_NE(outcome.error.find("\ndeadlock · 1 kernels"), std::string::npos) << outcome.error;
}

TEST(Stopped, ADeadlockNamesTheTargetThatChanged) {
  const test::Outcome outcome = run(changes_a_target, Severity::error);
  EXPECT_EQ(outcome.code, 2);
  if (!test::session().is_host()) return;
  EXPECT_TRUE(outcome.error.starts_with("read-target · core (1,0)")) << outcome.error;
  EXPECT_NE(before_report(outcome.error).find(line(target_line)), std::string::npos) << outcome.error;
}

TEST(Stopped, ADeadlockForAnotherReasonIsNoMore) {
  for (const auto& [kernel, severity] : {std::pair{flushes, Severity::error}, {changes_a_source, Severity::off}}) {
    const test::Outcome outcome = run(kernel, severity);
    EXPECT_EQ(outcome.code, 3);
    if (!test::session().is_host()) continue;
    EXPECT_TRUE(outcome.error.starts_with("deadlock ·")) << outcome.error;
  }
}

TEST(Stopped, AWarningDoesNotTurnTheDeadlockIntoAnother) { EXPECT_EQ(run(changes_a_source, Severity::warn).code, 3); }

TEST(Stopped, AKernelThatDiesSaysWhatItsBarrierWouldHaveFound) {
  const test::Outcome outcome = run(dies, Severity::error);
  EXPECT_EQ(outcome.code, 2);
  const test::Outcome alone = run(dies_alone, Severity::error);
  EXPECT_EQ(alone.code, 2);
  if (!test::session().is_host()) return;
  EXPECT_TRUE(outcome.error.starts_with("write-flush · core (1,0)")) << outcome.error;
  EXPECT_NE(outcome.error.find(line(dead_line)), std::string::npos) << outcome.error;
  EXPECT_NE(outcome.error.find("cb_wait_front"), std::string::npos) << outcome.error;
  EXPECT_EQ(alone.error.find("write-flush"), std::string::npos) << alone.error;
  EXPECT_NE(alone.error.find("cb_wait_front"), std::string::npos) << alone.error;
}

TEST(Stopped, AFlagThatIsItsOwnSourceIsNamed) {
  const test::Outcome changed = run(sends_flag, Severity::error, {0}, receives_flag);
  EXPECT_EQ(changed.code, 2);
  // Departed is not landed: what comes back over the flag may come after it has been set again.
  const test::Outcome flushed = run(sends_flag, Severity::error, {1}, receives_flag);
  EXPECT_EQ(flushed.code, 2);
  if (!test::session().is_host()) return;
  EXPECT_TRUE(changed.error.starts_with("write-flush · core (1,0)")) << changed.error;
  EXPECT_TRUE(flushed.error.starts_with("semaphore-race · ")) << flushed.error;
}

}  // namespace
}  // namespace tilegrid
