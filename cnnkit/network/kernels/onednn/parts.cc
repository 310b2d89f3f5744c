#include "parts.h"

#include <algorithm>

namespace cnnkit {
namespace {

// Fewer rows than this are not worth a part: all parts read the filters, and some rows twice.
constexpr int64_t kFewestRows = 4;

int64_t Elements(const dnnl::memory::dims& extents) {
  int64_t count = 1;
  for (int64_t extent : extents) count *= extent;
  return count;
}

int64_t DivideUp(int64_t a, int64_t b) { return (a + b - 1) / b; }

// The convolution that computes the rows [begin, end) of one example's result: those of y, and of x
// in a data gradient.
struct Slice {
  Geometry geometry;
  int64_t input_row, output_row;

  Slice(const Geometry& whole, int64_t begin, int64_t end) : geometry(whole) {
    const int64_t step = whole.stride[0], before = whole.before[0];
    const int64_t reach = whole.dilation[0] * (whole.kernel[0] - 1) + 1;
    int64_t input_end, output_end;
    if (whole.operation == Operation::kDataGradient) {
      input_row = begin;
      input_end = end;
      // Of y the rows whose windows meet these.
      output_row = DivideUp(std::max<int64_t>(0, begin + before - reach + 1), step);
      output_end = std::min(whole.output[0], (end - 1 + before) / step + 1);
    } else {
      output_row = begin;
      output_end = end;
      // Of x what the windows of these lie on.
      input_row = std::max<int64_t>(0, begin * step - before);
      input_end = std::min(whole.input[0], (end - 1) * step - before + reach);
    }
    // What the first and the last window reach beyond the rows that are there.
    const int64_t above = input_row - (output_row * step - before);
    const int64_t below = (output_end - 1) * step - before + reach - input_end;
    geometry.batch = 1;
    geometry.input[0] = input_end - input_row;
    geometry.output[0] = output_end - output_row;
    geometry.before[0] = above;
    geometry.after[0] = std::max<int64_t>(0, below);
  }

  // Whether it is a convolution, which the rows round a window in the padding alone are not.
  bool holds() const {
    return geometry.input[0] > 0 && geometry.output[0] > 0 && geometry.before[0] >= 0;
  }
};

// An example in at most as many parts as these; none where it can't be cut. Slices differ in their
// padding: where oneDNN would have another layout of the filters for one of them, it has nothing but
// its reference for the layout of the others.
std::vector<Part> ByRows(const Geometry& geometry, int64_t pieces) {
  const auto& result =
      geometry.operation == Operation::kDataGradient ? geometry.input : geometry.output;
  pieces = std::clamp<int64_t>(result[0] / kFewestRows, 1, pieces);
  if (pieces == 1) return {};
  const int64_t input_row = InputBytes(geometry) / geometry.input[0];
  const int64_t output_row = OutputBytes(geometry) / geometry.output[0];
  std::vector<Part> parts;
  for (int64_t piece = 0; piece < pieces; ++piece) {
    const Slice slice(geometry, result[0] * piece / pieces, result[0] * (piece + 1) / pieces);
    if (!slice.holds()) return {};
    parts.push_back({Primitive::Get(slice.geometry, slice.geometry),
                     input_row * slice.input_row, output_row * slice.output_row});
    if (!parts.back().primitive->Shares(*parts[0].primitive)) return {};
  }
  return parts;
}

std::vector<Part> ByExamples(Geometry geometry, int64_t size) {
  const int64_t batch = geometry.batch;
  const int64_t input = InputBytes(geometry), output = OutputBytes(geometry);
  geometry.batch = size;
  const auto whole = Primitive::Get(geometry, geometry);
  std::vector<Part> parts;
  parts.reserve(DivideUp(batch, size));
  for (int64_t example = 0; example < batch; example += size) {
    parts.push_back({whole, example * input, example * output});
  }
  if (batch % size) {
    Geometry rest = geometry;
    rest.batch = batch % size;
    parts.back().primitive = Primitive::Get(rest, geometry);
  }
  return parts;
}

}  // namespace

int64_t InputBytes(const Geometry& g) { return BytesOf(g.type) * g.channels * Elements(g.input); }
int64_t OutputBytes(const Geometry& g) { return BytesOf(g.type) * g.filters * Elements(g.output); }

std::vector<Part> Deal(const Geometry& geometry, int64_t threads, int64_t examples) {
  if (geometry.batch < threads) {
    const auto rows = ByRows(geometry, DivideUp(threads, geometry.batch));
    if (!rows.empty()) {
      const int64_t input = InputBytes(geometry), output = OutputBytes(geometry);
      std::vector<Part> parts;
      for (int64_t example = 0; example < geometry.batch; ++example) {
        for (const Part& part : rows) {
          parts.push_back(
              {part.primitive, example * input + part.input, example * output + part.output});
        }
      }
      return parts;
    }
  }
  // As many parts for each thread, and parts of one size, or one thread would wait for another.
  const int64_t each = DivideUp(DivideUp(geometry.batch, std::max<int64_t>(1, examples)), threads);
  return ByExamples(geometry, DivideUp(geometry.batch, each * threads));
}

}  // namespace cnnkit
