// SPDX-License-Identifier: Apache-2.0
#include "runtime/jit/compile.h"

#include <fmt/format.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp

#include <algorithm>
#include <chrono>
#include <cstring>
#include <fstream>
#include <sstream>
#include <system_error>

#include "core/error.h"
#include "runtime/jit/cache.h"
#include "runtime/jit/compiler.h"
#include "runtime/jit/wrapper.h"

namespace tilegrid::jit {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

/// A folder for what the compiler reads and writes; it goes when this goes.
class Workshop {
 public:
  Workshop() {
    std::string name = (scratch_folder() / "tilegrid-kernels-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) {
      throw UsageError(fmt::format("kernels from files need a folder to be compiled in: {} cannot be made: {}", name,
                                   std::generic_category().message(errno)));
    }
    path_ = name;
  }
  ~Workshop() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Workshop(const Workshop&) = delete;
  Workshop& operator=(const Workshop&) = delete;
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

/// The device headers' content, as one digest: read once, since they do not change while a program runs.
const std::string& headers_digest(const fs::path& folder) {
  static const std::string digest = [&] {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    Digest sum;
    for (const fs::path& file : files) sum.add(fs::relative(file, folder).string()).add(read_file(file).value_or(""));
    return sum.hex();
  }();
  return digest;
}

/// One kernel on its way.
struct Job {
  const KernelSource* source = nullptr;
  std::string wrapper;
  std::string first;  ///< of its key: all but what it includes
  std::vector<std::string> flags;
  std::size_t same_as = 0;  ///< an earlier job that is the same; its own number: none
  std::optional<Object> done;
};

std::vector<std::string> flags_of(const KernelSource& source, const Compiler& compiler, const fs::path& headers) {
  std::vector<std::string> flags{"-std=gnu++20", "-shared", "-fPIC", "-fvisibility=hidden", "-nostartfiles"};
  flags.insert(flags.end(), {"-O2", "-g1", "-w", "-ffp-contract=off", "-fno-strict-aliasing"});
  // As the vendor's compiler is called. So a block of a kernel does not end at each call that an exception may leave: zones,
  // which end in destructors, would take time. Exceptions of the emulator pass through kernels without that.
  flags.emplace_back("-fno-exceptions");
  // Pointers to L1 fit into 32 bits: kernels store them as such.
  if (compiler.clang) {
    // Clang leaves out blocks whose count follows from others', unless it is told not to.
    flags.insert(flags.end(), {"-fsanitize-coverage=trace-pc,trace-cmp,no-prune", "-fms-extensions", "-fno-unroll-loops",
                               "-fno-vectorize", "-fno-slp-vectorize"});
  } else {
    flags.insert(flags.end(), {"-fsanitize-coverage=trace-pc,trace-cmp", "-fpermissive", "-fno-gnu-unique", "-Wno-psabi"});
  }
  // In front of the program's folders, as these may hold the vendor's own headers.
  flags.insert(flags.end(), {"-iquote", headers.string()});
  for (const fs::path& folder : source.include_dirs) flags.insert(flags.end(), {"-iquote", folder.string()});
  return flags;
}

/// Our headers for <...>, behind the system's: one of ours must not stand in front of one of the standard library. GCC
/// searches a folder that is named twice at its last place only, so this is another folder, of links.
fs::path headers_behind_system(const fs::path& headers, const fs::path& workshop) {
  fs::path folder = workshop / "headers";
  fs::create_directory(folder);
  for (const auto& entry : fs::directory_iterator(headers))
    fs::create_symlink(entry.path(), folder / entry.path().filename());
  return folder;
}

Job job_of(const KernelSource& source, const Compiler& compiler, const fs::path& headers) {
  Job job;
  job.source = &source;
  if (source.text.empty() && !fs::is_regular_file(source.path)) {
    throw UsageError(fmt::format("kernel file {}: there is no such file", source.path.string()));
  }
  job.wrapper = wrapper_of(source);
  job.flags = flags_of(source, compiler, headers);
  Digest digest;
  digest.add(job.wrapper).add(compiler.identity).add(headers_digest(headers));
  for (const std::string& flag : job.flags) digest.add(flag);
  job.first = digest.hex();
  return job;
}

/// The files that a make rule names behind its colon, but for the wrapper, the system's and ours.
std::vector<std::string> included_files(const std::string& rule, const fs::path& headers, const fs::path& workshop) {
  std::vector<std::string> files;
  std::string name;
  const auto end_name = [&] {
    const bool skipped = name.empty() || name.starts_with("/usr/") || name.starts_with(headers.string() + "/") ||
                         name.starts_with(workshop.string() + "/");
    if (!skipped) files.push_back(name);
    name.clear();
  };
  for (std::size_t i = rule.find(": "); i != std::string::npos && i + 1 < rule.size(); ++i) {
    const char c = rule[i + 1];
    if (c == '\\' && i + 2 < rule.size() && rule[i + 2] == '\n') {
      ++i;
      end_name();
    } else if (c == '\\' && i + 2 < rule.size()) {
      name += rule[++i + 1];
    } else if (c == ' ' || c == '\n') {
      end_name();
    } else {
      name += c;
    }
  }
  end_name();
  return files;
}

std::string name_of(const KernelSource& source) { return source.path.empty() ? "kernel text" : source.path.string(); }

/// What the compiler said of the wrapper is about what the host gave.
[[noreturn]] void refuse(const KernelSource& source, const Compiler& compiler, const Finished& finished) {
  const std::string what =
      finished.status < 0 ? fmt::format("{} did not run to its end", compiler.path.string()) : "it does not compile";
  if (finished.output.empty()) {
    throw UsageError(fmt::format("kernel {}: {}, and the compiler said nothing: is there room in {}?", name_of(source), what,
                                 scratch_folder().string()));
  }
  throw UsageError(fmt::format("kernel {}: {}\n{}", name_of(source), what, finished.output));
}

void write_wrapper(const Job& job, const std::string& path) {
  std::ofstream file(path);
  file << job.wrapper;
  file.close();
  if (file) return;
  throw UsageError(fmt::format("kernel {}: {} cannot be written: {}", name_of(*job.source), path,
                               std::generic_category().message(errno)));
}

class Batch {
 public:
  explicit Batch(std::span<const KernelSource> sources) : compiler_(find_compiler()), headers_(device_headers()) {
    jobs_.reserve(sources.size());
    for (const KernelSource& source : sources) {
      Job job = job_of(source, compiler_, headers_);
      const auto same = std::find_if(jobs_.begin(), jobs_.end(), [&](const Job& other) { return other.first == job.first; });
      job.same_as = same - jobs_.begin();
      jobs_.push_back(std::move(job));
    }
  }

  std::vector<Object> run() {
    std::vector<std::size_t> missing;
    for (std::size_t i = 0; i < jobs_.size(); ++i) {
      if (jobs_[i].same_as != i) continue;
      const auto start = Clock::now();
      if (auto entry = cache_.find(jobs_[i].first)) {
        jobs_[i].done = Object{entry->key,
                               std::make_shared<const std::vector<std::byte>>(std::move(entry->bytes)),
                               std::chrono::duration<double>(Clock::now() - start).count(),
                               true,
                               {}};
      } else {
        missing.push_back(i);
      }
    }
    if (!missing.empty()) compile(missing);
    std::vector<Object> objects;
    objects.reserve(jobs_.size());
    for (const Job& job : jobs_) objects.push_back(*jobs_[job.same_as].done);
    return objects;
  }

 private:
  void compile(const std::vector<std::size_t>& missing) {
    const auto start = Clock::now();
    const Workshop workshop;
    const std::string behind_system = headers_behind_system(headers_, workshop.path()).string();
    std::vector<std::vector<std::string>> commands;
    commands.reserve(missing.size());
    for (const std::size_t i : missing) {
      const std::string base = (workshop.path() / std::to_string(i)).string();
      write_wrapper(jobs_[i], base + ".cpp");
      std::vector<std::string> command{compiler_.path.string()};
      command.insert(command.end(), jobs_[i].flags.begin(), jobs_[i].flags.end());
      command.insert(command.end(),
                     {"-idirafter", behind_system, "-MD", "-MF", base + ".d", "-o", base + ".so", base + ".cpp"});
      commands.push_back(std::move(command));
    }
    const std::vector<Finished> finished = run_commands(commands);
    const double each = std::chrono::duration<double>(Clock::now() - start).count() / count_of(missing);
    for (std::size_t n = 0; n < missing.size(); ++n) {
      Job& job = jobs_[missing[n]];
      if (finished[n].status != 0) refuse(*job.source, compiler_, finished[n]);
      job.done = take(job, workshop.path(), missing[n]);
      job.done->seconds = each;
      job.done->warnings = finished[n].output;
    }
  }

  [[nodiscard]] Object take(const Job& job, const fs::path& workshop, std::size_t number) const {
    const fs::path base = workshop / std::to_string(number);
    const auto object = read_file(base.string() + ".so");
    if (!object) throw UsageError(fmt::format("kernel {}: the compiler wrote no object", name_of(*job.source)));
    auto bytes = std::make_shared<std::vector<std::byte>>(object->size());
    std::memcpy(bytes->data(), object->data(), object->size());
    const std::vector<std::string> files = included_files(read_file(base.string() + ".d").value_or(""), headers_, workshop);
    // A file that has gone meanwhile leaves a key that nothing else has.
    const std::string key = Cache::key_of(job.first, files).value_or(job.first + Digest().add(*object).hex());
    cache_.keep(job.first, files, {key, *bytes});
    return {.key = key, .bytes = std::move(bytes), .warnings = {}};
  }

  Compiler compiler_;
  fs::path headers_;
  Cache cache_;
  std::vector<Job> jobs_;
};

}  // namespace

std::vector<Object> compile_all(std::span<const KernelSource> sources) {
  if (sources.empty()) return {};
  return Batch(sources).run();
}

Object compile(const KernelSource& source) { return compile_all({&source, 1}).front(); }

}  // namespace tilegrid::jit
