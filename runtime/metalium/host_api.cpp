// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <set>
#include <span>
#include <stdexcept>
#include <tt-metalium/host_api.hpp>
#include <tt-metalium/tt_metal.hpp>
#include <type_traits>

#include "core/l1.h"
#include "runtime/metalium/board.h"
#include "runtime/metalium/buffer_map.h"
#include "runtime/metalium/program_parts.h"

namespace tt::tt_metal {

using tilegrid::metalium::CoreSpec;
namespace {

using tilegrid::metalium::Board;
using tilegrid::metalium::CircularBufferPart;
using tilegrid::metalium::KernelPart;

CoreRangeSet cores_of(const CoreSpec& spec) {
  return std::visit([](const auto& cores) { return CoreRangeSet(CoreRangeSet(cores)); }, spec);
}

KernelPart& kernel_of(const Program& program, KernelHandle kernel) {
  auto& kernels = program.parts().kernels;
  if (kernel >= kernels.size()) {
    throw std::runtime_error(fmt::format("kernel {} of a program with {} kernels", kernel, kernels.size()));
  }
  return kernels[kernel];
}

CircularBufferPart& buffer_of(const Program& program, CBHandle handle) {
  auto& buffers = program.parts().buffers;
  if (handle >= buffers.size()) {
    throw std::runtime_error(fmt::format("circular buffer {} of a program with {}", handle, buffers.size()));
  }
  return buffers[handle];
}

std::vector<std::uint32_t>& args_of(KernelPart& kernel, const CoreCoord& core) {
  const tilegrid::GridSize grid = Board::get().grid();
  if (!grid.contains({static_cast<int>(core.x), static_cast<int>(core.y)})) {
    throw std::runtime_error(fmt::format("runtime arguments of kernel {} for core {}, the grid is {}x{} (TILEGRID_GRID)",
                                         kernel.path.string(), core, grid.x, grid.y));
  }
  return kernel.args[core.x][core.y];
}

/// Its first use has to be on a core that the kernel runs on.
void set_args(KernelPart& kernel, const CoreCoord& core, std::span<const std::uint32_t> args) {
  std::vector<std::uint32_t>& own = args_of(kernel, core);
  if (!kernel.cores.contains(core)) {
    throw std::runtime_error(fmt::format("runtime arguments of kernel {} for core {}, where it does not run: it is on {}",
                                         kernel.path.string(), core, kernel.cores));
  }
  if (args.size() > max_runtime_args) {
    throw std::runtime_error(fmt::format("kernel {}: {} runtime arguments, at most {} are possible", kernel.path.string(),
                                         args.size(), max_runtime_args));
  }
  own.assign(args.begin(), args.end());
}

KernelHandle add_kernel(const Program& program, std::filesystem::path path, std::string text, const CoreSpec& cores,
                        const KernelConfigs& config, const char* caller) {
  if (std::holds_alternative<EthernetConfig>(config)) {
    throw std::runtime_error(
        fmt::format("kernel {}: the emulated chip has no Ethernet cores (EthernetConfig)", path.string()));
  }
  const tilegrid::GridSize grid = Board::get().grid();
  KernelPart part;
  part.path = std::move(path);
  part.text = std::move(text);
  part.caller = caller;
  part.cores = cores_of(cores);
  part.config = config;
  part.args.resize(static_cast<std::size_t>(grid.x));
  for (auto& column : part.args) column.resize(static_cast<std::size_t>(grid.y));
  auto& kernels = program.parts().kernels;
  kernels.push_back(std::move(part));
  return static_cast<KernelHandle>(kernels.size() - 1);
}

}  // namespace

// ---- Devices

void SetRootDir(const std::string& root_dir) { tilegrid::metalium::set_root_directory(root_dir); }

std::size_t GetNumAvailableDevices() { return 1; }

IDevice* CreateDevice(int device_id, std::uint8_t, std::size_t, std::size_t, const DispatchCoreConfig&,
                      const std::vector<std::uint32_t>&, std::size_t) {
  // Some programs never close theirs: all live as long as the process.
  static std::vector<std::unique_ptr<IDevice>> devices;
  return devices.emplace_back(std::make_unique<IDevice>(device_id)).get();
}

IDevice* CreateDeviceMinimal(int device_id, std::uint8_t, const DispatchCoreConfig&) { return CreateDevice(device_id); }

bool CloseDevice(IDevice* device) { return device->close(); }

std::map<int, IDevice*> detail::CreateDevices(const std::vector<int>& ids, std::uint8_t, std::size_t, std::size_t) {
  if (ids.size() > 1) throw std::runtime_error("CreateDevices: one chip is emulated");
  std::map<int, IDevice*> devices;
  for (const int id : ids) devices[id] = CreateDevice(id);
  return devices;
}

void detail::CloseDevices(const std::map<int, IDevice*>& devices) {
  for (const auto& [id, device] : devices) device->close();
}

// ---- Programs

Program::Program() : parts_(std::make_shared<tilegrid::metalium::ProgramParts>()) {
  static std::uint64_t programs = 0;
  parts_->id = programs++;
}
Program::~Program() = default;
Program::Program(Program&&) noexcept = default;
Program& Program::operator=(Program&&) noexcept = default;
std::uint64_t Program::get_id() const { return parts_->id; }
std::size_t Program::num_kernels() const { return parts_->kernels.size(); }

Program CreateProgram() { return {}; }

KernelHandle CreateKernel(const Program& program, const std::string& file_name, const CoreSpec& core_spec,
                          const KernelConfigs& config, const char* caller) {
  return add_kernel(program, file_name, {}, core_spec, config, caller);
}

KernelHandle CreateKernelFromString(const Program& program, const std::string& kernel_src_code, const CoreSpec& core_spec,
                                    const KernelConfigs& config, const char* caller) {
  const std::string name = fmt::format("kernel_from_string_{}.cpp", program.num_kernels());
  return add_kernel(program, name, kernel_src_code, core_spec, config, caller);
}

void SetRuntimeArgs(const Program& program, KernelHandle kernel, const CoreSpec& core_spec,
                    stl::Span<const std::uint32_t> runtime_args) {
  KernelPart& part = kernel_of(program, kernel);
  for (const CoreCoord& core : corerange_to_cores(cores_of(core_spec))) set_args(part, core, runtime_args);
}

void SetRuntimeArgs(const Program& program, KernelHandle kernel, const CoreSpec& core_spec,
                    std::initializer_list<std::uint32_t> runtime_args) {
  SetRuntimeArgs(program, kernel, core_spec, stl::Span<const std::uint32_t>(runtime_args));
}

void SetRuntimeArgs(const Program& program, KernelHandle kernel, const std::vector<CoreCoord>& cores,
                    const std::vector<std::vector<std::uint32_t>>& runtime_args) {
  if (cores.size() != runtime_args.size()) {
    throw std::runtime_error(
        fmt::format("SetRuntimeArgs: {} cores and {} lists of arguments", cores.size(), runtime_args.size()));
  }
  KernelPart& part = kernel_of(program, kernel);
  for (std::size_t i = 0; i < cores.size(); ++i) set_args(part, cores[i], runtime_args[i]);
}

void SetRuntimeArgs(const Program& program, KernelHandle kernel, const CoreSpec& core_spec,
                    const std::shared_ptr<RuntimeArgs>& runtime_args) {
  std::vector<std::uint32_t> words;
  words.reserve(runtime_args->size());
  for (const auto& argument : *runtime_args) {
    const auto* buffer = std::get_if<Buffer*>(&argument);
    words.push_back(buffer != nullptr ? (*buffer)->address() : std::get<std::uint32_t>(argument));
  }
  SetRuntimeArgs(program, kernel, core_spec, words);
}

void SetCommonRuntimeArgs(const Program& program, KernelHandle kernel, stl::Span<const std::uint32_t> runtime_args) {
  kernel_of(program, kernel).common_args.assign(runtime_args.begin(), runtime_args.end());
}

void SetCommonRuntimeArgs(const Program& program, KernelHandle kernel, std::initializer_list<std::uint32_t> runtime_args) {
  kernel_of(program, kernel).common_args = runtime_args;
}

RuntimeArgsData& GetRuntimeArgs(const Program& program, KernelHandle kernel, const CoreCoord& core) {
  return args_of(kernel_of(program, kernel), core);
}

std::vector<std::vector<RuntimeArgsData>>& GetRuntimeArgs(const Program& program, KernelHandle kernel) {
  return kernel_of(program, kernel).args;
}

RuntimeArgsData& GetCommonRuntimeArgs(const Program& program, KernelHandle kernel) {
  return kernel_of(program, kernel).common_args;
}

// ---- Circular buffers and semaphores

CircularBufferConfig::CircularBufferConfig(std::uint32_t total_size, const std::map<std::uint8_t, DataFormat>& formats)
    : total_size_(total_size) {
  for (const auto& [index, format] : formats) at(index).format = format;
}

CircularBufferConfig::CircularBufferConfig(std::uint32_t total_size, const std::map<std::uint8_t, DataFormat>& formats,
                                           const Buffer& buffer)
    : CircularBufferConfig(total_size, formats) {
  set_globally_allocated_address(buffer);
}

CircularBufferConfig::Index& CircularBufferConfig::at(std::uint8_t index) {
  if (index >= NUM_CIRCULAR_BUFFERS) {
    throw std::runtime_error(fmt::format("circular buffer {}: ids are 0 to {}", index, NUM_CIRCULAR_BUFFERS - 1));
  }
  return indices_[index];
}

CircularBufferConfig& CircularBufferConfig::set_page_size(std::uint8_t index, std::uint32_t page_size) {
  if (page_size == 0 || total_size_ % page_size != 0) {
    throw std::runtime_error(fmt::format("circular buffer {}: a total size of {} bytes is not made of pages of {}", index,
                                         total_size_, page_size));
  }
  at(index).page_size = page_size;
  return *this;
}

CircularBufferConfig& CircularBufferConfig::set_total_size(std::uint32_t total_size) {
  total_size_ = total_size;
  for (const auto& [id, index] : indices_) {
    if (index.page_size == 0 || total_size % index.page_size == 0) continue;
    throw std::runtime_error(fmt::format("circular buffer {}: a total size of {} bytes is not made of pages of {}", id,
                                         total_size, index.page_size));
  }
  return *this;
}

CircularBufferConfig& CircularBufferConfig::set_globally_allocated_address(const Buffer& buffer) {
  if (!buffer.is_l1()) throw std::runtime_error("set_globally_allocated_address: the buffer is not in L1");
  address_ = buffer.address();
  return *this;
}

CircularBufferConfig& CircularBufferConfig::set_globally_allocated_address_and_total_size(const Buffer& buffer,
                                                                                          std::uint32_t total_size) {
  set_globally_allocated_address(buffer);
  return set_total_size(total_size);
}

CircularBufferConfig& CircularBufferConfig::set_tile_dims(std::uint8_t index, const Tile& tile) {
  if (tile.get_height() != 32 || tile.get_width() != 32) {
    throw std::runtime_error(fmt::format("circular buffer {}: tiles of {}x{} are not emulated, 32x32 are", index,
                                         tile.get_height(), tile.get_width()));
  }
  at(index);
  return *this;
}

std::unordered_set<std::uint8_t> CircularBufferConfig::buffer_indices() const {
  std::unordered_set<std::uint8_t> ids;
  for (const auto& [id, index] : indices_) ids.insert(id);
  return ids;
}

CBHandle CreateCircularBuffer(const Program& program, const CoreSpec& core_spec, const CircularBufferConfig& config) {
  auto& buffers = program.parts().buffers;
  buffers.push_back({cores_of(core_spec), config});
  return buffers.size() - 1;
}

const CircularBufferConfig& GetCircularBufferConfig(const Program& program, CBHandle cb_handle) {
  return buffer_of(program, cb_handle).config;
}
void UpdateCircularBufferTotalSize(const Program& program, CBHandle cb_handle, std::uint32_t total_size) {
  buffer_of(program, cb_handle).config.set_total_size(total_size);
}
void UpdateCircularBufferPageSize(const Program& program, CBHandle cb_handle, std::uint8_t index, std::uint32_t page_size) {
  buffer_of(program, cb_handle).config.set_page_size(index, page_size);
}
void UpdateDynamicCircularBufferAddress(const Program& program, CBHandle cb_handle, const Buffer& buffer) {
  buffer_of(program, cb_handle).config.set_globally_allocated_address(buffer);
}
void UpdateDynamicCircularBufferAddressAndTotalSize(const Program& program, CBHandle cb_handle, const Buffer& buffer,
                                                    std::uint32_t total_size) {
  buffer_of(program, cb_handle).config.set_globally_allocated_address_and_total_size(buffer, total_size);
}

std::uint32_t CreateSemaphore(const Program& program, const std::variant<CoreRange, CoreRangeSet>& core_spec,
                              std::uint32_t initial_value, CoreType) {
  const CoreRangeSet cores = std::visit([](const auto& spec) { return CoreRangeSet(spec); }, core_spec);
  auto& semaphores = program.parts().semaphores;
  // The first id that is free on all of its cores.
  std::set<int> taken;
  for (const tilegrid::SemaphoreConfig& other : semaphores) {
    const bool shared = std::any_of(cores.ranges().begin(), cores.ranges().end(), [&](const CoreRange& range) {
      return std::any_of(range.begin(), range.end(), [&](const CoreCoord& core) {
        return other.on({static_cast<int>(core.x), static_cast<int>(core.y)});
      });
    });
    if (shared) taken.insert(other.id);
  }
  int id = 0;
  while (taken.count(id) != 0) ++id;
  if (id >= tilegrid::max_semaphores) {
    throw std::runtime_error(
        fmt::format("CreateSemaphore: all {} semaphores of a core of {} are in use", tilegrid::max_semaphores, cores));
  }
  semaphores.push_back({id, initial_value, tilegrid::metalium::ranges_of(cores)});
  return static_cast<std::uint32_t>(id);
}

GlobalSemaphore::GlobalSemaphore(IDevice* device, const CoreRangeSet& cores, std::uint32_t initial_value)
    : device_(device), cores_(cores) {
  // As many pages as there are cores: one on each, at the same address.
  constexpr DeviceAddr bytes = 16;
  const auto banks = device->allocator()->get_num_banks(BufferType::L1);
  buffer_ = Buffer::create(device, bytes * banks, bytes, BufferType::L1);
  reset_semaphore_value(initial_value);
}

void GlobalSemaphore::reset_semaphore_value(std::uint32_t value) const {
  for (const CoreCoord& core : corerange_to_cores(cores_)) {
    detail::WriteToDeviceL1(device_, core, buffer_->address(), std::vector<std::uint32_t>{value});
  }
}

GlobalSemaphore CreateGlobalSemaphore(IDevice* device, const CoreRangeSet& cores, std::uint32_t initial_value, BufferType) {
  return {device, cores, initial_value};
}

// ---- Memory

std::shared_ptr<Buffer> CreateBuffer(const InterleavedBufferConfig& config) {
  return Buffer::create(config.device, config.size, config.page_size, config.buffer_type);
}
std::shared_ptr<Buffer> CreateBuffer(const InterleavedBufferConfig& config, DeviceAddr address) {
  return Buffer::create(config.device, config.size, config.page_size, config.buffer_type, std::nullopt, std::nullopt,
                        std::nullopt, address);
}
std::shared_ptr<Buffer> CreateBuffer(const ShardedBufferConfig& config) {
  return Buffer::create(config.device, config.size, config.page_size, config.buffer_type,
                        BufferShardingArgs(config.shard_parameters, config.buffer_layout));
}
std::shared_ptr<Buffer> CreateBuffer(const ShardedBufferConfig& config, DeviceAddr address) {
  return Buffer::create(config.device, config.size, config.page_size, config.buffer_type,
                        BufferShardingArgs(config.shard_parameters, config.buffer_layout), std::nullopt, std::nullopt,
                        address);
}

Buffer& buffer_of(const BufferReference& buffer) {
  if (const auto* shared = std::get_if<std::shared_ptr<Buffer>>(&buffer)) return **shared;
  return std::get<std::reference_wrapper<Buffer>>(buffer).get();
}

void EnqueueWriteBuffer(CommandQueue&, const BufferReference& buffer, const HostDataType& data, bool) {
  Buffer& to = buffer_of(buffer);
  std::visit(
      [&](const auto& source) {
        if constexpr (std::is_same_v<std::decay_t<decltype(source)>, const void*>) {
          write_bytes(to, source, to.size());
        } else {
          write_bytes(to, source->data(), source->size() * sizeof(source->front()));
        }
      },
      data);
}

void EnqueueReadBuffer(CommandQueue&, const BufferReference& buffer, void* data, bool) {
  Buffer& from = buffer_of(buffer);
  read_bytes(from, data, from.size());
}

namespace {

tilegrid::noc::Target target_of(const CoreCoord& core) {
  const tilegrid::GridSize grid = Board::get().grid();
  const tilegrid::LogicalCore at{static_cast<int>(core.x), static_cast<int>(core.y)};
  if (!grid.contains(at)) throw std::runtime_error(fmt::format("L1 of core {}: the grid is {}x{}", core, grid.x, grid.y));
  return {tilegrid::noc::Target::Kind::core, grid.index(at)};
}

void write_to(tilegrid::noc::Target target, std::uint64_t address, std::span<const std::byte> data) {
  tilegrid::Device& device = Board::get().device();
  device.start_write(target, address, data);
  device.finish();
}

void read_from(tilegrid::noc::Target target, std::uint64_t address, std::uint32_t bytes, std::vector<std::uint32_t>& data) {
  tilegrid::Device& device = Board::get().device();
  data.resize((bytes + sizeof(std::uint32_t) - 1) / sizeof(std::uint32_t));
  device.start_read(target, address, std::as_writable_bytes(std::span(data)).first(bytes));
  device.finish();
}

tilegrid::noc::Target bank_of(int channel) { return {tilegrid::noc::Target::Kind::dram, channel}; }

}  // namespace

bool detail::WriteToDeviceL1(IDevice*, const CoreCoord& core, std::uint32_t address, const std::vector<std::uint32_t>& data,
                             CoreType) {
  write_to(target_of(core), address, std::as_bytes(std::span(data)));
  return true;
}
bool detail::WriteToDeviceL1(IDevice*, const CoreCoord& core, std::uint32_t address, stl::Span<const std::uint8_t> data,
                             CoreType) {
  write_to(target_of(core), address, std::as_bytes(std::span<const std::uint8_t>(data)));
  return true;
}
bool detail::ReadFromDeviceL1(IDevice*, const CoreCoord& core, std::uint32_t address, std::uint32_t size,
                              std::vector<std::uint32_t>& data, CoreType) {
  read_from(target_of(core), address, size, data);
  return true;
}
bool detail::WriteToDeviceDRAMChannel(IDevice*, int channel, std::uint32_t address, const std::vector<std::uint32_t>& data) {
  write_to(bank_of(channel), address, std::as_bytes(std::span(data)));
  return true;
}
bool detail::ReadFromDeviceDRAMChannel(IDevice*, int channel, std::uint32_t address, std::uint32_t size,
                                       std::vector<std::uint32_t>& data) {
  read_from(bank_of(channel), address, size, data);
  return true;
}

void detail::ReadShard(Buffer& buffer, std::vector<std::uint32_t>& data, const std::uint32_t& core_id) {
  const ShardSpecBuffer spec = buffer.shard_spec();
  const std::vector<CoreCoord> cores =
      corerange_to_cores(spec.grid(), std::nullopt, spec.orientation() == ShardOrientation::ROW_MAJOR);
  const DeviceAddr bytes = spec.num_pages() * buffer.aligned_page_size();
  read_from(target_of(cores.at(core_id)), buffer.address(), static_cast<std::uint32_t>(bytes), data);
}

// ---- Running

void EnqueueProgram(CommandQueue&, Program& program, bool) { Board::get().launch(program.parts()); }

bool detail::CompileProgram(IDevice*, Program& program, bool) {
  Board::get().compile(program.parts());
  return true;
}
void detail::LaunchProgram(IDevice*, Program& program, bool, bool) { Board::get().launch(program.parts()); }

namespace {

[[noreturn]] void no_traces(const char* who) {
  throw std::runtime_error(fmt::format("{}: traces of a device that is no mesh are not emulated", who));
}

}  // namespace

std::uint32_t BeginTraceCapture(IDevice*, std::uint8_t) { no_traces("BeginTraceCapture"); }
void EndTraceCapture(IDevice*, std::uint8_t, std::uint32_t) { no_traces("EndTraceCapture"); }
void ReplayTrace(IDevice*, std::uint8_t, std::uint32_t, bool) { no_traces("ReplayTrace"); }
void ReleaseTrace(IDevice*, std::uint32_t) { no_traces("ReleaseTrace"); }
void EnqueueTrace(CommandQueue&, std::uint32_t, bool) { no_traces("EnqueueTrace"); }

}  // namespace tt::tt_metal
