// SPDX-License-Identifier: Apache-2.0
#include "runtime/workloads/attention_verify.h"

#include <sys/resource.h>

#include "core/stopwatch.h"
#include "runtime/protocol.h"
#include "runtime/task.h"

namespace tilegrid::workloads {
namespace {

constexpr const char* task_name = "attention/verify";

struct PieceResult {
  attention::VerifySums sums;
  std::uint64_t resident_bytes = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(sums, resident_bytes);
  }
};

std::uint64_t resident_high_water() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

std::vector<std::byte> compare_task(std::span<const std::byte> input) {
  if (input.empty()) return {};
  PieceResult result;
  result.sums = attention::compare(from_bytes<attention::Piece>(input));
  result.resident_bytes = resident_high_water();
  return to_bytes(result);
}

}  // namespace

void register_verify_task() { register_task(task_name, &compare_task); }

Verification verify(Device& device, const attention::Config& config, const VerifyRequest& request, attention::Inputs& inputs,
                    const attention::OutputTiles& output) {
  const Stopwatch watch;
  attention::Pieces pieces(config.shape, request, inputs, output);
  // Rank 0 holds what is on its way to the others: a few MiB when it is rows only, more when keys and values go along.
  const std::size_t round_bytes = (pieces.generates() ? std::size_t{2} : std::size_t{32}) << 20U;
  const auto [first_worker, worker_count] = attention::workers(device.ranks(), config.shape);

  Verification result;
  result.request = request;
  result.resident_bytes.resize(device.ranks());
  attention::VerifySums sums;
  while (!pieces.done()) {
    std::vector<std::vector<std::byte>> round(device.ranks());
    std::size_t bytes = 0;
    for (int worker = 0; worker < worker_count && !pieces.done() && bytes < round_bytes; ++worker) {
      const attention::Piece piece = pieces.next();
      bytes += piece.bytes();
      const int rank = first_worker + worker;
      round[rank] = to_bytes(piece);
    }
    const auto answers = device.map(task_name, round);
    for (std::size_t rank = 0; rank < answers.size(); ++rank) {
      if (answers[rank].empty()) continue;
      const auto answer = from_bytes<PieceResult>(answers[rank]);
      sums.add(answer.sums);
      result.resident_bytes[rank] = answer.resident_bytes;
    }
  }
  result.resident_bytes[0] = resident_high_water();
  result.figures = attention::figures(sums, config.shape.value_dim());
  result.finite = attention::tally_of(output);
  result.gate = attention::gate_for(config, result.figures);
  result.passed = result.finite.passed() && sums.not_finite == 0 && result.figures.correlation > result.gate.correlation &&
                  result.figures.relative_l2 < result.gate.relative_l2;
  result.seconds = watch.seconds();
  return result;
}

}  // namespace tilegrid::workloads
