package infer

// cast holds Cast, CastLike, BitCast.
var cast = family{}
