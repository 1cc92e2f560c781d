package opset

// constant holds Constant, ConstantOfShape, Range, EyeLike, which kept their
// meaning.
var constant = family{}
