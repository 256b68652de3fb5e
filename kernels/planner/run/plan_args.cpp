// SPDX-License-Identifier: Apache-2.0
#include "kernels/planner/run/plan_args.h"

#include <cstring>

#include "kernels/api/circular_buffer.h"

namespace tilegrid::planner {

std::vector<std::uint32_t> words_of(const std::string& bytes) {
  std::vector<std::uint32_t> words(1 + (bytes.size() + 3) / 4);
  words[0] = count_of<std::uint32_t>(bytes);
  std::memcpy(words.data() + 1, bytes.data(), bytes.size());
  return words;
}

std::string bytes_of_this_kernel() {
  std::string bytes(api::get_compile_time_arg_val(0), '\0');
  for (std::uint32_t i = 0; i < bytes.size(); i += 4) {
    const std::uint32_t word = api::get_compile_time_arg_val(1 + i / 4);
    std::memcpy(bytes.data() + i, &word, std::min<std::size_t>(4, bytes.size() - i));
  }
  return bytes;
}

}  // namespace tilegrid::planner
