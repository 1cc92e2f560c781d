package decompose

// slice holds Slice, Concat, Split, Pad, Trilu, ReverseSequence, Compress,
// CenterCropPad.
var slice = family{}
