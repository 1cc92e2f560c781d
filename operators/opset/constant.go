package opset

// constant holds Constant, ConstantOfShape, Range, EyeLike.
var constant = family{}
