package decompose

// image holds ImageDecoder.
var image = family{}
