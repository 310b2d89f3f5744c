// oneDNN's convolutions for a part of a batch, made once for each shape.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "dnnl.hpp"

namespace cnnkit {

enum class Operation : int64_t { kForward = 0, kDataGradient = 1, kFilterGradient = 2 };

// What a convolution computes. Maps lie as [batch, *spatial, channels], filters as
// [*kernel, channels / groups, filters].
struct Geometry {
  Operation operation;
  dnnl::memory::data_type type;     // of the maps, and of the filters unless they are the result
  dnnl::memory::dim batch;
  dnnl::memory::dim channels, filters, groups;
  dnnl::memory::dims input, kernel, output;  // spatial extents
  dnnl::memory::dims stride, before, after, dilation;

  std::vector<int64_t> Key() const;
};

// A convolution of a geometry by one thread, in oneDNN's layout of the filters.
//
// Any number of threads may execute one primitive at once: all its memory is the caller's.
class Primitive {
 public:
  // The primitive of a geometry, made at the first call and kept. Its layout of the filters is the
  // one that suits `model`, a geometry with the same filters, so that all parts share it.
  // Throws dnnl::error where oneDNN has none.
  static std::shared_ptr<const Primitive> Get(const Geometry& geometry, const Geometry& model);

  // `layout` of the filters may be of any kind: then it is oneDNN's choice.
  Primitive(const Geometry& geometry, const dnnl::memory::desc& layout);

  // Bytes of the filters in oneDNN's layout.
  size_t filter_bytes() const { return inner_.get_size(); }

  // Whether both have the filters in one layout.
  bool Shares(const Primitive& other) const { return inner_ == other.inner_; }

  // Filters from the user's layout to oneDNN's, or their gradient, in float32, back.
  void Reorder(const void* from, void* to) const;

  // Computes `result` from the two operands, with the filters among the three packed.
  //
  // In order: forward x, filters -> y; data gradient dy, filters -> dx; filter gradient
  // x, dy -> filters in float32.
  void Run(const void* first, const void* second, void* result) const;

 private:
  dnnl::primitive convolution_;
  dnnl::memory::desc input_, output_, inner_, outer_, scratch_, reorder_scratch_;
  dnnl::reorder reorder_;
  Operation operation_;
};

}  // namespace cnnkit
