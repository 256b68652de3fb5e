// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kernels/attention/delivery_choice.h"
#include "kernels/attention/kernel_args.h"
#include "kernels/attention/verify/verify.h"
#include "runtime/data/tensors.h"
#include "runtime/workloads/kv_tensors.h"
#include "runtime/workloads/workload.h"

namespace tilegrid::workloads {

/// `tilegrid attention`: flash attention on the grid, verified.
///
///   Session session(&argc, &argv);
///   workloads::Attention attention;
///   attention.config.shape = {.batch = 1, .heads = 4, .kv_heads = 4, .seq_q = 256, .seq_kv = 256, .dim = 64};
///   attention.options.grid = {2, 2};
///   return workloads::run(session, attention);  // 0 when the output is right
class Attention : public Workload {
 public:
  Attention();
  /// As asked for; the grid is that of the options, kv_heads and seq_kv are as many as heads and rows of Q where they are 0.
  /// prepare() completes it.
  attention::Config config;
  std::uint64_t seed = 0;
  attention::Distribution distribution = attention::Distribution::normal;
  std::array<std::string, 3> inputs;  ///< files of Q, K, V; all or none
  std::string out;
  VerifyRequest verify;
  bool show_split = false;
  bool show_plan = false;
  bool hash_output = false;     ///< for comparisons of outputs
  bool v_of_ones = false;       ///< V is all ones, and the output the sums of P's rows: what is measured instead of verified
  bool chunks_for_all = false;  ///< attention::with_chunks_for_all()

  bool q_chunk_chosen = false, k_chunk_chosen = false;
  std::vector<std::vector<attention::WorkItem>> split;   ///< by core index
  std::vector<attention::DeliveryCandidate> candidates;  ///< of --kv auto
  std::optional<std::uint64_t> output_hash;
  std::optional<attention::Verification> verification;
  std::optional<double> row_sum_error;  ///< with a V of ones: the largest distance of such a sum from 1

  [[nodiscard]] About about() const override;
  void register_kernels() const override;
  void check() override;
  void prepare(Device& device) override;
  /// One, or three for the unfused kernel, whose score matrix and mask get buffers.
  std::vector<Program> programs(Device& device) override;
  void upload(Device& device) override;
  void finish(Device& device, report::RunOutcome& outcome) override;
  [[nodiscard]] std::string line() const override;
  [[nodiscard]] double useful_flops() const override { return attention::useful_flops(config); }
  [[nodiscard]] std::uint64_t matmul_tiles() const override { return attention::matmul_tile_count(config, split); }
  void describe(report::Document& document) const override;
  /// As asked for; config has packed_heads() of it once the run is prepared.
  [[nodiscard]] const attention::Shape& shape() const { return asked_shape_ ? *asked_shape_ : config.shape; }
  [[nodiscard]] report::Value work_of(int core) const override;
  [[nodiscard]] std::vector<Choice> choices() const override;

 protected:
  void declare(Flags& flags) override;
  [[nodiscard]] attention::TensorAddresses addresses() const;
  [[nodiscard]] const Buffer& q_buffer() const { return q_.buffer; }
  [[nodiscard]] const Buffer& out_buffer() const { return out_.buffer; }

 private:
  void declare_shape(Flags& flags);
  void load_files();
  void save_output(const attention::OutputTiles& output);
  /// Keys: asked, delivery, cores, columns, rows, teams, dropped_chunks, fallback, candidates (of auto).
  [[nodiscard]] report::Value delivery_figures() const;
  void describe_config(report::Document& document) const;
  [[nodiscard]] std::vector<std::int64_t> output_extents() const;
  [[nodiscard]] std::string mismatch_text() const;
  /// Chunks of another size than with K and V from DRAM: sums are rounded elsewhere.
  [[nodiscard]] bool chunks_differ() const;
  void describe_plans(report::Document& document) const;

  std::optional<int> kv_heads_, seq_kv_;
  std::string steps_;
  attention::Inputs data_;
  Matrices q_, out_;
  KvTensors kv_;
  std::string page_table_;  ///< file
  std::optional<attention::Shape> asked_shape_;
  std::optional<attention::Config> dram_chunks_;  ///< with the chunks that would have been chosen for dram
};

}  // namespace tilegrid::workloads
