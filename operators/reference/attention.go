package reference

// attention holds Attention, FlexAttention, LinearAttention, RotaryEmbedding.
var attention = family{}
