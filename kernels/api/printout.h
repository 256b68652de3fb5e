// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/types.h"

namespace tilegrid {

/// Whose output is wanted. What nobody wants is not even put into words.
struct PrintFilter {
  static constexpr std::uint8_t all_riscs = 0x1F;
  int descriptor = 1;      ///< that gets what a process which dies can't hand in
  std::uint8_t riscs = 0;  ///< bit 0 BRISC, 1 NCRISC, 2 to 4 UNPACK, MATH and PACK; 0: nobody's
  std::vector<int> cores;  ///< indices in the grid, in order; none: of all
  /// The bits of a kernel's RISC or, for the compute kernel, of its three.
  [[nodiscard]] std::uint8_t of(int core, Risc risc) const;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(descriptor, riscs, cores);
  }
};

/// What one kernel has printed in a launch: whole lines, each with core and RISC in front, "0:(1,2):BR: text"; those of the
/// three processors of a compute kernel apart, as one may be ahead of another.
class Printout {
 public:
  /// `wanted`: bits of a PrintFilter.
  Printout(LogicalCore at, Risc risc, std::uint8_t wanted) : at_(at), risc_(risc), wanted_(wanted) {}

  /// `thread`: 0 to 2 UNPACK, MATH or PACK of a compute kernel, -1 the kernel as a whole.
  [[nodiscard]] bool wants(int thread) const;
  void text(int thread, std::string_view text);
  /// The kernel has ended, or will not go on: lines that it has not finished are.
  void finish();
  /// Of the kernel as a whole, of UNPACK, MATH and PACK.
  [[nodiscard]] const std::array<std::string, 4>& lines() const { return lines_; }
  [[nodiscard]] bool empty() const;
  /// Writes all, unfinished lines too, without any other call than write(2): for a process that ends.
  void write_to(int descriptor) const noexcept;

  /// What one of them prints beyond this is counted, and not kept.
  static constexpr std::size_t most_bytes = std::size_t{8} << 20U;

 private:
  void end_line(std::size_t thread);
  [[nodiscard]] std::string prefix(std::size_t thread) const;

  LogicalCore at_;
  Risc risc_;
  std::uint8_t wanted_;
  std::array<std::string, 4> lines_{}, open_{};  ///< by thread + 1
  std::array<std::uint64_t, 4> lost_{};          ///< lines
};

}  // namespace tilegrid
