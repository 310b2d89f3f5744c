#include "batch_norm.h"

#include <utility>

#include "buffer.h"
#include "pool.h"
#include "written.h"

namespace cnnkit {
namespace {

namespace ffi = xla::ffi;

// The moments from those of the parts (Chan, Golub and LeVeque, 1979): of part i, `sums` has for each
// channel a value near its mean, and the sums of the differences from it and of their squares.
void Merge(const Cut& cut, const float* sums, Moments of) {
  for (int64_t channel = 0; channel < cut.channels; ++channel) {
    double count = 0, mean = 0, squares = 0;
    for (int64_t part = 0; part < cut.parts; ++part) {
      const float* const at = sums + 3 * cut.channels * part + channel;
      const double more = static_cast<double>(cut.rows_of(part));
      const double near = at[0], first = at[cut.channels], second = at[2 * cut.channels];
      const double apart = near + first / more - mean;
      squares += second - first * first / more + apart * apart * count * more / (count + more);
      count += more;
      mean += apart * more / count;
    }
    of.mean[channel] = static_cast<float>(mean);
    of.rest[channel] = static_cast<float>(mean - of.mean[channel]);
    // Of what is no number, `max` would make 0.
    const double variance = squares / count;
    of.variance[channel] = static_cast<float>(variance < 0 ? 0 : variance);
  }
}

// Sums around a value near the mean of the part. It is the mean of the first eighth of its rows: by
// no more than √7 deviations of the whole part can that lie apart from the mean of all.
template <typename T>
void PartMoments(const Cut& cut, int64_t part, const T* x, float* sums) {
  float *const near = sums, *const first = near + cut.channels, *const second = first + cut.channels;
  auto* const columns = static_cast<float*>(Scratch(sizeof(float) * 3 * cut.columns));
  float* const shift = columns + 2 * cut.columns;
  const int64_t begin = cut.begin(part), end = cut.begin(part + 1);
  for (int64_t channel = 0; channel < cut.channels; ++channel) {
    near[channel] = Read(x[begin * cut.columns + channel]);
  }
  const auto around = [&] {
    cut.Widen(near, shift);
    return std::pair{
        [&](int64_t element, int64_t column, Floats* sum) {
          const Floats apart = Stream(x + element) - Load(shift + column);
          sum[0] += apart;
          sum[1] += apart * apart;
        },
        [&](int64_t element, int64_t channel, float* sum) {
          const float apart = Read(x[element]) - near[channel];
          sum[0] += apart;
          sum[1] += apart * apart;
        }};
  };
  const int64_t sample = begin + (end - begin + 7) / 8;
  if (sample > begin) {
    const auto [vector, single] = around();
    Sum(cut, begin, sample, 0, columns, first, second, vector, single);
    const float count = static_cast<float>((sample - begin) * cut.group);
    for (int64_t channel = 0; channel < cut.channels; ++channel) {
      near[channel] += first[channel] / count;
    }
  }
  const auto [vector, single] = around();
  Sum(cut, begin, end, cut.end_row(part), columns, first, second, vector, single);
}

}  // namespace

template <typename T>
void Forward(ffi::ThreadPool& pool, const Cut& cut, const Given<T>& given, float epsilon,
             Bounds bounds, T* y, Moments of) {
  const auto [x, residual, scale, shift] = given;
  thread_local Buffer buffer;
  const int64_t sums = 3 * cut.channels * cut.parts, factors = 3 * cut.columns;
  auto* const memory =
      static_cast<float*>(buffer.Get(sizeof(float) * cut.leading * (sums + factors)));
  float* const coefficients = memory + cut.leading * sums;
  Split(pool, cut.leading * cut.parts, [&](int64_t task) {
    const int64_t lead = task / cut.parts, part = task % cut.parts;
    PartMoments(cut, part, x + lead * cut.size(), memory + 3 * cut.channels * task);
  });
  for (int64_t lead = 0; lead < cut.leading; ++lead) {
    const int64_t at = lead * cut.channels;
    const Moments own = {of.mean + at, of.rest + at, of.variance + at};
    Merge(cut, memory + lead * sums, own);
    float* const column = coefficients + lead * factors;
    for (int64_t each = 0; each < cut.columns; ++each) {
      const int64_t channel = each % cut.channels;
      const float factor =
          scale[at + channel] / std::sqrt(own.variance[channel] + epsilon);
      column[each] = own.mean[channel];
      column[cut.columns + each] = factor;
      column[2 * cut.columns + each] = shift[at + channel] - own.rest[channel] * factor;
    }
  }
  // The part that was read last comes first: it may still be in the cache.
  Split(pool, cut.leading * cut.parts, [&](int64_t task) {
    const int64_t number = cut.leading * cut.parts - 1 - task;
    const int64_t lead = number / cut.parts, part = number % cut.parts;
    const float* const mean = coefficients + lead * factors;
    const float *const factor = mean + cut.columns, *const added = factor + cut.columns;
    const T* const own = x + lead * cut.size();
    T* const to = y + lead * cut.size();
    const Written<T> written(to, cut.size());
    const auto norm = [&](int64_t element, int64_t column) {
      return (Stream(own + element) - Load(mean + column)) * Load(factor + column) +
             Load(added + column);
    };
    const auto norm_of_one = [&](int64_t element, int64_t channel) {
      return (Read(own[element]) - mean[channel]) * factor[channel] + added[channel];
    };
    if (residual == nullptr) {
      Sweep(
          cut, part,
          [&](int64_t element, int64_t column) {
            written.Put(bounds.Clip(norm(element, column)), element);
          },
          [&](int64_t element, int64_t channel) {
            Write(bounds.Clip(norm_of_one(element, channel)), to + element);
          });
      return;
    }
    const T* const more = residual + lead * cut.size();
    Sweep(
        cut, part,
        [&](int64_t element, int64_t column) {
          written.Put(bounds.Clip(norm(element, column) + Stream(more + element)), element);
        },
        [&](int64_t element, int64_t channel) {
          Write(bounds.Clip(norm_of_one(element, channel) + Read(more[element])), to + element);
        });
  });
}

template <typename T>
void Backward(ffi::ThreadPool& pool, const Cut& cut, const Known<T>& known, float epsilon,
              Bounds bounds, const Gradients<T>& to) {
  thread_local Buffer buffer;
  const int64_t sums = 2 * cut.channels * cut.parts, factors = 4 * cut.columns;
  auto* const memory =
      static_cast<float*>(buffer.Get(sizeof(float) * cut.leading * (sums + factors)));
  float* const coefficients = memory + cut.leading * sums;
  const auto gradient = [&](int64_t element) {
    const Floats g = Stream(known.dy + element);
    return known.y == nullptr ? g : bounds.Passed(g, Stream(known.y + element));
  };
  const auto gradient_of_one = [&](int64_t element) {
    const float g = Read(known.dy[element]);
    return known.y == nullptr ? g : bounds.Passed(g, Read(known.y[element]));
  };
  for (int64_t lead = 0; lead < cut.leading; ++lead) {
    cut.Widen(known.mean + lead * cut.channels, coefficients + lead * factors);
  }
  Split(pool, cut.leading * cut.parts, [&](int64_t task) {
    const int64_t lead = task / cut.parts, part = task % cut.parts;
    const int64_t before = lead * cut.size();
    const float* const mean = coefficients + lead * factors;
    float* const first = memory + 2 * cut.channels * task;
    Sum(
        cut, cut.begin(part), cut.begin(part + 1), cut.end_row(part),
        static_cast<float*>(Scratch(sizeof(float) * 2 * cut.columns)), first,
        first + cut.channels,
        [&](int64_t element, int64_t column, Floats* sum) {
          const Floats g = gradient(before + element);
          sum[0] += g;
          sum[1] += g * (Stream(known.x + before + element) - Load(mean + column));
        },
        [&](int64_t element, int64_t channel, float* sum) {
          const float g = gradient_of_one(before + element);
          sum[0] += g;
          sum[1] += g * (Read(known.x[before + element]) - mean[channel]);
        });
  });
  for (int64_t lead = 0; lead < cut.leading; ++lead) {
    float* const column = coefficients + lead * factors;
    for (int64_t channel = 0; channel < cut.channels; ++channel) {
      double total = 0, product = 0;
      for (int64_t part = 0; part < cut.parts; ++part) {
        const float* const at = memory + lead * sums + 2 * cut.channels * part + channel;
        total += at[0];
        product += at[cut.channels];
      }
      const int64_t at = lead * cut.channels + channel;
      const double factor = 1 / std::sqrt(static_cast<double>(known.variance[at]) + epsilon);
      const double rest = known.rest[at], scale = known.scale[at];
      const double count = static_cast<double>(cut.rows);
      product = (product - rest * total) * factor;
      to.dshift[at] = static_cast<float>(total);
      to.dscale[at] = static_cast<float>(product);
      const double slope = -factor * factor * scale * product / count;
      for (int64_t each = channel; each < cut.columns; each += cut.channels) {
        column[cut.columns + each] = static_cast<float>(factor * scale);
        column[2 * cut.columns + each] = static_cast<float>(slope);
        column[3 * cut.columns + each] =
            static_cast<float>(-rest * slope - factor * scale * total / count);
      }
    }
  }
  Split(pool, cut.leading * cut.parts, [&](int64_t task) {
    const int64_t number = cut.leading * cut.parts - 1 - task;
    const int64_t lead = number / cut.parts, part = number % cut.parts;
    const int64_t before = lead * cut.size();
    const float* const mean = coefficients + lead * factors;
    const float *const factor = mean + cut.columns, *const slope = factor + cut.columns;
    const float* const added = slope + cut.columns;
    const Written<T> written(to.dx + before, cut.size());
    const Written<T> passed(to.dresidual == nullptr ? nullptr : to.dresidual + before, cut.size());
    Sweep(
        cut, part,
        [&](int64_t element, int64_t column) {
          const int64_t at = before + element;
          const Floats g = gradient(at);
          const Floats apart = Stream(known.x + at) - Load(mean + column);
          if (to.dresidual != nullptr) passed.Put(g, element);
          written.Put(
              g * Load(factor + column) + (apart * Load(slope + column) + Load(added + column)),
              element);
        },
        [&](int64_t element, int64_t channel) {
          const int64_t at = before + element;
          const float g = gradient_of_one(at);
          const float apart = Read(known.x[at]) - mean[channel];
          if (to.dresidual != nullptr) Write(g, to.dresidual + at);
          Write(g * factor[channel] + (apart * slope[channel] + added[channel]), to.dx + at);
        });
  });
}

template void Forward(ffi::ThreadPool&, const Cut&, const Given<float>&, float, Bounds, float*,
                      Moments);
template void Forward(ffi::ThreadPool&, const Cut&, const Given<Bfloat16>&, float, Bounds, Bfloat16*,
                      Moments);
template void Backward(ffi::ThreadPool&, const Cut&, const Known<float>&, float, Bounds,
                       const Gradients<float>&);
template void Backward(ffi::ThreadPool&, const Cut&, const Known<Bfloat16>&, float, Bounds,
                       const Gradients<Bfloat16>&);

}  // namespace cnnkit
