package reference

// image holds ImageDecoder.
var image = family{}
