// XLA's foreign function for a part of a network at inference, and where its program is kept.
//
// Examples are dealt out over XLA's threads, and each thread takes some of them through the whole
// program, so that what it works on stays in its cache and no thread waits for another. Where there
// are fewer examples than threads, oneDNN splits each operation.
#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "plan.h"
#include "pool.h"
#include "program.h"
#include "xla/ffi/api/ffi.h"

namespace cnnkit {
namespace {

namespace ffi = xla::ffi;

// The models of this process by their numbers, which no later one is given again.
class Models {
 public:
  int32_t Add(std::shared_ptr<Model> model) {
    std::lock_guard<std::mutex> lock(mutex_);
    models_.emplace(++newest_, std::move(model));
    return newest_;
  }

  void Remove(int32_t number) {
    std::lock_guard<std::mutex> lock(mutex_);
    models_.erase(number);
  }

  std::shared_ptr<Model> Find(int32_t number) {
    std::lock_guard<std::mutex> lock(mutex_);
    const auto found = models_.find(number);
    return found == models_.end() ? nullptr : found->second;
  }

 private:
  std::mutex mutex_;
  std::map<int32_t, std::shared_ptr<Model>> models_;
  int32_t newest_ = 0;
};

Models& All() {
  static auto* models = new Models;
  return *models;
}

// An operand or a result, and the bytes of one example of it.
template <typename Pointer>
struct Batch {
  Pointer data;
  int64_t bytes;
};

// Whether a buffer is a batch of a value.
bool Is(const ffi::AnyBuffer& buffer, const dnnl::memory::dims& shape, int64_t batch) {
  const auto extents = buffer.dimensions();
  return buffer.element_type() == ffi::F32 && extents.size() == shape.size() + 1 &&
         extents[0] == batch && std::equal(shape.begin(), shape.end(), extents.begin() + 1);
}

int64_t Bytes(const dnnl::memory::dims& shape) {
  int64_t bytes = sizeof(float);
  for (int64_t extent : shape) bytes *= extent;
  return bytes;
}

template <typename Pointer>
std::vector<Pointer> From(const std::vector<Batch<Pointer>>& batches, int64_t example) {
  std::vector<Pointer> pointers;
  for (const auto& [data, bytes] : batches) {
    using Byte = std::conditional_t<std::is_same_v<Pointer, void*>, char*, const char*>;
    pointers.push_back(static_cast<Byte>(data) + example * bytes);
  }
  return pointers;
}

// OpenMP's threads for what this thread calls.
class Threads {
 public:
  explicit Threads(int count) : before_(omp_get_max_threads()) { omp_set_num_threads(count); }
  ~Threads() { omp_set_num_threads(before_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int before_;
};

// As many examples as a thread takes through the program at once: few, so that their maps stay in
// its cache, and more where the weights do not.
int64_t ExamplesAtOnce(const Program& program) {
  constexpr int64_t kFew = 4, kMore = 8, kManyWeights = 8 << 20;
  int64_t weights = 0;
  for (const Instruction& each : program.instructions) weights += each.weights.count;
  return weights > kManyWeights ? kMore : kFew;
}

ffi::Error Infer(ffi::ThreadPool pool, ffi::Buffer<ffi::S32> number, ffi::RemainingArgs operands,
                 ffi::RemainingRets results) {
  try {
    const auto model = All().Find(number.typed_data()[0]);
    if (!model) return ffi::Error::InvalidArgument("cnnkit's inference: there is no such model");
    const Program& program = model->program();
    const ffi::Error wrong = ffi::Error::InvalidArgument(
        "cnnkit's inference: the operands or results are not those of the model");
    if (operands.size() != program.inputs.size() || results.size() != program.outputs.size() ||
        operands.size() == 0) {
      return wrong;
    }
    int64_t batch = -1;
    std::vector<Batch<const void*>> inputs;
    for (size_t at = 0; at < program.inputs.size(); ++at) {
      const auto buffer = *operands.get<ffi::AnyBuffer>(at);
      const auto& shape = program.shapes[program.inputs[at]];
      if (batch < 0 && buffer.dimensions().size() > 0) batch = buffer.dimensions()[0];
      if (!Is(buffer, shape, batch)) return wrong;
      inputs.push_back({buffer.untyped_data(), Bytes(shape)});
    }
    std::vector<Batch<void*>> outputs;
    for (size_t at = 0; at < program.outputs.size(); ++at) {
      auto buffer = *results.get<ffi::AnyBuffer>(at);
      const auto& shape = program.shapes[program.outputs[at]];
      if (!Is(*buffer, shape, batch)) return wrong;
      outputs.push_back({buffer->untyped_data(), Bytes(shape)});
    }
    if (batch == 0) return ffi::Error::Success();
    const int64_t threads = std::max<int64_t>(1, pool.num_threads());
    if (batch < threads) {
      Threads guard(static_cast<int>(threads));
      model->For(batch, threads)->Run(From(inputs, 0), From(outputs, 0));
      return ffi::Error::Success();
    }
    // As many parts for each thread, and parts of one size, or one thread would wait for another.
    const auto divide_up = [](int64_t a, int64_t b) { return (a + b - 1) / b; };
    const int64_t each = divide_up(divide_up(batch, ExamplesAtOnce(program)), threads);
    const int64_t size = divide_up(batch, each * threads);
    Split(pool, divide_up(batch, size), [&](int64_t part) {
      const int64_t begin = part * size, count = std::min(size, batch - begin);
      model->For(count, 1)->Run(From(inputs, begin), From(outputs, begin));
    });
    return ffi::Error::Success();
  } catch (const std::exception& error) {
    return ffi::Error::Internal(std::string("oneDNN: ") + error.what());
  }
}

}  // namespace
}  // namespace cnnkit

#define CNNKIT_EXPORTED extern "C" __attribute__((visibility("default")))

// The number of a new model, or 0 with the reason in `error`. Its weights are copied into the layouts
// of its first plan, and not read afterwards.
CNNKIT_EXPORTED int32_t CnnkitAddModel(const int64_t* code, int64_t length,
                                       const float* const* arrays, const int64_t* sizes,
                                       int64_t count, char* error, int64_t capacity) {
  try {
    cnnkit::OneThread guard;
    auto model = std::make_shared<cnnkit::Model>(
        cnnkit::Program::Read(code, length, arrays, sizes, count));
    model->For(1, 1);  // what oneDNN has no primitive for is told now, and the weights are copied
    return cnnkit::All().Add(std::move(model));
  } catch (const std::exception& problem) {
    std::strncpy(error, problem.what(), capacity - 1);
    error[capacity - 1] = 0;
    return 0;
  }
}

CNNKIT_EXPORTED void CnnkitRemoveModel(int32_t number) { cnnkit::All().Remove(number); }

CNNKIT_EXPORTED XLA_FFI_Error* CnnkitInfer(XLA_FFI_CallFrame* call_frame);

XLA_FFI_DEFINE_HANDLER_SYMBOL(CnnkitInfer, cnnkit::Infer,
                              xla::ffi::Ffi::Bind()
                                  .Ctx<xla::ffi::ThreadPool>()
                                  .Arg<xla::ffi::Buffer<xla::ffi::S32>>()
                                  .RemainingArgs()
                                  .RemainingRets());
