package reference

// cast holds Cast, CastLike, BitCast.
var cast = family{}
