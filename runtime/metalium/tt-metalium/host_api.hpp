// SPDX-License-Identifier: Apache-2.0
// The host's functions of TT-Metalium. All throw std::runtime_error for what the vendor's would refuse; what a kernel does
// wrong, or that it can't be compiled, ends as a tilegrid::Error.
#pragma once

#include <tt-metalium/assert.hpp>
#include <tt-metalium/buffer.hpp>
#include <tt-metalium/circular_buffer_config.hpp>
#include <tt-metalium/constants.hpp>
#include <tt-metalium/core_coord.hpp>
#include <tt-metalium/device.hpp>
#include <tt-metalium/kernel_types.hpp>
#include <tt-metalium/logger.hpp>
#include <tt-metalium/program.hpp>
#include <tt-metalium/span.hpp>

// Programs rely on what the vendor's headers bring along of the standard library.
#include <algorithm>
#include <any>
#include <array>
#include <atomic>
#include <bit>
#include <bitset>
#include <cassert>
#include <chrono>
#include <climits>
#include <cmath>
#include <complex>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <initializer_list>
#include <iomanip>
#include <iostream>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <optional>
#include <queue>
#include <random>
#include <set>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#if FMT_VERSION < 100000
namespace fmt {
/// A line; of later versions of the library.
template <class... Args>
void println(format_string<Args...> format, Args&&... args) {
  print("{}\n", fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void println(std::FILE* file, format_string<Args...> format, Args&&... args) {
  print(file, "{}\n", fmt::format(format, std::forward<Args>(args)...));
}
}  // namespace fmt
#endif

namespace tilegrid::metalium {
/// Where a kernel or a circular buffer is; programs have types of this name of their own.
using CoreSpec = std::variant<tt::tt_metal::CoreCoord, tt::tt_metal::CoreRange, tt::tt_metal::CoreRangeSet>;
}  // namespace tilegrid::metalium

namespace tt::tt_metal {

using KernelConfigs = std::variant<DataMovementConfig, ComputeConfig, EthernetConfig>;

void SetRootDir(const std::string& root_dir);
[[nodiscard]] std::size_t GetNumAvailableDevices();
[[nodiscard]] inline std::size_t GetNumPCIeDevices() { return GetNumAvailableDevices(); }
[[nodiscard]] inline bool IsGalaxyCluster() { return false; }

/// The emulated chip. Every id gives the same one; buffers of an earlier device stay.
IDevice* CreateDevice(int device_id, std::uint8_t num_hw_cqs = 1, std::size_t l1_small_size = DEFAULT_L1_SMALL_SIZE,
                      std::size_t trace_region_size = DEFAULT_TRACE_REGION_SIZE,
                      const DispatchCoreConfig& dispatch_core_config = DispatchCoreConfig{},
                      const std::vector<std::uint32_t>& l1_bank_remap = {},
                      std::size_t worker_l1_size = DEFAULT_WORKER_L1_SIZE);
bool CloseDevice(IDevice* device);
/// The grid's memory as device 0; for programs that ask before they create it.
[[nodiscard]] IDevice* CreateDeviceMinimal(int device_id, std::uint8_t num_hw_cqs = 1,
                                           const DispatchCoreConfig& dispatch_core_config = DispatchCoreConfig{});

[[nodiscard]] Program CreateProgram();
/// `caller` is the host's own source file, near which the kernel's may be.
KernelHandle CreateKernel(const Program& program, const std::string& file_name,
                          const tilegrid::metalium::CoreSpec& core_spec, const KernelConfigs& config,
                          const char* caller = __builtin_FILE());
KernelHandle CreateKernelFromString(const Program& program, const std::string& kernel_src_code,
                                    const tilegrid::metalium::CoreSpec& core_spec, const KernelConfigs& config,
                                    const char* caller = __builtin_FILE());

CBHandle CreateCircularBuffer(const Program& program, const tilegrid::metalium::CoreSpec& core_spec,
                              const CircularBufferConfig& config);
const CircularBufferConfig& GetCircularBufferConfig(const Program& program, CBHandle cb_handle);
void UpdateCircularBufferTotalSize(const Program& program, CBHandle cb_handle, std::uint32_t total_size);
void UpdateCircularBufferPageSize(const Program& program, CBHandle cb_handle, std::uint8_t buffer_index,
                                  std::uint32_t page_size);
void UpdateDynamicCircularBufferAddress(const Program& program, CBHandle cb_handle, const Buffer& buffer);
void UpdateDynamicCircularBufferAddressAndTotalSize(const Program& program, CBHandle cb_handle, const Buffer& buffer,
                                                    std::uint32_t total_size);

std::uint32_t CreateSemaphore(const Program& program, const std::variant<CoreRange, CoreRangeSet>& core_spec,
                              std::uint32_t initial_value, CoreType core_type = CoreType::WORKER);

/// A semaphore that lives from program to program, at one address on all its cores.
class GlobalSemaphore {
 public:
  GlobalSemaphore(IDevice* device, const CoreRangeSet& cores, std::uint32_t initial_value);
  [[nodiscard]] IDevice* device() const { return device_; }
  [[nodiscard]] DeviceAddr address() const { return buffer_->address(); }
  void reset_semaphore_value(std::uint32_t value) const;

 private:
  IDevice* device_;
  CoreRangeSet cores_;
  std::shared_ptr<Buffer> buffer_;
};
[[nodiscard]] GlobalSemaphore CreateGlobalSemaphore(IDevice* device, const CoreRangeSet& cores, std::uint32_t initial_value,
                                                    BufferType buffer_type = BufferType::L1);

[[nodiscard]] std::shared_ptr<Buffer> CreateBuffer(const InterleavedBufferConfig& config);
[[nodiscard]] std::shared_ptr<Buffer> CreateBuffer(const InterleavedBufferConfig& config, DeviceAddr address);
[[nodiscard]] std::shared_ptr<Buffer> CreateBuffer(const ShardedBufferConfig& config);
[[nodiscard]] std::shared_ptr<Buffer> CreateBuffer(const ShardedBufferConfig& config, DeviceAddr address);
inline void AssignGlobalBufferToProgram(const std::shared_ptr<Buffer>&, const Program&) {}

using RuntimeArgs = std::vector<std::variant<Buffer*, std::uint32_t>>;
void SetRuntimeArgs(const Program& program, KernelHandle kernel, const tilegrid::metalium::CoreSpec& core_spec,
                    stl::Span<const std::uint32_t> runtime_args);
void SetRuntimeArgs(const Program& program, KernelHandle kernel, const tilegrid::metalium::CoreSpec& core_spec,
                    std::initializer_list<std::uint32_t> runtime_args);
inline void SetRuntimeArgs(const Program& program, KernelHandle kernel, const tilegrid::metalium::CoreSpec& core_spec,
                           const std::vector<std::uint32_t>& runtime_args) {
  SetRuntimeArgs(program, kernel, core_spec, stl::Span<const std::uint32_t>(runtime_args));
}
void SetRuntimeArgs(const Program& program, KernelHandle kernel, const std::vector<CoreCoord>& cores,
                    const std::vector<std::vector<std::uint32_t>>& runtime_args);
/// The form of the years before: a buffer stands for its address.
void SetRuntimeArgs(const Program& program, KernelHandle kernel, const tilegrid::metalium::CoreSpec& core_spec,
                    const std::shared_ptr<RuntimeArgs>& runtime_args);
void SetCommonRuntimeArgs(const Program& program, KernelHandle kernel, stl::Span<const std::uint32_t> runtime_args);
void SetCommonRuntimeArgs(const Program& program, KernelHandle kernel, std::initializer_list<std::uint32_t> runtime_args);
/// To read and to change.
[[nodiscard]] RuntimeArgsData& GetRuntimeArgs(const Program& program, KernelHandle kernel, const CoreCoord& core);
/// By column and row.
[[nodiscard]] std::vector<std::vector<RuntimeArgsData>>& GetRuntimeArgs(const Program& program, KernelHandle kernel);
[[nodiscard]] RuntimeArgsData& GetCommonRuntimeArgs(const Program& program, KernelHandle kernel);

/// Buffers as queues take them.
using BufferReference = std::variant<std::reference_wrapper<Buffer>, std::shared_ptr<Buffer>>;
[[nodiscard]] Buffer& buffer_of(const BufferReference& buffer);

/// Bytes from and to a buffer, from its beginning on; fewer than it has are a part of it.
void write_bytes(Buffer& buffer, const void* data, std::size_t bytes);
void read_bytes(Buffer& buffer, void* data, std::size_t bytes);

void EnqueueWriteBuffer(CommandQueue& queue, const BufferReference& buffer, const HostDataType& data, bool blocking);
template <class T>
void EnqueueWriteBuffer(CommandQueue&, const BufferReference& buffer, const std::vector<T>& data, bool) {
  write_bytes(buffer_of(buffer), data.data(), data.size() * sizeof(T));
}
void EnqueueReadBuffer(CommandQueue& queue, const BufferReference& buffer, void* data, bool blocking);
template <class T>
void EnqueueReadBuffer(CommandQueue&, const BufferReference& buffer, std::vector<T>& data, bool) {
  Buffer& from = buffer_of(buffer);
  data.resize(from.size() / sizeof(T));
  read_bytes(from, data.data(), data.size() * sizeof(T));
}
void EnqueueProgram(CommandQueue& queue, Program& program, bool blocking);
inline void EnqueueProgram(CommandQueue& queue, const std::shared_ptr<Program>& program, bool blocking) {
  EnqueueProgram(queue, *program, blocking);
}
/// Nothing is under way when a call has returned: what follows waits for nothing.
inline void Finish(CommandQueue&, stl::Span<const SubDeviceId> = {}) {}
struct Event {
  IDevice* device = nullptr;
  std::uint32_t cq_id = 0;
  std::uint32_t event_id = 0;
};
inline void EnqueueRecordEvent(CommandQueue&, const std::shared_ptr<Event>&, stl::Span<const SubDeviceId> = {}) {}
inline void EnqueueWaitForEvent(CommandQueue&, const std::shared_ptr<Event>&) {}
inline void EventSynchronize(const std::shared_ptr<Event>&) {}
inline bool EventQuery(const std::shared_ptr<Event>&) { return true; }
inline void Synchronize(IDevice*, std::optional<std::uint8_t> = std::nullopt, stl::Span<const SubDeviceId> = {}) {}
/// Traces: said once, and refused.
std::uint32_t BeginTraceCapture(IDevice* device, std::uint8_t cq_id);
void EndTraceCapture(IDevice* device, std::uint8_t cq_id, std::uint32_t trace_id);
void ReplayTrace(IDevice* device, std::uint8_t cq_id, std::uint32_t trace_id, bool blocking);
void ReleaseTrace(IDevice* device, std::uint32_t trace_id);
void EnqueueTrace(CommandQueue& queue, std::uint32_t trace_id, bool blocking);
/// Device time is in tilegrid's own report.
inline void DumpDeviceProfileResults(IDevice*, const Program&) {}

}  // namespace tt::tt_metal

namespace tt::tt_metal::v0 {
using namespace tt::tt_metal;  // NOLINT(google-build-using-namespace): what the namespace is for
}
