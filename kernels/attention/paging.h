// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kernels/attention/config.h"

/// K and V in pages, as a cache that grows has them (attention.md 1.9): tensors [pages, kv_heads, kv_page, dim], and a table
/// that says for each batch in which page a stretch of kv_page keys lies. There are as many pages as the sequences need, and
/// no two share one. A row of the table is as long as the longest sequence needs; shorter ones leave its end unused.
namespace tilegrid::attention {

/// Of the longest sequence, with config.kv_page rows each; of that of a batch; and of all batches.
[[nodiscard]] int pages_of_sequence(const Config& config);
[[nodiscard]] int pages_of_batch(const Config& config, int batch);
[[nodiscard]] int page_count(const Config& config);
/// Of a batch's row of the table in DRAM, whose entries are 32-bit words.
[[nodiscard]] std::uint32_t table_row_bytes(const Config& config);

/// Where the reader keeps one.
[[nodiscard]] CircularBufferConfig page_table_buffer(const Config& config);

/// Tables are [batch, pages of the longest sequence]. One from JSON: a list of lists of page numbers. Throws UsageError, one
/// line that begins with `where`: not JSON, other extents, a page that there is not, or one that is there twice.
[[nodiscard]] std::vector<std::uint32_t> parse_page_table(const std::string& text, const std::string& where,
                                                          const Config& config);
/// All pages in an order that depends on the seed alone.
[[nodiscard]] std::vector<std::uint32_t> shuffled_page_table(const Config& config, std::uint64_t seed);

/// K or V [batch, kv_heads, seq_kv, dim] as [pages, kv_heads, kv_page, dim]; what a sequence's last page has behind its end
/// is zeros.
[[nodiscard]] std::vector<float> in_pages(std::span<const float> tensor, const Config& config, int dim);
/// The table as it lies in DRAM, a row padded to table_row_bytes().
[[nodiscard]] std::vector<std::uint32_t> table_in_dram(const Config& config);

}  // namespace tilegrid::attention
