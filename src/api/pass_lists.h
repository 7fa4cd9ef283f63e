// The names that Paddle 2.6.2's pass builder lists on a CPU, for programs that look for one.
#pragma once

#include <string_view>

namespace skiff::api {

// Without oneDNN.
inline constexpr std::string_view kCpuPasses[] = {
    "simplify_with_basic_ops_pass",
    "layer_norm_fuse_pass",
    "attention_lstm_fuse_pass",
    "seqconv_eltadd_relu_fuse_pass",
    "seqpool_cvm_concat_fuse_pass",
    "mul_lstm_fuse_pass",
    "fc_gru_fuse_pass",
    "mul_gru_fuse_pass",
    "seq_concat_fc_fuse_pass",
    "gpu_cpu_squeeze2_matmul_fuse_pass",
    "gpu_cpu_reshape2_matmul_fuse_pass",
    "gpu_cpu_flatten2_matmul_fuse_pass",
    "matmul_v2_scale_fuse_pass",
    "gpu_cpu_map_matmul_v2_to_mul_pass",
    "gpu_cpu_map_matmul_v2_to_matmul_pass",
    "matmul_scale_fuse_pass",
    "gpu_cpu_map_matmul_to_mul_pass",
    "fc_fuse_pass",
    "repeated_fc_relu_fuse_pass",
    "squared_mat_sub_fuse_pass",
    "conv_bn_fuse_pass",
    "conv_eltwiseadd_bn_fuse_pass",
    "conv_transpose_bn_fuse_pass",
    "conv_transpose_eltwiseadd_bn_fuse_pass",
    "is_test_pass",
    "constant_folding_pass",
};

// oneDNN puts this one in front ...
inline constexpr std::string_view kOnednnFirstPass = "mkldnn_placement_pass";

// ... and these behind.
inline constexpr std::string_view kOnednnPasses[] = {
    "squeeze2_transpose2_onednn_fuse_pass",
    "depthwise_conv_mkldnn_pass",
    "conv_bn_fuse_pass",
    "conv_eltwiseadd_bn_fuse_pass",
    "conv_affine_channel_mkldnn_fuse_pass",
    "conv_transpose_bn_fuse_pass",
    "conv_transpose_eltwiseadd_bn_fuse_pass",
    "conv_bias_mkldnn_fuse_pass",
    "conv_transpose_bias_mkldnn_fuse_pass",
    "conv_elementwise_add_mkldnn_fuse_pass",
    "conv_activation_mkldnn_fuse_pass",
    "scale_matmul_fuse_pass",
    "reshape_transpose_matmul_mkldnn_fuse_pass",
    "matmul_transpose_reshape_mkldnn_fuse_pass",
    "matmul_elementwise_add_mkldnn_fuse_pass",
    "matmul_activation_mkldnn_fuse_pass",
    "fc_mkldnn_pass",
    "fc_act_mkldnn_fuse_pass",
    "self_attention_fuse_pass",
    "batch_norm_act_fuse_pass",
    "softplus_activation_onednn_fuse_pass",
    "shuffle_channel_mkldnn_detect_pass",
    "elementwise_act_onednn_fuse_pass",
    "operator_scale_onednn_fuse_pass",
    "operator_unsqueeze2_onednn_fuse_pass",
    "operator_reshape2_onednn_fuse_pass",
};

// After EnableMkldnnInt8, instead of those.
inline constexpr std::string_view kInt8Passes[] = {
    "simplify_with_basic_ops_pass",
    "quant_dequant_mkldnn_pass",
    "mkldnn_placement_pass",
    "constant_folding_pass",
    "squeeze2_transpose2_onednn_fuse_pass",
    "layer_norm_fuse_pass",
    "attention_lstm_fuse_pass",
    "seqconv_eltadd_relu_fuse_pass",
    "fc_lstm_fuse_pass",
    "mul_lstm_fuse_pass",
    "fc_gru_fuse_pass",
    "mul_gru_fuse_pass",
    "multi_gru_fuse_pass",
    "multi_gru_seq_fuse_pass",
    "seq_concat_fc_fuse_pass",
    "gpu_cpu_squeeze2_matmul_fuse_pass",
    "gpu_cpu_reshape2_matmul_fuse_pass",
    "gpu_cpu_flatten2_matmul_fuse_pass",
    "matmul_v2_scale_fuse_pass",
    "squared_mat_sub_fuse_pass",
    "is_test_pass",
    "gpu_cpu_map_matmul_v2_to_mul_pass",
    "gpu_cpu_map_matmul_v2_to_matmul_pass",
    "matmul_scale_fuse_pass",
    "gpu_cpu_map_matmul_to_mul_pass",
    "repeated_fc_relu_fuse_pass",
    "depthwise_conv_mkldnn_pass",
    "conv_bn_fuse_pass",
    "conv_eltwiseadd_bn_fuse_pass",
    "conv_affine_channel_mkldnn_fuse_pass",
    "conv_transpose_bn_fuse_pass",
    "conv_transpose_eltwiseadd_bn_fuse_pass",
    "conv_bias_mkldnn_fuse_pass",
    "conv_transpose_bias_mkldnn_fuse_pass",
    "conv_elementwise_add_mkldnn_fuse_pass",
    "conv_activation_mkldnn_fuse_pass",
    "fc_fuse_pass",
    "repeated_fc_relu_fuse_pass",
    "fc_mkldnn_pass",
    "fc_act_mkldnn_fuse_pass",
    "matmul_transpose_reshape_mkldnn_fuse_pass",
    "batch_norm_act_fuse_pass",
    "softplus_activation_onednn_fuse_pass",
    "compute_propagate_scales_mkldnn_pass",
    "scale_matmul_fuse_pass",
    "reshape_transpose_matmul_mkldnn_fuse_pass",
    "matmul_elementwise_add_mkldnn_fuse_pass",
    "operator_scale_onednn_fuse_pass",
    "operator_unsqueeze2_onednn_fuse_pass",
    "operator_reshape2_onednn_fuse_pass",
    "cpu_quantize_placement_pass",
    "cpu_quantize_pass",
    "cpu_quantize_squash_pass",
    "quant_transpose2_dequant_onednn_fuse_pass",
};

// Around them.
inline constexpr std::string_view kAnalysisPasses[] = {
    "ir_graph_build_pass",
    "ir_analysis_pass",
    "save_optimized_model_pass",
    "ir_params_sync_among_devices_pass",
    "adjust_cudnn_workspace_size_pass",
    "inference_op_replace_pass",
};

// Always the last of them.
inline constexpr std::string_view kLastAnalysisPass = "ir_graph_to_program_pass";
// What EnableMemoryOptim adds to them.
inline constexpr std::string_view kMemoryPass = "memory_optimize_pass";

// Behind the others with bfloat16.
inline constexpr std::string_view kBfloat16Passes[] = {
    "fc_mkldnn_pass",    "fc_act_mkldnn_fuse_pass",  "cpu_bfloat16_placement_pass",
    "cpu_bfloat16_pass", "cpu_quantize_squash_pass",
};

inline constexpr std::string_view kFcPasses[] = {"fc_mkldnn_pass", "fc_act_mkldnn_fuse_pass"};

}  // namespace skiff::api
