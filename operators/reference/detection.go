package reference

// detection holds NonMaxSuppression, RoiAlign, MaxRoiPool.
var detection = family{}
