// Large maps that are written from end to end, past the caches.
#pragma once

#include <cstdint>
#include <type_traits>

#include <immintrin.h>

#include "vectors.h"

namespace cnnkit {

// Where the vectors of maps are written to. What lies in a cache line that is written as a whole need
// not be read before: of maps that memory holds up, that is one of three accesses or four.
template <typename T>
class Written {
 public:
  // Maps of which all that are written together have so many elements.
  Written(T* maps, int64_t elements)
      : maps_(maps),
        beyond_(std::is_same_v<T, float> && elements >= kCaches / static_cast<int64_t>(sizeof(T)) &&
                reinterpret_cast<uintptr_t>(maps) % sizeof(Floats) == 0) {}
  ~Written() {
    if (beyond_) _mm_sfence();
  }
  Written(const Written&) = delete;
  Written& operator=(const Written&) = delete;

  // Writes a vector from an element on, a multiple of sixteen.
  void Put(Floats values, int64_t element) const {
    if (beyond_) {
      PutBeyond(values, maps_ + element);
    } else {
      Store(values, maps_ + element);
    }
  }

 private:
  // Bytes of maps of which the caches of some cores keep little until they are read.
  static constexpr int64_t kCaches = 4 << 20;

  static void PutBeyond(Floats values, float* to) {
#ifdef __AVX512F__
    _mm512_stream_ps(to, reinterpret_cast<__m512>(values));
#else
    float lanes[kLanes];
    Store(values, lanes);
    for (int64_t lane = 0; lane < kLanes; lane += 4) {
      _mm_stream_ps(to + lane, _mm_loadu_ps(lanes + lane));
    }
#endif
  }
  static void PutBeyond(Floats values, Bfloat16* to) { Store(values, to); }

  T* const maps_;
  const bool beyond_;
};

}  // namespace cnnkit
