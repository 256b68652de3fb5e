// SPDX-License-Identifier: Apache-2.0
#include "runtime/jit/loader.h"

#include <dlfcn.h>
#include <elf.h>
#include <fmt/format.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "core/error.h"
#include "kernels/metalium/foreign_kernel.h"

namespace tilegrid::jit {
namespace {

/// Writable sections that hold no variables of the kernel; ".tilegrid" and "tilegrid_seen" are what the device headers keep
/// for themselves: the same for all cores, or of no meaning from one call to the next.
bool is_of_the_loader(std::string_view name) {
  for (const std::string_view prefix : {".dynamic", ".got", ".init_array", ".fini_array", ".ctors", ".dtors", ".data.rel.ro",
                                        ".tilegrid", "tilegrid_seen", ".tm_clone_table"}) {
    if (name.starts_with(prefix)) return true;
  }
  return false;
}

[[noreturn]] void refuse(const std::string& key, const std::string& why) {
  throw Error(ExitCode::kernel, fmt::format("compiled kernel {} can't be loaded: {}", key, why));
}

template <class T>
T read_at(const std::string& key, const std::vector<std::byte>& bytes, std::uint64_t offset) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) refuse(key, "the object is cut short");
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

}  // namespace

Loader& Loader::of_process() {
  static auto* const loader = new Loader;  // NOLINT: kernels stay loaded until the process ends
  return *loader;
}

void Loader::add(const std::vector<KernelObject>& objects) {
  for (const KernelObject& object : objects) {
    if (objects_.contains(object.key)) continue;
    if (!object.bytes) refuse(object.key, "its code was not sent");
    objects_[object.key] = {object.bytes, variables_of(object.key, *object.bytes), {}};
  }
}

std::vector<Loader::Range> Loader::variables_of(const std::string& key, const std::vector<std::byte>& bytes) {
  const auto header = read_at<Elf64_Ehdr>(key, bytes, 0);
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) refuse(key, "it is no shared object");
  const auto section = [&](std::size_t i) {
    return read_at<Elf64_Shdr>(key, bytes, header.e_shoff + i * sizeof(Elf64_Shdr));
  };
  const Elf64_Shdr names = section(header.e_shstrndx);
  std::vector<Range> ranges;
  for (std::size_t i = 0; i < header.e_shnum; ++i) {
    const Elf64_Shdr one = section(i);
    if ((one.sh_flags & SHF_WRITE) == 0 || (one.sh_flags & SHF_ALLOC) == 0 || one.sh_size == 0) continue;
    const std::uint64_t name = names.sh_offset + one.sh_name;
    if (name >= bytes.size()) refuse(key, "the object is cut short");
    if (is_of_the_loader(reinterpret_cast<const char*>(bytes.data()) + name)) continue;
    if ((one.sh_flags & SHF_TLS) != 0) refuse(key, "a kernel has no thread-local variables");
    ranges.push_back({one.sh_addr, one.sh_size});
  }
  return ranges;
}

Loader::Copy Loader::load(const std::string& key, const Known& known) {
  const int file = memfd_create(("kernel " + key).substr(0, 200).c_str(), MFD_CLOEXEC);
  if (file < 0) refuse(key, std::strerror(errno));
  for (std::size_t done = 0; done < known.bytes->size();) {
    const ssize_t wrote = write(file, known.bytes->data() + done, known.bytes->size() - done);
    if (wrote <= 0) refuse(key, std::strerror(errno));
    done += wrote;
  }
  // The name is the process's own, so that a debugger, or addr2line, finds the object as long as the process lives.
  const std::string path = fmt::format("/proc/{}/fd/{}", getpid(), file);
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) refuse(key, dlerror());
  Copy copy;
  copy.entry.function = reinterpret_cast<KernelFunction>(dlsym(handle, "tilegrid_kernel"));
  auto** table = static_cast<const tilegrid_device::Interface**>(dlsym(handle, "tilegrid_interface"));
  copy.entry.meter = static_cast<tilegrid_device::Meter*>(dlsym(handle, "tilegrid_meter"));
  link_map* map = nullptr;
  if (copy.entry.function == nullptr || table == nullptr || copy.entry.meter == nullptr ||
      dlinfo(handle, RTLD_DI_LINKMAP, &map) != 0) {
    refuse(key, "it has no entry");
  }
  *table = &metalium::interface();
  copy.base = reinterpret_cast<std::byte*>(map->l_addr);  // NOLINT(performance-no-int-to-ptr)
  copy.first_values.reserve(known.variables.size());
  for (const Range& range : known.variables) {
    copy.first_values.emplace_back(copy.base + range.address, copy.base + range.address + range.bytes);
  }
  return copy;
}

Loader::Entry Loader::entry(const std::string& key, int core) {
  const auto known = objects_.find(key);
  if (known == objects_.end()) refuse(key, "its code was not sent");
  const int of = known->second.variables.empty() ? -1 : core;
  auto found = known->second.copies.find(of);
  if (found == known->second.copies.end()) {
    found = known->second.copies.emplace(of, load(key, known->second)).first;
  }
  const Copy& copy = found->second;
  for (std::size_t i = 0; i < copy.first_values.size(); ++i) {
    std::memcpy(copy.base + known->second.variables[i].address, copy.first_values[i].data(), copy.first_values[i].size());
  }
  return copy.entry;
}

bool Loader::has_variables(const std::string& key) const {
  const auto known = objects_.find(key);
  return known != objects_.end() && !known->second.variables.empty();
}

std::string line_of_code(const void* address) {
  Dl_info info{};
  link_map* map = nullptr;
  if (dladdr1(address, &info, reinterpret_cast<void**>(&map), RTLD_DL_LINKMAP) == 0 || map == nullptr) return {};
  const auto offset = reinterpret_cast<std::uintptr_t>(address) - map->l_addr;
  FILE* tool = popen(fmt::format("addr2line -e {} {:#x} 2>/dev/null", info.dli_fname, offset).c_str(), "r");
  if (tool == nullptr) return {};
  std::string text(4096, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), tool));
  pclose(tool);
  text = text.substr(0, text.find_first_of(" \n"));
  return text.starts_with("??") || text.ends_with(":0") || text.ends_with("?") ? "" : text;
}

}  // namespace tilegrid::jit
