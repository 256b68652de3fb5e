// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <map>
#include <stdexcept>
#include <tt-metalium/host_api.hpp>
#include <tt-metalium/program_descriptors.hpp>
#include <unordered_map>

#include "core/l1.h"
#include "runtime/metalium/program_parts.h"

namespace tt::tt_metal {
namespace {

/// What all kinds of kernels are compiled with.
template <class Config>
Config with_arguments(Config config, const KernelDescriptor& kernel) {
  config.compile_args = kernel.compile_time_args;
  config.defines = {kernel.defines.begin(), kernel.defines.end()};
  config.named_compile_args = {kernel.named_compile_time_args.begin(), kernel.named_compile_time_args.end()};
  return config;
}

KernelConfigs config_of(const KernelDescriptor& kernel) {
  return std::visit(ttsl::overloaded{[&](const ReaderConfigDescriptor&) -> KernelConfigs {
                                       return with_arguments<DataMovementConfig>(ReaderDataMovementConfig(), kernel);
                                     },
                                     [&](const WriterConfigDescriptor&) -> KernelConfigs {
                                       return with_arguments<DataMovementConfig>(WriterDataMovementConfig(), kernel);
                                     },
                                     [&](const DataMovementConfigDescriptor& mover) -> KernelConfigs {
                                       DataMovementConfig config;
                                       config.processor = mover.processor;
                                       config.noc = mover.noc;
                                       config.noc_mode = mover.noc_mode;
                                       return with_arguments(config, kernel);
                                     },
                                     [&](const ComputeConfigDescriptor& compute) -> KernelConfigs {
                                       ComputeConfig config;
                                       config.math_fidelity = compute.math_fidelity;
                                       config.fp32_dest_acc_en = compute.fp32_dest_acc_en;
                                       config.dst_full_sync_en = compute.dst_full_sync_en;
                                       config.unpack_to_dest_mode = compute.unpack_to_dest_mode;
                                       config.bfp8_pack_precise = compute.bfp8_pack_precise;
                                       config.math_approx_mode = compute.math_approx_mode;
                                       return with_arguments(config, kernel);
                                     }},
                    kernel.config);
}

void add(const Program& program, const KernelDescriptor& kernel, const char* caller) {
  const auto create =
      kernel.source_type == KernelDescriptor::SourceType::FILE_PATH ? &CreateKernel : &CreateKernelFromString;
  const KernelHandle handle = create(program, kernel.kernel_source, kernel.core_ranges, config_of(kernel), caller);
  for (const auto& [core, args] : kernel.runtime_args) SetRuntimeArgs(program, handle, core, args);
  if (!kernel.common_runtime_args.empty()) {
    SetCommonRuntimeArgs(program, handle, stl::Span<const std::uint32_t>(kernel.common_runtime_args));
  }
}

void add(const Program& program, const CBDescriptor& buffer) {
  if (!buffer.remote_format_descriptors.empty()) throw std::runtime_error("CBDescriptor: there are no remote buffers");
  if (buffer.address_offset != 0) throw std::runtime_error("CBDescriptor: a buffer begins where the one it lies on does");
  std::map<std::uint8_t, DataFormat> formats;
  for (const CBFormatDescriptor& format : buffer.format_descriptors) formats[format.buffer_index] = format.data_format;
  CircularBufferConfig config(buffer.total_size, formats);
  for (const CBFormatDescriptor& format : buffer.format_descriptors) {
    config.set_page_size(format.buffer_index, format.page_size);
    if (format.tile) config.set_tile_dims(format.buffer_index, Tile({format.tile->height, format.tile->width}));
  }
  if (buffer.buffer != nullptr) config.set_globally_allocated_address(*buffer.buffer);
  static_cast<void>(CreateCircularBuffer(program, buffer.core_ranges, config));
}

void add(const Program& program, const SemaphoreDescriptor& semaphore) {
  if (semaphore.id >= static_cast<std::uint32_t>(tilegrid::max_semaphores)) {
    throw std::runtime_error(
        fmt::format("SemaphoreDescriptor: id {}: there are {}", semaphore.id, tilegrid::max_semaphores));
  }
  program.parts().semaphores.push_back(
      {static_cast<int>(semaphore.id), semaphore.initial_value, tilegrid::metalium::ranges_of(semaphore.core_ranges)});
}

}  // namespace

Program::Program(const ProgramDescriptor& descriptor, const char* caller) : Program() {
  for (const CBDescriptor& buffer : descriptor.cbs) add(*this, buffer);
  for (const SemaphoreDescriptor& semaphore : descriptor.semaphores) add(*this, semaphore);
  for (const KernelDescriptor& kernel : descriptor.kernels) add(*this, kernel, caller);
}

}  // namespace tt::tt_metal
