// Memory that a thread keeps for its next call, in place of an allocation for each.
#pragma once

#include <cstdlib>
#include <memory>
#include <new>

namespace cnnkit {

class Buffer {
 public:
  // At least this many bytes, aligned to a cache line; what was here before is lost.
  void* Get(size_t bytes) {
    if (bytes > size_) {
      constexpr size_t kLine = 64;
      const size_t rounded = (bytes + kLine - 1) / kLine * kLine;
      data_.reset();
      size_ = 0;
      data_.reset(std::aligned_alloc(kLine, rounded));
      if (!data_) throw std::bad_alloc();
      size_ = rounded;
    }
    return data_.get();
  }

 private:
  struct Free {
    void operator()(void* data) const { std::free(data); }
  };
  std::unique_ptr<void, Free> data_;
  size_t size_ = 0;
};

// This thread's memory for what a primitive needs while it runs.
inline void* Scratch(size_t bytes) {
  thread_local Buffer buffer;
  return buffer.Get(bytes);
}

}  // namespace cnnkit
