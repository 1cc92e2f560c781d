package infer

// image holds ImageDecoder.
var image = family{}
