#include "plan.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "layouts.h"

namespace cnnkit {

using dnnl::memory;

namespace {

// A server has some sizes of batches, a prediction one; a process that sees more starts anew.
constexpr size_t kMostPlans = 16;

void Reorder(const void* from, const memory::desc& as, void* to, const memory::desc& wanted) {
  memory source(as, Engine(), const_cast<void*>(from)), target(wanted, Engine(), to);
  dnnl::reorder(source, target).execute(Stream(), source, target);
  Stream().wait();
}

// Whether all numbers are at most so far from zero, which NaN is not.
bool Within(const float* numbers, int64_t count, float furthest) {
  int beyond = 0;
#pragma omp simd reduction(| : beyond)
  for (int64_t at = 0; at < count; ++at) beyond |= !(std::fabs(numbers[at]) <= furthest);
  return !beyond;
}

}  // namespace

const void* Packed::Get(int64_t instruction, const Given& given, const memory::desc& from,
                        const memory::desc& to) {
  auto& layouts = layouts_[instruction];
  for (Layout& layout : layouts) {
    if (layout.desc == to) return layout.buffer.Get(0);
  }
  Layout made{to, {}};
  void* const data = made.buffer.Get(to.get_size());
  if (layouts.empty()) {
    Reorder(given.data, from, data, to);
  } else {
    Reorder(layouts.front().buffer.Get(0), layouts.front().desc, data, to);
  }
  layouts.push_back(std::move(made));
  return data;
}

std::unique_ptr<Plan::Context> Plan::MakeContext() const {
  auto context = std::make_unique<Context>();
  char* const arena = static_cast<char*>(context->arena.Get(arena_));
  void* const scratch = context->scratch.Get(scratch_);
  for (const Step& step : steps_) {
    auto& arguments = context->arguments.emplace_back();
    for (const Argument& each : step.arguments) {
      void* data = nullptr;
      switch (each.place.in) {
        case Place::kArena: data = arena + each.place.index; break;
        case Place::kScratch: data = scratch; break;
        case Place::kWeights: data = const_cast<void*>(each.place.data); break;
        default: break;
      }
      const memory made(each.desc, Engine(), data);
      arguments.emplace(each.name, made);
      if (each.place.in == Place::kInput || each.place.in == Place::kOutput) {
        context->given.emplace_back(each.place, made);  // the same object
      }
    }
  }
  return context;
}

void Plan::Watch(const void* data, int64_t numbers, std::vector<bool>& failed) const {
  const auto* first = static_cast<const float*>(data);
  for (int64_t example = 0; example < examples_.batch; ++example) {
    if (!Within(first + example * numbers, numbers, examples_.furthest)) failed[example] = true;
  }
}

void Plan::Run(const std::vector<const void*>& inputs, const std::vector<void*>& outputs) const {
  std::unique_ptr<Context> context;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!idle_.empty()) {
      context = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (!context) context = MakeContext();
  for (auto& [place, memory] : context->given) {
    memory.set_data_handle(place.in == Place::kInput ? const_cast<void*>(inputs[place.index])
                                                     : outputs[place.index]);
  }
  std::vector<bool> failed(examples_.batch);
  for (size_t input = 0; input < inputs.size(); ++input) {
    Watch(inputs[input], examples_.inputs[input], failed);
  }
  for (size_t at = 0; at < steps_.size(); ++at) {
    const auto& arguments = context->arguments[at];
    steps_[at].primitive.execute(Stream(), arguments);
    if (!steps_[at].watched) continue;
    Stream().wait();
    const memory& result = arguments.at(DNNL_ARG_DST);
    const auto bytes = static_cast<int64_t>(result.get_desc().get_size());
    Watch(result.get_data_handle(), bytes / (4 * examples_.batch), failed);
  }
  Stream().wait();
  for (size_t output = 0; output < outputs.size(); ++output) {
    const int64_t numbers = examples_.outputs[output];
    auto* const first = static_cast<float*>(outputs[output]);
    for (int64_t example = 0; example < examples_.batch; ++example) {
      if (failed[example]) {
        std::fill_n(first + example * numbers, numbers, std::numeric_limits<float>::quiet_NaN());
      }
    }
  }
  std::lock_guard<std::mutex> lock(mutex_);
  idle_.push_back(std::move(context));
}

std::shared_ptr<const Plan> Model::For(int64_t batch, int64_t threads) {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto key = std::make_pair(batch, threads);
  if (const auto found = plans_.find(key); found != plans_.end()) return found->second;
  if (plans_.size() >= kMostPlans) plans_.clear();
  return plans_.emplace(key, Planned(program_, batch, packed_)).first->second;
}

}  // namespace cnnkit
