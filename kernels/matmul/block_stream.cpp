// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul/block_stream.h"

#include <cstring>

namespace tilegrid::matmul {
namespace {

using namespace tilegrid::api;

constexpr std::uint32_t invalid = 0;
constexpr std::uint32_t valid = 1;

}  // namespace

BlockStream::BlockStream(const Source& source, const CoreArgs& core, bool sends, std::uint32_t ready, std::uint32_t sent)
    : source_(source), core_(core), sends_(sends), ready_(get_semaphore(ready)), sent_(get_semaphore(sent)) {
  if (!sends_) return;
  // The word that the multicasts of flags copy.
  if (core_.receivers > 0) noc_semaphore_set(semaphore_pointer(sent_), valid);
  if (!source_.has_edges) return;
  // The tile of zeros is reserved for the whole run and never pushed.
  cb_reserve_back(source_.cb_zeros, 1);
  zeros_ = get_write_ptr(source_.cb_zeros);
  if (!is_dry()) std::memset(l1_pointer(zeros_), 0, source_.tensor.page_size);
  note_generated(source_.cb_zeros, source_.tensor.page_size);
}

void BlockStream::next(const Place& place) {
  const std::uint32_t tiles = source_.rows * source_.columns;
  cb_reserve_back(source_.cb, tiles);
  if (sends_) {
    read(place);
    if (core_.receivers > 0) send();
  } else {
    receive();
  }
  cb_push_back(source_.cb, tiles);
}

void BlockStream::finish() {
  noc_async_write_barrier();
  noc_async_atomic_barrier();
  if (!sends_ || core_.receivers > 0) noc_semaphore_set(semaphore_pointer(sent_), invalid);
}

/// One barrier for the whole block, as the shipped kernel does. Zeros come by the NoC, too: a RISC's stores would take
/// longer by far.
void BlockStream::read(const Place& place) {
  const std::uint32_t bytes = source_.tensor.page_size;
  std::uint32_t address = get_write_ptr(source_.cb);
  for (std::uint32_t r = place.row; r < place.row + source_.rows; ++r) {
    for (std::uint32_t c = place.column; c < place.column + source_.columns; ++c, address += bytes) {
      if (r < place.end_row && c < place.end_column) {
        noc_async_read_page(place.first_page + r * source_.row_pages + c, source_.tensor, address);
      } else {
        noc_async_read(get_noc_addr(zeros_), address, bytes);
      }
    }
  }
  noc_async_read_barrier();
}

void BlockStream::send() {
  noc_semaphore_wait(semaphore_pointer(ready_), core_.receivers);
  noc_semaphore_set(semaphore_pointer(ready_), 0);
  // All receivers have the block before, so its slot may be overwritten. The wait tells the checks, and the reader of this
  // code, that it has left.
  noc_async_writes_flushed();
  const std::uint32_t address = get_write_ptr(source_.cb);
  const auto to = [&](std::uint32_t l1) {
    return get_noc_multicast_addr(core_.start_x, core_.start_y, core_.end_x, core_.end_y, l1);
  };
  const std::uint32_t bytes = source_.rows * source_.columns * source_.tensor.page_size;
  noc_async_write_multicast(address, to(address), bytes, core_.receivers, true);
  noc_semaphore_set_multicast(sent_, to(sent_), core_.receivers);
}

void BlockStream::receive() {
  noc_semaphore_set(semaphore_pointer(sent_), invalid);
  noc_semaphore_inc(get_noc_addr(core_.sender_x, core_.sender_y, ready_), 1);
  noc_semaphore_wait(semaphore_pointer(sent_), valid);
}

}  // namespace tilegrid::matmul
