// What the steps that run oneDNN primitives share: the per-thread state and the kernel's name.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/dims.h"
#include "onednn/primitive.h"
#include "steps/step.h"

namespace skiff::steps {

// The primitives of one thread for the extents that it saw last. Used by one thread.
class OnednnState : public StepState {
 public:
  using Key = std::array<Dims, 2>;
  // Enough for the handful of sizes that a server alternates between, each with a part of its
  // batch; making one costs about a millisecond, and oneDNN's own cache keeps the generated code.
  static constexpr size_t kMaxPrimitives = 16;

  // Makes `current` the primitive for `key`, calling make() when it is not there.
  template <typename Make>
  Status Select(const Key& key, const Make& make) {
    const auto found = std::find_if(entries_.begin(), entries_.end(),
                                    [&](const Entry& entry) { return entry.key == key; });
    if (found != entries_.end()) {
      std::rotate(entries_.begin(), found, found + 1);
    } else {
      current_ = nullptr;
      if (entries_.size() == kMaxPrimitives) entries_.pop_back();
      Result<std::unique_ptr<onednn::Primitive>> made = make();
      if (!made.ok()) return made.status();
      entries_.insert(entries_.begin(), Entry{key, *std::move(made)});
    }
    current_ = entries_.front().primitive.get();
    return OkStatus();
  }
  // For extents without elements there is nothing to run.
  void SelectNone() { current_ = nullptr; }
  // Null after SelectNone.
  [[nodiscard]] onednn::Primitive* current() const { return current_; }

 private:
  struct Entry {
    Key key;
    std::unique_ptr<onednn::Primitive> primitive;
  };
  std::vector<Entry> entries_;  // most recently used first
  onednn::Primitive* current_ = nullptr;
};

// What a step computes in, as explain() calls it.
inline const char* PrecisionName(const onednn::Storages& storages) {
  return storages.src == onednn::Storage::kBfloat16 ? "bf16" : "fp32";
}

// oneDNN chooses a kernel when extents are known; explain() wants the latest choice. Thread-safe.
class KernelName {
 public:
  // Called when extents change; allocates only where the choice does.
  void Set(const std::string& name) {
    const std::lock_guard lock(mutex_);
    if (name_ != name) name_ = name;
  }
  [[nodiscard]] std::string Get() const {
    const std::lock_guard lock(mutex_);
    return name_.empty() ? "onednn" : "onednn:" + name_;
  }

 private:
  mutable std::mutex mutex_;
  std::string name_;
};

}  // namespace skiff::steps
