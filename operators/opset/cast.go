package opset

// cast holds Cast, CastLike, BitCast.
var cast = family{}
