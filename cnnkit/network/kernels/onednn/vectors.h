// Channels of maps, sixteen at once: kept in float32 or bfloat16, computed in float32.
#pragma once

#include <cstdint>
#include <cstring>

// All that takes or gives vectors here is inlined, so that how they are handed over is nobody's matter.
#pragma GCC diagnostic ignored "-Wpsabi"

namespace cnnkit {

constexpr int64_t kLanes = 16;

using Floats = float __attribute__((vector_size(64)));

struct Bfloat16 {
  uint16_t bits;
};

namespace internal {
using Words = uint32_t __attribute__((vector_size(64)));
using Halves = uint16_t __attribute__((vector_size(32)));
using Bytes = uint8_t __attribute__((vector_size(16)));
}  // namespace internal

inline float Read(float value) { return value; }

inline float Read(Bfloat16 value) {
  const uint32_t word = static_cast<uint32_t>(value.bits) << 16;
  float wide;
  std::memcpy(&wide, &word, sizeof wide);
  return wide;
}

inline Floats Load(const float* from) {
  Floats values;
  std::memcpy(&values, from, sizeof values);
  return values;
}

inline Floats Load(const Bfloat16* from) {
  internal::Halves halves;
  std::memcpy(&halves, from, sizeof halves);
  return reinterpret_cast<Floats>(__builtin_convertvector(halves, internal::Words) << 16);
}

// Of maps that are read from end to end: what is read soon is fetched meanwhile. Where several lie
// far apart in memory, the processor's own foresight gives half of what memory can.
template <typename T>
Floats Stream(const T* from) {
  constexpr int64_t kAhead = 4096;  // bytes
  __builtin_prefetch(reinterpret_cast<const char*>(from) + kAhead);
  return Load(from);
}

inline void Store(Floats values, float* to) { std::memcpy(to, &values, sizeof values); }

// To the nearest, of two as near to the even one; what is no number stays so.
inline void Store(Floats values, Bfloat16* to) {
  const auto words = reinterpret_cast<internal::Words>(values);
  const internal::Words nearest = (words + 0x7fff + ((words >> 16) & 1)) >> 16;
  const internal::Words chosen = values == values ? nearest : (words >> 16) | 0x40;
  const auto halves = __builtin_convertvector(chosen, internal::Halves);
  std::memcpy(to, &halves, sizeof halves);
}

// Small whole numbers, kept in a byte each.
inline Floats LoadBytes(const uint8_t* from) {
  internal::Bytes bytes;
  std::memcpy(&bytes, from, sizeof bytes);
  return __builtin_convertvector(bytes, Floats);
}

inline void StoreBytes(Floats values, uint8_t* to) {
  const auto bytes = __builtin_convertvector(__builtin_convertvector(values, internal::Words), internal::Bytes);
  std::memcpy(to, &bytes, sizeof bytes);
}

inline void Write(float value, float* to) { *to = value; }

inline void Write(float value, Bfloat16* to) {
  uint32_t word;
  std::memcpy(&word, &value, sizeof word);
  const uint32_t nearest = (word + 0x7fff + ((word >> 16) & 1)) >> 16;
  to->bits = static_cast<uint16_t>(value == value ? nearest : (word >> 16) | 0x40);
}

}  // namespace cnnkit
