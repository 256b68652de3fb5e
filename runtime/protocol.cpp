// SPDX-License-Identifier: Apache-2.0
#include "runtime/protocol.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "core/error.h"
#include "runtime/control_tree.h"

namespace tilegrid {
namespace {

constexpr std::uint64_t most_control_bytes = std::uint64_t{1} << 40U;

}  // namespace

void refuse_message(const char* why) {
  throw Error(ExitCode::lost_rank, fmt::format("a message between ranks can't be read: {}", why));
}

ControlChannel::ControlChannel(noc::Node& node) : node_(node), partial_(node.transport().size()) {
  node.set_control_handler([this](int source, const noc::MessageHeader& header, std::span<const std::byte> payload) {
    receive(source, header, payload);
  });
}

void ControlChannel::send(int rank, ControlTag tag, std::span<const std::byte> bytes) {
  if (rank == node_.transport().rank()) {
    queue_.push_back({rank, tag, {bytes.begin(), bytes.end()}});
    return;
  }
  noc::MessageHeader header;
  header.kind = noc::MessageKind::control;
  header.tag = static_cast<std::uint16_t>(tag);
  header.bytes = bytes.size();
  std::size_t done = 0;
  do {  // an empty message still needs its header
    const std::size_t part = std::min(bytes.size() - done, noc::max_payload);
    noc::Message message(header, part);
    message.append(bytes.subspan(done, part));
    node_.send(rank, std::move(message));
    done += part;
  } while (done < bytes.size());
}

void ControlChannel::broadcast(ControlTag tag, std::span<const std::byte> bytes) {
  send_below(tag, bytes);
  send(node_.transport().rank(), tag, bytes);
}

void ControlChannel::hand_on(const ControlMessage& message) {
  // What this rank has sent to itself is its own broadcast.
  if (message.source != node_.transport().rank()) send_below(message.tag, message.bytes);
}

void ControlChannel::send_below(ControlTag tag, std::span<const std::byte> bytes) {
  for (const int child : ControlTree{node_.transport().rank(), node_.transport().size()}.children()) send(child, tag, bytes);
}

void ControlChannel::receive(int source, const noc::MessageHeader& header, std::span<const std::byte> payload) {
  auto& partial = partial_[source];
  if (header.tag >= control_tags || header.bytes > most_control_bytes ||
      payload.size() > header.bytes - std::min<std::uint64_t>(header.bytes, partial.size())) {
    throw Error(ExitCode::lost_rank, fmt::format("a control message from rank {} of kind {} with {} of {} bytes: messages "
                                                 "of ranks are wrong, or of another build",
                                                 source, header.tag, partial.size() + payload.size(), header.bytes));
  }
  partial.insert(partial.end(), payload.begin(), payload.end());
  if (partial.size() < header.bytes) return;
  queue_.push_back({source, static_cast<ControlTag>(header.tag), std::move(partial)});
  partial.clear();
}

std::optional<ControlMessage> ControlChannel::next() {
  if (queue_.empty()) return std::nullopt;
  ControlMessage message = std::move(queue_.front());
  queue_.pop_front();
  return message;
}

ControlMessage ControlChannel::wait_next() {
  while (queue_.empty()) {
    if (node_.poll() == 0) node_.transport().wait(std::chrono::milliseconds(20));
  }
  return *next();
}

}  // namespace tilegrid
