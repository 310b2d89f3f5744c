// XLA's foreign function for a convolution, its data gradient and its filter gradient.
//
// It is dealt out in parts over XLA's threads; oneDNN computes each on one of them. The operands may
// have any number of leading axes, which are convolutions of their own (a vmapped axis).
#include <algorithm>
#include <vector>

#include "buffer.h"
#include "calls.h"
#include "parts.h"
#include "pool.h"
#include "primitive.h"
#include "xla/ffi/api/ffi.h"

namespace cnnkit {
namespace {

namespace ffi = xla::ffi;
using dnnl::memory;
using Shape = ffi::AnyBuffer::Dimensions;
using Numbers = ffi::Span<const int64_t>;

struct Call {
  Geometry geometry;
  int64_t leading;  // convolutions in one call
};

memory::data_type TypeOf(ffi::DataType type) {
  if (type == ffi::F32) return memory::data_type::f32;
  Require(type == ffi::BF16, "the operands must be float32 or bfloat16");
  return memory::data_type::bf16;
}

// The call that these shapes describe, or an exception: nothing is computed from shapes that
// don't agree, for oneDNN would read and write beyond the buffers.
Call Read(int64_t operation, Shape x, Shape filters, Shape y, memory::data_type type,
          Numbers stride, Numbers padding, Numbers dilation, int64_t groups) {
  Require(operation >= 0 && operation <= 2, "the operation must be 0, 1 or 2");
  const size_t rank = stride.size();
  Require(rank >= 1 && rank <= 3, "there must be 1 to 3 spatial axes");
  Require(dilation.size() == rank && padding.size() == 2 * rank,
          "stride, padding and dilation must be of one rank");
  Require(x.size() >= rank + 2 && filters.size() == x.size() && y.size() == x.size(),
          "maps and filters must have as many axes");
  const size_t lead = x.size() - rank - 2;
  Call call;
  call.leading = 1;
  for (size_t axis = 0; axis < lead; ++axis) {
    Require(x[axis] == filters[axis] && x[axis] == y[axis], "the leading axes must agree");
    call.leading *= x[axis];
  }
  for (Shape shape : {x, filters, y}) {
    Require(std::all_of(shape.begin(), shape.end(), [](int64_t n) { return n > 0; }),
            "no axis may be empty");
  }
  Geometry& g = call.geometry;
  g.operation = static_cast<Operation>(operation);
  g.type = type;
  g.batch = x[lead];
  g.channels = x[lead + 1 + rank];
  g.filters = y[lead + 1 + rank];
  g.groups = groups;
  Require(y[lead] == g.batch, "the batches must agree");
  Require(groups > 0 && g.channels % groups == 0 && g.filters % groups == 0,
          "channels and filters must split into the groups");
  Require(filters[lead + rank] == g.channels / groups && filters[lead + rank + 1] == g.filters,
          "the filters must have the channels of a group and one row a filter");
  for (size_t axis = 0; axis < rank; ++axis) {
    const int64_t before = padding[2 * axis], after = padding[2 * axis + 1];
    const int64_t input = x[lead + 1 + axis], kernel = filters[lead + axis];
    Require(stride[axis] > 0 && dilation[axis] > 0 && before >= 0 && after >= 0,
            "stride and dilation must be positive, and padding not negative");
    const int64_t reach = dilation[axis] * (kernel - 1) + 1;
    Require(input + before + after >= reach, "the window must not be larger than the input");
    Require(y[lead + 1 + axis] == (input + before + after - reach) / stride[axis] + 1,
            "the output must be (input + padding - window) / stride + 1");
    g.input.push_back(input);
    g.kernel.push_back(kernel);
    g.output.push_back(y[lead + 1 + axis]);
    g.stride.push_back(stride[axis]);
    g.before.push_back(before);
    g.after.push_back(after);
    g.dilation.push_back(dilation[axis]);
  }
  return call;
}

const char* At(const void* data, int64_t bytes) { return static_cast<const char*>(data) + bytes; }
char* At(void* data, int64_t bytes) { return static_cast<char*>(data) + bytes; }

// Elements of the filters.
int64_t Weights(const Geometry& g) {
  int64_t count = g.channels / g.groups * g.filters;
  for (int64_t extent : g.kernel) count *= extent;
  return count;
}

// Threads for each convolution of a call.
int64_t Share(const Call& call, const ffi::ThreadPool& pool) {
  return std::max<int64_t>(1, pool.num_threads() / call.leading);
}

void Add(const float* more, int64_t length, float* sum) {
  for (int64_t i = 0; i < length; ++i) sum[i] += more[i];
}

// The forward convolution and the data gradient: maps and filters to maps.
void ToMaps(ffi::ThreadPool& pool, const Call& call, const void* maps, const void* filters,
            void* result) {
  const Geometry& g = call.geometry;
  const bool forward = g.operation == Operation::kForward;
  const int64_t input = InputBytes(g), output = OutputBytes(g);
  const int64_t filter = BytesOf(g.type) * Weights(g);
  // More parts than threads: a thread that another process holds up leaves its parts to the others.
  constexpr int64_t kPartBytes = 4 << 20;
  const auto parts = Deal(g, Share(call, pool), kPartBytes / (input + output));
  const int64_t count = parts.size(), packed = parts[0].primitive->filter_bytes();
  thread_local Buffer buffer;
  char* const packs = static_cast<char*>(buffer.Get(packed * call.leading));
  for (int64_t lead = 0; lead < call.leading; ++lead) {
    parts[0].primitive->Reorder(At(filters, lead * filter), packs + lead * packed);
  }
  Split(pool, call.leading * count, [&](int64_t task) {
    const int64_t lead = task / count;
    const Part& part = parts[task % count];
    const int64_t x = lead * g.batch * input + part.input;
    const int64_t y = lead * g.batch * output + part.output;
    part.primitive->Run(At(maps, forward ? x : y), packs + lead * packed,
                        At(result, forward ? y : x));
  });
}

// The filter gradient: two maps to filters. There are as many parts as threads, and their sums are
// added in order, so that a result is always the same to the last bit.
void ToFilters(ffi::ThreadPool& pool, const Call& call, const void* maps, const void* gradients,
               void* result) {
  const Geometry& g = call.geometry;
  const int64_t input = InputBytes(g), output = OutputBytes(g);
  const int64_t filter = sizeof(float) * Weights(g);
  const auto parts = Deal(g, Share(call, pool), g.batch);
  const int64_t count = parts.size(), packed = parts[0].primitive->filter_bytes();
  const int64_t length = packed / sizeof(float);
  thread_local Buffer buffer;
  auto* const sums = static_cast<float*>(buffer.Get(packed * call.leading * count));
  Split(pool, call.leading * count, [&](int64_t task) {
    const int64_t lead = task / count;
    const Part& part = parts[task % count];
    part.primitive->Run(At(maps, lead * g.batch * input + part.input),
                        At(gradients, lead * g.batch * output + part.output),
                        sums + task * length);
  });
  for (int64_t lead = 0; lead < call.leading; ++lead) {
    float* const sum = sums + lead * count * length;
    for (int64_t part = 1; part < count; ++part) Add(sum + part * length, length, sum);
    parts[0].primitive->Reorder(sum, At(result, lead * filter));
  }
}

ffi::Error Convolve(ffi::ThreadPool pool, ffi::AnyBuffer first, ffi::AnyBuffer second,
                    ffi::Result<ffi::AnyBuffer> result, int64_t operation, Numbers stride,
                    Numbers padding, Numbers dilation, int64_t groups) {
  return Guarded("cnnkit's convolution", [&] {
    OneThread guard;
    const auto type = TypeOf(first.element_type());
    Require(second.element_type() == first.element_type(), "the operands must be of one type");
    const bool to_filters = operation == static_cast<int64_t>(Operation::kFilterGradient);
    Require(result->element_type() == (to_filters ? ffi::F32 : first.element_type()),
            "maps must be of the operands' type, and a filter gradient float32");
    const Shape a = first.dimensions(), b = second.dimensions(), c = result->dimensions();
    const bool forward = operation == static_cast<int64_t>(Operation::kForward);
    const Call call =
        to_filters ? Read(operation, a, c, b, type, stride, padding, dilation, groups)
        : forward  ? Read(operation, a, b, c, type, stride, padding, dilation, groups)
                   : Read(operation, c, b, a, type, stride, padding, dilation, groups);
    (to_filters ? ToFilters : ToMaps)(pool, call, first.untyped_data(), second.untyped_data(),
                                      result->untyped_data());
  });
}

}  // namespace
}  // namespace cnnkit

extern "C" __attribute__((visibility("default"))) XLA_FFI_Error* CnnkitConvolve(
    XLA_FFI_CallFrame* call_frame);

XLA_FFI_DEFINE_HANDLER_SYMBOL(CnnkitConvolve, cnnkit::Convolve,
                              xla::ffi::Ffi::Bind()
                                  .Ctx<xla::ffi::ThreadPool>()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .Ret<xla::ffi::AnyBuffer>()
                                  .Attr<int64_t>("operation")
                                  .Attr<xla::ffi::Span<const int64_t>>("stride")
                                  .Attr<xla::ffi::Span<const int64_t>>("padding")
                                  .Attr<xla::ffi::Span<const int64_t>>("dilation")
                                  .Attr<int64_t>("groups"));
