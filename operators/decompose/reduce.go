package decompose

// reduce holds ReduceSum and its kin, ArgMax, ArgMin, CumSum, CumProd.
var reduce = family{}
