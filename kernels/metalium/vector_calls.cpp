// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <span>

#include "kernels/api/compute.h"
#include "kernels/metalium/calls.h"

namespace tilegrid::metalium {
namespace {

using FaceFunction = void (*)(float*, const float*, const float*, int, const std::uint32_t*);

/// A function that the device headers bring along.
void apply(int op, std::uint32_t a, std::uint32_t b, std::uint32_t out, int mode, int operands, FaceFunction function,
           const std::uint32_t* parameters, bool integer, Line at) {
  enter(at);
  const std::array<std::uint32_t, 2> all{a, b};
  const auto inputs = std::span(all).first(operands);
  api::apply_tile(
      static_cast<VectorOp>(op), "a vector function", inputs, out, static_cast<VectorMode>(mode), integer,
      [=](float* to, const float* x, const float* y, const float*, int count) { function(to, x, y, count, parameters); },
      here(at));
}

void apply3(int op, std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t out,
            void (*function)(float*, const float*, const float*, const float*, int, const std::uint32_t*),
            const std::uint32_t* parameters, Line at) {
  enter(at);
  const std::array<std::uint32_t, 3> inputs{a, b, c};
  api::apply_tile(
      static_cast<VectorOp>(op), "a vector function", inputs, out, VectorMode::rc, false,
      [=](float* to, const float* x, const float* y, const float* z, int count) {
        function(to, x, y, z, count, parameters);
      },
      here(at));
}

/// For SFPI code, which reads and writes as it likes: a slot that nothing wrote reads as zeros.
float* dst_values(std::uint32_t slot, bool* sixteen, Line at) {
  Dst& dst = enter(at).core->dst;
  const auto index = static_cast<int>(slot);
  float* values = dst.math_slots(index, 1, "the vector unit");
  if (dst.cleared(index, 1) != 0) std::fill_n(values, tile_elements, 0.0F);
  dst.mark_written(index, 1);
  *sixteen = !dst.fp32();
  return values;
}

void vector_work(std::uint32_t instructions) {
  const KernelContext& kernel = api::running_kernel();
  kernel.core->log.append(kernel.risc, events::Work{.vector = true, .steps = instructions});
}

void idle(std::uint32_t cycles, Line at) {
  const KernelContext& kernel = enter(at);
  kernel.core->log.append(kernel.risc, events::Work{.vector = true, .steps = cycles});
}

/// A clock that only goes on: kernels wait by it, or print differences. Nothing depends on the host's time.
std::uint64_t clock() { return api::running_kernel().foreign->ticks += 64; }

}  // namespace

void fill_vector_calls(Interface& table) {
  table.vector = [](int op, std::uint32_t dst, int mode, float parameter, Line at) {
    const KernelContext& kernel = enter(at);
    if (static_cast<VectorOp>(op) == VectorOp::exp_fast) parameter *= kernel.foreign->exp_scale;
    api::vector_tile(static_cast<VectorOp>(op), dst, static_cast<VectorMode>(mode), parameter, here(at));
  };
  table.exp_scale = [](float scale) { api::running_kernel().foreign->exp_scale = scale; };
  table.vector_checked_exp = [](std::uint32_t dst, int mode, float scale, Line at) {
    const float all = scale * enter(at).foreign->exp_scale;
    api::exp_tile_checked(dst, static_cast<VectorMode>(mode), all, here(at));
  };
  table.vector_unclamped_exp = [](std::uint32_t dst, int mode, float scale, Line at) {
    const float all = scale * enter(at).foreign->exp_scale;
    api::exp_tile_unclamped(dst, static_cast<VectorMode>(mode), all, here(at));
  };
  table.vector_binary = [](int op, std::uint32_t a, std::uint32_t b, std::uint32_t out, int mode, Line at) {
    enter(at);
    api::vector_binary_tile(static_cast<VectorOp>(op), a, b, out, static_cast<VectorMode>(mode), here(at));
  };
  table.where = [](std::uint32_t cond, std::uint32_t x, std::uint32_t y, std::uint32_t out, int mode, Line at) {
    enter(at);
    api::where_tile(cond, x, y, out, static_cast<VectorMode>(mode), here(at));
  };
  table.copy_dest = [](std::uint32_t src, std::uint32_t dst, Line at) {
    enter(at);
    api::copy_dest_values(src, dst, here(at));
  };
  table.fill = [](std::uint32_t dst, float value, bool raw, Line at) {
    enter(at);
    if (!raw) return api::fill_tile(dst, value, here(at));
    api::apply_tile(
        VectorOp::fill, "fill_tile", {}, dst, VectorMode::rc, true,
        [=](float* to, const float*, const float*, const float*, int count) { std::fill_n(to, count, value); }, here(at));
  };
  table.apply = apply;
  table.apply3 = apply3;
  table.dst_values = dst_values;
  table.vector_work = vector_work;
  table.clock = clock;
  table.idle = idle;
}

}  // namespace tilegrid::metalium
