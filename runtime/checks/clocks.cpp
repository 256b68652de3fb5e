// SPDX-License-Identifier: Apache-2.0
#include "runtime/checks/clocks.h"

#include <algorithm>

namespace tilegrid::races {
namespace {

using Channel = std::pair<std::uint32_t, std::uint32_t>;

bool before(const Channel& a, std::uint32_t number) { return a.first < number; }

void raise(std::uint32_t& value, std::uint32_t to) { value = std::max(value, to); }

}  // namespace

bool Clock::knows(const Moment& moment) const {
  const std::size_t thread = moment.thread;
  if (moment.core == core_) {
    if (own_[thread] >= moment.epoch) return true;
  } else if (others_ && others_->threads[moment.core * own_.size() + thread] >= moment.epoch) {
    return true;
  }
  if (moment.channel == 0 || !others_) return false;
  const auto& channels = others_->channels;
  const auto found = std::lower_bound(channels.begin(), channels.end(), moment.channel, before);
  return found != channels.end() && found->first == moment.channel && found->second >= moment.sequence;
}

void Clock::learn(int own_thread, std::uint32_t epoch) { raise(own_[own_thread], epoch); }

Clock::Others& Clock::change_others() {
  auto changed = others_ ? std::make_shared<Others>(*others_) : std::make_shared<Others>();
  if (changed->threads.empty()) changed->threads.resize(cores_ * own_.size());
  others_ = changed;
  return *changed;
}

void Clock::learn_channel(std::uint32_t channel, std::uint32_t sequence) {
  auto& channels = change_others().channels;
  const auto found = std::lower_bound(channels.begin(), channels.end(), channel, before);
  if (found != channels.end() && found->first == channel) {
    raise(found->second, sequence);
  } else {
    channels.insert(found, {channel, sequence});
  }
}

void Clock::join(const Clock& other) {
  const bool same_core = other.core_ == core_;
  if (same_core) {
    for (std::size_t i = 0; i < own_.size(); ++i) raise(own_[i], other.own_[i]);
    if (other.others_ == others_ || !other.others_) return;
    if (!others_) {
      others_ = other.others_;
      return;
    }
  }
  Others& mine = change_others();
  const std::size_t size = own_.size();
  if (other.others_) {
    const Others& theirs = *other.others_;
    for (std::size_t i = 0; i < mine.threads.size(); ++i) raise(mine.threads[i], theirs.threads[i]);
    std::vector<Channel> merged;
    merged.reserve(mine.channels.size() + theirs.channels.size());
    auto a = mine.channels.begin();
    for (const Channel& b : theirs.channels) {
      while (a != mine.channels.end() && a->first < b.first) merged.push_back(*a++);
      if (a != mine.channels.end() && a->first == b.first) {
        merged.emplace_back(b.first, std::max(a->second, b.second));
        ++a;
      } else {
        merged.push_back(b);
      }
    }
    merged.insert(merged.end(), a, mine.channels.end());
    mine.channels = std::move(merged);
  }
  if (same_core) return;
  for (std::size_t i = 0; i < size; ++i) {
    raise(mine.threads[other.core_ * size + i], other.own_[i]);
    raise(own_[i], mine.threads[core_ * size + i]);
  }
}

Clock Clock::meet(const Clock& other) const {
  Clock both = *this;
  const std::size_t size = own_.size();
  for (std::size_t i = 0; i < size; ++i) both.own_[i] = std::min(own_[i], other.known(core_, i));
  if (!others_) return both;
  Others& rest = both.change_others();
  for (int core = 0; core < cores_; ++core) {
    for (std::size_t i = 0; i < size; ++i) {
      std::uint32_t& epoch = rest.threads[core * size + i];
      epoch = std::min(epoch, other.known(core, i));
    }
  }
  const std::vector<Channel> none;
  const std::vector<Channel>& theirs = other.others_ ? other.others_->channels : none;
  std::vector<Channel> shared;
  for (const Channel& one : rest.channels) {
    const auto found = std::lower_bound(theirs.begin(), theirs.end(), one.first, before);
    if (found != theirs.end() && found->first == one.first)
      shared.emplace_back(one.first, std::min(one.second, found->second));
  }
  rest.channels = std::move(shared);
  return both;
}

}  // namespace tilegrid::races
