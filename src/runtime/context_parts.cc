// The part of Context that runs steps on parts of a batch.
#include <algorithm>

#include "runtime/context.h"

namespace skiff::runtime {
namespace {

bool IsInside(const plan::Storage& storage, const StepRange& range) {
  return storage.first_step >= static_cast<int>(range.begin) &&
         storage.last_step < static_cast<int>(range.end);
}

steps::TensorShape PartOf(const steps::TensorShape& whole, int64_t parts) {
  steps::TensorShape part = whole;
  if (parts > 1) part.dims[0] /= parts;
  return part;
}

}  // namespace

Status Context::SplitIntoParts(bool whole) {
  ranges_.assign(1, {0, steps_.size(), 1});
  if (whole) return OkStatus();
  takes_whole_.assign(steps_.size(), false);
  for (;;) {
    FindTraffic();
    ranges_ = splitter_.Split(traffic_, options_.caches, pool_.threads());
    bool all_fit = true;
    for (const StepRange& range : ranges_) {
      for (size_t s = range.begin; s < range.end && range.parts > 1; ++s) {
        SKIFF_ASSIGN_OR_RETURN(const bool fits, ReshapePart(s, range.parts));
        takes_whole_[s] = !fits;
        all_fit = all_fit && fits;
      }
    }
    if (all_fit) return OkStatus();
    SKIFF_RETURN_IF_ERROR(EvaluateShapes());  // those that took a part take the whole again
  }
}

int64_t Context::parts(size_t step) const {
  const auto range = std::find_if(ranges_.begin(), ranges_.end(),
                                  [&](const StepRange& r) { return step < r.end; });
  return range == ranges_.end() ? 1 : range->parts;
}

bool Context::IsConstant(int value) const {
  return model_->values[static_cast<size_t>(value)].constant != nullptr;
}

// All that a step reads and writes has its images outermost, and as many of them, but for constants
// that have no images.
bool Context::MayTakeParts(size_t index) const {
  const plan::PlannedStep& planned = model_->steps[index];
  if (planned.inputs.empty() || takes_whole_[index] || IsConstant(planned.inputs[0])) return false;
  const Dims& x = steps_[index].in_shapes[0]->dims;
  if (x.rank() == 0 || x[0] < 2 || !planned.step->SplitsByImage(x)) return false;
  const auto has_images = [&](int v, bool same_rank) {
    const steps::TensorShape& shape = shapes_[static_cast<size_t>(v)];
    return !shape.has_ints && shape.dims.rank() > 0 && shape.dims[0] == x[0] &&
           (!same_rank || shape.dims.rank() == x.rank());
  };
  return std::all_of(planned.inputs.begin(), planned.inputs.end(),
                     [&](int v) { return has_images(v, true) != IsConstant(v); }) &&
         std::all_of(planned.outputs.begin(), planned.outputs.end(),
                     [&](int v) { return has_images(v, false); });
}

void Context::FindTraffic() {
  const auto bytes = [this](const std::vector<int>& values, bool constant) {
    int64_t sum = 0;
    for (const int v : values) {
      const auto i = static_cast<size_t>(v);
      if (IsConstant(v) != constant) continue;
      sum += shapes_[i].dims.Numel() * static_cast<int64_t>(SizeOf(model_->values[i].dtype));
    }
    return sum;
  };
  traffic_.resize(steps_.size());
  for (size_t s = 0; s < steps_.size(); ++s) {
    const plan::PlannedStep& planned = model_->steps[s];
    traffic_[s] = {
        .images = MayTakeParts(s) ? steps_[s].in_shapes[0]->dims[0] : 0,
        .input_bytes = bytes(planned.inputs, false),
        .output_bytes = planned.step->AliasInput() < 0 ? bytes(planned.outputs, false) : 0,
        .weight_bytes =
            static_cast<int64_t>(planned.step->WeightBytes()) + bytes(planned.inputs, true)};
  }
}

// False where the step makes something else of a part of its images than that part of its outputs.
Result<bool> Context::ReshapePart(size_t index, int64_t parts) {
  BoundStep& bound = steps_[index];
  const size_t inputs = bound.in_shapes.size();
  for (size_t k = 0; k < inputs; ++k) {
    const bool whole = IsConstant(model_->steps[index].inputs[k]);
    bound.part_shapes[k] = PartOf(*bound.in_shapes[k], whole ? 1 : parts);
  }
  steps::ShapeContext shapes(bound.part_in, bound.part_out, bound.state.get(), pool_.threads());
  if (!model_->steps[index].step->Reshape(shapes).ok()) return false;
  for (size_t k = 0; k < bound.out_shapes.size(); ++k) {
    const Dims want = PartOf(*bound.out_shapes[k], parts).dims;
    if (!(bound.part_out[k]->dims == want)) return false;
  }
  SKIFF_RETURN_IF_ERROR(TakeWorkspace(index, shapes));
  return true;
}

// A storage that holds more than one part is there from the first step of the range that writes it
// to the last of the one that reads it, since those run again.
void Context::FindLifetimes() {
  lifetimes_ = storages_;
  storage_parts_.assign(storages_.size(), 1);
  for (const StepRange& range : ranges_) {
    if (range.parts == 1) continue;
    const auto begin = static_cast<int>(range.begin);
    const auto end = static_cast<int>(range.end);
    for (size_t i = 0; i < storages_.size(); ++i) {
      plan::Storage& life = lifetimes_[i];
      if (!is_input_[i] && IsInside(storages_[i], range)) {
        storage_parts_[i] = range.parts;
        continue;
      }
      if (life.first_step >= begin && life.first_step < end) life.first_step = begin;
      if (life.last_step >= begin && life.last_step < end) life.last_step = end - 1;
    }
  }
}

void Context::BindParts(const StepRange& range) {
  const auto take_part = [&](const std::vector<int>& values, std::vector<steps::Tensor>* tensors,
                             std::vector<size_t>* advance) {
    for (size_t k = 0; k < values.size(); ++k) {
      (*advance)[k] = 0;
      if (IsConstant(values[k])) continue;
      const plan::ValueInfo& value = model_->values[static_cast<size_t>(values[k])];
      Dims& dims = (*tensors)[k].dims;
      dims[0] /= range.parts;
      const bool leaves = storage_parts_[static_cast<size_t>(value.storage)] == 1;
      const int64_t pixels = dims.Numel() / (value.part_of >= 0 ? dims[1] : 1);
      const int64_t elements = pixels * (value.part_of >= 0 ? (*tensors)[k].pixel_stride : 1);
      (*advance)[k] = leaves ? static_cast<size_t>(elements) * SizeOf(value.dtype) : 0;
    }
  };
  for (size_t s = range.begin; s < range.end; ++s) {
    take_part(model_->steps[s].inputs, &steps_[s].in, &steps_[s].in_advance);
    take_part(model_->steps[s].outputs, &steps_[s].out, &steps_[s].out_advance);
  }
}

// Makes the steps of a range stand so many parts further on.
void Context::Advance(const StepRange& range, int64_t parts) {
  const auto move = [parts](std::vector<steps::Tensor>& tensors, const std::vector<size_t>& by) {
    for (size_t k = 0; k < tensors.size(); ++k) {
      tensors[k].data = tensors[k].As<std::byte>() + parts * static_cast<int64_t>(by[k]);
    }
  };
  for (size_t s = range.begin; s < range.end; ++s) {
    move(steps_[s].in, steps_[s].in_advance);
    move(steps_[s].out, steps_[s].out_advance);
  }
}

}  // namespace skiff::runtime
