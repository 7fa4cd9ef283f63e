// The list of graph passes that a Config carries.
//
// Names are Paddle 2.6's, so that programs that look for one find it. Skiff's own passes are chosen
// by precision and not by this list: docs/api.md says what an edit of it does. Value types.
#pragma once

// The names are Paddle's. NOLINTBEGIN(readability-identifier-naming)

#include <cstddef>
#include <initializer_list>
#include <string>
#include <vector>

#include "paddle_infer_declare.h"

namespace paddle {

class PD_INFER_DECL PaddlePassBuilder {
 public:
  explicit PaddlePassBuilder(const std::vector<std::string>& passes);
  virtual ~PaddlePassBuilder();

  void SetPasses(std::initializer_list<std::string> passes);
  void AppendPass(const std::string& pass_type);
  // Throws InvalidArgument when idx is past the end.
  void InsertPass(std::size_t idx, const std::string& pass_type);
  void DeletePass(std::size_t idx);
  // Every pass of that name; none is no error.
  void DeletePass(const std::string& pass_type);
  // The place of the first pass of that name, -1 when there is none.
  std::size_t GetPassIndex(const std::string& pass_type);
  void ClearPasses();
  void AppendAnalysisPass(const std::string& pass);
  // A graph_viz_pass behind every pass.
  void TurnOnDebug();
  // "Passes to apply:\n  - name\n ...".
  std::string DebugString();
  const std::vector<std::string>& AllPasses() const;
  std::vector<std::string> AnalysisPasses() const;

 protected:
  std::vector<std::string> passes_;
  std::vector<std::string> analysis_passes_;
};

class PD_INFER_DECL PassStrategy : public PaddlePassBuilder {
 public:
  explicit PassStrategy(const std::vector<std::string>& passes);
  ~PassStrategy() override;

  // The list without oneDNN, then what oneDNN adds, or the list for INT8 instead of it.
  virtual void EnableMKLDNN();
  virtual void EnableMkldnnInt8();
  virtual void EnableMkldnnQuantizer();
  virtual void EnableMkldnnBfloat16();
  virtual void DisableMkldnnFcPasses();
  bool use_gpu() const;

  // The same under the names of Paddle 3.
  void EnableONEDNN() { EnableMKLDNN(); }
  void EnableOnednnInt8() { EnableMkldnnInt8(); }
};

class PD_INFER_DECL CpuPassStrategy : public PassStrategy {
 public:
  CpuPassStrategy();
  ~CpuPassStrategy() override;
};

}  // namespace paddle

// NOLINTEND(readability-identifier-naming)
