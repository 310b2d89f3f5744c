// Makes plans: chooses layouts, puts reorders between them, and gives all a place.
#include "plan.h"

#include <algorithm>
#include <limits>
#include <map>
#include <stdexcept>

#include "arena.h"
#include "layouts.h"

namespace cnnkit {

using dnnl::algorithm;
using dnnl::memory;
using dnnl::prop_kind;
using dims = memory::dims;
using tag = memory::format_tag;

namespace {

constexpr auto kType = memory::data_type::f32;
constexpr memory::dim kFewChannels = 16;
constexpr int64_t kForever = std::numeric_limits<int64_t>::max();

dims Spatial(const dims& shape) { return {shape.begin(), shape.end() - 1}; }

memory::desc Plain(int64_t batch, const dims& shape) {
  return ChannelsLast(batch, shape.back(), Spatial(shape), kType);
}

// A copy of attributes is the same object, so each that gets posts is made anew.
dnnl::primitive_attr Attributes() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

memory::desc Any(const memory::desc& desc) { return {desc.get_dims(), kType, tag::any}; }

// Makes the steps of a plan, one instruction after the other.
class Planner {
 public:
  Planner(const Program& program, int64_t batch, Packed& packed)
      : program_(program),
        batch_(batch),
        packed_(packed),
        values_(program.shapes.size()),
        last_(program.shapes.size(), 0) {
    for (size_t at = 0; at < program.instructions.size(); ++at) {
      for (int64_t input : program.instructions[at].inputs) last_[input] = at;
      for (const Post& post : program.instructions[at].posts) {
        if (post.function == algorithm::undef) last_[post.value] = at;
      }
    }
    for (int64_t output : program.outputs) last_[output] = kForever;
    for (size_t input = 0; input < program.inputs.size(); ++input) {
      const int64_t value = program.inputs[input];
      const Place place{Place::kInput, static_cast<int64_t>(input), nullptr};
      values_[value] = {{Plain(batch, program.shapes[value]), place}};
    }
  }

  std::shared_ptr<const Plan> Make() {
    for (at_ = 0; at_ < static_cast<int64_t>(program_.instructions.size()); ++at_) {
      Add(program_.instructions[at_]);
    }
    for (size_t output = 0; output < program_.outputs.size(); ++output) {
      Deliver(program_.outputs[output], output);
    }
    arena_.Arrange();
    for (Step& step : steps_) {
      for (Argument& argument : step.arguments) Settle(argument.place);
    }
    Examples examples{batch_, Numbers(program_.inputs), Numbers(program_.outputs),
                      program_.furthest};
    return std::make_shared<const Plan>(std::move(steps_), std::move(examples), arena_.bytes(),
                                        scratch_);
  }

 private:
  // A value in some layout.
  struct Laid {
    memory::desc desc;
    Place place;
  };

  // What the posts of an instruction ask of its primitive.
  struct Fused {
    dnnl::primitive_attr attributes;
    memory::desc result;
    std::vector<Argument> arguments;
    const Laid* onto = nullptr;  // the value that the result is added to where it lies
  };

  void Add(const Instruction& each) {
    switch (each.kind) {
      case Kind::kConvolution: return Convolution(each);
      case Kind::kDense: return Dense(each);
      case Kind::kPool: return Pool(each);
      case Kind::kGlobalMean: return GlobalMean(each);
      case Kind::kFunction: return Function(each);
      case Kind::kBinary: return Binary(each);
      case Kind::kConcatenation: return Concatenation(each);
      case Kind::kAffine: return Affine(each);
    }
  }

  // The numbers of an example of each value.
  std::vector<int64_t> Numbers(const std::vector<int64_t>& values) const {
    std::vector<int64_t> numbers;
    for (int64_t value : values) {
      numbers.push_back(1);
      for (int64_t extent : Shape(value)) numbers.back() *= extent;
    }
    return numbers;
  }

  const dims& Shape(int64_t value) const { return program_.shapes[value]; }
  const dims& Input(const Instruction& each) const { return Shape(each.inputs[0]); }
  memory::desc Result(const Instruction& each) const { return Plain(batch_, Shape(each.output)); }
  const Laid& Current(int64_t value) const { return values_[value].front(); }

  // One cell of an instruction's input.
  memory::desc Cell(const Instruction& each) const {
    return ChannelsLast(batch_, Input(each).back(), dims(Input(each).size() - 1, 1), kType);
  }

  void Convolution(const Instruction& each) {
    const auto filters = Shape(each.output).back();
    const auto outer = FiltersLast(each.groups, Input(each).back(), filters, each.size, kType);
    dims dilation = each.dilation;
    for (auto& distance : dilation) --distance;  // oneDNN counts the cells between
    // Of few channels oneDNN's own choice costs two reorders: it reads channels first, and gives what
    // the convolution behind does not want.
    const bool few = each.groups == 1 && Input(each).back() < kFewChannels;
    const auto laid = [few](const memory::desc& plain) { return few ? plain : Any(plain); };
    Fused fused = Posts(each, laid(Result(each)));
    const dnnl::convolution_forward::primitive_desc made(
        Engine(), prop_kind::forward_inference, algorithm::convolution_direct,
        laid(Plain(batch_, Input(each))), Any(outer), Bias(each), fused.result, each.stride, dilation,
        each.before, each.after, fused.attributes);
    Product(each, dnnl::convolution_forward(made), made, outer, fused);
  }

  void Dense(const Instruction& each) {
    const auto outer = FiltersLast(1, Input(each).back(), Shape(each.output).back(), {}, kType);
    Fused fused = Posts(each, Result(each));
    const dnnl::inner_product_forward::primitive_desc made(
        Engine(), prop_kind::forward_inference, Plain(batch_, Input(each)), Any(outer), Bias(each),
        fused.result, fused.attributes);
    Product(each, dnnl::inner_product_forward(made), made, outer, fused);
  }

  memory::desc Bias(const Instruction& each) const {
    if (each.bias.empty()) return {};
    return {{static_cast<memory::dim>(each.bias.size())}, kType, tag::a};
  }

  // A primitive of maps and weights.
  template <typename Made>
  void Product(const Instruction& each, const dnnl::primitive& primitive, const Made& made,
               const memory::desc& outer, Fused& fused) {
    Read(DNNL_ARG_SRC, As(each.inputs[0], made.src_desc()), fused);
    const void* weights = packed_.Get(at_, each.weights, outer, made.weights_desc());
    fused.arguments.push_back({DNNL_ARG_WEIGHTS, made.weights_desc(), Kept(weights)});
    if (!each.bias.empty()) {
      fused.arguments.push_back({DNNL_ARG_BIAS, made.bias_desc(), Kept(each.bias.data())});
    }
    Emit(each, primitive, made, fused);
  }

  void Pool(const Instruction& each) {
    Slide(each, each.algorithm, each.size, each.stride, each.before, each.after, Result(each));
  }

  void GlobalMean(const Instruction& each) {
    const dims whole = Spatial(Input(each)), none(whole.size(), 0);
    Slide(each, algorithm::pooling_avg_exclude_padding, whole, whole, none, none, Cell(each));
    // A cell whose channels lie together is a vector.
    values_[each.output] = {{Result(each), As(each.output, Cell(each)).place}};
  }

  void Slide(const Instruction& each, algorithm by, const dims& size, const dims& stride,
             const dims& before, const dims& after, const memory::desc& result) {
    const Laid source = Current(each.inputs[0]);
    const dnnl::pooling_forward::primitive_desc made(
        Engine(), prop_kind::forward_inference, by, source.desc, Any(result), stride, size,
        dims(size.size(), 0), before, after, Attributes());
    Fused fused{Attributes(), made.dst_desc(), {}};
    Read(DNNL_ARG_SRC, source, fused);
    Emit(each, dnnl::pooling_forward(made), made, fused);
  }

  void Function(const Instruction& each) {
    const Laid source = Current(each.inputs[0]);
    const Post& post = each.posts[0];
    const dnnl::eltwise_forward::primitive_desc made(
        Engine(), prop_kind::forward_inference, post.function, source.desc, source.desc, post.alpha,
        post.beta, Attributes());
    Fused fused{Attributes(), made.dst_desc(), {}};
    Read(DNNL_ARG_SRC, source, fused);
    Emit(each, dnnl::eltwise_forward(made), made, fused);
  }

  void Binary(const Instruction& each) {
    const Laid first = Current(each.inputs[0]);
    const auto& shape = Shape(each.inputs[1]);
    Laid second = As(each.inputs[1], shape == Input(each) ? first.desc : Plain(batch_, shape));
    if (shape.size() < Input(each).size()) second.desc = Cell(each);  // a vector for all cells
    Fused fused = Posts(each, first.desc);
    Pairwise(each, each.algorithm, first, {DNNL_ARG_SRC_1, second.desc, second.place}, fused);
  }

  void Affine(const Instruction& each) {
    const Laid source = Current(each.inputs[0]);
    const memory::desc vector =
        ChannelsLast(1, Input(each).back(), dims(Input(each).size() - 1, 1), kType);
    Fused fused = Posts(each, source.desc, &vector);
    Pairwise(each, algorithm::binary_mul, source,
             {DNNL_ARG_SRC_1, vector, Kept(packed_.Get(at_, each.weights, vector, vector))}, fused);
  }

  void Pairwise(const Instruction& each, algorithm by, const Laid& first, const Argument& second,
                Fused& fused) {
    const dnnl::binary::primitive_desc made(Engine(), by, first.desc, second.desc, fused.result,
                                            fused.attributes);
    Read(DNNL_ARG_SRC_0, first, fused);
    fused.arguments.push_back(second);
    Emit(each, dnnl::binary(made), made, fused);
  }

  void Concatenation(const Instruction& each) {
    std::vector<memory::desc> sources;
    Fused fused{Attributes(), {}, {}};
    for (int64_t input : each.inputs) {
      const Laid source = Current(input);
      Read(DNNL_ARG_MULTIPLE_SRC + static_cast<int>(sources.size()), source, fused);
      sources.push_back(source.desc);
    }
    const dnnl::concat::primitive_desc made(Engine(), 1, sources, Attributes());
    Emit(each, dnnl::concat(made), made, fused);
  }

  // The posts of an instruction, after the addition of its bias where `shift` says how it lies.
  Fused Posts(const Instruction& each, const memory::desc& result,
              const memory::desc* shift = nullptr) {
    Fused fused{Attributes(), result, {}};
    dnnl::post_ops posts;
    const auto append = [&](const memory::desc& desc, const Place& place) {
      const int argument = DNNL_ARG_ATTR_MULTIPLE_POST_OP(posts.len()) | DNNL_ARG_SRC_1;
      posts.append_binary(algorithm::binary_add, desc);
      fused.arguments.push_back({argument, desc, place});
    };
    if (shift) append(*shift, Kept(each.bias.data()));
    for (const Post& post : each.posts) {
      if (post.function != algorithm::undef) {
        posts.append_eltwise(post.function, post.alpha, post.beta);
        continue;
      }
      const Laid& added = Current(post.value);
      fused.result = added.desc;
      if (posts.len() == 0 && MayOverwrite(each, post.value)) {
        posts.append_sum();
        fused.onto = &added;
      } else {
        append(added.desc, added.place);
      }
    }
    fused.attributes.set_post_ops(posts);
    return fused;
  }

  // Whether nothing reads a value but the post of the instruction that is being made.
  bool MayOverwrite(const Instruction& each, int64_t value) const {
    return last_[value] == at_ && Current(value).place.in == Place::kArena &&
           std::count(each.inputs.begin(), each.inputs.end(), value) == 0 &&
           (each.kind == Kind::kConvolution || each.kind == Kind::kDense);
  }

  static Place Kept(const void* data) { return {Place::kWeights, 0, data}; }

  static void Read(int argument, const Laid& laid, Fused& fused) {
    fused.arguments.push_back({argument, laid.desc, laid.place});
  }

  // A value in a layout, which it is brought into where it has another.
  Laid As(int64_t value, const memory::desc& desc) {
    for (const Laid& laid : values_[value]) {
      if (laid.desc == desc) return laid;
    }
    const Laid to{desc, Allocate(desc)};
    Reordering(Current(value), to);
    values_[value].push_back(to);
    return to;
  }

  void Reordering(const Laid& from, const Laid& to) {
    const dnnl::reorder::primitive_desc made(Engine(), from.desc, Engine(), to.desc, Attributes());
    Append(dnnl::reorder(made), made.scratchpad_desc(),
           {{DNNL_ARG_FROM, from.desc, from.place}, {DNNL_ARG_TO, to.desc, to.place}});
  }

  template <typename Made>
  void Emit(const Instruction& each, const dnnl::primitive& primitive, const Made& made,
            Fused& fused) {
    const memory::desc desc = made.dst_desc();
    const Place place = fused.onto ? fused.onto->place : Allocate(desc);
    fused.arguments.push_back({DNNL_ARG_DST, desc, place});
    const bool watched = program_.watched[each.output];
    if (watched && !Apart(desc)) throw std::logic_error("examples lie among each other");
    Append(primitive, made.scratchpad_desc(), fused.arguments, watched);
    values_[each.output] = {{desc, place}};
  }

  // Whether each example is a block of its own, where these are looked at one by one.
  bool Apart(const memory::desc& desc) const {
    return batch_ == 1 || desc.get_strides()[0] * sizeof(float) * batch_ == desc.get_size();
  }

  Place Allocate(const memory::desc& desc) {
    return {Place::kArena, arena_.Allocate(desc.get_size(), steps_.size()), nullptr};
  }

  void Append(const dnnl::primitive& primitive, const memory::desc& scratch,
              std::vector<Argument> arguments, bool watched = false) {
    for (const Argument& argument : arguments) {
      if (argument.place.in == Place::kArena) arena_.Use(argument.place.index, steps_.size());
    }
    arguments.push_back({DNNL_ARG_SCRATCHPAD, scratch, {Place::kScratch, 0, nullptr}});
    steps_.push_back({primitive, std::move(arguments), watched});
    scratch_ = std::max<int64_t>(scratch_, scratch.get_size());
  }

  // Has a value lie at an output.
  void Deliver(int64_t value, int64_t output) {
    const memory::desc plain = Plain(batch_, Shape(value));
    for (const Laid& laid : values_[value]) {
      if (laid.desc != plain || laid.place.in != Place::kArena) continue;
      if (delivered_.emplace(laid.place.index, output).second) {
        arena_.Release(laid.place.index);
        return;
      }
    }
    Reordering(Current(value), {plain, {Place::kOutput, output, nullptr}});
  }

  // Where a block is in the end.
  void Settle(Place& place) const {
    if (place.in != Place::kArena) return;
    const auto found = delivered_.find(place.index);
    place = found == delivered_.end()
                ? Place{Place::kArena, arena_.offset(place.index), nullptr}
                : Place{Place::kOutput, found->second, nullptr};
  }

  const Program& program_;
  const int64_t batch_;
  Packed& packed_;
  std::vector<std::vector<Laid>> values_;  // of each value the layout that it was made in, and others
  std::vector<int64_t> last_;              // the instruction that reads a value last
  std::vector<Step> steps_;
  Arena arena_;
  std::map<int64_t, int64_t> delivered_;  // blocks that lie at an output instead
  int64_t scratch_ = 0;
  int64_t at_ = 0;
};

}  // namespace

std::shared_ptr<const Plan> Planned(const Program& program, int64_t batch, Packed& packed) {
  return Planner(program, batch, packed).Make();
}

}  // namespace cnnkit
