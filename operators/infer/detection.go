package infer

// detection holds NonMaxSuppression, RoiAlign, MaxRoiPool.
var detection = family{}
