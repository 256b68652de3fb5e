// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

namespace tilegrid::test {

/// Elements of a NumPy .npy file of version 1, C order, little endian, of type uint16 or uint32. The shape is left to the
/// caller, who knows it. Throws std::runtime_error if the file is missing or of another kind.
template <class T>
std::vector<T> load_npy(const std::string& path) {
  static_assert(std::is_same_v<T, std::uint16_t> || std::is_same_v<T, std::uint32_t>);
  std::ifstream file(path, std::ios::binary);
  std::string content((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  constexpr std::size_t preamble = 10;  // magic, version, length of the header
  if (content.size() < preamble || content.compare(1, 5, "NUMPY") != 0 || content[6] != 1) {
    throw std::runtime_error("no .npy file of version 1: " + path);
  }
  const auto byte = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(content[i])); };
  const std::size_t data = preamble + byte(8) + 256 * byte(9);
  const std::string header = content.substr(preamble, data - preamble);
  const std::string type = sizeof(T) == 2 ? "'<u2'" : "'<u4'";
  if (header.find(type) == std::string::npos || header.find("'fortran_order': False") == std::string::npos) {
    throw std::runtime_error("not " + type + " in C order: " + path);
  }
  std::vector<T> out((content.size() - data) / sizeof(T));
  std::memcpy(out.data(), content.data() + data, out.size() * sizeof(T));
  return out;
}

}  // namespace tilegrid::test
