#include "quant/judge/fingerprint.h"

#include <string>
#include <vector>

#include "quant/cache.h"

namespace skiff::quant {

std::string Fingerprint(const program::Program& program, const QuantizeOptions& options,
                        int64_t batches) {
  StateWriter all;
  all.PutText(Digest(program));
  all.PutText(Name(options.algo));
  all.Put(options.hist_percent);
  std::vector<std::vector<std::string>> lists = options.same_scale_tensor_list;
  lists.push_back(options.quantizable_op_type);
  lists.push_back(options.skip_tensor_list);
  for (const std::vector<std::string>& list : lists) {
    all.Put(list.size());
    for (const std::string& name : list) all.PutText(name);
  }
  all.PutText(Name(options.round_type));
  all.PutText(Name(options.full_range));
  for (bool flag :
       {options.weight_per_channel, options.equalize, options.bias_correction, options.reconstruct,
        options.optimize_model, options.is_full_quantize, options.int8_must_pay}) {
    all.Put(flag);
  }
  all.Put(options.stable_share);
  all.Put(batches);
  if (options.evaluation != nullptr) all.PutAll(options.evaluation->labels);
  return Digest(all.bytes());
}

}  // namespace skiff::quant
