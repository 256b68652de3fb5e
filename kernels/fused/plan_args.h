// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kernels/fused/plan.h"
#include "kernels/program.h"

/// Plans as kernel arguments. A kernel has 341 words of each kind (tensix.md 1.1), and a stage may have hundreds of
/// instructions; so they are stored field by field as differences, which repeat from tile to tile, and then compressed.
namespace tilegrid::fused {

class ByteWriter {
 public:
  void number(std::int64_t value);
  void text(const std::string& value);
  void byte(std::uint8_t value) { bytes_.push_back(value); }
  [[nodiscard]] const std::vector<std::uint8_t>& bytes() const { return bytes_; }

 private:
  std::vector<std::uint8_t> bytes_;
};

/// Reads what a ByteWriter wrote, in the same order. Throws std::logic_error behind the end.
class ByteReader {
 public:
  explicit ByteReader(std::vector<std::uint8_t> bytes) : bytes_(std::move(bytes)) {}
  [[nodiscard]] std::int64_t number();
  [[nodiscard]] std::string text();
  [[nodiscard]] std::uint8_t byte();
  [[nodiscard]] bool at_end() const { return at_ == bytes_.size(); }

 private:
  std::vector<std::uint8_t> bytes_;
  std::size_t at_ = 0;
};

/// The parts of a plan that a core needs: the graph, precision and DST format, stages and buffers.
void write_plan(ByteWriter& out, const Plan& plan);
[[nodiscard]] Plan read_plan(ByteReader& in);

/// Makes the bytes the kernel's compile-time arguments, and what exceeds their number its common arguments. Throws
/// UsageError when both together are too few.
void set_arguments(KernelConfig& kernel, std::span<const std::uint8_t> bytes);
/// The bytes that set_arguments gave to the running kernel.
[[nodiscard]] std::vector<std::uint8_t> arguments_of_this_kernel();

/// Compression by repetitions (LZ77 with byte tokens), and its reverse.
[[nodiscard]] std::vector<std::uint8_t> compressed(std::span<const std::uint8_t> bytes);
[[nodiscard]] std::vector<std::uint8_t> expanded(std::span<const std::uint8_t> bytes);

}  // namespace tilegrid::fused
