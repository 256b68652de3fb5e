// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul/verify.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <vector>

#include "core/tile.h"
#include "kernels/planner/graph/expression.h"

namespace tilegrid::matmul {
namespace {

using planner::Evaluated;
using planner::Tensor;

int padded(int elements) { return tiles_of(elements) * tile_side; }
double square(double value) { return value * value; }
std::size_t size(int value) { return value; }

/// Rows of a matrix with `columns` columns, in a tensor of whole tiles.
Tensor rows_of(std::span<const float> matrix, int columns, const std::vector<std::uint64_t>& rows) {
  Tensor tensor{padded(count_of(rows)), padded(columns), {}};
  tensor.values.resize(size(tensor.rows) * size(tensor.cols));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto row = matrix.subspan(rows[i] * size(columns), size(columns));
    std::copy(row.begin(), row.end(), tensor.values.begin() + i * tensor.cols);
  }
  return tensor;
}

std::vector<std::uint64_t> all_rows(int count) {
  std::vector<std::uint64_t> rows(size(count));
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = i;
  return rows;
}

/// The rows to look at, by batch.
std::map<int, std::vector<std::uint64_t>> wanted_rows(const VerifyRequest& request, const Shape& shape) {
  std::map<int, std::vector<std::uint64_t>> rows;
  if (request.mode == VerifyMode::full) {
    for (int batch = 0; batch < shape.batch; ++batch) rows[batch] = all_rows(shape.m);
    return rows;
  }
  const std::uint64_t m = shape.m;
  for (const std::uint64_t flat : sample_rows(request.sample_rows, std::int64_t{shape.batch} * shape.m)) {
    rows[static_cast<int>(flat / m)].push_back(flat % m);
  }
  return rows;
}

/// Sum of the squares of all products that make up a b.
double squares(const Tensor& a, const Tensor& b) {
  double sum = 0;
  for (int k = 0; k < a.cols; ++k) {
    double left = 0;
    double right = 0;
    for (int i = 0; i < a.rows; ++i) left += square(a.values[size(i) * size(a.cols) + size(k)]);
    for (int j = 0; j < b.cols; ++j) right += square(b.values[size(k) * size(b.cols) + size(j)]);
    sum += left * right;
  }
  return sum;
}

/// Expected and computed values of all rows looked at, without padding.
class Rows {
 public:
  explicit Rows(int columns) : columns_(columns) { expected_.cols = output_.cols = columns; }
  void add(const Evaluated& expected, std::span<const float> output, const std::vector<std::uint64_t>& rows) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::ptrdiff_t begin = i * expected.cols;
      const auto append = [&](std::vector<double>& to, const std::vector<double>& from) {
        to.insert(to.end(), from.begin() + begin, from.begin() + begin + columns_);
      };
      append(expected_.values, expected.values);
      append(expected_.bounds, expected.bounds);
      append(expected_.roundings, expected.roundings.empty() ? expected.bounds : expected.roundings);
      const auto row = output.subspan(rows[i] * size(columns_), size(columns_));
      output_.values.insert(output_.values.end(), row.begin(), row.end());
      ++expected_.rows;
      ++output_.rows;
    }
  }
  [[nodiscard]] int count() const { return output_.rows; }
  [[nodiscard]] planner::Comparison compare() const { return planner::compare(expected_, output_); }

 private:
  int columns_;
  Evaluated expected_;
  Tensor output_;
};

}  // namespace

Verification verify(const Config& config, const VerifyRequest& request, std::span<const float> a, std::span<const float> b,
                    std::span<const float> output, const std::function<void(std::uint64_t)>& progress) {
  const Shape& shape = config.shape;
  const planner::Graph graph = planner::parse_expression("a @ b", {.block = {{1}, {1}}, .inner = 1});
  planner::Machine machine;
  machine.dst_fp32 = config.compute.dst_fp32;
  machine.fidelity = config.compute.fidelity;
  machine.numerics = config.compute.numerics;
  machine.format = config.format.a;
  machine.output_format = config.format.out;
  planner::ErrorModel model = planner::error_model(machine);
  model.input_formats = {config.format.a, config.format.b};
  Rows rows(shape.n);
  double squares_of_products = 0;
  for (const auto& [batch, of_batch] : wanted_rows(request, shape)) {
    const auto matrix = [&](std::span<const float> values, int number, int height, int width) {
      const std::size_t elements = size(height) * size(width);
      return values.subspan(size(number) * elements, elements);
    };
    const auto own_b = matrix(b, shape.shared_b ? 0 : batch, shape.k, shape.n);
    const std::vector<Tensor> inputs{rows_of(matrix(a, batch, shape.m, shape.k), shape.k, of_batch),
                                     rows_of(own_b, shape.n, all_rows(shape.k))};
    // Products come by blocks of K for all rows of a batch, padding included.
    const double of_row = 1.0 * inputs[0].cols * inputs[1].cols * inputs[0].rows / count_of(of_batch);
    const auto tell = [&](std::uint64_t multiply_adds) {
      if (progress) progress(rows.count() + static_cast<std::uint64_t>(static_cast<double>(multiply_adds) / of_row));
    };
    const std::vector<Evaluated> expected = planner::evaluate(graph, inputs, model, tell);
    squares_of_products += squares(inputs[0], inputs[1]);
    rows.add(expected.front(), matrix(output, batch, shape.m, shape.n), of_batch);
  }
  Verification result;
  result.request = request;
  result.rows = rows.count();
  result.compared = rows.compare();
  if (request.mode == VerifyMode::sample) result.finite = planner::tally_of_finite(output);
  const double computed = static_cast<double>(result.rows) * shape.n;
  const double products = std::sqrt(squares_of_products / computed);
  const double of_output = result.compared.relative_l2 > 0 ? result.compared.rmse / result.compared.relative_l2 : 0;
  const double scale = std::max(products, of_output);
  result.error = scale > 0 ? result.compared.rmse / scale : 0;
  result.gate = error_gate(config);
  return result;
}

double error_gate(const Config& config) {
  // Each part is about what was measured with normal data, K of 31 to 16384; twice their sum is the bound.
  constexpr std::array<double, 5> of_fidelity{0, 2.7e-2, 4.5e-3, 1e-3, 0};
  double error = of_fidelity.at(to_underlying(config.compute.fidelity));
  // fp32 is cut to TF32 on its way to the matrix unit, to bf16 with a 16-bit DST.
  const auto cut = [](DataFormat format) { return format == DataFormat::fp32 || format == DataFormat::tf32; };
  if (cut(config.format.a) || cut(config.format.b)) {
    error += config.compute.dst_fp32 ? 2e-3 : 1e-2;
  }
  // A 16-bit DST rounds sums once for every tile of K, or as often as silicon does: a random walk.
  const double steps = config.compute.numerics == Numerics::fast ? 1 : 2.0 * to_underlying(config.compute.fidelity);
  if (!config.compute.dst_fp32) error += 2.1e-4 * std::sqrt(steps * padded(config.shape.k));
  // Products lose what they have below the largest of eight (tensix.md 2.1).
  if (config.compute.numerics == Numerics::exact) error += 3.2e-4;
  // The output's own rounding; the packer cuts to the narrow block floats.
  const DataFormat out = config.format.out;
  if (out == DataFormat::bf16) error += 1.7e-3;
  if (out == DataFormat::fp16 || out == DataFormat::tf32) error += 5e-4;
  if (out == DataFormat::bfp8_b) error += 1e-2;
  if (out == DataFormat::bfp4_b) error += 0.2;
  if (out == DataFormat::bfp2_b) error += 0.6;
  return 2 * error;
}

}  // namespace tilegrid::matmul
