// SPDX-License-Identifier: Apache-2.0
// Programs that go wrong, by name: what the user sees of it is in CMakeLists.txt.
#include <mpi.h>

#include <cstdlib>
#include <string>
#include <tt-metalium/distributed.hpp>
#include <tt-metalium/host_api.hpp>
#include <tt-metalium/tt_metal.hpp>

using namespace tt::tt_metal;

namespace {

void run(IDevice* device, const std::string& text) {
  Program program = CreateProgram();
  const auto kernel = CreateKernelFromString(program, text, CoreCoord{1, 0}, DataMovementConfig{});
  SetRuntimeArgs(program, kernel, CoreCoord{1, 0}, {1, 2});
  detail::LaunchProgram(device, program);
}

std::string kernel_of(const std::string& body) {
  return "#include \"dataflow_api.h\"\nvoid kernel_main() {\n" + body + "\n}\n";
}

void create_missing(IDevice* device) {
  Program program = CreateProgram();
  CreateKernel(program, "some/kernels/nowhere.cpp", CoreCoord{0, 0}, DataMovementConfig{});
  detail::LaunchProgram(device, program);
}

void fill_l1(IDevice* device, Program& program) {
  const DeviceAddr page = 1024 * 1024;  // one on each core
  static const auto buffer =
      CreateBuffer(InterleavedBufferConfig{device, page * device->num_banks(BufferType::L1), page, BufferType::L1});
  CreateCircularBuffer(program, CoreCoord{0, 0},
                       CircularBufferConfig(1024 * 1024, {{0, tt::DataFormat::UInt32}}).set_page_size(0, 1024));
  detail::LaunchProgram(device, program);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "leave") exit(7);
  IDevice* device = CreateDevice(0);
  Program empty = CreateProgram();
  if (what == "missing") create_missing(device);
  if (what == "syntax") run(device, kernel_of("  uint32_t x = 3 +;"));
  if (what == "unknown") run(device, kernel_of("  no_such_function(1);"));
  if (what == "fault") run(device, kernel_of("  *reinterpret_cast<volatile uint32_t*>(0xFFFFFF00u) = 1;"));
  if (what == "jump") run(device, kernel_of("  void (*volatile f)() = (void (*)())200000;\n  f();\n  get_arg_val<int>(0);"));
  if (what == "divide") run(device, kernel_of("  volatile int zero = 0, x = 7;\n  x = x / zero;"));
  if (what == "recursion")
    run(device, "int down(volatile int n) { return down(n + 1) + n; }\nvoid kernel_main() { down(0); }\n");
  if (what == "endless") run(device, kernel_of("  while (true) {}"));
  if (what == "spin") run(device, kernel_of("  volatile uint32_t* p = (volatile uint32_t*)200000;\n  while (*p != 1) {}"));
  if (what == "buffer") run(device, kernel_of("  cb_wait_front(3, 1);"));
  if (what == "wait") run(device, kernel_of("  noc_semaphore_wait((volatile tt_l1_ptr uint32_t*)get_semaphore(0), 1);"));
  if (what == "dram") {
    run(device, kernel_of("  noc_async_read(get_noc_addr_from_bank_id<true>(2, 0xC0000000u), 200000, 32);"));
  }
  if (what == "l1") fill_l1(device, empty);
  if (what == "mesh") distributed::MeshDevice::create(distributed::MeshDeviceConfig(distributed::MeshShape(2, 4)));
  if (what == "throw") throw std::runtime_error("the program is out of ideas");
  if (what == "swallow") {
    try {
      run(device, kernel_of("  cb_wait_front(3, 1);"));
    } catch (const std::exception&) {
      printf("swallowed\n");
    }
  }
  if (what == "mpi") {
    int rank = -1;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    run(device, kernel_of("  get_arg_val<uint32_t>(1);"));
    MPI_Finalize();
    printf("rank %d\n", rank);
  }
  if (what == "well") run(device, kernel_of("  get_arg_val<uint32_t>(1);"));
  CloseDevice(device);
  return 0;
}
