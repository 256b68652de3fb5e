// SPDX-License-Identifier: Apache-2.0
#include <tuple>

#include "core/events/event_log.h"

namespace tilegrid {

std::uint32_t scope_id(std::string_view name, const SourceLine& at) {
  std::uint32_t hash = 0x811C'9DC5;  // FNV-1a
  const auto add = [&](std::string_view text) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x0100'0193U;
  };
  add(name);
  add(std::string_view("\0", 1));  // ends the name
  add(at.file);
  for (unsigned rest = at.line; rest != 0; rest >>= 8U) hash = (hash ^ (rest & 0xFFU)) * 0x0100'0193U;
  return hash;
}

std::uint32_t ScopeNames::add(std::string_view name, const SourceLine& at) {
  const std::uint32_t id = scope_id(name, at);
  if (!by_id_.contains(id)) add({id, std::string(name), at.file, at.line});
  return id;
}

void ScopeNames::add(const ScopeName& name) {
  const auto [known, added] = by_id_.try_emplace(name.id, name);
  const auto key = [](const ScopeName& one) { return std::tie(one.name, one.file, one.line); };
  if (!added && key(name) < key(known->second)) known->second = name;
}

std::vector<ScopeName> ScopeNames::list() const {
  std::vector<ScopeName> names;
  names.reserve(by_id_.size());
  for (const auto& [id, name] : by_id_) names.push_back(name);
  return names;
}

}  // namespace tilegrid
