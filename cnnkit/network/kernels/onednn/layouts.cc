#include "layouts.h"

namespace cnnkit {

using dnnl::memory;
using dims = memory::dims;
using tag = memory::format_tag;

const dnnl::engine& Engine() {
  static const auto* engine = new dnnl::engine(dnnl::engine::kind::cpu, 0);
  return *engine;
}

dnnl::stream& Stream() {
  thread_local dnnl::stream stream(Engine());
  return stream;
}

memory::desc ChannelsLast(memory::dim batch, memory::dim channels, const dims& spatial,
                          memory::data_type type) {
  constexpr tag kTags[] = {tag::nc, tag::nwc, tag::nhwc, tag::ndhwc};
  dims all{batch, channels};
  all.insert(all.end(), spatial.begin(), spatial.end());
  return {all, type, kTags[spatial.size()]};
}

dims FilterDims(memory::dim groups, memory::dim channels, memory::dim filters, const dims& kernel) {
  dims all{filters / groups, channels / groups};
  if (groups > 1) all.insert(all.begin(), groups);
  all.insert(all.end(), kernel.begin(), kernel.end());
  return all;
}

memory::desc FiltersLast(memory::dim groups, memory::dim channels, memory::dim filters,
                         const dims& kernel, memory::data_type type) {
  dims strides{1, filters};
  if (groups > 1) strides.insert(strides.begin(), filters / groups);
  dims spatial(kernel.size());
  memory::dim cells = channels / groups * filters;
  for (size_t axis = kernel.size(); axis-- > 0; cells *= kernel[axis]) spatial[axis] = cells;
  strides.insert(strides.end(), spatial.begin(), spatial.end());
  return {FilterDims(groups, channels, filters, kernel), type, strides};
}

}  // namespace cnnkit
