// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <type_traits>

#include "core/core.h"
#include "core/fiber.h"
#include "kernels/api/printout.h"
#include "kernels/api/rehearsal.h"
#include "noc/endpoint.h"

namespace tilegrid {

struct ForeignKernel;

/// What a running kernel knows: its core, its NoC, its arguments, and where in the source it is. The kernel API finds it
/// through the running fiber; `where` makes every error and every blocked fiber point at a kernel's line.
struct KernelContext {
  Core* core = nullptr;
  noc::Endpoint* noc = nullptr;
  GridSize grid;
  Risc risc = Risc::trisc;
  NocId default_noc = NocId::noc0;
  const char* kernel_name = "";
  std::span<const std::uint32_t> runtime_args;
  std::span<const std::uint32_t> common_args;
  std::span<const std::uint32_t> compile_args;
  SourceLine where;
  std::uint8_t phase = 0;                      ///< of the zone that it is in
  ScopeNames* scopes = nullptr;                ///< of the rank, for names that it gives
  Printout* printout = nullptr;                ///< null: nobody wants what it prints
  const char* waypoint = "";                   ///< the last one that it came to
  ForeignKernel* foreign = nullptr;            ///< of a kernel from a file (kernels/metalium/)
  Rehearsals* rehearsals = nullptr;            ///< of a dry run whose bodies need not all be walked
  Rehearsals::Rehearsal* rehearsal = nullptr;  ///< that is going on
};

/// The kernel that a fiber of a program runs.
[[nodiscard]] inline const KernelContext& kernel_of(const Fiber& fiber) {
  return *static_cast<const KernelContext*>(fiber.local());
}

namespace api {

/// Call site of an API function, by default argument.
using Here = SourceLine;

[[nodiscard]] inline KernelContext& context(const Here& at) {
  auto& kernel = *static_cast<KernelContext*>(current_fiber()->local());
  kernel.where = at;
  return kernel;
}

/// The running kernel, its call site left as it is.
[[nodiscard]] inline const KernelContext& running_kernel() {
  return *static_cast<const KernelContext*>(current_fiber()->local());
}

/// Whether this is a dry run: nothing is computed and no data moves, except for transfers to L1 of at most 16 bytes, which
/// are how cores signal each other. A kernel may leave out what only fills L1; it must log and wait as in a full run.
[[nodiscard]] inline bool is_dry(Here at = Here::current()) { return context(at).core->dry; }
/// What follows belongs to a phase of the program, until the next call; logged when it changes. The program numbers its
/// phases: 0 is none, i the i-th of Program::phases. Costs nothing on the device.
template <class Phase>
requires std::is_enum_v<Phase>
void zone(Phase phase, Here at = Here::current()) {
  KernelContext& kernel = context(at);
  const std::uint8_t number = to_underlying(phase);
  if (kernel.phase == number) return;
  kernel.phase = number;
  kernel.core->log.append(kernel.risc, events::Zone{number});
}
namespace detail {
/// Notes that the kernel is at a mark of a zone that it names; its call site stays as it is, for a zone ends in a
/// destructor.
void scope(ScopeMark mark, std::uint32_t name, std::uint64_t value = 0);
/// The id of a name.
[[nodiscard]] std::uint32_t scope_name(const char* name, const Here& at);
}  // namespace detail

/// A zone of this name, which must be a literal, until the end of the block: in the log, for timelines and profiles. Costs
/// nothing on the device. With `sum` its times are to be added up. The vendor's macros are in kernels/api/debug.h.
class ScopedZone {
 public:
  explicit ScopedZone(const char* name, bool sum = false, Here at = Here::current())
      : name_(detail::scope_name(name, at)), sum_(sum) {
    detail::scope(sum_ ? ScopeMark::sum_begin : ScopeMark::begin, name_);
  }
  ~ScopedZone() { detail::scope(sum_ ? ScopeMark::sum_end : ScopeMark::end, name_); }
  ScopedZone(const ScopedZone&) = delete;
  ScopedZone& operator=(const ScopedZone&) = delete;

 private:
  std::uint32_t name_;
  bool sum_;
};
/// A number, when the kernel came here: in the log.
inline void note_value(const char* name, std::uint64_t value, Here at = Here::current()) {
  detail::scope(ScopeMark::value, detail::scope_name(name, at), value);
}

/// To be called at the beginning of a loop's body and after the loop: the log keeps repeated bodies only once. Costs
/// nothing on the device.
inline void mark_loop(Here at = Here::current()) {
  KernelContext& kernel = context(at);
  kernel.core->log.mark(kernel.risc);
}

/// A loop's body, or a part of it, whose calls depend on these words and on the kernel's compile-time and common arguments
/// alone. A dry run does not walk it again when it has walked an equal one (Rehearsals). Costs nothing on the device.
template <class Body>
void repeat(std::initializer_list<std::uint32_t> key, const Body& body, Here at = Here::current()) {
  KernelContext& kernel = context(at);
  if (kernel.rehearsals == nullptr || kernel.rehearsal != nullptr) return body();
  const Rehearsals::Key words(key.begin(), key.size());
  if (kernel.rehearsals->perform(kernel, words)) return;
  Rehearsals::Rehearsal rehearsal(*kernel.rehearsals, kernel, words);
  body();
  rehearsal.end();
}

}  // namespace api
}  // namespace tilegrid
