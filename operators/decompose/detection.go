package decompose

// detection holds NonMaxSuppression, RoiAlign, MaxRoiPool.
var detection = family{}
