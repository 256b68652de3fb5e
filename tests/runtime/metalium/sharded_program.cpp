// SPDX-License-Identifier: Apache-2.0
// Rows of integers, sharded over the L1 of four cores: circular buffers on the shards, kernels that compute on plain memory,
// L1 that lives from launch to launch and that the host reads and writes. Then the same sharded over banks of DRAM.
#include <impl/context/metal_context.hpp>
#include <llrt.hpp>
#include <numeric>
#include <tt-metalium/host_api.hpp>
#include <tt-metalium/tensor_accessor_args.hpp>
#include <tt-metalium/tt_metal.hpp>

using namespace tt::tt_metal;

namespace {

constexpr uint32_t rows = 8;
constexpr uint32_t row_words = 12;  // a page of 48 bytes is no tile, and no multiple of 32
constexpr uint32_t launches = 3;

/// Columns of pages, a bank each: a kernel finds them by a TensorAccessor, by number and as ranges, and
/// where the host says that a bank has them.
void shard_dram(IDevice* device) {
  constexpr uint32_t page = 64, down = 4, across = 3;
  const CoreRange banks({2, 0}, {4, 0});
  const ShardSpecBuffer spec(CoreRangeSet(banks), {down, page / 4}, ShardOrientation::ROW_MAJOR, {1, page / 4},
                             {down, across});
  const auto shards = CreateBuffer(ShardedBufferConfig{.device = device,
                                                       .size = down * across * page,
                                                       .page_size = page,
                                                       .buffer_type = BufferType::DRAM,
                                                       .buffer_layout = TensorMemoryLayout::WIDTH_SHARDED,
                                                       .shard_parameters = spec});
  const auto copies = CreateBuffer(InterleavedBufferConfig{
      .device = device, .size = 4 * shards->size(), .page_size = page, .buffer_type = BufferType::DRAM});
  std::vector<uint32_t> data(shards->size() / sizeof(uint32_t));
  std::iota(data.begin(), data.end(), 1000);
  detail::WriteToBuffer(shards, data);

  Program program = CreateProgram();
  CreateCircularBuffer(program, CoreCoord{0, 0},
                       CircularBufferConfig(page, {{0, tt::DataFormat::UInt32}}).set_page_size(0, page));
  std::vector<uint32_t> arguments{page, down, across, 2};
  TensorAccessorArgs(*shards).append_to(arguments);
  TensorAccessorArgs(*copies).append_to(arguments);
  const auto kernel =
      CreateKernel(program, "kernels/copy_shards.cpp", CoreCoord{0, 0},
                   DataMovementConfig{.processor = DataMovementProcessor::RISCV_0, .compile_args = arguments});
  SetRuntimeArgs(program, kernel, CoreCoord{0, 0}, {shards->address(), copies->address()});
  detail::LaunchProgram(device, program);

  std::vector<uint32_t> back;
  detail::ReadFromBuffer(shards, back);
  TT_FATAL(back == data, "a sharded buffer in DRAM is not read as it was written");
  detail::ReadFromBuffer(copies, back);
  for (uint32_t i = 0; i < back.size(); ++i) {
    TT_FATAL(back[i] == data[i % data.size()], "copy {}: {} instead of {}", i, back[i], data[i % data.size()]);
  }
}

/// Memory by NoC coordinates, as programs reach it behind the public API.
void find_memory(IDevice* device, const Buffer& counters) {
  const auto& hal = MetalContext::instance().hal();
  const DeviceAddr base = hal.get_dev_addr(HalProgrammableCoreType::TENSIX, HalL1MemAddrType::DEFAULT_UNRESERVED);
  TT_FATAL(base == device->get_base_allocator_addr(HalMemType::L1) && base == L1_UNRESERVED_BASE, "L1 begins at {}", base);
  TT_FATAL(hal.get_alignment(HalMemType::DRAM) == device->get_allocator_alignment(), "alignment of DRAM");

  const CoreCoord worker{1, 1};
  const tt::Cluster& cluster = MetalContext::instance().get_cluster();
  const std::vector<uint32_t> words{7, 8, 9, 10};
  const CoreCoord node = device->worker_core_from_logical_core(worker);
  tt::llrt::write_hex_vec_to_core(device->id(), node, words, base);
  std::vector<uint32_t> back;
  detail::ReadFromDeviceL1(device, worker, base, words.size() * sizeof(uint32_t), back);
  TT_FATAL(back == words, "L1 by NoC coordinates");
  detail::ReadFromDeviceL1(device, worker, counters.address(), sizeof(uint32_t), back);
  TT_FATAL(cluster.read_core(0, node, counters.address(), sizeof(uint32_t)) == back, "a word by NoC coordinates");

  const uint32_t high = hal.get_dev_addr(HalDramMemAddrType::UNRESERVED) + 4096;
  detail::WriteToDeviceDRAMChannel(device, 2, high, words);
  const CoreCoord bank = device->dram_core_from_logical_core({2, 0});
  TT_FATAL(tt::llrt::read_hex_vec_from_core(0, bank, high, words.size() * sizeof(uint32_t)) == words,
           "DRAM by NoC coordinates");
  try {
    static_cast<void>(cluster.read_core(0, {17, 17}, base, 4));
    TT_THROW("memory of no node was read");
  } catch (const std::runtime_error& error) {
    TT_FATAL(std::string(error.what()) == "NoC node (x=17,y=17): it is neither a worker's nor a DRAM bank's", "{}",
             error.what());
  }
}

}  // namespace

int main() {
  IDevice* device = CreateDevice(0);
  const CoreRange cores({0, 0}, {1, 1});
  const ShardSpecBuffer spec(CoreRangeSet(cores), {rows / 4, row_words}, ShardOrientation::ROW_MAJOR, {1, row_words},
                             {rows, 1});
  const auto shards = CreateBuffer(ShardedBufferConfig{.device = device,
                                                       .size = rows * row_words * sizeof(uint32_t),
                                                       .page_size = row_words * sizeof(uint32_t),
                                                       .shard_parameters = spec});
  const auto counters =
      CreateBuffer(InterleavedBufferConfig{.device = device, .size = 4 * 80, .page_size = 4, .buffer_type = BufferType::L1});
  std::vector<uint32_t> data(rows * row_words);
  std::iota(data.begin(), data.end(), 0);
  detail::WriteToBuffer(shards, data);
  std::vector<uint32_t> zero{0};
  for (const CoreCoord& core : cores) detail::WriteToDeviceL1(device, core, counters->address(), zero);

  Program program = CreateProgram();
  auto config = CircularBufferConfig(rows / 4 * row_words * sizeof(uint32_t), {{3, tt::DataFormat::UInt32}})
                    .set_page_size(3, row_words * sizeof(uint32_t))
                    .set_globally_allocated_address(*shards);
  CreateCircularBuffer(program, cores, config);
  const auto kernel = CreateKernel(program, "kernels/add_words.cpp", cores,
                                   DataMovementConfig{.processor = DataMovementProcessor::RISCV_0, .compile_args = {3}});
  SetRuntimeArgs(program, kernel, cores, {rows / 4 * row_words, counters->address()});
  SetCommonRuntimeArgs(program, kernel, {100});
  for (uint32_t i = 0; i < launches; ++i) detail::LaunchProgram(device, program);

  // A launch starts a kernel anew: its globals are as they were, what is in L1 is not.
  std::vector<uint32_t> result;
  detail::ReadFromBuffer(shards, result);
  for (uint32_t i = 0; i < data.size(); ++i) {
    TT_FATAL(result[i] == i + launches * 100, "word {}: {} instead of {}", i, result[i], i + launches * 100);
  }
  for (const CoreCoord& core : cores) {
    std::vector<uint32_t> count;
    detail::ReadFromDeviceL1(device, core, counters->address(), sizeof(uint32_t), count);
    TT_FATAL(count.at(0) == launches, "core {} counted {} launches", core, count.at(0));
  }
  find_memory(device, *counters);
  shard_dram(device);
  fmt::print("words {} to {}\n", result.front(), result.back());
  CloseDevice(device);
}
