package decompose

// cast holds Cast, CastLike, BitCast.
var cast = family{}
