// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kernels/common/verify_request.h"
#include "kernels/program.h"
#include "runtime/flags/flags.h"

/// Flags that set what the library has: how a kernel computes, on which chip, and how its output is verified.
namespace tilegrid {

/// The flags of a kernel's numbers: --fidelity, --dst, --sync, and those of add_numerics_flags.
void add_compute_flags(Flags& flags, ComputeConfig& compute);
/// --numerics and --known-faults.
void add_numerics_flags(Flags& flags, Numerics& numerics, bool& known_faults);
[[nodiscard]] const EnumNames<Fidelity>& fidelity_names();
[[nodiscard]] const EnumNames<Numerics>& numerics_names();
[[nodiscard]] const EnumNames<bool>& dst_names();   ///< fp32?
[[nodiscard]] const EnumNames<bool>& sync_names();  ///< full?
/// "bf16 dst bf16 half sync hifi2"; "bf16 in DRAM, bf16 DST in half sync, fidelity hifi2". `formats`: of tensors.
[[nodiscard]] std::string numbers_line(std::string_view formats, const ComputeConfig& compute);
/// `input`: the format of what the matrix unit takes, which makes 16-bit DST bf16 or fp16.
[[nodiscard]] std::string numbers_text(std::string_view formats, DataFormat input, const ComputeConfig& compute);

/// --arch and --set, texts for report::choose_architecture().
void add_arch_flags(Flags& flags, std::string& arch, std::vector<std::string>& sets);
inline constexpr std::string_view arch_flag = "--arch", set_flag = "--set";

/// --json and --report: the file, or "-", and the folder of the page.
void add_report_flags(Flags& flags, std::string& json, const std::string& json_help, std::string& page,
                      const std::string& page_help);
/// --view: a figure by core of those that report::metrics() has, or none; `replayed`: of those that a replay has.
Flag& add_view_flag(Flags& flags, std::string& view, const std::string& help, bool replayed);

[[nodiscard]] const EnumNames<VerifyMode>& verify_names();
inline constexpr std::string_view verify_flag = "--verify";
/// --verify full, sample:N or off.
Flag& add_verify_flag(Flags& flags, VerifyRequest& request, const std::string& help);

}  // namespace tilegrid
