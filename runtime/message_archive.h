// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cereal/cereal.hpp>
#include <cereal/types/vector.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

/// cereal's binary form, as its BinaryOutputArchive has it, in bytes that a reader does not trust.
namespace tilegrid {

class MessageWriter : public cereal::OutputArchive<MessageWriter, cereal::AllowEmptyClassElision> {
 public:
  MessageWriter() : OutputArchive(this) {}
  void write(const void* from, std::uint64_t bytes) {
    const auto* begin = static_cast<const std::byte*>(from);
    bytes_.insert(bytes_.end(), begin, begin + bytes);
  }
  [[nodiscard]] std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

/// Reads bytes that may be anything. A list that claims more elements than there are bytes is refused before memory is taken
/// for it, and lists of structures grow as their elements are read: what is read takes memory in proportion to the bytes.
/// Throws std::length_error and std::out_of_range.
class MessageReader : public cereal::InputArchive<MessageReader, cereal::AllowEmptyClassElision> {
 public:
  explicit MessageReader(std::span<const std::byte> bytes) : InputArchive(this), left_(bytes) {}
  void read(void* to, std::uint64_t bytes) {
    if (bytes > left_.size()) throw std::out_of_range("it ends too early");
    if (bytes != 0) std::memcpy(to, left_.data(), bytes);
    left_ = left_.subspan(bytes);
  }
  void check_length(std::uint64_t elements) const {
    if (elements > left_.size()) throw std::length_error("a list claims to be longer than what is left");
  }

 private:
  std::span<const std::byte> left_;
};

// What cereal asks of an archive.
template <class T>
requires std::is_arithmetic_v<T>
void save(MessageWriter& writer, const T& value) { writer.write(&value, sizeof value); }

template <class T>
void save(MessageWriter& writer, const cereal::NameValuePair<T>& pair) {
  writer(pair.value);
}

template <class T>
void save(MessageWriter& writer, const cereal::SizeTag<T>& tag) {
  writer(cereal::size_type{tag.size});
}

template <class T>
void save(MessageWriter& writer, const cereal::BinaryData<T>& data) {
  writer.write(data.data, data.size);
}

template <class T>
requires std::is_arithmetic_v<T>
void load(MessageReader& reader, T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    std::uint8_t byte = 0;
    reader.read(&byte, sizeof byte);
    if (byte > 1) throw std::out_of_range("something is neither true nor false");
    value = byte != 0;
  } else {
    reader.read(&value, sizeof value);
  }
}

template <class T>
void load(MessageReader& reader, cereal::NameValuePair<T>& pair) {
  reader(pair.value);
}

template <class T>
void load(MessageReader& reader, cereal::SizeTag<T>& tag) {
  reader(tag.size);
  reader.check_length(tag.size);
}

template <class T>
void load(MessageReader& reader, cereal::BinaryData<T>& data) {
  reader.read(data.data, data.size);
}

template <class T>
requires(!std::is_arithmetic_v<T>) void load(MessageReader& reader, std::vector<T>& list) {
  cereal::size_type count = 0;
  reader(cereal::make_size_tag(count));
  list.clear();
  while (list.size() < count) reader(list.emplace_back());
}

}  // namespace tilegrid

CEREAL_SETUP_ARCHIVE_TRAITS(tilegrid::MessageReader, tilegrid::MessageWriter)
