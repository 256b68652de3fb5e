// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention/paging.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>
#include <random>
#include <utility>

#include "core/error.h"
#include "kernels/attention/kernel_args.h"

namespace tilegrid::attention {

int pages_of_sequence(const Config& config) { return ceil_div(config.shape.seq_kv, config.kv_page); }

int pages_of_batch(const Config& config, int batch) { return ceil_div(keys_of(config, batch), config.kv_page); }

int page_count(const Config& config) {
  if (!config.kv_lengths) return config.shape.batch * pages_of_sequence(config);
  int count = 0;
  for (int batch = 0; batch < config.shape.batch; ++batch) count += pages_of_batch(config, batch);
  return count;
}

std::uint32_t table_row_bytes(const Config& config) {
  constexpr int alignment = 32;  // of DRAM reads on all chips but Blackhole, which has 64
  constexpr int most_aligned = 2 * alignment;
  const int bytes = pages_of_sequence(config) * static_cast<int>(sizeof(std::uint32_t));
  return ceil_div(bytes, most_aligned) * most_aligned;
}

CircularBufferConfig page_table_buffer(const Config& config) {
  return {cb_page_table, 1, table_row_bytes(config), DataFormat::uint32, "page table"};
}

std::vector<std::uint32_t> parse_page_table(const std::string& text, const std::string& where, const Config& config) {
  using Json = nlohmann::json;
  const auto refuse = [&](const std::string& why) -> void { throw UsageError(fmt::format("{}: {}", where, why)); };
  const Json table = Json::parse(text, nullptr, false);
  if (table.is_discarded()) refuse("not JSON; a list of page numbers for each batch is expected: [[1, 0], [2, 3]]");
  const std::size_t batches = config.shape.batch, longest = pages_of_sequence(config);
  if (!table.is_array() || table.size() != batches) {
    const std::string found = table.is_array() ? fmt::format(", not {}", table.size()) : "";
    refuse(fmt::format("a list of {} list{} is expected, one for each batch{}", batches, batches == 1 ? "" : "s", found));
  }
  std::vector<std::uint32_t> all(batches * longest);
  std::vector<bool> taken(page_count(config));
  for (std::size_t batch = 0; batch < batches; ++batch) {
    const Json& row = table[batch];
    const std::size_t pages = pages_of_batch(config, static_cast<int>(batch));
    if (!row.is_array() || row.size() != pages) {
      const std::string found = row.is_array() ? fmt::format(", not {}", row.size()) : "";
      refuse(fmt::format("batch {}: {} page{} of {} rows hold {} keys: a list of as many numbers is expected{}", batch,
                         pages, pages == 1 ? "" : "s", config.kv_page, keys_of(config, static_cast<int>(batch)), found));
    }
    for (std::size_t i = 0; i < pages; ++i) {
      const Json& entry = row[i];
      const std::string text_of_entry = entry.is_number() ? entry.dump() : std::string("no number");
      if (!entry.is_number_unsigned() || entry.get<std::uint64_t>() >= taken.size()) {
        refuse(
            fmt::format("batch {}, entry {}: {} is no page: there are 0 to {}", batch, i, text_of_entry, taken.size() - 1));
      }
      const auto page = entry.get<std::uint32_t>();
      if (taken[page]) refuse(fmt::format("batch {}, entry {}: page {} is there twice", batch, i, page));
      taken[page] = true;
      all[batch * longest + i] = page;
    }
  }
  return all;
}

std::vector<std::uint32_t> shuffled_page_table(const Config& config, std::uint64_t seed) {
  const int batches = config.shape.batch, longest = pages_of_sequence(config);
  std::vector<std::uint32_t> pages(page_count(config));
  std::iota(pages.begin(), pages.end(), 0U);
  std::mt19937_64 random(seed);  // std::shuffle is another one with every library
  for (std::size_t i = pages.size(); i > 1; --i) std::swap(pages[i - 1], pages[random() % i]);
  if (!config.kv_lengths) return pages;
  std::vector<std::uint32_t> table(std::size_t{1} * batches * longest);
  auto next = pages.begin();
  for (int batch = 0; batch < batches; ++batch) {
    const int count = pages_of_batch(config, batch);
    std::copy_n(next, count, table.begin() + std::int64_t{batch} * longest);
    next += count;
  }
  return table;
}

std::vector<float> in_pages(std::span<const float> tensor, const Config& config, int dim) {
  const Shape& shape = config.shape;
  const std::size_t row = dim, rows = config.kv_page, heads = shape.kv_heads, keys = shape.seq_kv;
  const std::size_t pages = pages_of_sequence(config);
  std::vector<float> paged(page_count(config) * heads * rows * row);
  for (std::size_t i = 0; i < config.page_table->size(); ++i) {
    const std::size_t batch = i / pages, first = i % pages * rows;
    if (std::cmp_greater_equal(i % pages, pages_of_batch(config, static_cast<int>(batch)))) continue;
    const std::size_t count = std::min(rows, keys - first) * row;
    for (std::size_t head = 0; head < heads; ++head) {
      const auto from = tensor.subspan(((batch * heads + head) * keys + first) * row, count);
      const std::size_t to = ((*config.page_table)[i] * heads + head) * rows * row;
      std::copy(from.begin(), from.end(), paged.begin() + to);
    }
  }
  return paged;
}

std::vector<std::uint32_t> table_in_dram(const Config& config) {
  const std::size_t pages = pages_of_sequence(config), row = table_row_bytes(config) / sizeof(std::uint32_t);
  std::vector<std::uint32_t> words(config.shape.batch * row);
  for (std::size_t i = 0; i < config.page_table->size(); ++i) words[i / pages * row + i % pages] = (*config.page_table)[i];
  return words;
}

}  // namespace tilegrid::attention
