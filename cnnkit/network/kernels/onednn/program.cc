#include "program.h"

#include <cstring>
#include <stdexcept>

namespace cnnkit {
namespace {

using dnnl::algorithm;
using Numbers = std::vector<int64_t>;

// In the order of the names in `inference.py`.
constexpr algorithm kFunctions[] = {
    algorithm::undef,           algorithm::eltwise_relu,      algorithm::eltwise_clip_v2,
    algorithm::eltwise_elu,     algorithm::eltwise_swish,     algorithm::eltwise_logistic,
    algorithm::eltwise_tanh,    algorithm::eltwise_gelu_erf,  algorithm::eltwise_gelu_tanh,
    algorithm::eltwise_hardswish, algorithm::eltwise_hardsigmoid, algorithm::eltwise_mish,
    algorithm::eltwise_soft_relu};
constexpr algorithm kPools[] = {algorithm::pooling_max, algorithm::pooling_avg_exclude_padding,
                                algorithm::pooling_avg_include_padding};
constexpr algorithm kBinaries[] = {algorithm::binary_add, algorithm::binary_sub,
                                   algorithm::binary_mul, algorithm::binary_max,
                                   algorithm::binary_min};

// Numbers that are read one after the other.
class Reader {
 public:
  Reader(const int64_t* code, int64_t length) : at_(code), end_(code + length) {}

  int64_t Number() {
    if (at_ == end_) throw std::invalid_argument("the program ends too early");
    return *at_++;
  }

  int64_t Below(int64_t bound) {
    const int64_t number = Number();
    if (number < 0 || number >= bound) throw std::invalid_argument("a number is out of range");
    return number;
  }

  // How many, and these.
  Numbers List(int64_t bound) {
    Numbers numbers(Below(end_ - at_ + 1));
    for (auto& number : numbers) number = Below(bound);
    return numbers;
  }

  float Real() {
    const int64_t bits = Number();
    double value;
    std::memcpy(&value, &bits, sizeof value);
    return static_cast<float>(value);
  }

  bool done() const { return at_ == end_; }

 private:
  const int64_t* at_;
  const int64_t* const end_;
};

template <size_t N>
algorithm OneOf(const algorithm (&table)[N], int64_t index) {
  if (index < 0 || index >= static_cast<int64_t>(N)) {
    throw std::invalid_argument("there is no such algorithm");
  }
  return table[index];
}

int64_t Product(const Numbers& numbers) {
  int64_t product = 1;
  for (int64_t number : numbers) product *= number;
  return product;
}

void Require(bool holds, const char* message) {
  if (!holds) throw std::invalid_argument(message);
}

// That its weights are as many as its shapes say: oneDNN would read beyond them.
void Check(const Program& program, const Instruction& each) {
  const auto& output = program.shapes[each.output];
  Require(!each.inputs.empty(), "an instruction reads nothing");
  const auto& input = program.shapes[each.inputs[0]];
  const int64_t weights = each.weights.count;
  const auto bias = static_cast<int64_t>(each.bias.size());
  switch (each.kind) {
    case Kind::kConvolution:
      Require(each.groups > 0 && input.back() % each.groups == 0 &&
                  output.back() % each.groups == 0,
              "channels and filters must split into the groups");
      Require(weights == Product(each.size) * (input.back() / each.groups) * output.back(),
              "the weights of a convolution are of another shape");
      break;
    case Kind::kDense:
      Require(input.size() == 1 && output.size() == 1, "a dense layer reads vectors");
      Require(weights == input[0] * output[0], "the weights of a dense layer are of another shape");
      break;
    case Kind::kAffine:
      Require(weights == output.back() && bias == output.back(), "a factor and a shift a channel");
      break;
    case Kind::kBinary:
      Require(each.inputs.size() == 2, "a binary operation reads two values");
      break;
    case Kind::kFunction:
      Require(each.posts.size() == 1, "one function at a time");
      break;
    default:
      break;
  }
  if (each.kind == Kind::kConvolution || each.kind == Kind::kPool) {
    const size_t rank = input.size() - 1;
    for (const auto* extents : {&each.size, &each.stride, &each.before, &each.after, &each.dilation}) {
      Require(extents->size() == rank, "a window must have the axes of its input");
    }
  }
  Require(bias == 0 || bias == output.back(), "one bias a filter");
}

}  // namespace

Program Program::Read(const int64_t* code, int64_t length, const float* const* arrays,
                      const int64_t* sizes, int64_t count) {
  constexpr int64_t kLargest = INT64_C(1) << 40;
  Reader read(code, length);
  Program program;
  const int64_t values = read.Below(length);
  for (int64_t value = 0; value < values; ++value) {
    program.shapes.push_back(read.List(kLargest));
    Require(!program.shapes.back().empty() && program.shapes.back().size() <= 4,
            "a value must have 1 to 4 axes");
    for (int64_t extent : program.shapes.back()) Require(extent > 0, "no axis may be empty");
  }
  program.inputs = read.List(values);
  program.outputs = read.List(values);
  program.watched.resize(values);
  for (int64_t value : read.List(values)) program.watched[value] = true;
  program.furthest = read.Real();
  std::vector<bool> known(values, false);
  for (int64_t input : program.inputs) known[input] = true;
  const auto array = [&](int64_t index) {
    return index == 0 ? Given() : Given{arrays[index - 1], sizes[index - 1]};
  };
  for (int64_t left = read.Below(length); left > 0; --left) {
    Instruction each;
    each.kind = static_cast<Kind>(read.Below(8));
    each.output = read.Below(values);
    each.inputs = read.List(values);
    const int64_t which = read.Number();
    each.algorithm = each.kind == Kind::kPool     ? OneOf(kPools, which)
                     : each.kind == Kind::kBinary ? OneOf(kBinaries, which)
                                                  : algorithm::undef;
    each.groups = read.Number();
    for (auto* extents : {&each.size, &each.stride, &each.before, &each.after, &each.dilation}) {
      *extents = read.List(kLargest);
    }
    each.weights = array(read.Below(count + 1));
    const Given bias = array(read.Below(count + 1));
    each.bias.assign(bias.data, bias.data + bias.count);
    for (int64_t posts = read.Below(length); posts > 0; --posts) {
      const algorithm function = OneOf(kFunctions, read.Number());
      const float alpha = read.Real(), beta = read.Real();
      each.posts.push_back({function, alpha, beta, read.Below(values)});
    }
    for (int64_t input : each.inputs) Require(known[input], "a value is read before it is there");
    for (const Post& post : each.posts) {
      if (post.function != algorithm::undef) continue;
      Require(known[post.value] && program.shapes[post.value] == program.shapes[each.output],
              "what is added must be there, and of the result's shape");
    }
    Check(program, each);
    Require(!known[each.output], "a value is written twice");
    known[each.output] = true;
    program.instructions.push_back(std::move(each));
  }
  for (int64_t output : program.outputs) Require(known[output], "an output is not computed");
  Require(read.done(), "the program goes on beyond its end");
  return program;
}

}  // namespace cnnkit
