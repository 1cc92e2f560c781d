package infer

// attention holds Attention, FlexAttention, LinearAttention, RotaryEmbedding.
var attention = family{}
