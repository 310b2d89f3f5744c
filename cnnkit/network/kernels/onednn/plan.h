// A program made ready for a number of examples: oneDNN's primitives, layouts and memory.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "buffer.h"
#include "dnnl.hpp"
#include "program.h"

namespace cnnkit {

// Weights in the layouts that primitives want them in: each is made once and kept.
class Packed {
 public:
  explicit Packed(const Program& program) : layouts_(program.instructions.size()) {}

  // The weights of the instruction of a number, which were given as `from` says, as `to` says. Where
  // they were given is read the first time alone.
  const void* Get(int64_t instruction, const Given& given, const dnnl::memory::desc& from,
                  const dnnl::memory::desc& to);

 private:
  struct Layout {
    dnnl::memory::desc desc;
    Buffer buffer;
  };
  std::vector<std::list<Layout>> layouts_;  // of each instruction
};

// Where something lies: in the arena or the scratch memory, with the caller, or with the weights.
struct Place {
  enum { kArena, kScratch, kInput, kOutput, kWeights } in;
  int64_t index;     // of the block, in a plan its offset; or of the input or the output
  const void* data;  // of weights
};

// What a primitive reads or writes.
struct Argument {
  int name;
  dnnl::memory::desc desc;
  Place place;
};

struct Step {
  dnnl::primitive primitive;
  std::vector<Argument> arguments;
  bool watched;  // whether its result is
};

// The numbers of one example of each input and each output, and how far from zero they may lie.
struct Examples {
  int64_t batch;
  std::vector<int64_t> inputs, outputs;
  float furthest;
};

// Primitives one after the other. Any number of threads may run one plan at once.
class Plan {
 public:
  // Of steps whose blocks are at these bytes of an arena.
  Plan(std::vector<Step> steps, Examples examples, int64_t arena, int64_t scratch)
      : steps_(std::move(steps)),
        examples_(std::move(examples)),
        arena_(arena),
        scratch_(scratch) {}

  // Computes the outputs [batch, …] from the inputs [batch, …]; NaN of an example whose numbers
  // lie too far from zero.
  void Run(const std::vector<const void*>& inputs, const std::vector<void*>& outputs) const;

 private:
  // The memory of one run, kept for the next one.
  struct Context {
    Buffer arena, scratch;
    std::vector<std::unordered_map<int, dnnl::memory>> arguments;  // of each step
    std::vector<std::pair<Place, dnnl::memory>> given;             // what lies with the caller
  };

  std::unique_ptr<Context> MakeContext() const;

  // Marks the examples [batch, …] with a number that lies too far from zero.
  void Watch(const void* data, int64_t numbers, std::vector<bool>& failed) const;

  const std::vector<Step> steps_;
  const Examples examples_;
  const int64_t arena_, scratch_;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Context>> idle_;
};

// The plan of a program for so many examples, each primitive for as many threads as OpenMP has now.
//
// Throws dnnl::error where oneDNN has no primitive for an instruction.
std::shared_ptr<const Plan> Planned(const Program& program, int64_t batch, Packed& packed);

// A program with all its plans.
class Model {
 public:
  explicit Model(Program program) : program_(std::move(program)), packed_(program_) {}

  const Program& program() const { return program_; }

  // The plan for so many examples at once by so many threads, made at the first call.
  std::shared_ptr<const Plan> For(int64_t batch, int64_t threads);

 private:
  const Program program_;
  std::mutex mutex_;
  Packed packed_;
  std::map<std::pair<int64_t, int64_t>, std::shared_ptr<const Plan>> plans_;
};

}  // namespace cnnkit
