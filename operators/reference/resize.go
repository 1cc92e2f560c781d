package reference

// resize holds Resize, GridSample, AffineGrid.
var resize = family{}
