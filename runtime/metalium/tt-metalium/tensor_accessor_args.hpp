// SPDX-License-Identifier: Apache-2.0
// What a kernel's TensorAccessor has to know of a buffer, as compile-time arguments.
#pragma once

#include <tt-metalium/buffer.hpp>
#include <tt-metalium/distributed.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace tensor_accessor {

enum class ArgConfig : std::uint8_t {
  None = 0,
  Sharded = 1U << 0U,
  IsDram = 1U << 1U,
  RuntimeRank = 1U << 2U,
  RuntimeNumBanks = 1U << 3U,
  RuntimeTensorShape = 1U << 4U,
  RuntimeShardShape = 1U << 5U,
  RuntimeBankCoords = 1U << 6U,
  Runtime = RuntimeRank | RuntimeNumBanks | RuntimeTensorShape | RuntimeShardShape | RuntimeBankCoords,
};
struct ArgsConfig {
  std::uint8_t value = 0;
  constexpr ArgsConfig() = default;
  constexpr ArgsConfig(ArgConfig config) : value(static_cast<std::uint8_t>(config)) {}
  [[nodiscard]] constexpr bool test(ArgConfig config) const { return (value & static_cast<std::uint8_t>(config)) != 0; }
  [[nodiscard]] constexpr std::uint8_t raw() const { return value; }
  friend constexpr ArgsConfig operator|(ArgsConfig a, ArgsConfig b) {
    ArgsConfig both;
    both.value = a.value | b.value;
    return both;
  }
};

}  // namespace tensor_accessor

namespace tt::tt_metal {

class TensorAccessorArgs {
 public:
  TensorAccessorArgs() = default;
  explicit TensorAccessorArgs(const Buffer& buffer, tensor_accessor::ArgsConfig config = {});
  explicit TensorAccessorArgs(const Buffer* buffer, tensor_accessor::ArgsConfig config = {});
  explicit TensorAccessorArgs(const std::shared_ptr<Buffer>& buffer, tensor_accessor::ArgsConfig config = {})
      : TensorAccessorArgs(buffer.get(), config) {}
  explicit TensorAccessorArgs(const distributed::MeshBuffer& buffer, tensor_accessor::ArgsConfig config = {})
      : TensorAccessorArgs(buffer.get_reference_buffer(), config) {}
  explicit TensorAccessorArgs(const distributed::MeshBuffer* buffer, tensor_accessor::ArgsConfig config = {})
      : TensorAccessorArgs(buffer != nullptr ? buffer->get_reference_buffer() : nullptr, config) {}
  explicit TensorAccessorArgs(const std::shared_ptr<distributed::MeshBuffer>& buffer,
                              tensor_accessor::ArgsConfig config = {})
      : TensorAccessorArgs(buffer.get(), config) {}
  [[nodiscard]] static TensorAccessorArgs create_dram_interleaved();
  [[nodiscard]] static TensorAccessorArgs create_l1_interleaved() { return {}; }

  /// Throw std::runtime_error for what would have to be a common runtime argument of a sharded buffer.
  void append_to(std::vector<std::uint32_t>& compile_time_args) const;
  void append_to(std::vector<std::uint32_t>& compile_time_args, std::vector<std::uint32_t>& common_runtime_args) const;
  [[nodiscard]] std::vector<std::uint32_t> get_compile_time_args() const;
  [[nodiscard]] std::vector<std::uint32_t> get_common_runtime_args() const;

 private:
  void append_sharded(std::vector<std::uint32_t>& args, bool runtime) const;

  const Buffer* buffer_ = nullptr;
  tensor_accessor::ArgsConfig config_;
};

}  // namespace tt::tt_metal
