// SPDX-License-Identifier: Apache-2.0
#include "runtime/cli/graph_arguments.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <optional>
#include <string_view>
#include <utility>

#include "core/error.h"
#include "kernels/planner/graph/presets.h"
#include "kernels/planner/print/print_plan.h"
#include "runtime/cli/arguments.h"
#include "runtime/report/run_report.h"

namespace tilegrid::cli {
namespace {

using planner::Extent;
using planner::Shape;

constexpr int default_side = 2;
constexpr int most_tiles = 1024;  ///< of a value in a block; L1 holds 732 of bf16
constexpr int most_blocks = 1'000'000;
constexpr int most_capacity = 1024;
constexpr std::uintmax_t most_file_bytes = 64U << 20U;

int parse_range(const char* flag, const std::string& text, int least, int most) {
  const int value = parse_int(flag, text);
  if (value < least || value > most) throw UsageError(fmt::format("{} {}: from {} to {}", flag, text, least, most));
  return value;
}

/// "3" tiles, or "1e": one element. Nothing when it is neither.
std::optional<Extent> parse_extent(std::string_view text) {
  if (text == "1e") return Extent{.tiles = 1, .unit = true};
  int tiles = 0;
  for (const char c : text) {
    if (c < '0' || c > '9' || tiles > most_tiles) return std::nullopt;
    tiles = tiles * 10 + (c - '0');
  }
  if (text.empty() || tiles < 1) return std::nullopt;
  return Extent{.tiles = tiles};
}

/// `flag` ends where the value begins.
Shape parse_shape(const std::string& flag, const std::string& text) {
  const std::size_t at = text.find('x');
  const auto rows = parse_extent(std::string_view(text).substr(0, at));
  const auto cols = at == std::string::npos ? std::nullopt : parse_extent(std::string_view(text).substr(at + 1));
  if (!rows || !cols) {
    throw UsageError(fmt::format("{}{}: rows and columns in tiles are expected, as in 2x4", flag, text));
  }
  const Shape shape{*rows, *cols};
  if (shape.tiles() > most_tiles) {
    throw UsageError(fmt::format("{}{}: {} tiles, at most {}", flag, text, shape.tiles(), most_tiles));
  }
  return shape;
}

Shape parse_block(const std::string& text) {
  const Shape block = text.empty() ? Shape{{default_side}, {default_side}} : parse_shape("--block ", text);
  if (block.rows.unit || block.cols.unit) {
    throw UsageError(fmt::format("--block {}: a block is counted in whole tiles, as in 2x4", text));
  }
  return block;
}

std::vector<Shape> parse_factors(const std::string& text) {
  std::vector<Shape> factors;
  for (std::size_t begin = 0; !text.empty() && begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    factors.push_back(parse_shape("--block-factors ", text.substr(begin, end - begin)));
    begin = end + 1;
  }
  return factors;
}

/// NAME=RxC, or col, row, scalar: vectors as long as the block.
std::pair<std::string, Shape> parse_operand(const std::string& text, Shape block) {
  const std::size_t at = text.find('=');
  if (at == std::string::npos || at == 0) {
    throw UsageError(fmt::format("--operand {}: NAME=RxC, NAME=col, NAME=row or NAME=scalar is expected", text));
  }
  const std::string name = text.substr(0, at);
  const std::string shape = text.substr(at + 1);
  constexpr Extent one{.tiles = 1, .unit = true};
  if (shape == "col") return {name, {block.rows, one}};
  if (shape == "row") return {name, {one, block.cols}};
  if (shape == "scalar") return {name, {one, one}};
  return {name, parse_shape(fmt::format("--operand {}=", name), shape)};
}

planner::ExpressionShapes parse_shapes(const GraphTexts& texts) {
  planner::ExpressionShapes shapes;
  shapes.block = parse_block(texts.block);
  if (!texts.inner.empty()) shapes.inner = parse_range("--inner", texts.inner, 1, most_tiles);
  shapes.factors = parse_factors(texts.factors);
  for (const std::string& text : texts.operands) {
    const auto [name, shape] = parse_operand(text, shapes.block);
    if (!shapes.operands.emplace(name, shape).second) {
      throw UsageError(fmt::format("--operand {}: '{}' is given twice", text, name));
    }
  }
  return shapes;
}

planner::PlanRequest parse_plan(const GraphTexts& texts) {
  planner::PlanRequest request;
  planner::Machine& machine = request.machine;
  machine.dst_fp32 = parse_word("--dst", texts.dst, {"bf16", "fp32"}) == 1;
  const std::size_t sync = parse_word("--sync", texts.sync, {"half", "full", "auto"});
  machine.full_sync = sync == 1;
  machine.any_sync = sync == 2;
  if (!texts.capacity.empty()) {
    machine.capacity_override = parse_range("--dst-capacity", texts.capacity, 1, most_capacity);
  }
  machine.format = parse_tensor_format("--format", texts.format);
  machine.fidelity =
      static_cast<Fidelity>(1 + parse_word("--fidelity", texts.fidelity, {"lofi", "hifi2", "hifi3", "hifi4"}));
  machine.precision = static_cast<planner::Precision>(parse_word("--precision", texts.precision, {"keep", "allow-tf32"}));
  if (!texts.k_block.empty()) request.k_block = parse_range("--k-block", texts.k_block, 1, most_tiles);
  if (!texts.max_tiles.empty()) request.max_tiles = parse_range("--max-tiles", texts.max_tiles, 1, most_tiles);
  request.blocks = parse_range("--blocks-per-core", texts.blocks, 1, most_blocks);
  return request;
}

planner::Graph preset_with_shapes(const GraphRequest& request) {
  if (request.shapes.factors.empty() && request.shapes.operands.empty()) {
    return planner::preset_graph(request.preset, request.shapes.block, request.shapes.inner);
  }
  for (const planner::Preset& preset : planner::presets()) {
    if (preset.name != request.preset) continue;
    planner::ExpressionShapes shapes = request.shapes;
    const auto extent = [&](planner::PresetOperand::Dimension dimension) {
      if (dimension == planner::PresetOperand::Dimension::one) return Extent{};
      return dimension == planner::PresetOperand::Dimension::rows ? shapes.block.rows : shapes.block.cols;
    };
    // Factors are the user's word on the operands that they reach; the preset's own shapes would win over them.
    for (const planner::PresetOperand& operand : preset.operands) {
      if (!shapes.factors.empty()) break;
      shapes.operands.try_emplace(std::string(operand.name), Shape{extent(operand.rows), extent(operand.cols)});
    }
    planner::Graph graph = planner::parse_expression(preset.expression, shapes);
    graph.name = request.preset;
    return graph;
  }
  return planner::preset_graph(request.preset, request.shapes.block, request.shapes.inner);  // unknown: it says so
}

/// The text of the request's file.
std::string graph_file_text(const GraphRequest& request) {
  const auto refuse = [&](const std::string& why) { throw UsageError(fmt::format("--graph {}: {}", request.file, why)); };
  std::error_code error;
  if (std::filesystem::is_directory(request.file, error)) refuse("is a directory");
  std::ifstream file(request.file, std::ios::binary);
  if (!file) refuse(std::strerror(errno));
  std::string text;
  std::array<char, 65536> part{};
  while (file.read(part.data(), part.size()) || file.gcount() > 0) {
    text.append(part.data(), static_cast<std::size_t>(file.gcount()));
    if (text.size() > most_file_bytes) refuse(fmt::format("is larger than {} bytes", most_file_bytes));
  }
  if (file.bad()) refuse(std::strerror(errno));
  return text;
}

planner::Graph graph_of_file(GraphRequest& request) {
  const std::vector<planner::Case> cases = load_graph_cases(request);
  if (cases.empty()) throw UsageError(fmt::format("--graph {}: there is no case in it", request.file));
  if (request.case_id.empty() && cases.size() > 1) {
    throw UsageError(fmt::format("--graph {}: has {} cases, --case ID chooses one", request.file, cases.size()));
  }
  const planner::Case& chosen = request.case_id.empty() ? cases.front() : find_case(request, cases);
  if (!request.plan.machine.capacity_override) request.plan.machine.capacity_override = chosen.dst_capacity;
  planner::Graph graph = planner::to_graph(chosen);
  graph.name = chosen.id;
  return graph;
}

void check_sizes(const planner::Graph& graph) {
  for (const planner::Value& value : graph.values()) {
    const std::int64_t tiles = std::int64_t{value.shape.rows.tiles} * value.shape.cols.tiles;
    if (tiles > most_tiles) {
      throw UsageError(
          fmt::format("{} {}: {} tiles, at most {}", value.name, planner::text_of(value.shape), tiles, most_tiles));
    }
  }
}

std::string name_in(const planner::Graph& graph, planner::ValueId value) { return graph.value(value).name; }

std::string reduction_text(const planner::Op& op) {
  constexpr std::array<const char*, 3> dims{"row", "col", "scalar"};
  const char* dim = dims.at(static_cast<std::size_t>(op.dim));
  if (op.kind == planner::OpKind::tile_sum) return fmt::format("partial_{}sum", dim);
  return fmt::format("{}{}", dim, op.pool == Pool::max ? "max" : "sum");
}

std::string op_text(const planner::Graph& graph, const planner::Op& op) {
  const auto in = [&](std::size_t i) { return name_in(graph, op.in.at(i)); };
  switch (op.kind) {
    case planner::OpKind::matmul:
      return fmt::format("{}{} @ {}{}", op.accumulate ? in(2) + " + " : "", in(0), in(1), op.transpose_b ? ".T" : "");
    case planner::OpKind::transpose:
      return in(0) + ".T";
    case planner::OpKind::reduce:
    case planner::OpKind::tile_sum:
      return fmt::format("{}({}{})", reduction_text(op), in(0), op.accumulate ? ", from " + in(1) : "");
    default:
      break;
  }
  constexpr std::array<std::pair<std::string_view, char>, 4> signs{{{"add", '+'}, {"sub", '-'}, {"mul", '*'}, {"div", '/'}}};
  for (const auto& [name, sign] : signs) {
    if (name == op.function->name && op.in.size() == 2) return fmt::format("{} {} {}", in(0), sign, in(1));
  }
  std::string arguments;
  for (std::size_t i = 0; i < op.in.size(); ++i) arguments += (i == 0 ? "" : ", ") + in(i);
  const auto parameter = static_cast<double>(op.parameter);
  if (op.function->has_parameter) arguments += fmt::format(", {:.6g}", parameter);
  // An exp carries a scale of its argument.
  if (!op.function->has_parameter && parameter != 0 && parameter != 1) arguments += fmt::format(" * {:.6g}", parameter);
  return fmt::format("{}({})", op.function->name, arguments);
}

std::string list_of(const planner::Graph& graph, const std::vector<planner::ValueId>& values) {
  std::string text;
  for (const planner::ValueId id : values) {
    const planner::Value& value = graph.value(id);
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", value.name, planner::text_of(value.shape));
  }
  return text;
}

}  // namespace

void add_graph_flags(CLI::App& app, GraphTexts& texts) {
  const char* group = "Graph (one of --expr, --preset, --graph)";
  app.add_option(
         "--expr", texts.expression,
         "An expression in NumPy notation, statements and outputs with ;\nas in \"S = Q @ K.T; exp((S - m[:, None]) * c)\"")
      ->type_name("TEXT")
      ->group(group);
  app.add_option("--preset", texts.preset, "A graph that comes along, see below")->type_name("NAME")->group(group);
  app.add_option("--graph", texts.file, "JSON in the planner's schema: \"cases\", or one case")
      ->type_name("FILE")
      ->group(group);
  app.add_option("--case", texts.case_id, "The case of --graph, when it has several")->type_name("ID")->group(group);
  app.add_option("--block", texts.block,
                 fmt::format("Tiles of the outputs in a block: rows x columns [{0}x{0}]", default_side))
      ->type_name("RxC")
      ->group(group);
  app.add_option("--inner", texts.inner, "Tiles of the K of matmuls that no operand tells [the block's columns]")
      ->type_name("N")
      ->group(group);
  app.add_option("--block-factors", texts.factors,
                 "Tiles by operand, inputs in order of appearance, then outputs: 2x2,2x2,2x2")
      ->type_name("LIST")
      ->group(group);
  app.add_option("--operand", texts.operands,
                 "Shape of an input: NAME=RxC in tiles (2x1e: one element wide), or\nNAME=col, row, scalar; may be repeated")
      ->type_name("NAME=SHAPE")
      ->allow_extra_args(false)
      ->group(group);
}

void add_machine_flags(CLI::App& app, GraphTexts& texts) {
  const char* group = "Machine";
  app.add_option("--dst", texts.dst, "DST numbers: bf16 (16 tiles), fp32 (8 tiles) [bf16]")->type_name("NAME")->group(group);
  app.add_option("--sync", texts.sync, "DST in two halves or in one section: half, full; auto: best may choose [half]")
      ->type_name("NAME")
      ->group(group);
  app.add_option("--dst-capacity", texts.capacity, "Slots of a section [what the two flags above leave]")
      ->type_name("N")
      ->group(group);
  app.add_option("--format", texts.format, "Of inputs and outputs in DRAM: bf16, fp32, bfp8 [bf16]")
      ->type_name("NAME")
      ->group(group);
  app.add_option("--fidelity", texts.fidelity, "Multiplication passes: lofi, hifi2, hifi3, hifi4 [hifi2]")
      ->type_name("NAME")
      ->group(group);
  app.add_option("--precision", texts.precision,
                 "Whether a form of an operation may cut an fp32 DST value:\nkeep, allow-tf32 [keep]")
      ->type_name("NAME")
      ->group(group);
  app.add_option("--k-block", texts.k_block, "Tiles of K that a matmul gets at a time [the planner's choice]")
      ->type_name("N")
      ->group(group);
  app.add_option("--max-tiles", texts.max_tiles, "Largest sub-block in tiles [no limit but the slots]")
      ->type_name("N")
      ->group(group);
  app.add_option("--blocks-per-core", texts.blocks, "Over how many blocks the model spreads filling and draining [8]")
      ->type_name("N")
      ->group(group);
}

std::string preset_list() {
  std::string text = "Presets:\n";
  for (const planner::Preset& preset : planner::presets()) {
    text += fmt::format("  {:<22}{}\n", preset.name, preset.description);
  }
  return text;
}

GraphRequest graph_request(const CLI::App& app, const GraphTexts& texts) {
  const auto sources = app.count("--expr") + app.count("--preset") + app.count("--graph");
  if (sources != 1) {
    throw UsageError(fmt::format("exactly one of --expr, --preset and --graph is needed, {}",
                                 sources == 0 ? "none was given" : fmt::format("{} were given", sources)));
  }
  if (!texts.file.empty()) {
    for (const char* flag : {"--block", "--inner", "--block-factors", "--operand"}) {
      if (app.count(flag) > 0) throw UsageError(fmt::format("{} does not go with --graph: the file has the shapes", flag));
    }
  } else if (!texts.case_id.empty()) {
    throw UsageError("--case goes with --graph only");
  }
  GraphRequest request;
  request.expression = texts.expression;
  request.preset = texts.preset;
  request.file = texts.file;
  request.case_id = texts.case_id;
  if (!texts.preset.empty()) {
    std::vector<std::string> names;
    for (const planner::Preset& preset : planner::presets()) names.emplace_back(preset.name);
    (void)parse_word("--preset", texts.preset, names);
  }
  request.shapes = parse_shapes(texts);
  request.plan = parse_plan(texts);
  return request;
}

std::vector<planner::Case> load_graph_cases(const GraphRequest& request) {
  const std::string text = graph_file_text(request);
  try {
    return planner::load_cases(text);
  } catch (const UsageError& error) {
    throw UsageError(fmt::format("--graph {}: {}", request.file, error.message()));
  }
}

const planner::Case& find_case(const GraphRequest& request, const std::vector<planner::Case>& cases) {
  std::vector<std::string> ids;
  for (const planner::Case& one : cases) {
    if (one.id == request.case_id) return one;
    ids.push_back(one.id);
  }
  const std::string near = nearest_word(request.case_id, ids);
  throw UsageError(fmt::format("--case {}: {} has no such case{}", request.case_id, request.file,
                               near.empty() ? "" : fmt::format(", did you mean {}?", near)));
}

planner::Graph load_graph(GraphRequest& request) {
  planner::Graph graph;
  if (!request.file.empty()) {
    graph = graph_of_file(request);
  } else if (!request.preset.empty()) {
    graph = preset_with_shapes(request);
  } else {
    graph = planner::parse_expression(request.expression, request.shapes);
  }
  check_sizes(graph);
  return graph;
}

std::vector<std::string> strategy_names() {
  std::vector<std::string> names;
  names.reserve(planner::strategy_count);
  for (int i = 0; i < planner::strategy_count; ++i) names.emplace_back(name_of(static_cast<planner::Strategy>(i)));
  return names;
}

std::string graph_signature(const planner::Graph& graph) {
  std::vector<planner::ValueId> inputs(static_cast<std::size_t>(graph.input_count()));
  std::iota(inputs.begin(), inputs.end(), planner::ValueId{0});
  return fmt::format("{}{} -> {} (tiles)", graph.name.empty() ? "" : graph.name + ": ", list_of(graph, inputs),
                     list_of(graph, graph.outputs()));
}

std::string graph_operations(const planner::Graph& graph) {
  std::string text;
  for (const planner::Op& op : graph.ops()) {
    text += fmt::format("{}{} = {}", text.empty() ? "" : "; ", op.name, op_text(graph, op));
  }
  return text;
}

std::string machine_text(const planner::Machine& machine) {
  return fmt::format("{}: {} slots{}; {} in DRAM, fidelity {}, precision {}", planner::dst_mode(machine), machine.capacity(),
                     machine.any_sync ? " (best may take full-sync)" : "", name_of(machine.format),
                     text_of(machine.fidelity), machine.precision == planner::Precision::keep ? "keep" : "allow-tf32");
}

}  // namespace tilegrid::cli
