// SPDX-License-Identifier: Apache-2.0
#include "noc/mpi_doorbell.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <ctime>
#include <memory>
#include <new>
#include <thread>

namespace tilegrid::noc {
namespace {

timespec to_timespec(std::chrono::microseconds time) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
  return {static_cast<time_t>(seconds.count()), static_cast<long>((time - seconds).count() * 1000)};
}

}  // namespace

MpiDoorbell::MpiDoorbell(MPI_Comm host) {
  int rank = 0;
  int size = 1;
  MPI_Comm_rank(host, &rank);
  MPI_Comm_size(host, &size);
  // Rank 0 owns the whole page: MPI does not promise where the other segments would start.
  void* base = nullptr;
  const MPI_Aint bytes = rank == 0 ? MPI_Aint{line} * (size + 1) : 0;
  int works = MPI_Win_allocate_shared(bytes, 1, MPI_INFO_NULL, host, &base, &window_) == MPI_SUCCESS ? 1 : 0;
  if (works == 0) window_ = MPI_WIN_NULL;
  MPI_Aint owned_bytes = 0;
  int unit = 0;
  if (works == 1) works = MPI_Win_shared_query(window_, 0, &owned_bytes, &unit, &base) == MPI_SUCCESS ? 1 : 0;
  Bell* bells = nullptr;
  if (works == 1) {
    std::size_t room = owned_bytes;
    bells = static_cast<Bell*>(std::align(line, line * size, base, room));
    new (bells + rank) Bell{0, 0, 0};
  }
  // No rank comes out of this before all are in it: so no bell is rung before it is set up.
  MPI_Allreduce(MPI_IN_PLACE, &works, 1, MPI_INT, MPI_MIN, host);
  if (works == 0) return;
  bells_ = bells;
  own_ = bells + rank;
}

void MpiDoorbell::release() {
  bells_ = nullptr;
  own_ = nullptr;
  if (window_ != MPI_WIN_NULL) MPI_Win_free(&window_);
}

void MpiDoorbell::announce(int host_rank) {
  if (shared()) bells_[host_rank].posted.fetch_add(1, std::memory_order_seq_cst);
}

void MpiDoorbell::ring(int host_rank) {
  if (!shared()) return;
  Bell& bell = bells_[host_rank];
  // The message must be posted before `sleeping` is read; arm() has the matching fence.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (bell.sleeping.load(std::memory_order_relaxed) == 0) return;
  // Several senders may come at once: the first wakes the sleeper, the others have nothing left to do.
  if (bell.sleeping.exchange(0, std::memory_order_seq_cst) == 0) return;
  bell.rings.fetch_add(1, std::memory_order_seq_cst);
  syscall(SYS_futex, &bell.rings, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

std::uint32_t MpiDoorbell::arm() {
  if (!shared()) return 0;
  own_->sleeping.store(1, std::memory_order_seq_cst);
  const std::uint32_t armed = own_->rings.load(std::memory_order_seq_cst);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return armed;
}

void MpiDoorbell::disarm() {
  if (shared()) own_->sleeping.store(0, std::memory_order_relaxed);
}

void MpiDoorbell::sleep(std::uint32_t armed, std::chrono::microseconds limit) {
  if (!shared()) {
    std::this_thread::sleep_for(std::min(limit, nap));
    return;
  }
  const timespec timeout = to_timespec(limit);
  syscall(SYS_futex, &own_->rings, FUTEX_WAIT, armed, &timeout, nullptr, 0);
  disarm();
}

}  // namespace tilegrid::noc
