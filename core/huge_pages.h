// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace tilegrid {

/// Pages for memory that is written at once: they are made together, one huge page at a time where the system gives them
/// (one fault instead of 512), and then moved to where they are wanted. Private to the process; not for several threads.
class HugePages {
 public:
  HugePages() = default;
  ~HugePages();
  HugePages(const HugePages&) = delete;
  HugePages& operator=(const HugePages&) = delete;

  /// Zeroes, or what was not moved, backed already; `bytes` is a multiple of the page size. Null: the system gives none, or
  /// only so slowly that small ones are had sooner.
  [[nodiscard]] std::byte* take(std::size_t bytes);
  /// Moves what take() gave last to `to`, at a page, in place of what was mapped there. False when the system refuses: then
  /// nothing has changed at `to`.
  [[nodiscard]] bool move(std::byte* pages, std::size_t bytes, void* to);

 private:
  void give_back();

  std::uintptr_t at_ = 0;   ///< of what is left
  std::uintptr_t end_ = 0;  ///< of what has been mapped
  bool slow_ = false;
};

}  // namespace tilegrid
