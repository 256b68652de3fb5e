// SPDX-License-Identifier: Apache-2.0
#include "runtime/workloads/attention_formats.h"

#include <fmt/format.h>

#include "runtime/flags/format_flag.h"

namespace tilegrid::workloads {
namespace {

FormatTargets targets_of(attention::Formats& formats) {
  return {{"q", {&formats.q}},
          {"kv", {&formats.k, &formats.v}},
          {"k", {&formats.k}},
          {"v", {&formats.v}},
          {"out", {&formats.out}}};
}

}  // namespace

void add_attention_formats(Flags& flags, attention::Formats& formats) {
  add_format_flag(
      flags,
      "Of tensors in DRAM: bf16, fp32, tf32, fp16, or bfp8, bfp4, bfp2, whose blocks of\n16 share an exponent; one "
      "for all, or q=bf16,kv=bfp8,out=bf16 (k and v apart, too);\nunfused scores have the output's. The matrix unit takes "
      "fp16 with nothing else: Q, K\nand V have it together, and what stays in L1; that is else bf16, or fp32 with "
      "an fp32\noutput and DST fp32",
      targets_of(formats));
}

void add_attention_exp(Flags& flags, attention::Config& config) {
  flags
      .add("--exp", "NAME",
           "Exponential of the vector unit: fast, accurate, or, in exact numerics, unclamped: the\nfast one for whose "
           "negative "
           "results, of small scores and masks, real kernels have ReLU;\nhere they stay, and --diagnostics counts them "
           "[fast]",
           [&config](const Given& given) {
             const std::string& text = given.text;
             if (text != "fast" && text != "accurate" && text != "unclamped") {
               given.refuse("one of fast, accurate, unclamped is expected");
             }
             config.exp_accurate = text == "accurate";
             config.exp_unclamped = text == "unclamped";
           })
      .is([&config] { return report::Value(exp_text(config)); });
}

std::string exp_text(const attention::Config& config) {
  return config.exp_unclamped ? "unclamped" : config.exp_accurate ? "accurate" : "fast";
}

std::string format_text(attention::Formats formats) { return formats_text(targets_of(formats)); }

}  // namespace tilegrid::workloads
