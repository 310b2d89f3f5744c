// XLA's foreign function for a convolution of one filter a channel, and its gradients.
//
// oneDNN takes up to 15 times as long for some gradients of bfloat16. Maps lie as [N, height, width,
// channels], filters as [height, width, 1, channels]; leading axes (a vmapped one) are convolutions of
// their own. All is summed in float32, in an order that depends on the shapes alone.
#include <algorithm>

#include "buffer.h"
#include "calls.h"
#include "vectors.h"
#include "windows.h"
#include "xla/ffi/api/ffi.h"

namespace cnnkit {
namespace {

namespace ffi = xla::ffi;
using Numbers = ffi::Span<const int64_t>;

constexpr int64_t kMostCells = 64;  // of a filter

struct Depthwise {
  Windows windows;  // of all convolutions of the call
  int64_t batch;    // examples of one of them

  int64_t leading() const { return windows.examples / batch; }
  int64_t cells() const { return windows.rows.size * windows.columns.size; }
  int64_t weights() const { return cells() * windows.channels; }
};

// The filters of a call in float32, which this thread keeps until its next call.
template <typename T>
const float* Widened(const T* filters, int64_t count) {
  thread_local Buffer buffer;
  auto* const wide = static_cast<float*>(buffer.Get(sizeof(float) * count));
  for (int64_t at = 0; at < count; at += kLanes) Store(Load(filters + at), wide + at);
  return wide;
}

template <typename T>
void Forward(ffi::ThreadPool& pool, const Depthwise& call, const T* x, const T* filters, T* y) {
  const float* const wide = Widened(filters, call.leading() * call.weights());
  ForExamples(pool, call.windows, [&](int64_t n) {
    const Axis rows = call.windows.rows, columns = call.windows.columns;
    const int64_t channels = call.windows.channels;
    const T* const from = x + n * call.windows.inputs();
    const float* const weights = wide + n / call.batch * call.weights();
    T* to = y + n * call.windows.outputs();
    for (int64_t row = 0; row < rows.output; ++row) {
      const int64_t top = row * rows.stride - rows.before;
      for (int64_t column = 0; column < columns.output; ++column) {
        const int64_t left = column * columns.stride - columns.before;
        for (int64_t channel = 0; channel < channels; channel += kLanes, to += kLanes) {
          Floats sum = {};
          for (int64_t i = rows.first(row); i < rows.last(row); ++i) {
            for (int64_t j = columns.first(column); j < columns.last(column); ++j) {
              sum += Load(from + ((top + i) * columns.input + left + j) * channels + channel) *
                     Load(weights + (i * columns.size + j) * channels + channel);
            }
          }
          Store(sum, to);
        }
      }
    }
  });
}

template <typename T>
void DataGradient(ffi::ThreadPool& pool, const Depthwise& call, const T* dy, const T* filters,
                  T* dx) {
  const float* const wide = Widened(filters, call.leading() * call.weights());
  ForExamples(pool, call.windows, [&](int64_t n) {
    const Axis rows = call.windows.rows, columns = call.windows.columns;
    const int64_t channels = call.windows.channels;
    const T* const from = dy + n * call.windows.outputs();
    const float* const weights = wide + n / call.batch * call.weights();
    T* to = dx + n * call.windows.inputs();
    for (int64_t r = 0; r < rows.input; ++r) {
      for (int64_t c = 0; c < columns.input; ++c) {
        for (int64_t channel = 0; channel < channels; channel += kLanes, to += kLanes) {
          Floats sum = {};
          for (int64_t row = rows.begin(r); row < rows.end(r); ++row) {
            const int64_t i = r + rows.before - row * rows.stride;
            for (int64_t column = columns.begin(c); column < columns.end(c); ++column) {
              const int64_t j = c + columns.before - column * columns.stride;
              sum += Load(from + (row * columns.output + column) * channels + channel) *
                     Load(weights + (i * columns.size + j) * channels + channel);
            }
          }
          Store(sum, to);
        }
      }
    }
  });
}

// Adds what an example gives to the gradient of the filters.
template <typename T>
void AddFilterGradient(const Depthwise& call, const T* x, const T* dy, float* sums) {
  const Axis rows = call.windows.rows, columns = call.windows.columns;
  const int64_t channels = call.windows.channels;
  for (int64_t channel = 0; channel < channels; channel += kLanes) {
    Floats of_cells[kMostCells] = {};
    for (int64_t row = 0; row < rows.output; ++row) {
      const int64_t top = row * rows.stride - rows.before;
      for (int64_t column = 0; column < columns.output; ++column) {
        const int64_t left = column * columns.stride - columns.before;
        const Floats g = Load(dy + (row * columns.output + column) * channels + channel);
        for (int64_t i = rows.first(row); i < rows.last(row); ++i) {
          for (int64_t j = columns.first(column); j < columns.last(column); ++j) {
            of_cells[i * columns.size + j] +=
                g * Load(x + ((top + i) * columns.input + left + j) * channels + channel);
          }
        }
      }
    }
    for (int64_t cell = 0; cell < call.cells(); ++cell) {
      float* const sum = sums + cell * channels + channel;
      Store(Load(sum) + of_cells[cell], sum);
    }
  }
}

template <typename T>
void FilterGradient(ffi::ThreadPool& pool, const Depthwise& call, const T* x, const T* dy,
                    float* filters) {
  constexpr int64_t kPartElements = 1 << 17;
  const int64_t inputs = call.windows.inputs(), outputs = call.windows.outputs();
  const int64_t parts =
      std::clamp<int64_t>(call.batch * outputs / kPartElements, 1, std::min<int64_t>(32, call.batch));
  const int64_t weights = call.weights();
  thread_local Buffer buffer;
  auto* const sums =
      static_cast<float*>(buffer.Get(sizeof(float) * call.leading() * parts * weights));
  Split(pool, call.leading() * parts, [&](int64_t task) {
    const int64_t lead = task / parts, part = task % parts;
    float* const sum = sums + task * weights;
    std::fill(sum, sum + weights, 0.0f);
    for (int64_t at = call.batch * part / parts; at < call.batch * (part + 1) / parts; ++at) {
      const int64_t n = lead * call.batch + at;
      AddFilterGradient(call, x + n * inputs, dy + n * outputs, sum);
    }
  });
  for (int64_t lead = 0; lead < call.leading(); ++lead) {
    for (int64_t weight = 0; weight < weights; ++weight) {
      double sum = 0;
      for (int64_t part = 0; part < parts; ++part) {
        sum += sums[(lead * parts + part) * weights + weight];
      }
      filters[lead * weights + weight] = static_cast<float>(sum);
    }
  }
}

// The convolution that these shapes describe, or an exception.
Depthwise Read(const ffi::AnyBuffer& x, const ffi::AnyBuffer& filters, const ffi::AnyBuffer& y,
               Numbers stride, Numbers before) {
  const auto kernel = filters.dimensions();
  Require(kernel.size() >= 4, "filters must have four axes");
  const size_t lead = kernel.size() - 4;
  Depthwise call;
  const int64_t size[] = {kernel[lead], kernel[lead + 1]};
  call.windows = ReadWindows(x, y, {size, 2}, stride, before);
  Require(x.dimensions().size() == kernel.size(), "maps and filters must have as many axes");
  for (size_t axis = 0; axis < lead; ++axis) {
    Require(x.dimensions()[axis] == kernel[axis], "the leading axes must agree");
  }
  call.batch = x.dimensions()[lead];
  Require(kernel[lead + 2] == 1 && kernel[lead + 3] == call.windows.channels,
          "there must be a filter for each channel");
  Require(call.cells() <= kMostCells, "a filter may have 64 cells");
  return call;
}

using Ret = ffi::Result<ffi::AnyBuffer>;

ffi::Error Convolve(ffi::ThreadPool pool, ffi::AnyBuffer first, ffi::AnyBuffer second, Ret result,
                    int64_t operation, Numbers stride, Numbers before) {
  return Guarded("cnnkit's depthwise convolution", [&] {
    Require(operation >= 0 && operation <= 2, "the operation must be 0, 1 or 2");
    Require(second.element_type() == first.element_type(), "the operands must be of one type");
    Require(result->element_type() == (operation == 2 ? ffi::F32 : first.element_type()),
            "maps must be of the operands' type, and a filter gradient float32");
    const Depthwise call = operation == 0   ? Read(first, second, *result, stride, before)
                           : operation == 1 ? Read(*result, second, first, stride, before)
                                            : Read(first, *result, second, stride, before);
    const auto run = [&](auto type) {
      using T = decltype(type);
      if (operation == 0) Forward(pool, call, At<T>(first), At<T>(second), At<T>(*result));
      if (operation == 1) DataGradient(pool, call, At<T>(first), At<T>(second), At<T>(*result));
      if (operation == 2) FilterGradient(pool, call, At<T>(first), At<T>(second), At<float>(*result));
    };
    if (first.element_type() == ffi::F32) {
      run(float{});
    } else {
      run(Bfloat16{});
    }
  });
}

}  // namespace
}  // namespace cnnkit

extern "C" __attribute__((visibility("default"))) XLA_FFI_Error* CnnkitConvolveDepthwise(
    XLA_FFI_CallFrame* call_frame);

XLA_FFI_DEFINE_HANDLER_SYMBOL(CnnkitConvolveDepthwise, cnnkit::Convolve,
                              xla::ffi::Ffi::Bind()
                                  .Ctx<xla::ffi::ThreadPool>()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .Ret<xla::ffi::AnyBuffer>()
                                  .Attr<int64_t>("operation")
                                  .Attr<xla::ffi::Span<const int64_t>>("stride")
                                  .Attr<xla::ffi::Span<const int64_t>>("before"));
