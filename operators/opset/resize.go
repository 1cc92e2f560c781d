package opset

// resize holds Resize, GridSample, AffineGrid.
var resize = family{}
