package opset

// conv holds Conv, ConvTranspose, DeformConv, Col2Im, CausalConvWithState.
var conv = family{}
