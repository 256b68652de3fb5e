// SPDX-License-Identifier: Apache-2.0
#include "runtime/workloads/kv_tensors.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "core/input_file.h"
#include "kernels/attention/paging.h"
#include "runtime/flags/flags.h"

namespace tilegrid::workloads {

KvTensors::KvTensors(Device& device, const attention::Config& config) {
  const attention::Shape& shape = config.shape;
  const bool paged = config.kv_page > 0;
  const int count = (paged ? attention::page_count(config) : shape.batch) * shape.kv_heads;
  const int rows = paged ? config.kv_page : shape.seq_kv;
  k_ = Matrices::create(device, count, rows, shape.dim, config.format.k);
  v_ = Matrices::create(device, count, rows, shape.value_dim(), config.format.v);
  if (!paged) return;
  const std::uint32_t row = attention::table_row_bytes(config);
  table_ = device.create_buffer(std::size_t{row} * shape.batch, row);
}

void KvTensors::upload(Device& device, const attention::Config& config, attention::Inputs& inputs) const {
  const std::size_t keys = std::size_t{1} * config.shape.batch * config.shape.kv_heads * config.shape.seq_kv;
  int which = 1;
  for (const Matrices* matrices : {&k_, &v_}) {
    if (config.kv_page > 0) {
      const std::span<const float> values = inputs.tensor(which, keys * matrices->columns);
      matrices->upload(device, attention::in_pages(values, config, matrices->columns));
      inputs.release(which);
    } else {
      matrices->upload(device, [&](std::size_t first, std::size_t count) { return inputs.part(which, first, count); });
    }
    ++which;
  }
  if (config.kv_page == 0) return;
  const std::vector<std::uint32_t> table = attention::table_in_dram(config);
  device.write(table_, std::as_bytes(std::span(table)));
}

void KvTensors::set_addresses(attention::TensorAddresses& addresses) const {
  addresses.k = k_.address();
  addresses.v = v_.address();
  addresses.page_table = table_.address;
}

std::shared_ptr<const std::vector<std::uint32_t>> parse_lengths(const std::string& text) {
  std::string commas = text;
  std::replace(commas.begin(), commas.end(), '+', ',');
  std::vector<std::uint32_t> lengths;
  for (const std::string& one : split(commas)) {
    lengths.push_back(static_cast<std::uint32_t>(parse_int("--kv-lengths", one, 1, std::numeric_limits<int>::max())));
  }
  return std::make_shared<const std::vector<std::uint32_t>>(std::move(lengths));
}

void set_page_table(attention::Config& config, const std::string& path, std::uint64_t seed) {
  if (config.kv_page == 0) return;
  attention::validate(config);
  constexpr std::size_t longest = std::size_t{1} << 26U;
  std::vector<std::uint32_t> table =
      path.empty() ? attention::shuffled_page_table(config, seed)
                   : attention::parse_page_table(read_input(path, longest), "`page_table` " + path, config);
  config.page_table = std::make_shared<const std::vector<std::uint32_t>>(std::move(table));
}

}  // namespace tilegrid::workloads
