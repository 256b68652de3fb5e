// SPDX-License-Identifier: Apache-2.0
#include "kernels/fused/plan_args.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <stdexcept>

#include "core/error.h"
#include "kernels/api/circular_buffer.h"

namespace tilegrid::fused {
namespace {

constexpr std::size_t words_of_a_kind = 341;  // tensix.md 1.1

/// The two directions of exchange(): the same list of fields serves both.
struct Writing {
  ByteWriter& bytes;
  template <class T>
  void field(T& value) {
    bytes.number(static_cast<std::int64_t>(value));
  }
  void field(float& value) { bytes.number(std::bit_cast<std::int32_t>(value)); }
  template <class T>
  void count(std::vector<T>& items) {
    bytes.number(static_cast<std::int64_t>(items.size()));
  }
  template <class T>
  void difference(T& value, std::int64_t& previous) {
    const auto now = static_cast<std::int64_t>(value);
    bytes.number(now - previous);
    previous = now;
  }
};

struct Reading {
  ByteReader& bytes;
  template <class T>
  void field(T& value) {
    value = static_cast<T>(bytes.number());
  }
  void field(float& value) { value = std::bit_cast<float>(static_cast<std::int32_t>(bytes.number())); }
  template <class T>
  void count(std::vector<T>& items) {
    items.resize(static_cast<std::size_t>(bytes.number()));
  }
  template <class T>
  void difference(T& value, std::int64_t& previous) {
    previous += bytes.number();
    value = static_cast<T>(previous);
  }
};

/// One field of all items.
template <class Direction, class T, class Get>
void column(Direction to, std::vector<T>& items, Get get) {
  std::int64_t previous = 0;
  for (T& item : items) to.difference(get(item), previous);
}

template <class Direction>
void exchange(Direction to, std::vector<Instruction>& body) {
  to.count(body);
  column(
      to, body, [](Instruction & i) -> auto& { return i.action; });
  column(
      to, body, [](Instruction & i) -> auto& { return i.op; });
  for (int k = 0; k < 2; ++k)
    column(
        to, body, [k](Instruction & i) -> auto& { return i.value[k]; });
  column(
      to, body, [](Instruction & i) -> auto& { return i.result; });
  column(
      to, body, [](Instruction & i) -> auto& { return i.row; });
  column(
      to, body, [](Instruction & i) -> auto& { return i.col; });
  for (int k = 0; k < 4; ++k)
    column(
        to, body, [k](Instruction & i) -> auto& { return i.slot[k]; });
  column(
      to, body, [](Instruction & i) -> auto& { return i.broadcast; });
  column(
      to, body, [](Instruction & i) -> auto& { return i.dst_is_a; });
  column(
      to, body, [](Instruction & i) -> auto& { return i.accumulate; });
  column(
      to, body, [](Instruction & i) -> auto& { return i.to_output; });
  column(
      to, body, [](Instruction & i) -> auto& { return i.rt; });
  column(
      to, body, [](Instruction & i) -> auto& { return i.ct; });
  for (Instruction& i : body) to.field(i.parameter);
}

template <class Direction>
void exchange(Direction to, Shape& shape) {
  to.field(shape.rows.tiles);
  to.field(shape.rows.unit);
  to.field(shape.cols.tiles);
  to.field(shape.cols.unit);
}

template <class Direction>
void exchange(Direction to, Run& run) {
  for (int* number : {&run.row, &run.col, &run.rows, &run.cols, &run.h, &run.w, &run.peak}) to.field(*number);
  exchange(to, run.body);
}

template <class Direction>
void exchange(Direction to, Stage& stage) {
  to.count(stage.ops);
  for (int& op : stage.ops) to.field(op);
  exchange(to, stage.shape);
  to.field(stage.by_kind);
  to.field(stage.k_block);
  to.field(stage.k_blocks);
  to.field(stage.carrier);
  to.count(stage.packs);
  for (ValueId& value : stage.packs) to.field(value);
  to.count(stage.runs);
  for (Run& run : stage.runs) exchange(to, run);
}

template <class Direction>
void exchange(Direction to, PlanBuffer& buffer) {
  to.field(buffer.role);
  to.field(buffer.value);
  to.field(buffer.tiles);
  to.field(buffer.copies);
  to.field(buffer.format);
  to.field(buffer.transposed);
  to.field(buffer.streamed);
}

template <class Direction>
void exchange_rest(Direction to, Plan& plan) {
  to.field(plan.machine.dst_fp32);
  to.field(plan.machine.full_sync);
  to.field(plan.machine.precision);
  to.count(plan.stages);
  for (Stage& stage : plan.stages) exchange(to, stage);
  to.count(plan.buffers);
  for (PlanBuffer& buffer : plan.buffers) exchange(to, buffer);
}

void write_graph(ByteWriter& out, const Graph& graph) {
  const Writing to{out};
  out.number(graph.input_count());
  for (ValueId id = 0; id < graph.input_count(); ++id) {
    Shape shape = graph.value(id).shape;
    out.text(graph.value(id).name);
    exchange(to, shape);
  }
  out.number(static_cast<std::int64_t>(graph.ops().size()));
  for (const Op& op : graph.ops()) {
    out.number(static_cast<std::int64_t>(op.kind));
    out.text(op.name);
    out.text(op.function != nullptr ? std::string(op.function->name) : "");
    out.number(static_cast<std::int64_t>(op.in.size()));
    for (const ValueId value : op.in) out.number(value);
    out.number(std::bit_cast<std::int32_t>(op.parameter));
    out.number(op.accumulate ? 1 : 0);
    out.number(op.transpose_b ? 1 : 0);
    out.number(static_cast<std::int64_t>(op.pool));
    out.number(static_cast<std::int64_t>(op.dim));
  }
  out.number(static_cast<std::int64_t>(graph.outputs().size()));
  for (const ValueId value : graph.outputs()) out.number(value);
}

void read_op(ByteReader& in, Graph& graph) {
  const auto kind = static_cast<OpKind>(in.number());
  const std::string name = in.text();
  const std::string function = in.text();
  std::vector<ValueId> operands(static_cast<std::size_t>(in.number()));
  for (ValueId& value : operands) value = static_cast<ValueId>(in.number());
  const auto parameter = std::bit_cast<float>(static_cast<std::int32_t>(in.number()));
  const ValueId accumulator = in.number() != 0 ? operands.back() : no_value;
  const bool transpose_b = in.number() != 0;
  const auto pool = static_cast<Pool>(in.number());
  const auto dim = static_cast<ReduceDim>(in.number());
  switch (kind) {
    case OpKind::matmul:
      graph.matmul(operands[0], operands[1], transpose_b, accumulator, name);
      return;
    case OpKind::reduce:
      graph.reduce(pool, dim, operands[0], accumulator, name);
      return;
    case OpKind::tile_sum:
      graph.tile_sum(dim, operands[0], name);
      return;
    case OpKind::transpose:
      graph.transpose(operands[0], name);
      return;
    default:
      graph.apply(function, operands, parameter, name);
  }
}

Graph read_graph(ByteReader& in) {
  Graph graph;
  for (std::int64_t inputs = in.number(); inputs > 0; --inputs) {
    const std::string name = in.text();
    Shape shape;
    exchange(Reading{in}, shape);
    graph.input(name, shape);
  }
  for (std::int64_t ops = in.number(); ops > 0; --ops) read_op(in, graph);
  for (std::int64_t outputs = in.number(); outputs > 0; --outputs) graph.output(static_cast<ValueId>(in.number()));
  graph.finish();
  return graph;
}

}  // namespace

void ByteWriter::number(std::int64_t value) {
  // Small magnitudes of either sign become small: 0, -1, 1, -2, ...; then seven bits a byte.
  auto rest = static_cast<std::uint64_t>(value) << 1U ^ static_cast<std::uint64_t>(value >> 63);
  for (; rest >= 0x80; rest >>= 7U) bytes_.push_back(static_cast<std::uint8_t>(rest | 0x80U));
  bytes_.push_back(static_cast<std::uint8_t>(rest));
}

void ByteWriter::text(const std::string& value) {
  number(static_cast<std::int64_t>(value.size()));
  bytes_.insert(bytes_.end(), value.begin(), value.end());
}

std::uint8_t ByteReader::byte() {
  if (at_ >= bytes_.size()) throw std::logic_error("fused: the arguments of a kernel end early");
  return bytes_[at_++];
}

std::int64_t ByteReader::number() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const std::uint8_t part = byte();
    value |= std::uint64_t{part & 0x7FU} << shift;
    if ((part & 0x80U) == 0) break;
  }
  return static_cast<std::int64_t>(value >> 1U ^ (~(value & 1U) + 1U));
}

std::string ByteReader::text() {
  std::string value(static_cast<std::size_t>(number()), ' ');
  for (char& c : value) c = static_cast<char>(byte());
  return value;
}

void write_plan(ByteWriter& out, const Plan& plan) {
  write_graph(out, plan.graph);
  Plan rest;
  rest.machine = plan.machine;
  rest.stages = plan.stages;
  rest.buffers = plan.buffers;
  exchange_rest(Writing{out}, rest);
}

Plan read_plan(ByteReader& in) {
  Plan plan;
  plan.graph = read_graph(in);
  exchange_rest(Reading{in}, plan);
  return plan;
}

namespace {

struct Match {
  std::size_t length = 0;
  std::size_t distance = 0;
};

/// The longest repetition at `at` of what is shortly before; it may run into itself.
Match match_at(std::span<const std::uint8_t> bytes, std::size_t at) {
  constexpr std::size_t window = 16384;
  Match best;
  for (std::size_t distance = 1; distance <= std::min(at, window); ++distance) {
    std::size_t length = 0;
    while (at + length < bytes.size() && bytes[at + length - distance] == bytes[at + length]) ++length;
    if (length > best.length) best = {length, distance};
  }
  return best;
}

}  // namespace

// Tokens: a number n. Odd: n / 2 bytes are repeated from a distance that follows; even: n / 2 new bytes follow.
std::vector<std::uint8_t> compressed(std::span<const std::uint8_t> bytes) {
  constexpr std::size_t shortest = 4;
  ByteWriter out;
  std::size_t first_new = 0;
  const auto write_new = [&](std::size_t end) {
    if (end == first_new) return;
    out.number(static_cast<std::int64_t>((end - first_new) * 2));
    for (; first_new < end; ++first_new) out.byte(bytes[first_new]);
  };
  for (std::size_t at = 0; at < bytes.size();) {
    const Match match = match_at(bytes, at);
    if (match.length < shortest) {
      ++at;
      continue;
    }
    write_new(at);
    out.number(static_cast<std::int64_t>(match.length * 2 + 1));
    out.number(static_cast<std::int64_t>(match.distance));
    at = first_new = at + match.length;
  }
  write_new(bytes.size());
  return out.bytes();
}

std::vector<std::uint8_t> expanded(std::span<const std::uint8_t> bytes) {
  ByteReader in({bytes.begin(), bytes.end()});
  std::vector<std::uint8_t> out;
  while (!in.at_end()) {
    const auto token = static_cast<std::size_t>(in.number());
    const std::size_t distance = token % 2 != 0 ? static_cast<std::size_t>(in.number()) : 0;
    if (distance > out.size()) throw std::logic_error("fused: the arguments of a kernel are damaged");
    for (std::size_t i = 0; i < token / 2; ++i) out.push_back(distance != 0 ? out[out.size() - distance] : in.byte());
  }
  return out;
}

void set_arguments(KernelConfig& kernel, std::span<const std::uint8_t> bytes) {
  const std::vector<std::uint8_t> packed = compressed(bytes);
  std::vector<std::uint32_t> words(1 + (packed.size() + 3) / 4);
  if (words.size() > 2 * words_of_a_kind) {
    throw UsageError(
        fmt::format("kernel {}: the plan takes {} words of arguments, available {}: a smaller sub-block takes less",
                    kernel.name, words.size(), 2 * words_of_a_kind));
  }
  words[0] = static_cast<std::uint32_t>(packed.size());
  for (std::size_t i = 0; i < packed.size(); ++i) words[1 + i / 4] |= std::uint32_t{packed[i]} << (i % 4 * 8);
  const auto split = words.begin() + static_cast<std::ptrdiff_t>(std::min(words.size(), words_of_a_kind));
  kernel.compile_args.assign(words.begin(), split);
  kernel.common_args.assign(split, words.end());
}

std::vector<std::uint8_t> arguments_of_this_kernel() {
  std::vector<std::uint8_t> packed(api::get_compile_time_arg_val(0));
  for (std::size_t i = 0; i < packed.size(); ++i) {
    const std::size_t word = 1 + i / 4;
    const std::uint32_t value =
        word < words_of_a_kind ? api::get_compile_time_arg_val(static_cast<std::uint32_t>(word))
                               : api::get_common_arg_val<std::uint32_t>(static_cast<std::uint32_t>(word - words_of_a_kind));
    packed[i] = static_cast<std::uint8_t>(value >> (i % 4 * 8));
  }
  return expanded(packed);
}

}  // namespace tilegrid::fused
