// XLA's foreign functions for a max pool that remembers where each maximum was, and for its gradient.
//
// Maps lie as [N, height, width, channels]; leading axes (a vmapped one) are examples too.
#include <algorithm>
#include <limits>

#include "calls.h"
#include "vectors.h"
#include "windows.h"
#include "written.h"
#include "xla/ffi/api/ffi.h"

namespace cnnkit {
namespace {

namespace ffi = xla::ffi;
using Numbers = ffi::Span<const int64_t>;

template <typename T>
void Forward(ffi::ThreadPool& pool, const Windows& windows, const T* x, T* y, uint8_t* places) {
  const auto [examples, channels, rows, columns] = windows;
  ForExamples(pool, windows, [&, channels = channels, rows = rows, columns = columns](int64_t n) {
    const T* const from = x + n * windows.inputs();
    int64_t at = n * windows.outputs();
    for (int64_t row = 0; row < rows.output; ++row) {
      for (int64_t column = 0; column < columns.output; ++column) {
        for (int64_t channel = 0; channel < channels; channel += kLanes, at += kLanes) {
          Floats most = Floats{} - std::numeric_limits<float>::infinity();
          Floats place = {};
          for (int64_t i = rows.first(row); i < rows.last(row); ++i) {
            const int64_t r = row * rows.stride - rows.before + i;
            for (int64_t j = columns.first(column); j < columns.last(column); ++j) {
              const int64_t c = column * columns.stride - columns.before + j;
              const Floats cell = Load(from + (r * columns.input + c) * channels + channel);
              const Floats number = Floats{} + static_cast<float>(i * columns.size + j);
              // The first of equal cells is taken; what is no number stays so.
              place = cell > most ? number : place;
              most = (cell > most) | (cell != cell) ? cell : most;
            }
          }
          Store(most, y + at);
          StoreBytes(place, places + at);
        }
      }
    }
  });
}

// Where no cell lies in two windows: each window is written once.
template <typename T>
void BackwardApart(ffi::ThreadPool& pool, const Windows& windows, const uint8_t* places,
                   const T* dy, T* dx) {
  const auto [examples, channels, rows, columns] = windows;
  ForExamples(pool, windows, [&, examples = examples, channels = channels, rows = rows,
                              columns = columns](int64_t n) {
    const Written<T> written(dx + n * windows.inputs(), examples * windows.inputs());
    const int64_t width = columns.input * channels;
    int64_t at = n * windows.outputs();
    for (int64_t row = 0; row < rows.output; ++row) {
      const int64_t top = row * rows.stride - rows.before;
      for (int64_t column = 0; column < columns.output; ++column) {
        const int64_t left = column * columns.stride - columns.before;
        const int64_t stop = at + channels;
        for (int64_t i = rows.first(row); i < rows.last(row); ++i) {
          for (int64_t j = columns.first(column); j < columns.last(column); ++j) {
            const Floats number = Floats{} + static_cast<float>(i * columns.size + j);
            int64_t to = (top + i) * width + (left + j) * channels;
            for (int64_t from = at; from < stop; from += kLanes, to += kLanes) {
              written.Put(LoadBytes(places + from) == number ? Load(dy + from) : Floats{}, to);
            }
          }
        }
        at = stop;
      }
    }
    // What lies behind the last windows is in none.
    const auto behind = [](const Axis& axis) {  // at 0 where all windows lie in the padding
      return std::max<int64_t>(0, axis.output * axis.stride - axis.before);
    };
    const int64_t last_row = behind(rows), last_column = behind(columns);
    for (int64_t r = 0; r < rows.input; ++r) {
      for (int64_t c = r < last_row ? last_column : 0; c < columns.input; ++c) {
        for (int64_t channel = 0; channel < channels; channel += kLanes) {
          written.Put(Floats{}, r * width + c * channels + channel);
        }
      }
    }
  });
}

template <typename T>
void Backward(ffi::ThreadPool& pool, const Windows& windows, const uint8_t* places, const T* dy,
              T* dx) {
  const auto [examples, channels, rows, columns] = windows;
  if (rows.size == rows.stride && columns.size == columns.stride) {
    return BackwardApart(pool, windows, places, dy, dx);
  }
  ForExamples(pool, windows, [&, channels = channels, rows = rows, columns = columns](int64_t n) {
    const int64_t example = n * windows.outputs();
    T* to = dx + n * windows.inputs();
    for (int64_t r = 0; r < rows.input; ++r) {
      for (int64_t c = 0; c < columns.input; ++c) {
        for (int64_t channel = 0; channel < channels; channel += kLanes, to += kLanes) {
          Floats sum = {};
          for (int64_t row = rows.begin(r); row < rows.end(r); ++row) {
            const int64_t i = r + rows.before - row * rows.stride;
            for (int64_t column = columns.begin(c); column < columns.end(c); ++column) {
              const int64_t j = c + columns.before - column * columns.stride;
              const int64_t at = example + (row * columns.output + column) * channels + channel;
              const Floats number = Floats{} + static_cast<float>(i * columns.size + j);
              sum += LoadBytes(places + at) == number ? Load(dy + at) : Floats{};
            }
          }
          Store(sum, to);
        }
      }
    }
  });
}

// The windows that these shapes describe, or an exception.
Windows Read(const ffi::AnyBuffer& x, const ffi::AnyBuffer& y, const ffi::AnyBuffer& places,
             Numbers size, Numbers stride, Numbers before) {
  const Windows windows = ReadWindows(x, y, size, stride, before);
  Require(places.element_type() == ffi::U8 && places.element_count() == y.element_count(),
          "each maximum must have a place, a byte");
  Require(size[0] * size[1] <= 256, "a place must fit into a byte");
  return windows;
}

using Ret = ffi::Result<ffi::AnyBuffer>;

ffi::Error MaxPool(ffi::ThreadPool pool, ffi::AnyBuffer x, Ret y, Ret places, Numbers size,
                   Numbers stride, Numbers before) {
  return Guarded("cnnkit's max pool", [&] {
    const Windows windows = Read(x, *y, *places, size, stride, before);
    if (x.element_type() == ffi::F32) {
      Forward(pool, windows, At<float>(x), At<float>(*y), At<uint8_t>(*places));
    } else {
      Forward(pool, windows, At<Bfloat16>(x), At<Bfloat16>(*y), At<uint8_t>(*places));
    }
  });
}

ffi::Error MaxPoolGradient(ffi::ThreadPool pool, ffi::AnyBuffer places, ffi::AnyBuffer dy, Ret dx,
                           Numbers size, Numbers stride, Numbers before) {
  return Guarded("cnnkit's max pool", [&] {
    const Windows windows = Read(*dx, dy, places, size, stride, before);
    if (dy.element_type() == ffi::F32) {
      Backward(pool, windows, At<uint8_t>(places), At<float>(dy), At<float>(*dx));
    } else {
      Backward(pool, windows, At<uint8_t>(places), At<Bfloat16>(dy), At<Bfloat16>(*dx));
    }
  });
}

}  // namespace
}  // namespace cnnkit

extern "C" {

__attribute__((visibility("default"))) XLA_FFI_Error* CnnkitMaxPool(XLA_FFI_CallFrame* call_frame);

__attribute__((visibility("default"))) XLA_FFI_Error* CnnkitMaxPoolGradient(
    XLA_FFI_CallFrame* call_frame);
}

XLA_FFI_DEFINE_HANDLER_SYMBOL(CnnkitMaxPool, cnnkit::MaxPool,
                              xla::ffi::Ffi::Bind()
                                  .Ctx<xla::ffi::ThreadPool>()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .Ret<xla::ffi::AnyBuffer>()
                                  .Ret<xla::ffi::AnyBuffer>()
                                  .Attr<xla::ffi::Span<const int64_t>>("size")
                                  .Attr<xla::ffi::Span<const int64_t>>("stride")
                                  .Attr<xla::ffi::Span<const int64_t>>("before"));

XLA_FFI_DEFINE_HANDLER_SYMBOL(CnnkitMaxPoolGradient, cnnkit::MaxPoolGradient,
                              xla::ffi::Ffi::Bind()
                                  .Ctx<xla::ffi::ThreadPool>()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .Ret<xla::ffi::AnyBuffer>()
                                  .Attr<xla::ffi::Span<const int64_t>>("size")
                                  .Attr<xla::ffi::Span<const int64_t>>("stride")
                                  .Attr<xla::ffi::Span<const int64_t>>("before"));
