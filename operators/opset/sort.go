package opset

// sort holds TopK, Unique.
var sort = family{}
