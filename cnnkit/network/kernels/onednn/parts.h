// How a convolution is dealt out over threads: by examples, or where these are few by rows.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "primitive.h"

namespace cnnkit {

// The bytes of an element in maps of a type.
inline int64_t BytesOf(dnnl::memory::data_type type) {
  return type == dnnl::memory::data_type::f32 ? 4 : 2;
}

// Bytes of the maps of one example.
int64_t InputBytes(const Geometry& geometry);
int64_t OutputBytes(const Geometry& geometry);

// Some examples of a convolution, or some rows of one: its cells along the first spatial axis.
struct Part {
  std::shared_ptr<const Primitive> primitive;
  int64_t input, output;  // bytes of x and y before those of this part
};

// The parts of a convolution, which together compute it (a filter gradient as their sum). Their
// primitives share one layout of the filters.
//
// `threads` is how many parts there should be at least, `examples` the most of one part.
std::vector<Part> Deal(const Geometry& geometry, int64_t threads, int64_t examples);

}  // namespace cnnkit
