package decompose

// gather holds Gather, GatherElements, GatherND, ScatterElements, ScatterND,
// TensorScatter, OneHot, NonZero.
var gather = family{}
