// SPDX-License-Identifier: Apache-2.0
// NCRISC of a core in a team: fetches Q for itself, and K and V together with the others (attention.md 1.8). For each chunk
// the handshake is the same (hand_over.h). A core pushes a slot only once it has passed it on: until then compute can't free
// it, so nothing new is written to it.
#include <array>
#include <cstring>

#include "kernels/api/dataflow.h"
#include "kernels/attention/chunk_reader.h"
#include "kernels/attention/hand_over.h"
#include "kernels/attention/kernel_args.h"
#include "kernels/attention/phases.h"
#include "kernels/common/from_words.h"

namespace tilegrid::attention {
namespace {

using namespace tilegrid::api;

DeliveryArgs delivery_args() {
  return from_words<DeliveryArgs>([](std::uint32_t i) { return get_arg_val<std::uint32_t>(arg_delivery + i); });
}

/// What both sides of a hand-over know.
struct Window {
  std::uint32_t cb = 0;
  std::uint32_t address = 0;  ///< of the own slot
  std::uint32_t base = 0;     ///< of the first slot
  std::uint32_t bytes = 0;    ///< of a slot
};

/// A core of a chain. The lane with the most visits reads DRAM, and each core passes on what the next one needs. Where
/// light and heavy items alternate, the heaviest is at the other end every time, so the direction of the chain alternates,
/// too.
class ChainLink {
 public:
  ChainLink(const KernelArgs& args, const DeliveryArgs& delivery, Seat seat)
      : args_(args), delivery_(delivery), seat_(seat) {}

  void begin(std::uint32_t position, const Turn& turn) {
    rightwards_ = turn.descending;
    if (delivery_.left.exists != 0) left_.visits = args_.turn_at(position, {seat_.lane - 1, seat_.part}).visits;
    if (delivery_.right.exists != 0) right_.visits = args_.turn_at(position, {seat_.lane + 1, seat_.part}).visits;
    const Neighbour& before = rightwards_ ? left_ : right_;
    from_dram_ = before.visits == 0;
  }
  void end() {
    left_.taken += left_.visits;
    right_.taken += right_.visits;
  }

  [[nodiscard]] bool from_dram() const { return from_dram_; }
  void receive_chunk() const {
    if (rightwards_) {
      receive(delivery_.left, sem_credit_right, sem_flag_left);
    } else {
      receive(delivery_.right, sem_credit_left, sem_flag_right);
    }
  }
  void pass_on(const Window& window, std::uint32_t chunk) const {
    const Neighbour& next = rightwards_ ? right_ : left_;
    if (chunk >= next.visits) return;
    const CoreArg to = rightwards_ ? delivery_.right : delivery_.left;
    // NoC 0 goes to higher columns, NoC 1 to lower ones. By the other NoC the way would be most of the ring.
    const std::uint8_t noc = rightwards_ ? default_noc : other_noc;
    take_credits(rightwards_ ? sem_credit_right : sem_credit_left, 1);
    const std::uint32_t slot = (next.taken + chunk) % kv_slots;
    noc_async_write(window.address, get_noc_addr(to.x, to.y, window.base + slot * window.bytes), window.bytes, noc);
    noc_semaphore_set_remote(get_semaphore(sem_filled),
                             get_noc_addr(to.x, to.y, get_semaphore(rightwards_ ? sem_flag_left : sem_flag_right)), noc);
    noc_async_writes_flushed(noc);
  }

 private:
  static constexpr std::uint8_t other_noc = 1;  // the reader's own is NoC 0
  struct Neighbour {
    std::uint32_t visits = 0;  ///< of the item that it works on while we work on ours
    std::uint32_t taken = 0;   ///< chunks that it has been sent so far, which tells its next slot
  };
  const KernelArgs& args_;
  const DeliveryArgs& delivery_;
  Seat seat_;
  Neighbour left_, right_;
  bool rightwards_ = true;
  bool from_dram_ = true;
};

/// A core of a team with multicast. All get the same chunks, so that slots are the same everywhere.
class MulticastMember {
 public:
  explicit MulticastMember(const DeliveryArgs& delivery) : delivery_(delivery) {}

  [[nodiscard]] bool from_dram() const { return delivery_.injector.exists == 0; }
  void receive_chunk() const { receive(delivery_.injector, sem_credit_right, sem_flag_left); }
  void pass_on(const Window& window, std::uint32_t) const {
    if (!from_dram()) return;
    take_credits(sem_credit_right, delivery_.receivers);
    noc_async_write_multicast(window.address, multicast_to(window.address), window.bytes, delivery_.receivers, true);
    // Closes the linked path; a read barrier in between would hang on silicon.
    noc_semaphore_set_multicast(get_semaphore(sem_filled), multicast_to(get_semaphore(sem_flag_left)), delivery_.receivers);
    noc_async_writes_flushed();
  }

 private:
  [[nodiscard]] std::uint64_t multicast_to(std::uint32_t address) const {
    return get_noc_multicast_addr(delivery_.first.x, delivery_.first.y, delivery_.last.x, delivery_.last.y, address);
  }
  const DeliveryArgs& delivery_;
};

/// Flags back to how they were at the start, and nothing of ours under way.
void close() {
  for (const SemaphoreIndex flag : {sem_flag_left, sem_flag_right}) {
    noc_semaphore_set(semaphore_pointer(get_semaphore(flag)), flag_empty);
  }
  for (std::uint8_t noc = 0; noc < noc_count; ++noc) {
    noc_async_write_barrier(noc);
    noc_async_atomic_barrier(noc);
  }
}

/// K and V of one chunk.
class Fetcher {
 public:
  explicit Fetcher(const KernelArgs& args)
      : args_(args), tiles_(args.read_batch), table_(args), windows_{window_of(args, cb_k), window_of(args, cb_v)} {}

  void fetch_q(const Turn& turn) {
    const auto head = turn.item.batch * args_.heads + turn.item.head;
    const auto row = turn.item.chunk * args_.q_chunk_t;
    cb_reserve_back(cb_q, args_.q_chunk_t * args_.dim_t);
    fill_window(tiles_, {args_.q_base, get_tile_size(cb_q)}, cb_q,
                {head * args_.seq_q_t * args_.dim_t, row, args_.q_chunk_t, args_.dim_t, args_.seq_q_t}, false);
    cb_push_back(cb_q, args_.q_chunk_t * args_.dim_t);
  }

  template <class Member>
  void fetch_kv(const Member& member, const Turn& turn, std::uint32_t j) {
    for (Window& window : windows_) {
      const bool is_k = window.cb == cb_k;
      const std::uint32_t pages = args_.kv_chunk_tiles(window.cb);
      cb_reserve_back(window.cb, pages);
      window.address = get_write_ptr(window.cb);
      if (member.from_dram()) {
        table_.turn_to(turn.kv_head);
        const InterleavedAddrGen tensor{is_k ? args_.k_base : args_.v_base, get_tile_size(window.cb)};
        const std::uint32_t columns = is_k ? args_.dim_t : args_.v_dim_t;
        fill_window(tiles_, tensor, window.cb, kv_rows(args_, table_, turn, turn.first + j, columns), is_k);
      } else {
        member.receive_chunk();
      }
      member.pass_on(window, j);
      cb_push_back(window.cb, pages);
    }
  }

 private:
  static Window window_of(const KernelArgs& args, std::uint32_t cb) {
    const std::uint32_t start = get_write_ptr(cb);  // nothing is pushed yet
    return {cb, start, start, args.kv_chunk_tiles(cb) * get_tile_size(cb)};
  }
  const KernelArgs& args_;
  TileReader tiles_;
  PageTable table_;
  std::array<Window, 2> windows_;
};

void read_by_chain(const KernelArgs& args, const DeliveryArgs& delivery, std::uint32_t first, std::uint32_t count,
                   Seat seat) {
  Fetcher fetcher(args);
  ChainLink link(args, delivery, seat);
  for (std::uint32_t position = first; position < first + count; ++position) {
    mark_loop();
    const Turn turn = args.turn_at(position, seat);
    link.begin(position, turn);
    if (turn.visits > 0) fetcher.fetch_q(turn);
    for (std::uint32_t j = 0; j < turn.chunks; ++j) {
      mark_loop();
      fetcher.fetch_kv(link, turn, j);
    }
    link.end();
  }
}

void read_by_multicast(const KernelArgs& args, const DeliveryArgs& delivery, std::uint32_t first, std::uint32_t count,
                       Seat seat) {
  Fetcher fetcher(args);
  const MulticastMember member(delivery);
  for (std::uint32_t position = first; position < first + count; ++position) {
    mark_loop();
    const Turn turn = args.turn_at(position, seat);
    if (turn.visits > 0) fetcher.fetch_q(turn);
    for (std::uint32_t j = 0; j < turn.chunks; ++j) {
      mark_loop();
      fetcher.fetch_kv(member, turn, j);
    }
  }
}

}  // namespace

void delivering_reader() {
  const KernelArgs args = KernelArgs::of_this_kernel();
  const DeliveryArgs delivery = delivery_args();
  const auto first = get_arg_val<std::uint32_t>(arg_first);
  const auto count = get_arg_val<std::uint32_t>(arg_count);
  const Seat seat = args.seat_of(get_arg_val<std::uint32_t>(arg_seat));
  if (count == 0) return;
  zone(Phase::read);
  if (args.multicast != 0) {
    read_by_multicast(args, delivery, first, count, seat);
  } else {
    read_by_chain(args, delivery, first, count, seat);
  }
  mark_loop();
  close();
}

}  // namespace tilegrid::attention
