// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "core/error.h"
#include "kernels/planner/slot_cases/case_file.h"

namespace tilegrid::planner {
namespace {

using Json = nlohmann::ordered_json;
using K = SlotKind;

std::string public_cases() {
  std::ifstream file(std::string(TILEGRID_TEST_DATA) + "/dst/cases.json");
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// Answers of one case by (policy, key).
const Json* find_answer(const Json& results, const Json& policy, const Json& key) {
  for (const Json& answer : results) {
    if (answer.at("policy") == policy && answer.at("key") == key) return &answer.at("value");
  }
  return nullptr;
}

template <class Function>
std::string refusal(Function&& function) {
  try {
    function();
  } catch (const UsageError& error) {
    return error.message();
  }
  return "nothing was refused";
}

/// A DAG from lines of {result, kind, fn, operands}; operands named for the first time are inputs.
struct Line {
  std::string name;
  SlotKind kind;
  std::vector<std::string> in;
  std::string fn = "add";
};
SlotDag dag_of(const std::vector<Line>& lines, const std::vector<std::string>& outputs) {
  SlotDag dag;
  std::set<std::string> made;
  for (const Line& line : lines) made.insert(line.name);
  for (const Line& line : lines) {
    for (const std::string& in : line.in) {
      if (!made.contains(in) && std::find(dag.inputs.begin(), dag.inputs.end(), in) == dag.inputs.end())
        dag.inputs.push_back(in);
    }
  }
  const auto value = [&](const std::string& name) {
    const auto input = std::find(dag.inputs.begin(), dag.inputs.end(), name);
    if (input != dag.inputs.end()) return static_cast<int>(input - dag.inputs.begin());
    const auto op = std::find_if(lines.begin(), lines.end(), [&](const Line& line) { return line.name == name; });
    return dag.result_of(static_cast<std::size_t>(op - lines.begin()));
  };
  for (const Line& line : lines) {
    SlotOp op{.name = line.name, .kind = line.kind, .fn = line.fn, .in = {}};
    for (const std::string& in : line.in) op.in.push_back(value(in));
    dag.ops.push_back(op);
  }
  for (const std::string& output : outputs) dag.outputs.push_back(value(output));
  return dag;
}

constexpr ExactRules sfpu{};
constexpr ExactRules sfpu_once{.load_once = true};
constexpr ExactRules fpu{.fpu_forms = true};
constexpr ExactRules fpu_clean{.fpu_forms = true, .clean_slots = true};

TEST(FusedCases, PublicCasesAgree) {
  const std::string text = public_cases();
  const Json cases = Json::parse(text).at("cases");
  const Json answers = answer_cases(text).at("cases");
  ASSERT_EQ(answers.size(), cases.size());
  std::size_t compared = 0;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    ASSERT_EQ(answers[i].at("id"), cases[i].at("id"));
    for (const Json& expected : cases[i].at("expected")) {
      const Json* value = find_answer(answers[i].at("results"), expected.at("policy"), expected.at("key"));
      ASSERT_NE(value, nullptr) << cases[i].at("id") << ": no " << expected.at("key") << " under " << expected.at("policy");
      ++compared;
      if (expected.at("key") != "slot_of") {
        EXPECT_EQ(*value, expected.at("value"))
            << cases[i].at("id") << " " << expected.at("policy") << " " << expected.at("key");
        continue;
      }
      for (const auto& [name, slot] : expected.at("value").items()) {
        EXPECT_EQ(value->at(name), slot) << cases[i].at("id") << " " << expected.at("policy") << " slot of " << name;
      }
    }
  }
  EXPECT_GT(compared, 100U);
}

struct Figures {
  const char* name;
  SlotDag dag;
  int scan, sfpu, fpu;  ///< peaks of linear scan, exact searches
};

/// The table of dst.md 3.2 and the peaks of 2.1.
std::vector<Figures> figures() {
  std::vector<Figures> all;
  all.push_back({"a+b", dag_of({{"s", K::binary, {"a", "b"}}}, {"s"}), 2, 2, 1});
  all.push_back(
      {"exp((a+b)*c)",
       dag_of({{"s", K::binary, {"a", "b"}}, {"p", K::binary, {"s", "c"}, "mul"}, {"e", K::sfpu_unary, {"p"}}}, {"e"}), 2, 2,
       1});
  all.push_back(
      {"abs(a*b), exp(a*b)",
       dag_of({{"m", K::binary, {"a", "b"}, "mul"}, {"r", K::sfpu_unary, {"m"}}, {"e", K::sfpu_unary, {"m"}}}, {"r", "e"}),
       2, 2, 2});
  all.push_back(
      {"sigmoid(a), exp(a), a+b",
       dag_of({{"g", K::sfpu_unary, {"a"}}, {"e", K::sfpu_unary, {"a"}}, {"s", K::binary, {"a", "b"}}}, {"g", "e", "s"}), 4,
       3, 3});
  all.push_back(
      {"r=abs a; exp r, r+b",
       dag_of({{"r", K::sfpu_unary, {"a"}}, {"e", K::sfpu_unary, {"r"}}, {"s", K::binary, {"r", "b"}}}, {"e", "s"}), 3, 2,
       2});
  all.push_back({"(abs x + (x+y)) + x*y",
                 dag_of({{"r", K::sfpu_unary, {"x"}},
                         {"s", K::binary, {"x", "y"}},
                         {"t", K::binary, {"r", "s"}},
                         {"p", K::binary, {"x", "y"}, "mul"},
                         {"f", K::binary, {"t", "p"}}},
                        {"f"}),
                 4, 3, 2});
  all.push_back({"i=a+b; (i+i*c)+exp i",
                 dag_of({{"i", K::binary, {"a", "b"}},
                         {"p", K::binary, {"i", "c"}, "mul"},
                         {"s", K::binary, {"i", "p"}},
                         {"e", K::sfpu_unary, {"i"}},
                         {"f", K::binary, {"s", "e"}}},
                        {"f"}),
                 3, 2, 2});
  all.push_back({"s=a+b; (s-c)+(s*d)",
                 dag_of({{"s", K::binary, {"a", "b"}},
                         {"d1", K::binary, {"s", "c"}, "sub"},
                         {"p", K::binary, {"s", "d"}, "mul"},
                         {"f", K::binary, {"d1", "p"}}},
                        {"f"}),
                 3, 3, 2});
  all.push_back({"((a+b)+c)+a*c",
                 dag_of({{"s1", K::binary, {"a", "b"}},
                         {"s2", K::binary, {"s1", "c"}},
                         {"p", K::binary, {"a", "c"}, "mul"},
                         {"f", K::binary, {"s2", "p"}}},
                        {"f"}),
                 3, 3, 2});
  return all;
}

TEST(FusedCases, PeaksOfTheReferenceTable) {
  for (const Figures& each : figures()) {
    SCOPED_TRACE(each.name);
    EXPECT_EQ(linear_scan(each.dag, {}).slots, each.scan);
    EXPECT_EQ(exact_slots(each.dag, sfpu), each.sfpu);
    EXPECT_EQ(exact_slots(each.dag, fpu), each.fpu);
  }
}

TEST(FusedCases, ThreeTernariesAndMatmulTimesX) {
  const SlotDag where = dag_of({{"w", K::sfpu_ternary, {"c", "a", "b"}}, {"e", K::sfpu_unary, {"w"}}}, {"e"});
  EXPECT_EQ(exact_slots(where, fpu), 3);
  EXPECT_EQ(linear_scan(where, {}).slots, 3);
  // dst.md 3.2: exp(matmul) * x, where only the product of two CB values is an FPU form of its own.
  const SlotDag product =
      dag_of({{"m", K::matmul, {"A", "B"}}, {"e", K::sfpu_unary, {"m"}}, {"f", K::binary, {"e", "x"}, "mul"}}, {"f"});
  EXPECT_EQ(exact_slots(product, sfpu), 2);
  EXPECT_EQ(exact_slots(product, fpu), 1);
}

TEST(FusedCases, CopiesOfTheLinearScan) {
  const std::vector<Figures> all = figures();
  const LinearScan two_unary = linear_scan(all[2].dag, {});
  EXPECT_EQ(two_unary.copies_in_dst, 1);
  EXPECT_EQ(two_unary.copies_from_cb, 0);
  EXPECT_EQ(linear_scan(all[2].dag, {.separate_outputs = true}).slots, 4);
  const LinearScan input_thrice = linear_scan(all[3].dag, {});
  EXPECT_EQ(input_thrice.copies_in_dst, 0);
  EXPECT_EQ(input_thrice.copies_from_cb, 2);
  // Without an operation in place nothing is copied.
  EXPECT_EQ(linear_scan(all[7].dag, {}).copies_in_dst, 0);
  // An output that is read in place must survive for the pack.
  const SlotDag kept = dag_of({{"m", K::binary, {"a", "b"}}, {"e", K::sfpu_unary, {"m"}}}, {"m", "e"});
  EXPECT_EQ(linear_scan(kept, {}).copies_in_dst, 1);
  EXPECT_EQ(linear_scan(kept, {}).slots, 2);
}

TEST(FusedCases, LoadedOnce) {
  // c is wanted by the first and the last operation; loaded once it stays in between.
  const SlotDag dag = dag_of(
      {{"p", K::sfpu_binary, {"a", "c"}}, {"q", K::sfpu_binary, {"p", "b"}}, {"r", K::sfpu_binary, {"q", "c"}}}, {"r"});
  EXPECT_EQ(exact_slots(dag, sfpu), 2);
  EXPECT_EQ(exact_slots(dag, sfpu_once), 3);
}

TEST(FusedCases, DeadOperationsAreDropped) {
  const SlotDag dag = dag_of({{"s", K::binary, {"a", "b"}}, {"dead", K::sfpu_ternary, {"a", "b", "s"}}}, {"s"});
  EXPECT_EQ(without_dead_ops(dag).ops.size(), 1U);
  EXPECT_EQ(exact_slots(dag, sfpu), 2);
}

TEST(FusedCases, SectionsThatCannotBe) {
  const SlotDag dag = dag_of({{"t", K::transpose, {"k"}}, {"s", K::matmul, {"q", "t"}}}, {"s"});
  EXPECT_EQ(obstacle_to_one_section(dag), "s");
  EXPECT_EQ(exact_slots(dag, fpu), std::nullopt);
  const Json answer = answer_cases(R"({"id": "x", "kind": "tile_dag", "inputs": ["q", "k"], "outputs": ["s"], "ops": [
    {"id": "t", "kind": "transpose", "in": ["k"]}, {"id": "s", "kind": "matmul", "in": ["q", "t"]}]})");
  const Json& results = answer.at("cases")[0].at("results");
  EXPECT_EQ(*find_answer(results, "exact_fpu", "fits"), false);
  EXPECT_EQ(find_answer(results, "exact_fpu", "min_slots"), nullptr);
}

/// Plain search over what every slot holds, for the comparison: no order of thought is left out. Slots hold values, or -1.
class EverySchedule {
 public:
  EverySchedule(const SlotDag& dag, ExactRules rules, int capacity) : dag_(dag), rules_(rules), capacity_(capacity) {}
  bool fits() { return reach({0, 0, std::vector<int>(static_cast<std::size_t>(capacity_), untouched)}); }

 private:
  static constexpr int untouched = -2;
  static constexpr int dirty = -1;
  struct State {
    unsigned done, loaded;
    std::vector<int> slots;
    bool operator<(const State& other) const {
      return std::tie(done, loaded, slots) < std::tie(other.done, other.loaded, other.slots);
    }
  };

  [[nodiscard]] bool holds(const State& state, int value) const {
    return std::find(state.slots.begin(), state.slots.end(), value) != state.slots.end();
  }

  bool reach(State state) {
    std::sort(state.slots.begin(), state.slots.end());
    if (!seen_.insert(state).second) return false;
    if (state.done + 1 == 1U << dag_.ops.size() &&
        std::all_of(dag_.outputs.begin(), dag_.outputs.end(), [&](int v) { return holds(state, v); })) {
      return true;
    }
    // Any slot may be overwritten at any time, by a load, a copy, or an operation's result.
    for (std::size_t slot = 0; slot < state.slots.size(); ++slot) {
      if (slot > 0 && state.slots[slot] == state.slots[slot - 1]) continue;
      for (int input = 0; input < dag_.input_count(); ++input) {
        const unsigned mark = 1U << input;
        if (rules_.load_once && (state.loaded & mark) != 0) continue;
        if (put(state, slot, input, state.done, state.loaded | mark)) return true;
      }
      for (const int value : state.slots) {
        if (value >= 0 && put(state, slot, value, state.done, state.loaded)) return true;
      }
      for (std::size_t op = 0; op < dag_.ops.size(); ++op) {
        if ((state.done >> op & 1U) == 0 && run(state, slot, op)) return true;
      }
    }
    return false;
  }

  bool put(State state, std::size_t slot, int value, unsigned done, unsigned loaded) {
    state.slots[slot] = value;
    state.done = done;
    state.loaded = loaded;
    return reach(std::move(state));
  }

  bool run(const State& state, std::size_t slot, std::size_t index) {
    const SlotOp& op = dag_.ops[index];
    const bool mul = op.fn == "mul";
    const auto cb = [&](std::size_t i) { return dag_.is_input(op.in[i]); };
    const auto in_dst = [&](std::size_t i) { return holds(state, op.in[i]); };
    const auto finish = [&] { return put(state, slot, dag_.result_of(index), state.done | 1U << index, state.loaded); };
    const auto finish_clean = [&] { return (!rules_.clean_slots || state.slots[slot] == untouched) && finish(); };
    const auto over = [&](std::size_t i) { return state.slots[slot] == op.in[i] && finish(); };
    switch (op.kind) {
      case K::sfpu_unary:
        return over(0);
      case K::sfpu_binary:
        return in_dst(0) && in_dst(1) && finish();
      case K::sfpu_ternary:
        return in_dst(0) && in_dst(1) && in_dst(2) && finish();
      case K::binary:
        if (in_dst(0) && in_dst(1) && finish()) return true;
        if (!rules_.fpu_forms) return false;
        if (cb(0) && cb(1) && (mul ? finish_clean() : finish())) return true;
        return (cb(0) && over(1)) || (cb(1) && over(0));
      case K::matmul_acc:
        return over(2);
      case K::matmul:
        return finish_clean();
      case K::bcast:
        return mul ? finish_clean() : finish();
      default:
        ADD_FAILURE() << "kind not drawn";
        return false;
    }
  }

  const SlotDag& dag_;
  ExactRules rules_;
  int capacity_;
  std::set<State> seen_;
};

TEST(FusedCases, CleanSlotsCount) {
  // The second product adds into its slot, so the slot that the first one left can't take it.
  const SlotDag dag = dag_of({{"p", K::fpu_reduce, {"a"}, "sum"},
                              {"q", K::fpu_reduce, {"b"}, "sum"},
                              {"s", K::sfpu_binary, {"p", "q"}, "max"},
                              {"r", K::fpu_reduce, {"c"}, "sum"},
                              {"t", K::sfpu_binary, {"s", "r"}, "max"}},
                             {"t"});
  EXPECT_EQ(exact_slots(dag, fpu), 2);
  EXPECT_EQ(exact_slots(dag, fpu_clean), 3);
  // A product of two inputs has a way round that: one is loaded, the other comes by dest-reuse, which clears for itself.
  const SlotDag products = dag_of({{"p", K::binary, {"a", "b"}, "mul"},
                                   {"q", K::binary, {"b", "c"}, "mul"},
                                   {"s", K::sfpu_binary, {"p", "q"}, "max"},
                                   {"r", K::binary, {"c", "d"}, "mul"},
                                   {"t", K::sfpu_binary, {"s", "r"}, "max"}},
                                  {"t"});
  EXPECT_EQ(exact_slots(products, fpu), 2);
  EXPECT_EQ(exact_slots(products, fpu_clean), 2);
  EXPECT_FALSE(EverySchedule(products, fpu_clean, 1).fits());
  EXPECT_TRUE(EverySchedule(products, fpu_clean, 2).fits());
}

SlotDag random_dag(std::mt19937& random, std::size_t op_count) {
  const auto draw = [&](int below) { return static_cast<int>(random() % static_cast<unsigned>(below)); };
  SlotDag dag{.inputs = {"a", "b", "c"}, .ops = {}, .outputs = {}};
  while (dag.ops.size() < op_count) {
    constexpr std::array<SlotKind, 10> kinds{K::bcast,      K::binary,      K::binary,       K::binary, K::sfpu_unary,
                                             K::sfpu_unary, K::sfpu_binary, K::sfpu_ternary, K::matmul, K::matmul_acc};
    SlotOp op;
    op.name.append("v").append(std::to_string(dag.ops.size()));
    op.kind = kinds[static_cast<std::size_t>(draw(10))];
    op.fn = draw(2) == 0 ? "mul" : "add";
    const int known = dag.result_of(dag.ops.size());
    const bool from_cb = op.kind == K::bcast || op.kind == K::matmul || op.kind == K::matmul_acc;
    const std::size_t operands = op.kind == K::sfpu_unary                                 ? 1
                                 : op.kind == K::sfpu_ternary || op.kind == K::matmul_acc ? 3
                                                                                          : 2;
    for (std::size_t i = 0; i < operands; ++i) op.in.push_back(draw(from_cb && i < 2 ? 3 : known));
    dag.ops.push_back(op);
  }
  for (std::size_t i = 0; i < op_count; ++i) {
    if (i + 1 == op_count || draw(5) == 0) dag.outputs.push_back(dag.result_of(i));
  }
  return without_dead_ops(dag);
}

std::string text_of(const SlotDag& dag) {
  std::string text;
  for (const SlotOp& op : dag.ops) {
    text.append(op.name).append(" = ").append(name_of(op.kind)).append(".").append(op.fn).append("(");
    for (const int value : op.in) text.append(" ").append(dag.name_of(value));
    text.append(" ); ");
  }
  return text;
}

TEST(FusedCases, ExactSearchAgreesWithEverySchedule) {
  std::mt19937 random(11);
  for (int round = 0; round < 250; ++round) {
    const SlotDag dag = random_dag(random, 2 + round % 4);
    for (const ExactRules rules : {sfpu, sfpu_once, fpu, fpu_clean}) {
      const std::optional<int> slots = exact_slots(dag, rules);
      ASSERT_TRUE(slots.has_value());
      if (*slots > 4) continue;
      SCOPED_TRACE(testing::Message() << "round " << round << ": " << text_of(dag) << *slots);
      EXPECT_TRUE(EverySchedule(dag, rules, *slots).fits());
      EXPECT_FALSE(EverySchedule(dag, rules, *slots - 1).fits());
    }
  }
}

// Without its bounds the search would take years: the test's time-out holds it.
TEST(FusedCases, TwentyOperationsAreSearched) {
  std::mt19937 random(5);
  for (int round = 0; round < 40; ++round) {
    const SlotDag dag = random_dag(random, 20);
    int slots = 99;
    for (const ExactRules rules : {sfpu, sfpu_once, fpu, fpu_clean}) {
      const std::optional<int> found = exact_slots(dag, rules);
      ASSERT_TRUE(found.has_value());
      slots = std::min(slots, *found);
    }
    EXPECT_GE(slots, static_cast<int>(dag.outputs.size()));
  }
}

TEST(FusedCases, Subblocks) {
  const auto table = [](SubblockTable which, TileRect block, int budget) {
    return table_subblock(which, block, budget).value();
  };
  EXPECT_EQ(table(SubblockTable::matmul, {4, 4}, 8), (TileRect{4, 2}));
  EXPECT_EQ(table(SubblockTable::sdpa, {4, 4}, 8), (TileRect{2, 4}));
  EXPECT_EQ(table(SubblockTable::matmul, {7, 5}, 8), (TileRect{7, 1}));
  EXPECT_EQ(table(SubblockTable::sdpa, {7, 5}, 4), (TileRect{1, 1}));
  EXPECT_EQ(table(SubblockTable::matmul, {3, 6}, 4), (TileRect{3, 1}));
  EXPECT_EQ(table(SubblockTable::sdpa, {3, 6}, 4), (TileRect{1, 3}));
  EXPECT_EQ(table(SubblockTable::autotuner_fast, {8, 8}, 8), (TileRect{1, 8}));
  EXPECT_EQ(table(SubblockTable::autotuner_fast, {8, 4}, 8), (TileRect{8, 1}));
  EXPECT_FALSE(table_subblock(SubblockTable::matmul, {4, 4}, 0));
  EXPECT_EQ(divisor_subblock({4, 4}, 8), (std::vector<int>{2, 4}));
  EXPECT_EQ(divisor_subblock({11, 13}, 8), (std::vector<int>{1, 1}));
  EXPECT_EQ(divisor_subblock({6, 4}, 6), (std::vector<int>{3, 2}));
  EXPECT_EQ(divisor_subblock({2, 3, 4}, 8), (std::vector<int>{2, 1, 4}));
  const auto peel = [](TileRect block, int budget) {
    const std::optional<Peel> found = peeled_subblock(block, budget);
    return found ? std::pair(found->main, found->remainder) : std::pair(TileRect{0, 0}, TileRect{0, 0});
  };
  EXPECT_EQ(peel({1, 13}, 8), (std::pair(TileRect{1, 8}, TileRect{1, 5})));
  EXPECT_EQ(peel({11, 2}, 8), (std::pair(TileRect{4, 2}, TileRect{3, 2})));
  EXPECT_FALSE(peeled_subblock({7, 1}, 8));
  EXPECT_FALSE(peeled_subblock({3, 3}, 8));
}

TEST(FusedCases, UnpacksOfAMatmulSubblock) {
  // dst.md 3.3
  const std::vector<std::pair<TileRect, int>> known{{{1, 1}, 2}, {{2, 2}, 4},  {{1, 4}, 5},  {{4, 2}, 6},
                                                    {{3, 3}, 9}, {{2, 8}, 10}, {{4, 4}, 12}, {{1, 16}, 17}};
  for (const auto& [shape, tiles] : known) EXPECT_EQ(unpack_tiles_per_k(shape), tiles) << shape.h << "x" << shape.w;
}

TEST(FusedCases, ScratchPacking) {
  const auto pack = [](const std::vector<ScratchSlot>& slots) { return pack_scratch(slots); };
  // b and c never live together; d meets both and fits between nothing.
  const ScratchPacking packed = pack({{"a", 4, 0, 5}, {"b", 2, 0, 1}, {"c", 2, 2, 3}, {"d", 1, 1, 2}});
  EXPECT_EQ(packed.offsets, (std::vector<int>{0, 4, 4, 6}));
  EXPECT_EQ(packed.peak, 7);
  // A gap below is used if it is large enough.
  EXPECT_EQ(pack({{"a", 4, 0, 1}, {"b", 3, 0, 9}, {"c", 3, 5, 9}, {"d", 1, 5, 9}}).offsets, (std::vector<int>{0, 4, 0, 3}));
  // Ends are included; names are in the order of their numbers.
  EXPECT_EQ(pack({{"s10", 2, 0, 1}, {"s9", 2, 1, 2}}).offsets, (std::vector<int>{2, 0}));
  EXPECT_EQ(pack({}).peak, 0);
}

TEST(FusedCases, FilesWithErrors) {
  const auto load = [](const std::string& text) { return refusal([&] { (void)load_cases(text); }); };
  EXPECT_EQ(load("{\n \"cases\": [}"), "not JSON: line 2, column 12");
  EXPECT_EQ(load("{\"a\": "), "not JSON: line 1, column 7: the text ends there");
  EXPECT_EQ(load("[1]"), "case file: is array, not an object");
  EXPECT_EQ(load(R"({"cases": 3})"), "case file: 'cases' is number, not a list");
  EXPECT_EQ(load(R"({"id": "x", "kind": "poem"})"), "case 'x': unknown kind 'poem'");
  EXPECT_EQ(load(R"({"cases": [{"id": "x", "kind": "note"}, {"id": "x", "kind": "note"}]})"), "case 'x': the id is taken");
  const auto ops = [&](const std::string& list, const std::string& outputs = R"(["f"])") {
    return load(R"({"id": "x", "kind": "tile_dag", "inputs": ["a", "b"], "outputs": )" + outputs + R"(, "ops": [)" + list +
                "]}");
  };
  EXPECT_EQ(ops(R"({"id": "f", "kind": "binary", "in": ["a", "z"]})"),
            "case 'x', op 'f': reads 'z', which is neither an input nor an operation (2 inputs, 0 operations)");
  EXPECT_EQ(ops(R"({"id": "f", "kind": "sum", "in": ["a"]})"), "case 'x', op 'f': unknown kind 'sum'");
  EXPECT_EQ(ops(R"({"id": "f", "kind": "binary", "in": ["a"]})"), "case 'x', op 'f': 1 operands, binary takes 2");
  EXPECT_EQ(ops(R"({"id": "f", "kind": "sfpu_unary", "in": ["g"]}, {"id": "g", "kind": "sfpu_unary", "in": ["f"]})"),
            "case 'x', op 'f': depends on itself through 'g'");
  EXPECT_EQ(ops(R"({"id": "a", "kind": "sfpu_unary", "in": ["b"]})"), "case 'x', op 'a': the name is taken");
  EXPECT_EQ(ops(R"({"id": "f", "kind": "sfpu_unary", "in": "a"})"), "case 'x', op 'f': 'in' is string, not a list");
  EXPECT_EQ(ops(R"(7)"), "case 'x', op 0: is number, not an object");
  EXPECT_EQ(ops(R"({"id": "f", "kind": "sfpu_unary", "in": ["a"]})", R"(["q"])"),
            "case 'x': 'outputs' lists 'q', which is neither an input nor an operation");
  EXPECT_EQ(ops(R"({"id": "f", "kind": "sfpu_unary", "in": ["a"]})", "[]"), "case 'x': 'outputs' is empty");
  EXPECT_EQ(load(R"({"id": "x", "kind": "subblock", "block": [4, -1]})"),
            "case 'x': 'block' has -1, which is not from 1 to 4096");
  EXPECT_EQ(load(R"({"id": "x", "kind": "subblock", "block": [1.5, 1]})"), "case 'x': 'block' has 1.5, not a whole number");
  EXPECT_EQ(load(R"({"id": "x", "kind": "scratch_packing", "scratch": {"s": [1, [3, 2]]}})"),
            "case 'x': 'scratch.s' ends at 2, before it begins at 3");
}

TEST(FusedCases, OperationsInAnyOrder) {
  const std::vector<Case> cases = load_cases(R"({"id": "x", "inputs": ["a"], "outputs": ["f"], "ops": [
    {"id": "f", "kind": "sfpu_unary", "fn": "exp", "in": ["g"]}, {"id": "g", "kind": "sfpu_unary", "fn": "abs", "in": ["a"]}]})");
  ASSERT_EQ(cases.size(), 1U);
  EXPECT_EQ(cases[0].dag.ops[0].name, "g");
  EXPECT_EQ(to_graph(cases[0]).op(1).name, "f");
}

const Case& public_case(const std::vector<Case>& cases, const std::string& id) {
  return *std::find_if(cases.begin(), cases.end(), [&](const Case& each) { return each.id == id; });
}

TEST(FusedCases, GraphsOfPublicCases) {
  const std::vector<Case> cases = load_cases(public_cases());
  for (const Case& each : cases) {
    if (each.kind != CaseKind::tile_dag) continue;
    const Graph graph = to_graph(each);
    EXPECT_EQ(graph.ops().size(), each.dag.ops.size()) << each.id;
    EXPECT_EQ(graph.outputs().size(), each.dag.outputs.size()) << each.id;
    if (each.id == "fa-02-rowmax") continue;
    EXPECT_EQ(text_of(graph.value(graph.outputs()[0]).shape),
              std::to_string(each.block[0]) + "x" + std::to_string(each.block[1]))
        << each.id;
  }
  const Graph scores = to_graph(public_case(cases, "fa-01-scores-bf16"));
  EXPECT_EQ(text_of(scores.value(scores.find("Q")).shape), "2x1");
  EXPECT_EQ(text_of(scores.value(scores.find("K")).shape), "1x2");
  EXPECT_EQ(text_of(scores.value(scores.find("m")).shape), "2x2");
  const Graph row_max = to_graph(public_case(cases, "fa-02-rowmax"));
  EXPECT_EQ(text_of(row_max.value(row_max.find("S0")).shape), "1x1");
  EXPECT_EQ(text_of(row_max.value(row_max.find("prev")).shape), "1x1e");
  EXPECT_EQ(row_max.op(3).pool, Pool::max);
  EXPECT_TRUE(row_max.op(3).accumulate);
  const Graph normalise = to_graph(public_case(cases, "fa-07-normalise"));
  EXPECT_EQ(text_of(normalise.value(normalise.find("r")).shape), "2x1e");
  EXPECT_EQ(normalise.op(0).form, FormRule::cb_only);
}

Graph graph_of(const std::string& fields) {
  return to_graph(load_cases(R"({"id": "x", "block": [2, 3], )" + fields + "}").at(0));
}

TEST(FusedCases, ShapesOfGraphs) {
  const Graph attention = graph_of(R"("inputs": ["Q", "K", "prev", "V"], "outputs": ["o"], "ops": [
    {"id": "s", "kind": "matmul", "in": ["Q", "K"], "k": 4, "transpose_b": true},
    {"id": "m", "kind": "reduce_acc", "fn": "max", "in": ["s", "prev"]},
    {"id": "d", "kind": "binary", "fn": "sub", "in": ["s", "m"]},
    {"id": "e", "kind": "sfpu_unary", "fn": "exp", "in": ["d"]},
    {"id": "o", "kind": "matmul", "in": ["e", "V"], "k": 5}])");
  const auto shape = [](const Graph& graph, const char* name) { return text_of(graph.value(graph.find(name)).shape); };
  EXPECT_EQ(shape(attention, "Q"), "2x4");
  EXPECT_EQ(shape(attention, "K"), "5x4");
  EXPECT_EQ(shape(attention, "prev"), "2x1e");
  EXPECT_EQ(shape(attention, "e"), "2x5");
  EXPECT_EQ(shape(attention, "V"), "5x3");
  EXPECT_EQ(shape(attention, "o"), "2x3");
  const Graph given = graph_of(R"("inputs": ["a", "b"], "outputs": ["f"], "shapes": {"a": [2, 4], "b": [2, 0]}, "ops": [
    {"id": "f", "kind": "binary", "fn": "mul", "in": ["a", "b"]}])");
  EXPECT_EQ(shape(given, "f"), "2x4");
  EXPECT_EQ(shape(given, "b"), "2x1e");
  const Graph follows = graph_of(R"("inputs": ["a", "l"], "outputs": ["f"], "ops": [
    {"id": "r", "kind": "fpu_reduce", "fn": "sum", "dim": "col", "in": ["a"]}, {"id": "f", "kind": "binary", "fn": "add", "in": ["l", "r"]}])");
  EXPECT_EQ(shape(follows, "l"), "1ex3");
  EXPECT_EQ(shape(follows, "f"), "1ex3");
}

TEST(FusedCases, GraphsWithErrors) {
  const auto refused = [](const std::string& fields) { return refusal([&] { (void)graph_of(fields); }); };
  EXPECT_EQ(
      refused(
          R"("inputs": ["a"], "outputs": ["f"], "ops": [{"id": "f", "kind": "sfpu_unary", "fn": "frobnicate", "in": ["a"]}])"),
      "case 'x': operation 'f': unknown function 'frobnicate'");
  EXPECT_EQ(
      refused(
          R"("inputs": ["a", "b"], "outputs": ["f"], "ops": [{"id": "f", "kind": "binary", "fn": "exp", "in": ["a", "b"]}])"),
      "case 'x': operation 'f': 'exp' is no binary");
  EXPECT_EQ(refused(R"("inputs": ["a", "b"], "outputs": ["f"], "shapes": {"a": [2, 4], "b": [2, 3]},
                       "ops": [{"id": "f", "kind": "binary", "fn": "add", "in": ["a", "b"]}])"),
            "case 'x': operation 'f': 4 tiles against 3 tiles in one dimension");
  EXPECT_EQ(refused(R"("inputs": ["a", "b"], "outputs": ["f"], "shapes": {"a": [2, 4]},
                       "ops": [{"id": "f", "kind": "matmul", "in": ["a", "b"], "k": 3}])"),
            "case 'x': operation 'f': 4 tiles against 3 tiles in one dimension");
}

}  // namespace
}  // namespace tilegrid::planner
