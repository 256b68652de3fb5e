// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <stdexcept>
#include <tt-metalium/host_api.hpp>
#include <tt-metalium/tensor_accessor_args.hpp>

namespace tt::tt_metal {
namespace {

using tensor_accessor::ArgConfig;

}  // namespace

TensorAccessorArgs::TensorAccessorArgs(const Buffer& buffer, tensor_accessor::ArgsConfig config)
    : TensorAccessorArgs(&buffer, config) {}

TensorAccessorArgs::TensorAccessorArgs(const Buffer* buffer, tensor_accessor::ArgsConfig config) : buffer_(buffer) {
  if (buffer == nullptr) return;
  if (buffer->has_shard_spec()) config_ = config | ArgConfig::Sharded;
  if (buffer->is_dram()) config_ = config_ | ArgConfig::IsDram;
}

TensorAccessorArgs TensorAccessorArgs::create_dram_interleaved() {
  TensorAccessorArgs args;
  args.config_ = ArgConfig::IsDram;
  return args;
}

/// The order that the device side reads: rank, banks, shape of the tensor and of a shard in pages, NoC coordinates of the
/// banks, two to a word; of DRAM the numbers of the banks, as x. What the configuration leaves to common runtime arguments
/// is there in the same order.
void TensorAccessorArgs::append_sharded(std::vector<std::uint32_t>& args, bool runtime) const {
  const ShardSpecBuffer spec = buffer_->shard_spec();
  const std::array<std::uint32_t, 2> shard = spec.shape_in_pages();
  const std::vector<CoreCoord> cores =
      corerange_to_cores(spec.grid(), std::nullopt, spec.orientation() == ShardOrientation::ROW_MAJOR);
  const auto here = [&](ArgConfig which) { return config_.test(which) == runtime; };
  if (here(ArgConfig::RuntimeRank)) args.push_back(2);
  if (here(ArgConfig::RuntimeNumBanks)) args.push_back(static_cast<std::uint32_t>(cores.size()));
  if (here(ArgConfig::RuntimeTensorShape)) {
    args.insert(args.end(), spec.tensor2d_shape_in_pages.begin(), spec.tensor2d_shape_in_pages.end());
  }
  if (here(ArgConfig::RuntimeShardShape)) args.insert(args.end(), shard.begin(), shard.end());
  if (!here(ArgConfig::RuntimeBankCoords)) return;
  for (std::size_t i = 0; i < cores.size(); ++i) {
    const CoreCoord at = buffer_->is_dram() ? cores[i] : buffer_->device()->worker_core_from_logical_core(cores[i]);
    const auto word = static_cast<std::uint32_t>((at.x & 0xFFU) << 8U | (at.y & 0xFFU));
    if (i % 2 == 0) {
      args.push_back(word);
    } else {
      args.back() |= word << 16U;
    }
  }
}

void TensorAccessorArgs::append_to(std::vector<std::uint32_t>& compile_time_args) const {
  if ((config_.raw() & static_cast<std::uint8_t>(ArgConfig::Runtime)) != 0) {
    throw std::runtime_error("TensorAccessorArgs: its configuration needs common runtime arguments, too");
  }
  compile_time_args.push_back(config_.raw());
  if (config_.test(ArgConfig::Sharded)) append_sharded(compile_time_args, false);
}

void TensorAccessorArgs::append_to(std::vector<std::uint32_t>& compile_time_args,
                                   std::vector<std::uint32_t>& common_runtime_args) const {
  compile_time_args.push_back(config_.raw());
  if (!config_.test(ArgConfig::Sharded)) return;
  append_sharded(compile_time_args, false);
  append_sharded(common_runtime_args, true);
}

std::vector<std::uint32_t> TensorAccessorArgs::get_compile_time_args() const {
  std::vector<std::uint32_t> args;
  std::vector<std::uint32_t> ignored;
  append_to(args, ignored);
  return args;
}

std::vector<std::uint32_t> TensorAccessorArgs::get_common_runtime_args() const {
  std::vector<std::uint32_t> ignored;
  std::vector<std::uint32_t> args;
  append_to(ignored, args);
  return args;
}

}  // namespace tt::tt_metal
