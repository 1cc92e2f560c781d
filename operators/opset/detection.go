package opset

// detection holds NonMaxSuppression, RoiAlign, MaxRoiPool.
var detection = family{}
