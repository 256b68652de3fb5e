// SPDX-License-Identifier: Apache-2.0
#include "kernels/planner/run/plan_args.h"

#include <cstring>

#include "kernels/api/circular_buffer.h"

namespace tilegrid::planner {

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
  for (const GraphRecord::OpRecord& record_op : record.ops) {
    Op op;
    op.name = record_op.name;
    op.kind = record_op.kind;
    op.function = find_function(record_op.function);
    op.in = record_op.in;
    op.parameter = record_op.parameter;
    op.accumulate = record_op.accumulate;
    op.transpose_b = record_op.transpose_b;
    op.pool = record_op.pool;
    op.dim = record_op.dim;
    op.form = record_op.form;
    graph.append(op);
  }
  for (const ValueId output : record.outputs) graph.output(output);
  graph.finish();
  return graph;
}

std::vector<std::uint32_t> words_of(const std::string& bytes) {
  std::vector<std::uint32_t> words(1 + (bytes.size() + 3) / 4);
  words[0] = count_of<std::uint32_t>(bytes);
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

}  // namespace tilegrid::planner
