// A batch norm in training, with an addition and a rectifier behind it, and its gradient.
//
// Maps are rows of channels. They are cut into parts that depend on their shape alone, whose sums are
// added in order: the results are the same to the last bit, whatever threads there are.
#pragma once

#include <cmath>

#include "cut.h"
#include "vectors.h"
#include "xla/ffi/api/ffi.h"

namespace cnnkit {

// What lies between the norm and its result: nothing where the bounds are infinite.
struct Bounds {
  float low, high;

  bool any() const { return std::isfinite(low) || std::isfinite(high); }
  // Written so that what is no number stays so.
  Floats Clip(Floats y) const {
    y = y < low ? Floats{} + low : y;
    return y > high ? Floats{} + high : y;
  }
  float Clip(float y) const {
    y = y < low ? low : y;
    return y > high ? high : y;
  }
  // The gradient that passes through a rectifier, by what it gave.
  Floats Passed(Floats g, Floats y) const { return (y > low) & (y < high) ? g : Floats{}; }
  float Passed(float g, float y) const { return y > low && y < high ? g : 0.0f; }
};

// The mean of each channel and what its rounding took from it, and the variance; of one norm.
struct Moments {
  float *mean, *rest, *variance;
};

// What is normalized; the residual is null where nothing is added.
template <typename T>
struct Given {
  const T *x, *residual;
  const float *scale, *shift;
};

// Computes y = clip(scale·(x − mean)/√(variance + epsilon) + shift + residual).
template <typename T>
void Forward(xla::ffi::ThreadPool& pool, const Cut& cut, const Given<T>& given, float epsilon,
             Bounds bounds, T* y, Moments of);

// What the gradient is computed from; y is null where there is no rectifier.
template <typename T>
struct Known {
  const T *dy, *x, *y;
  const float *scale, *mean, *rest, *variance;
};

template <typename T>
struct Gradients {
  T* dx;
  float *dscale, *dshift;
  T* dresidual;  // of what was added; null where it is not asked for
};

// Computes, with u = (x − mean)·r, r = 1/√(variance + epsilon) and the gradient g behind the rectifier,
// dshift = Σg, dscale = Σg·u, dx = scale·r·(g − dshift/n − u·dscale/n) (Ioffe and Szegedy, 2015).
template <typename T>
void Backward(xla::ffi::ThreadPool& pool, const Cut& cut, const Known<T>& known, float epsilon,
              Bounds bounds, const Gradients<T>& to);

}  // namespace cnnkit
