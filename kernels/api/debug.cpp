// SPDX-License-Identifier: Apache-2.0
#include "kernels/api/debug.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "core/checks/reporter.h"
#include "core/error.h"
#include "core/tile.h"

namespace tilegrid::api::detail {

void scope(ScopeMark mark, std::uint32_t name, std::uint64_t value) {
  const KernelContext& kernel = running_kernel();
  kernel.core->log.append(
      kernel.risc, events::Scope{mark, name, static_cast<std::uint32_t>(value), static_cast<std::uint32_t>(value >> 32U)});
}

std::uint32_t scope_name(const char* name, const Here& at) { return running_kernel().scopes->add(name, at); }

void assertion_failed(const char* condition, const Here& at) {
  throw Fault("assert", fmt::format("ASSERT({}) failed", condition), "the kernel says that it always holds")
      .at(at.file, at.line);
}

void waypoint(const char* name) { static_cast<KernelContext*>(current_fiber()->local())->waypoint = name; }

}  // namespace tilegrid::api::detail

namespace tilegrid_device {
namespace {

using tilegrid::Core;
using tilegrid::DataFormat;
using tilegrid::KernelContext;
using tilegrid::Risc;

constexpr int unpack_thread = 0;
constexpr int math_thread = 1;
constexpr int pack_thread = 2;
constexpr int brisc_alone = 3;
constexpr int ncrisc_alone = 4;

/// A tile's place in L1, or why there is none that may be read.
struct Place {
  std::uint32_t address = 0;
  std::string refusal{};
};

/// Pages of the buffer that the kernel may look at: what it waited for itself, or what it reserved itself. What others have
/// done by now depends on the schedule.
std::uint32_t pages_of(const KernelContext& kernel, const tilegrid::CircularBuffer& cb, bool reserved) {
  if (reserved) return cb.reserved_by == kernel.risc ? cb.reserved() : 0;
  if (cb.on_buffer()) return cb.pages();
  return cb.waited_by == kernel.risc ? cb.waited() : 0;
}

Place place_of(const KernelContext& kernel, int thread, const Slice& slice) {
  if (thread == math_thread) return {0, "MATH can't see circular buffers, UNPACK and PACK can"};
  const auto& cbs = kernel.core->cbs;
  if (slice.cb >= cbs.size() || !cbs[slice.cb].configured()) return {0, "the program does not configure the buffer"};
  const tilegrid::CircularBuffer& cb = cbs[slice.cb];
  bool reserved = slice.pointer == TSLICE_WR_PTR || (slice.pointer < 0 && thread == pack_thread);
  if (slice.pointer < 0 && thread != unpack_thread && pages_of(kernel, cb, false) == 0)
    reserved = pages_of(kernel, cb, true) > 0;
  const std::uint32_t pages = pages_of(kernel, cb, reserved);
  const std::uint64_t first = std::uint64_t{slice.tile} * tile_bytes(cb.format());
  const std::uint64_t end = first + tile_bytes(cb.format());
  const std::uint32_t start = reserved ? cb.write_pointer() : cb.read_pointer();
  const std::uint64_t limit = std::uint64_t{cb.address()} + std::uint64_t{cb.pages()} * cb.page_bytes();
  if (end > std::uint64_t{pages} * cb.page_bytes() || start + end > limit) {
    return {0, fmt::format("{} page{} of it {} {}", pages, pages == 1 ? "" : "s", pages == 1 ? "is" : "are",
                           reserved ? "reserved" : "waited for")};
  }
  return {start + slice.tile * tile_bytes(cb.format()), {}};
}

/// An element as it is printed: integers as such.
void print_element(Printer& out, const std::byte* tile, DataFormat format, const std::vector<float>& values,
                   std::size_t in_memory, std::size_t in_rows) {
  const auto integer = [&]<class T>(T value) {
    std::memcpy(&value, tile + in_memory * sizeof value, sizeof value);
    if constexpr (std::is_signed_v<T>) {
      out.number(static_cast<long long>(value));
    } else {
      out.number(static_cast<unsigned long long>(value));
    }
  };
  switch (format) {
    case DataFormat::int32:
      return integer(std::int32_t{});
    case DataFormat::uint32:
      return integer(std::uint32_t{});
    case DataFormat::uint16:
      return integer(std::uint16_t{});
    case DataFormat::int8:
      return integer(std::int8_t{});
    case DataFormat::uint8:
      return integer(std::uint8_t{});
    default:
      out.number(static_cast<double>(values[in_rows]));
  }
}

void print_rows(Printer& out, const Slice& slice, std::uint32_t address, DataFormat format) {
  const auto* tile = reinterpret_cast<const std::byte*>(tilegrid::l1_pointer(address));
  std::vector<float> values(tilegrid::tile_elements);
  if (!is_integer(format)) {
    tilegrid::untilize({tile, tile_bytes(format)}, tilegrid::tile_side, tilegrid::tile_side, format, values);
  }
  const auto& [h0, h1, hs, w0, w1, ws] = slice.range;
  const int width = out.width;
  for (int row = h0; row < std::min<int>(h1, tilegrid::tile_side); row += std::max<int>(hs, 1)) {
    if (row != h0) out.text(slice.newlines ? "\n" : " ", 1);
    for (int column = w0; column < std::min<int>(w1, tilegrid::tile_side); column += std::max<int>(ws, 1)) {
      if (column != w0) out.text(" ", 1);
      // Where the element lies in memory, which has its faces one after the other, and in the tile's rows.
      int in_memory = row * tilegrid::tile_side + column;
      int in_rows = in_memory;
      if (slice.untilized) {
        in_memory = tilegrid::tile_index(row, column);
      } else {
        constexpr int side = tilegrid::face_side;
        const int face = in_memory / (side * side);
        in_rows = ((face / 2 * side) + in_memory / side % side) * tilegrid::tile_side + face % 2 * side + in_memory % side;
      }
      out.width = width;
      print_element(out, tile, format, values, in_memory, in_rows);
    }
  }
}

}  // namespace

bool print_wanted(int thread) {
  const KernelContext& kernel = tilegrid::api::running_kernel();
  if (kernel.printout == nullptr) return false;
  if (thread == brisc_alone || thread == ncrisc_alone) {
    return kernel.risc == (thread == brisc_alone ? Risc::brisc : Risc::ncrisc) && kernel.printout->wants(-1);
  }
  return kernel.printout->wants(thread);
}

void print_text(int thread, const char* text, std::size_t length) {
  const KernelContext& kernel = tilegrid::api::running_kernel();
  if (kernel.printout == nullptr) return;
  if (kernel.rehearsal != nullptr) kernel.rehearsal->note_output();
  kernel.printout->text(thread > pack_thread ? -1 : thread, {text, length});
}

void print_slice(int thread, const Slice& slice) {
  const KernelContext& kernel = tilegrid::api::running_kernel();
  Core& core = *kernel.core;
  const Place place = place_of(kernel, thread, slice);
  Printer out{thread, true, slice.base, slice.fixed, slice.width, slice.precision};
  const auto say = [&](const std::string& text) { out.text(text.data(), text.size()); };
  if (!place.refusal.empty()) {
    say(fmt::format("<tile {} of CB {}: {}>", slice.tile, slice.cb, place.refusal));
    using tilegrid::checks::Class;
    return core.reporter.found(Class::print_slice, [&] {
      return fault_of(Class::print_slice,
                      fmt::format("a print of tile {} of CB {}: {}", slice.tile, slice.cb, place.refusal),
                      "a tile can be looked at between wait and pop, or between reserve and push, by who waited or reserved")
          .hint("print where the tile is there; TSLICE_WR_PTR looks at what is reserved")
          .at(slice.at.file, slice.at.line);
    });
  }
  if (core.dry) return say("<a dry run has no data>");
  print_rows(out, slice, place.address, core.cbs[slice.cb].format());
}

}  // namespace tilegrid_device
