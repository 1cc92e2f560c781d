package opset

// image holds ImageDecoder.
var image = family{}
