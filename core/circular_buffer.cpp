// SPDX-License-Identifier: Apache-2.0
#include "core/circular_buffer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/checks/reporter.h"
#include "core/error.h"

namespace tilegrid {

CircularBuffer::CircularBuffer(int id, std::string role, std::uint32_t address, std::uint32_t pages,
                               std::uint32_t page_bytes, DataFormat format)
    : id_(id), role_(std::move(role)), address_(address), pages_(pages), page_bytes_(page_bytes), format_(format) {}

std::string CircularBuffer::describe() const {
  return fmt::format("CB {}{} ({} pages of {} bytes {}; pushed {}, popped {}, reserved {}, waited {})", id_,
                     role_.empty() ? "" : " '" + role_ + "'", pages_, page_bytes_, name_of(format_), received_, acked_,
                     reserved_, waited_);
}

void CircularBuffer::check_count(std::uint32_t count, const char* who) const {
  if (count <= pages_) return;
  throw Fault("CB capacity", fmt::format("{} on {}", who, describe()), "a request can't exceed the buffer's capacity")
      .numbers(count, pages_, "pages")
      .hint("make the buffer larger or work in smaller blocks");
}

bool CircularBuffer::can_reserve(std::uint32_t count) const {
  check_count(count, "cb_reserve_back");
  return free() >= count;
}

bool CircularBuffer::can_wait(std::uint32_t count) const {
  check_count(count, "cb_wait_front");
  return held() >= count;
}

void CircularBuffer::reserve(std::uint32_t count) { reserved_ = std::max(reserved_, count); }

void CircularBuffer::wait(std::uint32_t count) { waited_ = std::max(waited_, count); }

void CircularBuffer::push(std::uint32_t count) {
  if (count > reserved_) {
    checks::violated(reporter_, checks::Class::cb_window, [&] {
      return fault_of(checks::Class::cb_window, fmt::format("cb_push_back of {} pages on {}", count, describe()),
                      "pages are reserved before they are pushed")
          .numbers(count, reserved_, "pages")
          .hint("call cb_reserve_back for as many pages first");
    });
  }
  if (count > free()) {
    checks::violated(reporter_, checks::Class::cb_count, [&] {
      return fault_of(checks::Class::cb_count, fmt::format("cb_push_back of {} pages on {}", count, describe()),
                      "only free pages can be pushed")
          .numbers(count, free(), "pages")
          .hint("call cb_reserve_back for as many pages first");
    });
  }
  if (write_page_ + count > pages_) {
    throw Fault("CB wrap", fmt::format("cb_push_back of {} pages at page {} of {}", count, write_page_, describe()),
                "pushes of one turn must sum exactly to the capacity")
        .numbers(count, pages_ - write_page_, "pages")
        .hint("choose a capacity that is a multiple of the block");
  }
  received_ += count;
  reserved_ -= std::min(reserved_, count);
  write_page_ += count;
  if (write_page_ == pages_) write_page_ = 0;
  pack_index_ = 0;
  high_water_ = std::max(high_water_, std::min(held(), pages_));
}

void CircularBuffer::pop(std::uint32_t count) {
  if (count > held() && !on_buffer_) {
    checks::violated(reporter_, checks::Class::cb_count, [&] {
      return fault_of(checks::Class::cb_count, fmt::format("cb_pop_front of {} pages on {}", count, describe()),
                      "only pages that were pushed can be popped")
          .numbers(count, held(), "pages")
          .hint("call cb_wait_front for as many pages first");
    });
  }
  if (read_page_ + count > pages_) {
    throw Fault("CB wrap", fmt::format("cb_pop_front of {} pages at page {} of {}", count, read_page_, describe()),
                "pops of one turn must sum exactly to the capacity")
        .numbers(count, pages_ - read_page_, "pages")
        .hint("choose a capacity that is a multiple of the block");
  }
  if (count > waited_ && !on_buffer_ && reporter_ != nullptr) {
    reporter_->found(checks::Class::cb_window, [&] {
      return fault_of(checks::Class::cb_window, fmt::format("cb_pop_front of {} pages on {}", count, describe()),
                      "pages are waited for before they are popped: that they are there now is luck")
          .numbers(count, waited_, "pages")
          .hint("call cb_wait_front for as many pages first");
    });
  }
  acked_ += count;
  waited_ -= std::min(waited_, count);
  read_page_ += count;
  if (read_page_ == pages_) read_page_ = 0;
}

/// Tiles up to `end` were not all waited for, or are not all there.
void CircularBuffer::look_at_read(std::uint64_t end, const char* who) const {
  const bool in_buffer = read_page_ + end <= pages_;
  // After pop-then-reserve of a full buffer the tiles are in the producer's window, which starts where the front does.
  const bool re_reserved = read_page_ == write_page_ && end <= reserved_ && received_ >= pages_;
  if (in_buffer && (re_reserved || on_buffer_)) return;
  if (!in_buffer) {
    throw Fault("CB window", fmt::format("{} read tile {} of {}", who, end - 1, describe()),
                "a window ends at the end of the buffer")
        .numbers(end, pages_ - read_page_, "tiles")
        .hint("call cb_wait_front for as many pages first");
  }
  checks::violated(reporter_, checks::Class::cb_window, [&] {
    return fault_of(checks::Class::cb_window, fmt::format("{} read tile {} of {}", who, end - 1, describe()),
                    "tiles are waited for before they are read")
        .numbers(end, std::max(waited_, reserved_), "tiles")
        .hint("call cb_wait_front for as many pages first");
  });
}

void CircularBuffer::report_write(std::uint32_t index, const char* who) const {
  const auto fault = [&](const char* error_class) {
    return Fault(error_class, fmt::format("{} wrote tile {} of {}", who, index, describe()),
                 "tiles are reserved before they are written")
        .numbers(std::int64_t{index} + 1, std::min(reserved_, pages_ - write_page_), "tiles")
        .hint("call cb_reserve_back for as many pages first");
  };
  if (std::uint64_t{write_page_} + index >= pages_) throw fault("CB window");
  checks::violated(reporter_, checks::Class::cb_window, [&] { return fault(name_of(checks::Class::cb_window)); });
}

}  // namespace tilegrid
