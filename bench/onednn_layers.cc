// oneDNN alone on convolutions, hot in cache, with a fused relu: what a layer of ours is read
// against.
//
//   onednn_layers int8|fp32|fp32_blocked < LAYERS
//
// int8 is u8 in and out, NHWC, s8 weights with one scale a channel; fp32 is NHWC, fp32_blocked
// whatever layout oneDNN likes best. A line of LAYERS is "batch groups in height width out
// out_height out_width kernel stride pad"; its answer is a line of milliseconds, the median.
// OMP_NUM_THREADS says how many threads.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <oneapi/dnnl/dnnl.hpp>
#include <sstream>
#include <string>
#include <unordered_map>
#include <vector>

namespace {

using dnnl::memory;

constexpr double kSeconds = 0.03;
constexpr size_t kLeastRuns = 5;

struct Layer {
  memory::dim batch, groups, in, height, width, out, out_height, out_width, kernel, stride, pad;
};

struct Kind {
  memory::data_type activation, weight;
  memory::format_tag layout;
};

memory::desc Activation(const Kind& kind, const memory::dims& dims) {
  return {dims, kind.activation, kind.layout};
}

dnnl::convolution_forward::primitive_desc Describe(const Layer& l, const Kind& kind,
                                                   const dnnl::engine& engine) {
  memory::dims weight_dims = {l.out, l.in, l.kernel, l.kernel};
  if (l.groups > 1) weight_dims = {l.groups, l.out / l.groups, l.in / l.groups, l.kernel, l.kernel};
  // Behind the last row and column as much as the output's extent asks for.
  const auto behind = [&l](memory::dim in, memory::dim out) {
    return std::max<memory::dim>((out - 1) * l.stride + l.kernel - in - l.pad, 0);
  };
  dnnl::post_ops relu;
  relu.append_eltwise(dnnl::algorithm::eltwise_relu, 0, 0);
  dnnl::primitive_attr attributes;
  attributes.set_post_ops(relu);
  if (kind.weight == memory::data_type::s8) {
    attributes.set_scales_mask(DNNL_ARG_WEIGHTS, l.groups > 1 ? 3 : 1);
  }
  return {engine,
          dnnl::prop_kind::forward_inference,
          dnnl::algorithm::convolution_direct,
          Activation(kind, {l.batch, l.in, l.height, l.width}),
          memory::desc(weight_dims, kind.weight, memory::format_tag::any),
          memory::desc({l.out}, memory::data_type::f32, memory::format_tag::x),
          Activation(kind, {l.batch, l.out, l.out_height, l.out_width}),
          {l.stride, l.stride},
          {l.pad, l.pad},
          {behind(l.height, l.out_height), behind(l.width, l.out_width)},
          attributes};
}

double MedianMs(const Layer& l, const Kind& kind, const dnnl::engine& engine) {
  const auto desc = Describe(l, kind, engine);
  const auto zeros = [&engine](const memory::desc& d) {
    memory m(d, engine);
    std::fill_n(static_cast<char*>(m.get_data_handle()), d.get_size(), 0);
    return m;
  };
  std::unordered_map<int, memory> arguments = {{DNNL_ARG_SRC, zeros(desc.src_desc())},
                                               {DNNL_ARG_WEIGHTS, zeros(desc.weights_desc())},
                                               {DNNL_ARG_BIAS, zeros(desc.bias_desc())},
                                               {DNNL_ARG_DST, zeros(desc.dst_desc())}};
  if (kind.weight == memory::data_type::s8) {
    arguments[DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS] =
        zeros({{l.out}, memory::data_type::f32, memory::format_tag::x});
  }
  const dnnl::convolution_forward convolution(desc);
  dnnl::stream stream(engine);
  const auto run = [&] {
    convolution.execute(stream, arguments);
    stream.wait();
  };
  run();
  std::vector<double> ms;
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  while (ms.size() < kLeastRuns ||
         std::chrono::duration<double>(Clock::now() - begin).count() < kSeconds) {
    const auto start = Clock::now();
    run();
    ms.push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
  }
  std::sort(ms.begin(), ms.end());
  return ms[ms.size() / 2];
}

int Answer(const Kind& kind) {
  const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    Layer l{};
    if (!(words >> l.batch >> l.groups >> l.in >> l.height >> l.width >> l.out >> l.out_height >>
          l.out_width >> l.kernel >> l.stride >> l.pad)) {
      std::fprintf(stderr, "onednn_layers: \"%s\" is not a layer\n", line.c_str());
      return 1;
    }
    std::printf("%.6f\n", MedianMs(l, kind, engine));
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  using type = memory::data_type;
  using tag = memory::format_tag;
  const std::unordered_map<std::string, Kind> kinds = {
      {"int8", {type::u8, type::s8, tag::nhwc}},
      {"fp32", {type::f32, type::f32, tag::nhwc}},
      {"fp32_blocked", {type::f32, type::f32, tag::any}}};
  const auto kind = kinds.find(argc == 2 ? argv[1] : "");
  if (kind == kinds.end()) {
    std::fprintf(stderr, "usage: onednn_layers int8|fp32|fp32_blocked < LAYERS\n");
    return 2;
  }
  try {
    return Answer(kind->second);
  } catch (const dnnl::error& error) {
    std::fprintf(stderr, "onednn_layers: %s\n", error.what());
    return 1;
  }
}
