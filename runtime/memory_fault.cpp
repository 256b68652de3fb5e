// SPDX-License-Identifier: Apache-2.0
#include "runtime/memory_fault.h"

#include <ucontext.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/fiber.h"
#include "core/l1.h"
#include "kernels/metalium/foreign_kernel.h"
#include "noc/grid.h"
#include "runtime/jit/loader.h"

namespace tilegrid {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool handles_signals = false;
#else
constexpr bool handles_signals = true;
#endif

constexpr std::array<int, 2> signals{SIGSEGV, SIGBUS};

// A signal handler, on a stack of its own. It uses only calls that take no lock, since the interrupted code may hold it.
void on_fault(int signal, siginfo_t* info, void* context) {
  const Fiber* fiber = current_fiber();
  if (fiber == nullptr) {
    std::signal(signal, SIG_DFL);  // returning repeats the access, now with the usual effect
    return;
  }
  const KernelContext& kernel = kernel_of(*fiber);
  if (L1Arena::show(reinterpret_cast<std::uintptr_t>(info->si_addr), kernel.core->l1_base)) return;
  const LogicalCore at = kernel.core->logical;
  const PhysicalCore physical = kernel.core->chip.places().physical_of(at);
  const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  const auto offset = static_cast<long long>(address) - static_cast<long long>(kernel.core->l1_base);
  // The process ends here, so that a call which may never return is worth a try.
  std::array<char, 256> place{};
#if defined(__x86_64__)
  if (kernel.foreign != nullptr) {
    alarm(10);
    const auto* at_fault = static_cast<const ucontext_t*>(context);
    const std::string line = jit::line_of_code(reinterpret_cast<const void*>(at_fault->uc_mcontext.gregs[REG_RIP]));
    std::snprintf(place.data(), place.size(), "%s%s", line.empty() ? "" : " at ", line.c_str());
  }
#endif
  std::array<char, 768> text{};
  const int length =
      std::snprintf(text.data(), text.size(),
                    "tilegrid: memory fault · core (%d,%d) [%d-%d] · %s · %s%s after %s:%u: a raw pointer reached address "
                    "%#llx, L1 offset %lld; "
                    "L1 has bytes %u to %u; fix: check pointers into circular buffers and buffers\n",
                    at.x, at.y, physical.x, physical.y, name_of(kernel.risc), kernel.kernel_name, place.data(),
                    kernel.where.file, kernel.where.line, static_cast<unsigned long long>(address), offset, l1_mapped_base,
                    kernel.core->chip.memory().l1_bytes);
  [[maybe_unused]] const auto written = write(STDERR_FILENO, text.data(), length < 0 ? 0 : length);
  _exit(to_underlying(ExitCode::kernel));
}

}  // namespace

struct MemoryFaultGuard::State {
  std::vector<char> stack = std::vector<char>(std::size_t{64} << 10U);
  stack_t previous_stack{};
  std::array<struct sigaction, signals.size()> previous_actions{};
};

MemoryFaultGuard::MemoryFaultGuard() {
  if (!handles_signals) return;
  state_ = std::make_unique<State>();
  stack_t stack{};
  stack.ss_sp = state_->stack.data();
  stack.ss_size = state_->stack.size();
  sigaltstack(&stack, &state_->previous_stack);
  struct sigaction action {};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  for (std::size_t i = 0; i < signals.size(); ++i) sigaction(signals[i], &action, &state_->previous_actions[i]);
}

MemoryFaultGuard::~MemoryFaultGuard() {
  if (!state_) return;
  for (std::size_t i = 0; i < signals.size(); ++i) sigaction(signals[i], &state_->previous_actions[i], nullptr);
  sigaltstack(&state_->previous_stack, nullptr);
}

}  // namespace tilegrid
