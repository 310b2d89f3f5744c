// Maps as rows of channels, cut into parts for threads, and sums for each channel over them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>

#include "vectors.h"

namespace cnnkit {

// How maps are cut. A wide row is as many rows as fill whole vectors, four at least: the sums of its
// columns don't wait for each other, and no channel is left over.
struct Cut {
  static constexpr int64_t kPartElements = 1 << 16;
  static constexpr int64_t kFewestColumns = 4 * kLanes;

  int64_t leading, rows, channels;
  int64_t group;    // rows of a wide row
  int64_t columns;  // channels of a wide row
  int64_t wide;     // wide rows; a last one that is not full is not among them
  int64_t parts;

  Cut(int64_t leading, int64_t rows, int64_t channels)
      : leading(leading), rows(rows), channels(channels) {
    group = kLanes / std::gcd(channels, kLanes);
    while (group * channels < kFewestColumns) group *= 2;
    columns = group * channels;
    wide = rows / group;
    parts = std::clamp<int64_t>(rows * channels / kPartElements, 1, std::max<int64_t>(1, wide));
  }

  // Elements of the maps of one norm.
  int64_t size() const { return rows * channels; }
  // The wide row that a part begins with.
  int64_t begin(int64_t part) const { return wide * part / parts; }
  // The row behind the last one of a part: the rows that fill no wide one are the last part's.
  int64_t end_row(int64_t part) const {
    return part + 1 == parts ? rows : group * begin(part + 1);
  }
  int64_t rows_of(int64_t part) const { return end_row(part) - group * begin(part); }

  // A value for each channel as one for each column.
  void Widen(const float* channel, float* column) const {
    for (int64_t at = 0; at < columns; at += channels) {
      std::copy(channel, channel + channels, column + at);
    }
  }
};

// Calls `vector(element, column)` for all vectors of a part, in blocks of wide rows, and
// `single(element, channel)` for the elements behind them.
template <typename Vector, typename Single>
void Sweep(const Cut& cut, int64_t part, Vector&& vector, Single&& single) {
  const int64_t end = cut.begin(part + 1);
  for (int64_t row = cut.begin(part); row < end; ++row) {
    for (int64_t column = 0; column < cut.columns; column += kLanes) {
      vector(row * cut.columns + column, column);
    }
  }
  const int64_t stop = cut.end_row(part) * cut.channels;
  for (int64_t element = end * cut.columns; element < stop; ++element) {
    single(element, element % cut.channels);
  }
}

// Adds the sums of so many vectors of a wide row, over some rows, to those of its columns. The rows
// are read from end to end where they are no wider, as memory likes it best.
template <int64_t vectors, typename Vector>
void SumColumns(const Cut& cut, int64_t begin, int64_t end, int64_t column, float* of_first,
                float* of_second, Vector&& vector) {
  Floats sums[vectors][2] = {};
  for (int64_t row = begin; row < end; ++row) {
#pragma GCC unroll 4
    for (int64_t each = 0; each < vectors; ++each) {
      const int64_t at = column + each * kLanes;
      vector(row * cut.columns + at, at, sums[each]);
    }
  }
#pragma GCC unroll 4
  for (int64_t each = 0; each < vectors; ++each) {
    float* const first = of_first + column + each * kLanes;
    float* const second = of_second + column + each * kLanes;
    Store(Load(first) + sums[each][0], first);
    Store(Load(second) + sums[each][1], second);
  }
}

// Sums for each channel over some rows of a part: `vector(element, column, sums)` adds to two
// vectors, `single(element, channel, sums)` to two numbers. A few rows are added up before their sum
// joins that of the rows before, so that a long sum keeps its digits.
template <typename Vector, typename Single>
void Sum(const Cut& cut, int64_t begin, int64_t end, int64_t last_row, float* columns,
         float* first, float* second, Vector&& vector, Single&& single) {
  constexpr int64_t kBlock = 16, kVectors = 4;
  float* const of_first = columns;
  float* const of_second = columns + cut.columns;
  std::fill(columns, columns + 2 * cut.columns, 0.0f);
  for (int64_t row = begin; row < end; row += kBlock) {
    const int64_t stop = std::min(end, row + kBlock);
    int64_t column = 0;
    for (; column + kVectors * kLanes <= cut.columns; column += kVectors * kLanes) {
      SumColumns<kVectors>(cut, row, stop, column, of_first, of_second, vector);
    }
    for (; column < cut.columns; column += kLanes) {
      SumColumns<1>(cut, row, stop, column, of_first, of_second, vector);
    }
  }
  for (int64_t channel = 0; channel < cut.channels; ++channel) {
    double sums[2] = {};
    for (int64_t column = channel; column < cut.columns; column += cut.channels) {
      sums[0] += of_first[column];
      sums[1] += of_second[column];
    }
    for (int64_t row = end * cut.group; row < last_row; ++row) {
      float more[2] = {};
      single(row * cut.channels + channel, channel, more);
      sums[0] += more[0];
      sums[1] += more[1];
    }
    first[channel] = static_cast<float>(sums[0]);
    second[channel] = static_cast<float>(sums[1]);
  }
}

}  // namespace cnnkit
