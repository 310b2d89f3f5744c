// Windows that slide over images, and the examples of a batch dealt out over threads.
#pragma once

#include <algorithm>
#include <cstdint>

#include "calls.h"
#include "pool.h"
#include "vectors.h"
#include "xla/ffi/api/ffi.h"

namespace cnnkit {

// One axis of the windows: their size, the cells from one to the next, and those before the input.
struct Axis {
  int64_t input, output, size, stride, before;

  // Of a window the cells inside the input, [first, last).
  int64_t first(int64_t window) const { return std::max<int64_t>(0, before - window * stride); }
  int64_t last(int64_t window) const {
    return std::clamp<int64_t>(input + before - window * stride, 0, size);
  }
  // Of an input cell the windows that it lies in, [begin, end).
  int64_t begin(int64_t cell) const {
    return std::max<int64_t>(0, cell + before - size + stride) / stride;
  }
  int64_t end(int64_t cell) const { return std::min(output, (cell + before) / stride + 1); }
};

// Maps [examples, height, width, channels] and the windows on them.
struct Windows {
  int64_t examples, channels;
  Axis rows, columns;

  int64_t inputs() const { return rows.input * columns.input * channels; }
  int64_t outputs() const { return rows.output * columns.output * channels; }
};

// Runs work(example) for all of them, some in a task.
template <typename Work>
void ForExamples(xla::ffi::ThreadPool& pool, const Windows& windows, Work&& work) {
  constexpr int64_t kTaskElements = 1 << 15;
  const int64_t each = std::max<int64_t>(1, kTaskElements / windows.inputs());
  Split(pool, (windows.examples + each - 1) / each, [&](int64_t task) {
    const int64_t stop = std::min(windows.examples, (task + 1) * each);
    for (int64_t example = task * each; example < stop; ++example) work(example);
  });
}

// The windows that two maps and these numbers of two axes describe, or an exception.
inline Windows ReadWindows(const xla::ffi::AnyBuffer& x, const xla::ffi::AnyBuffer& y,
                           xla::ffi::Span<const int64_t> size,
                           xla::ffi::Span<const int64_t> stride,
                           xla::ffi::Span<const int64_t> before) {
  const auto input = x.dimensions(), output = y.dimensions();
  Require(x.element_type() == xla::ffi::F32 || x.element_type() == xla::ffi::BF16,
          "the maps must be float32 or bfloat16");
  Require(y.element_type() == x.element_type(), "maps must be of one type");
  Require(input.size() >= 4 && output.size() == input.size(), "maps must have four axes");
  Require(size.size() == 2 && stride.size() == 2 && before.size() == 2,
          "windows must have two axes");
  const size_t lead = input.size() - 4;
  Windows windows = {1, input[lead + 3], {}, {}};
  for (size_t axis = 0; axis <= lead; ++axis) {
    Require(input[axis] == output[axis], "there must be as many examples");
    windows.examples *= input[axis];
  }
  Require(windows.examples > 0, "no axis may be empty");
  Require(windows.channels > 0 && windows.channels % kLanes == 0 &&
              output[lead + 3] == windows.channels,
          "channels must be as many, a multiple of 16");
  for (size_t axis = 0; axis < 2; ++axis) {
    const Axis each = {input[lead + 1 + axis], output[lead + 1 + axis], size[axis], stride[axis],
                       before[axis]};
    Require(each.input > 0 && each.output > 0, "no axis may be empty");
    Require(each.size > 0 && each.stride > 0 && each.before >= 0,
            "size and stride must be positive, and padding not negative");
    (axis == 0 ? windows.rows : windows.columns) = each;
  }
  return windows;
}

}  // namespace cnnkit
