// SPDX-License-Identifier: Apache-2.0
#include "noc/mpi_transport.h"

#include <sched.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <exception>
#include <numeric>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "core/error.h"

namespace tilegrid::noc {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int tag = 0;
// More than the DRAM of any chip: it is no memory before it is touched.
constexpr std::uint64_t most_shared_bytes = std::uint64_t{1} << 40U;
// How long a rank with a core of its own spins before it sleeps: about the time that a wake-up takes.
constexpr auto spin_time = std::chrono::microseconds(50);

void check(int code, const char* call) {
  if (code == MPI_SUCCESS) return;
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  MPI_Error_string(code, text.data(), &length);
  throw Error(ExitCode::lost_rank, std::string(call) + " failed: " + std::string(text.data(), length));
}

void pause_cpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

class DropAll final : public MessageSink {
 public:
  void deliver(int, const MessageHeader&, std::span<const std::byte>) override {}
};

}  // namespace

HostRanks ranks_of_host(MPI_Comm parent) {
  HostRanks ranks;
  check(MPI_Comm_split_type(parent, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &ranks.comm), "MPI_Comm_split_type");
  check(MPI_Comm_set_errhandler(ranks.comm, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  if (sched_getaffinity(0, sizeof cpus, &cpus) != 0) CPU_SET(0, &cpus);
  // The CPU set of this rank alone would not do: mpirun may have bound the rank to one core.
  check(MPI_Allreduce(MPI_IN_PLACE, &cpus, sizeof cpus, MPI_BYTE, MPI_BOR, ranks.comm), "MPI_Allreduce");
  ranks.cpus = CPU_COUNT(&cpus);
  return ranks;
}

MpiTransport::MpiTransport(MPI_Comm parent, bool share, std::optional<HostRanks> host)
    : exceptions_(std::uncaught_exceptions()) {
  // When all ranks are on one host, its communicator has the same ranks in the same order, and nobody else sends over it.
  int all = 0;
  int here = 0;
  check(MPI_Comm_size(parent, &all), "MPI_Comm_size");
  if (host) check(MPI_Comm_size(host->comm, &here), "MPI_Comm_size");
  own_comm_ = here < all;
  if (own_comm_) {
    check(MPI_Comm_dup(parent, &comm_), "MPI_Comm_dup");
    check(MPI_Comm_set_errhandler(comm_, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  } else {
    comm_ = host->comm;
  }
  check(MPI_Comm_rank(comm_, &rank_), "MPI_Comm_rank");
  peers_ = std::vector<Peer>(all);
  incoming_.resize(posted_receives);
  for (Incoming& incoming : incoming_) {
    incoming.buffer.resize(sizeof(MessageHeader) + max_payload);
    post_receive(incoming);
  }

  HostRanks ranks = host ? *host : ranks_of_host(comm_);
  find_neighbours(ranks);
  if (share && doorbell_) share_memory(ranks.comm);
  if (!host) check(MPI_Comm_free(&ranks.comm), "MPI_Comm_free");
}

void MpiTransport::find_neighbours(const HostRanks& ranks_here) {
  MPI_Comm host = ranks_here.comm;
  int neighbours = 0;
  check(MPI_Comm_size(host, &neighbours), "MPI_Comm_size");
  std::vector<int> host_ranks(neighbours);
  std::vector<int> ranks(host_ranks.size());
  std::iota(host_ranks.begin(), host_ranks.end(), 0);
  MPI_Group host_group = MPI_GROUP_NULL;
  MPI_Group group = MPI_GROUP_NULL;
  check(MPI_Comm_group(host, &host_group), "MPI_Comm_group");
  check(MPI_Comm_group(comm_, &group), "MPI_Comm_group");
  check(MPI_Group_translate_ranks(host_group, neighbours, host_ranks.data(), group, ranks.data()),
        "MPI_Group_translate_ranks");
  MPI_Group_free(&host_group);
  MPI_Group_free(&group);
  for (std::size_t i = 0; i < ranks.size(); ++i) peer(ranks[i]).host_rank = host_ranks[i];
  remote_peers_ = neighbours < size();
  core_each_ = neighbours <= ranks_here.cpus;
  if (neighbours > 1) doorbell_ = std::make_unique<MpiDoorbell>(host);
  if (!remote_peers_) return;
  if (doorbell_) doorbell_->open_socket(host);
  if (doorbell_ && doorbell_->socket() < 0) return;
  sockets_.emplace(doorbell_ ? doorbell_->socket() : -1);
  if (!sockets_->known()) sockets_.reset();
}

void MpiTransport::share_memory(MPI_Comm host) {
  SharedMemory::Name own;
  try {
    peer(rank_).memory = SharedMemory::make();
    own = peer(rank_).memory.name();
    if (!peer(rank_).memory.resize(most_shared_bytes)) sharing_failure_ = peer(rank_).memory.failure();
  } catch (const std::system_error& error) {
    sharing_failure_ = error.what();
  }
  int neighbours = 0;
  int host_rank = 0;
  check(MPI_Comm_size(host, &neighbours), "MPI_Comm_size");
  check(MPI_Comm_rank(host, &host_rank), "MPI_Comm_rank");
  std::vector<SharedMemory::Name> names(neighbours);
  check(MPI_Allgather(&own, sizeof own, MPI_BYTE, names.data(), sizeof own, MPI_BYTE, host), "MPI_Allgather");
  for (Peer& one : peers_) {
    if (one.host_rank >= 0 && one.host_rank != host_rank) one.memory = SharedMemory(names[one.host_rank]);
  }
  // Whether ranks can open each other's memory depends on the host, not on the pair: each tries one.
  SharedMemory next(names[(host_rank + 1) % neighbours]);
  if (sharing_failure_.empty() && !next.reachable()) sharing_failure_ = next.failure();
  int shares = sharing_failure_.empty() ? 1 : 0;
  check(MPI_Allreduce(MPI_IN_PLACE, &shares, 1, MPI_INT, MPI_MIN, host), "MPI_Allreduce");
  shares_ = shares != 0;
}

SharedMemory* MpiTransport::shared_memory(int rank) {
  return shares_ && peer(rank).host_rank >= 0 ? &peer(rank).memory : nullptr;
}

MpiTransport::~MpiTransport() {
  if (std::uncaught_exceptions() > exceptions_) {
    abandon_sends();
    return;
  }
  try {
    drain();
    cancel_receives();
    if (doorbell_) doorbell_->release();
    if (own_comm_) MPI_Comm_free(&comm_);
  } catch (const std::exception&) {
    abandon_sends();
  }
}

void MpiTransport::abandon_sends() {
  // MPI may still use the buffers of incomplete sends and receives: they must stay until the process ends.
  static std::vector<std::vector<Outgoing>> abandoned;
  static std::vector<std::vector<Incoming>> abandoned_receives;
  abandoned.push_back(std::move(outgoing_));
  abandoned_receives.push_back(std::move(incoming_));
}

void MpiTransport::drain() {
  // MPI wants every message received before the communicator goes.
  DropAll sink;
  while (!sends_done()) poll(sink, window);
  meet(sink);
  // All ranks have sent what they had. No credits are sent from here on, as the rank that they are for may be gone; the
  // second barrier brings in the credits that were already under way.
  leaving_ = true;
  meet(sink);
  while (poll(sink, window) > 0 || !sends_done()) {
  }
}

void MpiTransport::meet(MessageSink& sink) {
  MPI_Request barrier = MPI_REQUEST_NULL;
  check(MPI_Ibarrier(comm_, &barrier), "MPI_Ibarrier");
  for (int all_here = 0; all_here == 0;) {
    poll(sink, window);
    unsettled_ = true;
    check(MPI_Test(&barrier, &all_here, MPI_STATUS_IGNORE), "MPI_Test");
  }
}

void MpiTransport::send(int destination_rank, Message message, bool more) {
  if (destination_rank < 0 || destination_rank >= size() || destination_rank == rank_) {
    throw std::logic_error("rank " + std::to_string(rank_) + " of " + std::to_string(size()) + " sends a message to rank " +
                           std::to_string(destination_rank));
  }
  if (message.payload().size() > max_payload) {
    throw std::logic_error("message with a payload of " + std::to_string(message.payload().size()) + " bytes, at most " +
                           std::to_string(max_payload) + " are possible");
  }
  if (message.header().kind == MessageKind::credit) throw std::logic_error("credit messages are the transport's own");
  ++stats_.messages_sent;
  stats_.bytes_sent += message.bytes().size();
  Peer& to = peer(destination_rank);
  if (to.credits > 0) {  // a credit is left, so no message is held back: those get credits first
    --to.credits;
    post(destination_rank, std::move(message), more);
    return;
  }
  to.held.push_back(std::move(message));
  ++held_;
  stats_.queue_high_water = std::max(stats_.queue_high_water, held_);
}

void MpiTransport::post(int destination, Message message, bool more) {
  MessageHeader header = message.header();
  header.sequence = peer(destination).next_out++;
  message.set_header(header);
  const auto bytes = message.bytes();
  MPI_Request request = MPI_REQUEST_NULL;
  // The bell counts a message before it is sent. So a rank has never received more messages than the bell has counted, and
  // equal counts mean that none is under way.
  if (doorbell_ && peer(destination).host_rank >= 0) doorbell_->announce(peer(destination).host_rank);
  check(MPI_Isend(bytes.data(), count_of(bytes), MPI_BYTE, destination, tag, comm_, &request), "MPI_Isend");
  // Eager sends are nearly always complete by now, and then need no bookkeeping.
  int done = 0;
  check(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Test");
  if (done == 0) {
    unsettled_ = true;
    requests_.push_back(request);
    outgoing_.push_back({destination, std::move(message)});
  }
  // An incomplete send may be a rendezvous that needs the receiver, so ring for it, too.
  if (!more || done == 0) ring(destination);
}

void MpiTransport::ring(int destination) {
  if (doorbell_ && peer(destination).host_rank >= 0) doorbell_->ring(peer(destination).host_rank);
}

void MpiTransport::reap() {
  if (requests_.empty()) return;
  finished_.resize(requests_.size());
  int count = 0;
  unsettled_ = true;
  check(MPI_Testsome(count_of(requests_), requests_.data(), &count, finished_.data(), MPI_STATUSES_IGNORE), "MPI_Testsome");
  if (count == MPI_UNDEFINED || count == 0) return;
  for (int i = 0; i < count; ++i) ring(outgoing_[finished_[i]].destination);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < requests_.size(); ++i) {
    if (requests_[i] == MPI_REQUEST_NULL) continue;
    if (kept != i) {
      requests_[kept] = requests_[i];
      outgoing_[kept] = std::move(outgoing_[i]);
    }
    ++kept;
  }
  requests_.resize(kept);
  outgoing_.resize(kept);
}

int MpiTransport::poll(MessageSink& sink, int budget) {
  if (polling_) throw std::logic_error("poll() called from a sink");
  if (!worth_looking()) return 0;
  polling_ = true;
  struct Guard {
    bool& flag;
    ~Guard() { flag = false; }
  } const guard{polling_};
  int delivered = 0;
  // Asking MPI may yield the CPU to another rank, so it is not asked when no message can be there.
  while (delivered < budget && worth_looking() && receive_one(sink, delivered)) {
  }
  reap();
  return delivered;
}

void MpiTransport::post_receive(Incoming& incoming) {
  incoming.complete = false;
  check(
      MPI_Irecv(incoming.buffer.data(), count_of(incoming.buffer), MPI_BYTE, MPI_ANY_SOURCE, tag, comm_, &incoming.request),
      "MPI_Irecv");
}

void MpiTransport::cancel_receives() {
  for (Incoming& incoming : incoming_) {
    if (incoming.request == MPI_REQUEST_NULL) continue;
    check(MPI_Cancel(&incoming.request), "MPI_Cancel");
    check(MPI_Wait(&incoming.request, MPI_STATUS_IGNORE), "MPI_Wait");
  }
}

bool MpiTransport::arrived() {
  Incoming& incoming = incoming_[next_incoming_];
  if (incoming.complete) return true;
  int done = 0;
  check(MPI_Test(&incoming.request, &done, &incoming.status), "MPI_Test");
  incoming.complete = done != 0;
  // Asked in vain, MPI has taken all that there was, and has no message.
  unsettled_ = incoming.complete;
  judge_sockets();
  return incoming.complete;
}

void MpiTransport::judge_sockets() {
  // Where sockets do not tell of messages, networks are reached by something else. (A message may come just after a sleep.)
  constexpr std::uint64_t most_untold = 8;
  const Woken woken = std::exchange(woken_, Woken::asked_since);
  const Incoming& incoming = incoming_[next_incoming_];
  if (!incoming.complete) {
    if (woken == Woken::by_network) ++fruitless_;
    return;
  }
  fruitless_ = 0;
  if (woken == Woken::by_network) ++told_;
  if (woken != Woken::by_nothing || peer(incoming.status.MPI_SOURCE).host_rank >= 0) return;
  if (++untold_ > most_untold + told_ / most_untold) sockets_.reset();
}

bool MpiTransport::receive_one(MessageSink& sink, int& delivered) {
  if (!arrived()) return false;
  Incoming& incoming = incoming_[next_incoming_];
  next_incoming_ = (next_incoming_ + 1) % incoming_.size();
  accept(sink, incoming, delivered);
  post_receive(incoming);
  return true;
}

void MpiTransport::accept(MessageSink& sink, Incoming& incoming, int& delivered) {
  int bytes = 0;
  check(MPI_Get_count(&incoming.status, MPI_BYTE, &bytes), "MPI_Get_count");
  const std::size_t length = bytes;
  const int source = incoming.status.MPI_SOURCE;
  if (length < sizeof(MessageHeader)) {
    throw std::logic_error("message of " + std::to_string(length) + " bytes from rank " + std::to_string(source));
  }
  MessageHeader header;
  std::memcpy(&header, incoming.buffer.data(), sizeof header);
  const std::uint32_t expected = peer(source).next_in++;
  if (header.sequence != expected) {
    throw std::logic_error("message " + std::to_string(header.sequence) + " from rank " + std::to_string(source) +
                           " came in place of message " + std::to_string(expected));
  }
  if (peer(source).host_rank >= 0) ++taken_;
  if (header.kind == MessageKind::credit) {
    take_credit(source, header.value);
    return;
  }
  ++stats_.messages_received;
  stats_.bytes_received += length;
  ++delivered;
  sink.deliver(source, header, std::span(incoming.buffer).subspan(sizeof header, length - sizeof header));
  if (++peer(source).owed >= credit_batch && !leaving_) give_credit(source);
}

void MpiTransport::take_credit(int source, std::uint64_t credits) {
  Peer& to = peer(source);
  if (credits > static_cast<std::uint64_t>(window - to.credits)) {
    throw std::logic_error("rank " + std::to_string(source) + " gives " + std::to_string(credits) +
                           " credits back, and has fewer");
  }
  to.credits += static_cast<int>(credits);
  while (to.credits > 0 && !to.held.empty()) {
    Message next = std::move(to.held.front());
    to.held.pop_front();
    --held_;
    --to.credits;
    post(source, std::move(next), false);
  }
}

void MpiTransport::give_credit(int source) {
  MessageHeader header;
  header.kind = MessageKind::credit;
  header.value = std::exchange(peer(source).owed, 0);
  post(source, Message(header), false);
}

bool MpiTransport::neighbours_posted() const { return doorbell_ && doorbell_->shared() && doorbell_->posted() != taken_; }

bool MpiTransport::network_ready() { return remote_peers_ && (!sockets_ || unsettled_ || sockets_->ready()); }

bool MpiTransport::worth_looking() {
  return !requests_.empty() || (doorbell_ && (!doorbell_->shared() || neighbours_posted())) || network_ready();
}

bool MpiTransport::look(bool was_sending) {
  reap();
  return arrived() || (was_sending && requests_.empty());
}

bool MpiTransport::sockets_tell() const {
  // Sockets that are ready for something else than messages would not let us sleep: a nap then.
  constexpr int most_fruitless = 4;
  return sockets_ && fruitless_ < most_fruitless &&
         std::none_of(outgoing_.begin(), outgoing_.end(),
                      [&](const Outgoing& one) { return peers_[one.destination].host_rank >= 0; });
}

void MpiTransport::sleep_at_sockets(std::chrono::microseconds limit) {
  const MpiSockets::Woken woken = sockets_->sleep(limit);
  if (doorbell_) doorbell_->disarm();
  if (woken.by_bell) doorbell_->take_rings();
  woken_ = woken.by_network ? Woken::by_network : woken.by_bell ? Woken::by_bell : Woken::by_nothing;
  // Now and then MPI is asked all the same.
  if (woken_ == Woken::by_nothing) unsettled_ = true;
}

void MpiTransport::wait(std::chrono::microseconds limit) {
  const auto start = Clock::now();
  const auto end = start + limit;
  const bool was_sending = !requests_.empty();
  for (auto now = start; now < end; now = Clock::now()) {
    if (worth_looking() && look(was_sending)) return;
    const bool can_sleep = doorbell_ || sockets_;
    if (!can_sleep || (core_each_ && now - start < spin_time)) {
      pause_cpu();
      continue;
    }
    // A neighbour has sent a message that has not arrived yet: do not sleep, MPI's progress (which yields) will bring it.
    if (neighbours_posted()) continue;
    const bool at_sockets = sockets_tell();
    const std::uint32_t armed = doorbell_ ? doorbell_->arm(at_sockets) : 0;
    if (neighbours_posted()) {
      doorbell_->disarm();
      continue;
    }
    const auto left = std::chrono::ceil<std::chrono::microseconds>(end - now);
    ++stats_.sleeps;
    if (at_sockets) {
      sleep_at_sockets(left);
      continue;
    }
    fruitless_ = 0;
    // No bell rings for messages from other hosts, nor when one of our own sends makes progress: then sleep briefly and
    // look.
    const bool must_look = remote_peers_ || !requests_.empty();
    const auto nap = must_look ? std::min(left, MpiDoorbell::nap) : left;
    if (doorbell_) {
      doorbell_->sleep(armed, nap);
    } else {
      std::this_thread::sleep_for(nap);
    }
  }
}

}  // namespace tilegrid::noc
