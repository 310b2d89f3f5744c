// What the foreign functions that XLA calls have in common: refusals, errors, operands.
#pragma once

#include <exception>
#include <string>

#include "xla/ffi/api/ffi.h"

namespace cnnkit {

// Why a call is refused: nothing is computed from shapes that don't agree, for that would read and
// write beyond the buffers.
struct Invalid {
  std::string message;
};

inline void Require(bool holds, const char* message) {
  if (!holds) throw Invalid{message};
}

// The elements of a buffer.
template <typename T>
T* At(const xla::ffi::AnyBuffer& buffer) {
  return static_cast<T*>(buffer.untyped_data());
}

// Calls the function, and makes an error of XLA's of what it throws.
template <typename Function>
xla::ffi::Error Guarded(const char* name, Function&& function) {
  try {
    function();
    return xla::ffi::Error::Success();
  } catch (const Invalid& invalid) {
    return xla::ffi::Error::InvalidArgument(std::string(name) + ": " + invalid.message);
  } catch (const std::exception& error) {
    return xla::ffi::Error::Internal(std::string(name) + ": " + error.what());
  }
}

}  // namespace cnnkit
