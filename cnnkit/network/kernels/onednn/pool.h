// Work that is split over XLA's own threads, so that no second pool fights them for the cores.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <type_traits>

#include <omp.h>

#include "xla/ffi/api/ffi.h"

namespace cnnkit {

// While it lives, the OpenMP runtime that oneDNN is linked with starts no threads from this one.
class OneThread {
 public:
  OneThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

// The tasks of one call: threads take the next one until none is left.
class Tasks {
 public:
  Tasks(int64_t count, void (*run)(void*, int64_t), void* work)
      : count_(count), run_(run), work_(work) {}

  // Takes and runs tasks until none is left to take. `work_` is not touched after that: it may be
  // gone when a thread of the pool comes late.
  void Take() {
    for (int64_t task; (task = next_.fetch_add(1)) < count_;) {
      try {
        OneThread guard;
        run_(work_, task);
      } catch (...) {
        std::lock_guard<std::mutex> lock(mutex_);
        if (!error_) error_ = std::current_exception();
      }
      std::lock_guard<std::mutex> lock(mutex_);
      if (++done_ == count_) finished_.notify_all();
    }
  }

  // Waits for tasks that other threads have taken, and throws what the first failed one threw.
  void Wait() {
    std::unique_lock<std::mutex> lock(mutex_);
    finished_.wait(lock, [this] { return done_ == count_; });
    if (error_) std::rethrow_exception(error_);
  }

 private:
  const int64_t count_;
  void (*const run_)(void*, int64_t);
  void* const work_;
  std::atomic<int64_t> next_{0};
  std::mutex mutex_;
  std::condition_variable finished_;
  int64_t done_ = 0;
  std::exception_ptr error_;
};

// Runs work(0) … work(count − 1) on the pool and on this thread, and returns when all are done.
//
// This thread takes tasks too and waits only for those that a thread has begun, so that calls
// from all threads of the pool at once can't wait for each other.
template <typename Work>
void Split(xla::ffi::ThreadPool& pool, int64_t count, Work&& work) {
  auto run = [](void* work, int64_t task) {
    (*static_cast<std::remove_reference_t<Work>*>(work))(task);
  };
  auto tasks = std::make_shared<Tasks>(count, +run, &work);
  const int64_t helpers = std::min(count, pool.num_threads()) - 1;
  for (int64_t helper = 0; helper < helpers; ++helper) {
    pool.Schedule([tasks] { tasks->Take(); });
  }
  tasks->Take();
  tasks->Wait();
}

}  // namespace cnnkit
