package infer

// resize holds Resize, GridSample, AffineGrid.
var resize = family{}
