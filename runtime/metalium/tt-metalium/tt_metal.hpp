// SPDX-License-Identifier: Apache-2.0
// tt::tt_metal::detail: programs and memory without a queue.
#pragma once

#include <tt-metalium/profiler_common.h>
#include <tt-metalium/host_api.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

namespace tt::tt_metal {

enum class ProfilerReadState : std::uint8_t { NORMAL, ONLY_DISPATCH_CORES, LAST_FD_READ };
enum class ProfilerDumpState : std::uint8_t { NORMAL, ONLY_DISPATCH_CORES, LAST_FD_DUMP };

namespace detail {

bool CompileProgram(IDevice* device, Program& program, bool force_slow_dispatch = false);
void LaunchProgram(IDevice* device, Program& program, bool wait_until_cores_done = true, bool force_slow_dispatch = false);
inline void LaunchProgram(IDevice* device, const std::shared_ptr<Program>& program, bool wait_until_cores_done = true) {
  LaunchProgram(device, *program, wait_until_cores_done);
}
inline void WaitProgramDone(IDevice*, Program&, bool = true) {}
/// Compiled kernels are kept from run to run always.
inline void EnablePersistentKernelCache() {}
inline void DisablePersistentKernelCache() {}
inline void ClearKernelCache() {}
inline bool ConfigureDeviceWithProgram(IDevice*, Program&, bool = false) { return true; }
inline void WriteRuntimeArgsToDevice(IDevice*, Program&, bool = false) {}

template <class T>
void WriteToBuffer(Buffer& buffer, const std::vector<T>& data) {
  write_bytes(buffer, data.data(), data.size() * sizeof(T));
}
template <class T>
void WriteToBuffer(const std::shared_ptr<Buffer>& buffer, const std::vector<T>& data) {
  WriteToBuffer(*buffer, data);
}
template <class T>
void ReadFromBuffer(Buffer& buffer, std::vector<T>& data) {
  data.resize(buffer.size() / sizeof(T));
  read_bytes(buffer, data.data(), data.size() * sizeof(T));
}
template <class T>
void ReadFromBuffer(const std::shared_ptr<Buffer>& buffer, std::vector<T>& data) {
  ReadFromBuffer(*buffer, data);
}
/// The shard of a core, by its number.
void ReadShard(Buffer& buffer, std::vector<std::uint32_t>& data, const std::uint32_t& core_id);

bool WriteToDeviceL1(IDevice* device, const CoreCoord& core, std::uint32_t address, const std::vector<std::uint32_t>& data,
                     CoreType core_type = CoreType::WORKER);
bool WriteToDeviceL1(IDevice* device, const CoreCoord& core, std::uint32_t address, stl::Span<const std::uint8_t> data,
                     CoreType core_type = CoreType::WORKER);
bool ReadFromDeviceL1(IDevice* device, const CoreCoord& core, std::uint32_t address, std::uint32_t size,
                      std::vector<std::uint32_t>& data, CoreType core_type = CoreType::WORKER);
bool WriteToDeviceDRAMChannel(IDevice* device, int channel, std::uint32_t address, const std::vector<std::uint32_t>& data);
bool ReadFromDeviceDRAMChannel(IDevice* device, int channel, std::uint32_t address, std::uint32_t size,
                               std::vector<std::uint32_t>& data);

[[nodiscard]] std::map<int, IDevice*> CreateDevices(const std::vector<int>& ids, std::uint8_t num_hw_cqs = 1,
                                                    std::size_t l1_small_size = DEFAULT_L1_SMALL_SIZE,
                                                    std::size_t trace_region_size = DEFAULT_TRACE_REGION_SIZE);
void CloseDevices(const std::map<int, IDevice*>& devices);
[[nodiscard]] inline std::uint32_t TileSize(DataFormat format) { return tile_size(format); }
[[nodiscard]] inline bool DispatchStateCheck(bool) { return true; }
inline void SetLazyCommandQueueMode(bool) {}
inline void DeallocateBuffers(IDevice*) {}
inline void ReadDeviceProfilerResults(IDevice*, ProfilerReadState = ProfilerReadState::NORMAL) {}
template <class... Args>
void DumpDeviceProfileResults(IDevice*, const Args&...) {}
inline void InitDeviceProfiler(IDevice*) {}
inline void SetDeviceProfilerDir(const std::string& = {}) {}
inline void FreshProfilerDeviceLog() {}

}  // namespace detail

}  // namespace tt::tt_metal
