package infer

// sort holds TopK, Unique.
var sort = family{}
