// SPDX-License-Identifier: Apache-2.0
#include "kernels/planner/slot_cases/case_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "core/error.h"

namespace tilegrid::planner {
namespace {

using Json = nlohmann::ordered_json;

constexpr int most_tiles = 4096;            ///< of a dimension
constexpr int most_slots = 1 << 16;         ///< of a capacity or budget
constexpr int most_number = 1'000'000'000;  ///< of sizes and steps of scratch slots
constexpr std::size_t most_ops = 1000;
constexpr std::size_t most_dims = 4;

constexpr std::array<std::pair<CaseKind, std::string_view>, 6> case_kinds{{
    {CaseKind::tile_dag, "tile_dag"},
    {CaseKind::capacity, "capacity"},
    {CaseKind::subblock, "subblock"},
    {CaseKind::unpack_cost, "unpack_cost"},
    {CaseKind::scratch_packing, "scratch_packing"},
    {CaseKind::note, "note"},
}};

/// A JSON value with its place, for errors: "case 'x', op 's': 'in' ...".
class Field {
 public:
  Field(const Json& json, std::string place, std::string key)
      : json_(&json), place_(std::move(place)), key_(std::move(key)) {}

  [[noreturn]] void fail(const std::string& what) const {
    throw UsageError(fmt::format("{}: {}{}", place_, key_.empty() ? "" : fmt::format("'{}' ", key_), what));
  }
  [[nodiscard]] const Json& json() const { return *json_; }
  [[nodiscard]] const std::string& place() const { return place_; }
  [[nodiscard]] Field in(std::string place) const { return {*json_, std::move(place), ""}; }

  /// The member, or none when it is missing or null.
  [[nodiscard]] std::optional<Field> find(const std::string& key) const {
    object();
    const auto found = json_->find(key);
    if (found == json_->end() || found->is_null()) return std::nullopt;
    return Field(*found, place_, key);
  }
  [[nodiscard]] Field need(const std::string& key) const {
    std::optional<Field> found = find(key);
    if (!found) throw UsageError(fmt::format("{}: '{}' is missing", place_, key));
    return *found;
  }
  [[nodiscard]] Field at(std::size_t index) const { return {(*json_)[index], place_, key_}; }

  void object() const {
    if (!json_->is_object()) fail(fmt::format("is {}, not an object", json_->type_name()));
  }
  /// Number of elements.
  [[nodiscard]] std::size_t array() const {
    if (!json_->is_array()) fail(fmt::format("is {}, not a list", json_->type_name()));
    return json_->size();
  }
  [[nodiscard]] std::string string() const {
    if (!json_->is_string()) fail(fmt::format("is {}, not a string", json_->type_name()));
    return json_->get<std::string>();
  }
  [[nodiscard]] std::string name() const {
    std::string text = string();
    if (text.empty()) fail("has an empty name");
    return text;
  }
  [[nodiscard]] bool boolean() const {
    if (!json_->is_boolean()) fail(fmt::format("is {}, not true or false", json_->type_name()));
    return json_->get<bool>();
  }
  [[nodiscard]] int integer(int least, int most) const {
    const bool whole = json_->is_number_integer();
    const bool huge = json_->is_number_unsigned() && json_->get<std::uint64_t>() > static_cast<std::uint64_t>(most);
    if (!whole) fail(fmt::format("has {}, not a whole number", json_->is_number() ? json_->dump() : json_->type_name()));
    if (huge || json_->get<std::int64_t>() < least || json_->get<std::int64_t>() > most) {
      fail(fmt::format("has {}, which is not from {} to {}", json_->dump(), least, most));
    }
    return json_->get<int>();
  }
  [[nodiscard]] float number() const {
    if (!json_->is_number()) fail(fmt::format("is {}, not a number", json_->type_name()));
    return json_->get<float>();
  }
  [[nodiscard]] std::vector<int> integers(std::size_t fewest, std::size_t most_count, int least, int most) const {
    const std::size_t count = array();
    if (count < fewest || count > most_count) {
      fail(fmt::format("has {} numbers, not {}", count,
                       fewest == most_count ? fmt::format("{}", fewest) : fmt::format("{} to {}", fewest, most_count)));
    }
    std::vector<int> out;
    for (std::size_t i = 0; i < count; ++i) out.push_back(at(i).integer(least, most));
    return out;
  }

 private:
  const Json* json_;
  std::string place_;
  std::string key_;
};

std::pair<std::size_t, std::size_t> operand_counts(SlotKind kind) {
  switch (kind) {
    case SlotKind::sfpu_unary:
    case SlotKind::transpose:
      return {1, 1};
    case SlotKind::binary:
    case SlotKind::sfpu_binary:
    case SlotKind::matmul:
    case SlotKind::dest_reuse:
      return {2, 2};
    case SlotKind::sfpu_ternary:
    case SlotKind::matmul_acc:
      return {3, 3};
    case SlotKind::bcast:
    case SlotKind::fpu_reduce:
      return {1, 2};
    case SlotKind::reduce_acc:
      return {2, 3};
  }
  return {0, 0};
}

/// An operation before its operands are found.
struct ListedOp {
  SlotOp op;
  CaseOpExtra extra;
  std::vector<std::string> operands;
};

ListedOp read_op(const Field& field, const std::string& place, std::size_t number) {
  field.in(fmt::format("{}, op {}", place, number)).object();
  ListedOp listed;
  listed.op.name = field.in(fmt::format("{}, op {}", place, number)).need("id").name();
  const Field here = field.in(fmt::format("{}, op '{}'", place, listed.op.name));
  const std::string kind = here.need("kind").string();
  const std::optional<SlotKind> known = slot_kind_of(kind);
  if (!known) here.fail(fmt::format("unknown kind '{}'", kind));
  listed.op.kind = *known;
  if (const auto fn = here.find("fn")) listed.op.fn = fn->string();
  const Field in = here.need("in");
  const std::size_t count = in.array();
  const auto [fewest, most] = operand_counts(*known);
  if (count < fewest || count > most) {
    here.fail(fmt::format("{} operands, {} takes {}", count, kind,
                          fewest == most ? fmt::format("{}", fewest) : fmt::format("{} or {}", fewest, most)));
  }
  for (std::size_t i = 0; i < count; ++i) listed.operands.push_back(in.at(i).string());
  if (const auto k = here.find("k")) listed.extra.k = k->integer(1, most_tiles);
  if (const auto transposed = here.find("transpose_b")) listed.extra.transpose_b = transposed->boolean();
  if (const auto dim = here.find("dim")) listed.extra.dim = dim->string();
  if (const auto parameter = here.find("parameter")) listed.extra.parameter = parameter->number();
  return listed;
}

/// Which listed operations run first: as listed, but for those whose operands come later.
std::vector<std::size_t> runnable_order(const std::vector<ListedOp>& listed,
                                        const std::map<std::string, std::size_t>& op_named, const std::string& place) {
  std::vector<std::size_t> order;
  std::vector<bool> done(listed.size(), false);
  const auto ready = [&](const std::string& operand) {
    const auto made = op_named.find(operand);
    return made == op_named.end() || done[made->second];
  };
  while (order.size() < listed.size()) {
    std::size_t next = 0;
    while (next < listed.size() &&
           (done[next] || !std::all_of(listed[next].operands.begin(), listed[next].operands.end(), ready))) {
      ++next;
    }
    if (next == listed.size()) {
      // Every operation left waits for another one that is left: following them leads into a cycle.
      std::size_t at = std::find(done.begin(), done.end(), false) - done.begin();
      std::string previous;
      for (std::size_t steps = 0; steps <= listed.size(); ++steps) {
        previous = *std::find_if_not(listed[at].operands.begin(), listed[at].operands.end(), ready);
        if (steps < listed.size()) at = op_named.at(previous);
      }
      throw UsageError(fmt::format("{}, op '{}': depends on itself through '{}'", place, listed[at].op.name, previous));
    }
    done[next] = true;
    order.push_back(next);
  }
  return order;
}

int value_named(const SlotDag& dag, const std::map<std::string, int>& values, const std::string& name, const Field& place) {
  const auto found = values.find(name);
  if (found != values.end()) return found->second;
  place.fail(fmt::format("reads '{}', which is neither an input nor an operation ({} inputs, {} operations)", name,
                         dag.inputs.size(), dag.ops.size()));
}

std::vector<ListedOp> read_ops(const Field& field, std::set<std::string>& names) {
  const Field ops = field.need("ops");
  const std::size_t count = ops.array();
  if (count > most_ops) ops.fail(fmt::format("has {} operations, {} at most", count, most_ops));
  std::vector<ListedOp> listed;
  for (std::size_t i = 0; i < count; ++i) {
    listed.push_back(read_op(ops.at(i), field.place(), i));
    const std::string& name = listed.back().op.name;
    if (!names.insert(name).second) {
      throw UsageError(fmt::format("{}, op '{}': the name is taken", field.place(), name));
    }
  }
  return listed;
}

void read_dag(const Field& field, Case& out) {
  std::set<std::string> names;
  const Field inputs = field.need("inputs");
  const std::size_t input_count = inputs.array();
  for (std::size_t i = 0; i < input_count; ++i) {
    out.dag.inputs.push_back(inputs.at(i).name());
    if (!names.insert(out.dag.inputs.back()).second) inputs.fail(fmt::format("lists '{}' twice", out.dag.inputs.back()));
  }
  std::vector<ListedOp> listed = read_ops(field, names);
  std::map<std::string, std::size_t> op_named;
  for (std::size_t i = 0; i < listed.size(); ++i) op_named[listed[i].op.name] = i;
  std::map<std::string, int> values;
  for (int i = 0; i < out.dag.input_count(); ++i) values[out.dag.inputs[i]] = i;
  for (const std::size_t next : runnable_order(listed, op_named, field.place())) {
    ListedOp& each = listed[next];
    const Field here = field.in(fmt::format("{}, op '{}'", field.place(), each.op.name));
    for (const std::string& operand : each.operands) {
      each.op.in.push_back(value_named(out.dag, values, operand, here));
    }
    values[each.op.name] = out.dag.result_of(out.dag.ops.size());
    out.dag.ops.push_back(std::move(each.op));
    out.extras.push_back(std::move(each.extra));
  }
  const Field outputs = field.need("outputs");
  const std::size_t output_count = outputs.array();
  if (output_count == 0) outputs.fail("is empty");
  for (std::size_t i = 0; i < output_count; ++i) {
    const std::string name = outputs.at(i).string();
    const auto found = values.find(name);
    if (found == values.end()) outputs.fail(fmt::format("lists '{}', which is neither an input nor an operation", name));
    if (out.dag.is_output(found->second)) outputs.fail(fmt::format("lists '{}' twice", name));
    out.dag.outputs.push_back(found->second);
  }
}

void read_shapes(const Field& field, Case& out) {
  const auto shapes = field.find("shapes");
  if (!shapes) return;
  shapes->object();
  for (const auto& [name, shape] : shapes->json().items()) {
    const Field here(shape, field.place(), fmt::format("shapes.{}", name));
    const auto known = std::find(out.dag.inputs.begin(), out.dag.inputs.end(), name);
    if (known == out.dag.inputs.end()) here.fail("is not of an input");
    out.shapes[name] = here.integers(2, 2, 0, most_tiles);
  }
}

void read_mode(const Field& field, Case& out) {
  const Field mode = field.need("mode");
  const std::string sync = mode.need("sync").string();
  if (sync != "half" && sync != "full") mode.fail(fmt::format("has sync '{}', not half or full", sync));
  out.full_sync = sync == "full";
  if (const auto bits32 = mode.find("bits32")) out.bits32 = bits32->boolean();
  if (const auto physical = mode.find("physical")) out.physical = physical->integer(1, most_slots);
}

void read_scratch(const Field& field, Case& out) {
  const Field scratch = field.need("scratch");
  scratch.object();
  for (const auto& [name, entry] : scratch.json().items()) {
    const Field here(entry, field.place(), fmt::format("scratch.{}", name));
    if (here.array() != 2) here.fail("is not [size, [first, last]]");
    const std::vector<int> range = here.at(1).integers(2, 2, 0, most_number);
    const int size = here.at(0).integer(0, most_tiles * most_tiles);
    if (range[1] < range[0]) here.fail(fmt::format("ends at {}, before it begins at {}", range[1], range[0]));
    const std::string& taken = name;
    const auto same_name = [&taken](const ScratchSlot& slot) { return slot.name == taken; };
    if (std::any_of(out.scratch.begin(), out.scratch.end(), same_name)) here.fail("is there twice");
    out.scratch.push_back({.name = name, .size = size, .first = range[0], .last = range[1]});
  }
  if (out.scratch.size() > most_ops) scratch.fail(fmt::format("has {} slots, {} at most", out.scratch.size(), most_ops));
  std::int64_t total = 0;
  for (const ScratchSlot& slot : out.scratch) total += slot.size;
  if (total > most_number) scratch.fail(fmt::format("adds up to {}, {} at most", total, most_number));
  if (const auto capacity = field.find("scratch_capacity")) out.scratch_capacity = capacity->integer(0, most_number);
}

CaseKind read_kind(const Field& field) {
  const auto kind = field.find("kind");
  if (!kind) {
    if (field.find("ops")) return CaseKind::tile_dag;
    field.fail("'kind' is missing");
  }
  const std::string name = kind->string();
  for (const auto& [known, text] : case_kinds) {
    if (name == text) return known;
  }
  field.fail(fmt::format("unknown kind '{}'", name));
}

void read_kind_fields(const Field& field, Case& out) {
  switch (out.kind) {
    case CaseKind::tile_dag:
      if (out.block.empty()) out.block = {1, 1};
      if (out.block.size() != 2) field.need("block").fail(fmt::format("has {} numbers, not 2", out.block.size()));
      read_dag(field, out);
      return read_shapes(field, out);
    case CaseKind::capacity:
      return read_mode(field, out);
    case CaseKind::subblock:
      if (out.block.empty()) (void)field.need("block").integers(1, most_dims, 1, most_tiles);
      return;
    case CaseKind::unpack_cost: {
      const std::vector<int> shape = field.need("subblock").integers(2, 2, 1, most_tiles);
      out.subblock = {shape[0], shape[1]};
      return;
    }
    case CaseKind::scratch_packing:
      return read_scratch(field, out);
    case CaseKind::note:
      if (const auto groups = field.find("groups")) out.groups = groups->array();
      if (field.find("ops")) read_dag(field, out);
  }
}

Case read_case(const Field& listed, std::size_t number) {
  const Field numbered = listed.in(fmt::format("case {}", number));
  numbered.object();
  Case out;
  const auto id = numbered.find("id");
  out.id = id ? id->name() : fmt::format("case {}", number);
  const Field field = listed.in(fmt::format("case '{}'", out.id));
  out.kind = read_kind(field);
  if (const auto block = field.find("block")) out.block = block->integers(1, most_dims, 1, most_tiles);
  if (const auto dtype = field.find("dtype")) out.dtype = dtype->string();
  if (const auto dst = field.find("dst")) {
    if (const auto capacity = dst->find("capacity")) out.dst_capacity = capacity->integer(0, most_slots);
  }
  if (const auto slots = field.find("slots_per_iteration")) out.slots_per_iteration = slots->integer(1, most_slots);
  if (const auto budget = field.find("budget")) out.budget = budget->integer(0, most_slots);
  read_kind_fields(field, out);
  return out;
}

Json parse(std::string_view text) {
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& error) {
    const std::size_t at = std::min(error.byte == 0 ? 0 : error.byte - 1, text.size());
    const std::string_view before = text.substr(0, at);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const std::size_t column = 1 + at - (before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1);
    throw UsageError(
        fmt::format("not JSON: line {}, column {}{}", line, column, at == text.size() ? ": the text ends there" : ""));
  } catch (const Json::exception&) {
    throw UsageError("not JSON: a number is out of range");
  }
}

}  // namespace

std::vector<Case> load_cases(std::string_view text) {
  const Json json = parse(text);
  const Field top(json, "case file", "");
  top.object();
  const auto list = top.find("cases");
  if (!list) return {read_case(top, 0)};
  std::vector<Case> cases;
  std::set<std::string> ids;
  const std::size_t count = list->array();
  for (std::size_t i = 0; i < count; ++i) {
    cases.push_back(read_case(list->at(i), i));
    if (!ids.insert(cases.back().id).second) throw UsageError(fmt::format("case '{}': the id is taken", cases.back().id));
  }
  return cases;
}

}  // namespace tilegrid::planner
