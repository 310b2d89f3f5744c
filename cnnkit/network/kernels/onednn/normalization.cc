// XLA's foreign functions for a batch norm in training and for its gradient.
//
// The operands may have leading axes, which are norms of their own (a vmapped axis).
#include <utility>

#include "calls.h"
#include "cut.h"
#include "batch_norm.h"
#include "vectors.h"
#include "xla/ffi/api/ffi.h"

namespace cnnkit {
namespace {

namespace ffi = xla::ffi;

// The norms that these shapes describe, or an exception.
Cut Read(const ffi::AnyBuffer& x, const ffi::AnyBuffer& scale) {
  const auto shape = x.dimensions();
  Require(x.element_type() == ffi::F32 || x.element_type() == ffi::BF16,
          "the maps must be float32 or bfloat16");
  Require(shape.size() >= 1 && shape.back() > 0 && x.element_count() > 0, "no axis may be empty");
  const int64_t channels = shape.back(), factors = scale.element_count();
  Require(factors > 0 && factors % channels == 0 &&
              static_cast<int64_t>(x.element_count()) % factors == 0,
          "there must be a factor for each channel");
  const int64_t leading = factors / channels;
  return Cut(leading, x.element_count() / factors, channels);
}

template <typename... Buffers>
void RequireChannels(const Cut& cut, const Buffers&... buffers) {
  for (const auto& [type, count] : {std::pair{buffers.element_type(), buffers.element_count()}...}) {
    Require(type == ffi::F32 && static_cast<int64_t>(count) == cut.leading * cut.channels,
            "what there is of each channel must be float32, one for each");
  }
}

void RequireAlike(const ffi::AnyBuffer& x, const ffi::AnyBuffer& other) {
  Require(other.element_type() == x.element_type() && other.element_count() == x.element_count(),
          "all maps must be of one type and shape");
}

using Ret = ffi::Result<ffi::AnyBuffer>;

ffi::Error Normalize(ffi::ThreadPool pool, ffi::AnyBuffer x, ffi::AnyBuffer scale,
                     ffi::AnyBuffer shift, ffi::RemainingArgs more, Ret y, Ret mean, Ret rest,
                     Ret variance, float epsilon, float low, float high) {
  return Guarded("cnnkit's batch norm", [&] {
    const Cut cut = Read(x, scale);
    RequireChannels(cut, scale, shift, *mean, *rest, *variance);
    RequireAlike(x, *y);
    Require(more.size() <= 1, "there may be one addend");
    const ffi::AnyBuffer added = more.size() == 1 ? more.get<ffi::AnyBuffer>(0).value() : x;
    RequireAlike(x, added);
    const auto run = [&](auto type) {
      using T = decltype(type);
      const T* const residual = more.size() == 1 ? At<T>(added) : nullptr;
      Forward<T>(pool, cut, {At<T>(x), residual, At<float>(scale), At<float>(shift)}, epsilon,
                 {low, high}, At<T>(*y), {At<float>(*mean), At<float>(*rest), At<float>(*variance)});
    };
    if (x.element_type() == ffi::F32) {
      run(float{});
    } else {
      run(Bfloat16{});
    }
  });
}

ffi::Error NormalizeGradient(ffi::ThreadPool pool, ffi::AnyBuffer dy, ffi::AnyBuffer x,
                             ffi::AnyBuffer scale, ffi::AnyBuffer mean, ffi::AnyBuffer rest,
                             ffi::AnyBuffer variance, ffi::RemainingArgs more, Ret dx, Ret dscale,
                             Ret dshift, ffi::RemainingRets besides, float epsilon, float low,
                             float high) {
  return Guarded("cnnkit's batch norm", [&] {
    const Cut cut = Read(x, scale);
    RequireChannels(cut, scale, mean, rest, variance, *dscale, *dshift);
    RequireAlike(x, dy);
    RequireAlike(x, *dx);
    const Bounds bounds = {low, high};
    Require(more.size() == (bounds.any() ? 1u : 0u), "a rectifier needs what it gave");
    const ffi::AnyBuffer y = more.size() == 1 ? more.get<ffi::AnyBuffer>(0).value() : x;
    RequireAlike(x, y);
    Require(besides.size() <= 1, "there may be one addend");
    const ffi::AnyBuffer dresidual = besides.size() == 1 ? *besides.get<ffi::AnyBuffer>(0).value() : x;
    RequireAlike(x, dresidual);
    const auto run = [&](auto type) {
      using T = decltype(type);
      const Known<T> known = {At<T>(dy), At<T>(x), bounds.any() ? At<T>(y) : nullptr,
                              At<float>(scale), At<float>(mean), At<float>(rest),
                              At<float>(variance)};
      Backward<T>(pool, cut, known, epsilon, bounds,
                  {At<T>(*dx), At<float>(*dscale), At<float>(*dshift),
                   besides.size() == 1 ? At<T>(dresidual) : nullptr});
    };
    if (x.element_type() == ffi::F32) {
      run(float{});
    } else {
      run(Bfloat16{});
    }
  });
}

}  // namespace
}  // namespace cnnkit

extern "C" {

__attribute__((visibility("default"))) XLA_FFI_Error* CnnkitNormalize(XLA_FFI_CallFrame* call_frame);

__attribute__((visibility("default"))) XLA_FFI_Error* CnnkitNormalizeGradient(
    XLA_FFI_CallFrame* call_frame);
}

XLA_FFI_DEFINE_HANDLER_SYMBOL(CnnkitNormalize, cnnkit::Normalize,
                              xla::ffi::Ffi::Bind()
                                  .Ctx<xla::ffi::ThreadPool>()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .RemainingArgs()
                                  .Ret<xla::ffi::AnyBuffer>()
                                  .Ret<xla::ffi::AnyBuffer>()
                                  .Ret<xla::ffi::AnyBuffer>()
                                  .Ret<xla::ffi::AnyBuffer>()
                                  .Attr<float>("epsilon")
                                  .Attr<float>("low")
                                  .Attr<float>("high"));

XLA_FFI_DEFINE_HANDLER_SYMBOL(CnnkitNormalizeGradient, cnnkit::NormalizeGradient,
                              xla::ffi::Ffi::Bind()
                                  .Ctx<xla::ffi::ThreadPool>()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .RemainingArgs()
                                  .Ret<xla::ffi::AnyBuffer>()
                                  .Ret<xla::ffi::AnyBuffer>()
                                  .Ret<xla::ffi::AnyBuffer>()
                                  .RemainingRets()
                                  .Attr<float>("epsilon")
                                  .Attr<float>("low")
                                  .Attr<float>("high"));
