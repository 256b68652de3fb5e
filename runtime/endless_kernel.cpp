// SPDX-License-Identifier: Apache-2.0
#include "runtime/endless_kernel.h"

#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <string>

#include "core/error.h"
#include "core/fiber.h"
#include "kernels/metalium/foreign_kernel.h"
#include "runtime/jit/loader.h"
#include "runtime/print_rescue.h"

namespace tilegrid {
namespace {

/// The meter at the last tick, and for how many ticks it has stood still. A tick is a second of the processor's time.
struct Stillness {
  std::uint64_t turn = 0, counted = 0;
  std::int64_t left = 0;
  int ticks = 0;
};
Stillness still;
constexpr int most_ticks = 3;

// A signal handler. What it interrupts holds no lock that it needs: it goes on only in a kernel's own code that makes no
// call.
void on_tick(int /*signal*/, siginfo_t* /*info*/, void* context) {
  const Fiber* fiber = current_fiber();
  const KernelContext* kernel = fiber == nullptr ? nullptr : &kernel_of(*fiber);
  if (kernel == nullptr || kernel->foreign == nullptr) {
    still = {};
    return;
  }
  const tilegrid_device::Meter& meter = kernel->foreign->meter;
  if (meter.turn != still.turn || meter.left != still.left || kernel->foreign->counted != still.counted) {
    still = {meter.turn, kernel->foreign->counted, meter.left, 0};
    return;
  }
  if (++still.ticks < most_ticks) return;
  std::string line;
#if defined(__x86_64__)
  alarm(10);
  const auto* at_tick = static_cast<const ucontext_t*>(context);
  line = jit::line_of_code(reinterpret_cast<const void*>(at_tick->uc_mcontext.gregs[REG_RIP]));  // NOLINT
#else
  static_cast<void>(context);
#endif
  const LogicalCore at = kernel->core->logical;
  std::array<char, 768> text{};
  const int length =
      std::snprintf(text.data(), text.size(),
                    "tilegrid: deadlock · core (%d,%d) · %s · %s%s%s: a loop that does nothing never ends; "
                    "fix: a loop that waits for memory has to read it through a pointer to volatile\n",
                    at.x, at.y, name_of(kernel->risc), kernel->kernel_name, line.empty() ? "" : " at ", line.c_str());
  rescue_output();
  [[maybe_unused]] const auto written = write(STDERR_FILENO, text.data(), length < 0 ? 0 : length);
  _exit(to_underlying(ExitCode::deadlock));
}

}  // namespace

struct EndlessKernelGuard::State {
  struct sigaction previous_action {};
  itimerval previous_timer{};
};

EndlessKernelGuard::EndlessKernelGuard(bool has_kernel_files) {
  if (!has_kernel_files) return;
  state_ = std::make_unique<State>();
  still = {};
  struct sigaction action {};
  action.sa_sigaction = on_tick;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  sigaction(SIGVTALRM, &action, &state_->previous_action);
  const itimerval timer{{1, 0}, {1, 0}};
  setitimer(ITIMER_VIRTUAL, &timer, &state_->previous_timer);
}

EndlessKernelGuard::~EndlessKernelGuard() {
  if (!state_) return;
  setitimer(ITIMER_VIRTUAL, &state_->previous_timer, nullptr);
  sigaction(SIGVTALRM, &state_->previous_action, nullptr);
}

}  // namespace tilegrid
