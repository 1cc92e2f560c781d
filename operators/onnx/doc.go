// Package onnx reads .onnx files into graphs and writes graphs as .onnx files.
//
// The decoder is written by hand on the wire format of Protocol Buffers and
// copies as little as it can: the elements of a tensor alias the bytes of the
// file, which [Load] maps into memory, wherever their alignment and the
// machine's byte order allow it. Decoding a model therefore takes time and
// memory for its nodes, not for its weights.
//
// # What is read
//
// Everything of onnx.proto that a graph is made of: every element type and
// every way to store elements, external data, sparse tensors (which become
// dense), bodies, model-local functions and all types. Training information,
// quantization annotations, device configurations, denotations and fields
// unknown to the specification are skipped.
//
// # Errors
//
// Every error about a file's contents is an [*Error] that says where in the
// model it lies; errors.Is tells its kind: [ErrNotModel], [ErrTruncated],
// [ErrInvalid], [ErrCycle], [ErrLimit], [ErrExternalData]. No bytes make the
// decoder panic, and the memory that it takes is in proportion to the size of
// the file, within the limits of [Options].
//
// # Mapped files
//
// A file that is changed or cut while it is mapped changes the model or, where
// it is cut, ends the program: the operating system offers no defence.
// [Options].Copy reads files instead.
package onnx
