// How maps and filters lie in memory, in oneDNN's words, and what oneDNN runs on.
#pragma once

#include "dnnl.hpp"

namespace cnnkit {

const dnnl::engine& Engine();

// This thread's.
dnnl::stream& Stream();

// Maps [batch, *spatial, channels], or vectors [batch, channels]. oneDNN names the dimensions in the
// order batch, channels, spatial, wherever they lie.
dnnl::memory::desc ChannelsLast(dnnl::memory::dim batch, dnnl::memory::dim channels,
                                const dnnl::memory::dims& spatial,
                                dnnl::memory::data_type type);

// The dimensions of filters: groups where there are several, filters and channels of one, spatial.
dnnl::memory::dims FilterDims(dnnl::memory::dim groups, dnnl::memory::dim channels,
                              dnnl::memory::dim filters, const dnnl::memory::dims& kernel);

// Filters [*kernel, channels / groups, filters], in which a group's filters are together.
dnnl::memory::desc FiltersLast(dnnl::memory::dim groups, dnnl::memory::dim channels,
                               dnnl::memory::dim filters, const dnnl::memory::dims& kernel,
                               dnnl::memory::data_type type);

}  // namespace cnnkit
