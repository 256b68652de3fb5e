// SPDX-License-Identifier: Apache-2.0
#include "runtime/timing/fabric.h"

#include <algorithm>
#include <cmath>

namespace tilegrid::timing {
namespace {

/// The key of a port's appointment, beyond those of all packets: a port chooses among waiting packets after all packets of
/// the same time have come.
constexpr std::uint64_t port_key = std::uint64_t{1} << 63U;

}  // namespace

Fabric::Fabric(const Chip& a, Routes& routes, Agenda& agenda, FabricListener& listener)
    : routes_(routes),
      agenda_(agenda),
      listener_(listener),
      hop_(a["noc_hop_cycles"]),
      niu_(a["noc_niu_cycles"]),
      buffer_(a["noc_buffer_flits"]),
      per_buffer_(1 / buffer_),
      channels_(1 + std::clamp(static_cast<int>(a["noc_response_channels"]), 1, most_channels - 1)),
      ports_(routes.ports()),
      lanes_(routes.ports() * lanes_of_port) {
  for (Lane& lane : lanes_) lane.space = buffer_;
  sources_.resize(routes.ports() * 2);
}

/// Over how many routers behind that of its head a packet reaches back when it stands still.
std::uint8_t Fabric::reach_of(const Worm& worm) const {
  const double routers = worm.flits * per_buffer_;
  if (routers >= worm.length) return worm.length;
  const auto whole = static_cast<int>(routers);
  return static_cast<std::uint8_t>(whole < routers || whole == 0 ? whole : whole - 1);
}

Fabric::Entry Fabric::enter(const Passage& passage, double time) {
  const std::uint32_t number = worms_.take();
  const auto hops = routes_.way(passage.noc, passage.from, passage.to);
  Worm& worm = worms_[number];
  worm.waits_behind = worm.comes_behind = nobody;
  worm.at = worm.settled = worm.reach = 0;
  for (std::size_t hop = 0; hop < hops.size(); ++hop) {
    worm.lanes[hop] = static_cast<std::uint16_t>((hops[hop].port * 2 + hops[hop].side) * most_channels);
  }
  worm.length = count_of<std::uint8_t>(hops);
  worm.packet = passage.packet;
  worm.key = passage.key;
  worm.flits = static_cast<float>(passage.flits);
  worm.cycles = passage.cycles;
  worm.source_cycles = passage.source_cycles;
  worm.bytes = passage.bytes;
  worm.response = passage.response;
  head(number, time);
  return {number, worms_[number].at != 0};
}

bool Fabric::extend(std::uint32_t number, const Passage& passage, std::uint32_t most) {
  Worm& worm = worms_[number];
  if (worm.at != 0 || queue(worm, 0).first == number || worm.bytes + passage.bytes > most) return false;
  worm.flits += static_cast<float>(passage.flits);
  worm.cycles += passage.cycles;
  worm.source_cycles += passage.source_cycles;
  worm.bytes += passage.bytes;
  return true;
}

double Fabric::take(std::uint16_t number, double time, double cycles, std::uint32_t bytes) {
  Port& port = ports_[number];
  const double begin = std::max(time, port.free);
  port.free = begin + cycles;
  port.busy += cycles;
  port.bytes += bytes;
  return begin;
}

/// It asks for its next port when no other packet stands before it there.
void Fabric::head(std::uint32_t number, double time) {
  const Worm& worm = worms_[number];
  Queue& buffer = queue(worm, worm.at);
  if (buffer.first != nobody) {
    worms_[buffer.last].comes_behind = number;
    buffer.last = number;
    return;
  }
  buffer.first = buffer.last = number;
  if (buffer.left <= time) {
    ask(number, time);
  } else {
    add(Step::front, number, buffer.left);
  }
}

void Fabric::ask(std::uint32_t number, double time) {
  Worm& worm = worms_[number];
  const std::uint16_t wanted = port(worm, worm.at);
  Port& asked = ports_[wanted];
  if (asked.first == nobody && asked.free <= time) {
    int channel = 0;
    const double when = chance(worm, time, channel);
    if (when <= time) {
      return go(number, channel, time);
    }
  }
  worm.waits_behind = nobody;
  if (asked.first == nobody) {
    asked.first = number;
  } else {
    worms_[asked.last].waits_behind = number;
  }
  asked.last = number;
  serve(wanted, time);
}

/// When the first of the virtual channels that the packet may take is free, as far as that is known, and which one that is.
double Fabric::chance(const Worm& worm, double time, int& channel) {
  if (worm.at + 1 == worm.length) return time;  // a NIU takes what comes
  const Lane* lanes = &lane(worm, worm.at);
  const double needed = std::min<double>(worm.flits, buffer_);
  const auto look = [&](int candidate) {
    const Lane& l = lanes[candidate];
    return l.space < needed ? never : l.free;
  };
  channel = worm.response ? 1 : 0;
  double best = look(channel);
  if (worm.at == 0 || !worm.response) return best;  // a NIU sends one response after another
  for (int candidate = 2; candidate < channels_ && best > time; ++candidate) {
    const double other = look(candidate);
    if (other < best) {
      best = other;
      channel = candidate;
    }
  }
  return best;
}

void Fabric::front(std::uint32_t number, double time) { ask(number, time); }

/// Lets the first of the waiting packets that can go take the port.
void Fabric::serve(std::uint16_t number, double time) {
  Port& port = ports_[number];
  if (port.first == nobody) return;
  if (port.free > time) return wake(number, port.free);
  double next = never;
  std::uint32_t before = nobody;
  for (std::uint32_t packet = port.first; packet != nobody; packet = worms_[packet].waits_behind) {
    int channel = 0;
    const double when = chance(worms_[packet], time, channel);
    if (when <= time) {
      const std::uint32_t behind = worms_[packet].waits_behind;
      (before == nobody ? port.first : worms_[before].waits_behind) = behind;
      if (behind == nobody) port.last = before;
      go(packet, channel, time);
      if (port.first != nobody) wake(number, port.free);
      return;
    }
    next = std::min(next, when);
    before = packet;
  }
  if (next < never) wake(number, next);
}

void Fabric::wake(std::uint16_t number, double time) {
  Port& port = ports_[number];
  if (port.wake <= time) return;
  port.wake = time;
  agenda_.add(time, port_key | number, number, Step::wake);
}

/// Whether the packet behind this one in its NIU moves up with the next hop of this one's head.
bool Fabric::lets_the_next_go(const Worm& worm) const {
  if (worm.settled != 0) return false;
  return worm.at + 1 == worm.length || worm.at >= (worm.at == 0 ? reach_of(worm) : worm.reach);
}

/// The head goes through its next port.
void Fabric::go(std::uint32_t number, int channel, double time) {
  if (worms_[number].response && lets_the_next_go(worms_[number]))
    listener_.leaves(worms_[number].packet, time, agenda_.present_key());
  Worm& worm = worms_[number];
  const int hop = worm.at++;
  const bool last = worm.at == worm.length;
  Port& passed = ports_[port(worm, hop)];
  const double end = time + (hop == 0 ? worm.source_cycles : worm.cycles);
  passed.busy += end - time;
  passed.free = end;
  passed.bytes += worm.bytes;
  worm.lanes[hop] = static_cast<std::uint16_t>(worm.lanes[hop] + channel);
  const bool small = worm.flits <= buffer_;
  Lane& ahead = lane(worm, hop);
  ahead.behind = end;
  if (!last) {
    ahead.free = never;
    if (small) ahead.space -= worm.flits;
  }
  if (hop == 0) {
    worm.reach = reach_of(worm);
    listener_.entered(worm.packet, time);
  } else {
    hold_back(worm, hop, end);
    if (small) {
      lane(worm, hop - 1).space += worm.flits;
      const std::uint16_t upstream = port(worm, hop - 1);
      if (ports_[upstream].first != nobody) wake(upstream, time);
    }
  }
  if (!last) {
    if (hop - worm.settled >= worm.reach) settle(worm, time);
    // By the time that the head is there its port should be in the cache.
    __builtin_prefetch(&ports_[port(worm, worm.at)]);
    __builtin_prefetch(&lane(worm, worm.at) + (worm.response ? 1 : 0));
    return agenda_.add_head(time + (hop == 0 ? niu_ : hop_), worm.key, number);
  }
  while (worm.settled < worm.length) settle(worm, time);
  worms_.give_back(number);
  listener_.arrived(worm.packet, time + niu_);
}

/// Raises the lower bounds for the tail. The head has taken `hop`, where the tail will pass at `end`: it passes each hop
/// before that earlier by no more than the buffers in between hold.
void Fabric::hold_back(const Worm& worm, int hop, double end) {
  for (int earlier = hop - 1; earlier >= worm.settled; --earlier) {
    end -= buffer_;
    double& behind = lane(worm, earlier).behind;
    if (behind >= end) return;  // then the hops further back have it, too
    behind = end;
  }
}

/// Now it is known when the tail passes hop `settled`: frees that hop's channel from then on, and lets the packet behind
/// move up.
void Fabric::settle(Worm& worm, double time) {
  const int hop = worm.settled++;
  Lane& passed = lane(worm, hop);
  const double end = std::max(passed.behind, time);
  passed.free = end;
  const std::uint16_t number = port(worm, hop);
  if (ports_[number].first != nobody) wake(number, end);
  Queue& buffer = queue(worm, hop);
  buffer.left = end;
  buffer.first = worm.comes_behind;
  worm.comes_behind = nobody;
  if (buffer.first != nobody) add(Step::front, buffer.first, end);
  if (hop == 0) listener_.left(worm.packet, end);
}

}  // namespace tilegrid::timing
