// SPDX-License-Identifier: Apache-2.0
#include "runtime/kernel_fiber.h"

#include <fmt/format.h>

#include <exception>
#include <string>

#include "core/error.h"
#include "kernels/metalium/foreign_kernel.h"
#include "noc/endpoint.h"

namespace tilegrid {
namespace {

SourceLine line_of(const KernelContext& kernel, const Fault* fault) {
  return fault != nullptr && fault->line != 0 ? SourceLine{fault->file, fault->line} : kernel.where;
}

std::string place_of(const KernelContext& kernel, const Fault* fault = nullptr) {
  const LogicalCore at = kernel.core->logical;
  const PhysicalCore physical = kernel.core->chip.places().physical_of(at);
  const SourceLine line = line_of(kernel, fault);
  return fmt::format("core ({},{}) [{}-{}] · {} · {} {}:{}", at.x, at.y, physical.x, physical.y, name_of(kernel.risc),
                     kernel.kernel_name, line.file, line.line);
}

/// A fault in the parts of its message.
checks::Finding finding_of(const KernelContext& kernel, const Fault& fault) {
  const SourceLine line = line_of(kernel, &fault);
  return {.error_class = fault.error_class,
          .core = kernel.core->index,
          .risc = name_of(kernel.risc),
          .kernel = kernel.kernel_name,
          .file = line.file,
          .line = line.line,
          .message = details_of(fault)};
}

/// The kernel dies; what its next barrier would have found may be why.
void look_back(const KernelContext& kernel) {
  if (kernel.core->checker) kernel.core->checker->stopped(place_in(kernel));
}

}  // namespace

checks::Place running_place() {
  const Fiber* fiber = current_fiber();
  return fiber == nullptr ? checks::Place{} : place_in(kernel_of(*fiber));
}

void run_kernel(KernelContext& kernel, KernelFunction function) {
  EventLog& log = kernel.core->log;
  try {
    log.append(kernel.risc, events::KernelStart{});
    if (kernel.foreign != nullptr) metalium::begin(*kernel.foreign);
    function();
    if (kernel.foreign != nullptr) metalium::finish(*kernel.foreign);
    if (kernel.core->checker) kernel.core->checker->kernel_end(kernel.risc);
    kernel.noc->finish();
    log.append(kernel.risc, events::KernelEnd{});
  } catch (const Fault& fault) {
    using checks::Class;
    const bool of_a_transfer =
        fault.error_class == name_of(Class::write_flush) || fault.error_class == name_of(Class::read_target);
    if (!of_a_transfer) look_back(kernel);  // else it has just been said
    throw checks::FoundError(describe(fault, place_of(kernel, &fault)), {finding_of(kernel, fault)});
  } catch (const Error&) {
    throw;  // the run's fault and not the kernel's: a rank was lost while the kernel sent
  } catch (const FiberCancelled&) {
    throw;
  } catch (const std::exception& error) {
    look_back(kernel);
    throw KernelError(fmt::format("kernel exception · {}: {}", place_of(kernel), error.what()));
  } catch (...) {
    throw KernelError(fmt::format("kernel exception · {}: of an unknown type", place_of(kernel)));
  }
}

}  // namespace tilegrid
