// Package operators is the operator-adaptation layer: what operators there are,
// what a device says of each, and how it runs them.
//
// The catalogue ([Lookup], [Newest], [All]) has every version of every operator
// of the ONNX specification, with its types and attributes. A device that runs
// operators implements [Backend]: [Backend.Supports] says of one node, before
// anything runs, whether the device has a kernel for it, and why not;
// [Backend.Build] makes the [Kernel], once per node. Most backends embed a
// [Registry], where kernels are filed by [Key].
//
// Kernels see operators in their newest form only: package opset lifts older
// ones. A node that a device has no kernel for may still run on it through a
// rule of package decompose.
package operators
