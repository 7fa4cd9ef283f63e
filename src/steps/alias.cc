#include "steps/alias.h"

#include <cstring>
#include <utility>

#include "steps/data_step.h"

namespace skiff::steps {
namespace {

class AliasStep final : public DataStep {
 public:
  AliasStep(DType type, ShapeRule rule) : DataStep(type, "alias"), rule_(std::move(rule)) {}

  Status Reshape(ShapeContext& shapes) const override {
    SKIFF_ASSIGN_OR_RETURN(const Dims out, rule_(shapes));
    const int64_t have = shapes.in(0).Numel();
    if (have < 0 || out.Numel() != have) {
      return InvalidArgument("an array of shape " + shapes.in(0).ToString() +
                             " cannot take the shape " + out.ToString());
    }
    shapes.set_out(0, out);
    if (const IntValues* ints = shapes.ints(0)) shapes.set_out_ints(0, *ints);
    return OkStatus();
  }

  Status Run(const RunContext& run) const noexcept override {
    if (run.out[0].data != run.in[0].data) {  // the plan could not share the memory
      std::memcpy(run.out[0].data, run.in[0].data,
                  static_cast<size_t>(run.in[0].dims.Numel()) * element_size());
    }
    return OkStatus();
  }

  int AliasInput() const override { return 0; }
  bool SplitsByImage(const Dims& /*x*/) const override { return true; }

 private:
  ShapeRule rule_;
};

}  // namespace

std::unique_ptr<Step> MakeAliasStep(DType type, ShapeRule rule) {
  return std::make_unique<AliasStep>(type, std::move(rule));
}

std::unique_ptr<Step> MakeIdentityStep(DType type) {
  return MakeAliasStep(type,
                       [](const ShapeContext& shapes) -> Result<Dims> { return shapes.in(0); });
}

}  // namespace skiff::steps
