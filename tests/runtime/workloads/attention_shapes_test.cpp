// SPDX-License-Identifier: Apache-2.0
// Attention of any shape: causal with other numbers of queries than keys, dims that are no whole tiles, a dim of V's own.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <initializer_list>
#include <random>
#include <span>
#include <utility>
#include <vector>

#include "core/tile.h"
#include "kernels/attention/kernel_args.h"
#include "kernels/attention/unfused/unfused.h"
#include "kernels/attention/verify/reference.h"
#include "kernels/attention/verify/samples.h"
#include "runtime/data/tensors.h"
#include "tests/support/session_support.h"

namespace tilegrid::attention {
namespace {

std::size_t elements(int heads, int rows, int dim) {
  return static_cast<std::size_t>(heads) * static_cast<std::size_t>(rows) * static_cast<std::size_t>(dim);
}

/// Q, K and V of a shape.
struct Tensors {
  std::vector<float> q, k, v;
  explicit Tensors(const Shape& s)
      : q(random_samples(11, 0, elements(s.batch * s.heads, s.seq_q, s.dim), Distribution::normal)),
        k(random_samples(11, 1, elements(s.batch * s.kv_heads, s.seq_kv, s.dim), Distribution::normal)),
        v(random_samples(11, 2, elements(s.batch * s.kv_heads, s.seq_kv, s.value_dim()), Distribution::normal)) {}
};

/// [batch, heads, seq_q, v_dim] as the device computes it.
std::vector<float> attend(Device& device, const Config& asked, const Tensors& data) {
  const Config config = with_chunks(asked);
  const Shape& s = config.shape;
  device.free_buffers();
  const auto create = [&](int heads, int rows, int dim) {
    return Matrices::create(device, s.batch * heads, rows, dim, config.format.out);
  };
  const Matrices q = create(s.heads, s.seq_q, s.dim);
  const Matrices k = create(s.kv_heads, s.seq_kv, s.dim);
  const Matrices v = create(s.kv_heads, s.seq_kv, s.value_dim());
  const Matrices out = create(s.heads, s.seq_q, s.value_dim());
  q.upload(device, data.q);
  k.upload(device, data.k);
  v.upload(device, data.v);
  // What nobody writes is no number.
  device.write(out.buffer, std::vector<std::byte>(out.buffer.bytes(), std::byte{0xFF}));
  const TensorAddresses tensors{q.address(), k.address(), v.address(), out.address()};
  std::vector<Program> programs;
  if (config.kernel == Kernel::unfused) {
    unfused::Intermediates dram;
    dram.scores = device.create_buffer(unfused::score_bytes(config), tile_bytes(config.format.out)).address;
    if (s.causal) {
      const Buffer mask = device.create_buffer(unfused::mask_bytes(config), tile_bytes(config.format.out));
      device.write(mask, unfused::causal_mask(config));
      dram.mask = mask.address;
    }
    programs = unfused::make_programs(config, tensors, dram);
  } else {
    programs.push_back(make_program(config, tensors));
  }
  for (const Program& program : programs) static_cast<void>(device.launch(program));
  return out.download(device);
}

/// Relative L2 of the whole output, over what its values would be without cancelling.
double error_of(const Shape& s, const Tensors& data, const std::vector<float>& output) {
  VerifySums sums;
  for (int head = 0; head < s.batch * s.heads; ++head) {
    const int kv = head / s.heads * s.kv_heads + head % s.heads / (s.heads / s.kv_heads);
    const auto part = [](const std::vector<float>& all, int index, int rows, int used, int dim) {
      const auto from = all.begin() + static_cast<std::ptrdiff_t>(elements(index, rows, dim));
      return std::vector<float>(from, from + static_cast<std::ptrdiff_t>(elements(1, used, dim)));
    };
    VerifyRows rows{s, 0, s.seq_q, true, part(data.q, head, s.seq_q, s.seq_q, s.dim), {}, {}, {}};
    rows.k = part(data.k, kv, s.seq_kv, rows.keys(), s.dim);
    rows.v = part(data.v, kv, s.seq_kv, rows.keys(), s.value_dim());
    rows.output = part(output, head, s.seq_q, s.seq_q, s.value_dim());
    sums.add(compare_with_reference(rows));
  }
  EXPECT_EQ(sums.not_finite, 0U);
  const VerifyFigures result = figures(sums, s.value_dim());
  return result.relative_l2 / result.cancelled;
}

void on_host(GridSize grid, const std::function<void(Device&)>& body) {
  const test::Outcome outcome = test::run_session(grid, body);
  EXPECT_EQ(outcome.code, 0) << outcome.error;
}

class AttentionShapes : public testing::Test {
 protected:
  static void SetUpTestSuite() { register_kernels(); }
};

TEST_F(AttentionShapes, PrefillInChunksAndDecodingGiveTheBitsOfPrefillAtOnce) {
  on_host({2, 2}, [](Device& device) {
    for (const Kernel kernel : {Kernel::hand_written, Kernel::planned, Kernel::multipass}) {
      Config config;
      config.shape = {.heads = 2, .kv_heads = 1, .seq_q = 160, .seq_kv = 160, .dim = 40, .causal = true, .v_dim = 72};
      config.grid = {2, 2};
      config.q_chunk = 32;
      config.k_chunk = 64;
      config.kernel = kernel;
      const Tensors all(config.shape);
      const std::vector<float> whole = attend(device, config, all);
      for (const auto& [first, last] : {std::pair{0, 50}, {50, 90}, {90, 160}, {0, 1}, {63, 64}, {159, 160}}) {
        // Queries [first, last) with the keys up to the last of them.
        Tensors part = all;
        Config prefill = config;
        prefill.shape.seq_q = last - first;
        prefill.shape.seq_kv = last;
        part.q.clear();
        for (int head = 0; head < 2; ++head) {
          const auto from = all.q.begin() + (head * 160 + first) * 40;
          part.q.insert(part.q.end(), from, from + (last - first) * 40);
        }
        part.k.resize(elements(1, last, 40));
        part.v.resize(elements(1, last, 72));
        std::vector<float> expected;
        for (int head = 0; head < 2; ++head) {
          const auto from = whole.begin() + (head * 160 + first) * 72;
          expected.insert(expected.end(), from, from + (last - first) * 72);
        }
        EXPECT_EQ(attend(device, prefill, part), expected) << name_of(kernel) << ' ' << first << ' ' << last;
      }
    }
  });
}

struct Way {
  Kernel kernel = Kernel::hand_written;
  KvDelivery kv = KvDelivery::dram;
};

Config random_config(std::mt19937& random) {
  const auto one_of = [&](std::initializer_list<int> values) {
    return values.begin()[random() % values.size()];  // the same with every standard library
  };
  Config config;
  Shape& s = config.shape;
  s.kv_heads = one_of({1, 1, 2});
  s.heads = s.kv_heads * one_of({1, 2, 3});
  s.batch = one_of({1, 1, 2});
  s.seq_q = one_of({1, 5, 31, 32, 33, 65, 96, 130, 200});
  s.seq_kv = one_of({1, 2, 31, 32, 33, 64, 97, 128, 190});
  s.dim = one_of({1, 8, 31, 32, 33, 64, 80, 96});
  s.v_dim = one_of({0, 1, 31, 32, 33, 80, 130});
  s.causal = one_of({0, 1, 1}) == 1;
  if (one_of({0, 0, 1}) == 1) s.scale = 0.3;
  config.q_chunk = one_of({32, 64, 96});
  config.k_chunk = one_of({32, 64, 128});
  config.balance = one_of({0, 1}) == 1 ? Balance::contiguous : Balance::zigzag;
  return config;
}

TEST_F(AttentionShapes, RandomOnesAreRightByEveryKernelAndDelivery) {
  const std::vector<Way> ways{{Kernel::hand_written, KvDelivery::dram},
                              {Kernel::hand_written, KvDelivery::chain},
                              {Kernel::hand_written, KvDelivery::multicast_row},
                              {Kernel::hand_written, KvDelivery::multicast_grid},
                              {Kernel::planned, KvDelivery::dram},
                              {Kernel::multipass, KvDelivery::dram},
                              {Kernel::unfused, KvDelivery::dram}};
  on_host({3, 2}, [&](Device& device) {
    std::mt19937 random(20261130);
    for (int i = 0; i < 24; ++i) {
      Config config = random_config(random);
      config.grid = {3, 2};
      const Shape& s = config.shape;
      const Tensors data(s);
      std::vector<float> hand_written;
      for (const Way& way : ways) {
        SCOPED_TRACE(testing::Message() << i << ": " << name_of(way.kernel) << ' ' << name_of(way.kv) << ", heads "
                                        << s.heads << '/' << s.kv_heads << ", " << s.seq_q << " queries, " << s.seq_kv
                                        << " keys, " << dims_text(s) << (s.causal ? ", causal" : ""));
        config.kernel = way.kernel;
        config.kv = way.kv;
        const std::vector<float> output = attend(device, config, data);
        EXPECT_LT(error_of(s, data, output), 0.05);
        for (int head = 0; head < s.batch * s.heads; ++head) {
          const auto begin = output.begin() + static_cast<std::ptrdiff_t>(elements(head, s.seq_q, s.value_dim()));
          const auto blind = static_cast<std::ptrdiff_t>(elements(1, s.blind_rows(), s.value_dim()));
          EXPECT_TRUE(std::all_of(begin, begin + blind, [](float value) { return value == 0; }));
        }
        if (way.kernel != Kernel::hand_written) continue;
        if (hand_written.empty()) hand_written = output;
        EXPECT_EQ(output, hand_written) << "K and V come in another way, and are the same";
      }
    }
  });
}

}  // namespace
}  // namespace tilegrid::attention
