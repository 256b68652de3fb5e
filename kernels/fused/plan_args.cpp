// SPDX-License-Identifier: Apache-2.0
#include "kernels/fused/plan_args.h"

#include <cstring>

#include "kernels/api/circular_buffer.h"

namespace tilegrid::fused {

GraphRecord record_of(const Graph& graph) {
  GraphRecord record;
  record.name = graph.name;
  for (ValueId id = 0; id < graph.input_count(); ++id) {
    record.inputs.push_back({graph.value(id).name, graph.value(id).shape});
  }
  for (const Op& op : graph.ops()) {
    record.ops.push_back({op.kind, op.name, op.function != nullptr ? std::string(op.function->name) : std::string(), op.in,
                          op.parameter, op.accumulate, op.transpose_b, op.pool, op.dim, op.form});
  }
  record.outputs = graph.outputs();
  return record;
}

Graph graph_of(const GraphRecord& record) {
  Graph graph;
  graph.name = record.name;
  for (const GraphRecord::InputRecord& input : record.inputs) graph.input(input.name, input.shape);
  for (const GraphRecord::OpRecord& op : record.ops) {
    const ValueId accumulator = op.accumulate ? op.in.back() : no_value;
    ValueId result = no_value;
    switch (op.kind) {
      case OpKind::matmul:
        result = graph.matmul(op.in[0], op.in[1], op.transpose_b, accumulator, op.name);
        break;
      case OpKind::reduce:
        result = graph.reduce(op.pool, op.dim, op.in[0], accumulator, op.name);
        break;
      case OpKind::tile_sum:
        result = graph.tile_sum(op.dim, op.in[0], op.name);
        break;
      case OpKind::transpose:
        result = graph.transpose(op.in[0], op.name);
        break;
      default:
        result = graph.apply(op.function, op.in, op.parameter, op.name);
    }
    graph.set_form(result, op.form);
  }
  for (const ValueId output : record.outputs) graph.output(output);
  graph.finish();
  return graph;
}

std::vector<std::uint32_t> words_of(const std::string& bytes) {
  std::vector<std::uint32_t> words(1 + (bytes.size() + 3) / 4);
  words[0] = static_cast<std::uint32_t>(bytes.size());
  std::memcpy(words.data() + 1, bytes.data(), bytes.size());
  return words;
}

std::string bytes_of_this_kernel() {
  std::string bytes(api::get_compile_time_arg_val(0), '\0');
  for (std::size_t i = 0; i < bytes.size(); i += 4) {
    const std::uint32_t word = api::get_compile_time_arg_val(static_cast<std::uint32_t>(1 + i / 4));
    std::memcpy(bytes.data() + i, &word, std::min<std::size_t>(4, bytes.size() - i));
  }
  return bytes;
}

}  // namespace tilegrid::fused
