#include "plan.h"

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

}  // namespace

const void* Packed::Get(const void* weights, const memory::desc& from, const memory::desc& to) {
  if (from == to) return weights;
  for (Entry& entry : entries_) {
    if (entry.weights == weights && entry.desc == to) return entry.buffer.Get(0);
  }
  entries_.emplace_back();
  Entry& entry = entries_.back();
  entry.weights = weights;
  entry.desc = to;
  Reorder(weights, from, entry.buffer.Get(to.get_size()), to);
  return entry.buffer.Get(0);
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
  for (size_t at = 0; at < steps_.size(); ++at) {
    steps_[at].primitive.execute(Stream(), context->arguments[at]);
  }
  Stream().wait();
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
