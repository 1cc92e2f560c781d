// Package midplane is the root of a library that lets deep-learning frameworks
// run on any hardware, and scores how well a piece of hardware is adapted.
//
// A midplane is the board in the middle of a rack: cards plug in from both
// sides. From the front, frameworks; from the back, hardware.
//
// Programs import [example.com/midplane/models] to run ONNX models and a package
// under backends to run them on. Hardware vendors implement the interfaces of
// [example.com/midplane/adapter/driver] and [example.com/midplane/operators],
// and hold what they wrote against [example.com/midplane/conformance].
//
// The root holds no code.
package midplane
