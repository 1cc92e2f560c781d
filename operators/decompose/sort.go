package decompose

// sort holds TopK, Unique.
var sort = family{}
