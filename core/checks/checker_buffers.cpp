// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstring>

#include "core/checks/checker.h"
#include "core/core.h"

namespace tilegrid::checks {

void Checker::check_user(User& user, Risc risc, bool moves, const CircularBuffer& cb, bool producer) {
  if (user.known && user.at.risc != risc && (moves || user.moved)) {
    reporter_.found(Class::cb_owner, [&] {
      const char* calls = producer ? "reserves and pushes" : "waits and pops";
      return fault_of(Class::cb_owner,
                      fmt::format("{} {} pages of CB {}{}, as {} does", name_of(risc), calls, cb.id(),
                                  cb.role().empty() ? "" : fmt::format(" '{}'", cb.role()), text_of(user.at)),
                      fmt::format("a circular buffer has one {}: each RISC keeps a pointer of its own",
                                  producer ? "producer" : "consumer"))
          .hint("use a buffer for each");
    });
  }
  const bool first = !user.known || (moves && !user.moved);
  if (first) user.at = reporter_.here();
  user.known = true;
  user.moved = user.moved || moves;
}

void Checker::reserve(Risc risc, const CircularBuffer& cb) { check_user(users_[cb.id()].producer, risc, false, cb, true); }

void Checker::wait(Risc risc, const CircularBuffer& cb) { check_user(users_[cb.id()].consumer, risc, false, cb, false); }

void Checker::push(Risc risc, const CircularBuffer& cb, std::uint32_t pages) {
  check_user(users_[cb.id()].producer, risc, true, cb, true);
  const UnderWay& reads = of(risc).reads;
  if (reads.list.empty()) return;
  const std::uint32_t first = cb.write_pointer() - core_.l1_base;
  const Transfer* read = reads.overlapping(first, first + pages * cb.page_bytes());
  if (read == nullptr) return;
  reporter_.found(Class::read_barrier, [&] {
    return fault_of(Class::read_barrier,
                    fmt::format("cb_push_back of {} pages of CB {} '{}', to which the read of {} is under way", pages,
                                cb.id(), cb.role(), text_of(read->at)),
                    "the data of a read is there after its barrier")
        .hint("call noc_async_read_barrier before the push");
  });
}

void Checker::pop(Risc risc, const CircularBuffer& cb, std::uint32_t pages) {
  check_user(users_[cb.id()].consumer, risc, true, cb, false);
  const UnderWay& sources = of(risc).sources;
  if (sources.list.empty()) return;
  const std::uint32_t first = cb.read_pointer() - core_.l1_base;
  const Transfer* write = sources.overlapping(first, first + pages * cb.page_bytes());
  if (write == nullptr) return;
  reporter_.found(Class::write_flush, [&] {
    return fault_of(Class::write_flush,
                    fmt::format("cb_pop_front of {} pages of CB {} '{}', from which the write of {} has not departed", pages,
                                cb.id(), cb.role(), text_of(write->at)),
                    "the source of a write may be reused once it is flushed")
        .hint("call noc_async_writes_flushed before the pop");
  });
}

void Checker::check_window(Risc risc, std::uint32_t offset, std::uint32_t bytes, bool producer, const char* who) {
  if (!reporter_.on(Class::cb_window)) return;
  const CircularBuffer* cb = buffer_at(offset, bytes);
  if (cb == nullptr || cb->on_buffer()) return;
  // A buffer that this RISC does not use as one is memory like any other.
  const Users& users = users_[cb->id()];
  const User& user = producer ? users.producer : users.consumer;
  if (!user.known || user.at.risc != risc) return;
  const bool produces = users.producer.known && users.producer.at.risc == risc;
  if (!producer && produces) return;  // what a producer pushed stays as it is until it reserves the page again
  const std::uint32_t first = offset + core_.l1_base;
  const std::uint32_t window = producer ? cb->write_pointer() : cb->read_pointer();
  const std::uint32_t pages = producer ? cb->reserved() : cb->waited();
  if (first >= window && first + bytes <= window + pages * cb->page_bytes()) return;
  reporter_.found(Class::cb_window, [&] {
    const std::uint32_t page = (first - cb->address()) / cb->page_bytes();
    return fault_of(
               Class::cb_window,
               fmt::format("{} {} page {} of CB {} '{}'; {} are pages {} to {} of {}", who, producer ? "to" : "from", page,
                           cb->id(), cb->role(), producer ? "reserved" : "waited for",
                           (window - cb->address()) / cb->page_bytes(),
                           static_cast<std::int64_t>((window - cb->address()) / cb->page_bytes() + pages) - 1, cb->pages()),
               producer ? "pages are reserved before they are written" : "pages are waited for before they are read")
        .hint(producer ? "call cb_reserve_back first" : "call cb_wait_front first");
  });
}

/// A semaphore's call touches a word that a transfer of the RISC has to itself: the target of a read, or, with a `value`,
/// the source of a write that the call would change.
void Checker::check_word(Risc risc, std::uint32_t offset, const char* call, std::optional<std::uint32_t> value) {
  const std::uint32_t end = offset + static_cast<std::uint32_t>(sizeof(std::uint32_t));
  OfRisc& own = of(risc);
  if (const Transfer* read = own.reads.overlapping(offset, end)) {
    reporter_.found(Class::read_target, [&] {
      return fault_of(Class::read_target,
                      fmt::format("{} on the word at L1 {}, to which the read of {} is under way", call, offset,
                                  text_of(read->at)),
                      "the data of a read may land at any time until its barrier")
          .hint("call noc_async_read_barrier before");
    });
  }
  if (!value) return;
  std::uint32_t present = 0;
  std::memcpy(&present, l1_pointer(core_.l1_base + offset), sizeof present);
  if (present == *value) return;
  const Transfer* write = own.sources.overlapping(offset, end);
  if (write == nullptr) return;
  reporter_.found(Class::write_flush, [&] {
    return fault_of(Class::write_flush,
                    fmt::format("{} of the word at L1 {}, from which the write of {} has not departed", call, offset,
                                text_of(write->at)),
                    "the source of a write may be reused once it is flushed: either value may have been sent")
        .hint("call noc_async_writes_flushed before");
  });
}

void Checker::wait_semaphore(Risc risc, std::uint32_t offset, std::optional<std::uint32_t> exact) {
  use_semaphore(offset);
  of(risc).exact = exact;
  check_word(risc, offset, "noc_semaphore_wait", {});
}

void Checker::set_semaphore(Risc risc, std::uint32_t offset, std::uint32_t value) {
  use_semaphore(offset);
  check_word(risc, offset, "noc_semaphore_set", value);
}

void Checker::use_semaphore(std::uint32_t offset) {
  if (offset < l1_semaphore_base) return;
  const std::size_t id = (offset - l1_semaphore_base) / semaphore_bytes;
  if (id < semaphores_.size()) semaphores_[id] = reporter_.here();
}

}  // namespace tilegrid::checks
