// SPDX-License-Identifier: Apache-2.0
#include "runtime/flags/kernel_flags.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/chip/chip.h"
#include "core/error.h"
#include "core/fidelity_name.h"
#include "runtime/report/metrics.h"

namespace tilegrid {

void add_arch_flags(Flags& flags, std::string& arch, std::vector<std::string>& sets) {
  flags.in("Device time");
  flags
      .add(std::string(arch_flag), "NAME|FILE",
           fmt::format("The chip: {}, or a file as `tilegrid arch --json` prints\n[$]", fmt::join(Chip::built_in(), ", ")),
           arch)
      .reads()
      .no_fact()
      .unfit_for({Comparison::kernels});
  flags.add(std::string(set_flag), "KEY=VALUE", "Change a constant, see `tilegrid arch`; may be repeated", sets)
      .no_fact()
      .of_replay()
      .unfit_for({Comparison::kernels});
}

void add_report_flags(Flags& flags, std::string& json, const std::string& json_help, std::string& page,
                      const std::string& page_help) {
  flags.add("--json", "FILE", json_help, json).no_fact().writes();
  flags.add("--report", "DIR", page_help, page).no_fact().writes_page();
}

Flag& add_view_flag(Flags& flags, std::string& view, const std::string& help, bool replayed) {
  const auto set = [&view, replayed](const Given& given) {
    std::vector<std::string> views = report::metric_names(!replayed);
    views.emplace_back("none");
    if (std::find(views.begin(), views.end(), given.text) == views.end()) refuse_word(given.flag, given.text, views);
    view = given.text;
  };
  return flags.add("--view", "METRIC", help, set).is([&view] { return view; });
}

const EnumNames<Fidelity>& fidelity_names() {
  static const EnumNames<Fidelity> names({Fidelity::lofi, Fidelity::hifi2, Fidelity::hifi3, Fidelity::hifi4},
                                         [](Fidelity fidelity) { return name_of(fidelity); });
  return names;
}
const EnumNames<Numerics>& numerics_names() {
  static const EnumNames<Numerics> names({Numerics::exact, Numerics::rounded, Numerics::fast},
                                         [](Numerics numerics) { return name_of(numerics); });
  return names;
}
const EnumNames<bool>& dst_names() {
  static const EnumNames<bool> names{{"bf16", false}, {"fp32", true}};
  return names;
}
const EnumNames<bool>& sync_names() {
  static const EnumNames<bool> names{{"half", false}, {"full", true}};
  return names;
}
const EnumNames<VerifyMode>& verify_names() {
  static const EnumNames<VerifyMode> names{
      {"choose", VerifyMode::choose}, {"off", VerifyMode::off}, {"sample", VerifyMode::sample}, {"full", VerifyMode::full}};
  return names;
}

void add_compute_flags(Flags& flags, ComputeConfig& compute) {
  flags.add("--fidelity", "Matrix unit passes: lofi, hifi2, hifi3, hifi4 [$]", compute.fidelity, fidelity_names());
  flags.add("--dst", "Format of the DST registers: bf16 (fp16 for fp16 inputs), fp32 (half the slots) [$]", compute.dst_fp32,
            dst_names());
  flags.add("--sync", "DST in two halves or in one section: half, full [$]", compute.full_sync, sync_names());
  add_numerics_flags(flags, compute.numerics, compute.known_faults);
}

void add_numerics_flags(Flags& flags, Numerics& numerics, bool& known_faults) {
  flags.add(
      "--numerics",
      "How near to silicon the matrix unit computes. exact: bit for bit; rounded: DST\nrounded where silicon rounds it; "
      "fast: once a tile [$]",
      numerics, numerics_names());
  static const EnumNames<bool> switches{{"off", false}, {"on", true}};
  flags.add("--known-faults", "In exact numerics, faults of the matrix unit as silicon has them: on, off [$]", known_faults,
            switches);
}

std::string numbers_line(std::string_view formats, const ComputeConfig& compute) {
  return fmt::format("{} dst {} {} sync {}", formats, dst_names().of(compute.dst_fp32), sync_names().of(compute.full_sync),
                     name_of(compute.fidelity));
}

std::string numbers_text(std::string_view formats, DataFormat input, const ComputeConfig& compute) {
  const bool half = input == DataFormat::fp16 && !compute.dst_fp32;
  return fmt::format("{} in DRAM, {} DST in {} sync, fidelity {}", formats, half ? "fp16" : dst_names().of(compute.dst_fp32),
                     sync_names().of(compute.full_sync), fidelity_names().of(compute.fidelity)) +
         fmt::format(", {} numerics", name_of(compute.numerics));
}

Flag& add_verify_flag(Flags& flags, VerifyRequest& request, const std::string& help) {
  Flag& flag = flags.in("Report").add(std::string(verify_flag), "HOW", help, [&request](const Given& given) {
    const std::string& text = given.text;
    constexpr std::string_view sample = "sample:";
    request.mode = VerifyMode::sample;
    if (text.starts_with(sample)) {
      request.sample_rows = parse_unsigned(given.flag + " sample:N, N =", text.substr(sample.size()));
      if (request.sample_rows == 0) given.refuse("a sample has at least one row");
    } else if (text == "full" || text == "off") {
      request.mode = text == "full" ? VerifyMode::full : VerifyMode::off;
    } else {
      given.refuse("full, sample:N or off is expected");
    }
  });
  return flag.of_data().is([&request]() -> report::Value {
    if (request.mode == VerifyMode::sample) return fmt::format("sample:{}", request.sample_rows);
    return verify_names().of(request.mode);
  });
}

}  // namespace tilegrid
