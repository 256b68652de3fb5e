// SPDX-License-Identifier: Apache-2.0
#include "noc/mpi_doorbell.h"

#include <linux/futex.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <ctime>
#include <memory>
#include <new>
#include <system_error>
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
  void* base = map_file(host, rank, line * size);
  if (base == nullptr) base = open_window(host, rank, size);
  if (base == nullptr) return;
  bells_ = static_cast<Bell*>(base);
  own_ = bells_ + rank;
}

MpiDoorbell::~MpiDoorbell() {
  if (socket_ >= 0) close(socket_);
}

void MpiDoorbell::open_socket(MPI_Comm host) {
  if (!shared()) return;
  int rank = 0;
  int size = 1;
  MPI_Comm_rank(host, &rank);
  MPI_Comm_size(host, &size);
  // Bound to no name, it gets one of the system's, which is no file and goes with the process.
  sockaddr_un own{};
  own.sun_family = AF_UNIX;
  socklen_t length = sizeof own.sun_family;
  socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  Address address;
  if (socket_ >= 0 && bind(socket_, reinterpret_cast<sockaddr*>(&own), length) == 0) {
    length = sizeof own;
    getsockname(socket_, reinterpret_cast<sockaddr*>(&own), &length);
    address.length = static_cast<std::uint32_t>(length - offsetof(sockaddr_un, sun_path));
    if (address.length <= address.name.size()) std::memcpy(address.name.data(), own.sun_path, address.length);
  }
  addresses_.resize(size);
  MPI_Allgather(&address, sizeof address, MPI_BYTE, addresses_.data(), sizeof address, MPI_BYTE, host);
  // What comes of the trial is one sleep that ends early.
  int works = address.length > 0 && address.length <= address.name.size() && send_ring((rank + 1) % size) ? 1 : 0;
  MPI_Allreduce(MPI_IN_PLACE, &works, 1, MPI_INT, MPI_MIN, host);
  if (works != 0) return;
  if (socket_ >= 0) close(socket_);
  socket_ = -1;
}

/// False when it can't be reached; a full queue will do.
bool MpiDoorbell::send_ring(int host_rank) {
  const Address& address = addresses_[host_rank];
  if (address.length == 0 || address.length > address.name.size()) return false;
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, address.name.data(), address.length);
  const char ring = 0;
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.length);
  return sendto(socket_, &ring, sizeof ring, MSG_DONTWAIT | MSG_NOSIGNAL, reinterpret_cast<sockaddr*>(&to), length) >= 0 ||
         errno == EAGAIN;
}

/// The same for all ranks: where the bells are, zeros at first, or null.
void* MpiDoorbell::map_file(MPI_Comm host, int rank, std::size_t bytes) {
  SharedMemory::Name name;
  try {
    if (rank == 0) memory_ = SharedMemory::make();
    if (rank == 0 && memory_.resize(bytes)) name = memory_.name();
  } catch (const std::system_error&) {
    name = {};
  }
  MPI_Bcast(&name, sizeof name, MPI_BYTE, 0, host);
  if (rank != 0) memory_ = SharedMemory(name);
  std::byte* base = name.process < 0 ? nullptr : memory_.map(bytes);
  // No rank comes out of this before all are in it.
  int works = base != nullptr ? 1 : 0;
  MPI_Allreduce(MPI_IN_PLACE, &works, 1, MPI_INT, MPI_MIN, host);
  return works == 0 ? nullptr : base;
}

/// As above, by MPI, which takes more time and may know a way where processes can't open each other's files.
void* MpiDoorbell::open_window(MPI_Comm host, int rank, int size) {
  // Rank 0 owns the whole page: MPI does not promise where the other segments would start.
  void* base = nullptr;
  const MPI_Aint bytes = rank == 0 ? MPI_Aint{line} * (size + 1) : 0;
  int works = MPI_Win_allocate_shared(bytes, 1, MPI_INFO_NULL, host, &base, &window_) == MPI_SUCCESS ? 1 : 0;
  if (works == 0) window_ = MPI_WIN_NULL;
  MPI_Aint owned_bytes = 0;
  int unit = 0;
  if (works == 1) works = MPI_Win_shared_query(window_, 0, &owned_bytes, &unit, &base) == MPI_SUCCESS ? 1 : 0;
  if (works == 1) {
    std::size_t room = owned_bytes;
    base = std::align(line, line * size, base, room);
    new (static_cast<Bell*>(base) + rank) Bell{0, awake, 0};
  }
  MPI_Allreduce(MPI_IN_PLACE, &works, 1, MPI_INT, MPI_MIN, host);
  return works == 0 ? nullptr : base;
}

void MpiDoorbell::release() {
  bells_ = nullptr;
  own_ = nullptr;
  memory_ = {};
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
  if (bell.sleeping.load(std::memory_order_relaxed) == awake) return;
  // Several senders may come at once: the first wakes the sleeper, the others have nothing left to do.
  const std::uint32_t slept = bell.sleeping.exchange(awake, std::memory_order_seq_cst);
  if (slept == at_socket) send_ring(host_rank);
  if (slept != at_futex) return;
  bell.rings.fetch_add(1, std::memory_order_seq_cst);
  syscall(SYS_futex, &bell.rings, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

std::uint32_t MpiDoorbell::arm(bool at_socket) {
  if (!shared()) return 0;
  own_->sleeping.store(at_socket ? Sleeping::at_socket : at_futex, std::memory_order_seq_cst);
  const std::uint32_t armed = own_->rings.load(std::memory_order_seq_cst);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return armed;
}

void MpiDoorbell::disarm() {
  if (shared()) own_->sleeping.store(awake, std::memory_order_relaxed);
}

void MpiDoorbell::take_rings() {
  char ring = 0;
  while (recv(socket_, &ring, sizeof ring, MSG_DONTWAIT) >= 0) {
  }
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
