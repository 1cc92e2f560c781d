package decompose

// resize holds Resize, GridSample, AffineGrid.
var resize = family{}
