// SPDX-License-Identifier: Apache-2.0
// What it costs that a kernel comes from a file: our own attention kernels built in, and the same sources compiled when the
// benchmark runs (runtime/jit), in turn; CPU seconds in kernels of all cores in one process. And how long a program of
// three kernels takes to be compiled, with an empty cache and again. Start it alone, without mpirun.
#include <fmt/core.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): setenv, mkdtemp

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "core/tile.h"
#include "kernels/attention/kernel_args.h"
#include "kernels/attention/verify/samples.h"
#include "runtime/jit/compile.h"
#include "runtime/session.h"

namespace {

using namespace tilegrid;
namespace fs = std::filesystem;

/// A built-in kernel as a kernel from a file: its source in the text, the entry behind it.
jit::KernelSource source_of(const Program& program, const KernelConfig& kernel, const fs::path& tree) {
  const std::string name = kernel.name.substr(kernel.name.rfind('/') + 1);
  jit::KernelSource source;
  source.path = name;
  source.text = fmt::format(
      "#include \"kernels/attention/kernel_args.h\"\n"
      "namespace tilegrid::attention {{\n"
      "inline KernelArgs KernelArgs::of_this_kernel() {{\n"
      "  KernelArgs args;\n"
      "  KernelWords& words = args;\n"
      "  static_assert(KernelArgs::word_count == TILEGRID_ARG_COUNT);\n"
      "  __builtin_memcpy(&words, kernel_compile_time_args.data(), sizeof words);\n"
      "  return args;\n"
      "}}\n"
      "}}\n"
      "#include \"kernels/attention/{0}.cpp\"\n"
      "void kernel_main() {{ tilegrid::attention::{0}(); }}\n",
      name);
  source.compile_args = kernel.compile_args;
  source.include_dirs = {tree / "scripts/bench/own_kernels", tree};
  source.risc = kernel.risc;
  source.noc = kernel.noc;
  source.compute = program.compute;
  source.chip = program.chip.name();
  source.dram_banks = program.chip.places().banks();
  for (const CircularBufferConfig& buffer : program.circular_buffers) {
    source.buffers.push_back({buffer.id, buffer.page_bytes, buffer.format});
  }
  return source;
}

/// Compiles the program's kernels; a line of how long it took goes to standard output.
Program from_files(Program program, const fs::path& tree, const char* when) {
  const auto start = std::chrono::steady_clock::now();
  std::vector<jit::KernelSource> sources;
  for (const KernelConfig& kernel : program.kernels) sources.push_back(source_of(program, kernel, tree));
  const std::vector<jit::Object> objects = jit::compile_all(sources);
  for (std::size_t i = 0; i < objects.size(); ++i) {
    program.kernels[i].object = objects[i].key;
    program.objects.push_back(objects[i].for_program());
  }
  fmt::print("compiled {}: {:.3f} s\n", when,
             std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  return program;
}

Buffer upload(Device& device, int stream, int rows, int dim) {
  const auto page = static_cast<std::uint32_t>(tile_bytes(DataFormat::bf16));
  const std::vector<float> values = attention::random_samples(
      0, stream, static_cast<std::size_t>(rows) * static_cast<std::size_t>(dim), attention::Distribution::normal);
  std::vector<std::byte> tiles(values.size() / tile_elements * page);
  tilize(values, rows, dim, DataFormat::bf16, tiles);
  const Buffer buffer = device.create_buffer(tiles.size(), page);
  device.write(buffer, tiles);
  return buffer;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

int compare(Device& device, const attention::Config& asked, int repeats, const fs::path& tree) {
  const attention::Config config = attention::with_chunks(asked);
  const attention::Shape& shape = config.shape;
  const Buffer q = upload(device, 0, shape.heads * shape.seq_q, shape.dim);
  const Buffer k = upload(device, 1, shape.kv_heads * shape.seq_kv, shape.dim);
  const Buffer v = upload(device, 2, shape.kv_heads * shape.seq_kv, shape.dim);
  const Buffer out = device.create_buffer(q.bytes(), q.page_bytes);
  const Program built_in = attention::make_program(config, {q.address, k.address, v.address, out.address});
  from_files(built_in, tree, "first");
  const Program compiled = from_files(built_in, tree, "again");

  std::vector<std::byte> ours(out.bytes());
  std::vector<std::byte> theirs(out.bytes());
  const auto run = [&](const Program& program, std::vector<std::byte>& output) {
    const double seconds = device.launch(program, {.on_progress = {}}).ranks[0].kernel_seconds;
    device.read(out, output);
    return seconds;
  };
  run(built_in, ours);
  run(compiled, theirs);
  fmt::print("{:<6} {:>10} {:>10} {:>7}\n", "run", "from files", "built in", "ratio");
  std::vector<double> a;
  std::vector<double> b;
  std::vector<double> ratios;
  for (int i = 0; i < repeats; ++i) {
    a.push_back(run(compiled, theirs));
    b.push_back(run(built_in, ours));
    ratios.push_back(a.back() / b.back());
    fmt::print("{:<6} {:>10.3f} {:>10.3f} {:>7.3f}\n", i + 1, a.back(), b.back(), ratios.back());
  }
  fmt::print("{:<6} {:>10.3f} {:>10.3f} {:>7.3f}\n", "median", median(a), median(b), median(ratios));
  fmt::print("the outputs are {}\n", ours == theirs ? "the same" : "not the same");
  return ours == theirs ? 0 : 4;
}

}  // namespace

int main(int argc, char** argv) {
  attention::register_kernels();
  Session session(&argc, &argv);
  attention::Config config;
  config.shape = {.batch = 1, .heads = 8, .kv_heads = 1, .seq_q = 2560, .seq_kv = 2560, .dim = 128, .causal = true};
  int repeats = 9;
  std::string tree = ".";
  CLI::App app("CPU seconds of attention from kernel files against the built-in one", "files_bench");
  app.add_option("--heads", config.shape.heads, "Query heads")->capture_default_str();
  app.add_option("--kv-heads", config.shape.kv_heads, "Key and value heads")->capture_default_str();
  app.add_option("--seq", config.shape.seq_q, "Rows, a multiple of 32")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--dim", config.shape.dim, "Elements of a head, a multiple of 32")->capture_default_str();
  app.add_flag("!--not-causal", config.shape.causal, "Every query sees all keys");
  app.add_option("--repeats", repeats, "Runs of each")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--tree", tree, "The source tree")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  if (config.shape.seq_q % tile_side != 0 || config.shape.dim % tile_side != 0 || session.uses_mpi()) {
    fmt::print(stderr, "files_bench: needs --seq and --dim as multiples of {}, and no mpirun\n", tile_side);
    return 1;
  }
  config.shape.seq_kv = config.shape.seq_q;
  std::string cache = (fs::temp_directory_path() / "tilegrid-bench-XXXXXX").string();
  if (mkdtemp(cache.data()) == nullptr) return 1;
  setenv("TILEGRID_CACHE", cache.c_str(), 1);
  const int code =
      session.run({.grid = config.grid}, [&](Device& device) { return compare(device, config, repeats, tree); });
  std::error_code ignored;
  fs::remove_all(cache, ignored);
  return code;
}
