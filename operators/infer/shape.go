package infer

// shape holds Shape, Size, Reshape, Flatten, Squeeze, Unsqueeze, Expand,
// Identity, Transpose, DepthToSpace, SpaceToDepth, Tile.
var shape = family{}
