// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <utility>

#include "core/checks/checker.h"
#include "core/checks/poison.h"
#include "core/core.h"

namespace tilegrid::checks {

void Checker::unpack(Source source, const CircularBuffer& cb, const char* who) {
  if (!reporter_.on(Class::format_reconfig)) return;
  // A kernel that never says a format works with the one that it begins with.
  std::optional<DataFormat>& set = unpack_[to_underlying(source)];
  if (!set) set = cb.format();
  if (*set == cb.format()) return;
  reporter_.found(Class::format_reconfig, [&] {
    return fault_of(Class::format_reconfig,
                    fmt::format("{} takes CB {} '{}' of format {} to Src{}, whose unpacker is set to {}", who, cb.id(),
                                cb.role(), name_of(cb.format()), source == Source::a ? 'A' : 'B', name_of(*set)),
                    "the unpacker reads L1 as the format that it was configured for")
        .hint("call reconfig_data_format when the format of an operand changes; matmul takes in1 to SrcA, in0 to SrcB");
  });
}

bool Checker::looked_at(const CircularBuffer& cb, std::uint32_t index) {
  if (index >= cb.waited()) return false;
  std::vector<std::uint64_t>& pages = looked_[cb.id()];
  if (pages.empty()) pages.resize(cb.pages());
  const std::uint64_t pushed = cb.acked() + index;  // before this one
  return std::exchange(pages[pushed % pages.size()], pushed + 1) == pushed + 1;
}

void Checker::look_at(std::uint32_t address, std::uint32_t bytes, const char* who) {
  std::byte* memory = l1_pointer(address);
  if (address % poison_bytes != 0) return;
  const auto at = find(l1_poison, memory, bytes);
  if (!at) return;
  reporter_.found(Class::uninitialised_l1, [&] {
    const std::uint32_t offset = address - core_.l1_base + static_cast<std::uint32_t>(*at);
    const CircularBuffer* cb = buffer_at(offset, poison_bytes);
    const std::string where =
        cb == nullptr
            ? fmt::format("L1 byte {}", offset)
            : fmt::format("byte {} of page {} of CB {} '{}'", (offset + core_.l1_base - cb->address()) % cb->page_bytes(),
                          (offset + core_.l1_base - cb->address()) / cb->page_bytes(), cb->id(), cb->role());
    return fault_of(Class::uninitialised_l1, fmt::format("{} uses {}, which nobody wrote", who, where),
                    "L1 holds what was there before until it is written")
        .hint("check that the pages were filled before they were pushed");
  });
  clear(l1_poison, memory, bytes);
}

void Checker::pack(const CircularBuffer& cb, std::uint32_t address, bool accumulate) {
  if (accumulate) use(address, cb.page_bytes(), "pack_tile with L1 accumulation");
  if (!reporter_.on(Class::format_reconfig)) return;
  if (!pack_) pack_ = cb.format();
  if (*pack_ == cb.format()) return;
  reporter_.found(Class::format_reconfig, [&] {
    return fault_of(Class::format_reconfig,
                    fmt::format("pack_tile to CB {} '{}' of format {} by a packer that is set to {}", cb.id(), cb.role(),
                                name_of(cb.format()), name_of(*pack_)),
                    "the packer writes L1 in the format that it was configured for")
        .hint("call pack_reconfig_data_format when the format of the output changes");
  });
}

}  // namespace tilegrid::checks
