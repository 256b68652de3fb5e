// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/checks/checker.h"
#include "core/checks/poison.h"
#include "core/core.h"
#include "core/simd/memory_kernels.h"

namespace tilegrid::checks {
namespace {

/// The CB pages that a range lies in, or the L1 offsets when it lies in none.
std::string text_of_range(const CircularBuffer* cb, std::uint32_t base, std::uint32_t first, std::uint32_t end) {
  if (cb == nullptr) return fmt::format("L1 bytes {} to {}", first, end);
  const std::uint32_t start = cb->address() - base;
  const std::uint32_t page = (first - start) / cb->page_bytes();
  const std::uint32_t last = (end - 1 - start) / cb->page_bytes();
  const std::string name = cb->role().empty() ? "" : fmt::format(" '{}'", cb->role());
  return page == last ? fmt::format("page {} of CB {}{}", page, cb->id(), name)
                      : fmt::format("pages {} to {} of CB {}{}", page, last, cb->id(), name);
}

}  // namespace

Checker::Checker(Core& core)
    : core_(core),
      reporter_(core.reporter),
      looks_at_memory_(core.reporter.on(Class::uninitialised_l1)),
      users_(core.cbs.size()),
      looked_(core.cbs.size()) {}

void Checker::UnderWay::add(const Transfer& transfer) {
  first = std::min(first, transfer.first);
  end = std::max(end, transfer.end);
  list.push_back(transfer);
}

void Checker::UnderWay::remove(NocId noc, std::optional<unsigned> trid) {
  std::erase_if(list, [&](const Transfer& one) { return one.is_of(noc, trid); });
  if (!list.empty()) return;
  first = ~0U;
  end = 0;
}

const Checker::Transfer* Checker::UnderWay::overlapping(std::uint32_t from, std::uint32_t to) const {
  if (to <= first || from >= end) return nullptr;
  for (const Transfer& one : list) {
    if (one.first < to && from < one.end) return &one;
  }
  return nullptr;
}

void Checker::Sum::add(const std::byte* memory, std::size_t bytes) {
  const std::size_t whole = bytes / simd::stripe_bytes * simd::stripe_bytes;
  simd::add_stripes(sums_, stripes_, memory, whole);
  stripes_ += whole / simd::stripe_bytes;
  if (whole == bytes) return;
  std::array<std::byte, simd::stripe_bytes> last{};  // how much of it counts follows from the transfer's length
  std::memcpy(last.data(), memory + whole, bytes - whole);
  simd::add_stripes(sums_, stripes_++, last.data(), last.size());
}

Checker::Sum Checker::sum_of(std::uint32_t first, std::uint32_t end) const {
  Sum sum;
  sum.add(l1_pointer(core_.l1_base + first), end - first);
  return sum;
}

bool Checker::changed(const Transfer& transfer) const {
  return !core_.dry && !(sum_of(transfer.first, transfer.end) == transfer.sum);
}

const CircularBuffer* Checker::buffer_at(std::uint32_t offset, std::uint32_t bytes) {
  const auto holds = [&](const CircularBuffer& cb) {
    const std::uint32_t start = cb.address() - core_.l1_base;
    return cb.configured() && offset >= start && offset + bytes <= start + cb.pages() * cb.page_bytes();
  };
  if (holds(core_.cbs[last_buffer_])) return &core_.cbs[last_buffer_];
  for (std::size_t i = 0; i < core_.cbs.size(); ++i) {
    if (!holds(core_.cbs[i])) continue;
    last_buffer_ = i;
    return &core_.cbs[i];
  }
  return nullptr;
}

void Checker::read(Risc risc, NocId noc, unsigned trid, std::uint32_t offset, std::uint32_t bytes) {
  OfRisc& own = of(risc);
  const std::uint32_t end = offset + bytes;
  if (const Transfer* write = own.sources.overlapping(offset, end)) {
    reporter_.found(Class::write_flush, [&] {
      return fault_of(Class::write_flush,
                      fmt::format("noc_async_read to {}, from which the write of {} has not departed",
                                  text_of_range(buffer_at(offset, bytes), core_.l1_base, offset, end), text_of(write->at)),
                      "the source of a write may be reused once it is flushed")
          .hint("call noc_async_writes_flushed before the read");
    });
  }
  check_window(risc, offset, bytes, true, "noc_async_read");
  const Place here = reporter_.here();
  const bool compares = reporter_.on(Class::read_target) && !core_.dry;
  if (!own.reads.list.empty()) {  // pages that follow each other are one range
    Transfer& last = own.reads.list.back();
    const bool goes_on = last.end == offset && last.noc == noc && last.trid == trid && last.at.same_line(here);
    if (goes_on && !last.compared && Sum::may_go_on(last.end - last.first)) {
      if (compares) last.sum.add(l1_pointer(core_.l1_base + offset), bytes);
      last.end = end;
      own.reads.end = std::max(own.reads.end, end);
      return;
    }
  }
  Transfer read{.first = offset, .end = end, .noc = noc, .trid = trid, .sum = {}, .at = here};
  if (compares) read.sum = sum_of(offset, end);
  own.reads.add(read);
}

void Checker::check_linked(OfRisc& own, NocId noc, const char* what) {
  const Place& open = own.linked[noc];
  if (open.line == 0) return;
  reporter_.found(Class::linked_open, [&] {
    return fault_of(Class::linked_open,
                    fmt::format("{} on NoC {} while the linked multicast of {} keeps its path", what, to_underlying(noc),
                                text_of(open)),
                    "a chain of linked multicasts ends with one that is not linked, and nothing else comes in between")
        .hint("make the last multicast of the chain unlinked");
  });
}

void Checker::add_write(Risc risc, NocId noc, unsigned trid, std::uint32_t offset, std::uint32_t bytes) {
  OfRisc& own = of(risc);
  const std::uint32_t end = offset + bytes;
  if (const Transfer* read = own.reads.overlapping(offset, end)) {
    reporter_.found(Class::read_barrier, [&] {
      return fault_of(Class::read_barrier,
                      fmt::format("write from {}, to which the read of {} is under way",
                                  text_of_range(buffer_at(offset, bytes), core_.l1_base, offset, end), text_of(read->at)),
                      "the data of a read is there after its barrier")
          .hint("call noc_async_read_barrier before the write");
    });
  }
  check_window(risc, offset, bytes, false, "write");
  use(core_.l1_base + offset, bytes, "write");
  Transfer write{.first = offset, .end = end, .noc = noc, .trid = trid, .sum = {}, .at = reporter_.here()};
  if (reporter_.on(Class::write_flush) && !core_.dry) write.sum = sum_of(offset, end);
  own.sources.add(write);
  begin(own.writes, noc, trid, write.at);
}

void Checker::write(Risc risc, NocId noc, unsigned trid, std::uint32_t offset, std::uint32_t bytes) {
  check_linked(of(risc), noc, "unicast write");
  add_write(risc, noc, trid, offset, bytes);
}

void Checker::write_word(Risc risc, NocId noc, unsigned trid) {
  check_linked(of(risc), noc, "inline write");
  begin(of(risc).writes, noc, trid, reporter_.here());
}

void Checker::multicast(Risc risc, NocId noc, unsigned trid, std::uint32_t offset, std::uint32_t bytes, bool linked) {
  add_write(risc, noc, trid, offset, bytes);
  of(risc).linked[noc] = linked ? reporter_.here() : Place{};
}

void Checker::atomic(Risc risc, NocId noc, unsigned trid) {
  check_linked(of(risc), noc, "noc_semaphore_inc");
  begin(of(risc).atomics, noc, trid, reporter_.here());
}

void Checker::check_landed(const Transfer& read) {
  std::byte* memory = l1_pointer(core_.l1_base + read.first);
  const std::uint32_t bytes = read.end - read.first;
  const auto at = find(dram_poison, memory, bytes);
  if (!at) return;
  reporter_.found(Class::uninitialised_dram, [&] {
    const auto first = static_cast<std::uint32_t>(read.first + *at);
    const auto range = text_of_range(buffer_at(first, poison_bytes), core_.l1_base, first, first + poison_bytes);
    return fault_of(Class::uninitialised_dram, fmt::format("the read brought bytes to {} that nobody wrote to DRAM", range),
                    "DRAM holds what was there before until it is written")
        .hint("check the page number, and that the buffer was written before the launch")
        .at(read.at.file, read.at.line);
  });
  clear(dram_poison, memory, bytes);
}

Fault Checker::target_changed(const Transfer& read, const std::string& until) {
  const auto range = text_of_range(buffer_at(read.first, read.end - read.first), core_.l1_base, read.first, read.end);
  return fault_of(Class::read_target, fmt::format("{} changed between the read to there and {}", range, until),
                  "the data of a read may land at any time until its barrier, over what is stored there")
      .hint("call noc_async_read_barrier before the first store")
      .at(read.at.file, read.at.line);
}

void Checker::check_target(Transfer& read) {
  if (std::exchange(read.compared, true) || !changed(read)) return;
  reporter_.found(Class::read_target,
                  [&] { return target_changed(read, fmt::format("its barrier by {}", text_of(reporter_.here()))); });
}

void Checker::reads_landing(Risc risc, NocId noc, std::optional<unsigned> trid) {
  if (!reporter_.on(Class::read_target) || core_.dry) return;
  // All are compared before any lands: reads to the same place change each other's target.
  for (Transfer& read : of(risc).reads.list) {
    if (read.is_of(noc, trid)) check_target(read);
  }
}

void Checker::lands_early(Risc risc, std::uint32_t offset, std::uint32_t bytes) {
  if (!reporter_.on(Class::read_target)) return;
  for (Transfer& read : of(risc).reads.list) {
    if (read.compared || read.first >= offset + bytes || offset >= read.end) continue;
    read.compared = true;
    if (changed(read)) reporter_.note(Class::read_target, read.at, target_changed(read, "its landing"));
  }
}

void Checker::reads_done(Risc risc, NocId noc, std::optional<unsigned> trid) {
  UnderWay& reads = of(risc).reads;
  for (const Transfer& read : reads.list) {
    if (!read.is_of(noc, trid)) continue;
    if (reporter_.on(Class::uninitialised_dram)) check_landed(read);
    if (!trid) continue;
    for (Transfer& other : reads.list) other.compared |= other.first < read.end && read.first < other.end;
  }
  reads.remove(noc, trid);
}

Fault Checker::source_changed(const Transfer& write, const std::string& until) {
  const auto range = text_of_range(buffer_at(write.first, write.end - write.first), core_.l1_base, write.first, write.end);
  return fault_of(Class::write_flush, fmt::format("{} changed between the write from there and {}", range, until),
                  "the source of a write may be reused once it is flushed: either value may have been sent")
      .hint("call noc_async_writes_flushed before the source is written again")
      .at(write.at.file, write.at.line);
}

void Checker::check_source(const Transfer& write) {
  if (!changed(write)) return;
  reporter_.found(Class::write_flush,
                  [&] { return source_changed(write, fmt::format("its flush by {}", text_of(reporter_.here()))); });
}

void Checker::writes_flushed(Risc risc, NocId noc, std::optional<unsigned> trid) {
  UnderWay& sources = of(risc).sources;
  if (reporter_.on(Class::write_flush) && !core_.dry) {
    for (const Transfer& write : sources.list) {
      if (write.is_of(noc, trid)) check_source(write);
    }
  }
  sources.remove(noc, trid);
}

void Checker::begin(ByNoc& under_way, NocId noc, unsigned trid, const Place& at) {
  Unacknowledged& one = under_way.at(noc).at(trid % trids);
  ++one.count;
  one.last = at;
}

void Checker::acknowledge(ByNoc& under_way, NocId noc, std::optional<unsigned> trid) {
  auto& of_noc = under_way.at(noc);
  if (trid) {
    of_noc.at(*trid % trids) = {};
  } else {
    of_noc = {};
  }
}

void Checker::writes_done(Risc risc, NocId noc, std::optional<unsigned> trid) {
  writes_flushed(risc, noc, trid);
  acknowledge(of(risc).writes, noc, trid);
}

void Checker::atomics_done(Risc risc, NocId noc, std::optional<unsigned> trid) { acknowledge(of(risc).atomics, noc, trid); }

void Checker::end_with(Class c, const Place& issued, const char* what, const char* barrier) {
  reporter_.found(c, [&] {
    return fault_of(c, fmt::format("the kernel ends with {} under way", what), "a kernel waits for what it has begun")
        .hint(fmt::format("call {} before the end", barrier))
        .at(issued.file, issued.line);
  });
}

void Checker::kernel_end(Risc risc) {
  OfRisc& own = of(risc);
  for (const NocId noc : each<NocId>) reads_landing(risc, noc);
  if (!own.reads.list.empty()) {
    end_with(Class::kernel_end, own.reads.list.back().at, "this read", "noc_async_read_barrier");
  }
  for (const NocId noc : each<NocId>) {
    writes_flushed(risc, noc);
    const auto check = [&](const ByNoc& under_way, const char* what, const char* barrier) {
      for (const Unacknowledged& of_trid : under_way.at(noc)) {
        if (of_trid.count > 0) end_with(Class::kernel_end, of_trid.last, what, barrier);
      }
    };
    check(own.writes, "this write", "noc_async_write_barrier");
    check(own.atomics, "this increment", "noc_async_atomic_barrier");
    const Place open = own.linked[noc];
    if (open.line != 0) end_with(Class::linked_open, open, "this linked multicast", "an unlinked multicast");
  }
  if (risc == Risc::trisc && core_.pack.l1_accumulate) {
    reporter_.found(Class::l1_acc_left, [] {
      return fault_of(Class::l1_acc_left, "the kernel ends with the packer's L1 accumulation on",
                      "the next kernel would add to what is in L1")
          .hint("call pack_reconfig_l1_acc(false)");
    });
  }
  own = {};
}

void Checker::stopped(const Place& in) {
  const std::string until = fmt::format("the end of the run, in the call of {}", text_of(in));
  OfRisc& own = of(in.risc);
  if (reporter_.on(Class::write_flush)) {
    for (const Transfer& write : own.sources.list) {
      if (changed(write)) reporter_.note(Class::write_flush, write.at, source_changed(write, until));
    }
  }
  if (reporter_.on(Class::read_target)) {
    for (const Transfer& read : own.reads.list) {
      if (!read.compared && changed(read)) reporter_.note(Class::read_target, read.at, target_changed(read, until));
    }
  }
  own = {};
}

}  // namespace tilegrid::checks
