// SPDX-License-Identifier: Apache-2.0
// Adds two tensors on all cores of the grid, written against today's API: a mesh of one device, tensor accessors, work that
// does not divide evenly. Prints a hash of the result's bits.
#include <set>
#include <tt-metalium/bfloat16.hpp>
#include <tt-metalium/distributed.hpp>
#include <tt-metalium/host_api.hpp>
#include <tt-metalium/tensor_accessor_args.hpp>
#include <tt-metalium/tilize_utils.hpp>
#include <tt-metalium/work_split.hpp>

using namespace tt;
using namespace tt::tt_metal;

namespace {

constexpr uint32_t tiles = 101;
constexpr uint32_t tile_bytes = constants::TILE_HW * sizeof(bfloat16);

std::shared_ptr<distributed::MeshBuffer> make_buffer(const std::shared_ptr<distributed::MeshDevice>& mesh) {
  const distributed::DeviceLocalBufferConfig local{.page_size = tile_bytes, .buffer_type = BufferType::DRAM};
  return distributed::MeshBuffer::create(distributed::ReplicatedBufferConfig{.size = tiles * tile_bytes}, local, mesh.get());
}

uint64_t hash_of(const std::vector<bfloat16>& values) {
  uint64_t hash = 1469598103934665603ULL;
  for (const bfloat16 value : values) hash = (hash ^ std::bit_cast<uint16_t>(value)) * 1099511628211ULL;
  return hash;
}

}  // namespace

int main() {
  auto mesh = distributed::MeshDevice::create_unit_mesh(0);
  auto& queue = mesh->mesh_command_queue();
  const auto a = make_buffer(mesh);
  const auto b = make_buffer(mesh);
  const auto out = make_buffer(mesh);
  const std::vector<bfloat16> left = create_random_vector_of_bfloat16_native(tiles * tile_bytes, 8.0f, 1, -4.0f);
  const std::vector<bfloat16> right = create_random_vector_of_bfloat16_native(tiles * tile_bytes, 8.0f, 2, -4.0f);
  distributed::EnqueueWriteMeshBuffer(queue, a, left);
  distributed::EnqueueWriteMeshBuffer(queue, b, right);

  Program program = CreateProgram();
  const auto grid = mesh->compute_with_storage_grid_size();
  const auto [count, all, more, fewer, tiles_more, tiles_fewer] = split_work_to_cores(grid, tiles);
  for (const auto cb : {CBIndex::c_0, CBIndex::c_1, CBIndex::c_16}) {
    CreateCircularBuffer(program, all,
                         CircularBufferConfig(2 * tile_bytes, {{cb, DataFormat::Float16_b}}).set_page_size(cb, tile_bytes));
  }
  std::vector<uint32_t> reader_args;
  TensorAccessorArgs(*a).append_to(reader_args);
  TensorAccessorArgs(*b).append_to(reader_args);
  std::vector<uint32_t> writer_args;
  TensorAccessorArgs(*out).append_to(writer_args);
  const auto reader = CreateKernel(program, "kernels/add_reader.cpp", all, ReaderDataMovementConfig(reader_args));
  const auto writer = CreateKernel(program, "kernels/add_writer.cpp", all, WriterDataMovementConfig(writer_args));
  const auto compute =
      CreateKernel(program, "kernels/add_compute.cpp", all, ComputeConfig{.math_fidelity = MathFidelity::HiFi4});
  uint32_t first = 0;
  for (const CoreCoord& core : corerange_to_cores(all)) {
    const uint32_t own = more.contains(core) ? tiles_more : tiles_fewer;
    SetRuntimeArgs(program, reader, core, {a->address(), b->address(), first, own});
    SetRuntimeArgs(program, writer, core, {out->address(), first, own});
    SetRuntimeArgs(program, compute, core, {own});
    first += own;
  }
  TT_FATAL(first == tiles, "{} of {} tiles on {} cores", first, tiles, count);

  distributed::MeshWorkload workload;
  workload.add_program(distributed::MeshCoordinateRange(mesh->shape()), std::move(program));
  distributed::EnqueueMeshWorkload(queue, workload, false);
  std::vector<bfloat16> result;
  distributed::EnqueueReadMeshBuffer(queue, result, out, true);
  distributed::Finish(queue);
  for (size_t i = 0; i < result.size(); ++i) {
    const float expected = static_cast<float>(left[i]) + static_cast<float>(right[i]);
    TT_FATAL(std::abs(static_cast<float>(result[i]) - expected) <= 0.03125f, "element {}: {} instead of {}", i,
             static_cast<float>(result[i]), expected);
  }
  // A core of its own for each bank, where there are as many.
  if (const size_t banks = mesh->num_banks(BufferType::DRAM); grid.x * grid.y >= banks) {
    const std::vector<CoreCoord> nearest = mesh->get_optimal_dram_bank_to_logical_worker_assignment(NOC::NOC_0);
    TT_FATAL(std::set<CoreCoord>(nearest.begin(), nearest.end()).size() == banks, "{}", nearest);
  }
  fmt::println("main ran once");
  fmt::println("sum {:016x}", hash_of(result));
  return mesh->close() ? 0 : 1;
}
