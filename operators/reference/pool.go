package reference

// pool holds MaxPool, AveragePool, LpPool, GlobalMaxPool, GlobalAveragePool,
// GlobalLpPool, MaxUnpool.
var pool = family{}
