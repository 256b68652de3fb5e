// SPDX-License-Identifier: Apache-2.0
#include "runtime/memory_fault.h"

#include <ucontext.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/fiber.h"
#include "core/l1.h"
#include "kernels/metalium/foreign_kernel.h"
#include "noc/grid.h"
#include "runtime/jit/loader.h"
#include "runtime/print_rescue.h"

namespace tilegrid {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool handles_signals = false;
#else
constexpr bool handles_signals = true;
#endif

constexpr std::array<int, 4> signals{SIGSEGV, SIGBUS, SIGFPE, SIGILL};

/// What the processor says of the code that it could not go on with.
struct Faulting {
  int signal = 0;
  std::uintptr_t address = 0;  ///< of memory, or, of a bad jump, where it led to
  const void* code = nullptr;  ///< null: not known
  bool jumped = false;         ///< into what is no code
  bool stack_full = false;
};

Faulting faulting_of(int signal, const siginfo_t* info, [[maybe_unused]] const void* context) {
  Faulting fault{signal, reinterpret_cast<std::uintptr_t>(info->si_addr)};
#if defined(__x86_64__)
  const auto& registers = static_cast<const ucontext_t*>(context)->uc_mcontext.gregs;
  const auto code = static_cast<std::uintptr_t>(registers[REG_RIP]);
  const auto stack = static_cast<std::uintptr_t>(registers[REG_RSP]);
  const bool of_memory = signal == SIGSEGV || signal == SIGBUS;
  constexpr std::uintptr_t near = std::uintptr_t{64} << 10U;
  fault.jumped = of_memory && code == fault.address;
  fault.stack_full = of_memory && !fault.jumped && fault.address + near > stack && fault.address < stack + near;
  // A call that leads nowhere has left on the stack where it came from.
  const std::uintptr_t place = fault.jumped ? *reinterpret_cast<const std::uintptr_t*>(stack) - 1 : code;  // NOLINT
  fault.code = reinterpret_cast<const void*>(place);  // NOLINT(performance-no-int-to-ptr)
#endif
  return fault;
}

/// What the kernel did, in a line that ends with what to do.
void describe(const Faulting& fault, const KernelContext& kernel, std::span<char> text) {
  const unsigned long long address = fault.address;
  const auto offset = static_cast<long long>(fault.address) - static_cast<long long>(kernel.core->l1_base);
  if (fault.signal == SIGFPE) {
    std::snprintf(
        text.data(), text.size(),
        "an integer was divided by 0, or the least one by -1; a RISC goes on with -1 or the least, which is hardly "
        "what was meant; fix: check the divisor");
  } else if (fault.signal == SIGILL) {
    std::snprintf(text.data(), text.size(),
                  "it came to an instruction that does not exist; fix: look for __builtin_trap, and for functions that end "
                  "without the value that they return");
  } else if (fault.jumped) {
    std::snprintf(text.data(), text.size(),
                  "a jump to address %#llx, where there is no code; fix: check pointers to functions", address);
  } else if (fault.stack_full) {
    std::snprintf(text.data(), text.size(),
                  "its stack is full; a RISC's own has some 4 KiB; fix: look for recursion and for large arrays");
  } else {
    std::snprintf(text.data(), text.size(),
                  "a raw pointer reached address %#llx, L1 offset %lld; L1 has bytes %u to %u; fix: check pointers into "
                  "circular buffers and buffers",
                  address, offset, l1_mapped_base, kernel.core->chip.memory().l1_bytes);
  }
}

// A signal handler, on a stack of its own. It uses only calls that take no lock, since the interrupted code may hold it.
void on_fault(int signal, siginfo_t* info, void* context) {
  const Fiber* fiber = current_fiber();
  if (fiber == nullptr) {
    std::signal(signal, SIG_DFL);  // returning repeats the access, now with the usual effect
    return;
  }
  const KernelContext& kernel = kernel_of(*fiber);
  const Faulting fault = faulting_of(signal, info, context);
  const bool reaches_memory = (signal == SIGSEGV || signal == SIGBUS) && !fault.jumped;
  if (reaches_memory && L1Arena::show(fault.address, kernel.core->l1_base)) return;
  const LogicalCore at = kernel.core->logical;
  const PhysicalCore physical = kernel.core->chip.places().physical_of(at);
  // The process ends here, so that a call which may never return is worth a try.
  std::array<char, 256> place{};
  if (kernel.foreign != nullptr && fault.code != nullptr) {
    alarm(10);
    const std::string line = jit::line_of_code(fault.code);
    std::snprintf(place.data(), place.size(), "%s%s", line.empty() ? "" : " at ", line.c_str());
  }
  std::array<char, 384> what{};
  describe(fault, kernel, what);
  std::array<char, 192> after{};
  if (kernel.where.line != 0)
    std::snprintf(after.data(), after.size(), " after %s:%u", kernel.where.file, kernel.where.line);
  std::array<char, 1024> text{};
  const int length = std::snprintf(text.data(), text.size(), "tilegrid: %s fault · core (%d,%d) [%d-%d] · %s · %s%s%s: %s\n",
                                   reaches_memory || fault.jumped ? "memory" : "kernel", at.x, at.y, physical.x, physical.y,
                                   name_of(kernel.risc), kernel.kernel_name, place.data(), after.data(), what.data());
  rescue_output();
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
