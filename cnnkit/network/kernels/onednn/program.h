// A part of a network for inference: operations one after the other, as Python describes them.
#pragma once

#include <cstdint>
#include <vector>

#include "dnnl.hpp"

namespace cnnkit {

// What is applied to an operation's result before it is written: a function, or a value added.
struct Post {
  dnnl::algorithm function;  // `undef` where a value is added
  float alpha, beta;
  int64_t value;
};

enum class Kind : int64_t {
  kConvolution = 0,
  kDense = 1,
  kPool = 2,
  kGlobalMean = 3,
  kFunction = 4,   // the only one of its posts
  kBinary = 5,
  kConcatenation = 6,  // of channels
  kAffine = 7,     // a factor and a shift a channel, and perhaps a rectifier
};

// Weights where they lie with the caller, until the first plan of a program is made.
struct Given {
  const float* data = nullptr;
  int64_t count = 0;
};

struct Instruction {
  Kind kind;
  int64_t output;
  std::vector<int64_t> inputs;
  dnnl::algorithm algorithm;  // of a pool or a binary operation
  int64_t groups;
  dnnl::memory::dims size, stride, before, after, dilation;  // of a window
  Given weights;            // [*size, channels / groups, filters], or a factor a channel
  std::vector<float> bias;  // [filters]
  std::vector<Post> posts;
};

// Values are numbered, and are [N, *spatial, channels] or [N, channels] in float32.
//
// The numbers of the inputs and of the values that are watched may be at most so far from zero. An
// example in which one lies further, or is NaN, has outputs of NaN.
struct Program {
  std::vector<dnnl::memory::dims> shapes;  // of one example of each value
  std::vector<int64_t> inputs, outputs;
  std::vector<bool> watched;  // of each value
  float furthest;
  std::vector<Instruction> instructions;

  // Of the numbers that `inference.py` writes.
  //
  // Throws std::invalid_argument where they describe no program.
  static Program Read(const int64_t* code, int64_t length, const float* const* arrays,
                      const int64_t* sizes, int64_t count);
};

}  // namespace cnnkit
