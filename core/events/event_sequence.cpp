// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <utility>

#include "core/events/event_log.h"

namespace tilegrid {
namespace {

/// Three words an event in three chains, so that the multiplications overlap. Equal hashes are compared: it need be fast and
/// fair only.
std::uint64_t hash_of(std::span<const Event> events) {
  constexpr std::uint64_t factor = 0x9E37'79B9'7F4A'7C15;
  std::array<std::uint64_t, 3> chains{events.size(), factor, ~factor};
  for (const Event& event : events) {
    std::array<std::uint64_t, 3> words;
    static_assert(sizeof words == sizeof event);
    std::memcpy(words.data(), &event, sizeof event);
    for (std::size_t i = 0; i < words.size(); ++i) chains[i] = std::rotl((chains[i] ^ words[i]) * factor, 29);
  }
  return (chains[0] * factor ^ std::rotl(chains[1], 21)) * factor ^ std::rotl(chains[2], 42);
}

bool equal(std::span<const Event> a, std::span<const Event> b) {
  // All bytes of an event count.
  static_assert(std::has_unique_object_representations_v<Event>);
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size_bytes()) == 0);
}

}  // namespace

const std::uint32_t* EventStore::find(std::uint64_t hash, std::span<const Event> events) const {
  const auto [first, last] = by_hash_.equal_range(hash);
  for (auto it = first; it != last; ++it) {
    if (equal(*blocks_[it->second], events)) return &it->second;
  }
  return nullptr;
}

std::uint32_t EventStore::add(std::uint64_t hash, Block block) {
  if (blocks_.size() == std::numeric_limits<std::uint32_t>::max()) throw std::length_error("too many different log blocks");
  const auto number = count_of<std::uint32_t>(blocks_);
  blocks_.push_back(std::move(block));
  by_hash_.emplace(hash, number);
  return number;
}

std::uint32_t EventStore::intern(std::span<const Event> events) {
  const std::uint64_t hash = hash_of(events);
  if (const std::uint32_t* known = find(hash, events)) return *known;
  return add(hash, std::make_shared<const std::vector<Event>>(events.begin(), events.end()));
}

std::uint32_t EventStore::intern(const Block& block) {
  const std::uint64_t hash = hash_of(*block);
  if (const std::uint32_t* known = find(hash, *block)) return *known;
  return add(hash, block);
}

EventSequence::EventSequence(std::vector<Event> events) : open_(std::move(events)) {}

EventSequence::EventSequence(std::shared_ptr<EventStore> store, std::vector<std::uint32_t> numbers)
    : store_(std::move(store)), blocks_(std::move(numbers)) {
  for (const std::uint32_t number : blocks_) closed_size_ += store_->block(number)->size();
}

void EventSequence::mark() {
  if (open_.empty()) return;
  if (!store_) store_ = std::make_shared<EventStore>();
  blocks_.push_back(store_->intern(open_));
  closed_size_ += open_.size();
  open_.clear();
}

void EventSequence::repeat(std::span<const std::uint32_t> numbers) {
  mark();
  blocks_.insert(blocks_.end(), numbers.begin(), numbers.end());
  for (const std::uint32_t number : numbers) closed_size_ += store_->block(number)->size();
}

void EventSequence::clear() {
  blocks_.clear();
  open_.clear();
  closed_size_ = 0;
}

void EventSequence::use(const std::shared_ptr<EventStore>& store) {
  if (store == store_) return;
  constexpr std::uint32_t unknown = std::numeric_limits<std::uint32_t>::max();
  std::vector<std::uint32_t> moved(store_ ? store_->size() : 0, unknown);  // a block is hashed once, not once a repetition
  for (std::uint32_t& number : blocks_) {
    std::uint32_t& now = moved[number];
    if (now == unknown) now = store->intern(store_->block(number));
    number = now;
  }
  store_ = store;
}

bool operator==(const EventSequence& a, const EventSequence& b) {
  if (a.size() != b.size()) return false;
  if (a.store_ == b.store_ && a.blocks_ == b.blocks_) return equal(a.open_, b.open_);
  return std::equal(a.begin(), a.end(), b.begin());
}

std::shared_ptr<EventStore> share_blocks(std::vector<EventLog>& logs) {
  auto shared = std::make_shared<EventStore>();
  for (EventLog& log : logs) {
    for (const Risc risc : each<Risc>) log.sequence(risc).mark();
    log.use(shared);
  }
  return shared;
}

}  // namespace tilegrid
