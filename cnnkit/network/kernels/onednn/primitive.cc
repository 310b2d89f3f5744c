#include "primitive.h"

#include <map>
#include <mutex>
#include <string>

#include "buffer.h"
#include "layouts.h"

namespace cnnkit {
namespace {

using dnnl::memory;
using dims = memory::dims;
using tag = memory::format_tag;

// A network has some dozens of shapes; a process that sees more starts anew.
constexpr size_t kMostPrimitives = 1024;

memory::desc Maps(const Geometry& g, memory::dim channels, const dims& spatial) {
  return ChannelsLast(g.batch, channels, spatial, g.type);
}

dims Filters(const Geometry& g) { return FilterDims(g.groups, g.channels, g.filters, g.kernel); }

memory::data_type FilterType(const Geometry& g) {
  return g.operation == Operation::kFilterGradient ? memory::data_type::f32 : g.type;
}

memory::desc OuterFilters(const Geometry& g) {
  return FiltersLast(g.groups, g.channels, g.filters, g.kernel, FilterType(g));
}

// Where channels are few, oneDNN's first choice for strides takes up to 1.6 times as long as its
// second.
constexpr memory::dim kFewChannels = 64;

bool MaySkip(const Geometry& g, const dnnl::convolution_backward_data::primitive_desc& first) {
  return g.channels <= kFewChannels &&
         std::string(first.impl_info_str()) == "brgconv_strided:avx512_core";
}

bool IsJit(const dnnl::convolution_backward_data::primitive_desc& second) {
  const std::string name = second.impl_info_str();
  return name == "jit:avx512_core" || name == "jit_1x1:avx512_core";
}

}  // namespace

std::vector<int64_t> Geometry::Key() const {
  std::vector<int64_t> key{static_cast<int64_t>(operation), static_cast<int64_t>(type),
                           batch, channels, filters, groups};
  for (const dims* part : {&input, &kernel, &output, &stride, &before, &after, &dilation}) {
    key.insert(key.end(), part->begin(), part->end());  // of the same rank: no two keys run together
  }
  return key;
}

std::shared_ptr<const Primitive> Primitive::Get(const Geometry& geometry, const Geometry& model) {
  static auto* mutex = new std::recursive_mutex;
  static auto* made = new std::map<std::vector<int64_t>, std::shared_ptr<const Primitive>>;
  auto key = geometry.Key();
  const auto of_model = model.Key();
  const bool own = key == of_model;
  key.insert(key.end(), of_model.begin(), of_model.end());
  std::lock_guard<std::recursive_mutex> lock(*mutex);
  if (const auto found = made->find(key); found != made->end()) return found->second;
  const memory::desc layout = own ? memory::desc(Filters(geometry), FilterType(geometry), tag::any)
                                  : Get(model, model)->inner_;
  if (made->size() >= kMostPrimitives) made->clear();
  return made->emplace(key, std::make_shared<const Primitive>(geometry, layout)).first->second;
}

Primitive::Primitive(const Geometry& g, const memory::desc& layout)
    : input_(Maps(g, g.channels, g.input)),
      output_(Maps(g, g.filters, g.output)),
      operation_(g.operation) {
  const bool gradient = operation_ == Operation::kFilterGradient;
  const memory::desc any(Filters(g), g.type, tag::any);
  dims dilation = g.dilation;
  for (auto& distance : dilation) --distance;  // oneDNN counts the cells between
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const auto algorithm = dnnl::algorithm::convolution_direct;
  const dnnl::convolution_forward::primitive_desc forward(
      Engine(), dnnl::prop_kind::forward_training, algorithm, input_,
      operation_ == Operation::kForward ? layout : any, output_, g.stride, dilation, g.before,
      g.after, attributes);
  if (operation_ == Operation::kForward) {
    convolution_ = dnnl::convolution_forward(forward);
    inner_ = forward.weights_desc();
    scratch_ = forward.scratchpad_desc();
  } else if (operation_ == Operation::kDataGradient) {
    const auto make = [&] {
      return dnnl::convolution_backward_data::primitive_desc(
          Engine(), algorithm, input_, layout, output_, g.stride, dilation, g.before, g.after,
          forward, attributes);
    };
    auto backward = make();
    if (MaySkip(g, backward)) {
      auto second = make();  // a copy would be the same object, which `next_impl` changes
      if (second.next_impl() && IsJit(second)) backward = second;
    }
    convolution_ = dnnl::convolution_backward_data(backward);
    inner_ = backward.weights_desc();
    scratch_ = backward.scratchpad_desc();
  } else {
    const dnnl::convolution_backward_weights::primitive_desc backward(
        Engine(), algorithm, input_, layout, output_, g.stride, dilation, g.before, g.after, forward,
        attributes);
    convolution_ = dnnl::convolution_backward_weights(backward);
    inner_ = backward.diff_weights_desc();
    scratch_ = backward.scratchpad_desc();
  }
  outer_ = OuterFilters(g);
  dnnl::primitive_attr reorder_attributes;
  reorder_attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const auto& from = gradient ? inner_ : outer_;
  const auto& to = gradient ? outer_ : inner_;
  const dnnl::reorder::primitive_desc reorder(Engine(), from, Engine(), to, reorder_attributes);
  reorder_scratch_ = reorder.scratchpad_desc();
  reorder_ = dnnl::reorder(reorder);
}

void Primitive::Reorder(const void* from, void* to) const {
  const bool gradient = operation_ == Operation::kFilterGradient;
  memory source(gradient ? inner_ : outer_, Engine(), const_cast<void*>(from));
  memory target(gradient ? outer_ : inner_, Engine(), to);
  memory scratch(reorder_scratch_, Engine(), Scratch(reorder_scratch_.get_size()));
  reorder_.execute(Stream(), {{DNNL_ARG_FROM, source},
                              {DNNL_ARG_TO, target},
                              {DNNL_ARG_SCRATCHPAD, scratch}});
  Stream().wait();
}

void Primitive::Run(const void* first, const void* second, void* result) const {
  struct Slot {
    int argument;
    const memory::desc& desc;
  };
  const Slot slots[3][3] = {
      {{DNNL_ARG_SRC, input_}, {DNNL_ARG_WEIGHTS, inner_}, {DNNL_ARG_DST, output_}},
      {{DNNL_ARG_DIFF_DST, output_}, {DNNL_ARG_WEIGHTS, inner_}, {DNNL_ARG_DIFF_SRC, input_}},
      {{DNNL_ARG_SRC, input_}, {DNNL_ARG_DIFF_DST, output_}, {DNNL_ARG_DIFF_WEIGHTS, inner_}}};
  const auto& slot = slots[static_cast<int64_t>(operation_)];
  const auto in = [&](const Slot& place, const void* data) {
    return memory(place.desc, Engine(), const_cast<void*>(data));
  };
  convolution_.execute(
      Stream(),
      {{slot[0].argument, in(slot[0], first)},
       {slot[1].argument, in(slot[1], second)},
       {slot[2].argument, in(slot[2], result)},
       {DNNL_ARG_SCRATCHPAD, memory(scratch_, Engine(), Scratch(scratch_.get_size()))}});
  Stream().wait();
}

}  // namespace cnnkit
