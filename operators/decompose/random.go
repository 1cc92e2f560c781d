package decompose

// random holds RandomNormal, RandomNormalLike, RandomUniform,
// RandomUniformLike, Multinomial, Bernoulli, Dropout.
var random = family{}
