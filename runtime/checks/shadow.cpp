// SPDX-License-Identifier: Apache-2.0
#include "runtime/checks/shadow.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/l1.h"

namespace tilegrid::races {
namespace {

constexpr std::uint32_t plain_cell_bytes = 1024;
constexpr std::uint32_t first_page_cell = l1_slot_bytes / plain_cell_bytes + 1;

}  // namespace

BufferMap::BufferMap(const Layout::Memory& memory) {
  std::uint32_t cell = first_page_cell;
  by_id.resize(32, ~std::size_t{0});
  for (const Layout::Buffer& cb : memory.buffers) {
    by_id.at(cb.id) = buffers.size();
    buffers.push_back(
        {cb.offset, cb.offset + cb.pages * cb.page_bytes, cb.page_bytes, cb.pages, cell, cb.id, cb.role, cb.on_buffer});
    cell += cb.pages;
  }
}

const BufferMap::Buffer* BufferMap::at(std::uint32_t offset) const {
  const auto after = std::upper_bound(buffers.begin(), buffers.end(), offset,
                                      [](std::uint32_t value, const Buffer& buffer) { return value < buffer.first; });
  if (after == buffers.begin()) return nullptr;
  const Buffer& found = *(after - 1);
  return offset < found.end ? &found : nullptr;
}

std::string BufferMap::text_of(std::uint32_t first, std::uint32_t end) const {
  const Buffer* buffer = at(first);
  if (buffer == nullptr) return fmt::format("L1 bytes {} to {}", first, end);
  return fmt::format("page {} of CB {} '{}'", (first - buffer->first) / buffer->page_bytes, buffer->id, buffer->role);
}

Shadow::Cell Shadow::cell_at(std::uint32_t offset) const {
  if (const BufferMap::Buffer* buffer = buffers_->at(offset)) {
    const std::uint32_t page = (offset - buffer->first) / buffer->page_bytes;
    return {buffer->cell + page, buffer->first + (page + 1) * buffer->page_bytes};
  }
  const std::uint32_t cell = offset / plain_cell_bytes;
  const auto next =
      std::upper_bound(buffers_->buffers.begin(), buffers_->buffers.end(), offset,
                       [](std::uint32_t value, const BufferMap::Buffer& buffer) { return value < buffer.first; });
  const std::uint32_t end = (cell + 1) * plain_cell_bytes;
  return {cell, next == buffers_->buffers.end() ? end : std::min(end, next->first)};
}

}  // namespace tilegrid::races
