package reference

// sort holds TopK, Unique.
var sort = family{}
