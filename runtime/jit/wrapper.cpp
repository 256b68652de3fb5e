// SPDX-License-Identifier: Apache-2.0
#include "runtime/jit/wrapper.h"

#include <fmt/format.h>

#include <array>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/core.h"
#include "core/error.h"

namespace tilegrid::jit {
namespace {

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

void check_name(const std::string& name, const char* what) {
  bool good = !name.empty();
  for (const char c : name)
    good = good &&
           (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '(' || c == ')' || c == ',' || c == ' ');
  if (!good) throw UsageError(fmt::format("a kernel's {} {} is not a name", what, quoted(name)));
}

std::string defines_of(const KernelSource& source) {
  std::string text;
  for (const auto& [name, value] : source.defines) {
    check_name(name, "define");
    if (value.find('\n') != std::string::npos) throw UsageError(fmt::format("the define {} has several lines", name));
    text += fmt::format("#define {} {}\n", name, value);
  }
  return text;
}

std::string arguments_of(const KernelSource& source) {
  std::string text = fmt::format("#define KERNEL_COMPILE_TIME_ARGS {}\n#define TILEGRID_ARG_COUNT {}\n",
                                 fmt::join(source.compile_args, ", "), source.compile_args.size());
  text += "#define TILEGRID_NAMED_ARGS";
  for (const auto& [name, value] : source.named_args) text += fmt::format(" {{{}, {}}},", quoted(name), value);
  return text + "\n";
}

/// Whether a preprocessor's condition in the kernel asks for a compile-time argument, which kernels of the years before do.
bool asks_in_conditions(const KernelSource& source) {
  std::ifstream file;
  std::istringstream given(source.text);
  if (source.text.empty()) file.open(source.path);
  std::istream& text = source.text.empty() ? static_cast<std::istream&>(file) : given;
  for (std::string line; std::getline(text, line);) {
    const std::size_t hash = line.find_first_not_of(" \t");
    if (hash == std::string::npos || line[hash] != '#') continue;
    const std::size_t word = line.find_first_not_of(" \t", hash + 1);
    if (word == std::string::npos) continue;
    const bool condition = line.compare(word, 2, "if") == 0 || line.compare(word, 4, "elif") == 0;
    if (condition && line.find("get_compile_time_arg_val", word) != std::string::npos) return true;
  }
  return false;
}

/// For those the arguments are macros, as they were then: they are asked for by plain numbers only.
std::string arguments_as_macros(const KernelSource& source) {
  if (!asks_in_conditions(source)) return "";
  std::string text = "#undef get_compile_time_arg_val\n";
  text += "#define get_compile_time_arg_val(arg_idx) KERNEL_COMPILE_TIME_ARG_##arg_idx\n";
  std::size_t number = 0;
  for (const std::uint32_t value : source.compile_args) {
    text += fmt::format("#define KERNEL_COMPILE_TIME_ARG_{} {}\n", number++, value);
  }
  return text;
}

/// Of all 32 buffers: those that are not there have no bytes.
std::string buffers_of(const KernelSource& source) {
  std::array<std::uint32_t, max_circular_buffers> pages{};
  std::array<int, max_circular_buffers> formats{};
  formats.fill(255);
  for (const BufferConstants& buffer : source.buffers) {
    if (buffer.id < 0 || buffer.id >= max_circular_buffers) continue;
    pages.at(buffer.id) = buffer.page_bytes;
    formats.at(buffer.id) = to_underlying(buffer.format);
  }
  return fmt::format("#define TILEGRID_PAGE_BYTES {}\n#define TILEGRID_FORMATS {}\n", fmt::join(pages, ", "),
                     fmt::join(formats, ", "));
}

std::string processor_of(const KernelSource& source) {
  std::string text;
  switch (source.risc) {
    case Risc::brisc:
      text = "#define COMPILE_FOR_BRISC 1\n";
      break;
    case Risc::ncrisc:
      text = "#define COMPILE_FOR_NCRISC 1\n";
      break;
    default:
      text = "#define COMPILE_FOR_TRISC 1\n";
  }
  text += fmt::format("#define NOC_INDEX {}\n", source.noc == NocId::noc0 ? 0 : 1);
  text +=
      source.chip == "blackhole" ? "#define ARCH_BLACKHOLE 1\n" : "#define ARCH_WORMHOLE 1\n#define ARCH_WORMHOLE_B0 1\n";
  const ComputeConfig& compute = source.compute;
  // The vendor's numbers of fidelity: LoFi 0, HiFi2 2, HiFi3 3, HiFi4 4.
  text += fmt::format("#define MATH_FIDELITY {}\n#define DST_SYNC_FULL_MODE {}\n#define APPROX {}\n",
                      compute.fidelity == Fidelity::lofi ? 0 : static_cast<int>(compute.fidelity), compute.full_sync,
                      source.math_approx);
  // Kernels of the years before ask whether it is defined, later ones for its value.
  text += compute.dst_fp32 ? "#define DST_ACCUM_MODE true\n" : "constexpr bool DST_ACCUM_MODE = false;\n";
  return text + fmt::format("#define NUM_DRAM_BANKS {}\n", source.dram_banks);
}

}  // namespace

std::string wrapper_of(const KernelSource& source) {
  std::string text = processor_of(source) + arguments_of(source) + buffers_of(source) + defines_of(source);
  text += "#include \"tilegrid/device.h\"\n" + arguments_as_macros(source);
  if (source.text.empty()) {
    text += fmt::format("#include {}\n", quoted(std::filesystem::absolute(source.path).string()));
  } else {
    text += fmt::format("#line 1 {}\n{}\n", quoted(source.path.empty() ? "kernel text" : source.path.string()), source.text);
  }
  return text + "#include \"tilegrid/entry.h\"\n";
}

}  // namespace tilegrid::jit
